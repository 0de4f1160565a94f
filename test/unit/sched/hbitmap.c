#include <check.h>
#include <stdlib.h>

#include "replay.h"
#include "sched/engine/hbitmap.h"

/* Agrees with an array of booleans, at sizes around the word and level limits. */
START_TEST(next_finds_what_a_plain_array_says)
{
    static const uint32_t sizes[] = {1, 2, 63, 64, 65, 4095, 4096, 4097, 300000};
    uint32_t size = sizes[_i];
    struct hbitmap h;
    bool *model = calloc(size, sizeof(*model));
    uint64_t seed = size;

    ck_assert_int_eq(hbitmap_init(&h, size), 0);
    for (int step = 0; step < 3000; step++) {
        uint32_t i = draw(&seed, size), from = draw(&seed, size), want;
        if (draw(&seed, 2)) {
            hbitmap_set(&h, i);
            model[i] = true;
        } else {
            hbitmap_clear(&h, i);
            model[i] = false;
        }
        for (want = from; want < size && !model[want];)
            want++;
        ck_assert_uint_eq(hbitmap_next(&h, from), want < size ? want : HBITMAP_NONE);
        ck_assert(hbitmap_test(&h, i) == model[i]);
    }
    ck_assert_uint_eq(hbitmap_next(&h, size), HBITMAP_NONE);
    hbitmap_finish(&h);
    free(model);
}
END_TEST

START_TEST(an_empty_one_has_no_members)
{
    struct hbitmap h;

    ck_assert_int_eq(hbitmap_init(&h, 0), 0);
    ck_assert_uint_eq(hbitmap_next(&h, 0), HBITMAP_NONE);
    hbitmap_finish(&h);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hbitmap");
    TCase *t = tcase_create("hbitmap");

    tcase_add_loop_test(t, next_finds_what_a_plain_array_says, 0, 9);
    tcase_add_test(t, an_empty_one_has_no_members);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

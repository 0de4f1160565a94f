#include <check.h>
#include <stdlib.h>

#include "replay.h"
#include "sched/engine/order.h"

enum { N = 400 };

static int compare_handles(const void *a, const void *b, void *arg)
{
    const struct entries *t = arg;

    return order_compare(entry_get(t, *(const uint32_t *)a),
                         entry_get(t, *(const uint32_t *)b));
}

/* Random jobs come and go; the treap's walk, plain and limited by duration, is the walk
 * over a sorted array. */
START_TEST(walks_are_those_of_a_sorted_array)
{
    struct entries t = {0};
    uint32_t root = 0, in[N], n = 0;
    uint64_t seed = 7, id = 1;

    for (int step = 0; step < 1200; step++) {
        if (n < N && draw(&seed, 3)) {
            int64_t h = entry_add(&t, id++);
            struct entry *e = entry_get(&t, (uint32_t)h);
            e->rank = draw(&seed, 4);
            e->t_submit = draw(&seed, 4);
            e->duration = 1 + draw(&seed, 50);
            order_insert(&t, ORDER_SHAPE, &root, (uint32_t)h);
            in[n++] = (uint32_t)h;
        } else if (n > 0) {
            uint32_t k = draw(&seed, n);
            order_remove(&t, ORDER_SHAPE, &root, in[k]);
            entry_del(&t, in[k]);
            in[k] = in[--n];
        }
        qsort_r(in, n, sizeof(*in), compare_handles, &t);
        uint32_t at = 0;
        for (uint32_t h = 0; (h = order_next(&t, ORDER_SHAPE, root, h)); at++)
            ck_assert_uint_eq(h, in[at]);
        ck_assert_uint_eq(at, n);
        if (n == 0)
            continue;
        uint32_t after = draw(&seed, n), want = after + 1;
        int64_t limit = draw(&seed, 50);
        while (want < n && entry_get(&t, in[want])->duration > limit)
            want++;
        ck_assert_uint_eq(order_next_short(&t, root, in[after], limit),
                          want < n ? in[want] : 0);
    }
    entries_finish(&t);
}
END_TEST

START_TEST(entries_are_found_by_id_until_deleted)
{
    struct entries t = {0};

    for (uint64_t id = 1; id <= 5000; id++)
        ck_assert_int_gt(entry_add(&t, id * 977), 0);
    ck_assert_int_lt(entry_add(&t, 977), 0);
    for (uint64_t id = 1; id <= 5000; id += 2)
        entry_del(&t, entry_find(&t, id * 977));
    for (uint64_t id = 1; id <= 5000; id++) {
        uint32_t h = entry_find(&t, id * 977);
        ck_assert((h != 0) == (id % 2 == 0));
        if (h)
            ck_assert_uint_eq(entry_get(&t, h)->id, id * 977);
    }
    ck_assert_uint_eq(t.count, 2500);
    ck_assert_uint_le(sizeof(struct entry), 120);
    entries_finish(&t);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("order");
    TCase *t = tcase_create("order");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, walks_are_those_of_a_sorted_array);
    tcase_add_test(t, entries_are_found_by_id_until_deleted);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

/* The shape of the tree: specs, against arithmetic and an independent walk. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/topo.h"

static struct topo *make(const char *spec, uint32_t size)
{
    struct topo *t = NULL;
    flux_error_t err;
    ck_assert_int_eq(topo_new(spec, size, &t, &err), 0);
    return t;
}

static bool is_below(const struct topo *t, uint32_t rank, uint32_t dest)
{
    for (uint32_t r = topo_parent(t, dest); r != TOPO_NONE; r = topo_parent(t, r)) {
        if (r == rank)
            return true;
    }
    return false;
}

static void check_children(const struct topo *t, uint32_t rank)
{
    uint32_t child = topo_next_child(t, rank, TOPO_NONE);
    ck_assert_int_eq(topo_has_children(t, rank), child != TOPO_NONE);
    for (uint32_t r = 0; r < topo_size(t); r++) {
        if (topo_parent(t, r) != rank)
            continue;
        ck_assert_uint_eq(child, r);
        child = topo_next_child(t, rank, child);
    }
    ck_assert_uint_eq(child, TOPO_NONE);
}

static void check_ways(const struct topo *t, uint32_t rank)
{
    uint32_t below = 0;
    for (uint32_t dest = 0; dest < topo_size(t); dest++) {
        uint32_t way = topo_toward(t, rank, dest);
        if (!is_below(t, rank, dest)) {
            ck_assert_uint_eq(way, TOPO_NONE);
            continue;
        }
        below++;
        ck_assert_uint_eq(topo_parent(t, way), rank);
        ck_assert(way == dest || is_below(t, way, dest));
    }
    ck_assert_uint_eq(topo_descendants(t, rank), below);
}

/* All that must be true of any tree. */
static void check_whole(const struct topo *t)
{
    unsigned maxlevel = 0;
    ck_assert_uint_eq(topo_parent(t, 0), TOPO_NONE);
    for (uint32_t r = 0; r < topo_size(t); r++) {
        unsigned level = 0;
        for (uint32_t up = r; (up = topo_parent(t, up)) != TOPO_NONE;)
            level++;
        ck_assert_uint_eq(topo_level(t, r), level);
        maxlevel = level > maxlevel ? level : maxlevel;
        check_children(t, r);
        check_ways(t, r);
    }
    ck_assert_uint_eq(topo_maxlevel(t), maxlevel);
    ck_assert_uint_eq(topo_toward(t, 0, topo_size(t)), TOPO_NONE);
    ck_assert_uint_eq(topo_parent(t, topo_size(t)), TOPO_NONE);
}

START_TEST(kary_is_a_heap)
{
    static const uint32_t ks[] = {1, 2, 3, 32}, sizes[] = {1, 2, 3, 8, 33, 34, 100};
    char spec[32];
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 7; j++) {
            snprintf(spec, sizeof(spec), "kary:%u", ks[i]);
            struct topo *t = make(spec, sizes[j]);
            for (uint32_t r = 1; r < sizes[j]; r++)
                ck_assert_uint_eq(topo_parent(t, r), (r - 1) / ks[i]);
            check_whole(t);
            topo_free(t);
        }
    }
}
END_TEST

START_TEST(kary_levels_of_1024)
{
    struct topo *t = make("kary:32", 1024);
    ck_assert_uint_eq(topo_maxlevel(t), 2);
    ck_assert_uint_eq(topo_level(t, 32), 1);
    ck_assert_uint_eq(topo_level(t, 33), 2);
    ck_assert_uint_eq(topo_descendants(t, 0), 1023);
    ck_assert_uint_eq(topo_descendants(t, 1), 32);
    ck_assert_uint_eq(topo_toward(t, 0, 1023), 31);
    topo_free(t);
}
END_TEST

START_TEST(kary_0_is_flat)
{
    struct topo *t = make("kary:0", 50);
    ck_assert_uint_eq(topo_maxlevel(t), 1);
    check_whole(t);
    topo_free(t);
}
END_TEST

START_TEST(binomial_halves)
{
    static const uint32_t parents[16] = {TOPO_NONE, 0, 0, 2,  0, 4,  4,  6,
                                         0,         8, 8, 10, 8, 12, 12, 14};
    struct topo *t = make("binomial", 16);
    for (uint32_t r = 0; r < 16; r++)
        ck_assert_uint_eq(topo_parent(t, r), parents[r]);
    ck_assert_uint_eq(topo_maxlevel(t), 4);
    ck_assert_uint_eq(topo_descendants(t, 8), 7);
    check_whole(t);
    topo_free(t);
    t = make("binomial", 37);
    check_whole(t);
    topo_free(t);
}
END_TEST

START_TEST(custom_is_as_told)
{
    static uint32_t parents[] = {77, 0, 1, 0, 2, 1, 3};
    struct topo *t = NULL;
    ck_assert_int_eq(topo_new_custom(parents, 7, &t, NULL), 0);
    memset(parents + 1, 0, 6 * sizeof(parents[0])); /* it was copied */
    ck_assert_uint_eq(topo_parent(t, 4), 2);
    ck_assert_uint_eq(topo_maxlevel(t), 3);
    check_whole(t);
    /* The next child above a rank that is not one. */
    ck_assert_uint_eq(topo_next_child(t, 0, 2), 3);
    ck_assert_uint_eq(topo_next_child(t, 0, 0), 1);
    topo_free(t);
}
END_TEST

START_TEST(a_wrong_parent_is_named)
{
    static const uint32_t parents[] = {0, 0, 1, 3, 0};
    struct topo *t = NULL;
    flux_error_t err;
    ck_assert_int_eq(topo_new_custom(parents, 5, &t, &err), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "rank 3"));
    ck_assert_ptr_null(t);
}
END_TEST

START_TEST(a_wrong_spec_is_named_with_the_known_ones)
{
    static const char *const bad[] = {
        "",          "kary",    "kary:",
        "kary:-1",   "kary:2x", "kary: 2",
        "binomial:", "star",    "kary:99999999999999999999"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct topo *t = NULL;
        flux_error_t err;
        ck_assert_msg(topo_new(bad[i], 4, &t, &err) == -EINVAL, "%s", bad[i]);
        ck_assert_ptr_nonnull(strstr(err.text, bad[i]));
        ck_assert_ptr_nonnull(strstr(err.text, "kary:K"));
    }
    struct topo *t = NULL;
    ck_assert_int_eq(topo_new("custom", 4, &t, NULL), -EINVAL);
    ck_assert_int_eq(topo_new("kary:2", 0, &t, NULL), -EINVAL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("overlay/topo");
    TCase *tc = tcase_create("topo");
    tcase_add_test(tc, kary_is_a_heap);
    tcase_add_test(tc, kary_levels_of_1024);
    tcase_add_test(tc, kary_0_is_flat);
    tcase_add_test(tc, binomial_halves);
    tcase_add_test(tc, custom_is_as_told);
    tcase_add_test(tc, a_wrong_parent_is_named);
    tcase_add_test(tc, a_wrong_spec_is_named_with_the_known_ones);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

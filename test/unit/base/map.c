#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "suite.h"

static int freed;

static void count_free(void *p)
{
    freed++;
    free(p);
}

START_TEST(set_add_get_take_del)
{
    struct map *m = map_new(count_free);
    char *a = strdup("a"), *b = strdup("b"), *taken;

    freed = 0;
    ck_assert_int_eq(map_add(m, "one", a), 0);
    ck_assert_int_eq(map_add(m, "one", b), -EEXIST);
    ck_assert_ptr_eq(map_get(m, "one"), a);
    ck_assert_int_eq(map_set(m, "one", b), 0);
    ck_assert_int_eq(freed, 1);
    ck_assert_uint_eq(map_count(m), 1);
    taken = map_take(m, "one");
    ck_assert_ptr_eq(taken, b);
    ck_assert_ptr_null(map_get(m, "one"));
    ck_assert_ptr_null(map_take(m, "one"));
    ck_assert(!map_del(m, "one"));
    map_set(m, "one", taken);
    ck_assert(map_del(m, "one"));
    ck_assert_int_eq(freed, 2);
    map_set(m, "left", strdup("over"));
    map_free(m);
    ck_assert_int_eq(freed, 3);
    map_free(NULL);
}
END_TEST

START_TEST(an_empty_map_answers)
{
    struct map *m = map_new(NULL);
    size_t it = 0;

    ck_assert_ptr_null(map_get(m, ""));
    ck_assert(!map_del(m, "x"));
    ck_assert(!map_next(m, &it, NULL, NULL));
    map_free(m);
}
END_TEST

START_TEST(walks_in_insertion_order)
{
    struct umap *m = umap_new(NULL);
    size_t it = 0;
    uint64_t key, expected = 1000;
    int x;

    for (uint64_t i = 1000; i > 0; i--)
        ck_assert_int_eq(umap_add(m, i * 7919, &x), 0);
    while (umap_next(m, &it, &key, NULL))
        ck_assert_uint_eq(key, expected-- * 7919);
    ck_assert_uint_eq(expected, 0);
    umap_free(m);
}
END_TEST

START_TEST(deleting_while_walking_skips_nothing)
{
    struct map *m = map_new(NULL);
    size_t it = 0, seen = 0;
    const char *key;
    char name[16];

    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof(name), "k%d", i);
        map_set(m, name, m);
    }
    while (map_next(m, &it, &key, NULL)) {
        snprintf(name, sizeof(name), "k%zu", seen++);
        ck_assert_str_eq(key, name);
        ck_assert(map_del(m, key));
    }
    ck_assert_uint_eq(seen, 500);
    ck_assert_uint_eq(map_count(m), 0);
    map_free(m);
}
END_TEST

/* Compare with an array, for many random changes. */
START_TEST(random_changes_match_a_model)
{
    struct umap *m = umap_new(NULL);
    void *model[512] = {0};
    unsigned seed = 12345;
    size_t live = 0, it = 0;
    uint64_t key;
    void *value;

    for (int i = 0; i < 50000; i++) {
        unsigned k = (unsigned)rand_r(&seed) % 512;

        if (rand_r(&seed) % 2) {
            live += !model[k];
            model[k] = &model[rand_r(&seed) % 512];
            ck_assert_int_eq(umap_set(m, k, model[k]), 0);
        } else {
            ck_assert_int_eq(umap_del(m, k), model[k] != NULL);
            live -= model[k] != NULL;
            model[k] = NULL;
        }
        ck_assert_uint_eq(umap_count(m), live);
        ck_assert_ptr_eq(umap_get(m, (k + 1) % 512), model[(k + 1) % 512]);
    }
    while (umap_next(m, &it, &key, &value)) {
        ck_assert_ptr_eq(model[key], value);
        live--;
    }
    ck_assert_uint_eq(live, 0);
    umap_free(m);
}
END_TEST

/* A million entries pass through, few at a time; taking the oldest stays cheap. */
START_TEST(works_as_a_queue)
{
    struct umap *m = umap_new(NULL);
    int x;

    for (uint64_t i = 0; i < 1000000; i++) {
        umap_add(m, i, &x);
        if (i >= 100) {
            size_t it = 0;
            uint64_t key;

            if (!umap_next(m, &it, &key, NULL) || key != i - 100 ||
                umap_take(m, key) != &x)
                ck_abort_msg("at %llu", (unsigned long long)i);
        }
    }
    ck_assert_uint_eq(umap_count(m), 100);
    umap_free(m);
}
END_TEST

SUITE_MAIN("base/map", set_add_get_take_del, an_empty_map_answers,
           walks_in_insertion_order, deleting_while_walking_skips_nothing,
           random_changes_match_a_model, works_as_a_queue)

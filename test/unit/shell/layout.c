#include <string.h>

#include "shell/layout.h"
#include "suite.h"

/* nodes: pairs of rank and how many cores it has, ended by 0 cores. */
static struct layout make(unsigned ntasks, unsigned cores_per_slot,
                          unsigned slots_per_node, const unsigned nodes[][2])
{
    struct jobspec_shape shape = {.ntasks = ntasks,
                                  .cores_per_slot = cores_per_slot,
                                  .slots_per_node = slots_per_node};
    struct layout l;
    struct rset *rs;
    ck_assert_int_eq(rset_new(&rs), 0);
    for (; (*nodes)[1]; nodes++) {
        struct idset *cores = idset_create(0, IDSET_FLAG_AUTOGROW);
        idset_range_set(cores, 0, (*nodes)[1] - 1);
        ck_assert_int_eq(rset_add(rs, (*nodes)[0], NULL, cores, NULL), 0);
        idset_destroy(cores);
    }
    ck_assert_int_eq(layout_make(rs, &shape, &l), 0);
    rset_free(rs);
    return l;
}

static void check(struct layout l, const char *mapping)
{
    struct buf b = {0};
    ck_assert_int_eq(layout_mapping(&l, &b), 0);
    ck_assert_str_eq(b.data, mapping);
    ck_assert_uint_eq(l.first[0], 0);
    ck_assert_uint_eq(l.first[l.nnodes], l.ntasks);
    buf_free(&b);
    layout_clear(&l);
}

static const unsigned two[][2] = {{3, 4}, {5, 4}, {0, 0}};
static const unsigned uneven[][2] = {{0, 4}, {1, 2}, {2, 2}, {0, 0}};
static const unsigned four[][2] = {{1, 1}, {2, 1}, {3, 1}, {9, 1}, {0, 0}};

START_TEST(one_node_runs_all)
{
    struct jobspec_shape shape = {.ntasks = 7};
    struct layout l;
    ck_assert_int_eq(layout_make(NULL, &shape, &l), 0);
    ck_assert_uint_eq(l.nnodes, 1);
    check(l, "(vector,(0,1,7))");
}
END_TEST

START_TEST(equal_nodes_have_equal_shares)
{
    check(make(8, 1, 0, two), "(vector,(0,2,4))");
    check(make(4, 2, 0, two), "(vector,(0,2,2))");
    check(make(2, 1, 4, two), "(vector,(0,2,1))"); /* one task a node, whole nodes */
    check(make(4, 1, 0, four), "(vector,(0,4,1))");
}
END_TEST

START_TEST(what_is_over_goes_to_the_first)
{
    check(make(3, 1, 2, two), "(vector,(0,1,2),(1,1,1))");
    check(make(6, 1, 1, four), "(vector,(0,2,2),(2,2,1))");
}
END_TEST

START_TEST(nodes_with_more_slots_run_more)
{
    check(make(8, 1, 0, uneven), "(vector,(0,1,4),(1,2,2))");
    check(make(4, 2, 0, uneven), "(vector,(0,1,2),(1,2,1))");
    check(make(16, 1, 0, uneven), "(vector,(0,1,8),(1,2,4))"); /* two a core */
    check(make(7, 1, 0, uneven), "(vector,(0,1,3),(1,2,2))");
}
END_TEST

START_TEST(a_node_may_have_no_task)
{
    check(make(1, 1, 1, four), "(vector,(0,1,1))");
    check(make(2, 1, 1, four), "(vector,(0,2,1))");
}
END_TEST

START_TEST(a_million_tasks)
{
    struct layout l = make(1 << 20, 1, 0, uneven);
    ck_assert_uint_eq(l.first[1], 1 << 19);
    ck_assert_uint_eq(l.first[2], (1 << 19) + (1 << 18));
    layout_clear(&l);
}
END_TEST

SUITE_MAIN("layout", one_node_runs_all, equal_nodes_have_equal_shares,
           what_is_over_goes_to_the_first, nodes_with_more_slots_run_more,
           a_node_may_have_no_task, a_million_tasks)

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"

static void started(void *arg, const struct entry *e)
{
}

/* Constraint "odd": nodes 1 and 3 of 4. "bad" is malformed. */
static int eligible(void *arg, const char *constraint, uint64_t **ret)
{
    if (strcmp(constraint, "bad") == 0)
        return -EINVAL;
    *ret = calloc(1, sizeof(**ret));
    (*ret)[0] = 0xa;
    return 0;
}

static const struct engine_ops ops = {.started = started, .eligible = eligible};

static const struct {
    struct request req;
    int rc;
    const char *why; /* contained in the reason */
} cases[] = {
    {{.nslots = 32, .cores = 1}, 0, NULL},
    {{.nslots = 4, .cores = 8, .gpus = 2}, 0, NULL},
    {{.nnodes = 4, .nslots = 4, .cores = 1, .flags = FLUX_SCHED_EXCLUSIVE}, 0, NULL},
    {{.nnodes = 5, .nslots = 5, .cores = 1},
     -ENOSPC,
     "unsatisfiable request: 5 nodes requested, this instance has 4"},
    {{.nslots = 33, .cores = 1},
     -ENOSPC,
     "unsatisfiable request: 33 cores requested, this instance has 32"},
    {{.nslots = 9, .cores = 1, .gpus = 1},
     -ENOSPC,
     "unsatisfiable request: 9 gpus requested, this instance has 8"},
    {{.nslots = 1, .cores = 9},
     -ENOSPC,
     "9 cores for each slot requested, the largest node has 8"},
    {{.nnodes = 2, .nslots = 4, .cores = 5},
     -ENOSPC,
     "10 cores for each node requested, the largest node has 8"},
    {{.nslots = 1, .cores = 1, .gpus = 3},
     -ENOSPC,
     "3 gpus for each slot requested, the largest node has 2"},
    {{.nslots = 5, .cores = 5}, -ENOSPC, "this instance holds 4"},
    {{.nnodes = 3, .nslots = 3, .cores = 1, .constraint = "odd"},
     -ENOSPC,
     "3 nodes requested, this instance has 2 within the constraints"},
    {{.nslots = 16, .cores = 1, .constraint = "odd"}, 0, NULL},
    {{.nslots = 1, .cores = 1, .constraint = "bad"}, -EINVAL, "invalid constraint: bad"},
    {{.nslots = 0, .cores = 1}, -EINVAL, "impossible request"},
    {{.nnodes = 4, .nslots = 3, .cores = 1}, -EINVAL, "impossible request"},
    {{.nslots = 1 << 20, .cores = 1 << 20, .gpus = 1 << 20}, -ENOSPC, "unsatisfiable"},
    {{.nnodes = 2, .nslots = 1 << 20, .cores = 1 << 20}, -ENOSPC, "unsatisfiable"},
};

START_TEST(what_can_never_run_is_refused_with_what_lacks)
{
    struct flux_sched *s = machine_new(&ops, NULL, (struct machine){4, 8, 2});
    struct engine_job job = {.id = 1, .req = cases[_i].req};
    char why[200] = "";

    ck_assert_int_eq(engine_satisfiable(s, &job.req, why, sizeof(why)), cases[_i].rc);
    ck_assert_int_eq(engine_submit(s, &job, why, sizeof(why)), cases[_i].rc);
    if (cases[_i].why)
        ck_assert_msg(strstr(why, cases[_i].why) != NULL, "%s", why);
    ck_assert_uint_eq(engine_npending(s), cases[_i].rc == 0);
    engine_verify(s);
    engine_free(s);
}
END_TEST

START_TEST(nodes_that_are_down_still_count)
{
    struct flux_sched *s = machine_new(&ops, NULL, (struct machine){4, 8, 0});
    struct request req = {.nnodes = 4, .nslots = 4, .cores = 1};
    char why[200];

    engine_set_up(s, 2, false);
    ck_assert_int_eq(engine_satisfiable(s, &req, why, sizeof(why)), 0);
    engine_free(s);
}
END_TEST

START_TEST(an_instance_without_nodes_says_so)
{
    struct flux_sched *s;
    struct request req = {.nslots = 1, .cores = 1};
    char why[200];

    ck_assert_int_eq(engine_new(&ops, NULL, &s), 0);
    ck_assert_int_eq(engine_satisfiable(s, &req, why, sizeof(why)), -ENOSPC);
    ck_assert_str_eq(why, "unsatisfiable request: this instance has no node");
    engine_free(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("shape");
    TCase *t = tcase_create("shape");

    tcase_add_loop_test(t, what_can_never_run_is_refused_with_what_lacks, 0,
                        sizeof(cases) / sizeof(cases[0]));
    tcase_add_test(t, nodes_that_are_down_still_count);
    tcase_add_test(t, an_instance_without_nodes_says_so);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

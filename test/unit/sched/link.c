/* Consumables: two racks of two nodes, each rack with 10 units under a root of 15. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"
#include "sched/engine/link.h"
#include "sched/policy/policy.h"

#define SECOND 1000000LL

struct scene {
    struct flux_sched *s;
    uint32_t node[16]; /* first node of job id */
    bool runs[16];
};

static void started(void *arg, const struct entry *e)
{
    struct scene *sc = arg;

    sc->runs[e->id] = true;
    sc->node[e->id] = grant_node(e->grant, 0);
}

static const struct engine_ops ops = {.started = started};

static void open_scene(struct scene *sc)
{
    *sc = (struct scene){.s = machine_new(&ops, sc, (struct machine){4, 8, 0})};
    struct links *ls = engine_links(sc->s);
    int io = link_dim(ls, "io", true);
    int32_t root = link_add(ls, -1, 15);
    int32_t rack[2] = {link_add(ls, root, 10), link_add(ls, root, 10)};

    ck_assert_int_eq(io, 0);
    for (uint32_t n = 0; n < 4; n++)
        ck_assert_int_eq(link_attach(ls, io, n, 4, rack[n / 2]), 0);
    ck_assert_int_eq(engine_set_policy(sc->s, sched_policy_find("hybrid")), 0);
}

static void submit(struct scene *sc, uint64_t id, unsigned nnodes, int64_t io,
                   int64_t seconds)
{
    struct engine_job job = {.id = id,
                             .priority = 16,
                             .t_submit = (int64_t)id,
                             .duration = seconds * SECOND,
                             .req = {.nnodes = nnodes, .nslots = nnodes, .cores = 1}};
    char why[200];

    job.req.extra[0] = io;
    ck_assert_int_eq(engine_submit(sc->s, &job, why, sizeof(why)), 0);
}

START_TEST(no_link_is_charged_beyond_its_capacity)
{
    struct scene sc;

    open_scene(&sc);
    submit(&sc, 1, 1, 7, 100);
    submit(&sc, 2, 1, 7, 100); /* the other rack: 14 of 15 at the root */
    submit(&sc, 3, 1, 2, 50);  /* a rack has room, the root has not */
    submit(&sc, 4, 1, 1,
           500); /* would be the last at the root, but delays 3 not at all */
    submit(&sc, 5, 1, 0, 500); /* wants none of it */
    engine_pass(sc.s, 0);
    ck_assert(sc.runs[1] && sc.runs[2] && !sc.runs[3] && sc.runs[4] && sc.runs[5]);
    ck_assert_uint_ne(sc.node[1] / 2, sc.node[2] / 2);
    ck_assert_int_eq(link_spare(engine_links(sc.s), 0, 0, 0, SECOND), 0);
    engine_pass(sc.s, FLUX_SCHED_ASK);
    ck_assert_int_eq(engine_find(sc.s, 3)->start, 100 * SECOND);
    engine_release(sc.s, 1);
    engine_pass(sc.s, 0);
    ck_assert(sc.runs[3]);
    engine_verify(sc.s);
    for (uint64_t id = 2; id <= 5; id++)
        ck_assert_int_eq(engine_release(sc.s, id), 0);
    ck_assert_int_eq(link_spare(engine_links(sc.s), 0, 0, 0, FLUX_SCHED_NEVER), 10);
    engine_free(sc.s);
}
END_TEST

START_TEST(nodes_of_one_job_share_their_link)
{
    struct scene sc;

    open_scene(&sc);
    submit(&sc, 1, 4, 4, 100); /* 16 at the root: never, as things are */
    submit(&sc, 2, 3, 5, 100); /* 15, two in one rack */
    engine_pass(sc.s, 0);
    ck_assert(!sc.runs[1] && sc.runs[2]);
    engine_free(sc.s);
}
END_TEST

START_TEST(a_plan_holds_its_links_too)
{
    struct scene sc;

    open_scene(&sc);
    submit(&sc, 1, 1, 10, 100);
    submit(&sc, 2, 2, 7, 100); /* needs both racks: waits for 1 */
    submit(&sc, 3, 1, 5, 50);  /* over before that */
    submit(&sc, 4, 1, 5, 500); /* not over */
    engine_pass(sc.s, 0);
    ck_assert(sc.runs[1] && !sc.runs[2] && sc.runs[3] && !sc.runs[4]);
    engine_set_time(sc.s, 60 * SECOND);
    engine_release(sc.s, 3);
    engine_pass(sc.s, 0);
    ck_assert(!sc.runs[4]);
    engine_release(sc.s, 1);
    engine_pass(sc.s, 0);
    ck_assert(sc.runs[2] && !sc.runs[4]);
    engine_verify(sc.s);
    engine_free(sc.s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("link");
    TCase *t = tcase_create("link");

    tcase_add_test(t, no_link_is_charged_beyond_its_capacity);
    tcase_add_test(t, nodes_of_one_job_share_their_link);
    tcase_add_test(t, a_plan_holds_its_links_too);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"
#include "sched/engine/timeline.h"

enum { NODES = 4, CORES = 8, GPUS = 2, END = 120 };

/* What is free on each node at each time; from END on everything. */
struct model {
    int cores[NODES][END + 1], gpus[NODES][END + 1];
};

struct world {
    struct rpool pool;
    struct timeline tl;
    struct model m;
};

static void model_use(struct model *m, unsigned node, int64_t t0, int64_t t1, int cores,
                      int gpus)
{
    for (int64_t t = t0; t < t1 && t <= END; t++) {
        m->cores[node][t] -= cores;
        m->gpus[node][t] -= gpus;
    }
}

static void model_least(const struct model *m, unsigned node, int64_t t0, int64_t t1,
                        int *cores, int *gpus)
{
    *cores = *gpus = 1000;
    for (int64_t t = t0; t < t1; t++) {
        int64_t at = t < END ? t : END;
        *cores = m->cores[node][at] < *cores ? m->cores[node][at] : *cores;
        *gpus = m->gpus[node][at] < *gpus ? m->gpus[node][at] : *gpus;
    }
}

/* Running jobs hold something now and until some time. */
static void open_world(struct world *w, uint64_t *seed)
{
    uint64_t cores = 0xff, gpus = 0x3, c, g;
    struct rpool_desc desc[NODES];

    for (unsigned n = 0; n < NODES; n++)
        desc[n] = (struct rpool_desc){n, &cores, &gpus, 1, 1};
    ck_assert_int_eq(rpool_init(&w->pool, desc, NODES), 0);
    memset(&w->m, 0, sizeof(w->m));
    int64_t until[NODES][3];
    for (unsigned n = 0; n < NODES; n++) {
        rpool_set_up(&w->pool, n, true);
        model_use(&w->m, n, 0, END + 1, -CORES, -GPUS);
        for (int k = 0; k < 3; k++) {
            until[n][k] = 1 + draw(seed, 60);
            rpool_take(&w->pool, n, 2, k == 0, &c, &g);
            model_use(&w->m, n, 0, until[n][k], 2, k == 0);
        }
    }
    ck_assert_int_eq(timeline_init(&w->tl, &w->pool, 0), 0);
    for (unsigned n = 0; n < NODES; n++)
        for (int k = 0; k < 3; k++)
            ck_assert_int_eq(timeline_release(&w->tl, n, until[n][k], 2, k == 0), 0);
    ck_assert_int_eq(timeline_seal(&w->tl), 0);
}

static void close_world(struct world *w)
{
    timeline_finish(&w->tl);
    rpool_finish(&w->pool);
}

/* Units of the shape that all nodes offer to [t, t + d). */
static uint32_t model_units(const struct world *w, const struct shape *s, int64_t t,
                            int64_t d)
{
    uint32_t units = 0;

    for (unsigned n = 0; n < NODES; n++) {
        int c, g;
        model_least(&w->m, n, t, t + d, &c, &g);
        units += place_holds(s, &w->pool.node[n], (uint32_t)c, (uint32_t)g,
                             c == CORES && g == GPUS);
    }
    return units;
}

static struct request random_request(uint64_t *seed)
{
    struct request r = {.nslots = 1 + draw(seed, 6), .cores = 1 + draw(seed, 4)};

    r.gpus = draw(seed, 4) == 0;
    if (draw(seed, 2)) {
        r.nnodes = 1 + draw(seed, NODES);
        r.nslots = r.nnodes;
        r.flags = draw(seed, 2) ? FLUX_SCHED_EXCLUSIVE : 0;
    }
    return r;
}

START_TEST(plans_are_the_earliest_that_a_table_of_all_times_allows)
{
    struct world *w = malloc(sizeof(*w));
    struct parts parts = {0};
    struct shapes shapes = {0};
    uint64_t seed = 900 + _i;

    open_world(w, &seed);
    for (int step = 0; step < 12; step++) {
        struct request req = random_request(&seed);
        int64_t d = 1 + draw(&seed, 12), from = draw(&seed, 20), want = from;
        bool fresh;
        uint32_t id = (uint32_t)shape_intern(&shapes, &req, &fresh);
        struct shape *s = shape_get(&shapes, id);
        if (fresh)
            shape_refit(s, NULL);
        if (place_units(s) > NODES * CORES / req.cores ||
            model_units(w, s, END, 1) < place_units(s))
            continue;
        while (model_units(w, s, want, d) < place_units(s))
            want++;
        struct place pl = {.pool = &w->pool, .shape = s};
        int64_t t = timeline_search(&w->tl, &pl, from, d, &parts, NULL);
        ck_assert_int_eq(t, want);
        for (uint32_t i = 0; i < parts.n; i++) {
            const struct part *p = &parts.part[i];
            uint32_t c, g;
            int mc, mg;
            timeline_least(&w->tl, p->node, t, t + d, &c, &g);
            model_least(&w->m, p->node, t, t + d, &mc, &mg);
            ck_assert_int_eq((int)c, mc);
            ck_assert_int_eq((int)g, mg);
            ck_assert_uint_le(p->cores, c);
            timeline_add(&w->tl, p->node, t, t + d, (int32_t)p->cores, (int32_t)p->gpus);
            model_use(&w->m, p->node, t, t + d, (int)p->cores, (int)p->gpus);
        }
    }
    parts_finish(&parts);
    shapes_finish(&shapes);
    close_world(w);
    free(w);
}
END_TEST

START_TEST(a_cancelled_plan_leaves_no_trace)
{
    struct world *w = malloc(sizeof(*w));
    uint64_t seed = 1;
    uint32_t c, g;

    open_world(w, &seed);
    int64_t span = timeline_add(&w->tl, 2, 100, 110, 8, 2);
    timeline_least(&w->tl, 2, 99, 102, &c, &g);
    ck_assert_uint_eq(c, 0);
    timeline_cancel(&w->tl, (uint32_t)span);
    timeline_least(&w->tl, 2, 99, 102, &c, &g);
    ck_assert_uint_eq(c, CORES);
    ck_assert_uint_eq(g, GPUS);
    close_world(w);
    free(w);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("timeline");
    TCase *t = tcase_create("timeline");

    tcase_add_loop_test(t, plans_are_the_earliest_that_a_table_of_all_times_allows, 0,
                        40);
    tcase_add_test(t, a_cancelled_plan_leaves_no_trace);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

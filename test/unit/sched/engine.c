/* Random work against a model that keeps its own books from the grants alone. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"
#include "sched/policy/policy.h"

enum { NODES = 6, CORES = 70, GPUS = 3 };

struct held {
    uint64_t id;
    struct grant *grant; /* a copy */
};

struct model {
    struct flux_sched *s;
    bool core[NODES][CORES], gpu[NODES][GPUS]; /* in use */
    bool up[NODES];
    struct held run[2000];
    unsigned nrun;
    unsigned denied;
};

static void mark(struct model *m, const struct grant *g, uint32_t i, bool use)
{
    uint32_t node = grant_node(g, i), nc = 0, ng = 0;

    for (unsigned c = 0; c < CORES; c++)
        if (grant_cores(g, i)[c / 64] >> c % 64 & 1) {
            ck_assert(m->core[node][c] != use);
            m->core[node][c] = use;
            nc++;
        }
    for (unsigned c = 0; c < GPUS; c++)
        if (grant_gpus(g, i)[0] >> c & 1) {
            ck_assert(m->gpu[node][c] != use);
            m->gpu[node][c] = use;
            ng++;
        }
    ck_assert_uint_eq(nc, grant_ncores(g, i));
    ck_assert_uint_eq(ng, grant_ngpus(g, i));
}

/* The grant is what the request asks for. */
static void check_grant(const struct model *m, const struct request *r,
                        const struct grant *g)
{
    uint32_t cores = 0, gpus = 0, slots = 0;
    uint32_t each = r->nnodes ? (r->nslots + r->nnodes - 1) / r->nnodes : 0;

    for (uint32_t i = 0; i < g->nnodes; i++) {
        uint32_t c = grant_ncores(g, i), n = grant_ngpus(g, i);
        ck_assert(m->up[grant_node(g, i)]);
        for (uint32_t k = 0; k < i; k++)
            ck_assert_uint_ne(grant_node(g, i), grant_node(g, k));
        if (r->flags & FLUX_SCHED_EXCLUSIVE) {
            ck_assert_uint_eq(c, CORES);
            ck_assert_uint_eq(n, GPUS);
        } else if (r->nnodes) {
            ck_assert_uint_eq(c, each * r->cores);
            ck_assert_uint_eq(n, each * r->gpus);
        } else {
            ck_assert_uint_eq(c % r->cores, 0);
            ck_assert_uint_eq(n, c / r->cores * r->gpus);
        }
        slots += c / r->cores;
        cores += c;
        gpus += n;
    }
    if (r->nnodes)
        ck_assert_uint_eq(g->nnodes, r->nnodes);
    else if (!(r->flags & FLUX_SCHED_EXCLUSIVE))
        ck_assert_uint_eq(slots, r->nslots);
    ck_assert_uint_ge(cores, r->nslots * r->cores);
    ck_assert_uint_ge(gpus, r->nslots * r->gpus);
}

static struct grant *copy_grant(const struct grant *g)
{
    size_t size = sizeof(*g) + (size_t)g->nnodes * (1u + g->cw + g->gw) * 8;
    struct grant *copy = malloc(size);

    memcpy(copy, g, size);
    return copy;
}

static void on_started(void *arg, const struct entry *e)
{
    struct model *m = arg;

    check_grant(m, engine_request(m->s, e), e->grant);
    for (uint32_t i = 0; i < e->grant->nnodes; i++)
        mark(m, e->grant, i, true);
    m->run[m->nrun++] = (struct held){e->id, copy_grant(e->grant)};
}

static int eligible(void *arg, const char *constraint, uint64_t **ret)
{
    *ret = calloc(1, sizeof(**ret));
    **ret = strtoull(constraint, NULL, 16);
    return 0;
}

static const struct engine_ops ops = {.started = on_started, .eligible = eligible};

static void forget(struct model *m, unsigned k)
{
    for (uint32_t i = 0; i < m->run[k].grant->nnodes; i++)
        mark(m, m->run[k].grant, i, false);
    free(m->run[k].grant);
    m->run[k] = m->run[--m->nrun];
}

/* Does the request fit what the model knows to be free? */
static bool model_fits(const struct model *m, const struct request *r)
{
    uint64_t mask = r->constraint ? strtoull(r->constraint, NULL, 16) : ~0ull;
    uint32_t each = r->nnodes ? (r->nslots + r->nnodes - 1) / r->nnodes : 1;
    uint32_t units = 0;

    for (unsigned n = 0; n < NODES; n++) {
        uint32_t c = 0, g = 0, u;
        if (!m->up[n] || !(mask >> n & 1))
            continue;
        for (unsigned i = 0; i < CORES; i++)
            c += !m->core[n][i];
        for (unsigned i = 0; i < GPUS; i++)
            g += !m->gpu[n][i];
        if (r->flags & FLUX_SCHED_EXCLUSIVE && (c < CORES || g < GPUS))
            continue;
        u = c / (each * r->cores);
        if (r->gpus && g / (each * r->gpus) < u)
            u = g / (each * r->gpus);
        units += r->nnodes ? (u > 0) : u;
    }
    return units >= (r->nnodes ? r->nnodes : r->nslots);
}

static struct request random_request(uint64_t *seed)
{
    static const char *const masks[] = {"7", "38", "15", "1"};
    struct request r = {.nslots = 1 + draw(seed, 20), .cores = 1 + draw(seed, 8)};

    if (draw(seed, 4) == 0)
        r.gpus = 1 + draw(seed, 2);
    if (draw(seed, 3) == 0) {
        r.nnodes = 1 + draw(seed, 3);
        r.nslots = r.nnodes * (1 + draw(seed, 3));
    }
    if (draw(seed, 6) == 0)
        r.flags = FLUX_SCHED_EXCLUSIVE;
    if (draw(seed, 6) == 0)
        r.constraint = masks[draw(seed, 4)];
    return r;
}

static uint64_t random_pending(struct model *m, uint64_t *seed)
{
    const struct entry *e = NULL;

    for (uint32_t k = draw(seed, engine_npending(m->s)) + 1; k > 0; k--)
        e = engine_next_pending(m->s, e);
    return e->id;
}

static void release_one(struct model *m, uint64_t *seed)
{
    unsigned k = draw(seed, m->nrun);
    struct grant *g = m->run[k].grant;

    if (g->nnodes > 1 && draw(seed, 3) == 0) { /* one node of several */
        uint32_t i = draw(seed, g->nnodes);
        ck_assert_int_eq(engine_release_node(m->s, m->run[k].id, grant_node(g, i)), 0);
        mark(m, g, i, false);
        grant_del(g, i);
        return;
    }
    ck_assert_int_eq(engine_release(m->s, m->run[k].id), 0);
    ck_assert_int_eq(engine_release(m->s, m->run[k].id), -ENOENT);
    forget(m, k);
}

static void one_step(struct model *m, uint64_t *seed, uint64_t *id)
{
    uint32_t what = draw(seed, 100), node = draw(seed, NODES);
    char why[200];

    if (what < 45) {
        struct engine_job job = {
            .id = ++*id,
            .priority = draw(seed, 3),
            .t_submit = (int64_t)*id,
            .duration = draw(seed, 5) ? (int64_t)(1 + draw(seed, 500)) * 1000 : 0,
            .req = random_request(seed),
        };
        int rc = engine_submit(m->s, &job, why, sizeof(why));
        ck_assert(rc == 0 || rc == -ENOSPC);
        if (rc == 0)
            ck_assert_int_eq(engine_submit(m->s, &job, why, sizeof(why)), -EEXIST);
    } else if (what < 80 && m->nrun > 0) {
        release_one(m, seed);
    } else if (what < 85 && engine_npending(m->s) > 0) {
        ck_assert_int_eq(engine_cancel(m->s, random_pending(m, seed)), 0);
    } else if (what < 90 && engine_npending(m->s) > 0) {
        ck_assert_int_eq(engine_prioritize(m->s, random_pending(m, seed), draw(seed, 3)),
                         0);
    } else if (what < 94) {
        m->up[node] = !m->up[node];
        engine_set_up(m->s, node, m->up[node]);
    } else if (what < 96 && m->nrun > 0) {
        engine_set_end(m->s, m->run[draw(seed, m->nrun)].id, draw(seed, 1000) * 1000);
    } else if (what < 98) {
        engine_set_policy(m->s, sched_policy_find(draw(seed, 2) ? "fcfs" : "hybrid"));
    }
}

/* fcfs leaves a head that does not fit; any policy leaves no first job that fits. */
static void check_pass(struct model *m)
{
    const struct entry *e = engine_next_pending(m->s, NULL);

    if (e)
        ck_assert(!model_fits(m, engine_request(m->s, e)));
    ck_assert_uint_eq(engine_nrunning(m->s), m->nrun);
}

START_TEST(books_agree_under_random_work)
{
    struct model *m = calloc(1, sizeof(*m));
    uint64_t seed = 100 + _i, id = 0;

    m->s = machine_new(&ops, m, (struct machine){NODES, CORES, GPUS});
    memset(m->up, true, sizeof(m->up));
    ck_assert_int_eq(engine_set_policy(m->s, sched_policy_find("hybrid")), 0);
    for (int step = 0; step < 500; step++) {
        engine_set_time(m->s, step * 1000);
        for (uint32_t k = 1 + draw(&seed, 5); k > 0; k--)
            one_step(m, &seed, &id);
        engine_pass(m->s, draw(&seed, 10) == 0 ? FLUX_SCHED_ASK : 0);
        ck_assert_uint_eq(engine_dirty(m->s), 0);
        check_pass(m);
        engine_verify(m->s);
    }
    ck_assert_uint_gt(id, 400);
    while (m->nrun > 0) {
        ck_assert_int_eq(engine_release(m->s, m->run[0].id), 0);
        forget(m, 0);
    }
    engine_verify(m->s);
    for (unsigned n = 0; n < NODES; n++)
        ck_assert_uint_eq(engine_pool(m->s)->node[n].cfree, CORES);
    engine_free(m->s);
    free(m);
}
END_TEST

static struct rpool_desc plain_node(uint32_t rank, uint64_t *cores)
{
    return (struct rpool_desc){rank, cores, NULL, 1, 0};
}

static int submit(struct flux_sched *s, uint64_t id, struct request req)
{
    struct engine_job job = {.id = id, .priority = 16, .req = req};
    char why[200];

    return engine_submit(s, &job, why, sizeof(why));
}

static void count_started(void *arg, const struct entry *e)
{
    ++*(unsigned *)arg;
}

/* New nodes under running jobs: they keep what is still there and waste nothing. */
START_TEST(jobs_survive_a_change_of_nodes)
{
    static const struct engine_ops plain = {.started = count_started};
    uint64_t four = 0xf, two = 0x3;
    unsigned n = 0;
    struct flux_sched *s = machine_new(&plain, &n, (struct machine){2, 4, 0});
    struct rpool_desc now[] = {plain_node(1, &two), plain_node(5, &four)};

    engine_set_policy(s, sched_policy_find("fcfs"));
    ck_assert_int_eq(submit(s, 1, (struct request){.nnodes = 2, .nslots = 2, .cores = 4}),
                     0);
    engine_pass(s, 0);
    ck_assert_uint_eq(n, 1);
    ck_assert_int_eq(engine_set_nodes(s, now, 2), 0);
    engine_verify(s);
    engine_set_up(s, 0, true);
    engine_set_up(s, 1, true);
    ck_assert_uint_eq(engine_pool(s)->node[0].cfree, 0); /* rank 1: two cores left */
    ck_assert_uint_eq(engine_pool(s)->node[1].cfree, 4);
    ck_assert_int_eq(submit(s, 2, (struct request){.nslots = 4, .cores = 1}), 0);
    engine_pass(s, 0);
    ck_assert_uint_eq(n, 2);
    ck_assert_int_eq(engine_release(s, 1), 0);
    ck_assert_uint_eq(engine_pool(s)->node[0].cfree, 2);
    engine_verify(s);
    engine_free(s);
}
END_TEST

START_TEST(adopted_jobs_hold_their_cores)
{
    static const struct engine_ops plain = {.started = count_started};
    unsigned n = 0;
    struct flux_sched *s = machine_new(&plain, &n, (struct machine){1, 4, 0});
    struct engine_job job = {.id = 9, .priority = 16, .req = {.nslots = 1, .cores = 1}};

    engine_set_policy(s, sched_policy_find("hybrid"));
    for (int again = 0; again < 2; again++) { /* the second one asks for the same core */
        struct grant *g = grant_new(1, 1, 0);
        grant_add(g, 0, 1, 0);
        grant_cores(g, 0)[0] = 0x4;
        job.id += (uint64_t)again;
        ck_assert_int_eq(engine_adopt(s, &job, g, 0, FLUX_SCHED_HORIZON),
                         again ? -EBUSY : 0);
    }
    ck_assert_uint_eq(engine_pool(s)->core_free[0], 0xb);
    submit(s, 20, (struct request){.nslots = 3, .cores = 1});
    submit(s, 21, (struct request){.nslots = 1, .cores = 1});
    engine_pass(s, 0);
    ck_assert_uint_eq(n, 1);
    ck_assert_int_eq(engine_release(s, 9), 0);
    engine_pass(s, 0);
    ck_assert_uint_eq(n, 2);
    engine_verify(s);
    engine_free(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("engine");
    TCase *t = tcase_create("engine");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, books_agree_under_random_work, 0, 6);
    tcase_add_test(t, jobs_survive_a_change_of_nodes);
    tcase_add_test(t, adopted_jobs_hold_their_cores);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

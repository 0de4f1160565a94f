/* Brokers of a simulated instance die and come back, at random; then all is well again.
 * SEED=n in the environment repeats one. */
#include "cluster.h"

#include <inttypes.h>

#define STEPS 40
#define SEEDS 20

static struct cluster c;
static int asked, answered;

static uint32_t draw(uint32_t below)
{
    uint32_t n;

    env_random(c.env, &n, sizeof(n));
    return n % below;
}

static void answer_cb(flux_future_t *f, void *arg)
{
    int e = flux_future_get(f, NULL) < 0 ? errno : 0;

    ck_assert_msg(e == 0 || e == EHOSTUNREACH || e == ECONNRESET || e == EPIPE, "%s",
                  strerror(e));
    answered++;
    flux_future_destroy(f);
}

static void ask(int from)
{
    flux_future_t *f = flux_rpc(cluster_handle(&c, from), "broker.ping", "{}",
                                draw((uint32_t)c.size), 0);

    ck_assert_int_eq(flux_future_then(f, -1., answer_cb, NULL), 0);
    asked++;
}

/* A handle's futures end with it, without a call. */
static void crash(int rank)
{
    if (c.m[rank].h)
        return;
    cluster_crash(&c, rank);
}

static void step(void)
{
    int rank = (int)draw((uint32_t)c.size);

    if (draw(3) == 0 && c.m[0].b)
        ask(0);
    else if (!c.m[rank].b)
        cluster_add(&c, rank);
    else if (rank > 0)
        crash(rank);
    cluster_run(&c, 0.001 * draw(1000));
}

static bool all_answered(struct cluster *cl, void *arg)
{
    return answered == asked;
}

static void heal(void)
{
    for (int i = 0; i < c.size; i++) {
        if (!c.m[i].b)
            cluster_add(&c, i);
    }
    cluster_until_up(&c);
    cluster_until_online(&c, "0-8");
    cluster_until(&c, all_answered, NULL);
    for (uint32_t i = 0; i < 9; i++)
        ck_assert_int_eq(cluster_rpc(&c, (int)draw(9), "broker.ping", "{}", i, NULL), 0);
}

/* Nobody remembers a request. */
static void nothing_is_pending(void)
{
    for (int i = 0; i < c.size; i++)
        ck_assert_uint_eq(router_pending(c.m[i].b->router), 0);
}

START_TEST(what_dies_comes_back)
{
    static const char *const attrs[] = {"broker.orphan-timeout=none",
                                        "tbon.connect_timeout=inf", NULL};
    const char *s = getenv("SEED");
    int64_t seed = s ? strtoll(s, NULL, 0) : _i + 1;

    printf("seed %" PRId64 "\n", seed);
    asked = answered = 0;
    cluster_init(&c, 9, "kary:2", seed);
    c.attrs = attrs;
    cluster_add_all(&c);
    for (int i = 0; i < STEPS; i++)
        step();
    heal();
    nothing_is_pending();
    cluster_stop(&c);
    cluster_fini(&c);
}
END_TEST
int main(void)
{
    Suite *s = suite_create("chaos");
    TCase *tc = tcase_create("chaos");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 240);
    tcase_add_loop_test(tc, what_dies_comes_back, 0, getenv("SEED") ? 1 : SEEDS);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Who is there: groups, quorum, critical ranks, and how long one waits for a parent. */
#include "cluster.h"

#include "broker/groups.h"

static struct cluster c;

static void begin(int size, const char *topo, const char *const *attrs, int64_t world)
{
    cluster_init(&c, size, topo, world);
    c.attrs = attrs;
    cluster_add_all(&c);
}

static void end(void)
{
    cluster_stop(&c);
    cluster_fini(&c);
}

/* A stream of members. */
struct watch {
    flux_future_t *f;
    char members[64];
    int n;
};

static void members_cb(flux_future_t *f, void *arg)
{
    struct watch *w = arg;
    const char *s;

    if (flux_rpc_get_unpack(f, "{s:s}", "members", &s) < 0)
        return;
    snprintf(w->members, sizeof(w->members), "%s", s);
    w->n++;
    flux_future_reset(f);
}

static void watch(struct watch *w, int rank, const char *name)
{
    *w = (struct watch){0};
    w->f = flux_rpc_pack(cluster_handle(&c, rank), "groups.get", FLUX_NODEID_ANY,
                         FLUX_RPC_STREAMING, "{s:s}", "name", name);
    ck_assert_int_eq(flux_future_then(w->f, -1., members_cb, w), 0);
}

struct want {
    struct watch *w;
    const char *members;
};

static bool is_wanted(struct cluster *cl, void *arg)
{
    struct want *want = arg;

    return want->w->n > 0 && !strcmp(want->w->members, want->members);
}

static void until(struct watch *w, const char *members)
{
    struct want want = {w, members};

    cluster_until(&c, is_wanted, &want);
}

START_TEST(members_add_up_and_are_followed_from_anywhere)
{
    struct watch w;

    begin(7, "kary:2", NULL, WORLD);
    cluster_until_up(&c);
    watch(&w, 6, "g");
    until(&w, "");
    ck_assert_int_eq(cluster_rpc(&c, 3, "groups.join", "{\"name\":\"g\"}", 3, NULL), 0);
    until(&w, "3");
    ck_assert_int_eq(
        cluster_rpc(&c, 3, "groups.join", "{\"name\":\"g\"}", FLUX_NODEID_ANY, NULL),
        EEXIST);
    ck_assert_int_eq(
        cluster_rpc(&c, 5, "groups.join", "{\"name\":\"g\"}", FLUX_NODEID_ANY, NULL), 0);
    until(&w, "3,5");
    ck_assert_int_eq(
        cluster_rpc(&c, 0, "groups.join", "{\"name\":\"g\"}", FLUX_NODEID_ANY, NULL), 0);
    until(&w, "0,3,5");
    ck_assert_int_eq(
        cluster_rpc(&c, 5, "groups.leave", "{\"name\":\"g\"}", FLUX_NODEID_ANY, NULL), 0);
    until(&w, "0,3");
    flux_close(c.m[3].h); /* whoever joined goes */
    c.m[3].h = NULL;
    until(&w, "0");
    ck_assert_int_eq(cluster_rpc(&c, 0, "groups.join", "{\"name\":\"g\"}", 5, NULL),
                     EINVAL);
    flux_future_destroy(w.f);
    end();
}
END_TEST

START_TEST(a_lost_subtree_is_out_and_in_again)
{
    struct watch w;

    begin(7, "kary:2", NULL, WORLD);
    cluster_until_up(&c);
    watch(&w, 0, "broker.online");
    until(&w, "0-6");
    cluster_crash(&c, 1);
    until(&w, "0,2,5-6");
    cluster_add(&c, 1);
    until(&w, "0-6");
    flux_future_destroy(w.f);
    end();
}
END_TEST

static bool quorum_waits(struct cluster *cl, void *arg)
{
    return c.m[0].b->state && state_get(c.m[0].b->state) == STATE_QUORUM;
}

START_TEST(the_instance_waits_for_its_quorum)
{
    static const char *const attrs[] = {"broker.quorum=3", NULL};

    cluster_init(&c, 4, "kary:4", WORLD);
    c.attrs = attrs;
    cluster_add(&c, 0);
    cluster_add(&c, 2);
    cluster_until_online(&c, "0,2");
    cluster_until(&c, quorum_waits, NULL);
    cluster_run(&c, 0.3);
    ck_assert_int_eq(c.m[0].ups + c.m[2].ups, 0);
    cluster_add(&c, 3);
    cluster_until_up(&c);
    cluster_add(&c, 1); /* late, and welcome */
    cluster_until_up(&c);
    cluster_until_online(&c, "0-3");
    end();
}
END_TEST

START_TEST(a_quorum_that_cannot_be_is_refused)
{
    static const char *const attrs[] = {"broker.quorum=5", NULL};

    cluster_init(&c, 4, "kary:4", WORLD);
    c.attrs = attrs;
    cluster_add(&c, 0);
    while (c.m[0].b)
        cluster_run(&c, 0.1);
    ck_assert_int_eq(c.m[0].errnum, EINVAL);
    ck_assert_ptr_nonnull(strstr(c.m[0].error.text, "broker.quorum"));
    ck_assert_int_eq(c.m[0].exit_code, 1);
    cluster_fini(&c);
}
END_TEST

START_TEST(without_a_critical_rank_the_instance_ends)
{
    static const char *const attrs[] = {"broker.critical-ranks=0,2", NULL};

    begin(4, "kary:2", attrs, WORLD);
    cluster_until_up(&c);
    cluster_crash(&c, 3);
    cluster_run(&c, 4);
    ck_assert_ptr_nonnull(c.m[0].b);
    cluster_crash(&c, 2);
    cluster_until_gone(&c);
    ck_assert_int_eq(c.m[0].exit_code, 1);
    ck_assert_int_eq(c.m[0].ups, 1); /* it was up: no second word */
    ck_assert_int_eq(c.m[1].exit_code, 0);
    cluster_fini(&c);
}
END_TEST

START_TEST(an_orphan_gives_up_after_its_timeout)
{
    static const char *const attrs[] = {"broker.orphan-timeout=1s", NULL};
    double start;

    begin(4, "kary:2", attrs, WORLD);
    cluster_until_up(&c);
    start = env_monotonic(c.env);
    cluster_crash(&c, 0);
    cluster_until_gone(&c);
    ck_assert_double_ge(env_monotonic(c.env) - start, 1);
    ck_assert_int_eq(c.m[1].exit_code, 1);
    ck_assert_int_eq(c.m[3].exit_code, 0); /* it left with its parent */
    cluster_fini(&c);
}
END_TEST

START_TEST(one_without_a_parent_does_not_come_up)
{
    static const char *const attrs[] = {"tbon.connect_timeout=1s", NULL};

    cluster_init(&c, 2, "kary:2", WORLD);
    c.attrs = attrs;
    cluster_add(&c, 1);
    cluster_until_gone(&c);
    ck_assert_int_eq(c.m[1].errnum, ETIMEDOUT);
    ck_assert_int_eq(c.m[1].exit_code, 1);
    ck_assert_ptr_nonnull(strstr(c.m[1].error.text, "parent broker 0 at "));
    cluster_fini(&c);
}
END_TEST

CLUSTER_MAIN("groups", members_add_up_and_are_followed_from_anywhere,
             a_lost_subtree_is_out_and_in_again, the_instance_waits_for_its_quorum,
             a_quorum_that_cannot_be_is_refused,
             without_a_critical_rank_the_instance_ends,
             an_orphan_gives_up_after_its_timeout, one_without_a_parent_does_not_come_up)

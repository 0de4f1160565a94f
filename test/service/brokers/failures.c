/* Brokers die, and come back: what was asked of them fails once, the rest goes on. */
#include "cluster.h"

#include "broker/groups.h"

static struct cluster c;

/* A service that keeps what it is asked. */
static flux_t *make_service(int rank, const char *name)
{
    flux_t *h;
    flux_future_t *f;

    ck_assert_int_eq(broker_open(c.m[rank].b, &h), 0);
    f = flux_service_register(h, name);
    ck_assert_int_eq(flux_future_get(f, NULL), 0);
    flux_future_destroy(f);
    return h;
}

/* An RPC and what came of it. */
struct ask {
    flux_future_t *f;
    int answers, errnum;
};

static void answer_cb(flux_future_t *f, void *arg)
{
    struct ask *a = arg;

    a->answers++;
    a->errnum = flux_rpc_get(f, NULL) < 0 ? errno : 0;
}

static void ask(struct ask *a, int from, const char *topic, uint32_t nodeid, int flags)
{
    *a = (struct ask){0};
    a->f = flux_rpc(cluster_handle(&c, from), topic, NULL, nodeid, flags);
    ck_assert_ptr_nonnull(a->f);
    ck_assert_int_eq(flux_future_then(a->f, -1., answer_cb, a), 0);
}

static bool answered(struct cluster *cl, void *arg)
{
    return ((struct ask *)arg)->answers > 0;
}

/* The next message to a service. */
struct hearing {
    flux_t *h;
    flux_msg_t *msg;
};

static bool heard(struct cluster *cl, void *arg)
{
    struct hearing *e = arg;

    if (!e->msg)
        e->msg = flux_recv(e->h, FLUX_MATCH_ANY, FLUX_O_NONBLOCK);
    return e->msg != NULL;
}

static flux_msg_t *hear(flux_t *h, const char *topic)
{
    struct hearing e = {.h = h};
    const char *s;

    cluster_until(&c, heard, &e);
    ck_assert_int_eq(flux_msg_get_topic(e.msg, &s), 0);
    if (topic)
        ck_assert_str_eq(s, topic);
    return e.msg;
}

static void is_failed_once(struct ask *a)
{
    cluster_until(&c, answered, a);
    cluster_run(&c, 0.3);
    ck_assert_int_eq(a->answers, 1);
    ck_assert_int_eq(a->errnum, EHOSTUNREACH);
    flux_future_destroy(a->f);
}

static void begin(int size, const char *topo, int64_t world)
{
    cluster_init(&c, size, topo, world);
    cluster_add_all(&c);
    cluster_until_up(&c);
}

START_TEST(what_a_dead_leaf_was_asked_fails_once)
{
    struct ask one, many, other;
    flux_t *slow;

    begin(4, "kary:2", WORLD);
    slow = make_service(3, "slow");
    ask(&one, 2, "slow.x", 3, 0);
    ask(&many, 0, "slow.y", 3, FLUX_RPC_STREAMING);
    ask(&other, 0, "slow.x", 2, 0); /* there is none */
    cluster_until(&c, answered, &other);
    ck_assert_int_eq(other.errnum, ENOSYS);
    flux_future_destroy(other.f);
    flux_msg_destroy(hear(slow, NULL));
    flux_msg_destroy(hear(slow, NULL));
    cluster_crash(&c, 3);
    flux_close(slow);
    is_failed_once(&one);
    is_failed_once(&many);
    ck_assert_int_eq(cluster_rpc(&c, 0, "broker.ping", "{}", 3, NULL), EHOSTUNREACH);
    ck_assert_int_eq(cluster_rpc(&c, 0, "broker.ping", "{}", 1, NULL), 0);
    cluster_stop(&c);
    cluster_fini(&c);
}
END_TEST

START_TEST(what_went_through_a_dead_broker_fails_once_at_both_ends)
{
    struct ask down, up, stream;
    flux_msg_t *msg, *bye;
    flux_t *low, *high;

    begin(3, "kary:1", WORLD);
    low = make_service(2, "low");
    high = make_service(0, "high");
    ask(&down, 0, "low.x", 2, 0);
    ask(&stream, 0, "low.y", 2, FLUX_RPC_STREAMING);
    ask(&up, 2, "high.x", FLUX_NODEID_ANY, 0);
    msg = hear(low, "low.x");
    flux_msg_destroy(hear(low, "low.y"));
    flux_msg_destroy(hear(high, "high.x"));
    ck_assert_int_eq(flux_respond(low, msg, NULL), 0); /* too late, if it gets that far */
    cluster_crash(&c, 1);
    cluster_until(&c, answered, &down);
    is_failed_once(&up);
    is_failed_once(&stream);
    ck_assert_int_eq(down.answers, 1);
    flux_future_destroy(down.f);
    bye = hear(low, "low.disconnect");
    ck_assert(flux_disconnect_match(bye, msg));
    flux_msg_destroy(bye);
    flux_msg_destroy(hear(high, "high.disconnect"));
    /* It comes back: so does the way. */
    cluster_add(&c, 1);
    cluster_until_online(&c, "0-2");
    ck_assert_int_eq(cluster_rpc(&c, 0, "broker.ping", "{}", 2, NULL), 0);
    ck_assert_int_eq(flux_respond(low, msg, NULL), 0); /* nobody waits for it */
    ck_assert_int_eq(cluster_rpc(&c, 0, "broker.ping", "{}", 2, NULL), 0);
    flux_msg_destroy(msg);
    flux_close(low);
    flux_close(high);
    cluster_stop(&c);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(c.m[i].exit_code, 0);
    cluster_fini(&c);
}
END_TEST

START_TEST(a_client_that_goes_is_told_of_to_services_far_away)
{
    flux_msg_t *msg, *bye;
    struct ask a, b;
    flux_t *far;

    begin(4, "kary:1", WORLD);
    far = make_service(0, "far");
    ask(&a, 3, "far.x", FLUX_NODEID_ANY, FLUX_RPC_STREAMING);
    msg = hear(far, "far.x");
    ask(&b, 2, "far.y", 0, 0);
    flux_msg_destroy(hear(far, "far.y"));
    flux_future_destroy(a.f);
    flux_close(c.m[3].h);
    c.m[3].h = NULL;
    bye = hear(far, "far.disconnect");
    ck_assert(flux_disconnect_match(bye, msg));
    flux_msg_destroy(msg);
    flux_msg_destroy(bye);
    ck_assert_int_eq(b.answers, 0);
    flux_future_destroy(b.f);
    flux_close(far);
    cluster_stop(&c);
    cluster_fini(&c);
}
END_TEST

START_TEST(leaves_come_and_go)
{
    begin(5, "kary:2", WORLD);
    cluster_crash(&c, 4);
    cluster_until_online(&c, "0-3");
    cluster_crash(&c, 3);
    cluster_until_online(&c, "0-2");
    cluster_add(&c, 4);
    cluster_until_online(&c, "0-2,4");
    cluster_add(&c, 3);
    cluster_until_online(&c, "0-4");
    cluster_until_up(&c);
    cluster_stop(&c);
    cluster_fini(&c);
}
END_TEST

static bool has_gone(struct cluster *cl, void *arg)
{
    return ((struct member *)arg)->b == NULL;
}

START_TEST(one_that_is_stopped_leaves_with_those_below_it)
{
    begin(7, "kary:2", WORLD);
    broker_stop(c.m[1].b);
    cluster_until(&c, has_gone, &c.m[1]);
    ck_assert_ptr_null(c.m[3].b);
    ck_assert_ptr_null(c.m[4].b);
    ck_assert_int_eq(c.m[3].exit_code, 0);
    cluster_until_online(&c, "0,2,5-6");
    ck_assert_int_eq(cluster_rpc(&c, 0, "broker.ping", "{}", 3, NULL), EHOSTUNREACH);
    cluster_stop(&c);
    cluster_fini(&c);
}
END_TEST

static const char *const usual[] = {"heartbeat",  "resource", "job-manager",
                                    "job-ingest", "job-exec", "sched",
                                    "job-list",   "job-info", NULL};

START_TEST(rank_0_crashes_with_all_its_modules_at_any_time)
{
    cluster_init(&c, 3, "kary:2", WORLD);
    c.modules = usual;
    c.durable = true;
    c.config = "{\"fake-resources\":{\"nnodes\":4,\"cores-per-node\":4}}";
    cluster_add(&c, 1);
    cluster_add(&c, 2);
    for (int i = 0; i < 12; i++) {
        cluster_add(&c, 0);
        cluster_run(&c, 0.01 * i * i);
        cluster_crash(&c, 0);
    }
    cluster_add(&c, 0);
    cluster_until_up(&c);
    cluster_until_online(&c, "0-2");
    ck_assert_uint_ge(c.m[0].b->epoch, 12);
    ck_assert_int_eq(cluster_rpc(&c, 2, "job-manager.ping", "{}", FLUX_NODEID_ANY, NULL),
                     0);
    cluster_stop(&c);
    cluster_fini(&c);
}
END_TEST

CLUSTER_MAIN("failures", what_a_dead_leaf_was_asked_fails_once,
             what_went_through_a_dead_broker_fails_once_at_both_ends,
             a_client_that_goes_is_told_of_to_services_far_away, leaves_come_and_go,
             one_that_is_stopped_leaves_with_those_below_it,
             rank_0_crashes_with_all_its_modules_at_any_time)

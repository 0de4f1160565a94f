/* Events: everywhere, in the same order, also for those who were away for a moment. */
#include "cluster.h"

#define SIZE 7
#define EVENTS 200

static struct cluster c;

/* What one broker's subscriber has seen. */
struct seen {
    int n;
    uint32_t seq[2 * EVENTS];
    int from[2 * EVENTS];
};
static struct seen seen[SIZE];
static flux_msg_handler_t *handlers[SIZE];
static int published;

static void event_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct seen *s = arg;

    ck_assert_int_lt(s->n, 2 * EVENTS);
    ck_assert_int_eq(flux_msg_get_seq(msg, &s->seq[s->n]), 0);
    ck_assert_int_eq(flux_msg_unpack(msg, "{s:i}", "from", &s->from[s->n]), 0);
    s->n++;
}

static void subscribe(int rank)
{
    struct flux_match match = FLUX_MATCH_EVENT;
    flux_t *h = cluster_handle(&c, rank);

    match.topic_glob = "test.*";
    memset(&seen[rank], 0, sizeof(seen[rank]));
    handlers[rank] = flux_msg_handler_create(h, match, event_cb, &seen[rank]);
    flux_msg_handler_start(handlers[rank]);
    ck_assert_int_eq(flux_event_subscribe(h, "test."), 0);
}

static void published_cb(flux_future_t *f, void *arg)
{
    ck_assert_int_eq(flux_event_publish_get_seq(f, NULL), 0);
    published++;
    flux_future_destroy(f);
}

static void publish(int rank, int i)
{
    flux_t *h = cluster_handle(&c, rank);
    flux_future_t *f;
    flux_msg_t *msg;

    if (i % 2) { /* as a message */
        msg = flux_event_pack("test.raw", "{s:i s:i}", "from", rank, "i", i);
        ck_assert_int_eq(flux_send(h, msg, 0), 0);
        flux_msg_destroy(msg);
        published++;
        return;
    }
    f = flux_event_publish_pack(h, "test.rpc", 0, "{s:i s:i}", "from", rank, "i", i);
    ck_assert_int_eq(flux_future_then(f, -1., published_cb, NULL), 0);
}

static void begin(int size, const char *topo, int64_t world)
{
    published = 0;
    memset(handlers, 0, sizeof(handlers));
    cluster_init(&c, size, topo, world);
    cluster_add_all(&c);
    cluster_until_up(&c);
}

static void end(void)
{
    for (int i = 0; i < c.size; i++)
        flux_msg_handler_destroy(handlers[i]);
    cluster_stop(&c);
    cluster_fini(&c);
}

/* All who listen have seen so many. */
static bool all_seen(struct cluster *cl, void *arg)
{
    for (int i = 0; i < c.size; i++) {
        if (handlers[i] && seen[i].n < *(int *)arg)
            return false;
    }
    return true;
}

static void all_saw(int n)
{
    cluster_until(&c, all_seen, &n);
    for (int i = 0; i < c.size; i++) {
        if (!handlers[i])
            continue;
        ck_assert_int_eq(seen[i].n, n);
        ck_assert_int_eq(memcmp(seen[i].seq, seen[0].seq, n * sizeof(uint32_t)), 0);
        ck_assert_int_eq(memcmp(seen[i].from, seen[0].from, n * sizeof(int)), 0);
    }
    for (int i = 1; i < n; i++)
        ck_assert_uint_gt(seen[0].seq[i], seen[0].seq[i - 1]);
}

START_TEST(all_see_all_in_one_order)
{
    begin(SIZE, "kary:2", WORLD);
    for (int i = 0; i < SIZE; i++)
        subscribe(i);
    for (int i = 0; i < EVENTS; i++)
        publish(i % SIZE, i);
    all_saw(EVENTS);
    end();
}
END_TEST

START_TEST(a_publisher_has_its_event_before_its_answer)
{
    uint32_t seq;
    const char *s;

    begin(3, "kary:1", WORLD);
    subscribe(2);
    ck_assert_int_eq(cluster_rpc(&c, 2, "event.publish",
                                 "{\"topic\":\"test.x\",\"flags\":0,\"payload\":"
                                 "\"eyJmcm9tIjoyfQA=\"}",
                                 FLUX_NODEID_ANY, &s),
                     0);
    ck_assert_int_eq(seen[2].n, 1);
    ck_assert_int_eq(sscanf(s, "{\"seq\":%u}", &seq), 1);
    ck_assert_uint_eq(seq, seen[2].seq[0]);
    end();
}
END_TEST

START_TEST(nothing_is_missed_over_a_lost_connection)
{
    begin(4, "kary:1", WORLD);
    for (int i = 0; i < 4; i++)
        subscribe(i);
    ck_assert_int_eq(cluster_rpc(&c, 1, "overlay.disconnect-parent", "{}", 2, NULL), 0);
    for (int i = 0; i < EVENTS; i++) {
        publish(i % 2, i);
        if (i % 10 == 0)
            cluster_run(&c, 0.01);
    }
    all_saw(EVENTS);
    cluster_until_online(&c, "0-3");
    publish(3, 1);
    all_saw(EVENTS + 1);
    end();
}
END_TEST

START_TEST(nor_when_the_broker_between_is_started_anew)
{
    begin(4, "kary:1", WORLD);
    for (int i = 0; i < 4; i++) {
        if (i != 1)
            subscribe(i);
    }
    for (int i = 0; i < 10; i++)
        publish(0, i);
    cluster_crash(&c, 1);
    for (int i = 10; i < 20; i++)
        publish(0, i);
    cluster_add(&c, 1);
    all_saw(20);
    cluster_until_online(&c, "0-3");
    publish(3, 2);
    all_saw(21);
    end();
}
END_TEST

CLUSTER_MAIN("events", all_see_all_in_one_order,
             a_publisher_has_its_event_before_its_answer,
             nothing_is_missed_over_a_lost_connection,
             nor_when_the_broker_between_is_started_anew)

/* The router among other brokers: rank 1 of 4, with rank 0 above it, rank 3 below it and
 * rank 2 elsewhere. */
#include <flux/disconnect.h>
#include <flux/response.h>

#include "fake.h"

static struct env *env;
static struct router *r;
static struct fake up, down, a, b, guest;
static uint32_t lost_first, lost_last;

static struct endpoint *toward(uint32_t rank, void *arg)
{
    struct fake *f = rank == 3 ? &down : &up;

    return router_is_attached(&f->ep) ? &f->ep : NULL;
}

static void lost(uint32_t first, uint32_t last, void *arg)
{
    lost_first = first;
    lost_last = last;
}

static void attach(struct fake *f, enum endpoint_kind kind)
{
    memset(f, 0, sizeof(*f));
    f->ep.send = fake_send;
    f->ep.name = "broker";
    f->ep.kind = kind;
    f->ep.cred.userid = OWNER;
    f->ep.cred.rolemask = FLUX_ROLE_OWNER;
    ck_assert_int_eq(router_attach(r, &f->ep, NULL), 0);
}

static void setup(void)
{
    struct router_tree tree = {.rank = 1, .size = 4, .toward = toward, .lost = lost};

    lost_first = lost_last = 0;
    r = make_router(&env);
    router_set_tree(r, &tree);
    attach(&up, ENDPOINT_PARENT);
    attach(&down, ENDPOINT_CHILD);
    fake_init(&a, r, OWNER);
    fake_init(&b, r, OWNER);
    fake_init(&guest, r, 2002);
}

static void teardown(void)
{
    fake_fini(&a, r);
    fake_fini(&b, r);
    fake_fini(&guest, r);
    fake_fini(&up, r);
    fake_fini(&down, r);
    router_free(r);
    env_unref(env);
}

static flux_msg_t *request_to(uint32_t nodeid, const char *topic, uint32_t tag)
{
    flux_msg_t *msg = make_request(topic, tag);

    ck_assert_int_eq(flux_msg_set_nodeid(msg, nodeid), 0);
    return msg;
}

/* A request as it comes from another broker, of a client there. */
static flux_msg_t *from_afar(uint32_t nodeid, const char *topic, uint32_t tag,
                             const char *client)
{
    struct flux_msg_cred cred = {OWNER, FLUX_ROLE_OWNER | FLUX_ROLE_LOCAL};
    flux_msg_t *msg = request_to(nodeid, topic, tag);

    flux_msg_route_enable(msg);
    ck_assert_int_eq(flux_msg_route_push(msg, client), 0);
    ck_assert_int_eq(flux_msg_set_cred(msg, cred), 0);
    return msg;
}

START_TEST(requests_go_toward_their_rank)
{
    setup();
    ck_assert_int_eq(router_service_add(r, &b.ep, "svc"), 0);
    router_recv(r, &a.ep, request_to(0, "svc.x", 1));
    router_recv(r, &a.ep, request_to(2, "svc.x", 2));
    ck_assert_int_eq(up.n, 2);
    router_recv(r, &a.ep, request_to(3, "svc.x", 3));
    ck_assert_int_eq(down.n, 1);
    router_recv(r, &a.ep, request_to(1, "svc.x", 4));
    ck_assert_int_eq(b.n, 1);
    router_recv(r, &up.ep, from_afar(3, "svc.x", 1, "c1"));
    ck_assert_int_eq(down.n, 2);
    router_recv(r, &down.ep, from_afar(2, "svc.x", 1, "c2"));
    ck_assert_int_eq(up.n, 3);
    ck_assert_int_eq(a.n, 0);
    router_recv(r, &a.ep, request_to(4, "svc.x", 5)); /* no such rank */
    ck_assert_int_eq(errnum_of(a.got[0]), EHOSTUNREACH);
    router_detach(r, &down.ep, EHOSTUNREACH);
    ck_assert_int_eq(errnum_of(a.got[1]), EHOSTUNREACH); /* the one in flight */
    router_recv(r, &a.ep, request_to(3, "svc.x", 6));
    ck_assert_int_eq(errnum_of(a.got[2]), EHOSTUNREACH);
    ck_assert_int_eq(a.n, 3);
    teardown();
}
END_TEST

START_TEST(requests_for_any_rank_go_to_a_service_here_or_up)
{
    setup();
    ck_assert_int_eq(router_service_add(r, &b.ep, "svc"), 0);
    router_recv(r, &down.ep, from_afar(FLUX_NODEID_ANY, "svc.x", 1, "c"));
    ck_assert_int_eq(b.n, 1);
    router_recv(r, &down.ep, from_afar(FLUX_NODEID_ANY, "other.x", 2, "c"));
    ck_assert_int_eq(up.n, 1);
    router_recv(r, &a.ep, request_to(1, "other.x", 3)); /* here, and nowhere else */
    ck_assert_int_eq(errnum_of(a.got[0]), ENOSYS);
    router_detach(r, &up.ep, EHOSTUNREACH);
    router_recv(r, &a.ep, make_request("other.x", 4));
    ck_assert_int_eq(errnum_of(a.got[1]), EHOSTUNREACH);
    teardown();
}
END_TEST

START_TEST(upstream_requests_leave_the_rank_they_name)
{
    flux_msg_t *msg;

    setup();
    ck_assert_int_eq(router_service_add(r, &b.ep, "svc"), 0);
    msg = request_to(1, "svc.x", 1);
    flux_msg_set_upstream(msg);
    router_recv(r, &a.ep, msg);
    ck_assert_int_eq(b.n, 0);
    ck_assert_int_eq(up.n, 1);
    msg = from_afar(3, "svc.x", 2, "c"); /* from below: it stops here */
    flux_msg_set_upstream(msg);
    router_recv(r, &down.ep, msg);
    ck_assert_int_eq(b.n, 1);
    msg = from_afar(3, "other.x", 3, "c");
    flux_msg_set_upstream(msg);
    router_recv(r, &down.ep, msg);
    ck_assert_int_eq(up.n, 2);
    teardown();
}
END_TEST

START_TEST(who_is_local_elsewhere_is_not_here)
{
    struct flux_msg_cred cred;

    setup();
    ck_assert_int_eq(router_service_add(r, &b.ep, "svc"), 0);
    router_recv(r, &up.ep, from_afar(1, "svc.x", 1, "c"));
    flux_msg_get_cred(b.got[0], &cred);
    ck_assert_uint_eq(cred.userid, OWNER);
    ck_assert_uint_eq(cred.rolemask, FLUX_ROLE_OWNER);
    router_recv(r, &a.ep, request_to(1, "svc.x", 1));
    flux_msg_get_cred(b.got[1], &cred);
    ck_assert_uint_eq(cred.rolemask, FLUX_ROLE_OWNER | FLUX_ROLE_LOCAL);
    teardown();
}
END_TEST

START_TEST(a_response_finds_its_call_once)
{
    flux_msg_t *rsp, *late;

    setup();
    router_recv(r, &a.ep, request_to(3, "svc.x", 7));
    rsp = flux_response_derive(down.got[0], 0);
    late = flux_msg_copy(rsp, true);
    router_recv(r, &down.ep, rsp);
    ck_assert_int_eq(a.n, 1);
    ck_assert_uint_eq(matchtag_of(a.got[0]), 7);
    router_recv(r, &down.ep, late);
    ck_assert_int_eq(a.n, 1);
    teardown();
}
END_TEST

START_TEST(a_lost_broker_fails_its_calls_and_its_late_answers_are_dropped)
{
    flux_msg_t *late;

    setup();
    router_recv(r, &a.ep, request_to(3, "svc.x", 7));
    router_recv(r, &up.ep, from_afar(3, "svc.x", 7, "c"));
    late = flux_response_derive(down.got[0], 0);
    router_detach(r, &down.ep, EHOSTUNREACH);
    ck_assert_int_eq(a.n, 1);
    ck_assert_int_eq(errnum_of(a.got[0]), EHOSTUNREACH);
    ck_assert_int_eq(up.n, 1);
    ck_assert_int_eq(errnum_of(up.got[0]), EHOSTUNREACH);
    ck_assert_str_eq(flux_msg_route_last(up.got[0]), "c");
    fake_forget(&down);
    attach(&down, ENDPOINT_CHILD); /* it is back */
    router_recv(r, &down.ep, late);
    ck_assert_int_eq(a.n, 1);
    teardown();
}
END_TEST

START_TEST(a_lost_askers_answers_go_nowhere)
{
    char old[37];
    flux_msg_t *late;

    setup();
    ck_assert_int_eq(router_service_add(r, &b.ep, "svc"), 0);
    router_recv(r, &down.ep, from_afar(1, "svc.x", 7, "c"));
    late = flux_response_derive(b.got[0], 0);
    strcpy(old, down.ep.uuid);
    router_detach(r, &down.ep, EHOSTUNREACH);
    ck_assert_str_eq(topic_of(b.got[1]), "svc.disconnect");
    ck_assert(flux_disconnect_match(b.got[1], b.got[0]));
    fake_forget(&down);
    attach(&down, ENDPOINT_CHILD);
    ck_assert_str_ne(down.ep.uuid, old);
    router_recv(r, &down.ep, from_afar(1, "svc.x", 7, "c"));
    router_recv(r, &b.ep, late); /* is not taken for the answer to the new one */
    ck_assert_int_eq(down.n, 0);
    teardown();
}
END_TEST

START_TEST(disconnects_follow_the_requests)
{
    flux_msg_t *msg;

    setup();
    router_recv(r, &a.ep, request_to(3, "svc.x", 1));
    router_recv(r, &a.ep, request_to(3, "svc.y", 2));
    router_recv(r, &a.ep, request_to(2, "svc.x", 3));
    router_recv(r, &a.ep, make_request("far.x", 4));
    msg = request_to(1, "far.x", 5);
    flux_msg_set_upstream(msg);
    router_recv(r, &a.ep, msg);
    ck_assert_int_eq(down.n, 2);
    ck_assert_int_eq(up.n, 3);
    router_detach(r, &a.ep, EHOSTUNREACH);
    ck_assert_int_eq(down.n, 3);
    ck_assert_str_eq(topic_of(down.got[2]), "svc.disconnect");
    ck_assert(flux_msg_is_noresponse(down.got[2]));
    ck_assert(flux_disconnect_match(down.got[2], down.got[0]));
    ck_assert_int_eq(up.n, 6);
    ck_assert_str_eq(topic_of(up.got[3]), "svc.disconnect");
    ck_assert_str_eq(topic_of(up.got[4]), "far.disconnect");
    ck_assert(flux_msg_is_upstream(up.got[5]));
    teardown();
}
END_TEST

START_TEST(a_client_far_away_that_goes_is_forgotten)
{
    flux_msg_t *msg;

    setup();
    ck_assert_int_eq(router_service_add(r, &b.ep, "svc"), 0);
    router_recv(r, &down.ep, from_afar(1, "svc.sub.x", 7, "c1"));
    router_recv(r, &down.ep, from_afar(1, "svc.x", 7, "c2"));
    ck_assert_int_eq((int)umap_count(down.ep.calls), 2);
    msg = from_afar(1, "svc.sub.disconnect", 0, "c1");
    flux_msg_set_noresponse(msg);
    router_recv(r, &down.ep, msg);
    ck_assert_int_eq((int)umap_count(down.ep.calls), 1);
    ck_assert_str_eq(topic_of(b.got[2]), "svc.disconnect"); /* as the service knows it */
    ck_assert(flux_disconnect_match(b.got[2], b.got[0]));
    ck_assert(!flux_disconnect_match(b.got[2], b.got[1]));
    teardown();
}
END_TEST

static bool leader_only(const struct endpoint *ep, const flux_msg_t *msg)
{
    return !strcmp(topic_of(msg), "svc.leader");
}

START_TEST(what_the_leader_answers_goes_to_rank_0)
{
    uint32_t nodeid;

    setup();
    b.ep.for_leader = leader_only;
    ck_assert_int_eq(router_service_add(r, &b.ep, "svc"), 0);
    router_recv(r, &a.ep, request_to(1, "svc.leader", 1));
    router_recv(r, &a.ep, request_to(1, "svc.here", 2));
    ck_assert_int_eq(up.n, 1);
    ck_assert_int_eq(b.n, 1);
    flux_msg_get_nodeid(up.got[0], &nodeid);
    ck_assert_uint_eq(nodeid, 0);
    teardown();
}
END_TEST

static flux_msg_t *numbered(uint32_t seq)
{
    flux_msg_t *msg = make_event("x.y");

    ck_assert_int_eq(flux_msg_set_seq(msg, seq), 0);
    return msg;
}

static uint32_t seq_of(const flux_msg_t *msg)
{
    uint32_t seq = 0;

    ck_assert_int_eq(flux_msg_get_seq(msg, &seq), 0);
    return seq;
}

START_TEST(events_go_up_unnumbered_and_down_in_order)
{
    struct flux_msg_cred cred = {OWNER, FLUX_ROLE_OWNER};
    flux_msg_t *msg = make_event("x.z");

    setup();
    ck_assert_int_eq(subs_add(&a.ep.subs, ""), 0);
    flux_msg_set_cred(msg, cred);
    router_recv(r, &b.ep, make_event("x.y"));
    router_recv(r, &down.ep, msg);
    ck_assert_int_eq(up.n, 2);
    ck_assert_int_eq(a.n, 0);            /* not before it has a number */
    router_recv(r, &up.ep, numbered(5)); /* the first it sees */
    router_recv(r, &up.ep, numbered(6));
    router_recv(r, &up.ep, numbered(6)); /* again */
    router_recv(r, &up.ep, numbered(4)); /* old */
    ck_assert_int_eq(a.n, 2);
    ck_assert_int_eq(down.n, 2);
    ck_assert_uint_eq(seq_of(down.got[1]), 6);
    ck_assert_uint_eq(lost_first, 0);
    router_recv(r, &up.ep, numbered(9));
    ck_assert_uint_eq(lost_first, 7);
    ck_assert_uint_eq(lost_last, 8);
    ck_assert_int_eq(a.n, 3);
    ck_assert_uint_eq(router_seq(r), 9);
    teardown();
}
END_TEST

START_TEST(a_child_that_was_away_gets_what_it_missed)
{
    setup();
    for (uint32_t i = 1; i <= 20; i++)
        router_recv(r, &up.ep, numbered(i));
    fake_forget(&down);
    ck_assert_uint_eq(router_replay(r, &down.ep, 15), 0);
    ck_assert_int_eq(down.n, 5);
    for (int i = 0; i < 5; i++)
        ck_assert_uint_eq(seq_of(down.got[i]), 16 + i);
    fake_forget(&down);
    ck_assert_uint_eq(router_replay(r, &down.ep, 20), 0);
    ck_assert_int_eq(down.n, 0);
    ck_assert_uint_eq(router_replay(r, &down.ep, 0), 0); /* it knows nothing yet */
    ck_assert_int_eq(down.n, 20);
    teardown();
}
END_TEST

START_TEST(events_of_guests_far_away_are_checked)
{
    struct flux_msg_cred cred = {2002, FLUX_ROLE_USER};
    struct router_tree tree = {.rank = 0, .size = 4, .toward = toward};
    flux_msg_t *bad = make_event("x.y"), *good = make_event("2002-x");

    setup();
    router_detach(r, &up.ep, 0);
    router_set_tree(r, &tree);
    ck_assert_int_eq(subs_add(&a.ep.subs, ""), 0);
    flux_msg_set_cred(bad, cred);
    flux_msg_set_cred(good, cred);
    router_recv(r, &down.ep, bad);
    ck_assert_int_eq(a.n, 0);
    router_recv(r, &down.ep, good);
    ck_assert_int_eq(a.n, 1);
    ck_assert_uint_eq(seq_of(a.got[0]), 1);
    ck_assert_int_eq(down.n, 1);
    teardown();
}
END_TEST

SUITE_MAIN("router_tree", requests_go_toward_their_rank,
           requests_for_any_rank_go_to_a_service_here_or_up,
           upstream_requests_leave_the_rank_they_name, who_is_local_elsewhere_is_not_here,
           a_response_finds_its_call_once,
           a_lost_broker_fails_its_calls_and_its_late_answers_are_dropped,
           a_lost_askers_answers_go_nowhere, disconnects_follow_the_requests,
           a_client_far_away_that_goes_is_forgotten,
           what_the_leader_answers_goes_to_rank_0,
           events_go_up_unnumbered_and_down_in_order,
           a_child_that_was_away_gets_what_it_missed,
           events_of_guests_far_away_are_checked)

/* The router: who gets what, and who is believed. */
#include <flux/response.h>

#include "fake.h"

static struct env *env;
static struct router *r;
static struct fake a, b, guest;

static void setup(void)
{
    r = make_router(&env);
    fake_init(&a, r, OWNER);
    fake_init(&b, r, OWNER);
    fake_init(&guest, r, 2002);
}

static void teardown(void)
{
    fake_fini(&a, r);
    fake_fini(&b, r);
    fake_fini(&guest, r);
    router_free(r);
    env_unref(env);
}

START_TEST(request_reaches_the_service_and_response_the_sender)
{
    flux_msg_t *rsp;

    setup();
    ck_assert_int_eq(router_service_add(r, &b.ep, "svc"), 0);
    router_recv(r, &a.ep, make_request("svc.hello", 7));
    ck_assert_int_eq(b.n, 1);
    ck_assert_str_eq(topic_of(b.got[0]), "svc.hello");
    ck_assert_int_eq(flux_msg_route_count(b.got[0]), 1);
    ck_assert_str_eq(flux_msg_route_last(b.got[0]), a.ep.uuid);
    rsp = flux_response_derive(b.got[0], 0);
    router_recv(r, &b.ep, rsp);
    ck_assert_int_eq(a.n, 1);
    ck_assert_uint_eq(matchtag_of(a.got[0]), 7);
    ck_assert_int_eq(flux_msg_route_count(a.got[0]), 0);
    teardown();
}
END_TEST

START_TEST(unknown_service_is_enosys_with_its_name)
{
    const char *text;

    setup();
    router_recv(r, &a.ep, make_request("nosuch.method", 1));
    ck_assert_int_eq(a.n, 1);
    ck_assert_int_eq(errnum_of(a.got[0]), ENOSYS);
    ck_assert_int_eq(flux_msg_get_string(a.got[0], &text), 0);
    ck_assert_str_eq(text, "No service matching nosuch.method is registered");
    teardown();
}
END_TEST

START_TEST(no_answer_for_those_who_want_none)
{
    flux_msg_t *msg;

    setup();
    msg = make_request("nosuch.method", 0);
    flux_msg_set_noresponse(msg);
    router_recv(r, &a.ep, msg);
    router_recv(r, &a.ep, make_request(NULL, 1)); /* no topic: dropped */
    ck_assert_int_eq(a.n, 0);
    ck_assert_uint_eq(router_stats(r)->dropped, 1);
    teardown();
}
END_TEST

START_TEST(only_rank_0_exists)
{
    flux_msg_t *msg;

    setup();
    ck_assert_int_eq(router_service_add(r, &b.ep, "svc"), 0);
    msg = make_request("svc.x", 1);
    flux_msg_set_nodeid(msg, 0);
    router_recv(r, &a.ep, msg);
    ck_assert_int_eq(b.n, 1);
    msg = make_request("svc.x", 2);
    flux_msg_set_nodeid(msg, 7);
    router_recv(r, &a.ep, msg);
    ck_assert_int_eq(errnum_of(a.got[0]), EHOSTUNREACH);
    msg = make_request("svc.x", 3);
    flux_msg_set_nodeid(msg, 0);
    flux_msg_set_upstream(msg);
    router_recv(r, &a.ep, msg);
    ck_assert_int_eq(errnum_of(a.got[1]), EHOSTUNREACH);
    ck_assert_int_eq(b.n, 1);
    teardown();
}
END_TEST

START_TEST(owner_credentials_are_filled_in_or_kept)
{
    struct flux_msg_cred cred = {4242, FLUX_ROLE_USER};
    flux_msg_t *msg;

    setup();
    ck_assert_int_eq(router_service_add(r, &b.ep, "svc"), 0);
    router_recv(r, &a.ep, make_request("svc.x", 1));
    msg = make_request("svc.x", 2);
    flux_msg_set_cred(msg, cred);
    router_recv(r, &a.ep, msg);
    flux_msg_get_cred(b.got[0], &cred);
    ck_assert_uint_eq(cred.userid, OWNER);
    ck_assert_uint_eq(cred.rolemask, FLUX_ROLE_OWNER | FLUX_ROLE_LOCAL);
    flux_msg_get_cred(b.got[1], &cred);
    ck_assert_uint_eq(cred.userid, 4242);
    ck_assert_uint_eq(cred.rolemask, FLUX_ROLE_USER | FLUX_ROLE_LOCAL);
    teardown();
}
END_TEST

START_TEST(guest_credentials_are_always_overwritten)
{
    setup();
    ck_assert_int_eq(router_service_add(r, &b.ep, "svc"), 0);
    for (uint32_t i = 0; i < 60; i++) {
        struct flux_msg_cred cred = {i * 7919u, 1u << (i % 32)};
        flux_msg_t *msg = make_request("svc.x", i + 1);

        flux_msg_set_cred(msg, cred);
        router_recv(r, &guest.ep, msg);
        flux_msg_get_cred(b.got[i], &cred);
        ck_assert_uint_eq(cred.userid, 2002);
        ck_assert_uint_eq(cred.rolemask, FLUX_ROLE_USER | FLUX_ROLE_LOCAL);
    }
    teardown();
}
END_TEST

START_TEST(guest_brings_no_routes)
{
    flux_msg_t *msg = make_request("svc.x", 1);

    setup();
    ck_assert_int_eq(router_service_add(r, &b.ep, "svc"), 0);
    flux_msg_route_enable(msg);
    flux_msg_route_push(msg, a.ep.uuid);
    router_recv(r, &guest.ep, msg);
    ck_assert_int_eq(b.n, 0);
    ck_assert_int_eq(guest.n, 1);
    ck_assert_int_eq(errnum_of(guest.got[0]), EPERM);
    teardown();
}
END_TEST

START_TEST(guest_answers_only_what_it_was_asked)
{
    flux_msg_t *rsp;

    setup();
    ck_assert_int_eq(router_service_add(r, &guest.ep, "2002-svc"), 0);
    router_recv(r, &a.ep, make_request("2002-svc.x", 5));
    rsp = flux_response_derive(guest.got[0], 0);
    flux_msg_set_matchtag(rsp, 6);
    router_recv(r, &guest.ep, rsp);
    ck_assert_int_eq(a.n, 0);
    router_recv(r, &guest.ep, flux_response_derive(guest.got[0], 0));
    ck_assert_int_eq(a.n, 1);
    router_recv(r, &guest.ep, flux_response_derive(guest.got[0], 0)); /* once */
    ck_assert_int_eq(a.n, 1);
    teardown();
}
END_TEST

START_TEST(guest_requests_in_flight_are_capped)
{
    setup();
    guest.ep.calls_max = 3;
    ck_assert_int_eq(router_service_add(r, &b.ep, "svc"), 0);
    for (uint32_t i = 1; i <= 5; i++)
        router_recv(r, &guest.ep, make_request("svc.x", i));
    ck_assert_int_eq(b.n, 3);
    ck_assert_int_eq(guest.n, 2);
    ck_assert_int_eq(errnum_of(guest.got[0]), EAGAIN);
    router_recv(r, &b.ep, flux_response_derive(b.got[0], 0));
    router_recv(r, &guest.ep, make_request("svc.x", 6));
    ck_assert_int_eq(b.n, 4);
    teardown();
}
END_TEST

START_TEST(guest_requests_that_cannot_be_counted_are_refused)
{
    setup();
    guest.ep.calls_max = 3;
    guest.ep.calls_bytes_max = 1000;
    ck_assert_int_eq(router_service_add(r, &b.ep, "svc"), 0);
    router_recv(r, &guest.ep, make_request("svc.x", FLUX_MATCHTAG_NONE));
    ck_assert_int_eq(errnum_of(guest.got[0]), EPROTO);
    router_recv(r, &guest.ep, make_request("svc.x", 1));
    router_recv(r, &guest.ep, make_request("svc.x", 1)); /* in use */
    ck_assert_int_eq(errnum_of(guest.got[1]), EPROTO);
    ck_assert_int_eq(b.n, 1);
    teardown();
}
END_TEST

static flux_msg_t *request_of(uint32_t matchtag, size_t bytes)
{
    flux_msg_t *msg = make_request("svc.x", matchtag);
    char *data = calloc(1, bytes);

    flux_msg_set_payload(msg, data, bytes);
    free(data);
    return msg;
}

START_TEST(guest_bytes_in_flight_are_capped)
{
    setup();
    guest.ep.calls_max = 100;
    guest.ep.calls_bytes_max = 1000;
    ck_assert_int_eq(router_service_add(r, &b.ep, "svc"), 0);
    router_recv(r, &guest.ep, request_of(1, 600));
    router_recv(r, &guest.ep, request_of(2, 600));
    ck_assert_int_eq(b.n, 1);
    ck_assert_int_eq(errnum_of(guest.got[0]), EAGAIN);
    router_recv(r, &guest.ep, request_of(3, 400));
    ck_assert_int_eq(b.n, 2);
    router_recv(r, &b.ep, flux_response_derive(b.got[0], 0));
    router_recv(r, &b.ep, flux_response_derive(b.got[1], 0));
    router_recv(r, &guest.ep, request_of(4, 5000)); /* alone, it may be larger */
    ck_assert_int_eq(b.n, 3);
    teardown();
}
END_TEST

START_TEST(calls_fail_once_when_the_service_goes)
{
    flux_msg_t *msg;

    setup();
    ck_assert_int_eq(router_service_add(r, &b.ep, "svc"), 0);
    router_recv(r, &a.ep, make_request("svc.x", 1));
    msg = make_request("svc.stream", 2);
    flux_msg_set_streaming(msg);
    router_recv(r, &a.ep, msg);
    router_recv(r, &a.ep, make_request("svc.y", 3));
    router_recv(r, &b.ep, flux_response_derive(b.got[0], 0)); /* 1 is answered */
    router_recv(r, &b.ep, flux_response_derive(b.got[1], 0)); /* 2 goes on */
    ck_assert_int_eq(a.n, 2);
    router_detach(r, &b.ep, ENOSYS);
    ck_assert_int_eq(a.n, 4);
    ck_assert_int_eq(errnum_of(a.got[2]), ENOSYS);
    ck_assert_int_eq(errnum_of(a.got[3]), ENOSYS);
    ck_assert_uint_eq(matchtag_of(a.got[2]), 2);
    ck_assert_uint_eq(matchtag_of(a.got[3]), 3);
    router_recv(r, &a.ep, make_request("svc.x", 4));
    ck_assert_int_eq(errnum_of(a.got[4]), ENOSYS);
    teardown();
}
END_TEST

START_TEST(failed_calls_find_their_way_to_clients_behind_a_client)
{
    flux_msg_t *msg = make_request("svc.x", 1);

    setup();
    ck_assert_int_eq(router_service_add(r, &b.ep, "svc"), 0);
    flux_msg_route_enable(msg);
    flux_msg_route_push(msg, "behind-1");
    flux_msg_route_push(msg, "behind-2");
    router_recv(r, &a.ep, msg);
    ck_assert_int_eq(flux_msg_route_count(b.got[0]), 3);
    router_detach(r, &b.ep, EHOSTUNREACH);
    ck_assert_int_eq(a.n, 1);
    ck_assert_int_eq(flux_msg_route_count(a.got[0]), 2);
    ck_assert_str_eq(flux_msg_route_last(a.got[0]), "behind-2");
    ck_assert_str_eq(flux_msg_route_first(a.got[0]), "behind-1");
    teardown();
}
END_TEST

START_TEST(services_hear_of_a_dead_client_once)
{
    flux_msg_t *msg;

    setup();
    ck_assert_int_eq(router_service_add(r, &b.ep, "svc"), 0);
    ck_assert_int_eq(router_service_add(r, &b.ep, "other"), 0);
    ck_assert_int_eq(router_service_add(r, &b.ep, "unused"), 0);
    router_recv(r, &a.ep, make_request("svc.x", 1));
    router_recv(r, &a.ep, make_request("other.x", 2));
    msg = make_request("svc.y", 0);
    flux_msg_set_noresponse(msg);
    router_recv(r, &a.ep, msg);
    router_detach(r, &a.ep, EHOSTUNREACH);
    ck_assert_int_eq(b.n, 5);
    ck_assert_str_eq(topic_of(b.got[3]), "svc.disconnect");
    ck_assert_str_eq(topic_of(b.got[4]), "other.disconnect");
    ck_assert(flux_msg_is_noresponse(b.got[3]));
    ck_assert(flux_msg_route_match_first(b.got[0], b.got[3]));
    /* An answer to the dead goes nowhere. */
    router_recv(r, &b.ep, flux_response_derive(b.got[0], 0));
    ck_assert_int_eq(a.n, 0);
    teardown();
}
END_TEST

START_TEST(events_go_to_prefix_subscribers_in_sequence)
{
    uint32_t seq;

    setup();
    ck_assert_int_eq(subs_add(&a.ep.subs, "x."), 0);
    ck_assert_int_eq(subs_add(&b.ep.subs, "x.y"), 0);
    router_recv(r, &a.ep, make_event("x.y"));
    router_recv(r, &a.ep, make_event("x.z"));
    router_recv(r, &a.ep, make_event("w"));
    ck_assert_int_eq(a.n, 2);
    ck_assert_int_eq(b.n, 1);
    ck_assert_int_eq(guest.n, 0);
    flux_msg_get_seq(a.got[0], &seq);
    ck_assert_uint_eq(seq, 1);
    flux_msg_get_seq(a.got[1], &seq);
    ck_assert_uint_eq(seq, 2);
    teardown();
}
END_TEST

START_TEST(private_events_are_for_the_owner_and_the_sender)
{
    struct flux_msg_cred cred = {2002, FLUX_ROLE_USER};
    flux_msg_t *ev;

    setup();
    ck_assert_int_eq(subs_add(&a.ep.subs, ""), 0);
    ck_assert_int_eq(subs_add(&guest.ep.subs, ""), 0);
    ev = make_event("secret");
    flux_msg_set_private(ev);
    router_recv(r, &b.ep, ev);
    ck_assert_int_eq(a.n, 1);
    ck_assert_int_eq(guest.n, 0);
    ev = make_event("for-2002");
    flux_msg_set_private(ev);
    flux_msg_set_cred(ev, cred);
    router_recv(r, &b.ep, ev);
    ck_assert_int_eq(guest.n, 1);
    teardown();
}
END_TEST

START_TEST(guests_publish_under_their_own_prefix_only)
{
    setup();
    ck_assert_int_eq(subs_add(&a.ep.subs, ""), 0);
    router_recv(r, &guest.ep, make_event("heartbeat.pulse"));
    router_recv(r, &guest.ep, make_event("20020-x"));
    ck_assert_int_eq(a.n, 0);
    ck_assert_uint_eq(router_stats(r)->dropped, 2);
    router_recv(r, &guest.ep, make_event("2002-x"));
    ck_assert_int_eq(a.n, 1);
    teardown();
}
END_TEST

START_TEST(guests_register_under_their_own_prefix_only)
{
    setup();
    ck_assert_int_eq(router_service_add(r, &guest.ep, "job-manager"), -EPERM);
    ck_assert_int_eq(router_service_add(r, &guest.ep, "2003-shell"), -EPERM);
    ck_assert_int_eq(router_service_add(r, &guest.ep, "2002-shell"), 0);
    ck_assert_int_eq(router_service_add(r, &a.ep, "2002-shell"), -EEXIST);
    ck_assert_int_eq(router_service_remove(r, &a.ep, "2002-shell"), -ENOENT);
    ck_assert_int_eq(router_service_remove(r, &guest.ep, "2002-shell"), 0);
    teardown();
}
END_TEST

START_TEST(a_message_somebody_else_holds_is_not_changed)
{
    flux_msg_t *msg = make_request("svc.x", 1);

    setup();
    ck_assert_int_eq(router_service_add(r, &b.ep, "svc"), 0);
    flux_msg_incref(msg);
    router_recv(r, &a.ep, msg);
    ck_assert_ptr_ne(b.got[0], msg);
    ck_assert_int_eq(flux_msg_has_flag(msg, FLUX_MSGFLAG_ROUTE), 0);
    flux_msg_destroy(msg);
    teardown();
}
END_TEST

START_TEST(control_messages_go_nowhere)
{
    setup();
    router_recv(r, &a.ep, flux_msg_create(FLUX_MSGTYPE_CONTROL));
    ck_assert_uint_eq(router_stats(r)->dropped, 1);
    teardown();
}
END_TEST

SUITE_MAIN("router", request_reaches_the_service_and_response_the_sender,
           unknown_service_is_enosys_with_its_name, no_answer_for_those_who_want_none,
           only_rank_0_exists, owner_credentials_are_filled_in_or_kept,
           guest_credentials_are_always_overwritten, guest_brings_no_routes,
           guest_answers_only_what_it_was_asked, guest_requests_in_flight_are_capped,
           guest_requests_that_cannot_be_counted_are_refused,
           guest_bytes_in_flight_are_capped, calls_fail_once_when_the_service_goes,
           failed_calls_find_their_way_to_clients_behind_a_client,
           services_hear_of_a_dead_client_once,
           events_go_to_prefix_subscribers_in_sequence,
           private_events_are_for_the_owner_and_the_sender,
           guests_publish_under_their_own_prefix_only,
           guests_register_under_their_own_prefix_only,
           a_message_somebody_else_holds_is_not_changed, control_messages_go_nowhere)

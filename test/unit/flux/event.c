/* Events. */
#include <errno.h>
#include <string.h>

#include <flux/core.h>

#include "server.h"
#include "suite.h"

START_TEST(an_event_can_be_made_and_taken_apart)
{
    flux_msg_t *msg = flux_event_pack("t", "{s:i}", "a", 3);
    const char *topic, *s;
    const void *data;
    size_t len;
    int a;

    OK(flux_event_decode(msg, &topic, &s));
    ck_assert_str_eq(topic, "t");
    ck_assert_str_eq(s, "{\"a\":3}");
    OK(flux_event_unpack(msg, NULL, "{s:i}", "a", &a));
    ck_assert_int_eq(a, 3);
    OK(flux_event_decode_raw(msg, NULL, &data, &len));
    ck_assert_uint_eq(len, 8);
    flux_msg_destroy(msg);
    msg = flux_event_encode_raw("t", "\1\2", 2);
    OK(flux_event_decode_raw(msg, NULL, &data, &len));
    ck_assert_uint_eq(len, 2);
    flux_msg_destroy(msg);
    msg = flux_event_encode("t", NULL);
    OK(flux_event_decode(msg, NULL, &s));
    ck_assert_ptr_null(s);
    flux_msg_destroy(msg);
    FAILS_NULL(flux_event_encode(NULL, NULL), EINVAL);
    msg = flux_request_encode("t", NULL);
    FAILS(flux_event_decode(msg, NULL, NULL), EPROTO);
    flux_msg_destroy(msg);
}
END_TEST

static void event_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    ++*(int *)arg;
    flux_reactor_stop(flux_get_reactor(h));
}

START_TEST(an_event_that_comes_while_someone_waits_is_kept)
{
    struct server *server = server_start(0);
    flux_t *h = flux_open(server_uri(server), 0);
    flux_msg_handler_t *mh;
    flux_future_t *f;
    int n = 0;

    OK(flux_event_subscribe(h, "some"));
    mh = flux_msg_handler_create(h, FLUX_MATCH_EVENT, event_cb, &n);
    flux_msg_handler_start(mh);
    f = flux_rpc(h, "test.event", NULL, FLUX_NODEID_ANY, 0);
    OK(flux_rpc_get(f, NULL)); /* the event came first */
    flux_future_destroy(f);
    ck_assert_int_eq(n, 0);
    flux_reactor_run(flux_get_reactor(h), 0);
    ck_assert_int_eq(n, 1);
    flux_msg_handler_destroy(mh);
    OK(flux_event_unsubscribe(h, "some"));
    flux_close(h);
    server_stop(server);
}
END_TEST

START_TEST(publishing_sends_the_payload_in_base64_with_its_nul)
{
    struct server *server = server_start(0);
    flux_t *h = flux_open(server_uri(server), 0);
    flux_future_t *f;

    /* As a real client does it: {"a":2} and a NUL are eyJhIjoyfQA= */
    f = flux_event_publish_pack(h, "test.topic", 0, "{s:i}", "a", 2);
    OK(flux_future_get(f, NULL));
    flux_future_destroy(f);
    f = flux_event_publish(h, "test.topic", FLUX_MSGFLAG_PRIVATE, NULL);
    OK(flux_future_get(f, NULL));
    flux_future_destroy(f);
    ck_assert_int_eq(server_count(server, "event.publish",
                                  "{\"topic\":\"test.topic\",\"flags\":0,"
                                  "\"payload\":\"eyJhIjoyfQA=\"}"),
                     1);
    ck_assert_int_eq(
        server_count(server, "event.publish", "{\"topic\":\"test.topic\",\"flags\":32}"),
        1);
    FAILS_NULL(flux_event_publish(h, "t", 0xff, NULL), EINVAL);
    flux_close(h);
    server_stop(server);
}
END_TEST

START_TEST(subscribing_checks_its_arguments)
{
    flux_t *h = flux_open("loop://", FLUX_O_TEST_NOSUB);

    OK(flux_event_subscribe(h, "x"));
    OK(flux_event_unsubscribe(h, "x"));
    FAILS(flux_event_subscribe(h, NULL), EINVAL);
    FAILS(flux_event_subscribe(NULL, "x"), EINVAL);
    flux_close(h);
}
END_TEST

SUITE_MAIN("flux/event", an_event_can_be_made_and_taken_apart,
           an_event_that_comes_while_someone_waits_is_kept,
           publishing_sends_the_payload_in_base64_with_its_nul,
           subscribing_checks_its_arguments)

/* Cancel and disconnect requests against requests a service holds; control messages;
 * requests and responses taken apart.
 */
#include <errno.h>

#include <flux/core.h>

#include "suite.h"

/* A request as it arrives: from `sender`, by `userid`, with a matchtag. */
static flux_msg_t *request(const char *sender, uint32_t userid, uint32_t tag)
{
    flux_msg_t *msg = flux_request_encode("svc.watch", NULL);
    struct flux_msg_cred cred = {userid, userid == 0 ? FLUX_ROLE_OWNER : FLUX_ROLE_USER};

    flux_msg_set_cred(msg, cred);
    flux_msg_set_matchtag(msg, tag);
    OK(flux_msg_route_push(msg, sender));
    OK(flux_msg_route_push(msg, "broker-uuid"));
    return msg;
}

static flux_msg_t *cancel(const char *sender, uint32_t userid, uint32_t tag)
{
    flux_msg_t *msg = request(sender, userid, 0);

    OK(flux_msg_pack(msg, "{s:i}", "matchtag", (int)tag));
    return msg;
}

static void hold(struct flux_msglist *l, const char *sender, uint32_t userid,
                 uint32_t tag)
{
    flux_msg_t *msg = request(sender, userid, tag);

    OK(flux_msglist_append(l, msg));
    flux_msg_destroy(msg);
}

START_TEST(a_disconnect_concerns_the_senders_requests)
{
    struct flux_msglist *l = flux_msglist_create();
    flux_msg_t *msg = request("a", 100, 0);

    hold(l, "a", 100, 1);
    hold(l, "b", 100, 2);
    hold(l, "a", 100, 3);
    hold(l, "a", 200, 4); /* another user's: not ours to end */
    ck_assert_int_eq(flux_msglist_disconnect(l, msg), 2);
    ck_assert_int_eq(flux_msglist_count(l), 2);
    ck_assert_int_eq(flux_msglist_disconnect(l, msg), 0);
    flux_msg_destroy(msg);
    msg = request("a", 0, 0); /* the owner may end anything */
    ck_assert_int_eq(flux_msglist_disconnect(l, msg), 1);
    flux_msg_destroy(msg);
    flux_msglist_destroy(l);
}
END_TEST

START_TEST(a_cancel_concerns_one_matchtag_of_its_sender)
{
    flux_t *h = flux_open("loop://", 0);
    struct flux_msglist *l = flux_msglist_create();
    flux_msg_t *msg = cancel("a", 100, 2), *response;
    uint32_t tag;
    int errnum;

    hold(l, "a", 100, 1);
    hold(l, "b", 100, 2);
    hold(l, "a", 100, 2);
    OK(flux_msglist_cancel(h, l, msg));
    ck_assert_int_eq(flux_msglist_count(l), 2);
    response = flux_recv(h, FLUX_MATCH_RESPONSE, FLUX_O_NONBLOCK);
    OK(flux_msg_get_errnum(response, &errnum));
    ck_assert_int_eq(errnum, ENODATA);
    OK(flux_msg_get_matchtag(response, &tag));
    ck_assert_uint_eq(tag, 2);
    flux_msg_destroy(response);
    OK(flux_msglist_cancel(h, l, msg)); /* no such request: no answer */
    FAILS_NULL(flux_recv(h, FLUX_MATCH_RESPONSE, FLUX_O_NONBLOCK), EAGAIN);
    flux_msg_destroy(msg);
    flux_msglist_destroy(l);
    flux_close(h);
}
END_TEST

START_TEST(control_messages_carry_a_type_and_a_status)
{
    flux_msg_t *msg = flux_control_encode(3, 42);
    int type, status;

    OK(flux_control_decode(msg, &type, &status));
    ck_assert_int_eq(type, 3);
    ck_assert_int_eq(status, 42);
    flux_msg_destroy(msg);
    msg = flux_request_encode("x", NULL);
    FAILS(flux_control_decode(msg, &type, &status), EPROTO);
    flux_msg_destroy(msg);
}
END_TEST

START_TEST(a_response_goes_the_way_its_request_came)
{
    flux_msg_t *req = request("a", 100, 7);
    flux_msg_t *rep = flux_response_derive(req, 0);
    const char *topic;
    uint32_t tag;

    OK(flux_response_decode(rep, &topic, NULL));
    ck_assert_str_eq(topic, "svc.watch");
    OK(flux_msg_get_matchtag(rep, &tag));
    ck_assert_uint_eq(tag, 7);
    ck_assert_str_eq(flux_msg_route_first(rep), "a");
    ck_assert_int_eq(flux_msg_route_count(rep), 2);
    flux_msg_destroy(rep);
    FAILS_NULL(flux_response_derive(NULL, 0), EINVAL);
    flux_msg_destroy(req);
}
END_TEST

START_TEST(an_error_response_is_its_errno)
{
    flux_msg_t *msg = flux_response_encode_error("t", EBUSY, "busy");
    const char *s;

    FAILS(flux_response_decode(msg, NULL, NULL), EBUSY);
    OK(flux_response_decode_error(msg, &s));
    ck_assert_str_eq(s, "busy");
    flux_msg_destroy(msg);
    msg = flux_response_encode("t", "{}");
    FAILS(flux_response_decode_error(msg, &s), ENOENT);
    OK(flux_response_decode(msg, NULL, &s));
    ck_assert_str_eq(s, "{}");
    flux_msg_destroy(msg);
    FAILS_NULL(flux_response_encode_error("t", 0, NULL), EINVAL);
}
END_TEST

START_TEST(a_request_is_taken_apart)
{
    flux_msg_t *msg = flux_request_encode("t", "{\"a\":1}");
    const char *topic, *s;
    const void *data;
    size_t len;
    int a;

    OK(flux_request_decode(msg, &topic, &s));
    ck_assert_str_eq(topic, "t");
    ck_assert_str_eq(s, "{\"a\":1}");
    OK(flux_request_unpack(msg, NULL, "{s:i}", "a", &a));
    ck_assert_int_eq(a, 1);
    FAILS(flux_request_unpack(msg, NULL, "{s:i}", "b", &a), EPROTO);
    flux_msg_destroy(msg);
    msg = flux_request_encode_raw("t", "\1\2\3", 3);
    OK(flux_request_decode_raw(msg, NULL, &data, &len));
    ck_assert_uint_eq(len, 3);
    flux_msg_destroy(msg);
    msg = flux_response_encode("t", NULL);
    FAILS(flux_request_decode(msg, NULL, NULL), EPROTO);
    flux_msg_destroy(msg);
    FAILS_NULL(flux_request_encode(NULL, NULL), EINVAL);
}
END_TEST

SUITE_MAIN("flux/disconnect", a_disconnect_concerns_the_senders_requests,
           a_cancel_concerns_one_matchtag_of_its_sender,
           control_messages_carry_a_type_and_a_status,
           a_response_goes_the_way_its_request_came, an_error_response_is_its_errno,
           a_request_is_taken_apart)

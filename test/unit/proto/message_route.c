#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <flux/message.h>
#include "suite.h"

START_TEST(routes_need_to_be_enabled)
{
    flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_REQUEST);

    errno = 0;
    ck_assert_int_eq(flux_msg_route_count(msg), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_int_eq(flux_msg_route_push(msg, "a"), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_ptr_null(flux_msg_route_string(msg));
    flux_msg_route_enable(msg);
    ck_assert_int_eq(flux_msg_route_count(msg), 0);
    ck_assert_int_eq(flux_msg_route_delete_last(msg), 0);
    ck_assert_int_eq(flux_msg_route_push(msg, "a"), 0);
    flux_msg_route_disable(msg);
    ck_assert_int_eq(flux_msg_route_count(msg), -1);
    ck_assert_ptr_null(flux_msg_route_first(msg));
    flux_msg_destroy(msg);
}
END_TEST

START_TEST(the_stack_grows_and_shrinks_at_its_end)
{
    flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_REQUEST);
    char *s;

    flux_msg_route_enable(msg);
    s = flux_msg_route_string(msg);
    ck_assert_str_eq(s, "");
    free(s);
    flux_msg_route_push(msg, "sender");
    flux_msg_route_push(msg, "a29bc03e-a9e6-402c-94f4-73b501e067a1");
    flux_msg_route_push(msg, "hop");
    ck_assert_int_eq(flux_msg_route_count(msg), 3);
    ck_assert_str_eq(flux_msg_route_first(msg), "sender");
    ck_assert_str_eq(flux_msg_route_last(msg), "hop");
    s = flux_msg_route_string(msg);
    ck_assert_str_eq(s, "sender!a29bc03e!hop");
    free(s);
    ck_assert_int_eq(flux_msg_route_delete_last(msg), 0);
    ck_assert_str_eq(flux_msg_route_last(msg), "a29bc03e-a9e6-402c-94f4-73b501e067a1");
    ck_assert_int_eq(flux_msg_route_delete_last(msg), 0);
    ck_assert_str_eq(flux_msg_route_last(msg), "sender");
    flux_msg_route_clear(msg);
    ck_assert_int_eq(flux_msg_route_count(msg), 0);
    ck_assert_ptr_null(flux_msg_route_last(msg));
    flux_msg_destroy(msg);
}
END_TEST

START_TEST(many_long_routes_survive_the_wire)
{
    flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_RESPONSE), *got;
    char id[300];
    char *wire;
    ssize_t size;

    flux_msg_route_enable(msg);
    for (int i = 0; i < 64; i++) {
        snprintf(id, sizeof(id), "%0*d", 254 - i, i);
        ck_assert_int_eq(flux_msg_route_push(msg, id), 0);
    }
    errno = 0;
    ck_assert_int_eq(flux_msg_route_push(msg, "65th"), -1);
    ck_assert_int_eq(errno, EMSGSIZE);
    size = flux_msg_encode_size(msg);
    wire = malloc(size);
    ck_assert_int_eq(flux_msg_encode(msg, wire, size), 0);
    got = flux_msg_decode(wire, size);
    ck_assert_ptr_nonnull(got);
    for (int i = 64; i-- > 0;) {
        snprintf(id, sizeof(id), "%0*d", 254 - i, i);
        ck_assert_str_eq(flux_msg_route_last(got), id);
        flux_msg_route_delete_last(got);
    }
    ck_assert_int_eq(flux_msg_route_count(got), 0);
    free(wire);
    flux_msg_destroy(got);
    flux_msg_destroy(msg);
}
END_TEST

START_TEST(an_id_of_255_bytes_is_refused)
{
    flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_REQUEST);
    char id[256];

    memset(id, 'i', 255);
    id[255] = '\0';
    flux_msg_route_enable(msg);
    ck_assert_int_eq(flux_msg_route_push(msg, id), -1);
    ck_assert_int_eq(errno, EMSGSIZE);
    ck_assert_int_eq(flux_msg_route_push(msg, ""), -1);
    ck_assert_int_eq(errno, EINVAL);
    flux_msg_destroy(msg);
}
END_TEST

START_TEST(first_routes_are_compared)
{
    flux_msg_t *a = flux_msg_create(FLUX_MSGTYPE_REQUEST);
    flux_msg_t *b = flux_msg_create(FLUX_MSGTYPE_REQUEST);

    flux_msg_route_enable(a);
    flux_msg_route_enable(b);
    ck_assert(flux_msg_route_match_first(a, b));
    flux_msg_route_push(a, "x");
    ck_assert(!flux_msg_route_match_first(a, b));
    flux_msg_route_push(b, "x");
    flux_msg_route_push(b, "y");
    ck_assert(flux_msg_route_match_first(a, b));
    flux_msg_destroy(a);
    flux_msg_destroy(b);
}
END_TEST

SUITE_MAIN("proto/message_route", routes_need_to_be_enabled,
           the_stack_grows_and_shrinks_at_its_end, many_long_routes_survive_the_wire,
           an_id_of_255_bytes_is_refused, first_routes_are_compared)

/* Broker attributes and their cache. */
#include <errno.h>
#include <string.h>

#include <flux/core.h>

#include "server.h"
#include "suite.h"

START_TEST(values_are_asked_once_and_kept)
{
    struct server *server = server_start(0);
    flux_t *h = flux_open(server_uri(server), 0);

    ck_assert_str_eq(flux_attr_get(h, "some-name"), "some-name");
    ck_assert_str_eq(flux_attr_get(h, "some-name"), "some-name");
    ck_assert_int_eq(server_count(server, "attr.get", NULL), 1);
    flux_close(h);
    server_stop(server);
}
END_TEST

START_TEST(setting_asks_the_broker)
{
    struct server *server = server_start(0);
    flux_t *h = flux_open(server_uri(server), 0);

    OK(flux_attr_set(h, "a", "1"));
    OK(flux_attr_set_ex(h, "a", "2", true, NULL));
    OK(flux_attr_set(h, "a", NULL));
    ck_assert_int_eq(server_count(server, "attr.set", "{\"name\":\"a\",\"value\":\"1\"}"),
                     1);
    ck_assert_int_eq(server_count(server, "attr.set",
                                  "{\"name\":\"a\",\"value\":\"2\",\"force\":true}"),
                     1);
    ck_assert_int_eq(server_count(server, "attr.rm", "{\"name\":\"a\"}"), 1);
    FAILS(flux_attr_set(h, NULL, "x"), EINVAL);
    flux_close(h);
    server_stop(server);
}
END_TEST

START_TEST(the_cache_can_be_filled_by_hand)
{
    flux_t *h = flux_open("loop://", 0);
    uint32_t n;

    OK(flux_attr_set_cacheonly(h, "rank", "3"));
    OK(flux_attr_set_cacheonly(h, "size", "16"));
    OK(flux_get_rank(h, &n));
    ck_assert_uint_eq(n, 3);
    OK(flux_get_size(h, &n));
    ck_assert_uint_eq(n, 16);
    ck_assert_str_eq(flux_attr_cache_first(h), "rank");
    ck_assert_str_eq(flux_attr_cache_next(h), "size");
    OK(flux_attr_set_cacheonly(h, "rank", "x3"));
    FAILS(flux_get_rank(h, &n), EPROTO);
    OK(flux_attr_set_cacheonly(h, "rank", NULL));
    ck_assert_ptr_null(flux_attr_get(h, "rank"));
    flux_close(h);
}
END_TEST

START_TEST(the_instance_began_when_rank_0_did)
{
    struct server *server = server_start(0);
    flux_t *h = flux_open(server_uri(server), 0);
    double t;

    OK(flux_attr_set_cacheonly(h, "broker.starttime",
                               "1")); /* of this broker, not of rank 0 */
    OK(flux_get_instance_starttime(h, &t));
    ck_assert_double_eq(t, 1700000000.25);
    ck_assert_int_eq(server_count(server, "attr.get", "{\"name\":\"broker.starttime\"}"),
                     1);
    FAILS(flux_get_instance_starttime(NULL, &t), EINVAL);
    FAILS(flux_get_instance_starttime(h, NULL), EINVAL);
    flux_close(h);
    server_stop(server);
}
END_TEST

SUITE_MAIN("flux/attr", values_are_asked_once_and_kept, setting_asks_the_broker,
           the_cache_can_be_filled_by_hand, the_instance_began_when_rank_0_did)

/* Addresses of this host. What every host has is the loopback; the rest is held against
 * what the same functions say in another way. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "env/net.h"

static struct env *env;
static char buf[NET_ADDRESS_SIZE];

static void setup(void)
{
    ck_assert_int_eq(env_new_real(&env), 0);
    buf[0] = '\0';
}

static void teardown(void)
{
    env_unref(env);
}

START_TEST(an_interface_has_an_address)
{
    ck_assert_int_eq(net_interface_address(env, "lo", false, buf), 0);
    ck_assert_str_eq(buf, "127.0.0.1");
    ck_assert_int_eq(net_interface_address(env, "nosuch0", false, buf), -ENODEV);
}
END_TEST

START_TEST(local_addresses_are_known)
{
    ck_assert(net_is_local(env, "127.0.0.1"));
    ck_assert(!net_is_local(env, "127.0.0.2"));
    ck_assert(!net_is_local(env, "203.0.113.1")); /* for documentation only */
    ck_assert(!net_is_local(env, "127.0.0.0/8"));
    ck_assert(!net_is_local(env, "localhost"));
    ck_assert(!net_is_local(env, ""));
}
END_TEST

START_TEST(names_stand_for_addresses)
{
    ck_assert_int_eq(net_name_address(env, "127.0.0.3", false, buf), 0);
    ck_assert_str_eq(buf, "127.0.0.3");
    ck_assert_int_eq(net_name_address(env, "::1", true, buf), 0);
    ck_assert_str_eq(buf, "::1");
    ck_assert_int_eq(net_name_address(env, "no.such.host.invalid", false, buf),
                     -EHOSTUNREACH);
}
END_TEST

START_TEST(networks_choose_an_address)
{
    ck_assert_int_eq(net_network_address(env, "127.0.0.0/8", buf), 0);
    ck_assert_str_eq(buf, "127.0.0.1");
    ck_assert_int_eq(net_network_address(env, "126.0.0.0/7", buf), 0);
    ck_assert_str_eq(buf, "127.0.0.1");
    ck_assert_int_eq(net_network_address(env, "127.0.0.0/31", buf), 0);
    ck_assert_int_eq(net_network_address(env, "127.0.0.2/31", buf), -ENETUNREACH);
    ck_assert_int_eq(net_network_address(env, "203.0.113.0/24", buf), -ENETUNREACH);
    ck_assert_int_eq(net_network_address(env, "127.0.0.0/33", buf), -EINVAL);
    ck_assert_int_eq(net_network_address(env, "127.0.0.0/", buf), -EINVAL);
    ck_assert_int_eq(net_network_address(env, "eth0", buf), -EINVAL);
}
END_TEST

START_TEST(the_primary_address_is_local)
{
    int rc = net_default_address(env, false, buf);

    ck_assert(rc == 0 || rc == -ENETUNREACH);
    if (rc == 0)
        ck_assert(net_is_local(env, buf));
    rc = net_any_address(env, false, buf);
    ck_assert(rc == 0 || rc == -ENETUNREACH);
    if (rc == 0) {
        ck_assert(net_is_local(env, buf));
        ck_assert_str_ne(buf, "127.0.0.1");
    }
}
END_TEST

START_TEST(the_simulated_host_has_one)
{
    struct env *sim;

    ck_assert_int_eq(env_new_sim(1, &sim), 0);
    ck_assert_int_eq(net_default_address(sim, false, buf), 0);
    ck_assert_str_eq(buf, "127.0.0.1");
    ck_assert(net_is_local(sim, "127.0.0.1"));
    env_unref(sim);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("env/net");
    TCase *tc = tcase_create("net");
    SRunner *sr = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, an_interface_has_an_address);
    tcase_add_test(tc, local_addresses_are_known);
    tcase_add_test(tc, names_stand_for_addresses);
    tcase_add_test(tc, networks_choose_an_address);
    tcase_add_test(tc, the_primary_address_is_local);
    tcase_add_test(tc, the_simulated_host_has_one);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}

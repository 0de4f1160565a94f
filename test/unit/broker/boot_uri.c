/* Addresses as users write them. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/boot_uri.h"

static flux_error_t err;

START_TEST(addresses_are_taken_apart)
{
    struct boot_uri u;

    ck_assert_int_eq(boot_uri_parse("tcp://node-1.x:8050", &u, &err), 0);
    ck_assert_int_eq(u.kind, BOOT_TCP);
    ck_assert_str_eq(u.host, "node-1.x");
    ck_assert_int_eq(u.port, 8050);
    ck_assert_int_eq(boot_uri_parse("tcp://[fd00::2]:65535", &u, &err), 0);
    ck_assert_str_eq(u.host, "fd00::2");
    ck_assert_int_eq(u.port, 65535);
    ck_assert_int_eq(boot_uri_parse("tcp://*:*", &u, &err), 0);
    ck_assert_str_eq(u.host, "*");
    ck_assert_int_eq(u.port, 0);
    ck_assert_int_eq(boot_uri_parse("ipc:///tmp/a b", &u, &err), 0);
    ck_assert_int_eq(u.kind, BOOT_IPC);
    ck_assert_str_eq(u.path, "/tmp/a b");
}
END_TEST

START_TEST(wrong_addresses_are_named)
{
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"node:8050", "address 'node:8050': expected tcp://HOST:PORT or ipc://PATH"},
        {"", "address '': expected tcp://HOST:PORT or ipc://PATH"},
        {"udp://n:1", "address 'udp://n:1': expected tcp://HOST:PORT or ipc://PATH"},
        {"tcp://node", "address 'tcp://node': there is no port (tcp://HOST:PORT)"},
        {"tcp://node:", "address 'tcp://node:': there is no port (tcp://HOST:PORT)"},
        {"tcp://:80", "address 'tcp://:80': there is no host (tcp://HOST:PORT)"},
        {"tcp://n:65536", "address 'tcp://n:65536': the port is no number below 65536"},
        {"tcp://n:http", "address 'tcp://n:http': the port is no number below 65536"},
        {"tcp://n:-1", "address 'tcp://n:-1': the port is no number below 65536"},
        {"tcp://fd00::2:80", "address 'tcp://fd00::2:80': an IPv6 address goes in "
                             "brackets"},
        {"ipc://", "address 'ipc://': there is no path (ipc:///PATH)"},
    };
    struct boot_uri u;
    char longest[200] = "ipc://";

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_int_eq(boot_uri_parse(bad[i].text, &u, &err), -EINVAL);
        ck_assert_str_eq(err.text, bad[i].why);
    }
    memset(longest + 6, 'x', 107);
    ck_assert_int_eq(boot_uri_parse(longest, &u, &err), 0);
    memset(longest + 6, 'x', 108);
    ck_assert_int_eq(boot_uri_parse(longest, &u, &err), -ENAMETOOLONG);
}
END_TEST

START_TEST(tokens_are_filled_in)
{
    const struct boot_token tokens[] = {
        {'h', "foo", NULL}, {'p', NULL, "%p needs a port"}, {0}};
    char *s;

    ck_assert_int_eq(boot_expand("tcp://e%h-%%:1", tokens, &s, &err), 0);
    ck_assert_str_eq(s, "tcp://efoo-%:1");
    free(s);
    ck_assert_int_eq(boot_expand("tcp://%h:%p", tokens, &s, &err), -EINVAL);
    ck_assert_str_eq(err.text, "address 'tcp://%h:%p': %p needs a port");
    ck_assert_int_eq(boot_expand("tcp://%x", tokens, &s, &err), -EINVAL);
    ck_assert_str_eq(err.text, "address 'tcp://%x': %x stands for nothing");
    ck_assert_int_eq(boot_expand("tcp://%", tokens, &s, &err), -EINVAL);
}
END_TEST

static void check_bind(struct env *env, const char *text, const char *want)
{
    char *s;

    ck_assert_msg(boot_bind_address(env, text, false, &s, &err) == 0, "%s", err.text);
    ck_assert_str_eq(s, want);
    free(s);
}

START_TEST(hosts_to_listen_at_become_numbers)
{
    struct env *env;
    char *s;

    ck_assert_int_eq(env_new_real(&env), 0);
    check_bind(env, "tcp://*:80", "tcp://0.0.0.0:80");
    check_bind(env, "tcp://lo:80", "tcp://127.0.0.1:80");
    check_bind(env, "tcp://10.1.2.3:80", "tcp://10.1.2.3:80");
    check_bind(env, "tcp://[::1]:*", "tcp://[::1]:0");
    check_bind(env, "ipc:///x", "ipc:///x");
    ck_assert_int_eq(boot_bind_address(env, "tcp://*:80", true, &s, &err), 0);
    ck_assert_str_eq(s, "tcp://[::]:80");
    free(s);
    ck_assert_int_eq(boot_bind_address(env, "tcp://nosuch0.invalid:80", false, &s, &err),
                     -ENODEV);
    ck_assert_ptr_nonnull(strstr(err.text, "no interface 'nosuch0.invalid'"));
    env_unref(env);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("broker/boot_uri");
    TCase *tc = tcase_create("boot_uri");
    SRunner *sr = srunner_create(s);
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, addresses_are_taken_apart);
    tcase_add_test(tc, wrong_addresses_are_named);
    tcase_add_test(tc, tokens_are_filled_in);
    tcase_add_test(tc, hosts_to_listen_at_become_numbers);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}

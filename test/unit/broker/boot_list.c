/* Booting by a plain list of addresses, and what is wrong with one. */
#include "boot_fixture.h"

static void write_list(const char *text)
{
    char path[96];

    snprintf(path, sizeof(path), "%s/boot.conf", top);
    write_file(path, text, 0644);
    ck_assert_int_eq(attrs_set(attrs, "boot.method", "config", ATTR_BOOT), 0);
    ck_assert_int_eq(attrs_set(attrs, "boot.config_file", path, ATTR_BOOT), 0);
}

static int try_file(const char *text)
{
    write_list(text);
    ck_assert_int_eq(attrs_set(attrs, "boot.curve_cert", key_path, ATTR_BOOT), 0);
    return try_boot("here", NULL);
}

#define LIST                                                                             \
    "session-id = \"mine\"\n"                                                            \
    "tbon-endpoints = [\"tcp://203.0.113.1:8020\", \"tcp://127.0.0.1:8020\","            \
    "                  \"tcp://203.0.113.2:8020\"]\n"

START_TEST(the_address_that_is_here_is_the_place)
{
    const struct boot_info *i;

    ck_assert_msg(try_file(LIST) == 0, "%s", boot_err.text);
    i = boot_info(boot);
    ck_assert_str_eq(i->method, "config");
    ck_assert_int_eq(i->rank, 1);
    ck_assert_int_eq(i->size, 3);
    ck_assert_ptr_null(i->bind);
    ck_assert_str_eq(i->parent, "tcp://203.0.113.1:8020");
    ck_assert_str_eq(i->hostlist, "203.0.113.1,here,203.0.113.2");
    ck_assert_str_eq(attrs_get(attrs, "session-id"), "mine");
    ck_assert_int_eq(i->key[1], 1);
}
END_TEST

START_TEST(the_place_may_be_said)
{
    ck_assert_msg(try_file(LIST "rank = 0\nsize = 3\nmcast-endpoint = \"tbon\"\n") == 0,
                  "%s", boot_err.text);
    ck_assert_int_eq(boot_info(boot)->rank, 0);
    ck_assert_str_eq(boot_info(boot)->bind, "tcp://203.0.113.1:8020");
    ck_assert_ptr_null(boot_info(boot)->parent);
}
END_TEST

START_TEST(sockets_are_here)
{
    ck_assert_int_eq(try_file("session-id = \"x\"\n"
                              "tbon-endpoints = [\"ipc:///tmp/a\", \"ipc:///tmp/b\"]\n"),
                     0);
    ck_assert_int_eq(boot_info(boot)->rank, 0);
    ck_assert_str_eq(boot_info(boot)->bind, "ipc:///tmp/a");
}
END_TEST

#define ENDS(list) "session-id = \"x\"\ntbon-endpoints = " list "\n"

START_TEST(what_is_wrong_is_named)
{
    static const struct {
        const char *text, *why;
    } bad[] = {
        {ENDS("[]"), "tbon-endpoints: expected an array of addresses, one a broker"},
        {ENDS("\"tcp://h:1\""),
         "tbon-endpoints: expected an array of addresses, one a broker"},
        {ENDS("[5]"), "tbon-endpoints[0]: expected a string"},
        {ENDS("[\"tcp://127.0.0.1:1\", \"127.0.0.1:2\"]"),
         "tbon-endpoints[1]: address '127.0.0.1:2': expected tcp://HOST:PORT or "
         "ipc://PATH"},
        {ENDS("[\"tcp://127.0.0.1:*\"]"),
         "tbon-endpoints[0]: 'tcp://127.0.0.1:*' needs a host and a port"},
        {ENDS("[\"tcp://a:1\", \"tcp://b:1\", \"tcp://a:1\"]"),
         "tbon-endpoints: ranks 0 and 2 have one address, tcp://a:1"},
        {LIST "size = 4\n", "size is 4, but there are 3 tbon-endpoints"},
        {LIST "rank = 3\n", "rank is 3, but the last of 3 tbon-endpoints is rank 2"},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_int_eq(try_file(bad[i].text), -EINVAL);
        ck_assert_msg(strstr(boot_err.text, bad[i].why) != NULL, "'%s' for '%s'",
                      boot_err.text, bad[i].why);
        ck_assert_ptr_nonnull(strstr(boot_err.text, "boot.conf"));
    }
    ck_assert_int_eq(try_file(ENDS("[\"tcp://203.0.113.1:1\"]")), -ENOENT);
    ck_assert_str_eq(boot_err.text,
                     "none of the 1 tbon-endpoints is an address of this host: set rank");
    ck_assert_int_lt(try_file(LIST "sizes = 3\n"), 0);
    ck_assert_ptr_nonnull(strstr(boot_err.text, "sizes"));
    ck_assert_int_lt(try_file("tbon-endpoints = [\"tcp://a:1\"]\n"), 0);
    ck_assert_ptr_nonnull(strstr(boot_err.text, "session-id"));
    ck_assert_int_lt(try_file("session-id = \n"), 0);
    ck_assert_ptr_nonnull(strstr(boot_err.text, "boot.conf"));
}
END_TEST

START_TEST(an_address_is_not_said_twice)
{
    ck_assert_int_eq(attrs_set(attrs, "tbon.endpoint", "tcp://*:*", ATTR_BOOT), 0);
    ck_assert_int_eq(try_file(LIST), -EINVAL);
    ck_assert_ptr_nonnull(strstr(boot_err.text, "attribute tbon.endpoint"));
}
END_TEST

START_TEST(the_file_may_name_the_key)
{
    char text[512];

    snprintf(text, sizeof(text), LIST "curve_cert = \"%s\"\n", key_path);
    write_list(text);
    ck_assert_int_eq(try_boot("here", NULL), 0);
    attrs_free(attrs);
    ck_assert_int_eq(attrs_new(&attrs), 0);
    write_list(text);
    ck_assert_int_eq(attrs_set(attrs, "boot.curve_cert", "/nonexistent", ATTR_BOOT), 0);
    ck_assert_int_eq(try_boot("here", NULL), -ENOENT); /* the attribute counts */
}
END_TEST

START_TEST(the_user_has_a_key)
{
    char home[80], path[128];

    snprintf(home, sizeof(home), "HOME=%s", top);
    environment[0] = home;
    ck_assert_int_eq(try_file(LIST), 0);
    attrs_free(attrs);
    ck_assert_int_eq(attrs_new(&attrs), 0);
    snprintf(path, sizeof(path), "%s/boot.conf", top);
    ck_assert_int_eq(attrs_set(attrs, "boot.config_file", path, ATTR_BOOT), 0);
    ck_assert_int_eq(try_boot("here", NULL), -ENOENT);
    ck_assert_ptr_nonnull(strstr(boot_err.text, "make one with flux keygen"));
    snprintf(path, sizeof(path), "%s/.flux", top);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/.flux/curve", top);
    ck_assert_int_eq(rename(key_path, path), 0);
    ck_assert_int_eq(try_boot("here", NULL), 0);
    ck_assert_int_eq(boot_info(boot)->key[2], 2);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("broker/boot_list");
    TCase *tc = tcase_create("boot_list");
    SRunner *sr = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, the_address_that_is_here_is_the_place);
    tcase_add_test(tc, the_place_may_be_said);
    tcase_add_test(tc, sockets_are_here);
    tcase_add_test(tc, what_is_wrong_is_named);
    tcase_add_test(tc, an_address_is_not_said_twice);
    tcase_add_test(tc, the_file_may_name_the_key);
    tcase_add_test(tc, the_user_has_a_key);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}

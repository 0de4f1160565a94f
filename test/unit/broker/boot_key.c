/* Key files, and who may read them. */
#include "boot_fixture.h"
#include "broker/boot_key.h"

static unsigned char key[OVERLAY_KEY_SIZE];

static int read_text(const char *text, mode_t mode)
{
    write_file(key_path, text, mode);
    return boot_key_read(env, key_path, key, &boot_err);
}

START_TEST(a_key_is_read)
{
    ck_assert_int_eq(boot_key_read(env, key_path, key, &boot_err), 0);
    for (int i = 0; i < OVERLAY_KEY_SIZE; i++)
        ck_assert_int_eq(key[i], i);
    ck_assert_int_eq(read_text("  key=\"" KEY_TEXT "\"", 0400), 0);
}
END_TEST

START_TEST(others_must_not_read_it)
{
    char want[200];

    snprintf(want, sizeof(want),
             "others may read key file %s: chmod 600 it, or make a new one with flux "
             "keygen",
             key_path);
    ck_assert_int_eq(read_text("key = \"" KEY_TEXT "\"\n", 0640), -EPERM);
    ck_assert_str_eq(boot_err.text, want);
    ck_assert_int_eq(read_text("key = \"" KEY_TEXT "\"\n", 0604), -EPERM);
}
END_TEST

START_TEST(a_file_without_key_is_refused)
{
    static const char *const bad[] = {
        "",
        "key",
        "key = 5",
        "key = \"\"",
        "key = \"00\"",
        "key = \"" KEY_TEXT "00\"",
        "key = \"x00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\"",
        "keys = \"" KEY_TEXT "\"",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(read_text(bad[i], 0600) == -EINVAL, "taken: %s", bad[i]);
        ck_assert_ptr_nonnull(strstr(boot_err.text, "has no key in it"));
    }
    ck_assert_int_eq(boot_key_read(env, "/nonexistent/key", key, &boot_err), -ENOENT);
    ck_assert_str_eq(boot_err.text,
                     "key file /nonexistent/key: No such file or directory");
    ck_assert_int_eq(boot_key_read(env, top, key, &boot_err), -EINVAL);
    ck_assert_ptr_nonnull(strstr(boot_err.text, "is not a file"));
}
END_TEST

START_TEST(text_and_back)
{
    char text[2 * OVERLAY_KEY_SIZE + 1];

    ck_assert_int_eq(boot_key_parse(KEY_TEXT, key), 0);
    boot_key_print(key, text);
    ck_assert_str_eq(text, KEY_TEXT);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("broker/boot_key");
    TCase *tc = tcase_create("boot_key");
    SRunner *sr = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
    tcase_add_test(tc, a_key_is_read);
    tcase_add_test(tc, others_must_not_read_it);
    tcase_add_test(tc, a_file_without_key_is_refused);
    tcase_add_test(tc, text_and_back);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}

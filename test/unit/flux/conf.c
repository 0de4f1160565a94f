/* Configuration: TOML and JSON files, folders, values; built-in paths. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <flux/core.h>

#include "suite.h"

static char dir[64];

static void make_dir(void)
{
    strcpy(dir, "/tmp/flux-conf-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static const char *path_of(const char *name)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void put(const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "w");

    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    fclose(f);
}

static void remove_all(void)
{
    static const char *const names[] = {"1.toml", "2.toml", "x.json", "ignored",
                                        "b.toml"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unlink(path_of(names[i]));
    rmdir(dir);
}

START_TEST(toml_values_are_read)
{
    flux_conf_t *conf;
    flux_error_t error;
    const char *s;
    int i, b, j;
    int64_t big;
    double d;

    make_dir();
    put("1.toml", "# comment\ns = \"text \\u00e9\\n\"\ni = 42\nbig = 9007199254740993\n"
                  "d = 1.5\nb = true\n[t.u]\nlist = [1, 2]\n[[aot]]\nx = 1\n");
    conf = flux_conf_parse(path_of("1.toml"), &error);
    ck_assert_msg(conf != NULL, "%s", error.text);
    OK(flux_conf_unpack(conf, &error, "{s:s s:i s:I s:f s:b}", "s", &s, "i", &i, "big",
                        &big, "d", &d, "b", &b));
    ck_assert_str_eq(s, "text \xc3\xa9\n");
    ck_assert_int_eq(i, 42);
    ck_assert_int_eq(big, INT64_C(9007199254740993));
    ck_assert_double_eq(d, 1.5);
    ck_assert_int_eq(b, 1);
    OK(flux_conf_unpack(conf, &error, "{s:{s:{s:[i,i]}} s:[{s:i}]}", "t", "u", "list", &i,
                        &j, "aot", "x", &b));
    ck_assert_int_eq(i + 10 * j + 100 * b, 121);
    FAILS(flux_conf_unpack(conf, &error, "{s:i}", "nope", &i), EPROTO);
    ck_assert_ptr_nonnull(strstr(error.text, "nope"));
    flux_conf_decref(conf);
    remove_all();
}
END_TEST

START_TEST(a_real_stays_a_real_and_special_numbers_do_no_harm)
{
    flux_conf_t *conf;
    double d;

    make_dir();
    put("1.toml", "d = 5.0\ninf = inf\nday = 1979-05-27\n");
    conf = flux_conf_parse(path_of("1.toml"), NULL);
    ck_assert_ptr_nonnull(conf);
    OK(flux_conf_unpack(conf, NULL, "{s:f}", "d", &d));
    ck_assert_double_eq(d, 5);
    flux_conf_decref(conf);
    remove_all();
}
END_TEST

START_TEST(the_files_of_a_folder_are_merged_in_order)
{
    flux_conf_t *conf;
    flux_error_t error;
    int a, b, c;

    make_dir();
    put("2.toml", "[t]\nb = 20\nc = 3\n");
    put("1.toml", "[t]\na = 1\nb = 2\n");
    put("ignored", "not = TOML = at all");
    conf = flux_conf_parse(dir, &error);
    ck_assert_msg(conf != NULL, "%s", error.text);
    OK(flux_conf_unpack(conf, NULL, "{s:{s:i s:i s:i}}", "t", "a", &a, "b", &b, "c", &c));
    ck_assert_int_eq(a, 1);
    ck_assert_int_eq(b, 20);
    ck_assert_int_eq(c, 3);
    flux_conf_decref(conf);
    remove_all();
}
END_TEST

START_TEST(errors_name_the_file_and_the_line)
{
    flux_error_t error;

    make_dir();
    put("b.toml", "a = 1\nb = \n");
    FAILS_NULL(flux_conf_parse(dir, &error), EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, "b.toml"));
    ck_assert_ptr_nonnull(strstr(error.text, "line 2"));
    FAILS_NULL(flux_conf_parse("/nonexistent/conf", &error), ENOENT);
    ck_assert_ptr_nonnull(strstr(error.text, "/nonexistent/conf"));
    FAILS_NULL(flux_conf_parse(NULL, &error), EINVAL);
    put("x.json", "[1]");
    FAILS_NULL(flux_conf_parse(path_of("x.json"), &error), EINVAL);
    remove_all();
}
END_TEST

START_TEST(json_files_are_read)
{
    flux_conf_t *conf;
    int a;

    make_dir();
    put("x.json", "{\"a\": 7}\n");
    conf = flux_conf_parse(path_of("x.json"), NULL);
    OK(flux_conf_unpack(conf, NULL, "{s:i}", "a", &a));
    ck_assert_int_eq(a, 7);
    flux_conf_decref(conf);
    remove_all();
}
END_TEST

START_TEST(objects_can_be_made_copied_and_kept_by_a_handle)
{
    flux_conf_t *conf = flux_conf_pack("{s:i}", "a", 3);
    flux_conf_t *copy = flux_conf_copy(conf);
    flux_t *h = flux_open("loop://", 0);
    int a;

    OK(flux_set_conf(h, conf));
    flux_conf_decref(conf);
    OK(flux_conf_unpack(flux_get_conf(h), NULL, "{s:i}", "a", &a));
    ck_assert_int_eq(a, 3);
    OK(flux_set_conf_new(h, copy));
    ck_assert_ptr_eq(flux_get_conf(h), copy);
    FAILS_NULL(flux_conf_pack("[i]", 1), EINVAL);
    FAILS_NULL(flux_conf_copy(NULL), EINVAL);
    flux_close(h);
    conf = flux_conf_create();
    FAILS(flux_conf_unpack(conf, NULL, "{s:i}", "a", &a), EPROTO);
    OK(flux_conf_unpack(conf, NULL, "{s?i}", "a", &a));
    flux_conf_decref(conf);
}
END_TEST

START_TEST(a_reload_request_brings_a_configuration)
{
    flux_msg_t *msg = flux_request_encode("x.config-reload", "{\"a\":1}");
    const flux_conf_t *conf;
    int a;

    OK(flux_conf_reload_decode(msg, &conf));
    OK(flux_conf_unpack(conf, NULL, "{s:i}", "a", &a));
    ck_assert_int_eq(a, 1);
    flux_conf_decref(conf);
    flux_msg_destroy(msg);
    msg = flux_request_encode("x.config-reload", NULL);
    FAILS(flux_conf_reload_decode(msg, &conf), EPROTO);
    flux_msg_destroy(msg);
}
END_TEST

START_TEST(built_in_paths_follow_the_library)
{
    const char *libdir = flux_conf_builtin_get("libdir", FLUX_CONF_AUTO);
    const char *toml = flux_conf_builtin_get("toml_path", FLUX_CONF_INTREE);
    struct stat st;

    ck_assert_ptr_nonnull(libdir);
    ck_assert_int_eq(libdir[0], '/');
    OK(stat(libdir, &st)); /* this test runs in the build tree */
    ck_assert_ptr_nonnull(toml);
    OK(stat(toml, &st));
    ck_assert_ptr_nonnull(flux_conf_builtin_get("version", FLUX_CONF_AUTO));
    FAILS_NULL(flux_conf_builtin_get("nonsense", FLUX_CONF_AUTO), EINVAL);
    FAILS_NULL(flux_conf_builtin_get("libdir", FLUX_CONF_INSTALLED), EINVAL);
}
END_TEST

SUITE_MAIN("flux/conf", toml_values_are_read,
           a_real_stays_a_real_and_special_numbers_do_no_harm,
           the_files_of_a_folder_are_merged_in_order, errors_name_the_file_and_the_line,
           json_files_are_read, objects_can_be_made_copied_and_kept_by_a_handle,
           a_reload_request_brings_a_configuration, built_in_paths_follow_the_library)

/* The plug-in host of libflux: handlers by topic, arguments, configuration. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/plugin.h>

static int called;

static int count_cb(flux_plugin_t *p, const char *topic, flux_plugin_arg_t *args,
                    void *arg)
{
    called += arg ? *(int *)arg : 1;
    return 0;
}

static int fail_cb(flux_plugin_t *p, const char *topic, flux_plugin_arg_t *args,
                   void *arg)
{
    return -1;
}

START_TEST(first_matching_handler_is_called)
{
    flux_plugin_t *p = flux_plugin_create();
    int ten = 10, hundred = 100;

    ck_assert_int_eq(flux_plugin_add_handler(p, "a.b", count_cb, &ten), 0);
    ck_assert_int_eq(flux_plugin_add_handler(p, "a.*", count_cb, &hundred), 0);
    ck_assert_int_eq(flux_plugin_add_handler(p, "bad", fail_cb, NULL), 0);
    called = 0;
    ck_assert_int_eq(flux_plugin_call(p, "a.b", NULL), 1);
    ck_assert_int_eq(called, 10);
    ck_assert_int_eq(flux_plugin_call(p, "a.c", NULL), 1);
    ck_assert_int_eq(called, 110);
    ck_assert_int_eq(flux_plugin_call(p, "c", NULL), 0);
    ck_assert_int_eq(flux_plugin_call(p, "bad", NULL), -1);
    ck_assert_ptr_null(flux_plugin_get_handler(p, "a.c"));
    ck_assert(flux_plugin_match_handler(p, "a.c") == count_cb);
    ck_assert_int_eq(flux_plugin_remove_handler(p, "a.*"), 0);
    ck_assert_int_eq(flux_plugin_call(p, "a.c", NULL), 0);
    ck_assert_int_eq(flux_plugin_add_handler(p, "a.b", NULL, NULL), 0);
    ck_assert_int_eq(flux_plugin_call(p, "a.b", NULL), 0);
    flux_plugin_destroy(p);
}
END_TEST

START_TEST(arguments_are_merged_or_replaced)
{
    flux_plugin_arg_t *args = flux_plugin_arg_create();
    char *text;
    int a, b;

    ck_assert_int_eq(flux_plugin_arg_unpack(args, FLUX_PLUGIN_ARG_IN, "{s:i}", "a", &a),
                     -1);
    ck_assert_int_eq(flux_plugin_arg_pack(args, FLUX_PLUGIN_ARG_IN, "{s:i}", "a", 1), 0);
    ck_assert_int_eq(flux_plugin_arg_set(args, FLUX_PLUGIN_ARG_IN, "{\"a\":2,\"b\":3}"),
                     0);
    ck_assert_int_eq(
        flux_plugin_arg_unpack(args, FLUX_PLUGIN_ARG_IN, "{s:i s:i}", "a", &a, "b", &b),
        0);
    ck_assert_int_eq(a, 2);
    ck_assert_int_eq(b, 3);
    ck_assert_int_eq(flux_plugin_arg_unpack(args, FLUX_PLUGIN_ARG_OUT, "{s:i}", "a", &a),
                     -1);
    ck_assert_int_eq(flux_plugin_arg_pack(args, FLUX_PLUGIN_ARG_OUT, "{s:s}", "x", "y"),
                     0);
    ck_assert_int_eq(flux_plugin_arg_get(args, FLUX_PLUGIN_ARG_OUT, &text), 0);
    ck_assert_str_eq(text, "{\"x\":\"y\"}");
    free(text);
    ck_assert_int_eq(flux_plugin_arg_set(args, FLUX_PLUGIN_ARG_IN, NULL), 0);
    ck_assert_int_eq(flux_plugin_arg_get(args, FLUX_PLUGIN_ARG_IN, &text), 0);
    ck_assert_str_eq(text, "{}");
    free(text);
    ck_assert_int_eq(flux_plugin_arg_set(args, FLUX_PLUGIN_ARG_IN, "[1]"), -1);
    ck_assert_int_eq(flux_plugin_arg_set(args, FLUX_PLUGIN_ARG_IN, "{"), -1);
    ck_assert_str_ne(flux_plugin_arg_strerror(args), "");
    flux_plugin_arg_destroy(args);
}
END_TEST

static int fills, freed;

static int fill(flux_plugin_arg_t *args, void *ctx)
{
    switch (fills++) {
    case 0:
        return flux_plugin_arg_pack(args, FLUX_PLUGIN_ARG_IN, "{s:i}", "cheap", 1) + 1;
    case 1:
        return flux_plugin_arg_pack(args, FLUX_PLUGIN_ARG_IN, "{s:i}", "dear", 2) + 1;
    default:
        return 0;
    }
}

static void free_ctx(void *ctx)
{
    freed++;
}

START_TEST(values_are_made_when_they_are_asked_for)
{
    flux_plugin_arg_t *args = flux_plugin_arg_create();
    int i = 0;

    fills = freed = 0;
    ck_assert_int_eq(flux_plugin_arg_set_fill(args, fill, args, free_ctx), 0);
    ck_assert_int_eq(fills, 0);
    ck_assert_int_eq(
        flux_plugin_arg_unpack(args, FLUX_PLUGIN_ARG_IN, "{s:i}", "cheap", &i), 0);
    ck_assert_int_eq(i, 1);
    ck_assert_int_eq(fills, 1);
    ck_assert_int_eq(
        flux_plugin_arg_unpack(args, FLUX_PLUGIN_ARG_IN, "{s?i}", "dear", &i), 0);
    ck_assert_int_eq(i, 2);
    ck_assert_int_eq(
        flux_plugin_arg_unpack(args, FLUX_PLUGIN_ARG_IN, "{s:i}", "none", &i), -1);
    flux_plugin_arg_destroy(args);
    ck_assert_int_eq(freed, 1);
}
END_TEST

START_TEST(configuration_and_names)
{
    flux_plugin_t *p = flux_plugin_create();
    static const struct flux_plugin_handler table[] = {{"x", count_cb, NULL},
                                                       {NULL, NULL, NULL}};
    int n = 0;

    ck_assert_ptr_null(flux_plugin_get_conf(p));
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_int_eq(flux_plugin_conf_unpack(p, "{s:i}", "n", &n), -1);
    ck_assert_int_eq(flux_plugin_set_conf(p, "{"), -1);
    ck_assert_int_eq(flux_plugin_set_conf(p, "{\"n\":4}"), 0);
    ck_assert_int_eq(flux_plugin_conf_unpack(p, "{s:i}", "n", &n), 0);
    ck_assert_int_eq(n, 4);
    ck_assert_int_eq(flux_plugin_register(p, "name", table), 0);
    ck_assert_str_eq(flux_plugin_get_name(p), "name");
    ck_assert_uint_eq(strlen(flux_plugin_get_uuid(p)), 36);
    ck_assert_int_eq(flux_plugin_set_flags(p, 1024), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_int_eq(flux_plugin_load_dso(p, "/nonexistent.so"), -1);
    ck_assert_ptr_nonnull(strstr(flux_plugin_strerror(p), "/nonexistent.so"));
    flux_plugin_destroy(p);
    flux_plugin_destroy(NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("plugin");
    TCase *tc = tcase_create("plugin");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, first_matching_handler_is_called);
    tcase_add_test(tc, arguments_are_merged_or_replaced);
    tcase_add_test(tc, values_are_made_when_they_are_asked_for);
    tcase_add_test(tc, configuration_and_names);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

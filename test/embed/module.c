/* Modules from shared objects, loaded into a running instance: usage test_embed_module
 * CLASSIC.so CONST-THREAD.so CONST-INLINE.so NOT-A-MODULE.so */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/core.h>
#include <flux/embed.h>

static char **paths;
static struct flux_instance *in;
static flux_t *h;

static void begin(void)
{
    static const char *const none[] = {NULL};
    struct flux_instance_options o = FLUX_INSTANCE_OPTIONS_INIT;
    flux_error_t err;

    o.modules = none;
    ck_assert_ptr_nonnull(in = flux_instance_create(&o, &err));
    ck_assert_msg(flux_instance_start(in, &err) == 0, "%s", err.text);
    ck_assert_ptr_nonnull(h = flux_open(flux_instance_uri(in), 0));
}

static void end(void)
{
    flux_close(h);
    flux_instance_destroy(in);
}

/* 0, or the errno of the answer; its text in a static buffer. */
static char text[256];

static int finish(flux_future_t *f)
{
    int rc = 0;

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(flux_future_wait_for(f, 20), 0);
    text[0] = '\0';
    if (flux_rpc_get(f, NULL) < 0) {
        rc = errno;
        snprintf(text, sizeof(text), "%s", flux_future_error_string(f));
    }
    flux_future_destroy(f);
    return rc;
}

static int load(const char *path, const char *arg)
{
    return finish(flux_rpc_pack(h, "module.load", FLUX_NODEID_ANY, 0,
                                arg ? "{s:s s:[s]}" : "{s:s}", "path", path, "args",
                                arg));
}

static int unload(const char *name)
{
    return finish(
        flux_rpc_pack(h, "module.remove", FLUX_NODEID_ANY, 0, "{s:s}", "name", name));
}

static int call(const char *topic)
{
    return finish(flux_rpc(h, topic, "{}", FLUX_NODEID_ANY, 0));
}

static void classic_echo(int want)
{
    flux_future_t *f =
        flux_rpc_pack(h, "classic.echo", FLUX_NODEID_ANY, 0, "{s:s}", "s", "hello");
    const char *s;
    int count;

    ck_assert_int_eq(flux_rpc_get_unpack(f, "{s:s s:i}", "s", &s, "count", &count), 0);
    ck_assert_str_eq(s, "hello");
    ck_assert_int_eq(count, want);
    flux_future_destroy(f);
}

START_TEST(a_classic_module_runs_its_own_loop)
{
    begin();
    ck_assert_int_eq(load(paths[0], NULL), 0);
    ck_assert_int_eq(load(paths[0], NULL), EEXIST);
    classic_echo(1);
    classic_echo(2);
    ck_assert_int_eq(call("classic.ping"), 0);
    ck_assert_int_eq(call("classic.stats-get"), 0);
    ck_assert_int_eq(call("classic.rusage"), 0);
    ck_assert_int_eq(call("classic.nosuch"), ENOSYS);
    ck_assert_str_eq(text, "Unknown service method 'classic.nosuch'");
    ck_assert_int_eq(call("alias.nosuch"), ENOSYS);
    ck_assert_int_eq(unload("classic"), 0);
    ck_assert_int_eq(unload("classic"), ENOENT);
    ck_assert_int_eq(call("classic.ping"), ENOSYS);
    ck_assert_str_eq(text, "No service matching classic.ping is registered");
    ck_assert_int_eq(load(paths[0], NULL), 0); /* and again */
    classic_echo(1);
    end();
}
END_TEST

START_TEST(requests_in_hand_fail_when_the_module_goes)
{
    flux_future_t *f;

    begin();
    ck_assert_int_eq(load(paths[0], NULL), 0);
    f = flux_rpc(h, "classic.hold", "{}", FLUX_NODEID_ANY, 0);
    ck_assert_int_eq(unload("classic"), 0);
    ck_assert_int_eq(finish(f), ENOSYS);
    end();
}
END_TEST

static void const_module(const char *path)
{
    flux_future_t *f;
    const char *first, *name;
    int argc;

    begin();
    ck_assert_int_eq(load(path, "given"), 0);
    f = flux_rpc(h, "const.args", NULL, FLUX_NODEID_ANY, 0);
    ck_assert_int_eq(flux_rpc_get_unpack(f, "{s:i s:s s:s}", "argc", &argc, "first",
                                         &first, "name", &name),
                     0);
    ck_assert_int_eq(argc, 2);
    ck_assert_str_eq(first, "default-arg");
    ck_assert_str_eq(name, "const");
    flux_future_destroy(f);
    ck_assert_int_eq(call("const.ping"), 0);
    ck_assert_int_eq(finish(flux_rpc(h, "config.reload", NULL, FLUX_NODEID_ANY, 0)), 0);
    ck_assert_int_eq(unload("const"), 0);
    ck_assert_int_eq(load(path, "fail"), EXDEV);
    ck_assert_ptr_nonnull(strstr(text, "const"));
    ck_assert_int_eq(call("const.ping"), ENOSYS);
    ck_assert_int_eq(load(path, NULL), 0); /* left for the instance to stop */
    end();
}

START_TEST(a_module_on_a_thread)
{
    const_module(paths[1]);
}
END_TEST

START_TEST(a_module_on_the_brokers_loop)
{
    const_module(paths[2]);
}
END_TEST

START_TEST(what_cannot_be_loaded_is_named)
{
    begin();
    ck_assert_int_eq(load("/no/such/file.so", NULL), ENOENT);
    ck_assert_ptr_nonnull(strstr(text, "/no/such/file.so"));
    ck_assert_int_eq(load("nosuchmodule", NULL), ENOENT);
    ck_assert_ptr_nonnull(strstr(text, "nosuchmodule"));
    ck_assert_int_eq(load(paths[3], NULL), EINVAL);
    ck_assert_ptr_nonnull(strstr(text, "neither flux_module nor mod_main"));
    ck_assert_int_eq(load("/etc/passwd", NULL), EINVAL);
    ck_assert_int_eq(load(paths[0], "fail"), EXDEV);
    ck_assert_ptr_nonnull(strstr(text, "classic"));
    ck_assert_int_eq(call("broker.ping"), 0); /* nobody else is disturbed */
    end();
}
END_TEST

START_TEST(list_shows_services_and_state)
{
    flux_future_t *f;
    const char *s;

    begin();
    ck_assert_int_eq(load(paths[0], NULL), 0);
    f = flux_rpc(h, "module.list", NULL, FLUX_NODEID_ANY, 0);
    ck_assert_int_eq(flux_rpc_get(f, &s), 0);
    ck_assert_ptr_nonnull(strstr(s, "\"name\":\"classic\""));
    ck_assert_ptr_nonnull(strstr(s, "\"status\":1"));
    ck_assert_ptr_nonnull(strstr(s, "\"services\":[\"classic\",\"alias\"]"));
    flux_future_destroy(f);
    end();
}
END_TEST

int main(int argc, char **argv)
{
    Suite *s = suite_create("module");
    TCase *tc = tcase_create("module");
    SRunner *sr = srunner_create(s);
    int failed;

    if (argc < 5)
        return 2;
    paths = argv + 1;
    unsetenv("FLUX_URI");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_classic_module_runs_its_own_loop);
    tcase_add_test(tc, requests_in_hand_fail_when_the_module_goes);
    tcase_add_test(tc, a_module_on_a_thread);
    tcase_add_test(tc, a_module_on_the_brokers_loop);
    tcase_add_test(tc, what_cannot_be_loaded_is_named);
    tcase_add_test(tc, list_shows_services_and_state);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

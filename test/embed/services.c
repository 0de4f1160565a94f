/* What an instance without modules answers: attributes, configuration, life cycle, facts,
 * log, shutdown. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <flux/core.h>
#include <flux/embed.h>

static struct flux_instance *in;
static flux_t *h;

static void begin(const struct flux_instance_options *given)
{
    static const char *const none[] = {NULL};
    struct flux_instance_options o = FLUX_INSTANCE_OPTIONS_INIT;
    flux_error_t err;

    if (given)
        o = *given;
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

/* The answer as text; NULL with errno. */
static const char *ask(const char *topic, const char *payload)
{
    static char buf[4096];
    flux_future_t *f = flux_rpc(h, topic, payload, FLUX_NODEID_ANY, 0);
    const char *s;

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(flux_future_wait_for(f, 20), 0);
    if (flux_rpc_get(f, &s) < 0) {
        int saved = errno;

        flux_future_destroy(f);
        errno = saved;
        return NULL;
    }
    snprintf(buf, sizeof(buf), "%s", s ? s : "");
    flux_future_destroy(f);
    return buf;
}

START_TEST(attributes_say_what_it_is)
{
    const char *const attrs[] = {"color=red", NULL};
    struct flux_instance_options o = FLUX_INSTANCE_OPTIONS_INIT;
    char owner[16];

    o.attrs = attrs;
    o.test_cores = 12;
    begin(&o);
    snprintf(owner, sizeof(owner), "%u", (unsigned)geteuid());
    ck_assert_str_eq(flux_attr_get(h, "rank"), "0");
    ck_assert_str_eq(flux_attr_get(h, "size"), "1");
    ck_assert_str_eq(flux_attr_get(h, "color"), "red");
    ck_assert_str_eq(flux_attr_get(h, "test.cores"), "12");
    ck_assert_str_eq(flux_attr_get(h, "security.owner"), owner);
    ck_assert_str_eq(flux_attr_get(h, "local-uri"), flux_instance_uri(in));
    ck_assert_str_eq(flux_attr_get(h, "broker.durability"), "none");
    ck_assert_ptr_nonnull(flux_attr_get(h, "hostlist"));
    ck_assert_ptr_nonnull(flux_attr_get(h, "rundir"));
    ck_assert_ptr_null(flux_attr_get(h, "statedir"));
    ck_assert_int_eq(flux_attr_set(h, "rank", "7"), -1);
    ck_assert_int_eq(errno, EPERM);
    end();
}
END_TEST

START_TEST(configuration_comes_from_text_and_keys)
{
    const char *const keys[] = {"a.x=2", "b.name=bare word", "b.list=[1,2]", NULL};
    struct flux_instance_options o = FLUX_INSTANCE_OPTIONS_INIT;

    o.config = "{\"a\":{\"x\":1,\"y\":1}}";
    o.config_keys = keys;
    begin(&o);
    ck_assert_str_eq(
        ask("config.get", NULL),
        "{\"a\":{\"y\":1,\"x\":2},\"b\":{\"name\":\"bare word\",\"list\":[1,2]}}");
    ck_assert_ptr_nonnull(ask("config.load", "{\"c\":{\"z\":true}}"));
    ck_assert_ptr_nonnull(strstr(ask("config.get", NULL), "\"c\":{\"z\":true}"));
    ck_assert_ptr_null(strstr(ask("config.get", NULL), "\"y\":1"));
    ck_assert_ptr_null(ask("config.load", "[]"));
    ck_assert_ptr_nonnull(ask("config.reload", NULL));
    end();
}
END_TEST

START_TEST(life_cycle_and_facts)
{
    begin(NULL);
    ck_assert_ptr_nonnull(strstr(ask("state-machine.get", NULL), "\"state\":\"run\""));
    ck_assert_ptr_nonnull(ask("state-machine.wait", NULL));
    ck_assert_str_eq(ask("groups.get", "{\"name\":\"broker.online\"}"),
                     "{\"members\":\"0\"}");
    ck_assert_str_eq(ask("groups.get", "{\"name\":\"broker.torpid\"}"),
                     "{\"members\":\"\"}");
    ck_assert_str_eq(ask("overlay.topology", "{\"rank\":0}"),
                     "{\"rank\":0,\"size\":1,\"children\":[]}");
    ck_assert_ptr_null(ask("overlay.topology", "{\"rank\":1}"));
    ck_assert_ptr_nonnull(strstr(ask("overlay.health", NULL), "\"status\":\"full\""));
    ck_assert_ptr_nonnull(strstr(ask("broker.rusage", NULL), "\"utime\":"));
    ck_assert_ptr_nonnull(strstr(ask("broker.stats-get", NULL), "\"connections\":1"));
    ck_assert_ptr_null(ask("overlay.nosuch", NULL));
    ck_assert_int_eq(errno, ENOSYS);
    ck_assert_ptr_null(ask("overlay.monitor", NULL)); /* not a stream */
    ck_assert_int_eq(errno, EPROTO);
    ck_assert_ptr_null(ask("state-machine.monitor", NULL)); /* not a stream */
    ck_assert_int_eq(errno, EPROTO);
    end();
}
END_TEST

START_TEST(a_monitor_sees_the_way_down)
{
    flux_future_t *f;
    int state, last = 0, seen = 0;

    begin(NULL);
    f = flux_rpc_pack(h, "state-machine.monitor", FLUX_NODEID_ANY, FLUX_RPC_STREAMING,
                      "{}");
    ck_assert_int_eq(flux_rpc_get_unpack(f, "{s:i}", "state", &state), 0);
    ck_assert_int_eq(state, 16); /* run */
    flux_instance_stop(in);
    flux_future_reset(f);
    while (flux_rpc_get_unpack(f, "{s:i}", "state", &state) == 0) {
        ck_assert_int_gt(state, last);
        last = state;
        seen++;
        flux_future_reset(f);
    }
    ck_assert_int_ge(seen, 4);
    ck_assert_int_eq(last, 512); /* exit */
    flux_future_destroy(f);
    end();
}
END_TEST

START_TEST(shutdown_can_be_asked_for_and_followed)
{
    flux_future_t *f;

    begin(NULL);
    f = flux_rpc_pack(h, "shutdown.start", FLUX_NODEID_ANY, FLUX_RPC_STREAMING, "{}");
    ck_assert_int_eq(flux_future_wait_for(f, 20), 0);
    ck_assert_int_eq(flux_rpc_get(f, NULL), -1);
    ck_assert_int_eq(errno, ENODATA);
    flux_future_destroy(f);
    ck_assert_int_eq(flux_instance_wait(in, 20), 0);
    end();
}
END_TEST

static int told;

static void log_cb(int level, const char *appname, const char *text, void *arg)
{
    ck_assert_ptr_eq(arg, &told);
    if (level == LOG_ERR && !strcmp(appname, "test") && !strcmp(text, "told you"))
        __atomic_add_fetch(&told, 1, __ATOMIC_SEQ_CST);
}

START_TEST(the_log_reaches_the_hook_and_the_ring)
{
    struct flux_instance_options o = FLUX_INSTANCE_OPTIONS_INIT;
    flux_future_t *f;
    const char *s;
    bool found = false;

    o.log = log_cb;
    o.log_arg = &told;
    begin(&o);
    flux_log_set_appname(h, "test");
    ck_assert_int_eq(flux_log(h, LOG_ERR, "told you"), 0);
    f = flux_rpc_pack(h, "log.dmesg", FLUX_NODEID_ANY, FLUX_RPC_STREAMING, "{s:b}",
                      "follow", 0);
    while (flux_rpc_get(f, &s) == 0) {
        if (strstr(s, "<24>1 ") && strstr(s, " 0 test ") && strstr(s, "told you"))
            found = true;
        flux_future_reset(f);
    }
    ck_assert_int_eq(errno, ENODATA);
    ck_assert(found);
    ck_assert_int_eq(__atomic_load_n(&told, __ATOMIC_SEQ_CST), 1);
    flux_future_destroy(f);
    end();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("services");
    TCase *tc = tcase_create("services");
    SRunner *sr = srunner_create(s);
    int failed;

    unsetenv("FLUX_URI");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, attributes_say_what_it_is);
    tcase_add_test(tc, configuration_comes_from_text_and_keys);
    tcase_add_test(tc, life_cycle_and_facts);
    tcase_add_test(tc, a_monitor_sees_the_way_down);
    tcase_add_test(tc, shutdown_can_be_asked_for_and_followed);
    tcase_add_test(tc, the_log_reaches_the_hook_and_the_ring);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* What all brokers of an instance have in common, and what each has of its own. */
#include "cluster.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static struct cluster c;

static void begin(int size, const char *topo, int64_t world)
{
    cluster_init(&c, size, topo, world);
}

static void up(void)
{
    cluster_add_all(&c);
    cluster_until_up(&c);
}

static void end(void)
{
    cluster_stop(&c);
    cluster_fini(&c);
}

static const char *attr(int from, const char *name, uint32_t rank)
{
    static char value[256];
    char payload[128];
    const char *s, *end;

    snprintf(payload, sizeof(payload), "{\"name\":\"%s\"}", name);
    if (cluster_rpc(&c, from, "attr.get", payload, rank, &s) != 0)
        return NULL;
    ck_assert_ptr_nonnull(s = strstr(s, "\"value\":\""));
    s += 9;
    ck_assert_ptr_nonnull(end = strchr(s, '"'));
    snprintf(value, sizeof(value), "%.*s", (int)(end - s), s);
    return value;
}

START_TEST(attributes_tell_the_place_of_each)
{
    static const struct {
        const char *rank, *level, *descendants, *host;
    } want[] = {{"0", "0", "5", "node0"}, {"1", "1", "2", "node1"},
                {"2", "1", "1", "node2"}, {"3", "2", "0", "node3"},
                {"4", "2", "0", "node4"}, {"5", "2", "0", "node5"}};
    char uuid[64];

    begin(6, "kary:2", WORLD);
    up();
    snprintf(uuid, sizeof(uuid), "%s", attr(0, "instance-uuid", 0));
    for (uint32_t i = 0; i < 6; i++) {
        ck_assert_str_eq(attr(0, "rank", i), want[i].rank);
        ck_assert_str_eq(attr(0, "size", i), "6");
        ck_assert_str_eq(attr(0, "tbon.level", i), want[i].level);
        ck_assert_str_eq(attr(0, "tbon.maxlevel", i), "2");
        ck_assert_str_eq(attr(0, "tbon.topo", i), "kary:2");
        ck_assert_str_eq(attr(0, "tbon.descendants", i), want[i].descendants);
        ck_assert_str_eq(attr(0, "hostname", i), want[i].host);
        ck_assert_str_eq(attr(0, "hostlist", i), "node0,node0,node0,node0,node0,node0");
        ck_assert_str_eq(attr(0, "broker.mapping", i), "[[0,1,6,1]]");
        ck_assert_str_eq(attr(0, "instance-level", i), "0");
        ck_assert_str_eq(attr(0, "jobid-path", i), "/");
        ck_assert_str_eq(attr(0, "broker.orphan-timeout", i), "10s");
        ck_assert_str_eq(attr(0, "instance-uuid", i), uuid);
        ck_assert(!i == !attr(0, "tbon.parent-endpoint", i));
    }
    end();
}
END_TEST

START_TEST(a_nested_instance_is_nested_on_every_rank)
{
    static const char *const none[] = {NULL}, *const attrs[] = {
                                                  "broker.boot-method=single", NULL};
    struct flux_instance_options o = FLUX_INSTANCE_OPTIONS_INIT;
    const char *environment[] = {"FLUX_JOB_ID=\xc6\x92"
                                 "7",
                                 NULL, NULL};
    struct flux_instance *around;
    flux_error_t err;
    char uri[160];

    if (_i == 1) /* in a simulated world there is nothing around it */
        return;
    o.modules = none;
    o.attrs = attrs;
    ck_assert_ptr_nonnull(around = flux_instance_create(&o, &err));
    ck_assert_int_eq(flux_instance_start(around, &err), 0);
    snprintf(uri, sizeof(uri), "FLUX_URI=%s", flux_instance_uri(around));
    environment[1] = uri;
    begin(3, "kary:1", -1);
    c.environment = environment;
    up();
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_str_eq(attr(0, "instance-level", i), "1");
        ck_assert_str_eq(attr(0, "jobid", i), "\xc6\x92"
                                              "7");
        ck_assert_str_eq(attr(0, "jobid-path", i), "/f7");
        ck_assert_str_eq(attr(0, "parent-uri", i), uri + 9);
    }
    end();
    flux_instance_destroy(around);
}
END_TEST

static bool has_color(struct cluster *cl, void *arg)
{
    const char *s = NULL, *want = arg;

    for (int i = 0; i < c.size; i++) {
        if (flux_conf_unpack(config_get(c.m[i].b->config), NULL, "{s?{s?s}}", "paint",
                             "color", &s) < 0 ||
            !s || strcmp(s, want) != 0)
            return false;
    }
    return true;
}

START_TEST(the_configuration_of_rank_0_is_everybodys)
{
    const char *s;

    begin(4, "kary:1", WORLD);
    c.config = "{\"paint\":{\"color\":\"red\"}}";
    up();
    ck_assert(has_color(&c, "red"));
    ck_assert_int_eq(
        cluster_rpc(&c, 0, "config.load", "{\"paint\":{\"color\":\"blue\"}}", 0, NULL),
        0);
    cluster_until(&c, has_color, "blue");
    ck_assert_int_eq(cluster_rpc(&c, 0, "config.get", NULL, 3, &s), 0);
    ck_assert_str_eq(s, "{\"paint\":{\"color\":\"blue\"}}");
    /* One that was away hears it when it is back. */
    cluster_crash(&c, 3);
    ck_assert_int_eq(
        cluster_rpc(&c, 0, "config.load", "{\"paint\":{\"color\":\"green\"}}", 0, NULL),
        0);
    cluster_add(&c, 3);
    cluster_until_up(&c);
    cluster_until(&c, has_color, "green");
    end();
}
END_TEST

static bool is_logged(struct cluster *cl, void *arg)
{
    const struct log *l = c.m[0].b->log;

    for (size_t i = 0; i < log_count(l); i++) {
        if (strstr(log_get(l, i), arg))
            return true;
    }
    return false;
}

START_TEST(logs_come_together_at_rank_0_with_their_ranks)
{
    flux_t *h;

    begin(4, "kary:1", WORLD);
    up();
    h = cluster_handle(&c, 3);
    flux_log_set_appname(h, "app");
    flux_log(h, LOG_WARNING, "hello from afar");
    cluster_until(&c, is_logged, " 3 app ");
    log_printf(c.m[2].b->log, LOG_INFO, "broker two speaks");
    cluster_until(&c, is_logged, " 2 broker ");
    end();
}
END_TEST

START_TEST(shutdown_from_anywhere_is_that_of_all)
{
    begin(5, "kary:2", WORLD);
    up();
    ck_assert_int_eq(cluster_rpc(&c, 4, "shutdown.start", "{}", FLUX_NODEID_ANY, NULL),
                     0);
    end();
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(c.m[i].exit_code, 0);
}
END_TEST

START_TEST(guests_are_guests_far_away_too)
{
    struct flux_msg_cred cred = {12345, FLUX_ROLE_USER};
    flux_msg_t *msg, *rsp;
    int errnum;

    begin(3, "kary:1", WORLD);
    up();
    ck_assert_ptr_nonnull(
        msg = flux_request_encode("event.publish", "{\"topic\":\"x.y\",\"flags\":0}"));
    flux_msg_set_matchtag(msg, 77);
    flux_msg_set_cred(msg, cred);
    ck_assert_int_eq(flux_send(cluster_handle(&c, 2), msg, 0), 0);
    flux_msg_destroy(msg);
    for (rsp = NULL; !rsp;) {
        cluster_run(&c, 0.1);
        rsp = flux_recv(c.m[2].h, FLUX_MATCH_RESPONSE, FLUX_O_NONBLOCK);
    }
    ck_assert_int_eq(flux_msg_get_errnum(rsp, &errnum), 0);
    ck_assert_int_eq(errnum, EPERM);
    flux_msg_destroy(rsp);
    end();
}
END_TEST

static bool has_gone(struct cluster *cl, void *arg)
{
    return kill(*(int *)arg, 0) < 0;
}

static void started_cb(flux_future_t *f, void *arg)
{
    const char *type;
    int pid;

    if (flux_rpc_get_unpack(f, "{s:s s?i}", "type", &type, "pid", &pid) == 0 &&
        !strcmp(type, "started"))
        *(int *)arg = pid;
    flux_future_reset(f);
}

static bool is_positive(struct cluster *cl, void *arg)
{
    return *(int *)arg > 0;
}

START_TEST(a_process_far_away_ends_with_its_client)
{
    flux_future_t *f;
    const char *s;
    int pid = 0;

    if (_i == 1)
        return;
    begin(3, "kary:1", -1);
    up();
    f = flux_rpc_pack(cluster_handle(&c, 0), "rexec.exec", 2, FLUX_RPC_STREAMING,
                      "{s:{s:[ss] s:{} s:{} s:[]} s:i}", "cmd", "cmdline", "sleep",
                      "1000", "env", "opts", "channels", "flags", 3);
    ck_assert_int_eq(flux_future_then(f, -1., started_cb, &pid), 0);
    cluster_until(&c, is_positive, &pid);
    ck_assert_int_eq(cluster_rpc(&c, 1, "rexec.list", "{}", 2, &s), 0);
    ck_assert_ptr_nonnull(strstr(s, "\"rank\":2"));
    flux_future_destroy(f);
    flux_close(c.m[0].h);
    c.m[0].h = NULL;
    cluster_until(&c, has_gone, &pid);
    end();
}
END_TEST

START_TEST(commands_run_before_and_after_on_every_rank)
{
    static char first[160], last[160];
    static const char *const program[] = {"sh", "-c", "exit 3", NULL};
    const char *attrs[] = {first, last, NULL};
    char path[128];

    if (_i == 1)
        return;
    begin(3, "kary:2", -1);
    snprintf(first, sizeof(first), "broker.rc1_path=touch %s/first-${FLUX_URI##*-}",
             c.dir);
    snprintf(last, sizeof(last), "broker.rc3_path=touch %s/last-${FLUX_URI##*-}", c.dir);
    c.attrs = attrs;
    c.program = program;
    cluster_add_all(&c);
    cluster_until_gone(&c);
    ck_assert_int_eq(c.m[0].exit_code, 3);
    ck_assert_int_eq(c.m[1].exit_code, 0);
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/first-%d", c.dir, i);
        ck_assert_int_eq(access(path, F_OK), 0);
        snprintf(path, sizeof(path), "%s/last-%d", c.dir, i);
        ck_assert_int_eq(access(path, F_OK), 0);
    }
    cluster_fini(&c);
}
END_TEST

START_TEST(a_first_command_that_fails_keeps_the_broker_down)
{
    static const char *const attrs[] = {"broker.rc1_path=exit 7", NULL};

    if (_i == 1)
        return;
    begin(1, NULL, -1);
    c.attrs = attrs;
    cluster_add_all(&c);
    cluster_until_gone(&c);
    ck_assert_int_ne(c.m[0].errnum, 0);
    ck_assert_ptr_nonnull(strstr(c.m[0].error.text, "broker.rc1_path: exit code 7"));
    ck_assert_int_eq(c.m[0].exit_code, 1);
    cluster_fini(&c);
}
END_TEST

START_TEST(rank_0_comes_back_as_the_same_instance)
{
    char uuid[64];
    uint32_t seq;
    const char *s;

    if (_i == 1)
        return;
    begin(4, "kary:1", -1);
    c.durable = true;
    up();
    snprintf(uuid, sizeof(uuid), "%s", attr(0, "instance-uuid", 0));
    ck_assert_uint_eq(c.m[0].b->epoch, 1);
    ck_assert_str_eq(attr(0, "broker.orphan-timeout", 3), "none");
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(cluster_rpc(&c, 3, "event.publish",
                                     "{\"topic\":\"x\",\"flags\":0}", FLUX_NODEID_ANY,
                                     &s),
                         0);
    seq = router_seq(c.m[3].b->router);
    cluster_crash(&c, 0);
    cluster_run(&c, 0.2);
    cluster_add(&c, 0);
    cluster_until_online(&c, "0-3");
    cluster_until_up(&c);
    ck_assert_str_eq(attr(0, "instance-uuid", 3), uuid);
    ck_assert_uint_eq(c.m[0].b->epoch, 2);
    for (int i = 1; i < 4; i++)
        ck_assert_int_eq(c.m[i].ups, 1); /* they were up all the time */
    ck_assert_int_eq(cluster_rpc(&c, 3, "event.publish", "{\"topic\":\"x\",\"flags\":0}",
                                 FLUX_NODEID_ANY, &s),
                     0);
    ck_assert_uint_gt(router_seq(c.m[3].b->router), seq);
    end();
}
END_TEST

CLUSTER_MAIN("shared", attributes_tell_the_place_of_each,
             a_nested_instance_is_nested_on_every_rank,
             the_configuration_of_rank_0_is_everybodys,
             logs_come_together_at_rank_0_with_their_ranks,
             shutdown_from_anywhere_is_that_of_all, guests_are_guests_far_away_too,
             a_process_far_away_ends_with_its_client,
             commands_run_before_and_after_on_every_rank,
             a_first_command_that_fails_keeps_the_broker_down,
             rank_0_comes_back_as_the_same_instance)

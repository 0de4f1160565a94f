/* Instances inside this process, through the public interface alone. */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <flux/core.h>
#include <flux/embed.h>

static const char *const none[] = {NULL};

static struct flux_instance *make(const struct flux_instance_options *given)
{
    struct flux_instance_options o = FLUX_INSTANCE_OPTIONS_INIT;
    struct flux_instance *in;
    flux_error_t err;

    if (given)
        o = *given;
    o.modules = none;
    in = flux_instance_create(&o, &err);
    ck_assert_msg(in != NULL, "%s", err.text);
    return in;
}

static struct flux_instance *start(const struct flux_instance_options *given)
{
    struct flux_instance *in = make(given);
    flux_error_t err;

    ck_assert_msg(flux_instance_start(in, &err) == 0, "%s", err.text);
    return in;
}

static void ping(flux_t *h, int seq)
{
    flux_future_t *f = flux_rpc_pack(h, "broker.ping", 0, 0, "{s:i}", "seq", seq);
    int got = -1, rank = -1;

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(flux_rpc_get_unpack(f, "{s:i s:i}", "seq", &got, "rank", &rank), 0);
    ck_assert_int_eq(got, seq);
    ck_assert_int_eq(rank, 0);
    flux_future_destroy(f);
}

START_TEST(two_instances_live_in_one_process)
{
    struct flux_instance *a = start(NULL), *b = start(NULL);
    flux_t *ha, *hb;
    char *uuid_a, *uuid_b;

    ck_assert_str_ne(flux_instance_uri(a), flux_instance_uri(b));
    ha = flux_open(flux_instance_uri(a), 0);
    hb = flux_open(flux_instance_uri(b), 0);
    ck_assert_ptr_nonnull(ha);
    ck_assert_ptr_nonnull(hb);
    uuid_a = strdup(flux_attr_get(ha, "broker.uuid"));
    uuid_b = strdup(flux_attr_get(hb, "broker.uuid"));
    ck_assert_str_ne(uuid_a, uuid_b);
    for (int i = 0; i < 100; i++) {
        ping(ha, i);
        ping(hb, i);
    }
    flux_instance_stop(a);
    ck_assert_int_eq(flux_instance_wait(a, 30), 0);
    ping(hb, 100); /* the other one goes on */
    flux_close(ha);
    flux_close(hb);
    flux_instance_destroy(a);
    flux_instance_destroy(b);
    free(uuid_a);
    free(uuid_b);
}
END_TEST

struct worker {
    struct flux_instance *in;
    pthread_t thread;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    flux_t *h = flux_instance_open(w->in, 0, NULL);

    ck_assert_ptr_nonnull(h);
    for (int i = 0; i < 200; i++)
        ping(h, i);
    flux_close(h);
    return NULL;
}

START_TEST(handles_work_from_many_threads)
{
    struct flux_instance *in = start(NULL);
    struct worker w[4];

    for (int i = 0; i < 4; i++) {
        w[i].in = in;
        ck_assert_int_eq(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(w[i].thread, NULL);
    flux_instance_destroy(in);
}
END_TEST

static void count_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    if (++*(int *)arg == 3)
        flux_reactor_stop(flux_get_reactor(h));
}

START_TEST(events_reach_an_in_process_handle_with_a_reactor)
{
    struct flux_match match = FLUX_MATCH_EVENT;
    struct flux_instance *in = start(NULL);
    flux_t *h = flux_instance_open(in, 0, NULL);
    flux_t *sender = flux_open(flux_instance_uri(in), 0);
    flux_msg_handler_t *mh;
    int count = 0;

    ck_assert_ptr_nonnull(h);
    ck_assert_ptr_nonnull(sender);
    ck_assert_int_eq(flux_event_subscribe(h, "test."), 0);
    match.topic_glob = "test.*";
    mh = flux_msg_handler_create(h, match, count_cb, &count);
    flux_msg_handler_start(mh);
    for (int i = 0; i < 3; i++) {
        flux_future_t *f = flux_event_publish(sender, "test.x", 0, NULL);
        int seq;

        ck_assert_int_eq(flux_event_publish_get_seq(f, &seq), 0);
        ck_assert_int_eq(seq, i + 1);
        flux_future_destroy(f);
    }
    ck_assert_int_ge(flux_reactor_run(flux_get_reactor(h), 0), 0);
    ck_assert_int_eq(count, 3);
    flux_msg_handler_destroy(mh);
    flux_close(h);
    flux_close(sender);
    flux_instance_destroy(in);
}
END_TEST

START_TEST(a_handle_survives_its_instance)
{
    struct flux_instance *in = start(NULL);
    flux_t *h = flux_instance_open(in, 0, NULL);
    flux_future_t *f;

    ping(h, 1);
    flux_instance_destroy(in);
    f = flux_rpc_pack(h, "broker.ping", 0, 0, "{s:i}", "seq", 2);
    ck_assert(f == NULL || flux_future_get(f, NULL) < 0);
    flux_future_destroy(f);
    flux_close(h);
}
END_TEST

START_TEST(an_initial_program_gives_its_exit_code)
{
    const char *const program[] = {"sh", "-c", "test -S ${FLUX_URI#local://} && exit 7",
                                   NULL};
    struct flux_instance_options o = FLUX_INSTANCE_OPTIONS_INIT;
    struct flux_instance *in;
    flux_error_t err;

    o.program = program;
    in = make(&o);
    ck_assert_int_eq(flux_instance_run(in, &err), 7);
    ck_assert_int_eq(flux_instance_run(in, &err), -1); /* only once */
    flux_instance_destroy(in);
}
END_TEST

START_TEST(an_initial_program_gets_its_own_environment)
{
    const char *const program[] = {
        "/bin/sh", "-c",
        "test $FOO = bar -a -z \"$FLUX_JOB_ID$PMI_RANK$PMIX_RANK$FLUX_TASK_RANK\" &&"
        " test $FLUX_URI != local:///parent &&"
        " test $(tr '\\0' '\\n' < /proc/$$/environ | grep -c ^FLUX_URI=) = 1",
        NULL};
    const char *const environment[] = {"FOO=bar",
                                       "FLUX_JOB_ID=f1",
                                       "PMI_RANK=0",
                                       "PMIX_RANK=0",
                                       "FLUX_TASK_RANK=0",
                                       "PATH=/usr/bin:/bin",
                                       "FLUX_URI=local:///parent",
                                       NULL};
    struct flux_instance_options o = FLUX_INSTANCE_OPTIONS_INIT;
    struct flux_instance *in;

    o.program = program;
    o.environment = environment;
    in = make(&o);
    ck_assert_int_eq(flux_instance_run(in, NULL), 0);
    flux_instance_destroy(in);
}
END_TEST

static void *stopper(void *arg)
{
    struct flux_instance *in = arg;
    flux_t *h = NULL;

    while (!(h = flux_instance_open(in, 0, NULL))) {
        ck_assert_int_eq(errno, ENOTCONN);
        sched_yield();
    }
    ping(h, 1);
    flux_close(h);
    flux_instance_stop(in);
    return NULL;
}

START_TEST(run_uses_the_callers_thread_until_it_is_stopped)
{
    struct flux_instance *in = make(NULL);
    pthread_t t;

    ck_assert_int_eq(pthread_create(&t, NULL, stopper, in), 0);
    ck_assert_int_eq(flux_instance_run(in, NULL), 0);
    pthread_join(t, NULL);
    flux_instance_destroy(in);
}
END_TEST

START_TEST(wait_times_out)
{
    struct flux_instance *in = make(NULL);

    ck_assert_int_eq(flux_instance_wait(in, 0), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_int_eq(flux_instance_start(in, NULL), 0);
    ck_assert_int_eq(flux_instance_wait(in, 0.01), -1);
    ck_assert_int_eq(errno, ETIMEDOUT);
    flux_instance_stop(in);
    flux_instance_stop(in);
    ck_assert_int_eq(flux_instance_wait(in, -1), 0);
    ck_assert_int_eq(flux_instance_wait(in, -1), 0);
    ck_assert_ptr_null(flux_instance_open(in, 0, NULL));
    ck_assert_int_eq(errno, ENOTCONN);
    flux_instance_destroy(in);
}
END_TEST

START_TEST(failures_name_the_thing)
{
    const char *const bad_attr[] = {"noequals", NULL};
    const char *const bad_module[] = {"nosuchmodule", NULL};
    const char *const bad_program[] = {"/no/such/program", NULL};
    struct flux_instance_options o = FLUX_INSTANCE_OPTIONS_INIT;
    struct flux_instance *in;
    flux_error_t err;

    o.attrs = bad_attr;
    ck_assert_ptr_null(flux_instance_create(&o, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "noequals"));
    o.attrs = NULL;
    o.config = "{\"a\":";
    ck_assert_ptr_null(flux_instance_create(&o, &err));
    o.config = NULL;
    o.modules = bad_module;
    in = flux_instance_create(&o, &err);
    ck_assert_int_eq(flux_instance_start(in, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "nosuchmodule"));
    flux_instance_destroy(in);
    o.rundir = "/no/such/folder";
    in = make(&o);
    ck_assert_int_eq(flux_instance_start(in, &err), -1);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_ptr_nonnull(strstr(err.text, "/no/such/folder"));
    flux_instance_destroy(in);
    o.rundir = NULL;
    o.program = bad_program;
    in = make(&o);
    ck_assert_int_eq(flux_instance_run(in, &err), -1);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_ptr_nonnull(strstr(err.text, "/no/such/program"));
    flux_instance_destroy(in);
}
END_TEST

START_TEST(a_statedir_has_one_broker_at_a_time_and_keeps_its_uri)
{
    char dir[] = "/tmp/flux-test-XXXXXX", uri[256], cmd[64];
    struct flux_instance_options o = FLUX_INSTANCE_OPTIONS_INIT;
    struct flux_instance *a, *b;
    flux_error_t err;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    o.statedir = dir;
    a = start(&o);
    b = make(&o);
    ck_assert_int_eq(flux_instance_start(b, &err), -1);
    ck_assert_int_eq(errno, EWOULDBLOCK);
    ck_assert_ptr_nonnull(strstr(err.text, dir));
    flux_instance_destroy(b);
    snprintf(uri, sizeof(uri), "%s", flux_instance_uri(a));
    flux_instance_destroy(a);
    a = start(&o);
    ck_assert_str_eq(flux_instance_uri(a), uri);
    flux_instance_destroy(a);
    snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
    ck_assert_int_eq(system(cmd), 0);
}
END_TEST

START_TEST(the_host_process_is_left_alone)
{
    struct sigaction before[32], after;
    char cwd[2][4096];
    mode_t mask = umask(0123);
    struct flux_instance *in;
    sigset_t set[2];

    for (int i = 1; i < 32; i++)
        sigaction(i, NULL, &before[i]);
    pthread_sigmask(SIG_SETMASK, NULL, &set[0]);
    ck_assert_ptr_nonnull(getcwd(cwd[0], sizeof(cwd[0])));
    in = start(NULL);
    flux_instance_destroy(in);
    ck_assert_int_eq(umask(mask), 0123);
    ck_assert_ptr_nonnull(getcwd(cwd[1], sizeof(cwd[1])));
    ck_assert_str_eq(cwd[0], cwd[1]);
    pthread_sigmask(SIG_SETMASK, NULL, &set[1]);
    for (int i = 1; i < 32; i++) {
        sigaction(i, NULL, &after);
        ck_assert_ptr_eq(before[i].sa_handler, after.sa_handler);
        ck_assert_int_eq(sigismember(&set[0], i), sigismember(&set[1], i));
    }
    ck_assert_ptr_null(getenv("FLUX_URI"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("instance");
    TCase *tc = tcase_create("instance");
    SRunner *sr = srunner_create(s);
    int failed;

    unsetenv("FLUX_URI");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, two_instances_live_in_one_process);
    tcase_add_test(tc, handles_work_from_many_threads);
    tcase_add_test(tc, events_reach_an_in_process_handle_with_a_reactor);
    tcase_add_test(tc, a_handle_survives_its_instance);
    tcase_add_test(tc, an_initial_program_gives_its_exit_code);
    tcase_add_test(tc, an_initial_program_gets_its_own_environment);
    tcase_add_test(tc, run_uses_the_callers_thread_until_it_is_stopped);
    tcase_add_test(tc, wait_times_out);
    tcase_add_test(tc, failures_name_the_thing);
    tcase_add_test(tc, a_statedir_has_one_broker_at_a_time_and_keeps_its_uri);
    tcase_add_test(tc, the_host_process_is_left_alone);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

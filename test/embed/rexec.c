/* The rexec service: processes run through a broker. */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <flux/core.h>
#include <flux/embed.h>

enum { STDOUT = 1, STDERR = 2, CREDIT = 8, WAITABLE = 16 };

static struct flux_instance *in;
static flux_t *h;

static void begin(const char *statedir)
{
    static const char *const none[] = {NULL};
    struct flux_instance_options o = FLUX_INSTANCE_OPTIONS_INIT;
    flux_error_t err;

    o.modules = none;
    o.statedir = statedir;
    ck_assert_ptr_nonnull(in = flux_instance_create(&o, &err));
    ck_assert_msg(flux_instance_start(in, &err) == 0, "%s", err.text);
    ck_assert_ptr_nonnull(h = flux_open(flux_instance_uri(in), 0));
}

static void end(void)
{
    flux_close(h);
    flux_instance_destroy(in);
}

static flux_future_t *sh(const char *script, int rpc_flags, int flags)
{
    flux_future_t *f = flux_rpc_pack(h, "rexec.exec", 0, rpc_flags,
                                     "{s:{s:[s,s,s] s:s s:{s:s} s:{}} s:i}", "cmd",
                                     "cmdline", "sh", "-c", script, "cwd", "/", "env",
                                     "PATH", getenv("PATH"), "opts", "flags", flags);

    ck_assert_ptr_nonnull(f);
    return f;
}

struct result {
    char out[65536], err[4096];
    size_t nout, nerr;
    int pid, status, eofs, errnum;
    size_t credit;
};

/* One response of a stream; false at its end. */
static bool step(flux_future_t *f, struct result *r)
{
    const char *type, *name, *data = NULL, *encoding = NULL;
    int eof = 0, n;

    ck_assert_int_eq(flux_future_wait_for(f, 20), 0);
    if (flux_rpc_get_unpack(f, "{s:s}", "type", &type) < 0) {
        r->errnum = errno;
        return false;
    }
    if (!strcmp(type, "started"))
        ck_assert_int_eq(flux_rpc_get_unpack(f, "{s:i}", "pid", &r->pid), 0);
    else if (!strcmp(type, "finished"))
        ck_assert_int_eq(flux_rpc_get_unpack(f, "{s:i}", "status", &r->status), 0);
    else if (!strcmp(type, "add-credit")) {
        ck_assert_int_eq(flux_rpc_get_unpack(f, "{s:{s:i}}", "channels", "stdin", &n), 0);
        r->credit += n;
    } else {
        ck_assert_str_eq(type, "output");
        ck_assert_int_eq(flux_rpc_get_unpack(f, "{s:{s:s s?s s?s s?b}}", "io", "stream",
                                             &name, "data", &data, "encoding", &encoding,
                                             "eof", &eof),
                         0);
        r->eofs += eof;
        if (data && !strcmp(name, "stdout") && r->nout + strlen(data) < sizeof(r->out))
            r->nout += sprintf(r->out + r->nout, "%s%s", encoding ? "base64:" : "", data);
        if (data && !strcmp(name, "stderr"))
            r->nerr += sprintf(r->err + r->nerr, "%s", data);
    }
    flux_future_reset(f);
    return true;
}

static struct result *drain(flux_future_t *f)
{
    static struct result r;

    memset(&r, 0, sizeof(r));
    while (step(f, &r))
        ;
    flux_future_destroy(f);
    return &r;
}

START_TEST(output_status_and_end)
{
    struct result *r;

    begin(NULL);
    r = drain(sh("echo out; echo err >&2; exit 3", FLUX_RPC_STREAMING, STDOUT | STDERR));
    ck_assert_str_eq(r->out, "out\n");
    ck_assert_str_eq(r->err, "err\n");
    ck_assert_int_eq(WEXITSTATUS(r->status), 3);
    ck_assert_int_eq(r->eofs, 2);
    ck_assert_int_eq(r->errnum, ENODATA);
    ck_assert_int_gt(r->pid, 0);
    r = drain(sh("printf '\\377\\000x'", FLUX_RPC_STREAMING, STDOUT));
    ck_assert_str_eq(r->out, "base64:/wB4");
    r = drain(sh("echo $FLUX_URI; pwd", FLUX_RPC_STREAMING, STDOUT));
    ck_assert_int_eq(strncmp(r->out, "local:///", 9), 0);
    ck_assert_ptr_nonnull(strstr(r->out, "\n/\n"));
    end();
}
END_TEST

START_TEST(what_cannot_start_says_why)
{
    flux_future_t *f;

    begin(NULL);
    f = flux_rpc_pack(h, "rexec.exec", 0, FLUX_RPC_STREAMING, "{s:{s:[s] s:{s:s}} s:i}",
                      "cmd", "cmdline", "/no/such/program", "env", "PATH", "/bin",
                      "flags", 3);
    ck_assert_int_eq(flux_rpc_get(f, NULL), -1);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_ptr_nonnull(strstr(flux_future_error_string(f), "/no/such/program"));
    flux_future_destroy(f);
    f = flux_rpc_pack(h, "rexec.exec", 0, FLUX_RPC_STREAMING, "{s:{s:[s] s:s} s:i}",
                      "cmd", "cmdline", "true", "cwd", "/no/such/dir", "flags", 3);
    ck_assert_int_eq(flux_rpc_get(f, NULL), -1);
    ck_assert_ptr_nonnull(strstr(flux_future_error_string(f), "/no/such/dir"));
    flux_future_destroy(f);
    f = flux_rpc_pack(h, "rexec.exec", 0, FLUX_RPC_STREAMING, "{s:{s:[]} s:i}", "cmd",
                      "cmdline", "flags", 3);
    ck_assert_int_eq(flux_rpc_get(f, NULL), -1);
    ck_assert_int_eq(errno, EPROTO);
    flux_future_destroy(f);
    end();
}
END_TEST

START_TEST(stdin_is_fed_and_credited)
{
    flux_future_t *f, *w;
    struct result r = {{0}};

    begin(NULL);
    f = sh("cat", FLUX_RPC_STREAMING, STDOUT | CREDIT);
    while (r.credit == 0)
        ck_assert(step(f, &r));
    ck_assert_uint_eq(r.credit, 4 << 20);
    for (int i = 0; i < 2; i++) {
        w = flux_rpc_pack(h, "rexec.write", 0, FLUX_RPC_NORESPONSE,
                          "{s:i s:{s:s s:s s:s s:b}}", "matchtag",
                          (int)flux_rpc_get_matchtag(f), "io", "stream", "stdin", "rank",
                          "0", "data", i ? "two\n" : "one\n", "eof", i);
        flux_future_destroy(w);
    }
    while (step(f, &r))
        ;
    ck_assert_str_eq(r.out, "one\ntwo\n");
    ck_assert_uint_eq(r.credit, (4 << 20) + 8);
    ck_assert_int_eq(r.status, 0);
    flux_future_destroy(f);
    end();
}
END_TEST

START_TEST(kill_reaches_the_group)
{
    flux_future_t *f, *k;
    struct result r = {{0}};

    begin(NULL);
    f = sh("sleep 1000 & echo ready; wait", FLUX_RPC_STREAMING, STDOUT);
    while (r.nout == 0)
        ck_assert(step(f, &r));
    k = flux_rpc_pack(h, "rexec.kill", 0, 0, "{s:i s:i}", "pid", r.pid, "signum",
                      SIGTERM);
    ck_assert_int_eq(flux_rpc_get(k, NULL), 0);
    flux_future_destroy(k);
    while (step(f, &r)) /* ends although sleep held stdout */
        ;
    ck_assert_int_eq(WTERMSIG(r.status), SIGTERM);
    flux_future_destroy(f);
    k = flux_rpc_pack(h, "rexec.kill", 0, 0, "{s:i s:i}", "pid", 1, "signum", SIGTERM);
    ck_assert_int_eq(flux_rpc_get(k, NULL), -1);
    ck_assert_int_eq(errno, ESRCH);
    flux_future_destroy(k);
    end();
}
END_TEST

START_TEST(a_lost_client_takes_its_process_along)
{
    struct result r = {{0}};
    flux_future_t *f, *l;
    flux_t *other;
    const char *s;
    int tries = 0;

    begin(NULL);
    other = flux_open(flux_instance_uri(in), 0);
    f = sh("echo ready; exec sleep 1000", FLUX_RPC_STREAMING, STDOUT);
    while (r.nout == 0)
        ck_assert(step(f, &r));
    flux_future_destroy(f);
    flux_close(h);
    h = other;
    do {
        l = flux_rpc(h, "rexec.list", NULL, 0, 0);
        ck_assert_int_eq(flux_rpc_get(l, &s), 0);
        tries = strstr(s, "\"procs\":[]") ? -1 : tries + 1;
        flux_future_destroy(l);
    } while (tries >= 0 && tries < 100000);
    ck_assert_int_eq(tries, -1);
    end();
}
END_TEST

START_TEST(much_output_to_a_slow_reader)
{
    size_t total = 0;
    struct result r = {{0}};
    flux_future_t *f;

    begin(NULL);
    f = sh("head -c 20000000 /dev/zero | tr '\\0' x", FLUX_RPC_STREAMING, STDOUT);
    while (step(f, &r)) {
        total += r.nout;
        r.nout = 0;
        r.out[0] = '\0';
    }
    ck_assert_uint_eq(total, 20000000);
    flux_future_destroy(f);
    end();
}
END_TEST

static int background(const char *script, int flags)
{
    flux_future_t *f = sh(script, 0, flags);
    int pid;

    ck_assert_int_eq(flux_rpc_get_unpack(f, "{s:i}", "pid", &pid), 0);
    flux_future_destroy(f);
    return pid;
}

START_TEST(a_background_process_can_be_waited_for_once)
{
    flux_future_t *w;
    int pid, status;

    begin(NULL);
    pid = background("exit 5", WAITABLE);
    w = flux_rpc_pack(h, "rexec.wait", 0, 0, "{s:i}", "pid", pid);
    ck_assert_int_eq(flux_rpc_get_unpack(w, "{s:i}", "status", &status), 0);
    ck_assert_int_eq(WEXITSTATUS(status), 5);
    flux_future_destroy(w);
    w = flux_rpc_pack(h, "rexec.wait", 0, 0, "{s:i}", "pid", pid);
    ck_assert_int_eq(flux_rpc_get(w, NULL), -1);
    ck_assert_int_eq(errno, ENOENT);
    flux_future_destroy(w);
    pid = background("exec sleep 1000", 0);
    w = flux_rpc_pack(h, "rexec.wait", 0, 0, "{s:i}", "pid", pid);
    ck_assert_int_eq(flux_rpc_get(w, NULL), -1);
    ck_assert_int_eq(errno, EINVAL);
    flux_future_destroy(w);
    ck_assert_int_eq(getsid(pid), pid);
    end();
    ck_assert_int_eq(kill(pid, 0), -1); /* a throw-away instance leaves nothing */
}
END_TEST

START_TEST(a_background_process_outlives_an_instance_with_a_statedir)
{
    char dir[] = "/tmp/flux-test-XXXXXX", cmd[64];
    int pid, status;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    begin(dir);
    pid = background("exec sleep 1000", 0);
    end();
    ck_assert_int_eq(kill(pid, 0), 0);
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
    ck_assert_int_eq(system(cmd), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rexec");
    TCase *tc = tcase_create("rexec");
    SRunner *sr = srunner_create(s);
    int failed;

    unsetenv("FLUX_URI");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, output_status_and_end);
    tcase_add_test(tc, what_cannot_start_says_why);
    tcase_add_test(tc, stdin_is_fed_and_credited);
    tcase_add_test(tc, kill_reaches_the_group);
    tcase_add_test(tc, a_lost_client_takes_its_process_along);
    tcase_add_test(tc, much_output_to_a_slow_reader);
    tcase_add_test(tc, a_background_process_can_be_waited_for_once);
    tcase_add_test(tc, a_background_process_outlives_an_instance_with_a_statedir);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

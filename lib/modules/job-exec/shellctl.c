/* The resident flux-shell: see shellctl.h.
 *
 *   NONE -> STARTING (rexec.exec, then its hello) -> UP -> NONE (it died, or its
 *   connection did), or UP -> LEAVING (idle; it was told to go) -> NONE
 *
 * A shell that finds another one alive (it holds the journal, and is about to connect
 * again, say after a restart of the broker) exits with EX_TEMPFAIL; we try again in a
 * moment, in case the other one is gone by then.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "modules/job-exec/relay.h"
#include "modules/job-exec/shellctl.h"

#define EXIT_BUSY 75          /* EX_TEMPFAIL: another shell lives */
#define EXEC_WAITABLE 16      /* flag of rexec.exec: rexec.wait will be asked */
#define RETRY_BUSY 0.1        /* seconds */
#define RETRY_FAILED 0.5      /* seconds */
#define FAILURES_MAX 3        /* in a row, before jobs are given up */
#define BUSY_MAX 600          /* tries: one minute */
#define IDLE 30.0             /* seconds without a job before the shell may go */
#define START_BYTES (1 << 20) /* about, of a start message */

enum { NONE, STARTING, UP, LEAVING };

struct shellctl {
    struct exec *x;
    int state;
    char *service;           /* "UID-shell", while UP or LEAVING */
    const flux_msg_t *hello; /* held while UP or LEAVING */
    /* Where it is started: attributes, asked for once. */
    char *uri, *dir;
    flux_future_t *attrs, *wait;
    flux_future_t *exec; /* rexec.exec, or the shell's exit */
    unsigned failures, busy;
    flux_watcher_t *retry, *idle;
    bool was_busy; /* since the last tick of `idle` */
};

/* -- giving up -- */

static void give_up(struct shellctl *s, const char *reason)
{
    struct exec *x = s->x;
    char note[256];
    snprintf(note, sizeof(note), "cannot start flux-shell: %s", reason);
    flux_log(x->h, LOG_ERR, "%s", note);
    s->failures = s->busy = 0;
    list_each(job, &x->waiting, struct exec_job, link)
        exec_fail(job, job->was_running ? "lost-shell" : "exec", note);
    relays_fail(x->relays, ENOENT, note);
}

static void retry_after(struct shellctl *s, double seconds)
{
    flux_timer_watcher_reset(s->retry, seconds, 0);
    flux_watcher_start(s->retry);
}

static bool is_needed(const struct shellctl *s)
{
    return s->x->nreal > 0 || relays_any(s->x->relays);
}

/* The process ended, or was not started. */
static void failed(struct shellctl *s, const char *reason)
{
    s->state = NONE;
    if (++s->failures >= FAILURES_MAX)
        give_up(s, reason);
    else
        retry_after(s, RETRY_FAILED);
}

/* -- starting -- */

static void on_exit_of(flux_future_t *f, void *arg)
{
    struct shellctl *s = arg;
    int status, rc = flux_rpc_get_unpack(f, "{s:i}", "status", &status);
    char reason[128];
    s->wait = NULL;
    flux_future_destroy(f);
    if (s->state != STARTING)
        return; /* its connection tells more exactly */
    if (rc == 0 && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_BUSY) {
        s->state = NONE;
        if (++s->busy < BUSY_MAX)
            retry_after(s, RETRY_BUSY);
        else
            give_up(s, "another one lives, but does not connect");
        return;
    }
    snprintf(reason, sizeof(reason), "it ended %s %d before it was ready (see rexec.log)",
             rc == 0 && WIFSIGNALED(status) ? "by signal" : "with exit code",
             rc < 0                ? 1
             : WIFSIGNALED(status) ? WTERMSIG(status)
                                   : WEXITSTATUS(status));
    failed(s, reason);
}

static void on_started(flux_future_t *f, void *arg)
{
    struct shellctl *s = arg;
    int pid;
    if (flux_rpc_get_unpack(f, "{s:i}", "pid", &pid) < 0) {
        char reason[300];
        snprintf(reason, sizeof(reason), "%s", flux_future_error_string(f));
        s->exec = NULL;
        flux_future_destroy(f);
        if (s->state == STARTING)
            failed(s, reason);
        return;
    }
    s->exec = NULL;
    flux_future_destroy(f);
    flux_future_destroy(s->wait);
    s->wait =
        flux_rpc_pack(s->x->h, "rexec.wait", FLUX_NODEID_ANY, 0, "{s:i}", "pid", pid);
    if (s->wait && flux_future_then(s->wait, -1, on_exit_of, s) < 0)
        flux_log_error(s->x->h, "rexec.wait");
}

static void launch(struct shellctl *s)
{
    struct exec *x = s->x;
    if (!x->shell_path) {
        give_up(s, "its path is not known (set exec.job-shell)");
        return;
    }
    s->state = STARTING;
    s->exec =
        flux_rpc_pack(x->h, "rexec.exec", FLUX_NODEID_ANY, 0,
                      "{s:{s:[s s s s s] s:s s:{} s:{} s:[]} s:i}", "cmd", "cmdline",
                      x->shell_path, "--uri", s->uri, "--dir", s->dir, "cwd", "/", "env",
                      "opts", "channels", "flags", EXEC_WAITABLE);
    if (!s->exec || flux_future_then(s->exec, -1, on_started, s) < 0)
        failed(s, strerror(errno));
}

static int take_attrs(struct shellctl *s)
{
    const char *uri, *rundir, *statedir;
    if (flux_rpc_get_unpack(flux_future_get_child(s->attrs, "local-uri"), "{s:s}",
                            "value", &uri) < 0)
        return -errno;
    if (flux_rpc_get_unpack(flux_future_get_child(s->attrs, "rundir"), "{s:s}", "value",
                            &rundir) < 0)
        return -errno;
    if (flux_rpc_get_unpack(flux_future_get_child(s->attrs, "statedir"), "{s:s}", "value",
                            &statedir) < 0 ||
        !*statedir) {
        statedir = rundir;
        if (s->x->orphan_timeout < -1)
            s->x->orphan_timeout = 10;
    } else if (s->x->orphan_timeout < -1) {
        s->x->orphan_timeout = -1;
    }
    s->uri = strdup(uri);
    s->dir = strdup(statedir);
    return s->uri && s->dir ? 0 : -ENOMEM;
}

static void on_attrs(flux_future_t *f, void *arg)
{
    struct shellctl *s = arg;
    int rc = take_attrs(s);
    s->attrs = NULL;
    flux_future_destroy(f);
    if (rc < 0)
        failed(s, strerror(-rc));
    else if (s->state == STARTING)
        launch(s);
}

static int add_attr(struct shellctl *s, const char *name)
{
    flux_future_t *f =
        flux_rpc_pack(s->x->h, "attr.get", FLUX_NODEID_ANY, 0, "{s:s}", "name", name);
    if (!f || flux_future_push(s->attrs, name, f) < 0) {
        flux_future_destroy(f);
        return -1;
    }
    return 0;
}

static void ask_attrs(struct shellctl *s)
{
    s->state = STARTING;
    s->attrs = flux_future_wait_all_create();
    if (s->attrs) {
        flux_future_set_flux(s->attrs, s->x->h);
        if (add_attr(s, "local-uri") == 0 && add_attr(s, "rundir") == 0 &&
            add_attr(s, "statedir") == 0 &&
            flux_future_then(s->attrs, -1, on_attrs, s) == 0)
            return;
    }
    flux_future_destroy(s->attrs);
    s->attrs = NULL;
    failed(s, strerror(errno));
}

void shellctl_need(struct shellctl *s)
{
    if (s->state != NONE)
        return;
    flux_watcher_stop(s->retry);
    if (s->uri)
        launch(s);
    else
        ask_attrs(s);
}

static void on_retry(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct shellctl *s = arg;
    if (is_needed(s))
        shellctl_need(s);
}

/* -- talking to it -- */

int shellctl_send(struct shellctl *s, const char *method, const char *payload)
{
    char topic[64];
    if (s->state != UP)
        return -ENOTCONN;
    snprintf(topic, sizeof(topic), "%s.%s", s->service, method);
    flux_future_t *f =
        flux_rpc(s->x->h, topic, payload, FLUX_NODEID_ANY, FLUX_RPC_NORESPONSE);
    int rc = f ? 0 : -errno;
    flux_future_destroy(f);
    return rc;
}

flux_future_t *shellctl_rpc(struct shellctl *s, const char *method, const char *payload)
{
    char topic[64];
    if (s->state != UP) {
        errno = ENOTCONN;
        return NULL;
    }
    snprintf(topic, sizeof(topic), "%s.%s", s->service, method);
    return flux_rpc(s->x->h, topic, payload, FLUX_NODEID_ANY, 0);
}

static void send_starts(struct shellctl *s, struct buf *out)
{
    buf_adds(out, "]}");
    if (out->failed || shellctl_send(s, "start", out->data) < 0)
        flux_log(s->x->h, LOG_ERR, "cannot send jobs to flux-shell");
    out->len = 0;
    out->failed = false;
}

static void add_start(struct buf *out, const struct exec_job *job)
{
    buf_adds(out, out->len == 0 ? "{\"jobs\":[" : ",");
    if (job->entry)
        buf_add(out, job->entry, job->entry_len);
    else
        buf_addf(out, "{\"id\":%ju,\"reattach\":true}", (uintmax_t)job->id);
}

void shellctl_turn(struct shellctl *s)
{
    struct exec *x = s->x;
    struct buf out = {0};
    s->was_busy |= x->nreal > 0;
    if (list_empty(&x->waiting) && !relays_any(x->relays))
        return;
    if (s->state == NONE && !flux_watcher_is_active(s->retry))
        shellctl_need(s);
    if (s->state != UP)
        return;
    list_each(job, &x->waiting, struct exec_job, link)
    {
        list_del(&job->link);
        job->state = EXEC_SENT;
        add_start(&out, job);
        if (out.len > START_BYTES)
            send_starts(s, &out);
    }
    if (out.len > 0)
        send_starts(s, &out);
    buf_free(&out);
}

/* -- its life -- */

static void on_leave(flux_future_t *f, void *arg)
{
    struct shellctl *s = arg;
    /* It has more to do than we know; else its connection will end. */
    if (flux_rpc_get(f, NULL) < 0 && errno == EBUSY && s->state == LEAVING)
        s->state = UP;
    s->exec = NULL;
    flux_future_destroy(f);
}

static void on_idle(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct shellctl *s = arg;
    bool busy = s->was_busy || is_needed(s);
    s->was_busy = false;
    if (s->state != UP || busy || s->exec)
        return;
    s->exec = shellctl_rpc(s, "exit", "{}");
    if (s->exec && flux_future_then(s->exec, -1, on_leave, s) == 0)
        s->state = LEAVING;
}

static void drop(struct shellctl *s)
{
    flux_future_destroy(s->exec);
    s->exec = NULL;
    flux_msg_decref(s->hello);
    free(s->service);
    s->hello = NULL;
    s->service = NULL;
    relays_suspend(s->x->relays);
    flux_watcher_stop(s->idle);
    s->state = NONE;
}

/* It is gone: what it had goes to the next one, which reads its journal. */
static void gone(struct shellctl *s)
{
    struct exec *x = s->x;
    size_t it = 0;
    uint64_t id;
    void *value;
    if (s->state == UP && is_needed(s))
        flux_log(x->h, LOG_WARNING, "flux-shell is gone; starting another");
    drop(s);
    while (umap_next(x->jobs, &it, &id, &value)) {
        struct exec_job *job = value;
        if (job->mock || (job->state != EXEC_SENT && job->state != EXEC_RUNNING))
            continue;
        list_del(&job->link);
        list_append(&x->waiting, &job->link);
        job->state = EXEC_WAITING;
    }
    if (is_needed(s))
        shellctl_need(s);
}

void shellctl_disconnect(struct shellctl *s, const flux_msg_t *msg)
{
    if (s->hello && flux_disconnect_match(msg, s->hello))
        gone(s);
}

/* What it says of one job. Finishes are passed on in any case: also the job manager may
 * have been away. */
static int hello_job(struct shellctl *s, struct slice o)
{
    struct exec *x = s->x;
    struct slice v, state = SLICE_NONE, data;
    int64_t id;
    if (slice_get(o, "id", &v) < 0 || slice_int(v, &id) < 0 ||
        slice_get(o, "state", &v) < 0 || slice_str(v, &state) < 0)
        return -EPROTO;
    struct exec_job *job = exec_job(x, (flux_jobid_t)id);
    if (!slice_is(state, "starting") && job && !job->was_running) {
        job->was_running = true;
        exec_report(x, (flux_jobid_t)id, "start", SLICE_NONE);
    }
    if (slice_get(o, "exception", &data) == 0)
        exec_report(x, (flux_jobid_t)id, "exception", data);
    if (slice_is(state, "finished") && slice_get(o, "data", &data) == 0)
        exec_report_finish(x, (flux_jobid_t)id, data);
    else if (job && job->state == EXEC_WAITING) {
        list_del(&job->link);
        job->state = slice_is(state, "running") ? EXEC_RUNNING : EXEC_SENT;
    }
    return 0;
}

static int hello_jobs(struct shellctl *s, const flux_msg_t *msg, int64_t *userid)
{
    const char *text;
    struct slice v, o;
    size_t pos = 0;
    int rc;
    if (flux_request_decode(msg, NULL, &text) < 0 || !text ||
        slice_get(slice_of(text), "userid", &v) < 0 || slice_int(v, userid) < 0 ||
        slice_get(slice_of(text), "jobs", &v) < 0 || !flux_msg_is_streaming(msg))
        return -EPROTO;
    while ((rc = slice_element(v, &pos, &o)) > 0)
        if ((rc = hello_job(s, o)) < 0)
            break;
    return rc;
}

void shellctl_hello(struct shellctl *s, const flux_msg_t *msg)
{
    struct exec *x = s->x;
    int64_t userid;
    if (s->hello)
        gone(s); /* its disconnect has not come (yet) */
    int rc = hello_jobs(s, msg, &userid);
    if (rc == 0 && asprintf(&s->service, "%u-shell", (unsigned)userid) < 0)
        rc = -ENOMEM;
    if (rc < 0) {
        s->service = NULL;
        flux_respond_error(x->h, msg, -rc, NULL);
        return;
    }
    s->hello = flux_msg_incref(msg);
    s->state = UP;
    s->failures = s->busy = 0;
    flux_watcher_stop(s->retry);
    flux_watcher_start(s->idle);
    rc = x->orphan_timeout < -1
             ? flux_respond_pack(x->h, msg, "{s:f}", "kill-timeout", x->kill_timeout)
             : flux_respond_pack(x->h, msg, "{s:f s:f}", "kill-timeout", x->kill_timeout,
                                 "orphan-timeout", x->orphan_timeout);
    if (rc < 0)
        flux_log_error(x->h, "shell-hello: respond");
    shellctl_turn(s); /* jobs first: readers may ask for theirs */
    relays_resume(x->relays, s->service);
    exec_poke(x);
}

int shellctl_new(struct exec *x, struct shellctl **ret)
{
    struct shellctl *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->x = x;
    s->retry = flux_timer_watcher_create(x->r, RETRY_FAILED, 0, on_retry, s);
    s->idle = flux_timer_watcher_create(x->r, IDLE, IDLE, on_idle, s);
    if (!s->retry || !s->idle) {
        shellctl_free(s);
        return -ENOMEM;
    }
    flux_watcher_unref(s->idle);
    *ret = s;
    return 0;
}

void shellctl_free(struct shellctl *s)
{
    if (!s)
        return;
    if (s->hello) /* another job-exec may come: it is to say hello again */
        (void)flux_respond_error(s->x->h, s->hello, ENODATA, NULL);
    flux_msg_decref(s->hello);
    flux_future_destroy(s->attrs);
    flux_future_destroy(s->exec);
    flux_future_destroy(s->wait);
    flux_watcher_destroy(s->retry);
    flux_watcher_destroy(s->idle);
    free(s->service);
    free(s->uri);
    free(s->dir);
    free(s);
}

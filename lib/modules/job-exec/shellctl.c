/* The life of a resident flux-shell: see shellctl.h, shellctl_private.h.
 *
 * A shell that finds another one alive (it holds the journal, and is about to connect
 * again, say after a restart of the broker) exits with EX_TEMPFAIL; we try again in a
 * moment, in case the other one is gone by then.
 *
 * A broker that cannot be reached may come back, or its link may: we go on trying, and
 * wait for a hello. What its shell was told is lost when that takes too long.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/fsd.h"
#include "modules/job-exec/part.h"
#include "modules/job-exec/relay.h"
#include "modules/job-exec/shellctl_private.h"

#define EXIT_BUSY 75       /* EX_TEMPFAIL: another shell lives */
#define EXEC_WAITABLE 16   /* flag of rexec.exec: rexec.wait will be asked */
#define RETRY_BUSY 0.1     /* seconds */
#define RETRY_BUSY_MAX 2.0 /* seconds */
#define RETRY_FAILED 0.5   /* seconds */
#define RETRY_AWAY 0.5     /* seconds ... */
#define RETRY_AWAY_MAX 5.0 /* ... doubled up to this */
#define FAILURES_MAX 3     /* in a row, before jobs are given up */
#define BUSY_MAX 60.0      /* seconds */
#define IDLE 30.0          /* seconds without a job before the shell may go */

unsigned shellctl_rank(const struct shellctl *s)
{
    return s->rank;
}

const char *shellctl_host(const struct shellctl *s)
{
    return s->host;
}

void shellctl_set_host(struct shellctl *s, char *host)
{
    free(s->host);
    s->host = host;
}

void shellctl_name(const struct shellctl *s, char *buf, size_t size)
{
    if (s->host)
        snprintf(buf, size, "%s (rank %u)", s->host, s->rank);
    else
        snprintf(buf, size, "rank %u", s->rank);
}

bool shellctl_is_needed(const struct shellctl *s)
{
    return s->nparts > 0 ||
           (s->rank == 0 && (s->x->nreal > 0 || relays_any(s->x->relays)));
}

/* -- giving up -- */

static void give_up(struct shellctl *s, const char *reason)
{
    char note[256], name[128];
    shellctl_name(s, name, sizeof(name));
    snprintf(note, sizeof(note), "cannot start flux-shell on %s: %s", name, reason);
    flux_log(s->x->h, LOG_ERR, "%s", note);
    s->failures = 0;
    s->busy = 0;
    list_each(p, &s->waiting, struct exec_part, link)
        part_fail(p, p->was_running ? "lost-shell" : "exec", note, 1 << 8);
    if (s->rank == 0)
        relays_fail(s->x->relays, ENOENT, note);
}

static void retry_after(struct shellctl *s, double seconds)
{
    flux_timer_watcher_reset(s->retry, seconds, 0);
    flux_watcher_start(s->retry);
}

/* The process ended, or was not started. */
static void failed(struct shellctl *s, const char *reason)
{
    s->state = SHELL_NONE;
    if (++s->failures >= FAILURES_MAX)
        give_up(s, reason);
    else
        retry_after(s, RETRY_FAILED);
}

/* -- away -- */

static void on_lost(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct shellctl *s = arg;
    char note[256], name[128], time[32] = "";
    flux_watcher_stop(w);
    shellctl_name(s, name, sizeof(name));
    fsd_format(s->x->lost_timeout, time, sizeof(time));
    snprintf(note, sizeof(note), "no word from %s for %s", name, time);
    flux_log(s->x->h, LOG_ERR, "%s: its jobs are lost", note);
    list_each(p, &s->waiting, struct exec_part, link)
        part_fail(p, "lost-shell", note, SIGKILL);
}

/* A clock that was not running starts now. */
static void watch_lost(struct shellctl *s)
{
    struct exec *x = s->x;
    if (x->lost_timeout < 0 || (s->lost && flux_watcher_is_active(s->lost)))
        return;
    flux_watcher_destroy(s->lost);
    s->lost = flux_timer_watcher_create(x->r, x->lost_timeout, 0, on_lost, s);
    if (s->lost)
        flux_watcher_start(s->lost);
}

static void away(struct shellctl *s)
{
    char name[128];
    if (!s->lost || !flux_watcher_is_active(s->lost)) {
        shellctl_name(s, name, sizeof(name));
        flux_log(s->x->h, LOG_WARNING, "%s cannot be reached: its jobs wait", name);
        s->backoff = RETRY_AWAY;
    }
    s->state = SHELL_AWAY;
    free(TAKE(s->uri)); /* it may come back elsewhere */
    free(TAKE(s->dir));
    watch_lost(s);
    retry_after(s, s->backoff);
    s->backoff = s->backoff * 2 < RETRY_AWAY_MAX ? s->backoff * 2 : RETRY_AWAY_MAX;
}

/* A request to its broker failed. */
static void refused(struct shellctl *s, int errnum, const char *reason)
{
    if (errnum == EHOSTUNREACH && s->rank != 0)
        away(s);
    else
        failed(s, reason);
}

/* -- starting -- */

static void busy(struct shellctl *s)
{
    s->state = SHELL_NONE;
    if (s->busy == 0)
        s->backoff = RETRY_BUSY;
    if (s->busy >= BUSY_MAX) {
        give_up(s, "another one lives, but does not connect");
        return;
    }
    s->busy += s->backoff;
    retry_after(s, s->backoff);
    s->backoff = s->backoff * 1.5 < RETRY_BUSY_MAX ? s->backoff * 1.5 : RETRY_BUSY_MAX;
}

static void ended(struct shellctl *s, int status)
{
    char reason[128];
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_BUSY) {
        busy(s);
        return;
    }
    snprintf(reason, sizeof(reason), "it ended %s %d before it was ready (see rexec.log)",
             WIFSIGNALED(status) ? "by signal" : "with exit code",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    failed(s, reason);
}

static void on_exit_of(flux_future_t *f, void *arg)
{
    struct shellctl *s = arg;
    int status, err = 0;
    char reason[300];
    if (flux_rpc_get_unpack(f, "{s:i}", "status", &status) < 0) {
        err = errno;
        snprintf(reason, sizeof(reason), "%s", flux_future_error_string(f));
    }
    s->wait = NULL;
    flux_future_destroy(f);
    if (s->state != SHELL_STARTING)
        return; /* its connection tells more exactly */
    if (err)
        refused(s, err, reason);
    else
        ended(s, status);
}

static void on_started(flux_future_t *f, void *arg)
{
    struct shellctl *s = arg;
    int pid = 0, err = 0;
    char reason[300];
    if (flux_rpc_get_unpack(f, "{s:i}", "pid", &pid) < 0) {
        err = errno;
        snprintf(reason, sizeof(reason), "%s", flux_future_error_string(f));
    }
    s->exec = NULL;
    flux_future_destroy(f);
    if (err) {
        if (s->state == SHELL_STARTING)
            refused(s, err, reason);
        return;
    }
    flux_future_destroy(s->wait);
    s->wait = flux_rpc_pack(s->x->h, "rexec.wait", s->rank, 0, "{s:i}", "pid", pid);
    if (s->wait && flux_future_then(s->wait, -1, on_exit_of, s) < 0)
        flux_log_error(s->x->h, "rexec.wait");
}

static void launch(struct shellctl *s)
{
    struct exec *x = s->x;
    char rank[32];
    if (!x->shell_path) {
        give_up(s, "its path is not known (set exec.job-shell)");
        return;
    }
    s->state = SHELL_STARTING;
    snprintf(rank, sizeof(rank), "--rank=%u", s->rank);
    s->exec = flux_rpc_pack(
        x->h, "rexec.exec", s->rank, 0, "{s:{s:[s s s s s s] s:s s:{} s:{} s:[]} s:i}",
        "cmd", "cmdline", x->shell_path, "--uri", s->uri, "--dir", s->dir, rank, "cwd",
        "/", "env", "opts", "channels", "flags", EXEC_WAITABLE);
    if (!s->exec || flux_future_then(s->exec, -1, on_started, s) < 0)
        failed(s, strerror(errno));
}

static const char *attr_value(struct shellctl *s, const char *name)
{
    const char *value;
    return flux_rpc_get_unpack(flux_future_get_child(s->attrs, name), "{s:s}", "value",
                               &value) < 0
               ? NULL
               : value;
}

static int take_attrs(struct shellctl *s)
{
    const char *uri = attr_value(s, "local-uri");
    const char *dir = uri ? attr_value(s, "rundir") : NULL;
    if (!dir)
        return -errno;
    const char *statedir = attr_value(s, "statedir");
    s->uri = strdup(uri);
    s->dir = strdup(statedir && *statedir ? statedir : dir);
    return s->uri && s->dir ? 0 : -ENOMEM;
}

static void on_attrs(flux_future_t *f, void *arg)
{
    struct shellctl *s = arg;
    int rc = take_attrs(s);
    s->attrs = NULL;
    flux_future_destroy(f);
    if (s->state != SHELL_STARTING)
        return;
    if (rc < 0)
        refused(s, -rc, strerror(-rc));
    else
        launch(s);
}

static int add_attr(struct shellctl *s, const char *name)
{
    flux_future_t *f =
        flux_rpc_pack(s->x->h, "attr.get", s->rank, 0, "{s:s}", "name", name);
    if (!f || flux_future_push(s->attrs, name, f) < 0) {
        flux_future_destroy(f);
        return -1;
    }
    return 0;
}

static void ask_attrs(struct shellctl *s)
{
    s->state = SHELL_STARTING;
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
    if ((s->state != SHELL_NONE && s->state != SHELL_AWAY) || s->attrs || s->exec)
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
    if (shellctl_is_needed(s))
        shellctl_need(s);
    else if (s->state == SHELL_AWAY)
        s->state = SHELL_NONE;
}

/* -- up, and gone -- */

void shellctl_up(struct shellctl *s, const flux_msg_t *hello, char *service)
{
    s->hello = flux_msg_incref(hello);
    s->service = service;
    s->state = SHELL_UP;
    s->failures = 0;
    s->busy = 0;
    flux_watcher_stop(s->retry);
    if (s->lost)
        flux_watcher_stop(s->lost);
    flux_watcher_start(s->idle);
}

/* Answers that are still to come are not about the next process. */
static void drop(struct shellctl *s)
{
    flux_future_destroy(s->attrs);
    flux_future_destroy(s->exec);
    flux_future_destroy(s->wait);
    s->attrs = s->exec = s->wait = NULL;
    flux_msg_decref(s->hello);
    free(s->service);
    s->hello = NULL;
    s->service = NULL;
    s->cancels.len = s->acks.len = s->ends.len = 0;
    umap_free(s->strays);
    s->strays = NULL;
    if (s->rank == 0)
        relays_suspend(s->x->relays);
    flux_watcher_stop(s->idle);
    s->state = SHELL_NONE;
}

void shellctl_put_back(struct shellctl *s)
{
    drop(s);
    list_each(p, &s->told, struct exec_part, link) p->state = PART_WAITING;
    list_splice(&s->waiting, &s->told);
}

void shellctl_disconnect(struct shellctl *s, const flux_msg_t *msg)
{
    char name[128];
    if (!s->hello || !flux_disconnect_match(msg, s->hello))
        return;
    shellctl_name(s, name, sizeof(name));
    if (s->state == SHELL_UP && shellctl_is_needed(s))
        flux_log(s->x->h, LOG_WARNING, "flux-shell on %s is gone", name);
    shellctl_put_back(s);
    if (shellctl_is_needed(s))
        shellctl_need(s);
}

static void on_leave(flux_future_t *f, void *arg)
{
    struct shellctl *s = arg;
    /* It has more to do than we know; else its connection will end. */
    if (flux_rpc_get(f, NULL) < 0 && errno == EBUSY && s->state == SHELL_LEAVING) {
        s->state = SHELL_UP;
        shells_mark(s->x->shells, s);
    }
    s->exec = NULL;
    flux_future_destroy(f);
}

static void on_idle(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct shellctl *s = arg;
    bool was_busy = s->was_busy || shellctl_is_needed(s) || s->strays;
    s->was_busy = false;
    shellctl_report_strays(s);
    if (s->state != SHELL_UP || was_busy || s->exec)
        return;
    s->exec = shellctl_rpc(s, "exit", "{}");
    if (s->exec && flux_future_then(s->exec, -1, on_leave, s) == 0)
        s->state = SHELL_LEAVING;
}

/* -- making and freeing -- */

int shellctl_new(struct exec *x, unsigned rank, struct shellctl **ret)
{
    struct shellctl *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->x = x;
    s->rank = rank;
    list_init(&s->waiting);
    list_init(&s->told);
    list_init(&s->dirty);
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
    list_del(&s->dirty);
    flux_msg_decref(s->hello);
    flux_future_destroy(s->attrs);
    flux_future_destroy(s->exec);
    flux_future_destroy(s->wait);
    flux_watcher_destroy(s->retry);
    flux_watcher_destroy(s->idle);
    flux_watcher_destroy(s->lost);
    umap_free(s->strays);
    buf_free(&s->cancels);
    buf_free(&s->acks);
    buf_free(&s->ends);
    free(s->host);
    free(s->service);
    free(s->uri);
    free(s->dir);
    free(s);
}

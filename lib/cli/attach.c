/* Attach to a job; see attach.h. Two streams of job-info are followed: `eventlog` for
 * what happens, `guest.output` for what it prints (RFC 24). After a lost connection both are
 * asked for again and the entries already seen are skipped: both only grow. */

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <flux/core.h>
#include <flux/job.h>

#include "base/json.h"
#include "cli/attach.h"
#include "cli/joboutput.h"

#define RECONNECT_LIMIT 60. /* s without an instance before giving up */

struct attach {
    struct cli *c;
    flux_t *h;
    flux_jobid_t id;
    char name[64];
    const struct attach_options *o;
    flux_future_t *events, *output, *exec;
    size_t events_seen, output_seen, events_skip, output_skip;
    flux_watcher_t *sigint, *sigtstp, *retry;
    double last_int, backoff;
    double t_start;
    bool events_done, output_done, finished;
    int code;
    char reason[256];
    struct joboutput out;
};

static void watch_both(struct attach *a);

static void maybe_done(struct attach *a)
{
    if (a->events_done && a->output_done)
        flux_reactor_stop(flux_get_reactor(a->h));
}

static void on_retry(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    watch_both(arg);
}

/* A stream broke although the job goes on: ask again in a moment, at longer and longer
 * intervals while the services of a new broker are not there yet. */
static void lost(struct attach *a)
{
    if (flux_watcher_is_active(a->retry))
        return;
    a->backoff = fmin(fmax(2. * a->backoff, 0.02), 1.);
    flux_timer_watcher_reset(a->retry, a->backoff, 0.);
    flux_watcher_start(a->retry);
}

static bool interrupted(void)
{
    sigset_t pending;

    return sigpending(&pending) == 0 && sigismember(&pending, SIGINT);
}

/* The connection broke: a new broker may come up at the same place. */
static int reconnect(flux_t *h, void *arg)
{
    struct attach *a = arg;
    struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};

    for (double t0 = flux_reactor_time(); flux_reactor_time() - t0 < RECONNECT_LIMIT;) {
        if (flux_reconnect(h) == 0)
            return 0;
        if (interrupted())
            break;
        nanosleep(&pause, NULL);
    }
    cli_fail(a->c, "%s: the instance is gone; the job may still be running", a->name);
    return -1;
}

static bool is_lost(int err)
{
    return err == ECONNRESET || err == EPIPE || err == ECONNREFUSED || err == ENOTCONN ||
           err == ECONNABORTED || err == ENOSYS || err == EHOSTUNREACH;
}

static void got_output(flux_future_t *f, void *arg)
{
    struct attach *a = arg;
    const char *text;

    if (flux_job_event_watch_get(f, &text) < 0) {
        int err = errno;

        if (is_lost(err)) {
            lost(a);
            return;
        }
        if (err != ENODATA && err != ENOENT)
            cli_fail(a->c, "%s: output: %s", a->name, cli_why(f));
        fflush(stdout);
        a->output_done = true;
        maybe_done(a);
        return;
    }
    if (a->output_skip > 0)
        a->output_skip--;
    else {
        a->output_seen++;
        joboutput_print(&a->out, text);
        fflush(stdout);
    }
    flux_future_reset(f);
}

static void note_finish(struct attach *a, const cJSON *context)
{
    int64_t status = 0;
    flux_error_t why;

    json_int64(json_get(context, "status"), &status);
    a->finished = true;
    a->code = flux_job_waitstatus_to_exitcode((int)status, &why);
    if (a->code > 0)
        snprintf(a->reason, sizeof(a->reason), "%s: %s", a->name, why.text);
}

static void note_exception(struct attach *a, const cJSON *context)
{
    const char *type = json_str(json_get(context, "type"));
    const char *note = json_str(json_get(context, "note"));
    int64_t severity = 0;

    json_int64(json_get(context, "severity"), &severity);
    fflush(stdout);
    if (severity == 0 && a->code == 0)
        a->code = 1;
    if (!a->o->quiet)
        fprintf(stderr, "%s: %s: exception: type=%s severity=%d %s\n", cli_prog(a->c),
                a->name, type ? type : "?", (int)severity, note ? note : "");
}

static void show_event(struct attach *a, const cJSON *o, const char *log,
                       const char *name)
{
    double t = 0.;
    char *context = json_get(o, "context") ? json_print(json_get(o, "context")) : NULL;

    json_real(json_get(o, "timestamp"), &t);
    if (a->t_start <= 0.)
        a->t_start = t;
    fprintf(stderr, "%.3fs: %s.%s %s\n", t - a->t_start, log, name,
            context ? context : "");
    free(context);
}

/* One line that is written over as the job gets on. */
static void show_status(struct attach *a, const char *event)
{
    static const char *const texts[][2] = {
        {"submit", "waiting for dependencies"},
        {"depend", "waiting for a priority"},
        {"priority", "waiting for resources"},
        {"alloc", "starting"},
        {"start", "started"},
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (!strcmp(event, texts[i][0]))
            fprintf(stderr, "%s: %s: %s\n", cli_prog(a->c), a->name, texts[i][1]);
    }
}

static void event_entry(struct attach *a, const char *text)
{
    cJSON *o;
    const char *name;

    if (json_parse(text, strlen(text), NULL, &o, NULL) < 0)
        return;
    name = json_str(json_get(o, "name"));
    if (name && a->o->events)
        show_event(a, o, "job", name);
    if (name && a->o->status)
        show_status(a, name);
    if (name && a->o->until && !strcmp(name, a->o->until)) {
        a->events_done = a->output_done = true;
        maybe_done(a);
    }
    if (name && !strcmp(name, "finish"))
        note_finish(a, json_get(o, "context"));
    else if (name && !strcmp(name, "exception"))
        note_exception(a, json_get(o, "context"));
    json_free(o);
}

static void got_event(flux_future_t *f, void *arg)
{
    struct attach *a = arg;
    const char *text;

    if (flux_job_event_watch_get(f, &text) < 0) {
        int err = errno;

        if (is_lost(err)) {
            lost(a);
            return;
        }
        if (err != ENODATA) {
            if (err == ENOENT)
                cli_fail(a->c, "%s: unknown job id", a->name);
            else
                cli_fail(a->c, "%s: %s", a->name, cli_why(f));
            a->code = 1;
            a->output_done = true;
        }
        a->events_done = true;
        maybe_done(a);
        return;
    }
    if (a->events_skip > 0)
        a->events_skip--;
    else {
        a->events_seen++;
        a->backoff = 0.;
        event_entry(a, text);
    }
    flux_future_reset(f);
}

/* Shown, nothing else: it ends with the others. */
static void got_exec_event(flux_future_t *f, void *arg)
{
    struct attach *a = arg;
    const char *text, *name;
    cJSON *o;

    if (flux_job_event_watch_get(f, &text) < 0)
        return;
    if (json_parse(text, strlen(text), NULL, &o, NULL) == 0) {
        name = json_str(json_get(o, "name"));
        if (name)
            show_event(a, o, "exec", name);
        json_free(o);
    }
    flux_future_reset(f);
}

static void watch_exec(struct attach *a)
{
    flux_future_destroy(a->exec);
    a->exec = flux_job_event_watch(a->h, a->id, "guest.exec.eventlog", 0);
    if (a->exec && flux_future_then(a->exec, -1., got_exec_event, a) < 0) {
        flux_future_destroy(a->exec);
        a->exec = NULL;
    }
}

static void watch_both(struct attach *a)
{
    if (a->o->exec_events && !a->exec)
        watch_exec(a);
    flux_future_destroy(a->events);
    flux_future_destroy(a->output);
    a->events = a->output = NULL;
    a->events_skip = a->events_seen;
    a->output_skip = a->output_seen;
    if (!a->events_done) {
        a->events = flux_job_event_watch(a->h, a->id, "eventlog", 0);
        if (!a->events || flux_future_then(a->events, -1., got_event, a) < 0)
            lost(a);
    }
    if (!a->output_done) {
        a->output = flux_job_event_watch(a->h, a->id, "guest.output", 0);
        if (!a->output || flux_future_then(a->output, -1., got_output, a) < 0)
            lost(a);
    }
}

/* Once: say how to cancel. Twice within two seconds: cancel. */
static void on_sigint(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct attach *a = arg;
    double now = flux_reactor_time();

    if (now - a->last_int > 2.) {
        a->last_int = now;
        fprintf(stderr, "%s: one more ctrl-C within 2s to cancel, or ctrl-Z to detach\n",
                cli_prog(a->c));
        return;
    }
    fprintf(stderr, "%s: canceling job %s\n", cli_prog(a->c), a->name);
    flux_future_destroy(flux_job_cancel(a->h, a->id, "interrupted by ctrl-C"));
}

static void on_sigtstp(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct attach *a = arg;

    fprintf(stderr, "%s: detached; `flux job attach %s' returns to the job\n",
            cli_prog(a->c), a->name);
    a->code = 0;
    a->finished = false;
    a->reason[0] = '\0';
    flux_reactor_stop(r);
}

static void watch_signals(struct attach *a, flux_reactor_t *r)
{
    if (a->o->read_only)
        return;
    a->sigint = flux_signal_watcher_create(r, SIGINT, on_sigint, a);
    a->sigtstp = flux_signal_watcher_create(r, SIGTSTP, on_sigtstp, a);
    flux_watcher_unref(a->sigint);
    flux_watcher_unref(a->sigtstp);
    flux_watcher_start(a->sigint);
    flux_watcher_start(a->sigtstp);
}

int attach_job(struct cli *c, flux_t *h, flux_jobid_t id, const struct attach_options *o)
{
    struct attach a = {.c = c, .h = h, .id = id, .o = o, .out.label = o->label};
    flux_reactor_t *r = flux_get_reactor(h);

    flux_job_id_encode(id, "f58", a.name, sizeof(a.name));
    flux_flags_set(h, FLUX_O_RPCTRACK);
    flux_comms_error_set(h, reconnect, &a);
    a.retry = flux_timer_watcher_create(r, 0., 0., on_retry, &a);
    watch_signals(&a, r);
    watch_both(&a);
    if (flux_reactor_run(r, 0) < 0)
        a.code = cli_fail(c, "%s: reactor: %s", a.name, strerror(errno));
    fflush(stdout);
    if (a.reason[0] && !o->quiet)
        fprintf(stderr, "%s: %s\n", cli_prog(c), a.reason);
    flux_future_destroy(a.events);
    flux_future_destroy(a.output);
    flux_future_destroy(a.exec);
    flux_watcher_destroy(a.sigint);
    flux_watcher_destroy(a.sigtstp);
    flux_watcher_destroy(a.retry);
    flux_close(h);
    return a.code;
}

/* flux submit - queue a job, or many; print ids, and wait for them if asked to. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <flux/core.h>
#include <flux/idset.h>
#include <flux/job.h>

#include "cli/attach.h"
#include "cli/copies.h"
#include "cli/jobenv.h"
#include "cli/joblimit.h"
#include "cli/jobspec.h"
#include "cmds.h"

extern char **environ;

#define PROGRESS_PERIOD 0.1 /* s */
#define IN_FLIGHT 1024      /* submissions whose answer is awaited at one time */

static const struct cli_option submit_options[] = {
    {"quiet", 0, CLI_NONE, NULL, "Do not print ids"},
    {"wait", 0, CLI_NONE, NULL, "Wait for the jobs; exit with the worst code"},
    {"wait-event", 0, CLI_REQUIRED, "NAME", "Wait for this event of each job"},
    {"watch", 0, CLI_NONE, NULL, "Print the jobs' output; implies --wait"},
    {"progress", 0, CLI_NONE, NULL, "Show a progress line; implies --wait"},
    {"jps", 0, CLI_NONE, NULL, "Add jobs per second to the progress line"},
    {"log", 0, CLI_REQUIRED, "FILE", "Print ids to a file instead"},
    {"log-stderr", 0, CLI_REQUIRED, "FILE", "Print errors to a file instead"},
    {"verbose", 'v', CLI_NONE, NULL, "Say how many were submitted"},
    {0},
};

struct submit {
    struct cli *c;
    flux_t *h;
    FILE *out;
    const struct idset *ids;
    unsigned next_id;
    bool set_env;
    cJSON *jobspec;
    char *text; /* when all copies are the same */
    int urgency, flags;
    size_t total, sent, answered, failed, done;
    int code;
    double t0, shown;   /* start; when progress was last shown, since then */
    flux_jobid_t *jobs; /* in the order submitted, for --watch */
    char *refusal;      /* the last one printed ... */
    size_t repeated;    /* ... and how often it came again */
};

struct copy {
    struct submit *s;
    size_t index;
};

static void send_more(struct submit *s);

static bool waits(const struct cli *c)
{
    return cli_count(c, "wait") || cli_count(c, "watch") || cli_count(c, "progress") ||
           cli_count(c, "wait-event");
}

static void show_progress(struct submit *s)
{
    double dt = flux_reactor_time() - s->t0;
    bool last = s->done + s->failed >= s->total;

    if (!cli_count(s->c, "progress") && !cli_count(s->c, "jps"))
        return;
    if (!last && dt - s->shown < PROGRESS_PERIOD)
        return;
    s->shown = dt;
    fprintf(stderr, "\r%zu submitted, %zu done, %zu failed of %zu", s->answered, s->done,
            s->failed, s->total);
    if (cli_count(s->c, "jps") && dt > 0.)
        fprintf(stderr, " (%.1f jobs/s)", (double)s->done / dt);
    if (last)
        fputc('\n', stderr);
}

static void worst(struct submit *s, int code)
{
    if (code > s->code)
        s->code = code;
}

static void one_done(struct submit *s)
{
    s->done++;
    show_progress(s);
    if (s->done + s->failed >= s->total)
        flux_reactor_stop(flux_get_reactor(s->h));
}

static void got_result(flux_future_t *f, void *arg)
{
    struct submit *s = arg;
    int status = -1, result = 0;

    if (flux_job_result_get_unpack(f, "{s:i s?i}", "result", &result, "waitstatus",
                                   &status) < 0)
        worst(s, cli_fail(s->c, "wait: %s", cli_why(f)));
    else if (result != FLUX_JOB_RESULT_COMPLETED) {
        int code = status > 0 ? flux_job_waitstatus_to_exitcode(status, NULL) : 1;

        worst(s, code > 0 ? code : 1);
    }
    flux_future_destroy(f);
    one_done(s);
}

static void got_watched_event(flux_future_t *f, void *arg)
{
    struct submit *s = arg;
    const char *text, *name = cli_str(s->c, "wait-event", "");
    cJSON *o;
    bool found;

    if (flux_job_event_watch_get(f, &text) < 0) {
        worst(s, cli_fail(s->c, "event '%s' never came", name));
        flux_future_destroy(f);
        one_done(s);
        return;
    }
    o = cJSON_Parse(text);
    found = o && !strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(o, "name")), name);
    cJSON_Delete(o);
    if (!found) {
        flux_future_reset(f);
        return;
    }
    flux_job_event_watch_cancel(f);
    flux_future_destroy(f);
    one_done(s);
}

static void start_wait(struct submit *s, flux_jobid_t id)
{
    const char *event = cli_str(s->c, "wait-event", NULL);
    flux_future_t *f = event ? flux_job_event_watch(s->h, id, "eventlog", 0)
                             : flux_job_result(s->h, id, 0);

    if (!f || flux_future_then(f, -1., event ? got_watched_event : got_result, s) < 0) {
        worst(s, cli_fail(s->c, "wait: %s", strerror(errno)));
        flux_future_destroy(f);
        one_done(s);
    }
}

static void print_id(struct submit *s, flux_jobid_t id)
{
    char text[64];

    if (cli_count(s->c, "quiet"))
        return;
    flux_job_id_encode(id, "f58", text, sizeof(text));
    fprintf(s->out, "%s\n", text);
}

/* A thousand copies that are refused for one reason say so once. */
static void tell_repeated(struct submit *s)
{
    if (s->repeated > 0)
        cli_fail(s->c, "%s (%zu more)", s->refusal, s->repeated);
    s->repeated = 0;
}

static int refused(struct submit *s, const char *text)
{
    if (s->refusal && !strcmp(s->refusal, text)) {
        s->repeated++;
        return 1;
    }
    tell_repeated(s);
    free(s->refusal);
    s->refusal = strdup(text);
    return cli_fail(s->c, "%s", text);
}

static void got_id(flux_future_t *f, void *arg)
{
    struct copy *copy = arg;
    struct submit *s = copy->s;
    flux_jobid_t id;

    s->answered++;
    if (flux_job_submit_get_id(f, &id) < 0) {
        s->failed++;
        worst(s, refused(s, cli_why(f)));
    } else {
        s->jobs[copy->index] = id;
        print_id(s, id);
        if (waits(s->c) && !cli_count(s->c, "watch"))
            start_wait(s, id);
        else
            s->done++;
    }
    free(copy);
    flux_future_destroy(f);
    show_progress(s);
    send_more(s);
    if (s->done + s->failed >= s->total)
        flux_reactor_stop(flux_get_reactor(s->h));
}

static char *next_text(struct submit *s, bool *ret_free)
{
    cJSON *o;
    char *text;

    *ret_free = false;
    if (s->text)
        return s->text;
    o = copies_make(s->jobspec, s->next_id, s->set_env);
    text = o ? cJSON_PrintUnformatted(o) : NULL;
    cJSON_Delete(o);
    *ret_free = true;
    return text;
}

static bool send_one(struct submit *s)
{
    struct copy *copy = calloc(1, sizeof(*copy));
    bool must_free;
    char *text = next_text(s, &must_free);
    flux_future_t *f = NULL;

    if (copy && text) {
        *copy = (struct copy){.s = s, .index = s->sent};
        f = flux_job_submit(s->h, text, s->urgency, s->flags);
    }
    if (must_free)
        free(text);
    if (!f || flux_future_then(f, -1., got_id, copy) < 0) {
        worst(s, cli_fail(s->c, "submit: %s", strerror(errno)));
        flux_future_destroy(f);
        free(copy);
        return false;
    }
    s->sent++;
    if (s->ids)
        s->next_id = idset_next(s->ids, s->next_id);
    return true;
}

static void send_more(struct submit *s)
{
    while (s->sent < s->total && s->sent - s->answered < IN_FLIGHT) {
        if (!send_one(s)) {
            s->failed += s->total - s->sent;
            s->sent = s->answered = s->total;
            flux_reactor_stop(flux_get_reactor(s->h));
            return;
        }
    }
}

/* One job and no waiting: no event loop is needed. */
static int submit_one(struct submit *s)
{
    flux_future_t *f = flux_job_submit(s->h, s->text, s->urgency, s->flags);
    flux_jobid_t id;
    int rc = 0;

    if (!f || flux_job_submit_get_id(f, &id) < 0)
        rc = cli_fail(s->c, "%s", cli_why(f));
    else
        print_id(s, id);
    flux_future_destroy(f);
    return rc;
}

static int watch_all(struct submit *s)
{
    struct attach_options o = {.label = cli_count(s->c, "label-io") > 0,
                               .read_only = true};

    for (size_t i = 0; i < s->total; i++) {
        flux_t *h = s->jobs[i] ? cli_open(s->c) : NULL;

        if (h)
            worst(s, attach_job(s->c, h, s->jobs[i], &o));
    }
    return s->code;
}

static int submit_many(struct submit *s)
{
    s->jobs = calloc(s->total, sizeof(*s->jobs));
    if (!s->jobs)
        return cli_fail(s->c, "out of memory");
    s->t0 = flux_reactor_time();
    send_more(s);
    if (flux_reactor_run(flux_get_reactor(s->h), 0) < 0)
        worst(s, cli_fail(s->c, "reactor: %s", strerror(errno)));
    tell_repeated(s);
    if (cli_count(s->c, "watch"))
        watch_all(s);
    free(s->refusal);
    free(s->jobs);
    return s->code;
}

static int run_opened(struct submit *s)
{
    int rc = s->total == 1 && !waits(s->c) && s->text ? submit_one(s) : submit_many(s);

    if (cli_count(s->c, "verbose"))
        fprintf(stderr, "%s: %zu of %zu submitted\n", cli_prog(s->c),
                s->total == 1 ? (size_t)(rc == 0) : s->total - s->failed, s->total);
    return rc;
}

static int dry_run(struct submit *s)
{
    bool must_free;
    char *text;

    for (size_t i = 0; i < s->total; i++) {
        text = next_text(s, &must_free);
        fprintf(s->out, "%s\n", text ? text : "");
        if (must_free)
            free(text);
        if (s->ids)
            s->next_id = idset_next(s->ids, s->next_id);
    }
    return 0;
}

static int prepare(struct submit *s, struct idset **ret_ids)
{
    const char *log = cli_str(s->c, "log", NULL);
    const char *errors = cli_str(s->c, "log-stderr", NULL);
    bool cc, ok;

    if (!cli_jobspec_urgency(s->c, &s->urgency) || !cli_jobspec_flags(s->c, &s->flags))
        return CLI_EXIT_USAGE;
    *ret_ids = copies_ids(s->c, &cc, &ok);
    if (!ok)
        return CLI_EXIT_USAGE;
    s->ids = *ret_ids;
    s->total = s->ids ? idset_count(s->ids) : 1;
    s->next_id = s->ids ? idset_first(s->ids) : 0;
    s->set_env = cc;
    if (!(s->jobspec = cli_jobspec_build(s->c, environ)))
        return CLI_EXIT_USAGE;
    if (!s->ids || copies_identical(s->jobspec, cc))
        s->text = cJSON_PrintUnformatted(s->jobspec);
    if (log && !(s->out = fopen(log, "we")))
        return cli_fail(s->c, "--log: %s: %s", log, strerror(errno));
    if (errors && !freopen(errors, "we", stderr))
        return cli_fail(s->c, "--log-stderr: %s: %s", errors, strerror(errno));
    return 0;
}

static int run_submit(struct cli *c)
{
    struct submit s = {.c = c, .out = stdout};
    struct idset *ids = NULL;
    int rc = prepare(&s, &ids);

    if (rc == 0 && cli_count(c, "dry-run"))
        rc = dry_run(&s);
    else if (rc == 0) {
        rc = 1;
        if ((s.h = cli_open(c)))
            rc = run_opened(&s);
    }
    flux_close(s.h);
    if (s.out && s.out != stdout)
        fclose(s.out);
    free(s.text);
    cJSON_Delete(s.jobspec);
    idset_destroy(ids);
    return rc;
}

const struct cli_command cmd_submit = {
    .name = "submit",
    .args = "COMMAND [ARGS]",
    .help = "Queue a job and print its id",
    .options = (const struct cli_option *const[]){cli_jobspec_options, jobenv_options,
                                                  joblimit_options, copies_options,
                                                  submit_options, NULL},
    .run = run_submit,
};

/* flux job attach, wait, wait-event, status, eventlog: what happens to a job. */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cjson/cJSON.h>
#include <flux/core.h>
#include <flux/job.h>

#include "cli/attach.h"
#include "job.h"

static const struct cli_option attach_options[] = {
    {"label-io", 'l', CLI_NONE, NULL, "Put the task rank before each line"},
    {"show-events", 'E', CLI_NONE, NULL, "Show the job's events on stderr"},
    {"show-exec", 'X', CLI_NONE, NULL, "Show the events of its execution too"},
    {"show-status", 0, CLI_NONE, NULL, "Say what a pending job waits for"},
    {"wait-event", 'w', CLI_REQUIRED, "EVENT", "Return at this event"},
    {"verbose", 'v', CLI_NONE, NULL, "The same as --show-events"},
    {"read-only", 0, CLI_NONE, NULL, "Leave the job alone when interrupted"},
    {"quiet", 'q', CLI_NONE, NULL, "Do not say why the job failed"},
    {0},
};

static int run_attach(struct cli *c)
{
    struct attach_options o = {.label = cli_count(c, "label-io") > 0,
                               .events =
                                   cli_count(c, "show-events") || cli_count(c, "verbose"),
                               .exec_events = cli_count(c, "show-exec") > 0,
                               .status = cli_count(c, "show-status") > 0,
                               .until = cli_str(c, "wait-event", NULL),
                               .quiet = cli_count(c, "quiet") > 0,
                               .read_only = cli_count(c, "read-only") > 0};
    flux_jobid_t id;
    char name[64];
    flux_t *h;

    if (!job_id_arg(c, cli_arg(c, 0), &id, name) || !(h = cli_open(c)))
        return 1;
    return attach_job(c, h, id, &o);
}

static const struct cli_option wait_options[] = {
    {"all", 'a', CLI_NONE, NULL, "Wait for all waitable jobs"},
    {"verbose", 'v', CLI_NONE, NULL, "Print a line for each job"},
    {0},
};

/* 1: a job was reaped; 0: there is none; -1: error (printed). */
static int wait_one(struct cli *c, flux_t *h, flux_jobid_t id, int *code)
{
    flux_future_t *f = flux_job_wait(h, id);
    const char *errstr;
    char name[64];
    bool success;
    int rc = 1;

    if (!f || flux_job_wait_get_status(f, &success, &errstr) < 0) {
        rc = errno == ECHILD ? 0 : -1;
        if (rc < 0)
            cli_fail(c, "%s", cli_why(f));
    } else {
        flux_job_wait_get_id(f, &id);
        flux_job_id_encode(id, "f58", name, sizeof(name));
        if (!success)
            *code = 1;
        if (cli_count(c, "all") && !success)
            fprintf(stderr, "%s: %s\n", name, errstr);
        else if (!success)
            cli_fail(c, "%s", errstr);
        else if (cli_count(c, "verbose"))
            fprintf(stderr, "%s: job completed successfully\n", name);
    }
    flux_future_destroy(f);
    return rc;
}

static int run_wait(struct cli *c)
{
    flux_jobid_t id = FLUX_JOBID_ANY;
    int code = 0, rc;
    char name[64];
    flux_t *h;

    if (cli_argc(c) > 0 && !job_id_arg(c, cli_arg(c, 0), &id, name))
        return 2;
    if (!(h = cli_open(c)))
        return 2;
    do
        rc = wait_one(c, h, id, &code);
    while (rc > 0 && cli_count(c, "all"));
    if (rc == 0 && !cli_count(c, "all")) {
        cli_fail(c, "there are no more waitable jobs");
        code = 2;
    } else if (rc < 0)
        code = 2;
    flux_close(h);
    return code;
}

static const struct cli_option event_options[] = {
    {"path", 'p', CLI_REQUIRED, "PATH",
     "eventlog (default), guest.exec.eventlog, guest.output"},
    {"format", 'f', CLI_REQUIRED, "FORMAT", "text (default) or json"},
    {"time-format", 'T', CLI_REQUIRED, "FORMAT", "raw (default), iso, offset, human"},
    {"human", 'H', CLI_NONE, NULL, "Times for people"},
    {0},
};
static const struct cli_option eventlog_options[] = {
    {"follow", 'F', CLI_NONE, NULL, "Go on until the job is over"},
    {0},
};
static const struct cli_option wait_event_options[] = {
    {"timeout", 't', CLI_REQUIRED, "FSD", "Give up after this time"},
    {"count", 'c', CLI_REQUIRED, "N", "Wait for the Nth such event"},
    {"quiet", 'q', CLI_NONE, NULL, "Do not print the event"},
    {"verbose", 'v', CLI_NONE, NULL, "Print earlier events too"},
    {0},
};

struct printer {
    bool json;
    char time; /* raw, iso, offset, human: by first letter */
    double t0;
};

static bool printer_init(struct cli *c, struct printer *p)
{
    const char *format = cli_str(c, "format", "text");
    const char *time = cli_str(c, "time-format", cli_count(c, "human") ? "human" : "raw");

    *p = (struct printer){.json = !strcmp(format, "json"), .time = time[0]};
    if (!p->json && strcmp(format, "text")) {
        cli_usage(c, "--format: '%s' is neither text nor json", format);
        return false;
    }
    if (strcmp(time, "raw") && strcmp(time, "iso") && strcmp(time, "offset") &&
        strcmp(time, "human")) {
        cli_usage(c, "--time-format: '%s' is none of raw, iso, offset, human", time);
        return false;
    }
    return true;
}

static void print_time(struct printer *p, double t)
{
    time_t sec = (time_t)t;
    char text[64];

    if (p->time == 'r')
        printf("%.6f", t);
    else if (p->time == 'i') {
        strftime(text, sizeof(text), "%FT%T", gmtime(&sec));
        printf("%s.%06dZ", text, (int)((t - floor(t)) * 1e6));
    } else if (p->time == 'o')
        printf("%.6f", t - p->t0);
    else {
        strftime(text, sizeof(text), "%b%d %H:%M:%S", localtime(&sec));
        printf("[%s]", text);
    }
}

static void print_context(const cJSON *context)
{
    const cJSON *v;

    cJSON_ArrayForEach(v, context)
    {
        char *s = cJSON_PrintUnformatted(v);

        printf(" %s=%s", v->string, s ? s : "");
        cJSON_free(s);
    }
}

static void print_event(struct printer *p, const char *text, const cJSON *o)
{
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(o, "name"));
    const cJSON *t = cJSON_GetObjectItem(o, "timestamp");
    double when = t ? t->valuedouble : 0.;

    if (p->t0 <= 0.)
        p->t0 = when;
    if (p->json) {
        printf("%.*s\n", (int)strcspn(text, "\n"), text);
    } else {
        print_time(p, when);
        printf(" %s", name ? name : "?");
        print_context(cJSON_GetObjectItem(o, "context"));
        printf("\n");
    }
    fflush(stdout);
}

static int print_log(struct cli *c, flux_t *h, flux_jobid_t id, const char *name)
{
    struct printer p;
    flux_future_t *f;
    const char *text, *line;
    int rc = 0;

    if (!printer_init(c, &p))
        return CLI_EXIT_USAGE;
    f = flux_job_info_lookup(h, id, "eventlog");
    if (!f || flux_job_info_lookup_get(f, "eventlog", &text) < 0)
        rc = cli_fail(c, errno == ENOENT ? "invalid job id" : "%s: %s", name, cli_why(f));
    for (line = text; rc == 0 && *line; line += strcspn(line, "\n") + 1) {
        cJSON *o = cJSON_ParseWithLength(line, strcspn(line, "\n"));

        if (o)
            print_event(&p, line, o);
        cJSON_Delete(o);
    }
    flux_future_destroy(f);
    return rc;
}

/* Print events as they come until `wanted` (NULL: the end). */
static int follow(struct cli *c, flux_t *h, flux_jobid_t id, const char *name,
                  const char *wanted, bool show_all, bool show_match)
{
    const char *path = cli_str(c, "path", "eventlog"), *text;
    flux_future_t *f = flux_job_event_watch(h, id, path, 0);
    double timeout = -1.;
    long count = 1;
    struct printer p;
    int rc = -1;

    if (!printer_init(c, &p) || !cli_duration(c, "timeout", &timeout) ||
        !cli_int(c, "count", 1, INT32_MAX, &count))
        rc = CLI_EXIT_USAGE;
    while (rc < 0) {
        cJSON *o;
        bool match;

        if (!f || flux_future_wait_for(f, timeout) < 0) {
            rc = cli_fail(
                c, f && errno == ETIMEDOUT ? "wait-event timeout on event '%s'" : "%s",
                wanted ? wanted : strerror(errno));
            break;
        }
        if (flux_job_event_watch_get(f, &text) < 0) {
            rc = 0;
            if (errno == ENOENT)
                rc = cli_fail(c, "%s: invalid job id", name);
            else if (errno != ENODATA)
                rc = cli_fail(c, "%s: %s", name, cli_why(f));
            else if (wanted)
                rc = cli_fail(c, "event '%s' never received", wanted);
            break;
        }
        o = cJSON_Parse(text);
        match = wanted &&
                !strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(o, "name")), wanted) &&
                --count == 0;
        if (o && (show_all || (match && show_match)))
            print_event(&p, text, o);
        cJSON_Delete(o);
        if (match)
            rc = 0;
        else
            flux_future_reset(f);
    }
    flux_future_destroy(f);
    return rc;
}

static int run_eventlog(struct cli *c)
{
    flux_jobid_t id;
    char name[64];
    flux_t *h;
    int rc;

    if (!job_id_arg(c, cli_arg(c, 0), &id, name) || !(h = cli_open(c)))
        return 1;
    if (cli_count(c, "follow") || cli_str(c, "path", NULL))
        rc = follow(c, h, id, name, NULL, true, true);
    else
        rc = print_log(c, h, id, name);
    flux_close(h);
    return rc;
}

static int run_wait_event(struct cli *c)
{
    flux_jobid_t id;
    char name[64];
    flux_t *h;
    int rc;

    if (cli_argc(c) != 2)
        return cli_usage(c, "a job id and an event name are needed");
    if (!job_id_arg(c, cli_arg(c, 0), &id, name) || !(h = cli_open(c)))
        return 1;
    rc = follow(c, h, id, name, cli_arg(c, 1), cli_count(c, "verbose") > 0,
                !cli_count(c, "quiet"));
    flux_close(h);
    return rc;
}

static const struct cli_option status_options[] = {
    {"verbose", 'v', CLI_NONE, NULL, "Say how each job ended"},
    {"exception-exit-code", 'e', CLI_REQUIRED, "N", "Code of jobs ended by an exception"},
    {"json", 'j', CLI_NONE, NULL, "Print the results as JSON"},
    {0},
};

static int status_one(struct cli *c, flux_t *h, const char *arg)
{
    int result, status = -1, code;
    const char *type = "", *note = "", *json;
    long exception_code = 1;
    flux_future_t *f;
    flux_jobid_t id;
    char name[64];

    if (!job_id_arg(c, arg, &id, name) ||
        !cli_int(c, "exception-exit-code", 0, 255, &exception_code))
        return 1;
    f = flux_job_result(h, id, 0);
    if (!f || flux_job_result_get_unpack(f, "{s:i s?i s?s s?s}", "result", &result,
                                         "waitstatus", &status, "exception_type", &type,
                                         "exception_note", &note) < 0) {
        code = cli_fail(c, "%s: %s", name, errno == ENOENT ? "No such job" : cli_why(f));
    } else {
        code = status > 0 ? flux_job_waitstatus_to_exitcode(status, NULL) : 0;
        if (status < 0 && result != FLUX_JOB_RESULT_COMPLETED)
            code = (int)exception_code;
        if (cli_count(c, "json") && flux_job_result_get(f, &json) == 0)
            printf("%s\n", json);
        if (cli_count(c, "verbose"))
            fprintf(stderr, "%s: %s: %s %s exit code %d\n", cli_prog(c), name,
                    flux_job_resulttostr(result, "l"), type, code);
    }
    flux_future_destroy(f);
    return code;
}

static int run_status(struct cli *c)
{
    int worst = 0;
    flux_t *h;

    if (cli_argc(c) < 1)
        return cli_usage(c, "a job id is needed");
    if (!(h = cli_open(c)))
        return 1;
    for (int i = 0; i < cli_argc(c); i++) {
        int code = status_one(c, h, cli_arg(c, i));

        if (code > worst)
            worst = code;
    }
    flux_close(h);
    return worst;
}

const struct cli_command job_attach = {"attach", "JOBID",
                                       "Show a job's output; exit with its code",
                                       JOB_OPTIONS(attach_options), run_attach};
const struct cli_command job_wait = {"wait", "[JOBID]", "Wait for waitable jobs",
                                     JOB_OPTIONS(wait_options), run_wait};
const struct cli_command job_status = {"status", "JOBID...",
                                       "Wait for jobs; exit with the worst code",
                                       JOB_OPTIONS(status_options), run_status};
const struct cli_command job_eventlog = {
    "eventlog", "JOBID", "Print a job's events",
    (const struct cli_option *const[]){event_options, eventlog_options, NULL},
    run_eventlog};
const struct cli_command job_wait_event = {
    "wait-event", "JOBID EVENT", "Wait for an event of a job",
    (const struct cli_option *const[]){event_options, wait_event_options, NULL},
    run_wait_event};

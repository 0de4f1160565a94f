/* flux jobs - the table of jobs. */

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <flux/core.h>
#include <flux/job.h>

#include "cli/datetime.h"
#include "cli/format.h"
#include "cli/jobfield.h"
#include "cli/jsontext.h"
#include "cmds.h"

static const struct cli_option jobs_options[] = {
    {"all", 'a', CLI_NONE, NULL, "Inactive jobs too"},
    {"all-users", 'A', CLI_NONE, NULL, "Jobs of all users"},
    {"no-header", 'n', CLI_NONE, NULL, "Do not print the header"},
    {"suppress-header", 0, CLI_NONE, NULL, "The same"},
    {"user", 'u', CLI_REQUIRED, "USER", "Jobs of this user, or `all'"},
    {"name", 0, CLI_REQUIRED, "NAME", "Jobs of this name"},
    {"queue", 'q', CLI_REQUIRED, "QUEUE", "Jobs of this queue"},
    {"count", 'c', CLI_REQUIRED, "N", "At most N jobs (default 1000; 0: all)"},
    {"since", 0, CLI_REQUIRED, "WHEN",
     "Inactive jobs that ended after this time; implies -a"},
    {"filter", 'f', CLI_REQUIRED, "STATES",
     "States or results: pending, running, failed, ..."},
    {"format", 'o', CLI_REQUIRED, "FORMAT", "A named format, or one of your own"},
    {"sort", 0, CLI_REQUIRED, "FIELDS", "Sort by these fields; -FIELD descends"},
    {"include", 'i', CLI_REQUIRED, "HOSTS|RANKS", "Jobs that run or ran on these"},
    {"color", 0, CLI_OPTIONAL, "WHEN", "Colour by state: auto (default), always, never"},
    {"watch", 'w', CLI_OPTIONAL, "N", "Print again every N seconds (default 2)"},
    {"json", 0, CLI_NONE, NULL, "Print JSON"},
    {"stats", 0, CLI_NONE, NULL, "Print totals first"},
    {"stats-only", 0, CLI_NONE, NULL, "Print totals only"},
    {0},
};

struct jobs {
    struct cli *c;
    flux_t *h;
    struct format *format;
    struct jobfield_context fields;
    cJSON *rows; /* array */
    bool printed, color;
};

/* States and results of --filter as masks; inactive jobs have no other state. */
static bool parse_filter(struct cli *c, int *states, int *results)
{
    const char *s = cli_str(c, "filter", NULL);
    char *copy = s ? strdup(s) : NULL, *save = NULL;
    bool ok = true;

    *states = *results = 0;
    if (!s)
        *states = cli_count(c, "all") || cli_str(c, "since", NULL)
                      ? FLUX_JOB_STATE_ACTIVE | FLUX_JOB_STATE_INACTIVE
                      : FLUX_JOB_STATE_ACTIVE;
    for (char *t = copy ? strtok_r(copy, ",", &save) : NULL; t && ok;
         t = strtok_r(NULL, ",", &save)) {
        flux_job_state_t state;
        flux_job_result_t result;

        if (flux_job_strtostate(t, &state) == 0)
            *states |= state;
        else if (flux_job_strtoresult(t, &result) == 0)
            *results |= result;
        else {
            ok = false;
            cli_usage(c, "--filter: '%s' is neither a state nor a result", t);
        }
    }
    free(copy);
    return ok;
}

static void constrain(cJSON *list, const char *op, cJSON *value)
{
    cJSON *o = cJSON_CreateObject(), *values = cJSON_AddArrayToObject(o, op);

    cJSON_AddItemToArray(values, value);
    cJSON_AddItemToArray(list, o);
}

static cJSON *state_constraint(int states, int results)
{
    cJSON *o = cJSON_CreateObject(), *any = cJSON_AddArrayToObject(o, "or");

    if (states)
        constrain(any, "states", cJSON_CreateNumber(states));
    if (results)
        constrain(any, "results", cJSON_CreateNumber(results));
    return o;
}

static cJSON *constraint(struct cli *c, uint32_t user, int states, int results)
{
    const char *name = cli_str(c, "name", NULL), *queue = cli_str(c, "queue", NULL);
    const char *include = cli_str(c, "include", NULL);
    cJSON *o = cJSON_CreateObject(), *all = cJSON_AddArrayToObject(o, "and");

    cJSON_AddItemToArray(all, state_constraint(states, results));
    if (user != FLUX_USERID_UNKNOWN)
        constrain(all, "userid", cJSON_CreateNumber(user));
    if (name)
        constrain(all, "name", cJSON_CreateString(name));
    if (queue)
        constrain(all, "queue", cJSON_CreateString(queue));
    if (include)
        constrain(all, include[strspn(include, "0123456789-,[]")] ? "hostlist" : "ranks",
                  cJSON_CreateString(include));
    return o;
}

/* JSON is printed as it comes; tables are kept for the column widths. */
static void take_row(struct jobs *j, cJSON *job)
{
    char *s;

    if (!cli_count(j->c, "json")) {
        cJSON_AddItemToArray(j->rows, job);
        return;
    }
    s = cJSON_PrintUnformatted(job);
    printf("%s%s", j->printed ? ", " : "", s ? s : "");
    j->printed = true;
    cJSON_free(s);
    cJSON_Delete(job);
}

/* A piece of the list as JSON: its text goes straight through. */
static int pass_rows(struct jobs *j, flux_future_t *f)
{
    const char *payload, *items;
    size_t len;

    if (flux_rpc_get(f, &payload) < 0)
        return -1;
    if (!payload || !jsontext_items(payload, "jobs", &items, &len)) {
        errno = EPROTO;
        return -1;
    }
    if (len == 0)
        return 0;
    if (j->printed)
        fputs(", ", stdout);
    fwrite(items, 1, len, stdout);
    j->printed = true;
    return 0;
}

static int take_rows(struct jobs *j, flux_future_t *f)
{
    cJSON *jobs;

    if (flux_rpc_get_unpack(f, "{s:O}", "jobs", &jobs) < 0)
        return -1;
    while (jobs->child)
        take_row(j, cJSON_DetachItemViaPointer(jobs, jobs->child));
    cJSON_Delete(jobs);
    return 0;
}

static int read_list(struct jobs *j, flux_future_t *f)
{
    bool json = cli_count(j->c, "json");
    int rc = 0;

    while (f && (json ? pass_rows : take_rows)(j, f) == 0)
        flux_future_reset(f);
    if (!f || errno != ENODATA)
        rc = cli_fail(j->c, "%s", cli_why(f));
    flux_future_destroy(f);
    return rc;
}

static void want(cJSON *attrs, const char *names)
{
    while (*names) {
        size_t n = strcspn(names, " ");
        char name[64];

        snprintf(name, sizeof(name), "%.*s", (int)n, names);
        cJSON_AddItemToArray(attrs, cJSON_CreateString(name));
        names += n + (names[n] == ' ');
    }
}

/* What the columns, the order and the colours are made of: the less travels, the sooner it
 * is here. */
static void want_fields(const struct jobs *j, cJSON *attrs)
{
    const char *field;
    bool down;

    want(attrs, "state result");
    for (size_t i = 0; (field = format_field(j->format, i)); i++)
        want(attrs, jobfield_needs(field));
    for (size_t i = 0; (field = format_sort(j->format, i, &down)); i++)
        want(attrs, jobfield_needs(field));
}

static int list_jobs(struct jobs *j)
{
    const char *since = cli_str(j->c, "since", NULL);
    cJSON *request = cJSON_CreateObject(), *attrs;
    int states, results, rc;
    long count = 1000;
    flux_error_t error;
    uint32_t user = cli_count(j->c, "all-users") ? FLUX_USERID_UNKNOWN : getuid();
    double t;
    char *text;

    if (!cli_user(j->c, "user", &user) || !parse_filter(j->c, &states, &results) ||
        !cli_int(j->c, "count", 0, INT32_MAX, &count)) {
        cJSON_Delete(request);
        return CLI_EXIT_USAGE;
    }
    cJSON_AddNumberToObject(request, "max_entries", count);
    attrs = cJSON_AddArrayToObject(request, "attrs");
    if (cli_count(j->c, "json"))
        want(attrs, "all");
    else
        want_fields(j, attrs);
    if (since) {
        if (datetime_parse(since, j->fields.now, &t, &error) < 0 || t > j->fields.now) {
            cJSON_Delete(request);
            return cli_usage(j->c, "--since: '%s' is not a time in the past", since);
        }
        cJSON_AddNumberToObject(request, "since", t);
    }
    cJSON_AddItemToObject(request, "constraint", constraint(j->c, user, states, results));
    text = cJSON_PrintUnformatted(request);
    cJSON_Delete(request);
    rc = read_list(
        j, flux_rpc(j->h, "job-list.list", text, FLUX_NODEID_ANY, FLUX_RPC_STREAMING));
    cJSON_free(text);
    return rc;
}

static int list_ids(struct jobs *j)
{
    int rc = 0;

    for (int i = 0; i < cli_argc(j->c); i++) {
        flux_future_t *f = NULL;
        flux_jobid_t id;
        cJSON *job;

        if (flux_job_id_parse(cli_arg(j->c, i), &id) < 0)
            rc = cli_fail(j->c, "'%s' is not a job id", cli_arg(j->c, i));
        else if (!(f = flux_job_list_id(j->h, id, NULL)) ||
                 flux_rpc_get_unpack(f, "{s:O}", "job", &job) < 0)
            rc = cli_fail(j->c, "JobID %s unknown", cli_arg(j->c, i));
        else
            take_row(j, job);
        flux_future_destroy(f);
    }
    return rc;
}

static int count_of(const cJSON *o, const char *key)
{
    const cJSON *v = cJSON_GetObjectItem(o, key);

    return v ? v->valueint : 0;
}

static int print_stats(struct jobs *j)
{
    flux_future_t *f = flux_rpc(j->h, "job-list.job-stats", "{}", FLUX_NODEID_ANY, 0);
    int ok, failed, canceled, timeout, rc = 0;
    const cJSON *s;

    if (!f || flux_rpc_get_unpack(f, "{s:o s:i s:i s:i s:i}", "job_states", &s,
                                  "successful", &ok, "failed", &failed, "canceled",
                                  &canceled, "timeout", &timeout) < 0)
        rc = cli_fail(j->c, "job-stats: %s", cli_why(f));
    else
        printf("%d running, %d completed, %d failed, %d pending\n",
               count_of(s, "run") + count_of(s, "cleanup"), ok,
               failed + canceled + timeout,
               count_of(s, "depend") + count_of(s, "priority") + count_of(s, "sched"));
    flux_future_destroy(f);
    return rc;
}

struct order {
    struct format *format;
    struct jobfield_context *fields;
};

static int compare_rows(const void *a, const void *b, void *arg)
{
    const cJSON *x = *(cJSON *const *)a, *y = *(cJSON *const *)b;
    struct order *o = arg;
    const char *field;
    bool down;

    for (size_t i = 0; (field = format_sort(o->format, i, &down)); i++) {
        int rc = jobfield_compare(x, y, field, o->fields);

        if (rc)
            return down ? -rc : rc;
    }
    return 0;
}

static void sort_rows(struct jobs *j, size_t n, cJSON **rows)
{
    struct order o = {j->format, &j->fields};
    bool down;

    if (format_sort(j->format, 0, &down))
        qsort_r(rows, n, sizeof(*rows), compare_rows, &o);
}

/* Running jobs stand out, and so does what went wrong. */
static const char *color_of(const cJSON *job)
{
    const cJSON *state = cJSON_GetObjectItem(job, "state");
    const cJSON *result = cJSON_GetObjectItem(job, "result");

    if (state && state->valueint & FLUX_JOB_STATE_RUNNING)
        return "\033[01;32m";
    if (!result)
        return "";
    if (result->valueint == FLUX_JOB_RESULT_FAILED)
        return "\033[01;31m";
    return result->valueint == FLUX_JOB_RESULT_COMPLETED ? "" : "\033[37m";
}

static bool choose_color(struct cli *c, bool *ret)
{
    const char *when = cli_str(c, "color", cli_count(c, "color") ? "always" : "auto");

    *ret = !strcmp(when, "always") || (!strcmp(when, "auto") && isatty(STDOUT_FILENO));
    if (*ret || !strcmp(when, "auto") || !strcmp(when, "never"))
        return true;
    cli_usage(c, "--color: '%s' is none of auto, always, never", when);
    return false;
}

static int print_table(struct jobs *j)
{
    size_t n = cJSON_GetArraySize(j->rows), i = 0;
    cJSON **rows = calloc(n + 1, sizeof(*rows)), *row;

    if (!rows)
        return cli_fail(j->c, "out of memory");
    cJSON_ArrayForEach(row, j->rows) rows[i++] = row;
    sort_rows(j, n, rows);
    for (i = 0; i < n && format_needs_scan(j->format); i++)
        format_scan(j->format, rows[i], jobfield_value, &j->fields);
    if (!cli_count(j->c, "no-header") && !cli_count(j->c, "suppress-header"))
        format_header(j->format, stdout, jobfield_title, NULL);
    for (i = 0; i < n; i++) {
        fputs(j->color ? color_of(rows[i]) : "", stdout);
        format_print(j->format, stdout, rows[i], jobfield_value, &j->fields);
        fputs(j->color ? "\033[0m" : "", stdout);
    }
    free(rows);
    return 0;
}

/* --sort=A,-B is `sort:A,-B ' in front of the format. */
static struct format *choose_format(struct cli *c)
{
    const char *dflt = getenv("FLUX_JOBS_FORMAT_DEFAULT");
    const char *text = cli_str(c, "format", dflt ? dflt : "default");
    const char *named = jobfield_named_format(text), *field;
    const char *sort = cli_str(c, "sort", NULL);
    struct buf b = {0};
    flux_error_t error;
    struct format *f;

    if (sort)
        buf_addf(&b, "sort:%s ", sort);
    buf_adds(&b, named ? named : text);
    f = format_new(b.data, &error);
    buf_free(&b);
    if (!f) {
        cli_usage(c, "--format: %s", error.text);
        return NULL;
    }
    for (size_t i = 0; (field = format_field(f, i)); i++) {
        if (!jobfield_title(field, NULL)) {
            cli_usage(c, "--format: unknown field '%s'", field);
            format_free(f);
            return NULL;
        }
    }
    return f;
}

static int list(struct jobs *j)
{
    int rc = 0;

    if (cli_count(j->c, "stats") || cli_count(j->c, "stats-only"))
        rc = print_stats(j);
    if (rc || cli_count(j->c, "stats-only"))
        return rc;
    if (cli_count(j->c, "json") && cli_argc(j->c) != 1)
        printf("{\"jobs\": [");
    rc = cli_argc(j->c) > 0 ? list_ids(j) : list_jobs(j);
    if (cli_count(j->c, "json"))
        printf(cli_argc(j->c) != 1 ? "]}\n" : "\n");
    else if (rc == 0 || cJSON_GetArraySize(j->rows) > 0)
        print_table(j);
    return rc;
}

static int list_once(struct jobs *j)
{
    int rc;

    j->fields.now = (double)time(NULL);
    j->printed = false;
    j->rows = cJSON_CreateArray();
    rc = j->rows ? list(j) : cli_fail(j->c, "out of memory");
    cJSON_Delete(j->rows);
    fflush(stdout);
    return rc;
}

/* Until interrupted, or until the instance is gone. */
static int list_again(struct jobs *j, long seconds)
{
    int rc;

    do {
        printf("\033[H\033[J");
        rc = list_once(j);
    } while (rc == 0 && poll(NULL, 0, (int)seconds * 1000) == 0);
    return rc;
}

static int run_jobs(struct cli *c)
{
    struct jobs j = {.c = c};
    long seconds = 2;
    int rc = 1;

    if (!choose_color(c, &j.color) || !cli_int(c, "watch", 1, 86400, &seconds))
        return CLI_EXIT_USAGE;
    if (!(j.format = choose_format(c)))
        return CLI_EXIT_USAGE;
    if ((j.h = cli_open(c)))
        rc = cli_count(c, "watch") ? list_again(&j, seconds) : list_once(&j);
    flux_close(j.h);
    format_free(j.format);
    return rc;
}

const struct cli_command cmd_jobs = {
    .name = "jobs",
    .args = "[JOBID...]",
    .help = "List jobs",
    .options = (const struct cli_option *const[]){jobs_options, NULL},
    .run = run_jobs,
};

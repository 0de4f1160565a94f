/* flux job info, id, last, list, list-ids, submit, timeleft. */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <flux/core.h>
#include <flux/job.h>

#include "cli/signed.h"
#include "job.h"

static const struct cli_option info_options[] = {
    {"original", 'o', CLI_NONE, NULL, "jobspec as submitted, with its environment"},
    {"base", 'b', CLI_NONE, NULL, "As stored"},
    {0},
};

static void print_ended(const char *text)
{
    size_t n = strlen(text);

    printf("%s%s", text, n > 0 && text[n - 1] == '\n' ? "" : "\n");
}

static int print_original(struct cli *c, const char *J)
{
    char *text = cli_signed_payload(J);

    if (!text)
        return cli_fail(c, "the signed request cannot be read");
    print_ended(text);
    free(text);
    return 0;
}

/* What is in the job's own part of the KVS. */
static int print_guest(struct cli *c, flux_jobid_t id, const char *key)
{
    flux_t *h = cli_open(c);
    char path[512];
    flux_future_t *f = NULL;
    const void *data;
    size_t len;
    int rc = 0;

    if (!h)
        return 1;
    if (flux_job_kvs_key(path, sizeof(path), id, key) < 0 ||
        !(f = flux_kvs_lookup(h, KVS_PRIMARY_NAMESPACE, 0, path)) ||
        flux_kvs_lookup_get_raw(f, &data, &len) < 0)
        rc = errno == ENOENT ? cli_fail(c, "%s: key not found", key)
                             : cli_fail(c, "%s: %s", key, cli_why(f));
    else if (len > 0) {
        fwrite(data, 1, len, stdout);
        if (((const char *)data)[len - 1] != '\n')
            printf("\n");
    }
    flux_future_destroy(f);
    flux_close(h);
    return rc;
}

static int run_info(struct cli *c)
{
    const char *key = cli_arg(c, 1), *text;
    bool original = key && cli_count(c, "original") && !strcmp(key, "jobspec");
    flux_future_t *f;
    flux_jobid_t id;
    char name[64];
    flux_t *h;
    int rc = 0;

    if (cli_argc(c) != 2)
        return cli_usage(c, "a job id and a key are needed (jobspec, R, eventlog, J, "
                            "guest.NAME)");
    if (!job_id_arg(c, cli_arg(c, 0), &id, name))
        return 1;
    if (!strncmp(key, "guest.", strlen("guest.")))
        return print_guest(c, id, key);
    if (!(h = cli_open(c)))
        return 1;
    if (original)
        key = "J";
    f = flux_job_info_lookup(h, id, key);
    if (!f || flux_job_info_lookup_get(f, key, &text) < 0) {
        const char *why = cli_why(f);

        if (errno == ENOENT && !strcmp(why, strerror(ENOENT)))
            rc = cli_fail(c, "invalid job id");
        else
            rc = cli_fail(c, "%s", why);
    } else if (original) {
        rc = print_original(c, text);
    } else {
        print_ended(text);
    }
    flux_future_destroy(f);
    flux_close(h);
    return rc;
}

static const struct cli_option id_options[] = {
    {"to", 't', CLI_REQUIRED, "FORM", "f58 f58plain dec hex dothex kvs words emoji"},
    {0},
};

static int convert_id(struct cli *c, const char *arg)
{
    const char *to = cli_str(c, "to", "dec");
    char text[128];
    flux_jobid_t id;

    if (flux_job_id_parse(arg, &id) < 0)
        return cli_fail(c, "'%s' is not a job id", arg);
    if (flux_job_id_encode(id, to, text, sizeof(text)) < 0)
        return cli_usage(c, "--to: unknown form '%s'", to);
    printf("%s\n", text);
    return 0;
}

static int run_id(struct cli *c)
{
    char line[256];
    int rc = 0;

    for (int i = 0; i < cli_argc(c); i++)
        rc |= convert_id(c, cli_arg(c, i));
    while (cli_argc(c) == 0 && fgets(line, sizeof(line), stdin)) {
        line[strcspn(line, "\r\n")] = '\0';
        rc |= convert_id(c, line);
    }
    return rc;
}

/* Call fn with each job object of a listing. */
static int each_job(struct cli *c, flux_future_t *f,
                    void (*fn)(const cJSON *job, void *arg), void *arg)
{
    const cJSON *jobs, *job;
    int rc = 0;

    while (f && flux_rpc_get_unpack(f, "{s:o}", "jobs", &jobs) == 0) {
        cJSON_ArrayForEach(job, jobs) fn(job, arg);
        flux_future_reset(f);
    }
    if (!f || errno != ENODATA)
        rc = cli_fail(c, "%s", cli_why(f));
    flux_future_destroy(f);
    return rc;
}

struct ids {
    flux_jobid_t *id;
    size_t n;
};

static void add_id(const cJSON *job, void *arg)
{
    struct ids *ids = arg;
    const cJSON *id = cJSON_GetObjectItem(job, "id");
    flux_jobid_t *p = realloc(ids->id, (ids->n + 1) * sizeof(*p));

    if (!p || !id)
        return;
    ids->id = p;
    p[ids->n++] = (flux_jobid_t)id->valuedouble;
}

static int latest_first(const void *a, const void *b)
{
    flux_jobid_t x = *(const flux_jobid_t *)a, y = *(const flux_jobid_t *)b;

    return x < y ? 1 : x > y ? -1 : 0;
}

/* N, or * for all: how many; default 1. */
static int run_last(struct cli *c)
{
    const char *arg = cli_arg(c, 0);
    long count = 1;
    struct ids ids = {0};
    char *end, text[64];
    flux_t *h;
    int rc;

    if (arg && !strcmp(arg, "*"))
        count = 0;
    else if (arg) {
        count = strtol(arg, &end, 10);
        if (end == arg || *end || count < 1)
            return cli_usage(c, "'%s' is neither a number of jobs nor *", arg);
    }
    if (!(h = cli_open(c)))
        return 1;
    rc = each_job(c, flux_job_list(h, (int)count, "[\"id\"]", getuid(), 0), add_id, &ids);
    if (ids.n > 0)
        qsort(ids.id, ids.n, sizeof(*ids.id), latest_first);
    for (size_t i = 0; i < ids.n && (count == 0 || i < (size_t)count); i++) {
        flux_job_id_encode(ids.id[i], "f58", text, sizeof(text));
        printf("%s\n", text);
    }
    if (rc == 0 && ids.n == 0)
        rc = cli_fail(c, "job history is empty");
    free(ids.id);
    flux_close(h);
    return rc;
}

static const struct cli_option list_options[] = {
    {"all", 'a', CLI_NONE, NULL, "Inactive jobs too"},
    {"all-user", 'A', CLI_NONE, NULL, "Jobs of all users"},
    {"count", 'c', CLI_REQUIRED, "N", "At most N jobs (default 1000)"},
    {"states", 's', CLI_REQUIRED, "STATES", "Only jobs in these states"},
    {0},
};

static void print_job(const cJSON *job, void *arg)
{
    char *s = cJSON_PrintUnformatted(job);

    printf("%s\n", s ? s : "");
    cJSON_free(s);
}

static int state_mask(struct cli *c)
{
    const char *s = cli_str(c, "states", NULL);
    char *copy = s ? strdup(s) : NULL, *save = NULL;
    int mask = cli_count(c, "all") ? 0 : FLUX_JOB_STATE_PENDING | FLUX_JOB_STATE_RUNNING;

    if (copy)
        mask = 0;
    for (char *t = copy ? strtok_r(copy, ",", &save) : NULL; t && mask >= 0;
         t = strtok_r(NULL, ",", &save)) {
        flux_job_state_t state;

        if (flux_job_strtostate(t, &state) < 0) {
            cli_usage(c, "--states: unknown state '%s'", t);
            mask = -1;
        } else
            mask |= state;
    }
    free(copy);
    return mask;
}

static int run_list(struct cli *c)
{
    uint32_t user = cli_count(c, "all-user") ? FLUX_USERID_UNKNOWN : getuid();
    int mask = state_mask(c), rc;
    long count = 1000;
    flux_t *h;

    if (mask < 0 || !cli_int(c, "count", 0, INT32_MAX, &count))
        return CLI_EXIT_USAGE;
    if (!(h = cli_open(c)))
        return 1;
    rc = each_job(c, flux_job_list(h, (int)count, NULL, user, mask), print_job, NULL);
    flux_close(h);
    return rc;
}

static int list_one(struct cli *c, flux_t *h, const char *arg)
{
    flux_future_t *f;
    const cJSON *job;
    flux_jobid_t id;
    char name[64];
    int rc = 0;

    if (!job_id_arg(c, arg, &id, name))
        return 1;
    f = flux_job_list_id(h, id, NULL);
    if (!f || flux_rpc_get_unpack(f, "{s:o}", "job", &job) < 0)
        rc = cli_fail(c, "%s: %s", name, errno == ENOENT ? "unknown job id" : cli_why(f));
    else
        print_job(job, NULL);
    flux_future_destroy(f);
    return rc;
}

static int run_list_ids(struct cli *c)
{
    flux_t *h;
    int rc = 0;

    if (cli_argc(c) < 1)
        return cli_usage(c, "a job id is needed");
    if (!(h = cli_open(c)))
        return 1;
    for (int i = 0; i < cli_argc(c); i++)
        rc |= list_one(c, h, cli_arg(c, i));
    flux_close(h);
    return rc;
}

static const struct cli_option submit_options[] = {
    {"urgency", 'u', CLI_REQUIRED, "N", "0-31 (default 16)"},
    {"flags", 'f', CLI_REQUIRED, "LIST", "debug, waitable, novalidate, signed"},
    {0},
};

static int parse_flags(struct cli *c, int *ret)
{
    static const struct {
        const char *name;
        int flag;
    } names[] = {{"debug", FLUX_JOB_DEBUG},
                 {"waitable", FLUX_JOB_WAITABLE},
                 {"novalidate", FLUX_JOB_NOVALIDATE},
                 {"signed", FLUX_JOB_PRE_SIGNED}};
    const char *list;

    *ret = 0;
    for (size_t it = 0; (list = cli_each(c, "flags", &it));) {
        char *copy = strdup(list), *save = NULL;

        for (char *s = strtok_r(copy, ",", &save); s; s = strtok_r(NULL, ",", &save)) {
            size_t i = 0;

            while (i < 4 && strcmp(s, names[i].name))
                i++;
            if (i == 4) {
                free(copy);
                return cli_usage(c, "--flags: unknown flag in '%s'", list);
            }
            *ret |= names[i].flag;
        }
        free(copy);
    }
    return 0;
}

static int submit_text(struct cli *c, const char *text, int urgency, int flags)
{
    flux_t *h = cli_open(c);
    flux_future_t *f;
    flux_jobid_t id;
    char name[64];
    int rc = 0;

    if (!h)
        return 1;
    f = flux_job_submit(h, text, urgency, flags);
    if (!f || flux_job_submit_get_id(f, &id) < 0)
        rc = cli_fail(c, "%s", cli_why(f));
    else {
        flux_job_id_encode(id, "f58", name, sizeof(name));
        printf("%s\n", name);
    }
    flux_future_destroy(f);
    flux_close(h);
    return rc;
}

static int run_submit(struct cli *c)
{
    const char *path = cli_arg(c, 0);
    FILE *in = !path || !strcmp(path, "-") ? stdin : fopen(path, "re");
    long urgency = FLUX_JOB_URGENCY_DEFAULT;
    int flags, rc;
    char *text;

    if (!in)
        return cli_fail(c, "%s: %s", path, strerror(errno));
    if (!cli_int(c, "urgency", 0, 31, &urgency) || parse_flags(c, &flags))
        return CLI_EXIT_USAGE;
    if (!(text = cli_read_all(in, NULL)))
        rc =
            cli_fail(c, "%s: %s", in == stdin ? "standard input" : path, strerror(errno));
    if (in != stdin)
        fclose(in);
    if (!text)
        return rc;
    if (flags & FLUX_JOB_PRE_SIGNED)
        text[strcspn(text, "\n")] = '\0';
    rc = submit_text(c, text, (int)urgency, flags);
    free(text);
    return rc;
}

static const struct cli_option timeleft_options[] = {
    {"human", 'H', CLI_NONE, NULL, "For people: 1.5h instead of seconds"},
    {0},
};

static int run_timeleft(struct cli *c)
{
    flux_error_t error;
    double left;
    flux_t *h;
    int rc = 0;

    if (cli_argc(c) > 0)
        setenv("FLUX_JOB_ID", cli_arg(c, 0), 1);
    if (!(h = cli_open(c)))
        return 1;
    if (flux_job_timeleft(h, &error, &left) < 0)
        rc = cli_fail(c, "%s", error.text);
    else if (isinf(left))
        printf("%s\n", cli_count(c, "human") ? "infinity" : "4294967295");
    else if (cli_count(c, "human"))
        printf("%.1f%s\n",
               left < 60     ? left
               : left < 3600 ? left / 60
                             : left / 3600,
               left < 60     ? "s"
               : left < 3600 ? "m"
                             : "h");
    else
        printf("%.0f\n", left);
    flux_close(h);
    return rc;
}

const struct cli_command job_info = {"info", "JOBID KEY",
                                     "Print jobspec, R, eventlog, J or guest.NAME",
                                     JOB_OPTIONS(info_options), run_info};
const struct cli_command job_id = {"id", "[ID...]", "Convert job ids between their forms",
                                   JOB_OPTIONS(id_options), run_id};
const struct cli_command job_last = {"last", "[N|*]", "Print the latest job ids", NULL,
                                     run_last};
const struct cli_command job_list = {"list", "", "Print jobs as JSON, one a line",
                                     JOB_OPTIONS(list_options), run_list};
const struct cli_command job_list_ids = {"list-ids", "JOBID...",
                                         "Print these jobs as JSON", NULL, run_list_ids};
const struct cli_command job_submit = {"submit", "[FILE]", "Submit a ready-made jobspec",
                                       JOB_OPTIONS(submit_options), run_submit};
const struct cli_command job_timeleft = {"timeleft", "[JOBID]",
                                         "Print the time a job has left",
                                         JOB_OPTIONS(timeleft_options), run_timeleft};

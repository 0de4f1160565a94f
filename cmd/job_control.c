/* flux job kill, killall, raise, raiseall, cancel, urgency, purge. */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <flux/core.h>
#include <flux/job.h>

#include "job.h"

/* Call fn for each job id argument. */
static int each_id(struct cli *c, int argc,
                   flux_future_t *(*fn)(struct cli *, flux_t *, flux_jobid_t))
{
    flux_t *h;
    int rc = 0;

    if (argc < 1)
        return cli_usage(c, "a job id is needed");
    if (!(h = cli_open(c)))
        return 1;
    for (int i = 0; i < argc; i++) {
        flux_jobid_t id;
        char name[64];

        if (!job_id_arg(c, cli_arg(c, i), &id, name))
            rc = 1;
        else
            rc |= cli_finish(c, name, fn(c, h, id));
    }
    flux_close(h);
    return rc;
}

static const struct cli_option kill_options[] = {
    {"signal", 's', CLI_REQUIRED, "SIG", "Signal to send (default TERM)"},
    {0},
};

static int signal_option(struct cli *c)
{
    int signum = cli_signal(cli_str(c, "signal", "TERM"));

    if (signum < 0)
        cli_usage(c, "--signal: '%s' is not a signal", cli_str(c, "signal", ""));
    return signum;
}

static flux_future_t *kill_one(struct cli *c, flux_t *h, flux_jobid_t id)
{
    return flux_job_kill(h, id, cli_signal(cli_str(c, "signal", "TERM")));
}

static int run_kill(struct cli *c)
{
    return signal_option(c) < 0 ? CLI_EXIT_USAGE : each_id(c, cli_argc(c), kill_one);
}

static const struct cli_option all_options[] = {
    {"user", 'u', CLI_REQUIRED, "USER", "Jobs of this user, or `all'"},
    {"force", 'f', CLI_NONE, NULL, "Do it; without this only say how many"},
    {0},
};

static int report_all(struct cli *c, flux_future_t *f, const char *verb)
{
    int count, errors, rc = 0;

    if (!f || flux_rpc_get_unpack(f, "{s:i s:i}", "count", &count, "errors", &errors) < 0)
        rc = cli_fail(c, "%s", cli_why(f));
    else if (!cli_count(c, "force"))
        fprintf(stderr, "%s: Command matched %d jobs (-f to %s)\n", cli_prog(c), count,
                verb);
    else {
        fprintf(stderr, "%s: %d jobs (%d errors)\n", cli_prog(c), count, errors);
        rc = errors > 0;
    }
    flux_future_destroy(f);
    return rc;
}

static int run_killall(struct cli *c)
{
    int signum = signal_option(c), rc;
    uint32_t user = getuid();
    flux_t *h;

    if (signum < 0 || !cli_user(c, "user", &user))
        return CLI_EXIT_USAGE;
    if (!(h = cli_open(c)))
        return 1;
    rc = report_all(c,
                    flux_rpc_pack(h, "job-manager.killall", FLUX_NODEID_ANY, 0,
                                  "{s:b s:I s:i}", "dry_run", !cli_count(c, "force"),
                                  "userid", (int64_t)user, "signum", signum),
                    "signal them");
    flux_close(h);
    return rc;
}

static const struct cli_option raise_options[] = {
    {"severity", 's', CLI_REQUIRED, "0-7", "Severity; 0 ends the job (default)"},
    {"type", 't', CLI_REQUIRED, "TYPE", "Type of the exception (default cancel)"},
    {"message", 'm', CLI_REQUIRED, "NOTE", "Note why"},
    {0},
};

static bool is_id(const char *s)
{
    flux_jobid_t id;

    return flux_job_id_parse(s, &id) == 0;
}

/* Leading arguments that are job ids; the rest is the note. */
static int count_ids(struct cli *c)
{
    int n = 0;

    while (n < cli_argc(c) && is_id(cli_arg(c, n)))
        n++;
    return n;
}

static flux_future_t *raise_one(struct cli *c, flux_t *h, flux_jobid_t id)
{
    const char *message = cli_str(c, "message", NULL);
    char note[1024] = "";
    long severity = 0;

    cli_int(c, "severity", 0, 7, &severity);
    for (int i = count_ids(c); !message && i < cli_argc(c); i++) {
        size_t n = strlen(note);

        snprintf(note + n, sizeof(note) - n, "%s%s", n ? " " : "", cli_arg(c, i));
    }
    return flux_job_raise(h, id, cli_str(c, "type", "cancel"), (int)severity,
                          message   ? message
                          : note[0] ? note
                                    : NULL);
}

static int run_raise(struct cli *c)
{
    long severity;

    if (!cli_int(c, "severity", 0, 7, &severity))
        return CLI_EXIT_USAGE;
    return each_id(c, count_ids(c), raise_one);
}

static int run_raiseall(struct cli *c)
{
    uint32_t user = getuid();
    long severity = 7;
    flux_t *h;
    int rc;

    if (cli_argc(c) < 1)
        return cli_usage(c, "an exception type is needed");
    if (!cli_int(c, "severity", 0, 7, &severity) || !cli_user(c, "user", &user))
        return CLI_EXIT_USAGE;
    if (!(h = cli_open(c)))
        return 1;
    rc = report_all(c,
                    flux_rpc_pack(h, "job-manager.raiseall", FLUX_NODEID_ANY, 0,
                                  "{s:b s:I s:i s:i s:s s:s}", "dry_run",
                                  !cli_count(c, "force"), "userid", (int64_t)user,
                                  "states", (int)FLUX_JOB_STATE_ACTIVE, "severity",
                                  (int)severity, "type", cli_arg(c, 0), "note",
                                  cli_str(c, "message", "")),
                    "raise it on them");
    flux_close(h);
    return rc;
}

static flux_future_t *cancel_one(struct cli *c, flux_t *h, flux_jobid_t id)
{
    return flux_job_cancel(h, id, cli_str(c, "message", NULL));
}

static const struct cli_option cancel_options[] = {
    {"message", 'm', CLI_REQUIRED, "NOTE", "Note why"},
    {0},
};

static int run_cancel(struct cli *c)
{
    return each_id(c, cli_argc(c), cancel_one);
}

static int parse_urgency(const char *s)
{
    char *end;
    long n;

    if (!strcmp(s, "hold"))
        return FLUX_JOB_URGENCY_HOLD;
    if (!strcmp(s, "default"))
        return FLUX_JOB_URGENCY_DEFAULT;
    if (!strcmp(s, "expedite"))
        return FLUX_JOB_URGENCY_EXPEDITE;
    n = strtol(s, &end, 10);
    return end == s || *end || n < INT16_MIN || n > INT16_MAX ? INT32_MIN : (int)n;
}

static int run_urgency(struct cli *c)
{
    int urgency = cli_argc(c) == 2 ? parse_urgency(cli_arg(c, 1)) : INT32_MIN;
    flux_jobid_t id;
    char name[64];
    flux_t *h;
    int rc;

    if (cli_argc(c) != 2)
        return cli_usage(c, "a job id and an urgency are needed");
    if (!job_id_arg(c, cli_arg(c, 0), &id, name))
        return 1;
    if (urgency == INT32_MIN)
        return cli_usage(c, "'%s' is not an urgency: 0-31, hold, default, expedite",
                         cli_arg(c, 1));
    if (!(h = cli_open(c)))
        return 1;
    rc = cli_finish(c, name, flux_job_set_urgency(h, id, urgency));
    flux_close(h);
    return rc;
}

static const struct cli_option purge_options[] = {
    {"age-limit", 0, CLI_REQUIRED, "FSD", "Forget jobs that ended longer ago"},
    {"num-limit", 0, CLI_REQUIRED, "N", "Keep at most this many"},
    {"batch", 0, CLI_REQUIRED, "N", "Forget this many a request (default 50)"},
    {"force", 'f', CLI_NONE, NULL, "Do it; without this only say how many"},
    {0},
};

static int64_t count_inactive(flux_t *h)
{
    flux_future_t *f = flux_rpc(h, "job-manager.stats-get", NULL, FLUX_NODEID_ANY, 0);
    int64_t n = 0;

    if (f)
        (void)flux_rpc_get_unpack(f, "{s:I}", "inactive_jobs", &n);
    flux_future_destroy(f);
    return n;
}

/* One request; how many jobs. -1: failed, a message is out. */
static int64_t purge_some(struct cli *c, flux_future_t *f)
{
    int64_t count = -1;

    if (!f || flux_rpc_get_unpack(f, "{s:I}", "count", &count) < 0) {
        cli_fail(c, "purge: %s", cli_why(f));
        count = -1;
    }
    flux_future_destroy(f);
    return count;
}

static int64_t purge_by_limit(struct cli *c, flux_t *h, double age, int num, int batch)
{
    int force = cli_count(c, "force") > 0;
    int64_t count, total = 0;

    do {
        count = purge_some(c, flux_rpc_pack(h, "job-manager.purge", FLUX_NODEID_ANY, 0,
                                            "{s:f s:i s:i s:b}", "age_limit", age,
                                            "num_limit", num, "batch", batch, "force",
                                            force));
        if (count < 0)
            return -1;
        total += count;
    } while (force && count == batch);
    return total;
}

static int64_t purge_by_id(struct cli *c, flux_t *h)
{
    int64_t count, total = 0;
    char name[64];
    flux_jobid_t id;

    for (int i = 0; i < cli_argc(c); i++) {
        if (!job_id_arg(c, cli_arg(c, i), &id, name))
            return -1;
        count = purge_some(c, flux_rpc_pack(h, "job-manager.purge-id", FLUX_NODEID_ANY, 0,
                                            "{s:I s:b}", "id", (int64_t)id, "force",
                                            cli_count(c, "force") > 0));
        if (count < 0)
            return -1;
        total += count;
    }
    return total;
}

static int purge(struct cli *c, flux_t *h, double age, int num, int batch)
{
    int64_t total =
        cli_argc(c) > 0 ? purge_by_id(c, h) : purge_by_limit(c, h, age, num, batch);
    int64_t inactive = count_inactive(h);

    if (total < 0)
        return 1;
    if (cli_count(c, "force") > 0)
        printf("purged %jd inactive jobs, %jd remaining\n", (intmax_t)total,
               (intmax_t)inactive);
    else
        printf("use --force to purge %jd of %jd inactive jobs\n", (intmax_t)total,
               (intmax_t)inactive);
    return 0;
}

static int run_purge(struct cli *c)
{
    long num = -1, batch = 50;
    double age = -1.;
    flux_t *h;
    int rc;

    if (!cli_int(c, "num-limit", 0, INT32_MAX, &num) ||
        !cli_int(c, "batch", 1, 10000, &batch) || !cli_duration(c, "age-limit", &age))
        return CLI_EXIT_USAGE;
    if (!(h = cli_open(c)))
        return 1;
    rc = purge(c, h, age, (int)num, (int)batch);
    flux_close(h);
    return rc;
}

const struct cli_command job_kill = {"kill", "JOBID...", "Send a signal to a job's tasks",
                                     JOB_OPTIONS(kill_options), run_kill};
const struct cli_command job_killall = {
    "killall", "", "Send a signal to all running jobs",
    (const struct cli_option *const[]){kill_options, all_options, NULL}, run_killall};
const struct cli_command job_raise = {"raise", "JOBID... [NOTE...]",
                                      "Raise an exception on jobs",
                                      JOB_OPTIONS(raise_options), run_raise};
const struct cli_command job_raiseall = {
    "raiseall", "TYPE", "Raise an exception on all jobs",
    (const struct cli_option *const[]){raise_options, all_options, NULL}, run_raiseall};
const struct cli_command job_cancel = {"cancel", "JOBID...", "Cancel jobs",
                                       JOB_OPTIONS(cancel_options), run_cancel};
const struct cli_command job_urgency = {"urgency", "JOBID URGENCY",
                                        "Change how urgent a job is", NULL, run_urgency};
const struct cli_command job_purge = {"purge", "[JOBID...]", "Forget inactive jobs",
                                      JOB_OPTIONS(purge_options), run_purge};

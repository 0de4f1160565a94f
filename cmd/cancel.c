/* flux cancel - cancel jobs by id, or all of a user's. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <flux/core.h>
#include <flux/job.h>

#include "cmds.h"

static const struct cli_option cancel_options[] = {
    {"all", 0, CLI_NONE, NULL, "Cancel all jobs of the user"},
    {"dry-run", 'n', CLI_NONE, NULL, "With --all: only say how many jobs match"},
    {"message", 'm', CLI_REQUIRED, "NOTE", "Note why"},
    {"user", 'u', CLI_REQUIRED, "USER", "With --all: of this user, or `all'"},
    {"states", 'S', CLI_REQUIRED, "STATES", "With --all: only jobs in these states"},
    {"quiet", 'q', CLI_NONE, NULL, "Do not say how many matched"},
    {0},
};

static int cancel_one(struct cli *c, flux_t *h, const char *arg)
{
    flux_future_t *f;
    flux_jobid_t id;
    char name[64];
    int rc = 0;

    if (flux_job_id_parse(arg, &id) < 0)
        return cli_fail(c, "ERROR: '%s' is not a job id", arg);
    flux_job_id_encode(id, "f58", name, sizeof(name));
    f = flux_job_cancel(h, id, cli_str(c, "message", NULL));
    if (!f || flux_future_get(f, NULL) < 0)
        rc = cli_fail(c, "ERROR: %s: %s", name, cli_why(f));
    flux_future_destroy(f);
    return rc;
}

static bool parse_states(struct cli *c, int *ret)
{
    const char *s = cli_str(c, "states", NULL);
    char *copy = s ? strdup(s) : NULL, *save = NULL;
    bool ok = true;

    *ret = FLUX_JOB_STATE_ACTIVE;
    for (char *t = copy ? strtok_r(copy, ",", &save) : NULL; t;
         t = strtok_r(NULL, ",", &save)) {
        flux_job_state_t state;

        if (t == copy)
            *ret = 0;
        ok = flux_job_strtostate(t, &state) == 0;
        if (!ok) {
            cli_usage(c, "--states: unknown state '%s'", t);
            break;
        }
        *ret |= state;
    }
    free(copy);
    return ok;
}

static int cancel_all(struct cli *c, flux_t *h)
{
    const char *note = cli_str(c, "message", NULL);
    bool dry = cli_count(c, "dry-run") > 0;
    int states, count, errors, rc = 0;
    flux_future_t *f;
    uint32_t userid = getuid();

    if (!cli_user(c, "user", &userid) || !parse_states(c, &states))
        return CLI_EXIT_USAGE;
    f = flux_rpc_pack(h, "job-manager.raiseall", FLUX_NODEID_ANY, 0,
                      "{s:b s:I s:i s:i s:s s:s}", "dry_run", dry, "userid",
                      (int64_t)userid, "states", states, "severity", 0, "type", "cancel",
                      "note", note ? note : "");
    if (!f || flux_rpc_get_unpack(f, "{s:i s:i}", "count", &count, "errors", &errors) < 0)
        rc = cli_fail(c, "ERROR: %s", cli_why(f));
    else if (!cli_count(c, "quiet") && (count > 0 || dry))
        fprintf(stderr, "flux-cancel: %s %d job%s (%d errors)\n",
                dry ? "Would cancel" : "Canceled", dry ? count : count - errors,
                count == 1 ? "" : "s", errors);
    flux_future_destroy(f);
    return rc;
}

static int run_cancel(struct cli *c)
{
    bool all = cli_count(c, "all") > 0;
    flux_t *h;
    int rc = 0;

    if (all && cli_argc(c) > 0)
        return cli_usage(c, "--all and job ids exclude each other");
    if (!all && cli_argc(c) == 0)
        return cli_usage(c, "a job id or --all is needed");
    if (!all &&
        (cli_count(c, "user") || cli_count(c, "states") || cli_count(c, "dry-run")))
        return cli_usage(c, "--user, --states and --dry-run need --all");
    if (!(h = cli_open(c)))
        return 1;
    if (all)
        rc = cancel_all(c, h);
    for (int i = 0; i < cli_argc(c); i++)
        rc |= cancel_one(c, h, cli_arg(c, i));
    flux_close(h);
    return rc;
}

const struct cli_command cmd_cancel = {
    .name = "cancel",
    .args = "JOBID... | --all",
    .help = "Cancel jobs",
    .options = (const struct cli_option *const[]){cancel_options, NULL},
    .run = run_cancel,
};

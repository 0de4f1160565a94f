/* flux run - submit a job, show its output, exit with its code. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <flux/core.h>
#include <flux/job.h>

#include "cli/attach.h"
#include "cli/jobenv.h"
#include "cli/joblimit.h"
#include "cli/jobspec.h"
#include "cmds.h"

extern char **environ;

static const struct cli_option run_options[] = {
    {"quiet", 0, CLI_NONE, NULL, "Do not say why the job failed"},
    {"verbose", 'v', CLI_NONE, NULL, "Print the id; twice: the job's events too"},
    {0},
};

static int submit(struct cli *c, flux_t *h, const char *text, int urgency, int flags,
                  flux_jobid_t *id)
{
    flux_future_t *f = flux_job_submit(h, text, urgency, flags);
    int rc = 0;

    if (!f || flux_job_submit_get_id(f, id) < 0)
        rc = cli_fail(c, "%s", cli_why(f));
    flux_future_destroy(f);
    return rc;
}

static int submit_and_attach(struct cli *c, const char *text, int urgency, int flags)
{
    struct attach_options o = {.label = cli_count(c, "label-io") > 0,
                               .events = cli_count(c, "verbose") > 1,
                               .quiet = cli_count(c, "quiet") > 0};
    flux_t *h = cli_open(c);
    flux_jobid_t id;
    char name[64];

    if (!h)
        return 1;
    if (submit(c, h, text, urgency, flags, &id)) {
        flux_close(h);
        return 1;
    }
    if (cli_count(c, "verbose")) {
        flux_job_id_encode(id, "f58", name, sizeof(name));
        fprintf(stderr, "jobid: %s\n", name);
    }
    return attach_job(c, h, id, &o);
}

static int run_run(struct cli *c)
{
    int urgency, flags, rc = 0;
    cJSON *jobspec;
    char *text;

    if (!cli_jobspec_urgency(c, &urgency) || !cli_jobspec_flags(c, &flags))
        return CLI_EXIT_USAGE;
    if (!(jobspec = cli_jobspec_build(c, environ)))
        return CLI_EXIT_USAGE;
    text = cJSON_PrintUnformatted(jobspec);
    cJSON_Delete(jobspec);
    if (!text)
        return cli_fail(c, "out of memory");
    if (cli_count(c, "dry-run"))
        printf("%s\n", text);
    else
        rc = submit_and_attach(c, text, urgency, flags);
    free(text);
    return rc;
}

const struct cli_command cmd_run = {
    .name = "run",
    .args = "COMMAND [ARGS]",
    .help = "Run a job: show its output, exit with its code",
    .options = (const struct cli_option *const[]){cli_jobspec_options, jobenv_options,
                                                  joblimit_options, run_options, NULL},
    .run = run_run,
};

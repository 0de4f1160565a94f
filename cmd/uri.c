/* flux uri - the URI of an instance. */

#include <stdlib.h>

#include "cli/uri.h"
#include "cmds.h"

static const struct cli_option uri_options[] = {
    {"remote", 0, CLI_NONE, NULL, "As ssh://, for use on other hosts"},
    {"local", 0, CLI_NONE, NULL, "As local://, for use on the instance's host"},
    {"wait", 0, CLI_NONE, NULL, "Wait until the job runs and tells it"},
    {0},
};

static int run_uri(struct cli *c)
{
    enum uri_form form = URI_PLAIN;
    flux_error_t err;
    char *uri;

    if (cli_argc(c) != 1)
        return cli_usage(c, "one instance is needed: a job id, pid:PID or slurm:JOBID");
    if (cli_count(c, "remote") && cli_count(c, "local"))
        return cli_usage(c, "--remote and --local exclude each other");
    if (cli_count(c, "remote"))
        form = URI_REMOTE;
    if (cli_count(c, "local"))
        form = URI_LOCAL;
    if (!(uri = uri_resolve(cli_arg(c, 0), form, cli_count(c, "wait") > 0, &err)))
        return cli_fail(c, "%s", err.text);
    printf("%s\n", uri);
    free(uri);
    return 0;
}

const struct cli_command cmd_uri = {
    .name = "uri",
    .args = "TARGET",
    .help = "Print the URI of an instance",
    .options = (const struct cli_option *const[]){uri_options, NULL},
    .run = run_uri,
};

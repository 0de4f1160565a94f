/* flux resource R, drain, undrain, reload, eventlog; list and info are in resource_list.c,
 * status in resource_status.c. All speak to rank 0.
 */

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "resource.h"

static int print_R(struct cli *c, flux_t *h)
{
    flux_future_t *f = flux_rpc(h, "resource.status", NULL, 0, 0);
    const cJSON *R;
    char *text;
    int rc = 0;

    if (!f || flux_rpc_get_unpack(f, "{s:o}", "R", &R) < 0) {
        rc = cli_fail(c, "ERROR: resource.status: %s", cli_why(f));
    } else {
        text = cJSON_PrintUnformatted(R);
        printf("%s\n", text ? text : "");
        cJSON_free(text);
    }
    flux_future_destroy(f);
    return rc;
}

static int run_R(struct cli *c)
{
    return cli_with_handle(c, print_R);
}

static const struct cli_option change_options[] = {
    {"force", 'f', CLI_NONE, NULL, "Replace the reason of a node already drained"},
    {"update", 'u', CLI_NONE, NULL, "Only set a reason where there is none"},
    {0},
};

static int request_drain(struct cli *c, flux_t *h, const char *topic)
{
    cJSON *o = cJSON_CreateObject();
    char reason[1024] = "", *text;
    flux_future_t *f;
    int rc = 0;

    for (int i = 1; i < cli_argc(c); i++) {
        size_t n = strlen(reason);

        snprintf(reason + n, sizeof(reason) - n, "%s%s", i > 1 ? " " : "", cli_arg(c, i));
    }
    cJSON_AddStringToObject(o, "targets", cli_arg(c, 0));
    if (reason[0])
        cJSON_AddStringToObject(o, "reason", reason);
    if (cli_count(c, "force") || cli_count(c, "update"))
        cJSON_AddStringToObject(o, "mode",
                                cli_count(c, "force") ? "overwrite" : "update");
    text = cJSON_PrintUnformatted(o);
    f = flux_rpc(h, topic, text, 0, 0);
    if (!f || flux_future_get(f, NULL) < 0)
        rc = cli_fail(c, "ERROR: %s", cli_why(f));
    flux_future_destroy(f);
    cJSON_free(text);
    cJSON_Delete(o);
    return rc;
}

static int drain(struct cli *c, flux_t *h)
{
    if (cli_argc(c) == 0)
        return resource_print_drained(c, h);
    return request_drain(c, h, "resource.drain");
}

static int undrain(struct cli *c, flux_t *h)
{
    if (cli_argc(c) == 0)
        return cli_usage(c, "the nodes to undrain are needed (ranks or host names)");
    return request_drain(c, h, "resource.undrain");
}

static int run_drain(struct cli *c)
{
    return cli_with_handle(c, drain);
}

static int run_undrain(struct cli *c)
{
    return cli_with_handle(c, undrain);
}

static int reload(struct cli *c, flux_t *h)
{
    char path[PATH_MAX];
    flux_future_t *f;
    int rc = 0;

    if (cli_argc(c) > 0 && !realpath(cli_arg(c, 0), path))
        return cli_fail(c, "ERROR: %s: %s", cli_arg(c, 0), strerror(errno));
    f = cli_argc(c) > 0 ? flux_rpc_pack(h, "resource.reload", 0, 0, "{s:s}", "path", path)
                        : flux_rpc(h, "resource.reload", "{}", 0, 0);
    if (!f || flux_future_get(f, NULL) < 0)
        rc = cli_fail(c, "ERROR: %s", cli_why(f));
    flux_future_destroy(f);
    return rc;
}

static int run_reload(struct cli *c)
{
    return cli_with_handle(c, reload);
}

static int eventlog(struct cli *c, flux_t *h)
{
    flux_future_t *f = flux_rpc(h, "resource.eventlog", NULL, 0, 0);
    const char *text = NULL;
    int rc = 0;

    if (!f || flux_rpc_get_unpack(f, "{s:s}", "eventlog", &text) < 0)
        rc = cli_fail(c, "ERROR: %s", cli_why(f));
    else
        fputs(text, stdout);
    flux_future_destroy(f);
    return rc;
}

static int run_eventlog(struct cli *c)
{
    return cli_with_handle(c, eventlog);
}

#define DRAIN_TABLES                                                                     \
    ((const struct cli_option *const[]){change_options, resource_table_options, NULL})

static const struct cli_command
    resource_R = {"R", "", "Print the resource set (R)", NULL, run_R},
    resource_drain = {"drain", "[TARGETS [REASON...]]",
                      "Start no more jobs on nodes (ranks or host names)", DRAIN_TABLES,
                      run_drain},
    resource_undrain = {"undrain", "TARGETS [REASON...]", "Use nodes again", NULL,
                        run_undrain},
    resource_reload = {"reload", "[FILE]", "Read the resources again, or from an R file",
                       NULL, run_reload},
    resource_eventlog = {"eventlog", "", "Print what happened to the resources", NULL,
                         run_eventlog};

const struct cli_command cmd_resource = {
    .name = "resource",
    .help = "Show and control the instance's resources",
    .sub =
        (const struct cli_command *const[]){&resource_list, &resource_status,
                                            &resource_info, &resource_R, &resource_drain,
                                            &resource_undrain, &resource_reload,
                                            &resource_eventlog, NULL},
};

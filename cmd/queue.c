/* flux queue status, list, enable, disable, start, stop, drain, idle. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <flux/core.h>

#include "cmds.h"

#define TABLE(t) ((const struct cli_option *const[]){t, NULL})

static const struct cli_option queue_options[] = {
    {"queue", 'q', CLI_REQUIRED, "NAME", "Act on this queue"},
    {"all", 'a', CLI_NONE, NULL, "Act on all queues"},
    {"verbose", 'v', CLI_NONE, NULL, "Show more"},
    {"quiet", 0, CLI_NONE, NULL, "Print nothing on success"},
    {"nocheckpoint", 0, CLI_NONE, NULL, "Do not keep the change over a restart"},
    {"message", 'm', CLI_REQUIRED, "REASON", "Say why"},
    {0},
};

static int print_status(struct cli *c, flux_t *h)
{
    const char *name = cli_str(c, "queue", NULL);
    flux_future_t *f =
        name ? flux_rpc_pack(h, "job-manager.queue-status", FLUX_NODEID_ANY, 0, "{s:s}",
                             "name", name)
             : flux_rpc(h, "job-manager.queue-status", "{}", FLUX_NODEID_ANY, 0);
    const char *disabled = NULL, *stopped = NULL;
    int enable, start, rc = 0;

    if (!f ||
        flux_rpc_get_unpack(f, "{s:b s?s s:b s?s}", "enable", &enable, "disable_reason",
                            &disabled, "start", &start, "stop_reason", &stopped) < 0) {
        rc = cli_fail(c, "ERROR: status: %s", cli_why(f));
    } else {
        const char *prefix = name ? name : "";
        const char *sep = name ? ": " : "";

        printf("%s%sJob submission is %s%s%s\n", prefix, sep,
               enable ? "enabled" : "disabled", !enable && disabled ? ": " : "",
               !enable && disabled ? disabled : "");
        printf("%s%sScheduling is %s%s%s\n", prefix, sep, start ? "started" : "stopped",
               !start && stopped ? ": " : "", !start && stopped ? stopped : "");
    }
    flux_future_destroy(f);
    return rc;
}

static int with_handle(struct cli *c, int (*fn)(struct cli *, flux_t *))
{
    if (cli_argc(c) != 0)
        return cli_usage(c, "unexpected argument '%s'", cli_arg(c, 0));
    return cli_with_handle(c, fn);
}

static int run_status(struct cli *c)
{
    return with_handle(c, print_status);
}

/* What enable, disable, start and stop have in common. */
static int change(struct cli *c, flux_t *h, const char *topic, const char *key, bool on)
{
    const char *reason = cli_str(c, "message", NULL);
    const char *name = cli_str(c, "queue", NULL);
    cJSON *o = cJSON_CreateObject();
    char *text;
    flux_future_t *f;
    int rc = 0;

    cJSON_AddBoolToObject(o, key, on);
    cJSON_AddBoolToObject(o, "all", cli_count(c, "all") > 0);
    if (cli_count(c, "nocheckpoint"))
        cJSON_AddBoolToObject(o, "nocheckpoint", true);
    if (name)
        cJSON_AddStringToObject(o, "name", name);
    if (reason)
        cJSON_AddStringToObject(o, "reason", reason);
    text = cJSON_PrintUnformatted(o);
    f = flux_rpc(h, topic, text, FLUX_NODEID_ANY, 0);
    if (!f || flux_future_get(f, NULL) < 0)
        rc = cli_fail(c, "ERROR: %s: %s", key, cli_why(f));
    else if (!cli_count(c, "quiet")) {
        bool submission = !strcmp(key, "enable");

        printf("%s is %s%s%s\n", submission ? "Job submission" : "Scheduling",
               submission ? (on ? "enabled" : "disabled") : (on ? "started" : "stopped"),
               !on && reason ? ": " : "", !on && reason ? reason : "");
    }
    flux_future_destroy(f);
    cJSON_free(text);
    cJSON_Delete(o);
    return rc;
}

static int enable(struct cli *c, flux_t *h)
{
    return change(c, h, "job-manager.queue-enable", "enable", true);
}
static int disable(struct cli *c, flux_t *h)
{
    return change(c, h, "job-manager.queue-enable", "enable", false);
}
static int start(struct cli *c, flux_t *h)
{
    return change(c, h, "job-manager.queue-start", "start", true);
}
static int stop(struct cli *c, flux_t *h)
{
    return change(c, h, "job-manager.queue-start", "start", false);
}

static int run_enable(struct cli *c)
{
    return with_handle(c, enable);
}
static int run_disable(struct cli *c)
{
    return with_handle(c, disable);
}
static int run_start(struct cli *c)
{
    return with_handle(c, start);
}
static int run_stop(struct cli *c)
{
    return with_handle(c, stop);
}

static const struct cli_option wait_options[] = {
    {"timeout", 't', CLI_REQUIRED, "FSD", "Give up after this time"},
    {"quiet", 0, CLI_NONE, NULL, "Print nothing"},
    {0},
};

static int wait_for(struct cli *c, flux_t *h, const char *topic)
{
    double timeout = -1.;
    flux_future_t *f;
    int pending = 0, rc = 0;

    if (!cli_duration(c, "timeout", &timeout))
        return CLI_EXIT_USAGE;
    f = flux_rpc(h, topic, NULL, FLUX_NODEID_ANY, 0);
    if (!f || flux_future_wait_for(f, timeout) < 0)
        rc = cli_fail(c, "%s", f && errno == ETIMEDOUT ? "timeout" : strerror(errno));
    else if (flux_future_get(f, NULL) < 0)
        rc = cli_fail(c, "%s: %s", topic, cli_why(f));
    else if (flux_rpc_get_unpack(f, "{s:i}", "pending", &pending) == 0 &&
             !cli_count(c, "quiet"))
        printf("%d jobs\n", pending);
    flux_future_destroy(f);
    return rc;
}

static int drain(struct cli *c, flux_t *h)
{
    return wait_for(c, h, "job-manager.drain");
}
static int idle(struct cli *c, flux_t *h)
{
    return wait_for(c, h, "job-manager.idle");
}
static int run_drain(struct cli *c)
{
    return with_handle(c, drain);
}
static int run_idle(struct cli *c)
{
    return with_handle(c, idle);
}

static int list_one(struct cli *c, flux_t *h, const char *name)
{
    flux_future_t *f =
        name ? flux_rpc_pack(h, "job-manager.queue-status", FLUX_NODEID_ANY, 0, "{s:s}",
                             "name", name)
             : flux_rpc(h, "job-manager.queue-status", "{}", FLUX_NODEID_ANY, 0);
    int on, started, rc = 0;

    if (!f || flux_rpc_get_unpack(f, "{s:b s:b}", "enable", &on, "start", &started) < 0)
        rc = cli_fail(c, "ERROR: list: %s", cli_why(f));
    else
        printf("%-12s %-3s %-3s\n", name ? name : "-", on ? "yes" : "no",
               started ? "yes" : "no");
    flux_future_destroy(f);
    return rc;
}

static int list(struct cli *c, flux_t *h)
{
    flux_future_t *f = flux_rpc(h, "job-manager.queue-list", NULL, FLUX_NODEID_ANY, 0);
    const cJSON *queues, *q;
    int rc = 0;

    if (!f || flux_rpc_get_unpack(f, "{s:o}", "queues", &queues) < 0) {
        rc = cli_fail(c, "ERROR: list: %s", cli_why(f));
    } else {
        printf("%-12s %-3s %-3s\n", "QUEUE", "EN", "ST");
        if (cJSON_GetArraySize(queues) == 0)
            rc = list_one(c, h, NULL);
        cJSON_ArrayForEach(q, queues) rc |= list_one(c, h, cJSON_GetStringValue(q));
    }
    flux_future_destroy(f);
    return rc;
}

static int run_list(struct cli *c)
{
    return with_handle(c, list);
}

static const struct cli_command
    queue_status = {"status", "", "Show whether jobs are accepted and scheduled",
                    TABLE(queue_options), run_status},
    queue_list = {"list", "", "List queues", TABLE(queue_options), run_list},
    queue_enable = {"enable", "", "Accept new jobs", TABLE(queue_options), run_enable},
    queue_disable = {"disable", "", "Refuse new jobs", TABLE(queue_options), run_disable},
    queue_start = {"start", "", "Start scheduling", TABLE(queue_options), run_start},
    queue_stop = {"stop", "", "Stop scheduling", TABLE(queue_options), run_stop},
    queue_drain = {"drain", "", "Wait until there are no more jobs", TABLE(wait_options),
                   run_drain},
    queue_idle = {"idle", "", "Wait until no job is running", TABLE(wait_options),
                  run_idle};

const struct cli_command cmd_queue = {
    .name = "queue",
    .help = "Show and control the job queue",
    .sub = (const struct cli_command *const[]){&queue_status, &queue_list, &queue_enable,
                                               &queue_disable, &queue_start, &queue_stop,
                                               &queue_drain, &queue_idle, NULL},
};

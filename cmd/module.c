/* flux module load, remove, reload, list, stats, debug - broker modules. */

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <flux/core.h>
#include <flux/idset.h>

#include "cmds.h"

static const struct cli_option rank_options[] = {
    {"rank", 'r', CLI_REQUIRED, "IDSET", "On these broker ranks, or all (default: this)"},
    {0},
};

/* cli_fail() with the rank, if one was given. */
static int fail(struct cli *c, uint32_t rank, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (rank == FLUX_NODEID_ANY)
        return cli_fail(c, "%s", text);
    return cli_fail(c, "rank %u: %s", (unsigned)rank, text);
}

/* Send one RPC to `topic` and wait; on failure print "what name: reason". */
static int simple_rpc(struct cli *c, flux_t *h, uint32_t rank, const char *topic,
                      const char *what, const char *name, const cJSON *payload)
{
    char *text = payload ? cJSON_PrintUnformatted(payload) : NULL;
    flux_future_t *f = flux_rpc(h, topic, text, rank, 0);
    int rc = 0;

    if (!f || flux_future_get(f, NULL) < 0)
        rc = fail(c, rank, "%s %s: %s", what, name, cli_why(f));
    flux_future_destroy(f);
    cJSON_free(text);
    return rc;
}

static const struct cli_option load_options[] = {
    {"name", 'n', CLI_REQUIRED, "NAME", "Give the module another name"},
    {0},
};

/* A path with a slash or a suffix is a file; anything else a built-in module. */
static const char *full_path(const char *arg, char *buf)
{
    if (strchr(arg, '/') || strstr(arg, ".so"))
        return realpath(arg, buf) ? buf : arg;
    return arg;
}

static int load_module(struct cli *c, flux_t *h, uint32_t rank)
{
    cJSON *o = cJSON_CreateObject(), *args;
    const char *name = cli_str(c, "name", NULL);
    char path[PATH_MAX];
    int rc;

    cJSON_AddStringToObject(o, "path", full_path(cli_arg(c, 0), path));
    if (name)
        cJSON_AddStringToObject(o, "name", name);
    args = cJSON_AddArrayToObject(o, "args");
    for (int i = 1; i < cli_argc(c); i++)
        cJSON_AddItemToArray(args, cJSON_CreateString(cli_arg(c, i)));
    rc = simple_rpc(c, h, rank, "module.load", "load", cli_arg(c, 0), o);
    cJSON_Delete(o);
    return rc;
}

static const struct cli_option remove_options[] = {
    {"force", 'f', CLI_NONE, NULL, "Succeed when there is no such module"},
    {0},
};

static int remove_module(struct cli *c, flux_t *h, uint32_t rank)
{
    cJSON *o = cJSON_CreateObject();
    char *text;
    flux_future_t *f;
    int rc = 0;

    cJSON_AddStringToObject(o, "name", cli_arg(c, 0));
    text = cJSON_PrintUnformatted(o);
    f = flux_rpc(h, "module.remove", text, rank, 0);
    if (!f || flux_future_get(f, NULL) < 0) {
        if (!(errno == ENOENT && cli_count(c, "force")))
            rc = fail(c, rank, "remove %s: %s", cli_arg(c, 0),
                      errno == ENOENT ? strerror(ENOENT) : cli_why(f));
    }
    flux_future_destroy(f);
    cJSON_free(text);
    cJSON_Delete(o);
    return rc;
}

typedef int (*on_rank_f)(struct cli *c, flux_t *h, uint32_t rank);

/* fn on this broker, or on those that --rank names; `prints` heads each of several. */
static int on_ranks(struct cli *c, flux_t *h, on_rank_f fn, bool prints)
{
    struct idset *ids;
    int rc = 0;

    if (!cli_count(c, "rank"))
        return fn(c, h, FLUX_NODEID_ANY);
    if (!(ids = cli_ranks(c, h, "rank", "all", NULL)))
        return CLI_EXIT_USAGE;
    for (unsigned r = idset_first(ids); r != IDSET_INVALID_ID; r = idset_next(ids, r)) {
        if (prints && idset_count(ids) > 1)
            printf("[%u]\n", r);
        if (fn(c, h, r))
            rc = 1;
    }
    idset_destroy(ids);
    return rc;
}

/* Open the instance and run fn; at least `min` arguments are needed. */
static int with_handle(struct cli *c, on_rank_f fn, int min, bool prints)
{
    flux_t *h;
    int rc;

    if (cli_argc(c) < min)
        return cli_usage(c, "a module name is needed");
    if (!(h = cli_open(c)))
        return 1;
    rc = on_ranks(c, h, fn, prints);
    flux_close(h);
    return rc;
}

static int run_load(struct cli *c)
{
    return with_handle(c, load_module, 1, false);
}

static int run_remove(struct cli *c)
{
    return with_handle(c, remove_module, 1, false);
}

static int reload_module(struct cli *c, flux_t *h, uint32_t rank)
{
    int rc = remove_module(c, h, rank);

    return rc ? rc : load_module(c, h, rank);
}

static int run_reload(struct cli *c)
{
    return with_handle(c, reload_module, 1, false);
}

static const struct cli_option list_options[] = {
    {"long", 'l', CLI_NONE, NULL, "Show where each module came from"},
    {0},
};

static void print_module(const cJSON *m, bool verbose)
{
    const cJSON *name = cJSON_GetObjectItem(m, "name");
    const cJSON *path = cJSON_GetObjectItem(m, "path");
    const cJSON *idle = cJSON_GetObjectItem(m, "idle");
    const cJSON *status = cJSON_GetObjectItem(m, "status");
    const cJSON *sendq = cJSON_GetObjectItem(m, "sendqueue");
    const cJSON *recvq = cJSON_GetObjectItem(m, "recvqueue");
    const cJSON *s, *services = cJSON_GetObjectItem(m, "services");
    static const char states[] = "IRFX";
    unsigned st = cJSON_IsNumber(status) ? status->valueint : 0;
    const char *sep = "";

    printf("%-24s %5d  %c %5d %5d ", cJSON_GetStringValue(name),
           cJSON_IsNumber(idle) ? idle->valueint : 0, st < 4 ? states[st] : '?',
           cJSON_IsNumber(sendq) ? sendq->valueint : 0,
           cJSON_IsNumber(recvq) ? recvq->valueint : 0);
    cJSON_ArrayForEach(s, services)
    {
        if (strcmp(cJSON_GetStringValue(s), cJSON_GetStringValue(name))) {
            printf("%s%s", sep, cJSON_GetStringValue(s));
            sep = ",";
        }
    }
    if (verbose && cJSON_GetStringValue(path))
        printf(" %s", cJSON_GetStringValue(path));
    printf("\n");
}

static int list_modules(struct cli *c, flux_t *h, uint32_t rank)
{
    flux_future_t *f = flux_rpc(h, "module.list", NULL, rank, 0);
    const cJSON *mods, *m;
    int rc = 0;

    if (!f || flux_rpc_get_unpack(f, "{s:o}", "mods", &mods) < 0) {
        rc = fail(c, rank, "list: %s", cli_why(f));
    } else {
        printf("%-24s %5s  %c %5s %5s %s\n", "Module", "Idle", 'S', "Sendq", "Recvq",
               "Service");
        cJSON_ArrayForEach(m, mods) print_module(m, cli_count(c, "long") > 0);
    }
    flux_future_destroy(f);
    return rc;
}

static int run_list(struct cli *c)
{
    return with_handle(c, list_modules, 0, true);
}

static const struct cli_option stats_options[] = {
    {"clear", 'c', CLI_NONE, NULL, "Reset the figures"},
    {"rusage", 'R', CLI_NONE, NULL, "Show resource usage instead"},
    {0},
};

static int show_stats(struct cli *c, flux_t *h, uint32_t rank)
{
    const char *method = cli_count(c, "clear")    ? "stats-clear"
                         : cli_count(c, "rusage") ? "rusage"
                                                  : "stats-get";
    char topic[128];
    flux_future_t *f;
    const char *text = NULL;
    int rc = 0;

    snprintf(topic, sizeof(topic), "%s.%s", cli_arg(c, 0), method);
    f = flux_rpc(h, topic, NULL, rank, 0);
    if (!f || flux_rpc_get(f, &text) < 0)
        rc = fail(c, rank, "%s: %s", topic, cli_why(f));
    else if (text)
        printf("%s\n", text);
    flux_future_destroy(f);
    return rc;
}

static int run_stats(struct cli *c)
{
    return with_handle(c, show_stats, 1, true);
}

static const struct cli_option debug_options[] = {
    {"set", 's', CLI_REQUIRED, "MASK", "Replace the debug flags"},
    {0},
};

static int set_debug(struct cli *c, flux_t *h, uint32_t rank)
{
    const char *mask = cli_str(c, "set", NULL);
    char topic[128];
    flux_future_t *f;
    int flags, rc = 0;

    snprintf(topic, sizeof(topic), "%s.debug", cli_arg(c, 0));
    f = flux_rpc_pack(h, topic, rank, 0, "{s:s s:i}", "op", mask ? "set" : "get", "flags",
                      mask ? (int)strtol(mask, NULL, 0) : 0);
    if (!f || flux_rpc_get_unpack(f, "{s:i}", "flags", &flags) < 0)
        rc = fail(c, rank, "%s: %s", topic, cli_why(f));
    else
        printf("0x%x\n", (unsigned)flags);
    flux_future_destroy(f);
    return rc;
}

static int run_debug(struct cli *c)
{
    return with_handle(c, set_debug, 1, true);
}

#define TABLE(t) ((const struct cli_option *const[]){t, rank_options, NULL})

static const struct cli_command
    module_load = {"load", "MODULE [ARGS...]", "Load a module", TABLE(load_options),
                   run_load},
    module_remove = {"remove", "MODULE", "Remove a module", TABLE(remove_options),
                     run_remove},
    module_reload = {"reload", "MODULE [ARGS...]", "Remove a module and load it again",
                     (const struct cli_option *const[]){load_options, remove_options,
                                                        rank_options, NULL},
                     run_reload},
    module_list = {"list", "", "List loaded modules", TABLE(list_options), run_list},
    module_stats = {"stats", "MODULE", "Show a module's figures", TABLE(stats_options),
                    run_stats},
    module_debug = {"debug", "MODULE", "Show or set a module's debug flags",
                    TABLE(debug_options), run_debug};

const struct cli_command cmd_module = {
    .name = "module",
    .help = "Load, remove and inspect broker modules",
    .sub = (const struct cli_command *const[]){&module_load, &module_remove,
                                               &module_reload, &module_list,
                                               &module_stats, &module_debug, NULL},
};

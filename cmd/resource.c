/* flux resource list, status, info, R, drain, undrain, reload, eventlog. */

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cjson/cJSON.h>
#include <flux/core.h>
#include <flux/hostlist.h>
#include <flux/idset.h>

#include "cli/rcount.h"
#include "cmds.h"

#define TABLE(t) ((const struct cli_option *const[]){t, NULL})

/* all, allocated, down as the scheduler sees them; free is the rest. */
struct sets {
    struct rcount all, up, allocated, down, free;
};

static int get_sets(struct cli *c, flux_t *h, struct sets *s)
{
    flux_future_t *f = flux_rpc(h, "resource.sched-status", NULL, FLUX_NODEID_ANY, 0);
    const cJSON *all, *down, *allocated;
    int rc = 0;

    *s = (struct sets){0};
    if (!f || flux_rpc_get_unpack(f, "{s:o s:o s:o}", "all", &all, "down", &down,
                                  "allocated", &allocated) < 0)
        rc = cli_fail(c, "ERROR: resource.sched-status: %s", flux_future_error_string(f));
    else if (rcount_read(all, &s->all) < 0 || rcount_read(all, &s->free) < 0 ||
             rcount_read(all, &s->up) < 0 || rcount_read(down, &s->down) < 0 ||
             rcount_read(allocated, &s->allocated) < 0 ||
             rcount_subtract(&s->free, &s->allocated) < 0 ||
             rcount_subtract(&s->free, &s->down) < 0)
        rc = cli_fail(c, "ERROR: resource.sched-status: bad resource set");
    flux_future_destroy(f);
    return rc;
}

static void clear_sets(struct sets *s)
{
    rcount_clear(&s->all);
    rcount_clear(&s->up);
    rcount_clear(&s->allocated);
    rcount_clear(&s->down);
    rcount_clear(&s->free);
}

static const struct cli_option list_options[] = {
    {"states", 's', CLI_REQUIRED, "STATES", "Only these: all, up, free, allocated, down"},
    {"no-header", 'n', CLI_NONE, NULL, "Do not print the header"},
    {"skip-empty", 0, CLI_NONE, NULL, "Leave out states that no resource is in"},
    {0},
};

static bool wanted(const char *states, const char *name)
{
    size_t n = strlen(name);

    for (const char *p = states; p && *p;) {
        size_t len = strcspn(p, ",");

        if (len == n && !strncmp(p, name, n))
            return true;
        p += len + (p[len] == ',');
    }
    return false;
}

static void print_set(struct cli *c, const char *name, const struct rcount *rc)
{
    char *list = rcount_nodelist(rc);

    if (rc->n > 0 || !cli_count(c, "skip-empty"))
        printf("%10s %6zu %6zu %5zu %s\n", name, rc->n, rcount_cores(rc), rcount_gpus(rc),
               list ? list : "");
    free(list);
}

static int list(struct cli *c, flux_t *h)
{
    const char *states = cli_str(c, "states", "free,allocated,down");
    struct sets s;
    int rc = get_sets(c, h, &s);

    if (rc == 0) {
        if (!cli_count(c, "no-header"))
            printf("%10s %6s %6s %5s %s\n", "STATE", "NNODES", "NCORES", "NGPUS",
                   "NODELIST");
        if (wanted(states, "all"))
            print_set(c, "all", &s.all);
        if (wanted(states, "up") && rcount_subtract(&s.up, &s.down) == 0)
            print_set(c, "up", &s.up);
        if (wanted(states, "free"))
            print_set(c, "free", &s.free);
        if (wanted(states, "allocated"))
            print_set(c, "allocated", &s.allocated);
        if (wanted(states, "down"))
            print_set(c, "down", &s.down);
    }
    clear_sets(&s);
    return rc;
}

static int run_list(struct cli *c)
{
    return cli_with_handle(c, list);
}

static int info(struct cli *c, flux_t *h)
{
    struct sets s;
    int rc = get_sets(c, h, &s);

    if (rc == 0)
        printf("%zu Nodes, %zu Cores, %zu GPUs\n", s.all.n, rcount_cores(&s.all),
               rcount_gpus(&s.all));
    clear_sets(&s);
    return rc;
}

static int run_info(struct cli *c)
{
    return cli_with_handle(c, info);
}

static int print_R(struct cli *c, flux_t *h)
{
    flux_future_t *f = flux_rpc(h, "resource.status", NULL, FLUX_NODEID_ANY, 0);
    const cJSON *R;
    char *text;
    int rc = 0;

    if (!f || flux_rpc_get_unpack(f, "{s:o}", "R", &R) < 0) {
        rc = cli_fail(c, "ERROR: resource.status: %s", flux_future_error_string(f));
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

/* The host names of a set of ranks, in bracket form; yours to free(). */
static char *hosts_of(const struct rcount *all, const struct idset *ranks)
{
    struct hostlist *hl = hostlist_create();
    char *s;

    for (size_t i = 0; hl && i < all->n; i++) {
        if (idset_test(ranks, all->nodes[i].rank) && all->nodes[i].host)
            hostlist_append(hl, all->nodes[i].host);
    }
    s = hl ? hostlist_encode(hl) : NULL;
    hostlist_destroy(hl);
    return s;
}

static void print_state(const struct rcount *all, const char *state, bool up,
                        const struct idset *ranks)
{
    char *hosts = hosts_of(all, ranks);

    printf("%12s %s %6zu %s\n", state, up ? "✔" : "✗", idset_count(ranks),
           hosts ? hosts : "");
    free(hosts);
}

static void print_drained(const struct rcount *all, const cJSON *drain)
{
    char when[32];
    const cJSON *e;

    if (cJSON_GetArraySize(drain) == 0)
        return;
    printf("\n%-20s %-10s %-20s %s\n", "TIME", "RANK", "NODELIST", "REASON");
    cJSON_ArrayForEach(e, drain)
    {
        const cJSON *t = cJSON_GetObjectItem(e, "timestamp");
        const char *reason = cJSON_GetStringValue(cJSON_GetObjectItem(e, "reason"));
        struct idset *ranks = idset_decode(e->string);
        char *hosts = ranks ? hosts_of(all, ranks) : NULL;
        time_t sec = cJSON_IsInvalid(t) || !t ? 0 : (time_t)t->valuedouble;

        strftime(when, sizeof(when), "%FT%T", localtime(&sec));
        printf("%-20s %-10s %-20s ", when, e->string, hosts ? hosts : "");
        cli_print_safe(stdout, reason ? reason : "");
        printf("\n");
        free(hosts);
        idset_destroy(ranks);
    }
}

static void print_status(const cJSON *R, const cJSON *drain, const char *online,
                         const char *offline)
{
    struct idset *up = idset_decode(online), *down = idset_decode(offline);
    struct idset *drained = idset_create(0, IDSET_FLAG_AUTOGROW);
    struct rcount all = {0};
    const cJSON *e;

    if (up && down && drained && rcount_read(R, &all) == 0) {
        cJSON_ArrayForEach(e, drain)
        {
            struct idset *ids = idset_decode(e->string);

            if (ids)
                idset_add(drained, ids);
            idset_destroy(ids);
        }
        idset_subtract(up, drained);
        printf("%12s%s %6s %s\n", "STATE", "UP", "NNODES", "NODELIST");
        print_state(&all, "avail", true, up);
        if (idset_count(drained))
            print_state(&all, "drained", false, drained);
        if (idset_count(down))
            print_state(&all, "offline", false, down);
        print_drained(&all, drain);
    }
    rcount_clear(&all);
    idset_destroy(up);
    idset_destroy(down);
    idset_destroy(drained);
}

static int status(struct cli *c, flux_t *h)
{
    flux_future_t *f = flux_rpc(h, "resource.status", NULL, FLUX_NODEID_ANY, 0);
    const char *online, *offline;
    const cJSON *R, *drain;
    int rc = 0;

    if (!f || flux_rpc_get_unpack(f, "{s:o s:o s:s s:s}", "R", &R, "drain", &drain,
                                  "online", &online, "offline", &offline) < 0)
        rc = cli_fail(c, "ERROR: resource.status: %s", flux_future_error_string(f));
    else
        print_status(R, drain, online, offline);
    flux_future_destroy(f);
    return rc;
}

static int run_status(struct cli *c)
{
    return cli_with_handle(c, status);
}

static const struct cli_option drain_options[] = {
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
    f = flux_rpc(h, topic, text, FLUX_NODEID_ANY, 0);
    if (!f || flux_future_get(f, NULL) < 0)
        rc = cli_fail(c, "ERROR: %s", flux_future_error_string(f));
    flux_future_destroy(f);
    cJSON_free(text);
    cJSON_Delete(o);
    return rc;
}

static int drain(struct cli *c, flux_t *h)
{
    if (cli_argc(c) == 0)
        return status(c, h);
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
    f = cli_argc(c) > 0 ? flux_rpc_pack(h, "resource.reload", FLUX_NODEID_ANY, 0, "{s:s}",
                                        "path", path)
                        : flux_rpc(h, "resource.reload", "{}", FLUX_NODEID_ANY, 0);
    if (!f || flux_future_get(f, NULL) < 0)
        rc = cli_fail(c, "ERROR: %s", flux_future_error_string(f));
    flux_future_destroy(f);
    return rc;
}

static int run_reload(struct cli *c)
{
    return cli_with_handle(c, reload);
}

static int eventlog(struct cli *c, flux_t *h)
{
    flux_future_t *f = flux_rpc(h, "resource.eventlog", NULL, FLUX_NODEID_ANY, 0);
    const char *text = NULL;
    int rc = 0;

    if (!f || flux_rpc_get_unpack(f, "{s:s}", "eventlog", &text) < 0)
        rc = cli_fail(c, "ERROR: %s", flux_future_error_string(f));
    else
        fputs(text, stdout);
    flux_future_destroy(f);
    return rc;
}

static int run_eventlog(struct cli *c)
{
    return cli_with_handle(c, eventlog);
}

static const struct cli_command
    resource_list = {"list", "", "Show free, allocated and down resources",
                     TABLE(list_options), run_list},
    resource_status = {"status", "", "Show which nodes are available, drained or offline",
                       NULL, run_status},
    resource_info = {"info", "", "Show how much there is", NULL, run_info},
    resource_R = {"R", "", "Print the resource set (R)", NULL, run_R},
    resource_drain = {"drain", "[TARGETS [REASON...]]",
                      "Start no more jobs on nodes (ranks or host names)",
                      TABLE(drain_options), run_drain},
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

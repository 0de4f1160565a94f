/* The shape of a job from the options: per task (-n -c -g), per resource (--cores,
 * --tasks-per-node, --tasks-per-core, --gpus-per-node), nodes (-N), whole nodes (-x). */

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/jobspec_impl.h"

struct shape {
    long nodes;       /* 0: not said */
    long slots;       /* per node when nodes is given, else in total */
    long cores, gpus; /* per slot */
    long tasks;       /* in total */
    bool exclusive;
};

static cJSON *resource(const char *type, long count)
{
    return json_pack("{s:s s:I}", "type", type, "count", (int64_t)count);
}

static cJSON *make_resources(const struct shape *s)
{
    cJSON *with = cJSON_CreateArray(), *slot, *node;

    cJSON_AddItemToArray(with, resource("core", s->cores));
    if (s->gpus > 0)
        cJSON_AddItemToArray(with, resource("gpu", s->gpus));
    slot = json_pack("{s:s s:I s:o s:s}", "type", "slot", "count", (int64_t)s->slots,
                     "with", with, "label", "task");
    if (s->nodes == 0)
        return json_pack("[o]", slot);
    node = json_pack("{s:s s:I s:[o]}", "type", "node", "count", (int64_t)s->nodes,
                     "with", slot);
    if (s->exclusive)
        cJSON_AddBoolToObject(node, "exclusive", true);
    return json_pack("[o]", node);
}

/* -n -c -g with optional -N: a slot is a task. */
static int per_task(struct cli *c, struct shape *s)
{
    long n = s->nodes ? s->nodes : 1;

    s->cores = 1;
    if (!cli_int(c, "ntasks", 1, 1 << 20, &n) ||
        !cli_int(c, "cores-per-task", 1, 1 << 20, &s->cores) ||
        !cli_int(c, "gpus-per-task", 0, 1 << 20, &s->gpus))
        return 1;
    s->tasks = n;
    s->slots = n;
    if (s->nodes) {
        if (n < s->nodes)
            return cli_usage(c, "-N%ld needs at least %ld tasks (-n%ld given)", s->nodes,
                             s->nodes, n);
        s->slots = (n + s->nodes - 1) / s->nodes;
        if (!cli_count(c, "ntasks"))
            s->exclusive = true;
    }
    return 0;
}

static int per_resource_conflicts(struct cli *c)
{
    static const char *const others[] = {"ntasks", "cores-per-task", "gpus-per-task"};

    for (size_t i = 0; i < 3; i++) {
        if (cli_count(c, others[i]))
            return cli_usage(c,
                             "--%s cannot be combined with --cores, --tasks-per-node, "
                             "--tasks-per-core or --gpus-per-node",
                             others[i]);
    }
    if (cli_count(c, "tasks-per-node") && cli_count(c, "tasks-per-core"))
        return cli_usage(c, "--tasks-per-node and --tasks-per-core exclude each other");
    return 0;
}

/* --cores with optional -N: a slot is a core (or, with GPUs, a node's share). */
static int per_resource(struct cli *c, struct shape *s)
{
    long cores = 0, per_node = 0, per_core = 1, gpus = 0;
    long nodes = s->nodes ? s->nodes : 1;

    if (per_resource_conflicts(c))
        return 1;
    if (!cli_int(c, "cores", 1, 1 << 20, &cores) ||
        !cli_int(c, "tasks-per-node", 1, 1 << 20, &per_node) ||
        !cli_int(c, "tasks-per-core", 1, 1 << 20, &per_core) ||
        !cli_int(c, "gpus-per-node", 0, 1 << 20, &gpus))
        return 1;
    if (!s->nodes && (per_node || gpus))
        return cli_usage(c, "--tasks-per-node and --gpus-per-node need --nodes");
    if (cores && cores % nodes)
        return cli_usage(c, "--cores=%ld cannot be spread evenly over %ld nodes", cores,
                         nodes);
    if (!cores) {
        cores = nodes;
        s->exclusive = s->nodes > 0;
    }
    s->cores = gpus ? cores / nodes : 1;
    s->slots = gpus ? 1 : s->nodes ? cores / nodes : cores;
    s->gpus = gpus;
    s->tasks = per_node ? per_node * nodes : cores * per_core;
    return 0;
}

int jobspec_set_shape(struct cli *c, cJSON *jobspec)
{
    cJSON *task = cJSON_GetArrayItem(json_get(jobspec, "tasks"), 0);
    cJSON *count = json_get(task, "count");
    struct shape s = {0};
    int rc;

    if (!cli_int(c, "nodes", 1, 1 << 20, &s.nodes))
        return 1;
    if (cli_count(c, "cores") || cli_count(c, "tasks-per-node") ||
        cli_count(c, "tasks-per-core") || cli_count(c, "gpus-per-node"))
        rc = per_resource(c, &s);
    else
        rc = per_task(c, &s);
    if (rc)
        return rc;
    if (cli_count(c, "exclusive")) {
        if (!s.nodes)
            return cli_usage(c, "--exclusive needs --nodes");
        s.exclusive = true;
    }
    if (s.tasks == s.slots * (s.nodes ? s.nodes : 1))
        cJSON_AddNumberToObject(count, "per_slot", 1);
    else
        cJSON_AddItemToObject(count, "total", json_new_int(s.tasks));
    cJSON_ReplaceItemInObjectCaseSensitive(jobspec, "resources", make_resources(&s));
    return 0;
}

/* flux kvs namespace, getroot, version, wait, sync, dropcache. */

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "kvs.h"

/* ---- namespace ---- */

static const struct cli_option create_options[] = {
    {"owner", 'o', CLI_REQUIRED, "USER", "The namespace is this user's"},
    {"rootref", 'r', CLI_REQUIRED, "REF", "Begin with this root"},
    {0},
};

static int finish(struct cli *c, const char *name, flux_future_t *f)
{
    int rc = 0;

    if (!f || flux_future_get(f, NULL) < 0)
        rc = kvs_fail(c, name, f);
    flux_future_destroy(f);
    return rc;
}

static int create_all(struct cli *c, flux_t *h)
{
    const char *root = cli_str(c, "rootref", NULL);
    uint32_t owner = FLUX_USERID_UNKNOWN;
    int rc = 0;

    if (!cli_user(c, "owner", &owner))
        return CLI_EXIT_USAGE;
    for (int i = 0; rc == 0 && i < cli_argc(c); i++)
        rc = finish(c, cli_arg(c, i),
                    flux_kvs_namespace_create_with(h, cli_arg(c, i), root, owner, 0));
    return rc;
}

static int run_create(struct cli *c)
{
    return cli_argc(c) ? cli_with_handle(c, create_all)
                       : cli_usage(c, "a name is needed");
}

static int remove_all(struct cli *c, flux_t *h)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < cli_argc(c); i++)
        rc = finish(c, cli_arg(c, i), flux_kvs_namespace_remove(h, cli_arg(c, i)));
    return rc;
}

static int run_remove(struct cli *c)
{
    return cli_argc(c) ? cli_with_handle(c, remove_all)
                       : cli_usage(c, "a name is needed");
}

static int list_all(struct cli *c, flux_t *h)
{
    flux_future_t *f = flux_rpc(h, "kvs.namespace-list", NULL, 0, 0);
    const cJSON *all, *ns;
    int rc = 0;

    if (!f || flux_rpc_get_unpack(f, "{s:o}", "namespaces", &all) < 0)
        rc = kvs_fail(c, "namespace list", f);
    else {
        printf("%-36s %10s %10s\n", "NAMESPACE", "OWNER", "FLAGS");
        cJSON_ArrayForEach(ns, all)
            printf("%-36s %10.0f 0x%08x\n",
                   cJSON_GetStringValue(cJSON_GetObjectItem(ns, "namespace")),
                   cJSON_GetNumberValue(cJSON_GetObjectItem(ns, "owner")),
                   (unsigned)cJSON_GetNumberValue(cJSON_GetObjectItem(ns, "flags")));
    }
    flux_future_destroy(f);
    return rc;
}

static int run_list(struct cli *c)
{
    return cli_with_handle(c, list_all);
}

static const struct cli_command ns_create = {"create", "NAME...", "Make namespaces",
                                             TABLE(create_options), run_create},
                                ns_remove = {"remove", "NAME...", "Remove namespaces",
                                             NULL, run_remove},
                                ns_list = {"list", "", "List namespaces", NULL, run_list};

const struct cli_command kvs_cmd_namespace = {
    .name = "namespace",
    .help = "Make, remove and list namespaces",
    .sub = (const struct cli_command *const[]){&ns_create, &ns_remove, &ns_list, NULL},
};

/* ---- roots and versions ---- */

static const struct cli_option getroot_options[] = {
    {"sequence", 's', CLI_NONE, NULL, "Print the version"},
    {"owner", 'o', CLI_NONE, NULL, "Print the owner's user id"},
    {"blobref", 'b', CLI_NONE, NULL, "Print the root's blobref"},
    {0},
};

static int getroot(struct cli *c, flux_t *h)
{
    flux_future_t *f = flux_kvs_getroot(h, kvs_ns(c), 0);
    const char *s;
    uint32_t owner;
    int seq, rc = 0;

    if (!f || flux_future_get(f, NULL) < 0)
        rc = kvs_fail(c, "getroot", f);
    else if (cli_count(c, "sequence") && flux_kvs_getroot_get_sequence(f, &seq) == 0)
        printf("%d\n", seq);
    else if (cli_count(c, "owner") && flux_kvs_getroot_get_owner(f, &owner) == 0)
        printf("%u\n", owner);
    else if (cli_count(c, "blobref") && flux_kvs_getroot_get_blobref(f, &s) == 0)
        printf("%s\n", s);
    else if (flux_kvs_getroot_get_treeobj(f, &s) == 0)
        printf("%s\n", s);
    flux_future_destroy(f);
    return rc;
}

static int run_getroot(struct cli *c)
{
    return cli_with_handle(c, getroot);
}

static int version(struct cli *c, flux_t *h)
{
    int v;

    if (flux_kvs_get_version(h, kvs_ns(c), &v) < 0)
        return kvs_fail(c, "version", NULL);
    printf("%d\n", v);
    return 0;
}

static int run_version(struct cli *c)
{
    return cli_with_handle(c, version);
}

static int wait_version(struct cli *c, flux_t *h)
{
    const char *arg = cli_arg(c, 0);
    char *end;
    long v = strtol(arg, &end, 10);

    if (end == arg || *end || v < 0 || v > INT32_MAX)
        return cli_usage(c, "'%s' is not a version", arg);
    if (flux_kvs_wait_version(h, kvs_ns(c), (int)v) < 0)
        return kvs_fail(c, "wait", NULL);
    return 0;
}

static int run_wait(struct cli *c)
{
    return cli_argc(c) == 1 ? cli_with_handle(c, wait_version)
                            : cli_usage(c, "a version is needed");
}

/* An empty transaction that asks for a checkpoint. */
static int sync_kvs(struct cli *c, flux_t *h)
{
    return kvs_commit_txn(c, h, "sync", FLUX_KVS_SYNC, flux_kvs_txn_create());
}

static int run_sync(struct cli *c)
{
    return cli_with_handle(c, sync_kvs);
}

static const struct cli_option dropcache_options[] = {
    {"all", 'a', CLI_NONE, NULL, "On all brokers"},
    {0},
};

static int dropcache(struct cli *c, flux_t *h)
{
    if (!cli_count(c, "all"))
        return finish(c, "dropcache",
                      flux_rpc(h, "kvs.dropcache", NULL, FLUX_NODEID_ANY, 0));
    return finish(c, "dropcache", flux_event_publish(h, "kvs.dropcache", 0, NULL));
}

static int run_dropcache(struct cli *c)
{
    return cli_with_handle(c, dropcache);
}

const struct cli_command kvs_getroot = {
    .name = "getroot",
    .args = "",
    .help = "Print the root, for use with --at",
    .options = TABLE(kvs_ns_option, getroot_options),
    .run = run_getroot,
};

const struct cli_command kvs_version = {
    .name = "version",
    .args = "",
    .help = "Print the version of a namespace",
    .options = TABLE(kvs_ns_option),
    .run = run_version,
};

const struct cli_command kvs_wait = {
    .name = "wait",
    .args = "VERSION",
    .help = "Wait for a version of a namespace",
    .options = TABLE(kvs_ns_option),
    .run = run_wait,
};

const struct cli_command kvs_sync = {
    .name = "sync",
    .args = "",
    .help = "Write a checkpoint",
    .options = TABLE(kvs_ns_option, kvs_root_options),
    .run = run_sync,
};

const struct cli_command kvs_dropcache = {
    .name = "dropcache",
    .args = "",
    .help = "Forget what can be read again",
    .options = TABLE(dropcache_options),
    .run = run_dropcache,
};

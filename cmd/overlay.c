/* flux overlay - the tree of brokers: lookup, parentof, disconnect. The others are in
 * overlay_status.c and overlay_errors.c.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay.h"

#define TABLE(t) ((const struct cli_option *const[]){t, NULL})

struct hostlist *overlay_hosts(struct cli *c, flux_t *h)
{
    const char *list = flux_attr_get(h, "hostlist");
    struct hostlist *hl = list ? hostlist_decode(list) : NULL;

    if (!hl)
        cli_fail(c, "attribute hostlist: %s", strerror(errno));
    return hl;
}

const char *overlay_host(struct hostlist *hl, unsigned rank)
{
    const char *host = hostlist_nth(hl, (int)rank);

    return host ? host : "?";
}

unsigned overlay_rank_of(const cJSON *node)
{
    const cJSON *rank = cJSON_GetObjectItemCaseSensitive(node, "rank");

    return cJSON_IsNumber(rank) ? (unsigned)rank->valueint : 0;
}

/* Every rank of one host; false: there is none. */
static bool add_host(struct hostlist *hl, const char *host, struct idset *ids)
{
    unsigned rank = 0;
    bool found = false;

    for (const char *h = hostlist_first(hl); h; h = hostlist_next(hl), rank++) {
        if (!strcmp(h, host)) {
            idset_set(ids, rank);
            found = true;
        }
    }
    return found;
}

struct idset *overlay_targets(struct cli *c, struct hostlist *hl, const char *targets)
{
    struct idset *ids = idset_decode(targets);
    struct hostlist *names;

    if (ids) {
        if (!idset_empty(ids) && idset_last(ids) >= (unsigned)hostlist_count(hl)) {
            cli_fail(c, "%s: there are only ranks 0-%d", targets, hostlist_count(hl) - 1);
            idset_destroy(ids);
            return NULL;
        }
        return ids;
    }
    if (!(names = hostlist_decode(targets))) {
        cli_fail(c, "%s: neither ranks nor host names", targets);
        return NULL;
    }
    ids = idset_create(0, IDSET_FLAG_AUTOGROW);
    for (const char *h = hostlist_first(names); ids && h; h = hostlist_next(names)) {
        if (!add_host(hl, h, ids)) {
            cli_fail(c, "%s: no such host", h);
            idset_destroy(ids);
            ids = NULL;
        }
    }
    hostlist_destroy(names);
    return ids;
}

const cJSON *overlay_topology(struct cli *c, flux_t *h, unsigned rank, double timeout,
                              flux_future_t **ret_f)
{
    flux_future_t *f =
        flux_rpc_pack(h, "overlay.topology", 0, 0, "{s:i}", "rank", (int)rank);
    const cJSON *o;

    if (!f || flux_future_wait_for(f, timeout) < 0 ||
        flux_rpc_get_unpack(f, "o", &o) < 0) {
        cli_fail(c, "overlay.topology: %s", cli_why(f));
        flux_future_destroy(f);
        return NULL;
    }
    *ret_f = f;
    return o;
}

/* -- lookup -- */

/* Ranks become hosts, and hosts ranks. */
static int print_lookup(struct cli *c, struct hostlist *hl, const char *target)
{
    struct idset *ids = overlay_targets(c, hl, target), *ranks = idset_decode(target);
    struct hostlist *hosts = hostlist_create();
    char *text = NULL;

    if (ids && ranks && hosts) {
        for (unsigned r = idset_first(ids); r != IDSET_INVALID_ID; r = idset_next(ids, r))
            hostlist_append(hosts, overlay_host(hl, r));
        text = hostlist_encode(hosts);
    } else if (ids) {
        text = idset_encode(ids, IDSET_FLAG_RANGE);
    }
    if (text)
        printf("%s\n", text);
    free(text);
    hostlist_destroy(hosts);
    idset_destroy(ranks);
    idset_destroy(ids);
    return text ? 0 : 1;
}

static int lookup(struct cli *c, flux_t *h)
{
    struct hostlist *hl = overlay_hosts(c, h);
    int rc = hl ? 0 : 1;

    for (int i = 0; i < cli_argc(c) && rc == 0; i++)
        rc = print_lookup(c, hl, cli_arg(c, i));
    hostlist_destroy(hl);
    return rc;
}

static int run_lookup(struct cli *c)
{
    if (cli_argc(c) == 0)
        return cli_usage(c, "ranks or host names are needed");
    return cli_with_handle(c, lookup);
}

/* -- parentof -- */

/* The parent of a rank in a tree; false: it is not in there. */
static bool find_parent(const cJSON *node, unsigned rank, unsigned *ret)
{
    const cJSON *child;

    cJSON_ArrayForEach(child, cJSON_GetObjectItemCaseSensitive(node, "children"))
    {
        if (overlay_rank_of(child) == rank) {
            *ret = overlay_rank_of(node);
            return true;
        }
        if (find_parent(child, rank, ret))
            return true;
    }
    return false;
}

/* The one rank that is meant; false after a message. */
static bool one_rank(struct cli *c, flux_t *h, unsigned *ret)
{
    struct hostlist *hl = overlay_hosts(c, h);
    struct idset *ids = hl ? overlay_targets(c, hl, cli_arg(c, 0)) : NULL;
    bool ok = ids && idset_count(ids) == 1;

    if (ok)
        *ret = idset_first(ids);
    else if (ids)
        cli_fail(c, "%s: one rank is needed, this is %zu", cli_arg(c, 0),
                 idset_count(ids));
    idset_destroy(ids);
    hostlist_destroy(hl);
    return ok;
}

static int parentof(struct cli *c, flux_t *h)
{
    flux_future_t *f = NULL;
    const cJSON *tree;
    unsigned rank, parent;
    int rc = 1;

    if (!one_rank(c, h, &rank) || !(tree = overlay_topology(c, h, 0, -1., &f)))
        return 1;
    if (find_parent(tree, rank, &parent)) {
        printf("%u\n", parent);
        rc = 0;
    } else {
        cli_fail(c, "rank %u has no parent", rank);
    }
    flux_future_destroy(f);
    return rc;
}

static int run_parentof(struct cli *c)
{
    if (cli_argc(c) != 1)
        return cli_usage(c, "one rank is needed");
    return cli_with_handle(c, parentof);
}

/* -- disconnect -- */

static const struct cli_option disconnect_options[] = {
    {"parent", 'r', CLI_REQUIRED, "RANK", "Only if this is its parent"},
    {0},
};

/* Is the parent the one that was named? */
static bool right_parent(struct cli *c, flux_t *h, unsigned rank, long want)
{
    flux_future_t *f = NULL;
    const cJSON *tree = overlay_topology(c, h, 0, -1., &f);
    unsigned parent = 0;
    bool ok = tree && find_parent(tree, rank, &parent) && parent == (unsigned)want;

    if (tree && !ok)
        cli_fail(c, "rank %ld is not the parent of rank %u", want, rank);
    flux_future_destroy(f);
    return ok;
}

static int disconnect(struct cli *c, flux_t *h)
{
    flux_future_t *f;
    long parent = -1;
    unsigned rank;
    int rc = 0;

    if (!cli_int(c, "parent", 0, INT32_MAX, &parent))
        return CLI_EXIT_USAGE;
    if (!one_rank(c, h, &rank) || (parent >= 0 && !right_parent(c, h, rank, parent)))
        return 1;
    f = flux_rpc(h, "overlay.disconnect-parent", NULL, rank, 0);
    if (!f || flux_future_get(f, NULL) < 0)
        rc = cli_fail(c, "rank %u: %s", rank, cli_why(f));
    flux_future_destroy(f);
    return rc;
}

static int run_disconnect(struct cli *c)
{
    if (cli_argc(c) != 1)
        return cli_usage(c, "the rank or host to disconnect is needed");
    return cli_with_handle(c, disconnect);
}

static const struct cli_command
    overlay_lookup = {"lookup", "TARGET...",
                      "Print the hosts of ranks, or ranks of hosts", NULL, run_lookup},
    overlay_parentof = {"parentof", "RANK", "Print the rank of a broker's parent", NULL,
                        run_parentof},
    overlay_disconnect = {"disconnect", "TARGET",
                          "Have a broker cut its connection to its parent",
                          TABLE(disconnect_options), run_disconnect};

const struct cli_command cmd_overlay = {
    .name = "overlay",
    .help = "Show the tree of brokers",
    .sub = (const struct cli_command *const[]){&overlay_status, &overlay_errors,
                                               &overlay_lookup, &overlay_parentof,
                                               &overlay_disconnect, NULL},
};

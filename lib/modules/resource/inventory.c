/* The instance's resources from their several sources; see inventory.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/hostlist.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/map.h"
#include "modules/resource/inventory.h"
#include "modules/resource/source.h"

DEFINE_CLEANUP(struct idset *, idset_destroy)
DEFINE_CLEANUP(struct hostlist *, hostlist_destroy)
DEFINE_CLEANUP(struct map *, map_free)

int inventory_settings(const flux_conf_t *conf, struct settings *set, flux_error_t *err)
{
    *set = (struct settings){0};
    if (flux_conf_unpack(conf, err, "{s?{s?s s?s s?o s?b s?b}}", "resource", "path",
                         &set->path, "exclude", &set->exclude, "config", &set->config,
                         "norestrict", &set->norestrict, "noverify", &set->noverify) < 0)
        return -errno;
    return 0;
}

/* -- the ranks of nodes that are known by name -- */

/* Index + 1 of each node by its host's name; NULL when names do not tell nodes apart. */
static struct map *nodes_by_name(const struct rset *rs)
{
    CLEANUP(map_free_p) struct map *m = map_new(NULL);

    for (size_t i = 0; m && i < rset_nnodes(rs); i++) {
        const char *host = rset_node(rs, i)->host;
        if (!host || map_add(m, host, (void *)(i + 1)) < 0)
            return NULL;
    }
    return TAKE(m);
}

/* The ranks of rs's nodes: those of their brokers, and higher ones for nodes without.
 * False unless each broker has a node of its own. */
static bool find_brokers(const struct hosts *hosts, const struct rset *rs,
                         unsigned *ranks)
{
    CLEANUP(map_free_p) struct map *nodes = nodes_by_name(rs);
    size_t n = rset_nnodes(rs);
    unsigned next = hosts_size(hosts);

    for (size_t i = 0; i < n; i++)
        ranks[i] = IDSET_INVALID_ID;
    for (uint32_t r = 0; nodes && r < hosts_size(hosts); r++) {
        const char *name = hosts_name(hosts, r);
        size_t i = name ? (size_t)map_get(nodes, name) : 0;
        if (i == 0 || ranks[i - 1] != IDSET_INVALID_ID)
            return false;
        ranks[i - 1] = r;
    }
    for (size_t i = 0; i < n; i++)
        if (ranks[i] == IDSET_INVALID_ID)
            ranks[i] = next++;
    return nodes != NULL;
}

/* Hosts may have been told in another order than brokers were started. */
static int follow_brokers(const struct hosts *hosts, struct rset **rs)
{
    AUTOFREE unsigned *ranks = calloc(rset_nnodes(*rs) + 1, sizeof(*ranks));
    struct rset *other;
    int rc;

    if (!ranks)
        return -ENOMEM;
    if (!find_brokers(hosts, *rs, ranks))
        return 0;
    if ((rc = rset_rerank(*rs, ranks, &other)) < 0)
        return rc;
    rset_free(*rs);
    *rs = other;
    return 0;
}

/* -- what there is -- */

static int make_discovered(const struct inventory_conf *ic, struct rset **ret)
{
    struct rset *rs;
    int rc = rset_new(&rs);

    for (uint32_t r = 0; rc == 0 && r < hosts_size(ic->hosts); r++) {
        const struct found *f = gather_get(ic->gather, r);
        if (f)
            rc = rset_add(rs, r, hosts_name(ic->hosts, r), f->cores, f->gpus);
    }
    if (rc < 0)
        return rc;
    *ret = rs;
    return 0;
}

static int find_all(const struct inventory_conf *ic, const struct settings *set,
                    struct inventory *inv, flux_error_t *err)
{
    struct source_conf sc = {
        ic->h,      ic->conf, ic->env, ic->hosts, ic->path ? ic->path : set->path,
        set->config};
    int rc = source_read(&sc, &inv->all, &inv->method, err);

    if (rc < 0)
        return rc;
    if (!inv->all && ic->enclosing) {
        inv->method = "enclosing-instance";
        rc = rset_copy(ic->enclosing, &inv->all);
    } else if (!inv->all) {
        inv->method = "dynamic-discovery";
        inv->dynamic = true;
        rc = make_discovered(ic, &inv->all);
    }
    inv->fake = strcmp(inv->method, SOURCE_FAKE) == 0;
    inv->verify = !set->noverify && strcmp(inv->method, SOURCE_CONFIGURED) == 0;
    if (rc == 0 && !inv->fake && !inv->dynamic)
        rc = follow_brokers(ic->hosts, &inv->all);
    return rc < 0 ? error_set(err, -rc, "resources: %s", strerror(-rc)) : 0;
}

/* Properties speak of ranks that are left. */
static int limit_properties(struct rset *rs, const struct idset *gone)
{
    const cJSON *all = rset_properties(rs), *p;
    cJSON *left = all && !idset_empty(gone) ? cJSON_CreateObject() : NULL;
    int rc = 0;

    if (!left)
        return 0;
    cJSON_ArrayForEach(p, all)
    {
        CLEANUP(idset_destroy_p) struct idset *ids = idset_decode(json_str(p));
        if (!ids || idset_subtract(ids, gone) < 0)
            rc = -ENOMEM;
        if (rc == 0 && !idset_empty(ids)) {
            AUTOFREE char *text = idset_encode(ids, IDSET_FLAG_RANGE);
            if (!text || !cJSON_AddStringToObject(left, p->string, text))
                rc = -ENOMEM;
        }
    }
    if (rc == 0)
        rc = rset_set_properties(rs, left);
    json_free(left);
    return rc;
}

/* Everything that has a broker or resources. */
static int find_ranks(const struct hosts *hosts, struct inventory *inv)
{
    int rc = rset_ranks(inv->all, &inv->ranks);

    if (rc < 0 || inv->fake)
        return rc;
    return idset_range_set(inv->ranks, 0, hosts_size(hosts) - 1) < 0 ? -errno : 0;
}

int inventory_make(const struct inventory_conf *ic, struct inventory *ret,
                   flux_error_t *err)
{
    struct inventory inv = {.hosts = ic->hosts};
    struct settings set;
    int rc;

    if ((rc = inventory_settings(ic->conf, &set, err)) < 0)
        return rc;
    rc = find_all(ic, &set, &inv, err);
    if (rc == 0 && (rc = find_ranks(ic->hosts, &inv)) < 0)
        error_set(err, -rc, "resources: %s", strerror(-rc));
    if (rc == 0)
        rc = inventory_targets(&inv, set.exclude ? set.exclude : "", &inv.exclude, err);
    if (rc == 0 && ((rc = rset_reject(inv.all, inv.exclude, &inv.usable)) < 0 ||
                    (rc = limit_properties(inv.usable, inv.exclude)) < 0))
        error_set(err, -rc, "resources: %s", strerror(-rc));
    if (rc < 0) {
        inventory_finish(&inv);
        return rc;
    }
    *ret = inv;
    return 0;
}

void inventory_finish(struct inventory *inv)
{
    rset_free(inv->all);
    rset_free(inv->usable);
    idset_destroy(inv->ranks);
    idset_destroy(inv->exclude);
    *inv = (struct inventory){0};
}

/* -- ranks and names -- */

const char *inventory_host(const struct inventory *inv, unsigned rank)
{
    const struct rset_node *n = rset_find(inv->all, rank);

    if (n && n->host)
        return n->host;
    return inv->fake ? NULL : hosts_name(inv->hosts, rank);
}

/* Of a host that has no node in R yet, or of one that has. */
static int add_host(const struct inventory *inv, const char *host, struct idset *ids)
{
    int number = inv->fake ? -ENOENT : hosts_find(inv->hosts, host);
    bool found = number >= 0;

    if (found && idset_add(ids, hosts_ranks(inv->hosts, number)) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < rset_nnodes(inv->all); i++) {
        const struct rset_node *n = rset_node(inv->all, i);
        if (!n->host || strcmp(n->host, host) != 0)
            continue;
        if (idset_set(ids, n->rank) < 0)
            return -ENOMEM;
        found = true;
    }
    return found ? 0 : -ENOENT;
}

static int check_ranks(const struct inventory *inv, const struct idset *ids,
                       flux_error_t *err)
{
    for (unsigned r = idset_first(ids); r != IDSET_INVALID_ID; r = idset_next(ids, r))
        if (!idset_test(inv->ranks, r))
            return error_set(err, EINVAL, "rank %u: no such rank (there are %zu)", r,
                             idset_count(inv->ranks));
    return 0;
}

static int add_hosts(const struct inventory *inv, const char *targets, struct idset *ids,
                     flux_error_t *err)
{
    CLEANUP(hostlist_destroy_p) struct hostlist *hl = hostlist_decode(targets);

    if (!hl)
        return error_set(err, EINVAL, "%s: neither ranks nor host names", targets);
    for (const char *host = hostlist_first(hl); host; host = hostlist_next(hl))
        if (add_host(inv, host, ids) < 0)
            return error_set(err, EINVAL, "%s: no such host", host);
    return 0;
}

int inventory_targets(const struct inventory *inv, const char *targets,
                      struct idset **ret, flux_error_t *err)
{
    CLEANUP(idset_destroy_p) struct idset *ids = idset_decode(targets);
    int rc;

    if (ids)
        rc = check_ranks(inv, ids, err);
    else if (!(ids = idset_create(0, IDSET_FLAG_AUTOGROW)))
        rc = error_set(err, ENOMEM, "out of memory");
    else
        rc = add_hosts(inv, targets, ids, err);
    if (rc == 0)
        *ret = TAKE(ids);
    return rc;
}

char *inventory_hosts(const struct inventory *inv, const struct idset *ranks)
{
    CLEANUP(hostlist_destroy_p) struct hostlist *hl = hostlist_create();

    for (unsigned r = idset_first(ranks); hl && r != IDSET_INVALID_ID;
         r = idset_next(ranks, r)) {
        const char *host = inventory_host(inv, r);
        if (host && hostlist_append(hl, host) < 0)
            return NULL;
    }
    return hl ? hostlist_encode(hl) : NULL;
}

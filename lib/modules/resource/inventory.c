/* The instance's resources from their several sources; see inventory.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/attr.h>
#include <flux/hostlist.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "env/file.h"
#include "modules/resource/discover.h"
#include "modules/resource/inventory.h"

DEFINE_CLEANUP(struct idset *, idset_destroy)
DEFINE_CLEANUP(struct hostlist *, hostlist_destroy)

#define MAX_R_FILE (64u << 20)
#define MAX_NODES 65536
#define MAX_CORES 65472 /* of one node: what the scheduler can hold */

/* The [resource] table. Strings are borrowed from the configuration. */
struct settings {
    const char *path, *exclude;
    const cJSON *config;
    int norestrict, noverify;
};

static int read_settings(const flux_conf_t *conf, struct settings *set, flux_error_t *err)
{
    *set = (struct settings){0};
    if (flux_conf_unpack(conf, err, "{s?{s?s s?s s?o s?b s?b}}", "resource", "path",
                         &set->path, "exclude", &set->exclude, "config", &set->config,
                         "norestrict", &set->norestrict, "noverify", &set->noverify) < 0)
        return -errno;
    return 0;
}

static struct idset *id_range(unsigned n)
{
    struct idset *ids = idset_create(0, IDSET_FLAG_AUTOGROW);

    if (ids && n > 0 && idset_range_set(ids, 0, n - 1) < 0) {
        idset_destroy(ids);
        return NULL;
    }
    return ids;
}

static const char *own_host(flux_t *h)
{
    const char *host = flux_attr_get(h, "hostname");

    return host ? host : "localhost";
}

/* -- made-up resources -- */

/* n alike nodes: rank i is host prefix+i, or `host` alone when prefix is NULL. */
static int add_alike(struct rset *rs, unsigned n, const char *prefix, const char *host,
                     unsigned ncores, unsigned ngpus)
{
    CLEANUP(idset_destroy_p) struct idset *cores = id_range(ncores);
    CLEANUP(idset_destroy_p) struct idset *gpus = id_range(ngpus);
    char name[128];
    int rc = cores && gpus ? 0 : -ENOMEM;

    for (unsigned i = 0; i < n && rc == 0; i++) {
        if (prefix)
            snprintf(name, sizeof(name), "%s%u", prefix, i);
        rc = rset_add(rs, i, prefix ? name : host, cores, ngpus ? gpus : NULL);
    }
    return rc;
}

static int make_fake(const cJSON *table, struct rset *rs, flux_error_t *err)
{
    int nnodes = 1, ncores = 64, ngpus = 0;
    const char *prefix = "fake";
    flux_error_t why;

    if (json_unpack(table, &why, "{s?i s?i s?i s?s}", "nnodes", &nnodes, "cores-per-node",
                    &ncores, "gpus-per-node", &ngpus, "host-prefix", &prefix) < 0)
        return error_set(err, EINVAL, "fake-resources: %s", why.text);
    if (nnodes < 1 || nnodes > MAX_NODES || ncores < 1 || ncores > MAX_CORES ||
        ngpus < 0 || ngpus > MAX_CORES || strlen(prefix) > 64)
        return error_set(err, EINVAL,
                         "fake-resources: nnodes must be 1-%d, cores-per-node 1-%d",
                         MAX_NODES, MAX_CORES);
    int rc =
        add_alike(rs, (unsigned)nnodes, prefix, NULL, (unsigned)ncores, (unsigned)ngpus);
    return rc < 0 ? error_set(err, -rc, "fake-resources: %s", strerror(-rc)) : 0;
}

static int make_test(flux_t *h, const char *value, struct rset *rs, flux_error_t *err)
{
    uint32_t size = 1;
    char *end;
    long n = strtol(value, &end, 10);

    if (end == value || *end || n < 1 || n > MAX_CORES)
        return error_set(err, EINVAL, "test.cores=%s: not a number from 1 to %d", value,
                         MAX_CORES);
    if (flux_get_size(h, &size) < 0)
        size = 1;
    int rc = add_alike(rs, size, NULL, own_host(h), (unsigned)n, 0);
    return rc < 0 ? error_set(err, -rc, "test.cores: %s", strerror(-rc)) : 0;
}

/* -- configured resources -- */

static int read_file(struct env *env, const char *path, struct rset **rs,
                     flux_error_t *err)
{
    AUTOFREE char *text = NULL;
    flux_error_t why;
    size_t len;
    int rc = file_read(env, path, MAX_R_FILE, &text, &len);

    if (rc < 0)
        return error_set(err, -rc, "resource.path: %s: %s", path, strerror(-rc));
    if ((rc = rset_parse(text, len, rs, &why)) < 0)
        return error_set(err, -rc, "resource.path: %s: %s", path, why.text);
    rset_set_times(*rs, 0, 0); /* when it was made for does not matter */
    rset_set_nslots(*rs, 0);
    return 0;
}

/* Ranks of all hosts named so far: the k-th new host is rank k. */
static int rank_of_host(struct hostlist *known, const char *host)
{
    int rank = hostlist_find(known, host);

    if (rank >= 0)
        return rank;
    if (hostlist_append(known, host) < 0)
        return -ENOMEM;
    return hostlist_count(known) - 1;
}

static int add_properties(cJSON *all, const cJSON *names, const struct idset *ranks)
{
    const cJSON *p;

    cJSON_ArrayForEach(p, names)
    {
        const char *name = json_str(p);
        const char *old = name ? json_str(json_get(all, name)) : NULL;
        CLEANUP(idset_destroy_p) struct idset *ids = idset_copy(ranks);
        if (!name || !*name || strpbrk(name, "!&'\"^`|()"))
            return -EINVAL;
        if (!ids || (old && idset_decode_add(ids, old, -1, NULL) < 0))
            return -ENOMEM;
        AUTOFREE char *text = idset_encode(ids, IDSET_FLAG_RANGE);
        cJSON *value = text ? json_new_str(text) : NULL;
        if (!value)
            return -ENOMEM;
        cJSON_DeleteItemFromObjectCaseSensitive(all, name);
        cJSON_AddItemToObject(all, name, value);
    }
    return 0;
}

static int add_entry(const cJSON *e, struct hostlist *known, struct rset *rs,
                     cJSON *properties, flux_error_t *err)
{
    const char *hosts, *cores = NULL, *gpus = NULL;
    const cJSON *names = NULL;
    flux_error_t why;

    if (json_unpack(e, &why, "{s:s s?s s?s s?o}", "hosts", &hosts, "cores", &cores,
                    "gpus", &gpus, "properties", &names) < 0)
        return error_set(err, EINVAL, "resource.config: %s", why.text);
    CLEANUP(hostlist_destroy_p) struct hostlist *hl = hostlist_decode(hosts);
    CLEANUP(idset_destroy_p) struct idset *c = idset_decode(cores ? cores : "");
    CLEANUP(idset_destroy_p) struct idset *g = idset_decode(gpus ? gpus : "");
    CLEANUP(idset_destroy_p) struct idset *ranks = idset_create(0, IDSET_FLAG_AUTOGROW);
    if (!hl || hostlist_count(hl) == 0)
        return error_set(err, EINVAL, "resource.config: hosts=\"%s\": not a host list",
                         hosts);
    if (!c || !g)
        return error_set(err, EINVAL,
                         "resource.config: hosts=\"%s\": %s is not a set of ids", hosts,
                         c ? "gpus" : "cores");
    for (const char *host = hostlist_first(hl); host; host = hostlist_next(hl)) {
        int rank = rank_of_host(known, host);
        if (rank < 0 || !ranks || idset_set(ranks, (unsigned)rank) < 0 ||
            ((cores || gpus) &&
             rset_add(rs, (unsigned)rank, host, c, gpus ? g : NULL) < 0))
            return error_set(err, EINVAL, "resource.config: host %s: too large", host);
    }
    if (add_properties(properties, names, ranks) < 0)
        return error_set(err, EINVAL, "resource.config: hosts=\"%s\": bad property",
                         hosts);
    return 0;
}

static int make_configured(const cJSON *config, struct rset *rs, flux_error_t *err)
{
    CLEANUP(hostlist_destroy_p) struct hostlist *known = hostlist_create();
    cJSON *properties = cJSON_CreateObject();
    const cJSON *e;
    int rc = known && properties ? 0 : -ENOMEM;

    if (rc == 0 && !cJSON_IsArray(config))
        rc = error_set(err, EINVAL, "resource.config: not a list of tables");
    cJSON_ArrayForEach(e, config)
    {
        if (rc == 0)
            rc = add_entry(e, known, rs, properties, err);
    }
    if (rc == 0 && rset_nnodes(rs) != (size_t)hostlist_count(known))
        rc = error_set(err, EINVAL, "resource.config: a host has neither cores nor gpus");
    if (rc == 0 && rset_ncores(rs) == 0)
        rc = error_set(err, EINVAL, "resource.config: no host has cores");
    if (rc == 0 && properties->child)
        rc = rset_set_properties(rs, properties);
    json_free(properties);
    return rc;
}

/* -- this host -- */

static int make_discovered(flux_t *h, struct env *env, const struct settings *set,
                           struct rset *rs, flux_error_t *err)
{
    struct idset *cores, *gpus;
    uint32_t rank = 0;
    int rc = discover_host(env, !set->norestrict, &cores, &gpus, err);

    if (rc < 0)
        return rc;
    flux_get_rank(h, &rank);
    if ((rc = rset_add(rs, rank, own_host(h), cores, gpus)) < 0)
        error_set(err, -rc, "this host's resources: %s", strerror(-rc));
    idset_destroy(cores);
    idset_destroy(gpus);
    return rc;
}

/* Does this host have what the configuration says? */
static char *find_missing(flux_t *h, struct env *env, const struct rset *rs)
{
    CLEANUP(idset_destroy_p) struct idset *cores = NULL;
    CLEANUP(idset_destroy_p) struct idset *gpus = NULL;
    const struct rset_node *n;
    uint32_t rank = 0;
    char *text = NULL;

    flux_get_rank(h, &rank);
    n = rset_find(rs, rank);
    if (!n || !n->host || strcmp(n->host, own_host(h)) != 0 ||
        discover_host(env, false, &cores, &gpus, NULL) < 0)
        return NULL;
    CLEANUP(idset_destroy_p) struct idset *lack = idset_difference(n->cores, cores);
    if (!lack || idset_empty(lack))
        return NULL;
    AUTOFREE char *ids = idset_encode(lack, IDSET_FLAG_RANGE);
    if (asprintf(&text, "missing resources: core%s", ids ? ids : "s") < 0)
        return NULL;
    return text;
}

static int find_all(flux_t *h, const flux_conf_t *conf, struct env *env,
                    const struct settings *set, struct inventory *inv, flux_error_t *err)
{
    const char *test = flux_attr_get(h, "test.cores");
    const cJSON *fake = NULL;
    int rc;

    flux_conf_unpack(conf, NULL, "{s?o}", "fake-resources", &fake);
    if (set->path && !fake) {
        inv->method = "configuration";
        return read_file(env, set->path, &inv->all, err);
    }
    if ((rc = rset_new(&inv->all)) < 0)
        return error_set(err, -rc, "resources: %s", strerror(-rc));
    if (fake) {
        inv->method = "fake-resources";
        inv->fake = true;
        return make_fake(fake, inv->all, err);
    }
    if (test) {
        inv->method = "test-cores";
        return make_test(h, test, inv->all, err);
    }
    if (set->config) {
        inv->method = "configuration";
        return make_configured(set->config, inv->all, err);
    }
    inv->method = "dynamic-discovery";
    return make_discovered(h, env, set, inv->all, err);
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

int inventory_make(flux_t *h, const flux_conf_t *conf, struct env *env, const char *path,
                   struct inventory *ret, flux_error_t *err)
{
    struct inventory inv = {0};
    struct settings set;
    int rc;

    if ((rc = read_settings(conf, &set, err)) < 0)
        return rc;
    set.path = path ? path : set.path;
    rc = find_all(h, conf, env, &set, &inv, err);
    if (rc == 0 && (rc = rset_ranks(inv.all, &inv.ranks)) < 0)
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
    if (!set.noverify && strcmp(inv.method, "configuration") == 0)
        inv.missing = find_missing(h, env, inv.all);
    *ret = inv;
    return 0;
}

void inventory_finish(struct inventory *inv)
{
    rset_free(inv->all);
    rset_free(inv->usable);
    idset_destroy(inv->ranks);
    idset_destroy(inv->exclude);
    free(inv->missing);
    *inv = (struct inventory){0};
}

static int add_host(const struct inventory *inv, const char *host, struct idset *ids)
{
    bool found = false;

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

int inventory_targets(const struct inventory *inv, const char *targets,
                      struct idset **ret, flux_error_t *err)
{
    CLEANUP(hostlist_destroy_p) struct hostlist *hl = NULL;
    struct idset *ids = idset_decode(targets);
    int rc = 0;

    if (ids) {
        for (unsigned r = idset_first(ids); r != IDSET_INVALID_ID && rc == 0;
             r = idset_next(ids, r))
            if (!rset_find(inv->all, r))
                rc = error_set(err, EINVAL, "rank %u: no such rank (there are %zu)", r,
                               rset_nnodes(inv->all));
    } else if (!(hl = hostlist_decode(targets)) ||
               !(ids = idset_create(0, IDSET_FLAG_AUTOGROW))) {
        rc = error_set(err, EINVAL, "%s: neither ranks nor host names", targets);
    } else {
        for (const char *host = hostlist_first(hl); host && rc == 0;
             host = hostlist_next(hl))
            if ((rc = add_host(inv, host, ids)) < 0)
                rc = error_set(err, EINVAL, "%s: no such host", host);
    }
    if (rc < 0)
        idset_destroy(ids);
    else
        *ret = ids;
    return rc;
}

char *inventory_hosts(const struct inventory *inv, const struct idset *ranks)
{
    CLEANUP(hostlist_destroy_p) struct hostlist *hl = hostlist_create();

    for (unsigned r = idset_first(ranks); hl && r != IDSET_INVALID_ID;
         r = idset_next(ranks, r)) {
        const struct rset_node *n = rset_find(inv->all, r);
        if (n && n->host && hostlist_append(hl, n->host) < 0)
            return NULL;
    }
    return hl ? hostlist_encode(hl) : NULL;
}

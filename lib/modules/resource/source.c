/* Resources that are told; see source.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/attr.h>
#include <flux/hostlist.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "env/file.h"
#include "modules/resource/source.h"

DEFINE_CLEANUP(struct idset *, idset_destroy)
DEFINE_CLEANUP(struct hostlist *, hostlist_destroy)
DEFINE_CLEANUP(struct rset *, rset_free)

#define MAX_R_FILE (64u << 20)
#define MAX_NODES 65536
#define MAX_CORES 65472 /* of one node: what the scheduler can hold */

static struct idset *id_range(unsigned n)
{
    struct idset *ids = idset_create(0, IDSET_FLAG_AUTOGROW);

    if (ids && n > 0 && idset_range_set(ids, 0, n - 1) < 0) {
        idset_destroy(ids);
        return NULL;
    }
    return ids;
}

/* -- made-up resources -- */

/* n alike nodes: rank i is host prefix+i, or the broker's host when prefix is NULL. */
static int add_alike(struct rset *rs, unsigned n, const char *prefix,
                     const struct hosts *hosts, unsigned ncores, unsigned ngpus)
{
    CLEANUP(idset_destroy_p) struct idset *cores = id_range(ncores);
    CLEANUP(idset_destroy_p) struct idset *gpus = id_range(ngpus);
    char name[128];
    int rc = cores && gpus ? 0 : -ENOMEM;

    for (unsigned i = 0; i < n && rc == 0; i++) {
        const char *host = prefix ? name : hosts_name(hosts, i);
        if (prefix)
            snprintf(name, sizeof(name), "%s%u", prefix, i);
        rc = rset_add(rs, i, host ? host : "localhost", cores, ngpus ? gpus : NULL);
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

static int make_test(const struct hosts *hosts, const char *value, struct rset *rs,
                     flux_error_t *err)
{
    char *end;
    long n = strtol(value, &end, 10);

    if (end == value || *end || n < 1 || n > MAX_CORES)
        return error_set(err, EINVAL, "test.cores=%s: not a number from 1 to %d", value,
                         MAX_CORES);
    int rc = add_alike(rs, hosts_size(hosts), NULL, hosts, (unsigned)n, 0);
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

static int make(const struct source_conf *sc, const cJSON *fake, const char *test,
                struct rset *rs, const char **ret_method, flux_error_t *err)
{
    if (fake) {
        *ret_method = SOURCE_FAKE;
        return make_fake(fake, rs, err);
    }
    if (test) {
        *ret_method = SOURCE_TEST;
        return make_test(sc->hosts, test, rs, err);
    }
    *ret_method = SOURCE_CONFIGURED;
    return make_configured(sc->config, rs, err);
}

int source_read(const struct source_conf *sc, struct rset **ret, const char **ret_method,
                flux_error_t *err)
{
    CLEANUP(rset_free_p) struct rset *rs = NULL;
    const char *test = flux_attr_get(sc->h, "test.cores");
    const cJSON *fake = NULL;
    int rc;

    flux_conf_unpack(sc->conf, NULL, "{s?o}", "fake-resources", &fake);
    if (sc->path && !fake) {
        *ret_method = SOURCE_CONFIGURED;
        return read_file(sc->env, sc->path, ret, err);
    }
    *ret = NULL;
    if (!fake && !test && !sc->config)
        return 0;
    if ((rc = rset_new(&rs)) < 0)
        return error_set(err, -rc, "resources: %s", strerror(-rc));
    if ((rc = make(sc, fake, test, rs, ret_method, err)) == 0)
        *ret = TAKE(rs);
    return rc;
}

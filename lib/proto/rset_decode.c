/* Reading R. */
#include "proto/rset_private.h"

#include <errno.h>
#include <flux/hostlist.h>
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"

DEFINE_CLEANUP(struct rset *, rset_free)
DEFINE_CLEANUP(struct idset *, idset_destroy)
DEFINE_CLEANUP(struct hostlist *, hostlist_destroy)

static int read_ids(const cJSON *o, const char *key, struct idset **ret,
                    flux_error_t *err)
{
    const cJSON *item = json_get(o, key);
    const char *s = json_str(item);

    if (!item)
        return 0;
    if (!s || !(*ret = idset_decode(s)))
        return error_set(err, EINVAL, "R: %s '%.60s' is not an idset", key, s ? s : "");
    return 0;
}

static int read_entry(struct rset *rs, const cJSON *entry, flux_error_t *err)
{
    CLEANUP(idset_destroy_p) struct idset *ranks = NULL;
    CLEANUP(idset_destroy_p) struct idset *cores = NULL;
    CLEANUP(idset_destroy_p) struct idset *gpus = NULL;
    const cJSON *children = json_get(entry, "children");
    int rc;

    if (!cJSON_IsObject(children) || !json_get(entry, "rank"))
        return error_set(err, EINVAL, "R: an entry of R_lite needs rank and children");
    if ((rc = read_ids(entry, "rank", &ranks, err)) < 0 ||
        (rc = read_ids(children, "core", &cores, err)) < 0 ||
        (rc = read_ids(children, "gpu", &gpus, err)) < 0)
        return rc;
    /* Before memory is taken: a short text can stand for a great many ids. */
    if (rs->ids + idset_count(ranks) * rset_cost(cores, gpus) > RSET_IDS_MAX ||
        rs->n + idset_count(ranks) > RSET_NODES_MAX)
        return error_set(err, EFBIG, "R: too many resources");
    for (unsigned r = idset_first(ranks); r != IDSET_INVALID_ID; r = idset_next(ranks, r))
        if ((rc = rset_add(rs, r, NULL, cores, gpus)) < 0)
            return rc;
    return 0;
}

static int read_hosts(const cJSON *list, struct hostlist *hl, flux_error_t *err)
{
    const cJSON *item;

    if (!cJSON_IsArray(list))
        return error_set(err, EINVAL, "R: nodelist is not an array");
    cJSON_ArrayForEach(item, list)
    {
        const char *s = json_str(item);

        if (!s || hostlist_append(hl, s) < 0)
            return error_set(err, EINVAL, "R: malformed nodelist");
        if (hostlist_count(hl) > RSET_NODES_MAX)
            return error_set(err, EFBIG, "R: too many hosts in nodelist");
    }
    return 0;
}

static int read_nodelist(struct rset *rs, const cJSON *list, flux_error_t *err)
{
    CLEANUP(hostlist_destroy_p) struct hostlist *hl = hostlist_create();
    const char *host;
    int rc;

    if (!list)
        return 0;
    if (!hl)
        return -ENOMEM;
    if ((rc = read_hosts(list, hl, err)) < 0)
        return rc;
    if ((size_t)hostlist_count(hl) != rs->n)
        return error_set(err, EINVAL, "R: %d hosts in nodelist, but %zu ranks",
                         hostlist_count(hl), rs->n);
    host = hostlist_first(hl);
    for (size_t i = 0; host && i < rs->n; i++, host = hostlist_next(hl))
        if (!(rs->nodes[i].host = strdup(host)))
            return -ENOMEM;
    return 0;
}

static int read_time(const cJSON *o, const char *key, double *ret, flux_error_t *err)
{
    const cJSON *item = json_get(o, key);

    *ret = 0;
    if (item && (json_real(item, ret) < 0 || !isfinite(*ret) || *ret < 0))
        return error_set(err, EINVAL, "R: %s is not a time", key);
    return 0;
}

static int read_numbers(struct rset *rs, const cJSON *execution, flux_error_t *err)
{
    const cJSON *item = json_get(execution, "nslots");
    double starttime, expiration;
    int64_t nslots = 0;
    int rc;

    if ((rc = read_time(execution, "starttime", &starttime, err)) < 0 ||
        (rc = read_time(execution, "expiration", &expiration, err)) < 0)
        return rc;
    if (rset_set_times(rs, starttime, expiration) < 0)
        return error_set(err, EINVAL, "R: expiration is not after starttime");
    if (item && (json_int64(item, &nslots) < 0 || nslots < 0 || nslots > INT32_MAX))
        return error_set(err, EINVAL, "R: nslots is not a positive integer");
    rs->head.nslots = nslots;
    return 0;
}

static int read_properties(struct rset *rs, const cJSON *properties, flux_error_t *err)
{
    const cJSON *item;

    if (!properties)
        return 0;
    if (!cJSON_IsObject(properties))
        return error_set(err, EINVAL, "R: properties is not an object");
    cJSON_ArrayForEach(item, properties)
    {
        const char *s = json_str(item);

        if (!*item->string || !s || idset_decode_info(s, -1, NULL, NULL, NULL) < 0)
            return error_set(err, EINVAL, "R: property '%.40s' is not an idset of ranks",
                             item->string);
    }
    return rset_set_properties(rs, properties);
}

static int read_execution(struct rset *rs, const cJSON *execution, flux_error_t *err)
{
    const cJSON *r_lite = json_get(execution, "R_lite"), *entry;
    int rc;

    if (!cJSON_IsArray(r_lite))
        return error_set(err, EINVAL, "R: execution.R_lite is not an array");
    cJSON_ArrayForEach(entry, r_lite)
    {
        if ((rc = read_entry(rs, entry, err)) < 0)
            return rc;
    }
    if ((rc = read_nodelist(rs, json_get(execution, "nodelist"), err)) < 0 ||
        (rc = read_numbers(rs, execution, err)) < 0)
        return rc;
    return read_properties(rs, json_get(execution, "properties"), err);
}

int rset_decode(const cJSON *R, struct rset **ret, flux_error_t *err)
{
    CLEANUP(rset_free_p) struct rset *rs = NULL;
    const cJSON *scheduling = json_get(R, "scheduling");
    int64_t version;
    int rc;

    if (json_int64(json_get(R, "version"), &version) < 0 || version != 1)
        return error_set(err, EINVAL, "R: version is not 1");
    if ((rc = rset_new(&rs)) < 0 ||
        (rc = read_execution(rs, json_get(R, "execution"), err)) < 0)
        return rc;
    if (scheduling && !(rs->scheduling = json_copy(scheduling)))
        return -ENOMEM;
    rs->head.scheduling = rs->scheduling;
    *ret = TAKE(rs);
    return 0;
}

int rset_parse(const char *text, size_t len, struct rset **ret, flux_error_t *err)
{
    struct json_limits limits = json_limits_default;
    cJSON *R;
    int rc;

    if ((rc = json_parse(text, len, &limits, &R, err)) < 0)
        return rc;
    rc = rset_decode(R, ret, err);
    json_free(R);
    return rc;
}

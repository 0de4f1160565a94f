/* A PMI client that is alone: what it puts is what it gets. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/map.h"
#include "pmi/client_impl.h"

struct single_client {
    struct pmi_client base;
    struct map *kvs;
};

static struct map *kvs_of(struct pmi_client *c)
{
    return ((struct single_client *)c)->kvs;
}

static int single_put(struct pmi_client *c, const char *key, const char *value,
                      flux_error_t *err)
{
    char *copy;

    if (!pmi_key_ok(key, PMI_KEYLEN_MAX) || !pmi_value_ok(value, PMI_VALLEN_MAX))
        return error_set(err, EINVAL, "PMI: put %s: bad key or value", key);
    if (!(copy = strdup(value)) || map_set(kvs_of(c), key, copy) < 0) {
        free(copy);
        return error_set(err, ENOMEM, "out of memory");
    }
    return 0;
}

static int single_barrier(struct pmi_client *c, flux_error_t *err)
{
    return 0;
}

static int single_get(struct pmi_client *c, const char *key, char **ret,
                      flux_error_t *err)
{
    const char *value = map_get(kvs_of(c), key);
    char *copy;

    if (!value)
        return error_set(err, ENOENT, "PMI: there is no key %s", key);
    if (!(copy = strdup(value)))
        return error_set(err, ENOMEM, "out of memory");
    *ret = copy;
    return 0;
}

static int single_finalize(struct pmi_client *c, flux_error_t *err)
{
    return 0;
}

static void single_free(struct pmi_client *c)
{
    map_free(kvs_of(c));
    free(c);
}

static const struct pmi_client_ops single_ops = {
    .put = single_put,
    .barrier = single_barrier,
    .get = single_get,
    .finalize = single_finalize,
    .free = single_free,
};

int pmi_client_single(struct pmi_client **ret)
{
    struct single_client *c = calloc(1, sizeof(*c));

    if (!c || !(c->kvs = map_new(free))) {
        free(c);
        return -ENOMEM;
    }
    c->base.ops = &single_ops;
    c->base.facts = (struct pmi_facts){.size = 1,
                                       .universe_size = 1,
                                       .keylen_max = PMI_KEYLEN_MAX,
                                       .vallen_max = PMI_VALLEN_MAX,
                                       .kvsname = "singleton"};
    *ret = &c->base;
    return 0;
}

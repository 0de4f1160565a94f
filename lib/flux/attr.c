/* Broker attributes, with a cache of the values that cannot change. */
#include <flux/attr.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/future.h>
#include <flux/rpc.h>

#include "base/error.h"
#include "base/map.h"
#include "flux/handle_private.h"

#define AUX_NAME "flux::attr"
#define FLAG_IMMUTABLE 1 /* in the answer of attr.get */

struct value {
    bool final;
    char text[];
};

struct cache {
    struct map *values; /* name -> struct value */
    size_t cursor;
};

static int fail(int errnum)
{
    errno = errnum;
    return -1;
}

static void cache_free(void *arg)
{
    struct cache *c = arg;

    if (!c)
        return;
    map_free(c->values);
    free(c);
}

static struct cache *cache_get(flux_t *h)
{
    struct cache *c = flux_aux_get(h->root, AUX_NAME);

    if (c)
        return c;
    if (!(c = calloc(1, sizeof(*c))))
        return NULL;
    c->values = map_new(free);
    if (!c->values || flux_aux_set(h->root, AUX_NAME, c, cache_free) < 0) {
        cache_free(c);
        errno = ENOMEM;
        return NULL;
    }
    return c;
}

static int cache_put(struct cache *c, const char *name, const char *text, bool final)
{
    struct value *old = map_get(c->values, name);
    struct value *v;

    if (old && strcmp(old->text, text) == 0) {
        old->final = final;
        return 0;
    }
    if (!(v = malloc(sizeof(*v) + strlen(text) + 1)))
        return -ENOMEM;
    v->final = final;
    strcpy(v->text, text);
    if (map_set(c->values, name, v) < 0) {
        free(v);
        return -ENOMEM;
    }
    return 0;
}

static const char *ask(flux_t *h, struct cache *c, const char *name)
{
    flux_future_t *f;
    const char *text;
    struct value *v = NULL;
    int flags = 0;

    if (!(f = flux_rpc_pack(h, "attr.get", FLUX_NODEID_ANY, 0, "{s:s}", "name", name)))
        return NULL;
    if (flux_rpc_get_unpack(f, "{s:s s?i}", "value", &text, "flags", &flags) == 0) {
        if (cache_put(c, name, text, flags & FLAG_IMMUTABLE) < 0)
            errno = ENOMEM;
        else
            v = map_get(c->values, name);
    }
    flux_future_destroy(f);
    return v ? v->text : NULL;
}

const char *flux_attr_get(flux_t *h, const char *name)
{
    struct cache *c;
    struct value *v;

    if (!h || !name) {
        errno = EINVAL;
        return NULL;
    }
    if (!(c = cache_get(h)))
        return NULL;
    if ((v = map_get(c->values, name)) && v->final)
        return v->text;
    return ask(h, c, name);
}

static flux_future_t *set_rpc(flux_t *h, const char *name, const char *val, bool force)
{
    if (!val)
        return flux_rpc_pack(h, "attr.rm", FLUX_NODEID_ANY, 0, "{s:s}", "name", name);
    if (force)
        return flux_rpc_pack(h, "attr.set", FLUX_NODEID_ANY, 0, "{s:s s:s s:b}", "name",
                             name, "value", val, "force", 1);
    return flux_rpc_pack(h, "attr.set", FLUX_NODEID_ANY, 0, "{s:s s:s}", "name", name,
                         "value", val);
}

/* After a change. What is not final is asked for each time anyway. */
static void forget(struct cache *c, const char *name)
{
    struct value *v = map_get(c->values, name);

    if (v && v->final)
        map_del(c->values, name);
}

int flux_attr_set_ex(flux_t *h, const char *name, const char *val, bool force,
                     flux_error_t *errp)
{
    flux_future_t *f;
    struct cache *c;
    int rc;

    if (!h || !name)
        return fail(-error_set(errp, EINVAL, "no handle or no name"));
    if (!(c = cache_get(h)) || !(f = set_rpc(h, name, val, force)))
        return fail(-error_set(errp, errno, "%s", strerror(errno)));
    if ((rc = flux_future_get(f, NULL)) < 0)
        error_set(errp, errno, "%s: %s", name, flux_future_error_string(f));
    else
        forget(c, name);
    flux_future_destroy(f);
    return rc;
}

int flux_attr_set(flux_t *h, const char *name, const char *val)
{
    return flux_attr_set_ex(h, name, val, false, NULL);
}

int flux_attr_set_cacheonly(flux_t *h, const char *name, const char *val)
{
    struct cache *c;
    int rc;

    if (!h || !name)
        return fail(EINVAL);
    if (!(c = cache_get(h)))
        return -1;
    if (!val) {
        map_del(c->values, name);
        return 0;
    }
    rc = cache_put(c, name, val, true);
    return rc < 0 ? fail(-rc) : 0;
}

const char *flux_attr_cache_first(flux_t *h)
{
    struct cache *c = h ? cache_get(h) : NULL;

    if (!c)
        return NULL;
    c->cursor = 0;
    return flux_attr_cache_next(h);
}

const char *flux_attr_cache_next(flux_t *h)
{
    struct cache *c = h ? cache_get(h) : NULL;
    const char *name;

    return c && map_next(c->values, &c->cursor, &name, NULL) ? name : NULL;
}

static int get_uint32(flux_t *h, const char *name, uint32_t *ret)
{
    const char *text;
    unsigned long n;
    char *end;

    if (!h || !ret)
        return fail(EINVAL);
    if (!(text = flux_attr_get(h, name)))
        return -1;
    errno = 0;
    n = strtoul(text, &end, 10);
    if (errno || end == text || *end || n > UINT32_MAX)
        return fail(EPROTO);
    *ret = (uint32_t)n;
    return 0;
}

int flux_get_size(flux_t *h, uint32_t *size)
{
    return get_uint32(h, "size", size);
}

int flux_get_rank(flux_t *h, uint32_t *rank)
{
    return get_uint32(h, "rank", rank);
}

int flux_get_instance_starttime(flux_t *h, double *starttime)
{
    const char *text;
    flux_future_t *f;
    char *end;
    int rc = -1;

    if (!h || !starttime)
        return fail(EINVAL);
    f = flux_rpc_pack(h, "attr.get", 0, 0, "{s:s}", "name", "broker.starttime");
    if (f && flux_rpc_get_unpack(f, "{s:s}", "value", &text) == 0) {
        double t = strtod(text, &end);

        rc = end == text || *end ? fail(EPROTO) : 0;
        if (rc == 0)
            *starttime = t;
    }
    flux_future_destroy(f);
    return rc;
}

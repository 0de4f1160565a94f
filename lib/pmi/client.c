/* PMI clients: the calls common to all, and the one over the wire. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "pmi/client_impl.h"

const struct pmi_facts *pmi_client_facts(const struct pmi_client *c)
{
    return &c->facts;
}

int pmi_client_put(struct pmi_client *c, const char *key, const char *value,
                   flux_error_t *err)
{
    return c->ops->put(c, key, value, err);
}

int pmi_client_barrier(struct pmi_client *c, flux_error_t *err)
{
    return c->ops->barrier(c, err);
}

int pmi_client_get(struct pmi_client *c, const char *key, char **ret, flux_error_t *err)
{
    return c->ops->get(c, key, ret, err);
}

int pmi_client_finalize(struct pmi_client *c, flux_error_t *err)
{
    return c->ops->finalize(c, err);
}

void pmi_client_free(struct pmi_client *c)
{
    if (c)
        c->ops->free(c);
}

/* ---- over the wire ---- */

struct wire_client {
    struct pmi_client base;
    struct pmi_wire wire;
};

static struct pmi_wire *wire_of(struct pmi_client *c)
{
    return &((struct wire_client *)c)->wire;
}

static int wire_put(struct pmi_client *c, const char *key, const char *value,
                    flux_error_t *err)
{
    return pmi_wire_put(wire_of(c), key, value, err);
}

static int wire_barrier(struct pmi_client *c, flux_error_t *err)
{
    return pmi_wire_barrier(wire_of(c), err);
}

static int wire_get(struct pmi_client *c, const char *key, char **ret, flux_error_t *err)
{
    const char *value;
    char *copy;
    int rc = pmi_wire_get(wire_of(c), key, &value, err);

    if (rc < 0)
        return rc;
    if (!(copy = strdup(value)))
        return error_set(err, ENOMEM, "out of memory");
    *ret = copy;
    return 0;
}

static int wire_finalize(struct pmi_client *c, flux_error_t *err)
{
    return pmi_wire_finalize(wire_of(c), err);
}

static void wire_free(struct pmi_client *c)
{
    close(wire_of(c)->fd);
    free(c);
}

static const struct pmi_client_ops wire_ops = {
    .put = wire_put,
    .barrier = wire_barrier,
    .get = wire_get,
    .finalize = wire_finalize,
    .free = wire_free,
};

int pmi_client_wire(int fd, int rank, int size, pmi_trace_f trace, void *arg,
                    struct pmi_client **ret, flux_error_t *err)
{
    struct wire_client *c = calloc(1, sizeof(*c));
    struct pmi_wire *w;
    int rc;

    if (!c)
        return error_set(err, ENOMEM, "out of memory");
    w = &c->wire;
    if ((rc = pmi_wire_init(w, fd, rank, size, trace, arg, err)) < 0) {
        free(c);
        return rc;
    }
    c->base.ops = &wire_ops;
    c->base.facts = (struct pmi_facts){.rank = rank,
                                       .size = size,
                                       .appnum = w->appnum,
                                       .universe_size = w->universe_size,
                                       .keylen_max = w->keylen_max,
                                       .vallen_max = w->vallen_max};
    strcpy(c->base.facts.kvsname, w->kvsname);
    *ret = &c->base;
    return 0;
}

struct pmi_wire *pmi_client_get_wire(struct pmi_client *c)
{
    return c->ops == &wire_ops ? wire_of(c) : NULL;
}

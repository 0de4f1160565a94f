/* Request classes; see shape.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sched/engine/shape.h"

static uint64_t hash_bytes(uint64_t h, const void *data, size_t len)
{
    const unsigned char *p = data;

    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * 0x100000001b3ull;
    return h;
}

static uint64_t request_hash(const struct request *r)
{
    uint32_t head[5] = {r->nnodes, r->nslots, r->cores, r->gpus, r->flags};
    uint64_t h = hash_bytes(0xcbf29ce484222325ull, head, sizeof(head));

    for (int i = 0; i < FLUX_SCHED_DIMS; i++)
        if (r->extra[i])
            h = hash_bytes(h + (uint64_t)i, &r->extra[i], sizeof(r->extra[i]));
    if (r->constraint)
        h = hash_bytes(h, r->constraint, strlen(r->constraint));
    return h ^ h >> 31;
}

static bool request_equal(const struct request *a, const struct request *b)
{
    if (a->nnodes != b->nnodes || a->nslots != b->nslots || a->cores != b->cores ||
        a->gpus != b->gpus || a->flags != b->flags ||
        memcmp(a->extra, b->extra, sizeof(a->extra)) != 0)
        return false;
    if (!a->constraint || !b->constraint)
        return a->constraint == b->constraint;
    return strcmp(a->constraint, b->constraint) == 0;
}

static int rehash(struct shapes *t, uint32_t nbuckets)
{
    uint32_t *mem = calloc(nbuckets, sizeof(*mem));

    if (!mem)
        return -ENOMEM;
    free(t->bucket);
    t->bucket = mem;
    t->nbuckets = nbuckets;
    for (uint32_t id = 1; id < t->n; id++) {
        struct shape *s = &t->shape[id];
        if (s->refs == 0)
            continue;
        uint32_t *b = &t->bucket[s->hash & (nbuckets - 1)];
        s->next = *b;
        *b = id;
    }
    return 0;
}

static int make_room(struct shapes *t)
{
    uint32_t room = t->room ? t->room * 2 : 16;
    struct shape *shape = realloc(t->shape, room * sizeof(*shape));

    if (!shape)
        return -ENOMEM;
    t->shape = shape;
    uint32_t *active = realloc(t->active, room * sizeof(*active));
    if (!active)
        return -ENOMEM;
    t->active = active;
    t->room = room;
    if (t->n == 0)
        t->n = 1;
    return rehash(t, room);
}

static uint32_t find(const struct shapes *t, const struct request *req, uint64_t hash)
{
    uint32_t id = t->nbuckets ? t->bucket[hash & (t->nbuckets - 1)] : 0;

    while (id && !(t->shape[id].hash == hash && request_equal(&t->shape[id].req, req)))
        id = t->shape[id].next;
    return id;
}

/* Amounts on one node; a product beyond any node stays beyond any node. */
static uint32_t product(uint32_t a, uint32_t b)
{
    uint64_t x = (uint64_t)a * b;

    return x > INT32_MAX ? INT32_MAX : (uint32_t)x;
}

int64_t shape_intern(struct shapes *t, const struct request *req, bool *fresh)
{
    uint64_t hash = request_hash(req);
    uint32_t id = find(t, req, hash);

    *fresh = id == 0;
    if (id) {
        t->shape[id].refs++;
        return id;
    }
    char *constraint = req->constraint ? strdup(req->constraint) : NULL;
    if (req->constraint && !constraint)
        return -ENOMEM;
    if (!t->free && t->n >= t->room && make_room(t) < 0) {
        free(constraint);
        return -ENOMEM;
    }
    id = t->free ? t->free : t->n++;
    struct shape *s = &t->shape[id];
    if (t->free == id)
        t->free = s->next;
    *s = (struct shape){.req = *req, .hash = hash, .refs = 1};
    s->req.constraint = constraint;
    if (req->nnodes) {
        uint32_t per_node = (req->nslots + req->nnodes - 1) / req->nnodes;
        s->node_cores = product(per_node, req->cores);
        s->node_gpus = product(per_node, req->gpus);
    }
    s->next = t->bucket[hash & (t->nbuckets - 1)];
    t->bucket[hash & (t->nbuckets - 1)] = id;
    return id;
}

void shape_unref(struct shapes *t, uint32_t id)
{
    struct shape *s = &t->shape[id];

    if (--s->refs > 0)
        return;
    uint32_t *link = &t->bucket[s->hash & (t->nbuckets - 1)];
    while (*link != id)
        link = &t->shape[*link].next;
    *link = s->next;
    free((char *)s->req.constraint);
    free(s->mask);
    *s = (struct shape){.next = t->free};
    t->free = id;
}

void shape_refit(struct shape *s, uint64_t *mask)
{
    bool mask_or_extra = mask != NULL;

    free(s->mask);
    s->mask = mask;
    s->stamp = 0;
    s->satisfiable = false;
    s->kind = SHAPE_OTHER;
    for (int i = 0; i < FLUX_SCHED_DIMS; i++)
        if (s->req.extra[i])
            mask_or_extra = true;
    if (mask_or_extra)
        return;
    if (shape_exclusive(s))
        s->kind = SHAPE_WHOLE;
    else if (!s->req.nnodes && s->req.cores == 1 && !s->req.gpus)
        s->kind = SHAPE_UNIT;
}

void shape_set_active(struct shapes *t, uint32_t id, bool active)
{
    struct shape *s = &t->shape[id];

    if (active) {
        t->active[t->nactive++] = id;
        s->active = t->nactive;
    } else {
        uint32_t last = t->active[--t->nactive];
        t->active[s->active - 1] = last;
        t->shape[last].active = s->active;
        s->active = 0;
    }
}

void shapes_finish(struct shapes *t)
{
    for (uint32_t id = 1; id < t->n; id++) {
        free((char *)t->shape[id].req.constraint);
        free(t->shape[id].mask);
    }
    free(t->shape);
    free(t->bucket);
    free(t->active);
    *t = (struct shapes){0};
}

/* -- can it ever run? -- */

/* What the eligible nodes could hold. */
struct capacity {
    uint64_t nodes; /* eligible */
    uint64_t fit;   /* nodes that hold the share of a node; else slots in total */
    uint64_t cores, gpus;
    uint32_t max_cores, max_gpus; /* of one node */
};

static uint64_t slots_of(const struct shape *s, const struct rpool_node *n)
{
    uint64_t by_cores = s->req.cores ? n->ncores / s->req.cores : UINT32_MAX;
    uint64_t by_gpus = s->req.gpus ? n->ngpus / s->req.gpus : UINT32_MAX;

    return by_cores < by_gpus ? by_cores : by_gpus;
}

static struct capacity measure(const struct shape *s, const struct rpool *p)
{
    struct capacity c = {0};

    for (uint32_t i = 0; i < p->nnodes; i++) {
        const struct rpool_node *n = &p->node[i];
        if (!shape_eligible(s, i))
            continue;
        c.nodes++;
        c.cores += n->ncores;
        c.gpus += n->ngpus;
        c.max_cores = n->ncores > c.max_cores ? n->ncores : c.max_cores;
        c.max_gpus = n->ngpus > c.max_gpus ? n->ngpus : c.max_gpus;
        if (!s->req.nnodes)
            c.fit += slots_of(s, n);
        else if (n->ncores >= s->node_cores && n->ngpus >= s->node_gpus)
            c.fit++;
    }
    return c;
}

static int refuse(char *why, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static int refuse(char *why, size_t size, const char *fmt, ...)
{
    static const char prefix[] = "unsatisfiable request: ";
    va_list ap;

    if (!why || size < sizeof(prefix))
        return -ENOSPC;
    memcpy(why, prefix, sizeof(prefix));
    va_start(ap, fmt);
    vsnprintf(why + sizeof(prefix) - 1, size - sizeof(prefix) + 1, fmt, ap);
    va_end(ap);
    return -ENOSPC;
}

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

int shape_satisfiable(const struct shape *s, const struct rpool *p, char *why,
                      size_t size)
{
    const struct request *r = &s->req;
    struct capacity c = measure(s, p);
    uint64_t cores = (uint64_t)r->nslots * r->cores, gpus = (uint64_t)r->nslots * r->gpus;
    const char *where = s->mask ? " within the constraints" : "";

    if (c.fit >= (r->nnodes ? r->nnodes : r->nslots))
        return 0;
    if (c.nodes == 0)
        return refuse(why, size, "this instance has no node%s", where);
    if (r->nnodes > c.nodes)
        return refuse(why, size, "%u nodes requested, this instance has %llu%s",
                      r->nnodes, (unsigned long long)c.nodes, where);
    if (gpus > c.gpus)
        return refuse(why, size, "%llu gpu%s requested, this instance has %llu%s",
                      (unsigned long long)gpus, plural(gpus), (unsigned long long)c.gpus,
                      where);
    if (cores > c.cores)
        return refuse(why, size, "%llu core%s requested, this instance has %llu%s",
                      (unsigned long long)cores, plural(cores),
                      (unsigned long long)c.cores, where);
    uint32_t one_cores = r->nnodes ? s->node_cores : r->cores;
    uint32_t one_gpus = r->nnodes ? s->node_gpus : r->gpus;
    const char *one = r->nnodes ? "node" : "slot";
    if (one_cores > c.max_cores)
        return refuse(why, size,
                      "%u cores for each %s requested, the largest node has %u%s",
                      one_cores, one, c.max_cores, where);
    if (one_gpus > c.max_gpus)
        return refuse(why, size,
                      "%u gpus for each %s requested, the largest node has %u%s",
                      one_gpus, one, c.max_gpus, where);
    return refuse(
        why, size,
        "%u %s%s of %u core%s and %u gpu%s requested, this instance holds %llu%s",
        r->nnodes ? r->nnodes : r->nslots, one, plural(r->nnodes ? r->nnodes : r->nslots),
        one_cores, plural(one_cores), one_gpus, plural(one_gpus),
        (unsigned long long)c.fit, where);
}

/* Links and what is charged on them; see link.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sched/engine/link.h"

int link_dim(struct links *ls, const char *name, bool create)
{
    for (int i = 0; i < ls->ndims; i++)
        if (strcmp(ls->dim[i], name) == 0)
            return i;
    if (!create)
        return -ENOENT;
    if (ls->ndims == FLUX_SCHED_DIMS)
        return -ENOSPC;
    if (!(ls->dim[ls->ndims] = strdup(name)))
        return -ENOMEM;
    return ls->ndims++;
}

int link_add(struct links *ls, int32_t parent, int64_t capacity)
{
    struct profile profile;

    if (parent < -1 || parent >= ls->n || capacity < 0)
        return -EINVAL;
    void *mem = realloc(ls->link, ((size_t)ls->n + 1) * sizeof(*ls->link));
    if (!mem)
        return -ENOMEM;
    ls->link = mem;
    int rc = profile_init(&profile, 0, capacity);
    if (rc < 0)
        return rc;
    ls->link[ls->n] = (struct link){parent, capacity, 0, profile};
    return ls->n++;
}

int link_attach(struct links *ls, int dim, uint32_t node, uint32_t nnodes, int32_t link)
{
    if (dim < 0 || dim >= ls->ndims || link >= ls->n || node >= nnodes)
        return -EINVAL;
    if (!ls->leaf[dim]) {
        if (!(ls->leaf[dim] = malloc(nnodes * sizeof(int32_t))))
            return -ENOMEM;
        memset(ls->leaf[dim], 0xff, nnodes * sizeof(int32_t));
    }
    ls->nnodes = nnodes;
    ls->leaf[dim][node] = link;
    return 0;
}

static int32_t leaf_of(const struct links *ls, int dim, uint32_t node)
{
    if (dim < 0 || dim >= ls->ndims || !ls->leaf[dim] || node >= ls->nnodes)
        return -1;
    return ls->leaf[dim][node];
}

int64_t link_spare(const struct links *ls, int dim, uint32_t node, int64_t t0, int64_t t1)
{
    int64_t least = INT64_MAX;

    for (int32_t i = leaf_of(ls, dim, node); i >= 0; i = ls->link[i].parent) {
        const struct link *l = &ls->link[i];
        int64_t spare = profile_min(&l->profile, t0, t1) - l->held;
        least = spare < least ? spare : least;
    }
    return least;
}

int link_charge(struct links *ls, int dim, uint32_t node, int64_t t0, int64_t t1,
                int64_t amount)
{
    for (int32_t i = leaf_of(ls, dim, node); i >= 0; i = ls->link[i].parent) {
        int rc = profile_add(&ls->link[i].profile, t0, t1, -amount);
        if (rc == 0)
            continue;
        for (int32_t k = leaf_of(ls, dim, node); k != i; k = ls->link[k].parent)
            profile_add(&ls->link[k].profile, t0, t1, amount);
        return rc;
    }
    return 0;
}

void link_hold(struct links *ls, int dim, uint32_t node, int64_t amount)
{
    for (int32_t i = leaf_of(ls, dim, node); i >= 0; i = ls->link[i].parent)
        ls->link[i].held += amount;
}

void link_unhold(struct links *ls)
{
    for (int32_t i = 0; i < ls->n; i++)
        ls->link[i].held = 0;
}

void link_advance(struct links *ls, int64_t t)
{
    for (int32_t i = 0; i < ls->n; i++)
        profile_advance(&ls->link[i].profile, t);
}

void links_finish(struct links *ls)
{
    for (int32_t i = 0; i < ls->n; i++)
        profile_finish(&ls->link[i].profile);
    free(ls->link);
    for (int i = 0; i < ls->ndims; i++) {
        free(ls->dim[i]);
        free(ls->leaf[i]);
    }
    *ls = (struct links){0};
}

/* The shape of the tree (topo.h): a table of parents, and what follows from it. A
 * parent's rank is below its children's, so one pass up or down the ranks reaches all.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "overlay/topo.h"

struct node {
    uint32_t parent;
    uint32_t first_child, next_sibling;
    uint32_t descendants; /* without itself */
    uint32_t level;
};

struct topo {
    uint32_t size;
    uint32_t maxlevel;
    struct node nodes[];
};

typedef uint32_t (*parent_f)(uint32_t rank, const void *arg);

static uint32_t kary_parent(uint32_t rank, const void *arg)
{
    uint32_t k = *(const uint32_t *)arg;
    return (rank - 1) / k;
}

/* The rank without its lowest bit: a subtree is a range of ranks. */
static uint32_t binomial_parent(uint32_t rank, const void *arg)
{
    return rank & (rank - 1);
}

static uint32_t custom_parent(uint32_t rank, const void *arg)
{
    return ((const uint32_t *)arg)[rank];
}

/* From the last rank to the first, so that lists of children are in order and a rank's
 * descendants are counted when it is its turn. */
static void connect_up(struct topo *t)
{
    for (uint32_t rank = t->size; --rank > 0;) {
        struct node *n = &t->nodes[rank], *up = &t->nodes[n->parent];
        n->next_sibling = up->first_child;
        up->first_child = rank;
        up->descendants += 1 + n->descendants;
    }
}

static void number_levels(struct topo *t)
{
    for (uint32_t rank = 1; rank < t->size; rank++) {
        struct node *n = &t->nodes[rank];
        n->level = t->nodes[n->parent].level + 1;
        if (n->level > t->maxlevel)
            t->maxlevel = n->level;
    }
}

static int make(uint32_t size, parent_f parent, const void *arg, struct topo **ret)
{
    struct topo *t = calloc(1, sizeof(*t) + size * sizeof(t->nodes[0]));
    if (!t)
        return -ENOMEM;
    t->size = size;
    for (uint32_t rank = 0; rank < size; rank++) {
        struct node *n = &t->nodes[rank];
        n->parent = rank > 0 ? parent(rank, arg) : TOPO_NONE;
        n->first_child = n->next_sibling = TOPO_NONE;
    }
    connect_up(t);
    number_levels(t);
    *ret = t;
    return 0;
}

/* "kary:K"; 0 is a flat tree. */
static int parse_kary(const char *spec, uint32_t *ret)
{
    char *end;
    if (strncmp(spec, "kary:", 5) != 0 || spec[5] < '0' || spec[5] > '9')
        return -EINVAL;
    errno = 0;
    unsigned long k = strtoul(spec + 5, &end, 10);
    if (errno || *end || k >= UINT32_MAX)
        return -EINVAL;
    *ret = k ? (uint32_t)k : UINT32_MAX;
    return 0;
}

int topo_new(const char *spec, uint32_t size, struct topo **ret, flux_error_t *err)
{
    uint32_t k;
    if (size == 0 || size == TOPO_NONE)
        return error_set(err, EINVAL, "a tree cannot have %u ranks", size);
    if (parse_kary(spec, &k) == 0)
        return make(size, kary_parent, &k, ret);
    if (strcmp(spec, "binomial") == 0)
        return make(size, binomial_parent, NULL, ret);
    if (strcmp(spec, "custom") == 0)
        return error_set(err, EINVAL, "topology 'custom' needs the parent of each rank");
    return error_set(err, EINVAL, "no such topology '%s' (kary:K, binomial, custom)",
                     spec);
}

int topo_new_custom(const uint32_t *parents, uint32_t size, struct topo **ret,
                    flux_error_t *err)
{
    if (size == 0 || size == TOPO_NONE)
        return error_set(err, EINVAL, "a tree cannot have %u ranks", size);
    for (uint32_t rank = 1; rank < size; rank++) {
        if (parents[rank] >= rank)
            return error_set(err, EINVAL,
                             "rank %u: its parent must be a lower rank, not %u", rank,
                             parents[rank]);
    }
    return make(size, custom_parent, parents, ret);
}

void topo_free(struct topo *t)
{
    free(t);
}

uint32_t topo_size(const struct topo *t)
{
    return t->size;
}

uint32_t topo_parent(const struct topo *t, uint32_t rank)
{
    return rank < t->size ? t->nodes[rank].parent : TOPO_NONE;
}

uint32_t topo_toward(const struct topo *t, uint32_t rank, uint32_t dest)
{
    if (dest >= t->size)
        return TOPO_NONE;
    while (dest > rank && t->nodes[dest].parent != rank)
        dest = t->nodes[dest].parent;
    return dest > rank ? dest : TOPO_NONE;
}

uint32_t topo_next_child(const struct topo *t, uint32_t rank, uint32_t after)
{
    if (rank >= t->size)
        return TOPO_NONE;
    if (after == TOPO_NONE)
        return t->nodes[rank].first_child;
    if (topo_parent(t, after) == rank)
        return t->nodes[after].next_sibling;
    uint32_t child = t->nodes[rank].first_child;
    while (child != TOPO_NONE && child <= after)
        child = t->nodes[child].next_sibling;
    return child;
}

bool topo_has_children(const struct topo *t, uint32_t rank)
{
    return rank < t->size && t->nodes[rank].first_child != TOPO_NONE;
}

unsigned topo_level(const struct topo *t, uint32_t rank)
{
    return rank < t->size ? t->nodes[rank].level : 0;
}

unsigned topo_maxlevel(const struct topo *t)
{
    return t->maxlevel;
}

uint32_t topo_descendants(const struct topo *t, uint32_t rank)
{
    return rank < t->size ? t->nodes[rank].descendants : 0;
}

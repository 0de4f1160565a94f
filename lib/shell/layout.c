/* Which node runs which tasks: see layout.h. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "pmi/mapping.h"
#include "shell/layout.h"

/* The slots that a node holds: as the jobspec says, or as many as its cores make. */
static uint64_t slots_of(const struct rset *rs, size_t i,
                         const struct jobspec_shape *shape)
{
    const struct rset_node *node = rset_node(rs, i);
    if (shape->slots_per_node > 0)
        return shape->slots_per_node;
    size_t cores = node && node->cores ? idset_count(node->cores) : 0;
    if (shape->cores_per_slot > 0)
        cores /= shape->cores_per_slot;
    return cores > 0 ? cores : 1;
}

struct share {
    uint64_t rest; /* of the division */
    unsigned node;
};

/* Greater rests first, then lower nodes. */
static int compare_shares(const void *a, const void *b)
{
    const struct share *x = a, *y = b;
    if (x->rest != y->rest)
        return x->rest > y->rest ? -1 : 1;
    return x->node < y->node ? -1 : x->node > y->node;
}

/* Each node gets ntasks * slots / all slots; what the divisions leave over goes to the
 * nodes that they cut shortest. */
static int distribute(const struct rset *rs, const struct jobspec_shape *shape,
                      struct layout *l)
{
    AUTOFREE struct share *shares = calloc(l->nnodes, sizeof(*shares));
    uint64_t all = 0;
    unsigned left = l->ntasks;
    if (!shares)
        return -ENOMEM;
    for (unsigned i = 0; i < l->nnodes; i++)
        all += slots_of(rs, i, shape);
    for (unsigned i = 0; i < l->nnodes; i++) {
        uint64_t n = l->ntasks * slots_of(rs, i, shape);
        shares[i] = (struct share){.rest = n % all, .node = i};
        l->first[i + 1] = (unsigned)(n / all);
        left -= l->first[i + 1];
    }
    qsort(shares, l->nnodes, sizeof(*shares), compare_shares);
    for (unsigned i = 0; i < left; i++)
        l->first[shares[i].node + 1]++;
    for (unsigned i = 0; i < l->nnodes; i++)
        l->first[i + 1] += l->first[i];
    return 0;
}

int layout_make(const struct rset *rs, const struct jobspec_shape *shape,
                struct layout *ret)
{
    struct layout l = {
        .nnodes = rs && rset_nnodes(rs) > 0 ? (unsigned)rset_nnodes(rs) : 1,
        .ntasks = shape->ntasks ? shape->ntasks : 1,
    };
    l.first = calloc(l.nnodes + 1, sizeof(*l.first));
    if (!l.first)
        return -ENOMEM;
    if (l.nnodes == 1) {
        l.first[1] = l.ntasks;
    } else {
        int rc = distribute(rs, shape, &l);
        if (rc < 0) {
            layout_clear(&l);
            return rc;
        }
    }
    *ret = l;
    return 0;
}

void layout_clear(struct layout *l)
{
    free(l->first);
    l->first = NULL;
}

int layout_mapping(const struct layout *l, struct buf *out)
{
    AUTOFREE int *node = malloc(l->ntasks * sizeof(*node));
    if (!node)
        return -ENOMEM;
    for (unsigned i = 0; i < l->nnodes; i++)
        for (unsigned rank = l->first[i]; rank < l->first[i + 1]; rank++)
            node[rank] = (int)i;
    return pmi_mapping_encode(out, node, (int)l->ntasks);
}

unsigned layout_count_nodes(const struct layout *l)
{
    unsigned n = 0;
    for (unsigned i = 0; i < l->nnodes; i++)
        n += l->first[i + 1] > l->first[i];
    return n;
}

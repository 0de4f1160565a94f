/* A resource set in memory: an array of ranks, sorted, each with its ids. */
#include "proto/rset_private.h"

#include <errno.h>
#include <flux/hostlist.h>
#include <string.h>

#include "base/cleanup.h"

DEFINE_CLEANUP(struct rset *, rset_free)
DEFINE_CLEANUP(struct hostlist *, hostlist_destroy)

int rset_new(struct rset **ret)
{
    struct rset *rs = calloc(1, sizeof(*rs));

    if (!rs)
        return -ENOMEM;
    *ret = rs;
    return 0;
}

static void node_clear(struct rset_node *node)
{
    free((char *)node->host);
    idset_destroy((struct idset *)node->cores);
    idset_destroy((struct idset *)node->gpus);
}

void rset_free(struct rset *rs)
{
    if (!rs)
        return;
    for (size_t i = 0; i < rs->n; i++)
        node_clear(&rs->nodes[i]);
    free(rs->nodes);
    json_free(rs->properties);
    json_free(rs->scheduling);
    free(rs);
}

/* Index of the first node with this rank or a higher one. */
static size_t lower_bound(const struct rset *rs, unsigned rank)
{
    size_t lo = 0, hi = rs->n;

    if (hi > 0 && rs->nodes[hi - 1].rank < rank)
        return hi;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (rs->nodes[mid].rank < rank)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

const struct rset_node *rset_find(const struct rset *rs, unsigned rank)
{
    size_t i = lower_bound(rs, rank);

    return i < rs->n && rs->nodes[i].rank == rank ? &rs->nodes[i] : NULL;
}

static uint64_t ids_cost(const struct idset *ids)
{
    unsigned last = ids ? idset_last(ids) : IDSET_INVALID_ID;

    return last == IDSET_INVALID_ID ? 0 : (uint64_t)last + 1;
}

uint64_t rset_cost(const struct idset *cores, const struct idset *gpus)
{
    return 1 + ids_cost(cores) + ids_cost(gpus);
}

/* What *dst costs more once it has the ids of src as well. */
static uint64_t growth(const struct idset *dst, const struct idset *src)
{
    uint64_t old = ids_cost(dst), new = ids_cost(src);

    return new > old ? new - old : 0;
}

/* *dst gets the ids of src as well, *dst may be NULL. */
static int merge_ids(const struct idset **dst, const struct idset *src)
{
    struct idset *copy;

    if (!src)
        return 0;
    if (*dst)
        return idset_add((struct idset *)*dst, src) < 0 ? -errno : 0;
    if (!(copy = idset_create(0, IDSET_FLAG_AUTOGROW)))
        return -ENOMEM;
    if (idset_add(copy, src) < 0) {
        idset_destroy(copy);
        return -ENOMEM;
    }
    *dst = copy;
    return 0;
}

/* The node of a rank, made if need be. */
static int node_at(struct rset *rs, unsigned rank, struct rset_node **ret)
{
    size_t i = lower_bound(rs, rank);
    struct rset_node *nodes = rs->nodes;

    if (i < rs->n && nodes[i].rank == rank) {
        *ret = &nodes[i];
        return 0;
    }
    if (rs->n >= RSET_NODES_MAX)
        return -EFBIG;
    if (rs->n == rs->size) {
        size_t size = rs->size ? rs->size * 2 : 4;

        if (!(nodes = realloc(nodes, size * sizeof(*nodes))))
            return -ENOMEM;
        rs->nodes = nodes;
        rs->size = size;
    }
    memmove(&nodes[i + 1], &nodes[i], (rs->n - i) * sizeof(*nodes));
    rs->n++;
    nodes[i] = (struct rset_node){.rank = rank};
    *ret = &nodes[i];
    return 0;
}

static int node_set_host(struct rset_node *node, const char *host)
{
    char *s;

    if (!host)
        return 0;
    if (!(s = strdup(host)))
        return -ENOMEM;
    free((char *)node->host);
    node->host = s;
    return 0;
}

int rset_add(struct rset *rs, unsigned rank, const char *host, const struct idset *cores,
             const struct idset *gpus)
{
    const struct rset_node *have = rset_find(rs, rank);
    uint64_t more = rset_cost(cores, gpus);
    struct rset_node *node;
    struct idset *none;
    int rc;

    if (have) /* ids that the node has already cost nothing */
        more = growth(have->cores, cores) + growth(have->gpus, gpus);
    if (rs->ids + more > RSET_IDS_MAX)
        return -EFBIG;
    if ((rc = node_at(rs, rank, &node)) < 0)
        return rc;
    rs->ids += more;
    if ((rc = node_set_host(node, host)) < 0 ||
        (rc = merge_ids(&node->cores, cores)) < 0 ||
        (rc = merge_ids(&node->gpus, gpus)) < 0)
        return rc;
    if (!node->cores) {
        if (!(none = idset_create(0, IDSET_FLAG_AUTOGROW)))
            return -ENOMEM;
        node->cores = none;
    }
    return 0;
}

size_t rset_nnodes(const struct rset *rs)
{
    return rs->n;
}

const struct rset_node *rset_node(const struct rset *rs, size_t i)
{
    return i < rs->n ? &rs->nodes[i] : NULL;
}

size_t rset_ncores(const struct rset *rs)
{
    size_t n = 0;

    for (size_t i = 0; i < rs->n; i++)
        n += idset_count(rs->nodes[i].cores);
    return n;
}

size_t rset_ngpus(const struct rset *rs)
{
    size_t n = 0;

    for (size_t i = 0; i < rs->n; i++)
        n += rs->nodes[i].gpus ? idset_count(rs->nodes[i].gpus) : 0;
    return n;
}

int rset_ranks(const struct rset *rs, struct idset **ret)
{
    struct idset *ranks = idset_create(0, IDSET_FLAG_AUTOGROW);

    if (!ranks)
        return -ENOMEM;
    for (size_t i = 0; i < rs->n; i++)
        if (idset_set(ranks, rs->nodes[i].rank) < 0) {
            idset_destroy(ranks);
            return -ENOMEM;
        }
    *ret = ranks;
    return 0;
}

int rset_nodelist(const struct rset *rs, char **ret)
{
    CLEANUP(hostlist_destroy_p) struct hostlist *hl = hostlist_create();
    char *s;

    if (!hl)
        return -ENOMEM;
    for (size_t i = 0; i < rs->n; i++)
        if (rs->nodes[i].host && hostlist_append(hl, rs->nodes[i].host) < 0)
            return -errno;
    if (!(s = hostlist_encode(hl)))
        return -ENOMEM;
    *ret = s;
    return 0;
}

double rset_starttime(const struct rset *rs)
{
    return rs->head.starttime;
}

double rset_expiration(const struct rset *rs)
{
    return rs->head.expiration;
}

int rset_set_times(struct rset *rs, double starttime, double expiration)
{
    if (!(starttime >= 0) || !(expiration >= 0) ||
        (starttime > 0 && expiration > 0 && expiration <= starttime))
        return -EINVAL;
    rs->head.starttime = starttime;
    rs->head.expiration = expiration;
    return 0;
}

unsigned rset_nslots(const struct rset *rs)
{
    return rs->head.nslots;
}

void rset_set_nslots(struct rset *rs, unsigned nslots)
{
    rs->head.nslots = nslots;
}

const cJSON *rset_properties(const struct rset *rs)
{
    return rs->properties;
}

int rset_set_properties(struct rset *rs, const cJSON *properties)
{
    cJSON *copy = properties ? json_copy(properties) : NULL;

    if (properties && !copy)
        return -ENOMEM;
    json_free(rs->properties);
    rs->head.properties = rs->properties = copy;
    return 0;
}

static int copy_head(struct rset *rs, const struct rset *from)
{
    rs->head.starttime = from->head.starttime;
    rs->head.expiration = from->head.expiration;
    return rset_set_properties(rs, from->properties);
}

static int add_node(struct rset *rs, const struct rset_node *node)
{
    return rset_add(rs, node->rank, node->host, node->cores, node->gpus);
}

/* A new set like `a`, of those nodes that `keep` is true for. */
static int filter(const struct rset *a,
                  bool (*keep)(const struct rset_node *, const void *), const void *arg,
                  struct rset **ret)
{
    CLEANUP(rset_free_p) struct rset *rs = NULL;
    int rc;

    if ((rc = rset_new(&rs)) < 0 || (rc = copy_head(rs, a)) < 0)
        return rc;
    for (size_t i = 0; i < a->n; i++)
        if (keep(&a->nodes[i], arg) && (rc = add_node(rs, &a->nodes[i])) < 0)
            return rc;
    *ret = TAKE(rs);
    return 0;
}

static bool keep_all(const struct rset_node *node, const void *arg)
{
    return true;
}

static bool keep_in(const struct rset_node *node, const void *ranks)
{
    return idset_test(ranks, node->rank);
}

static bool keep_out(const struct rset_node *node, const void *ranks)
{
    return !idset_test(ranks, node->rank);
}

int rset_select(const struct rset *a, const struct idset *ranks, struct rset **ret)
{
    return filter(a, keep_in, ranks, ret);
}

int rset_reject(const struct rset *a, const struct idset *ranks, struct rset **ret)
{
    return filter(a, keep_out, ranks, ret);
}

int rset_copy(const struct rset *a, struct rset **ret)
{
    struct rset *rs;
    int rc = filter(a, keep_all, NULL, &rs);

    if (rc < 0)
        return rc;
    if (a->scheduling && !(rs->scheduling = json_copy(a->scheduling))) {
        rset_free(rs);
        return -ENOMEM;
    }
    rs->head.scheduling = rs->scheduling;
    rs->head.nslots = a->head.nslots;
    *ret = rs;
    return 0;
}

int rset_union(const struct rset *a, const struct rset *b, struct rset **ret)
{
    CLEANUP(rset_free_p) struct rset *rs = NULL;
    int rc = filter(a, keep_all, NULL, &rs);

    for (size_t i = 0; rc == 0 && i < b->n; i++)
        rc = add_node(rs, &b->nodes[i]);
    if (rc == 0)
        *ret = TAKE(rs);
    return rc;
}

static int subtract_node(struct rset_node *node, const struct rset_node *less)
{
    if (idset_subtract((struct idset *)node->cores, less->cores) < 0 ||
        (node->gpus && idset_subtract((struct idset *)node->gpus, less->gpus) < 0))
        return -errno;
    return 0;
}

static bool node_empty(const struct rset_node *node)
{
    return idset_count(node->cores) == 0 && (!node->gpus || idset_count(node->gpus) == 0);
}

int rset_diff(const struct rset *a, const struct rset *b, struct rset **ret)
{
    CLEANUP(rset_free_p) struct rset *rs = NULL;
    int rc = filter(a, keep_all, NULL, &rs);
    size_t kept = 0;

    for (size_t i = 0; rc == 0 && i < rs->n; i++) {
        const struct rset_node *less = rset_find(b, rs->nodes[i].rank);

        rc = less ? subtract_node(&rs->nodes[i], less) : 0;
    }
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < rs->n; i++) {
        if (rset_find(b, rs->nodes[i].rank) && node_empty(&rs->nodes[i]))
            node_clear(&rs->nodes[i]);
        else
            rs->nodes[kept++] = rs->nodes[i];
    }
    rs->n = kept;
    *ret = TAKE(rs);
    return 0;
}

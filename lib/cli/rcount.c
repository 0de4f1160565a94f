/* Resource sets as the commands need them; see rcount.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/rcount.h"

static const char *string_of(const cJSON *o, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));
}

static struct idset *decode_or_empty(const char *s)
{
    return s ? idset_decode(s) : idset_create(0, IDSET_FLAG_AUTOGROW);
}

static int add_node(struct rcount *rc, unsigned rank, const cJSON *children)
{
    struct rnode *p = realloc(rc->nodes, (rc->n + 1) * sizeof(*p));
    struct rnode *node;

    if (!p)
        return -ENOMEM;
    rc->nodes = p;
    node = &p[rc->n++];
    *node = (struct rnode){.rank = rank,
                           .cores = decode_or_empty(string_of(children, "core")),
                           .gpus = decode_or_empty(string_of(children, "gpu"))};
    return node->cores && node->gpus ? 0 : -EPROTO;
}

static int add_entry(struct rcount *rc, const cJSON *entry)
{
    const char *ranks = string_of(entry, "rank");
    struct idset *ids = ranks ? idset_decode(ranks) : NULL;
    int e = ids ? 0 : -EPROTO;

    for (unsigned i = ids ? idset_first(ids) : IDSET_INVALID_ID;
         e == 0 && i != IDSET_INVALID_ID; i = idset_next(ids, i))
        e = add_node(rc, i, cJSON_GetObjectItemCaseSensitive(entry, "children"));
    idset_destroy(ids);
    return e;
}

static int by_rank(const void *a, const void *b)
{
    unsigned x = ((const struct rnode *)a)->rank, y = ((const struct rnode *)b)->rank;

    return x < y ? -1 : x > y;
}

/* Names of the nodelist belong to the ranks in ascending order. */
static int name_nodes(struct rcount *rc, const cJSON *execution)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(execution, "nodelist"), *item;
    struct hostlist *hl = hostlist_create();
    size_t i = 0;

    if (!hl)
        return -ENOMEM;
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsString(item) || hostlist_append(hl, item->valuestring) < 0) {
            hostlist_destroy(hl);
            return -EPROTO;
        }
    }
    for (const char *h = hostlist_first(hl); h && i < rc->n; h = hostlist_next(hl))
        rc->nodes[i++].host = strdup(h);
    hostlist_destroy(hl);
    return 0;
}

int rcount_read(const cJSON *R, struct rcount *ret)
{
    const cJSON *execution = cJSON_GetObjectItemCaseSensitive(R, "execution");
    const cJSON *lite = cJSON_GetObjectItemCaseSensitive(execution, "R_lite"), *entry;
    struct rcount rc = {0};
    int e = 0;

    cJSON_ArrayForEach(entry, lite)
    {
        if ((e = add_entry(&rc, entry)) < 0)
            break;
    }
    if (e == 0) {
        if (rc.n > 0)
            qsort(rc.nodes, rc.n, sizeof(rc.nodes[0]), by_rank);
        e = name_nodes(&rc, execution);
    }
    if (e < 0)
        rcount_clear(&rc);
    else
        *ret = rc;
    return e;
}

static void clear_node(struct rnode *n)
{
    free(n->host);
    idset_destroy(n->cores);
    idset_destroy(n->gpus);
}

void rcount_clear(struct rcount *rc)
{
    for (size_t i = 0; i < rc->n; i++)
        clear_node(&rc->nodes[i]);
    free(rc->nodes);
    *rc = (struct rcount){0};
}

static struct rnode *find_node(const struct rcount *rc, unsigned rank)
{
    struct rnode key = {.rank = rank};

    return rc->n ? bsearch(&key, rc->nodes, rc->n, sizeof(key), by_rank) : NULL;
}

int rcount_subtract(struct rcount *a, const struct rcount *b)
{
    size_t kept = 0;

    for (size_t i = 0; i < a->n; i++) {
        struct rnode *n = &a->nodes[i];
        const struct rnode *other = find_node(b, n->rank);

        if (other && (idset_subtract(n->cores, other->cores) < 0 ||
                      idset_subtract(n->gpus, other->gpus) < 0))
            return -ENOMEM;
        if (other && idset_count(n->cores) + idset_count(n->gpus) == 0)
            clear_node(n);
        else
            a->nodes[kept++] = *n;
    }
    a->n = kept;
    return 0;
}

int rcount_select(struct rcount *rc, const struct idset *ranks)
{
    size_t kept = 0;

    for (size_t i = 0; i < rc->n; i++) {
        if (idset_test(ranks, rc->nodes[i].rank))
            rc->nodes[kept++] = rc->nodes[i];
        else
            clear_node(&rc->nodes[i]);
    }
    rc->n = kept;
    return 0;
}

size_t rcount_cores(const struct rcount *rc)
{
    size_t n = 0;

    for (size_t i = 0; i < rc->n; i++)
        n += idset_count(rc->nodes[i].cores);
    return n;
}

size_t rcount_gpus(const struct rcount *rc)
{
    size_t n = 0;

    for (size_t i = 0; i < rc->n; i++)
        n += idset_count(rc->nodes[i].gpus);
    return n;
}

char *rcount_nodelist(const struct rcount *rc)
{
    struct hostlist *hl = hostlist_create();
    char *s;

    for (size_t i = 0; hl && i < rc->n; i++) {
        if (rc->nodes[i].host)
            hostlist_append(hl, rc->nodes[i].host);
    }
    s = hl ? hostlist_encode(hl) : NULL;
    hostlist_destroy(hl);
    return s;
}

char *rcount_ranks(const struct rcount *rc)
{
    struct idset *ids = idset_create(0, IDSET_FLAG_AUTOGROW);
    char *s;

    for (size_t i = 0; ids && i < rc->n; i++)
        idset_set(ids, rc->nodes[i].rank);
    s = ids ? idset_encode(ids, IDSET_FLAG_RANGE) : NULL;
    idset_destroy(ids);
    return s;
}

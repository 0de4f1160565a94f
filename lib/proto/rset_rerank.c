/* Other ranks for the nodes of a resource set; see rset.h. */
#include "proto/rset_private.h"

#include <errno.h>

#include "base/cleanup.h"

DEFINE_CLEANUP(struct rset *, rset_free)
DEFINE_CLEANUP(struct idset *, idset_destroy)

/* The ids of a property in terms of the new ranks. */
static cJSON *rerank_ids(const struct rset *a, const unsigned *ranks, const char *text)
{
    CLEANUP(idset_destroy_p) struct idset *old = text ? idset_decode(text) : NULL;
    CLEANUP(idset_destroy_p) struct idset *ids = idset_create(0, IDSET_FLAG_AUTOGROW);

    for (size_t i = 0; old && ids && i < a->n; i++)
        if (idset_test(old, a->nodes[i].rank) && idset_set(ids, ranks[i]) < 0)
            return NULL;
    AUTOFREE char *s = old && ids ? idset_encode(ids, IDSET_FLAG_RANGE) : NULL;
    return s ? json_new_str(s) : NULL;
}

static int rerank_properties(struct rset *rs, const struct rset *a, const unsigned *ranks)
{
    cJSON *all = a->properties ? cJSON_CreateObject() : NULL;
    const cJSON *p;

    if (!a->properties)
        return 0;
    cJSON_ArrayForEach(p, a->properties)
    {
        cJSON *ids = all ? rerank_ids(a, ranks, json_str(p)) : NULL;
        if (!ids || !cJSON_AddItemToObject(all, p->string, ids)) {
            json_free(all);
            return -ENOMEM;
        }
    }
    json_free(rs->properties);
    rs->head.properties = rs->properties = all;
    return 0;
}

int rset_rerank(const struct rset *a, const unsigned *ranks, struct rset **ret)
{
    CLEANUP(rset_free_p) struct rset *rs = NULL;
    int rc = rset_new(&rs);

    for (size_t i = 0; rc == 0 && i < a->n; i++) {
        const struct rset_node *n = &a->nodes[i];
        rc = rset_find(rs, ranks[i]) ? -EINVAL
                                     : rset_add(rs, ranks[i], n->host, n->cores, n->gpus);
    }
    if (rc == 0)
        rc = rset_set_times(rs, a->head.starttime, a->head.expiration);
    if (rc < 0 || (rc = rerank_properties(rs, a, ranks)) < 0)
        return rc;
    rs->head.nslots = a->head.nslots;
    *ret = TAKE(rs);
    return 0;
}

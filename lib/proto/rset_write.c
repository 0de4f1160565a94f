/* Writing R: ranks that have the same cores and gpus share an entry of R_lite. */
#include "proto/rset_private.h"

#include <errno.h>
#include <flux/hostlist.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/map.h"

DEFINE_CLEANUP(struct hostlist *, hostlist_destroy)
DEFINE_CLEANUP(struct map *, map_free)

static int write_ids(struct buf *out, const char *key, const struct idset *ids)
{
    AUTOFREE char *s = idset_encode(ids, IDSET_FLAG_RANGE);

    if (!s)
        return -ENOMEM;
    return buf_addf(out, "\"%s\":\"%s\"", key, s);
}

/* {"core":"0-3","gpu":"0"}: also what tells whether two ranks are equal. */
static int write_children(struct buf *out, const struct rset_node *node)
{
    int rc;

    buf_addc(out, '{');
    if ((rc = write_ids(out, "core", node->cores)) < 0)
        return rc;
    if (node->gpus && idset_count(node->gpus) > 0) {
        buf_addc(out, ',');
        if ((rc = write_ids(out, "gpu", node->gpus)) < 0)
            return rc;
    }
    return buf_addc(out, '}');
}

static void group_free(void *ranks)
{
    idset_destroy(ranks);
}

static int group_add(struct map *groups, const char *children, unsigned rank)
{
    struct idset *ranks = map_get(groups, children);

    if (!ranks) {
        if (!(ranks = idset_create(0, IDSET_FLAG_AUTOGROW)))
            return -ENOMEM;
        if (map_add(groups, children, ranks) < 0) {
            idset_destroy(ranks);
            return -ENOMEM;
        }
    }
    return idset_set(ranks, rank) < 0 ? -ENOMEM : 0;
}

static int group_all(struct map *groups, const struct rset_node *nodes, size_t n)
{
    struct buf children = {0};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < n; i++) {
        children.len = 0;
        if ((rc = write_children(&children, &nodes[i])) == 0)
            rc = group_add(groups, children.data, nodes[i].rank);
    }
    buf_free(&children);
    return rc;
}

static int write_groups(struct buf *out, const struct map *groups)
{
    const char *children;
    void *ranks;
    bool first = true;
    int rc;

    for (size_t it = 0; map_next(groups, &it, &children, &ranks); first = false) {
        buf_adds(out, first ? "{" : ",{");
        if ((rc = write_ids(out, "rank", ranks)) < 0)
            return rc;
        buf_addf(out, ",\"children\":%s}", children);
    }
    return 0;
}

static int write_r_lite(struct buf *out, const struct rset_node *nodes, size_t n)
{
    CLEANUP(map_free_p) struct map *groups = NULL;
    int rc;

    if (n == 1) {
        buf_addf(out, "{\"rank\":\"%u\",\"children\":", nodes->rank);
        if ((rc = write_children(out, nodes)) < 0)
            return rc;
        return buf_addc(out, '}');
    }
    if (!(groups = map_new(group_free)))
        return -ENOMEM;
    if ((rc = group_all(groups, nodes, n)) < 0)
        return rc;
    return write_groups(out, groups);
}

static int write_hosts(struct buf *out, const struct rset_node *nodes, size_t n)
{
    CLEANUP(hostlist_destroy_p) struct hostlist *hl = NULL;
    AUTOFREE char *s = NULL;

    if (n == 1)
        return json_buf_str(out, nodes->host, strlen(nodes->host));
    if (!(hl = hostlist_create()))
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        if (hostlist_append(hl, nodes[i].host) < 0)
            return -errno;
    if (!(s = hostlist_encode(hl)))
        return -ENOMEM;
    return json_buf_str(out, s, strlen(s));
}

static int write_nodelist(struct buf *out, const struct rset_node *nodes, size_t n)
{
    int rc;

    for (size_t i = 0; i < n; i++)
        if (!nodes[i].host)
            return 0;
    buf_adds(out, ",\"nodelist\":[");
    if ((rc = write_hosts(out, nodes, n)) < 0)
        return rc;
    return buf_addc(out, ']');
}

static int write_execution(struct buf *out, const struct rset_head *head,
                           const struct rset_node *nodes, size_t n)
{
    int rc;

    buf_adds(out, "{\"R_lite\":[");
    if ((rc = write_r_lite(out, nodes, n)) < 0)
        return rc;
    buf_adds(out, "],\"starttime\":");
    json_buf_real(out, head->starttime);
    buf_adds(out, ",\"expiration\":");
    json_buf_real(out, head->expiration);
    if (head->nslots)
        buf_addf(out, ",\"nslots\":%u", head->nslots);
    if ((rc = write_nodelist(out, nodes, n)) < 0)
        return rc;
    if (head->properties) {
        buf_adds(out, ",\"properties\":");
        json_print_buf(head->properties, out);
    }
    return buf_addc(out, '}');
}

int rset_write(struct buf *out, const struct rset_head *head,
               const struct rset_node *nodes, size_t n)
{
    int rc;

    buf_adds(out, "{\"version\":1,\"execution\":");
    if ((rc = write_execution(out, head, nodes, n)) < 0)
        return rc;
    if (head->scheduling) {
        buf_adds(out, ",\"scheduling\":");
        json_print_buf(head->scheduling, out);
    }
    buf_addc(out, '}');
    return out->failed ? -ENOMEM : 0;
}

int rset_print(const struct rset *rs, struct buf *out)
{
    return rset_write(out, &rs->head, rs->nodes, rs->n);
}

int rset_json(const struct rset *rs, cJSON **ret)
{
    static const struct json_limits limits = {SIZE_MAX, 64, UINT32_MAX};
    struct buf b = {0};
    int rc = rset_print(rs, &b);

    if (rc == 0)
        rc = json_parse(b.data, b.len, &limits, ret, NULL);
    buf_free(&b);
    return rc;
}

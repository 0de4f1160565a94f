/* Constraints on nodes; see constraint.h. Evaluated once for each distinct text, over all
 * nodes at a time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/hostlist.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "modules/sched/constraint.h"

DEFINE_CLEANUP(struct idset *, idset_destroy)
DEFINE_CLEANUP(struct hostlist *, hostlist_destroy)

struct nodes {
    const struct rset *rs;
    size_t n, words;
    flux_error_t *err;
};

static void set_bit(uint64_t *mask, size_t i)
{
    mask[i / 64] |= 1ull << i % 64;
}

/* Nodes whose rank is (invert: is not) in ids. */
static void mark_ranks(const struct nodes *ns, const struct idset *ids, bool invert,
                       uint64_t *mask)
{
    for (size_t i = 0; i < ns->n; i++)
        if ((ids && idset_test(ids, rset_node(ns->rs, i)->rank)) != invert)
            set_bit(mask, i);
}

static int by_property(const struct nodes *ns, const char *name, uint64_t *mask)
{
    CLEANUP(idset_destroy_p) struct idset *ids = NULL;
    bool invert = *name == '^';

    name += invert;
    if (!*name || strpbrk(name, "!&'\"^`|()"))
        return error_set(ns->err, EINVAL, "\"%s\" is not a property", name);
    const char *text = json_str(json_get(rset_properties(ns->rs), name));
    if (text && !(ids = idset_decode(text)))
        return -ENOMEM;
    mark_ranks(ns, ids, invert, mask);
    return 0;
}

static int by_ranks(const struct nodes *ns, const char *text, uint64_t *mask)
{
    CLEANUP(idset_destroy_p) struct idset *ids = idset_decode(text);

    if (!ids)
        return error_set(ns->err, EINVAL, "ranks \"%s\": not a set of ranks", text);
    mark_ranks(ns, ids, false, mask);
    return 0;
}

static int by_hosts(const struct nodes *ns, const char *text, uint64_t *mask)
{
    CLEANUP(hostlist_destroy_p) struct hostlist *hl = hostlist_decode(text);

    if (!hl)
        return error_set(ns->err, EINVAL, "hostlist \"%s\": not a host list", text);
    for (size_t i = 0; i < ns->n; i++) {
        const char *host = rset_node(ns->rs, i)->host;
        if (host && hostlist_find(hl, host) >= 0)
            set_bit(mask, i);
    }
    return 0;
}

/* The strings of a list: all must hold, or any. */
static int by_strings(const struct nodes *ns, const cJSON *list, bool all,
                      int (*fn)(const struct nodes *, const char *, uint64_t *),
                      uint64_t *mask)
{
    AUTOFREE uint64_t *one = malloc(ns->words * sizeof(*one));
    const cJSON *e;

    if (!one)
        return -ENOMEM;
    memset(mask, all ? 0xff : 0, ns->words * sizeof(*mask));
    cJSON_ArrayForEach(e, list)
    {
        int rc;
        if (!json_str(e))
            return error_set(ns->err, EINVAL, "a list of strings is needed");
        memset(one, 0, ns->words * sizeof(*one));
        if ((rc = fn(ns, json_str(e), one)) < 0)
            return rc;
        for (size_t w = 0; w < ns->words; w++)
            mask[w] = all ? mask[w] & one[w] : mask[w] | one[w];
    }
    return 0;
}

static int evaluate(const struct nodes *ns, const cJSON *o, uint64_t *mask);

/* Objects in a list; `not` is none of them. */
static int by_objects(const struct nodes *ns, const cJSON *list, const char *op,
                      uint64_t *mask)
{
    AUTOFREE uint64_t *one = malloc(ns->words * sizeof(*one));
    bool any = strcmp(op, "or") == 0, none = strcmp(op, "not") == 0;
    const cJSON *e;

    if (!one)
        return -ENOMEM;
    memset(mask, any ? 0 : 0xff, ns->words * sizeof(*mask));
    cJSON_ArrayForEach(e, list)
    {
        int rc = evaluate(ns, e, one);
        if (rc < 0)
            return rc;
        for (size_t w = 0; w < ns->words; w++)
            mask[w] = any ? mask[w] | one[w] : mask[w] & one[w];
    }
    for (size_t w = 0; none && w < ns->words; w++)
        mask[w] = ~mask[w];
    return 0;
}

static int one_operator(const struct nodes *ns, const cJSON *e, uint64_t *mask)
{
    const char *op = e->string;

    if (!cJSON_IsArray(e))
        return error_set(ns->err, EINVAL, "the value of \"%s\" is not a list", op);
    if (strcmp(op, "properties") == 0)
        return by_strings(ns, e, true, by_property, mask);
    if (strcmp(op, "hostlist") == 0)
        return by_strings(ns, e, false, by_hosts, mask);
    if (strcmp(op, "ranks") == 0)
        return by_strings(ns, e, false, by_ranks, mask);
    if (strcmp(op, "and") == 0 || strcmp(op, "or") == 0 || strcmp(op, "not") == 0)
        return by_objects(ns, e, op, mask);
    return error_set(ns->err, EINVAL, "unknown operator \"%s\"", op);
}

/* All members of an object must hold. */
static int evaluate(const struct nodes *ns, const cJSON *o, uint64_t *mask)
{
    AUTOFREE uint64_t *one = malloc(ns->words * sizeof(*one));
    const cJSON *e;

    if (!one)
        return -ENOMEM;
    if (!cJSON_IsObject(o))
        return error_set(ns->err, EINVAL, "a constraint is not an object");
    memset(mask, 0xff, ns->words * sizeof(*mask));
    cJSON_ArrayForEach(e, o)
    {
        int rc = one_operator(ns, e, one);
        if (rc < 0)
            return rc;
        for (size_t w = 0; w < ns->words; w++)
            mask[w] &= one[w];
    }
    return 0;
}

static bool allows_all(const struct nodes *ns, const uint64_t *mask)
{
    for (size_t i = 0; i < ns->n; i++)
        if (!(mask[i / 64] >> i % 64 & 1))
            return false;
    return true;
}

int sched_constraint_nodes(const struct rset *rs, const char *constraint, uint64_t **ret,
                           flux_error_t *err)
{
    struct nodes ns = {rs, rset_nnodes(rs), rset_nnodes(rs) / 64 + 1, err};
    struct json_limits limits = {1u << 20, 32, 20000};
    cJSON *o = NULL;
    int rc = json_parse(constraint, strlen(constraint), &limits, &o, err);
    uint64_t *mask = calloc(ns.words, sizeof(*mask));

    if (rc == 0 && !mask)
        rc = -ENOMEM;
    if (rc == 0)
        rc = evaluate(&ns, o, mask);
    json_free(o);
    if (rc < 0 || allows_all(&ns, mask)) {
        free(mask);
        mask = NULL;
    }
    if (rc == -EPROTO || rc == -EFBIG)
        rc = -EINVAL;
    if (rc == 0)
        *ret = mask;
    return rc;
}

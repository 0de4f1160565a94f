/* Drained nodes; see drain.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/map.h"
#include "modules/resource/drain.h"

DEFINE_CLEANUP(struct idset *, idset_destroy)

struct note {
    double timestamp;
    char *reason; /* "": none */
};

struct drained {
    struct idset *ranks;
    struct umap *notes; /* by rank */
};

static void note_free(void *arg)
{
    struct note *n = arg;

    free(n->reason);
    free(n);
}

static struct note *note_new(double timestamp, const char *reason)
{
    struct note *n = calloc(1, sizeof(*n));

    if (!n || !(n->reason = strdup(reason ? reason : ""))) {
        free(n);
        return NULL;
    }
    n->timestamp = timestamp;
    return n;
}

int drained_new(struct drained **ret)
{
    struct drained *d = calloc(1, sizeof(*d));

    if (!d)
        return -ENOMEM;
    d->ranks = idset_create(0, IDSET_FLAG_AUTOGROW);
    d->notes = umap_new(note_free);
    if (!d->ranks || !d->notes) {
        drained_free(d);
        return -ENOMEM;
    }
    *ret = d;
    return 0;
}

void drained_free(struct drained *d)
{
    if (!d)
        return;
    idset_destroy(d->ranks);
    umap_free(d->notes);
    free(d);
}

const struct idset *drained_ranks(const struct drained *d)
{
    return d->ranks;
}

static int set_note(struct drained *d, unsigned rank, double timestamp,
                    const char *reason)
{
    struct note *n = note_new(timestamp, reason);

    if (!n)
        return -ENOMEM;
    if (idset_set(d->ranks, rank) < 0 || umap_set(d->notes, rank, n) < 0) {
        note_free(n);
        return -ENOMEM;
    }
    return 0;
}

int drained_add(struct drained *d, const struct idset *ranks, double timestamp,
                const char *reason, enum drain_mode mode, flux_error_t *err)
{
    CLEANUP(idset_destroy_p) struct idset *already = idset_intersect(ranks, d->ranks);
    int rc = 0;

    if (!already)
        return error_set(err, ENOMEM, "out of memory");
    if (mode == DRAIN_NEW && !idset_empty(already)) {
        AUTOFREE char *text = idset_encode(already, IDSET_FLAG_RANGE);
        return error_set(err, EEXIST,
                         "rank %s already drained (--force replaces its reason)",
                         text ? text : "");
    }
    for (unsigned r = idset_first(ranks); r != IDSET_INVALID_ID && rc == 0;
         r = idset_next(ranks, r)) {
        const struct note *old = umap_get(d->notes, r);
        if (!old || mode == DRAIN_OVERWRITE)
            rc = set_note(d, r, timestamp, reason);
        else if (!*old->reason)
            rc = set_note(d, r, old->timestamp, reason);
    }
    return rc < 0 ? error_set(err, -rc, "out of memory") : 0;
}

int drained_del(struct drained *d, const struct idset *ranks, flux_error_t *err)
{
    for (unsigned r = idset_first(ranks); r != IDSET_INVALID_ID; r = idset_next(ranks, r))
        if (!idset_test(d->ranks, r))
            return error_set(err, ENOENT, "rank %u not drained", r);
    for (unsigned r = idset_first(ranks); r != IDSET_INVALID_ID;
         r = idset_next(ranks, r)) {
        idset_clear(d->ranks, r);
        umap_del(d->notes, r);
    }
    return 0;
}

void drained_limit(struct drained *d, const struct idset *ranks)
{
    for (unsigned r = idset_first(d->ranks); r != IDSET_INVALID_ID;) {
        unsigned next = idset_next(d->ranks, r);
        if (!idset_test(ranks, r)) {
            idset_clear(d->ranks, r);
            umap_del(d->notes, r);
        }
        r = next;
    }
}

static bool same_note(const struct note *a, const struct note *b)
{
    return a->timestamp == b->timestamp && strcmp(a->reason, b->reason) == 0;
}

/* Ranks >= first that have its note, and that no earlier group has. */
static struct idset *group_of(const struct drained *d, unsigned first)
{
    struct idset *ids = idset_create(0, IDSET_FLAG_AUTOGROW);

    for (unsigned r = first; ids && r != IDSET_INVALID_ID; r = idset_next(d->ranks, r))
        if (same_note(umap_get(d->notes, first), umap_get(d->notes, r)))
            idset_set(ids, r);
    return ids;
}

cJSON *drained_json(const struct drained *d)
{
    CLEANUP(idset_destroy_p) struct idset *left = idset_copy(d->ranks);
    cJSON *o = left ? cJSON_CreateObject() : NULL;

    while (o && !idset_empty(left)) {
        unsigned first = idset_first(left);
        const struct note *n = umap_get(d->notes, first);
        CLEANUP(idset_destroy_p) struct idset *ids = group_of(d, first);
        AUTOFREE char *key = ids ? idset_encode(ids, IDSET_FLAG_RANGE) : NULL;
        cJSON *v = json_pack("{s:f s:s}", "timestamp", n->timestamp, "reason", n->reason);
        if (!key || !v || !cJSON_AddItemToObject(o, key, v) ||
            idset_subtract(left, ids) < 0) {
            json_free(o);
            return NULL;
        }
    }
    return o;
}

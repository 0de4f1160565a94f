/* The table of jobs; see entry.h. The id index is open-addressed with linear probing
 * and holds handles only.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sched/engine/entry.h"

/* An empty table keeps this many chunks; what a large queue needed goes back. */
#define KEEP_CHUNKS 2

static inline uint64_t mix(uint64_t x)
{
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdull;
    x ^= x >> 33;
    x *= 0xc4ceb9fe1a85ec53ull;
    return x ^ x >> 33;
}

static void hash_put(struct entries *t, uint32_t handle)
{
    uint32_t i = (uint32_t)mix(entry_get(t, handle)->id) & t->mask;

    while (t->hash[i])
        i = (i + 1) & t->mask;
    t->hash[i] = handle;
}

static int hash_grow(struct entries *t)
{
    uint32_t size = t->mask ? (t->mask + 1) * 2 : 256;
    uint32_t *old = t->hash, old_size = t->mask ? t->mask + 1 : 0;
    uint32_t *mem = calloc(size, sizeof(*mem));

    if (!mem)
        return -ENOMEM;
    t->hash = mem;
    t->mask = size - 1;
    for (uint32_t i = 0; i < old_size; i++)
        if (old[i])
            hash_put(t, old[i]);
    free(old);
    return 0;
}

static uint32_t hash_slot(const struct entries *t, uint64_t id)
{
    uint32_t i = (uint32_t)mix(id) & t->mask;

    while (t->hash[i] && entry_get(t, t->hash[i])->id != id)
        i = (i + 1) & t->mask;
    return i;
}

uint32_t entry_find(const struct entries *t, uint64_t id)
{
    return t->mask ? t->hash[hash_slot(t, id)] : 0;
}

/* Delete by moving later members of the run into the hole. */
static void hash_del(struct entries *t, uint64_t id)
{
    uint32_t hole = hash_slot(t, id);

    for (uint32_t i = (hole + 1) & t->mask; t->hash[i]; i = (i + 1) & t->mask) {
        uint32_t home = (uint32_t)mix(entry_get(t, t->hash[i])->id) & t->mask;
        if (((i - home) & t->mask) < ((i - hole) & t->mask))
            continue;
        t->hash[hole] = t->hash[i];
        hole = i;
    }
    t->hash[hole] = 0;
}

static int add_chunk(struct entries *t)
{
    void *mem = realloc(t->chunk, (t->nchunks + 1) * sizeof(*t->chunk));
    if (!mem)
        return -ENOMEM;
    t->chunk = mem;
    struct entry *c = calloc(ENTRY_CHUNK, sizeof(*c));
    if (!c)
        return -ENOMEM;
    t->chunk[t->nchunks] = c;
    uint32_t base = t->nchunks++ * ENTRY_CHUNK;
    for (uint32_t i = ENTRY_CHUNK; i-- > 0;) {
        if (base + i == 0) /* handle 0 is no job */
            continue;
        c[i].link[0][0] = t->free;
        t->free = base + i;
    }
    return 0;
}

int64_t entry_add(struct entries *t, uint64_t id)
{
    int rc;

    if ((t->mask == 0 || t->count >= t->mask / 2) && (rc = hash_grow(t)) < 0)
        return rc;
    if (t->hash[hash_slot(t, id)])
        return -EEXIST;
    if (!t->free && (rc = add_chunk(t)) < 0)
        return rc;
    uint32_t handle = t->free;
    struct entry *e = entry_get(t, handle);
    t->free = e->link[0][0];
    *e = (struct entry){.id = id};
    t->count++;
    hash_put(t, handle);
    return handle;
}

void entries_finish(struct entries *t)
{
    for (uint32_t i = 0; i < t->nchunks; i++)
        free(t->chunk[i]);
    free(t->chunk);
    free(t->hash);
    *t = (struct entries){0};
}

void entry_del(struct entries *t, uint32_t handle)
{
    struct entry *e = entry_get(t, handle);

    hash_del(t, e->id);
    e->state = ENTRY_FREE;
    e->link[0][0] = t->free;
    t->free = handle;
    if (--t->count == 0 && t->nchunks > KEEP_CHUNKS)
        entries_finish(t);
}

struct entry *entry_check(const struct entries *t, uint32_t handle)
{
    if (handle == 0 || handle / ENTRY_CHUNK >= t->nchunks)
        return NULL;
    struct entry *e = entry_get(t, handle);
    return e->state == ENTRY_FREE ? NULL : e;
}

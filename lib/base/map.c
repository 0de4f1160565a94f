/* Hash maps that keep insertion order; see map.h.
 *
 * Entries stand in an array in the order they came; an open-addressed table of
 * 32-bit positions finds them. A deleted entry leaves a hole in the array, squeezed
 * out when the array is full, so that deleting while walking is safe. `first` skips
 * the holes at the front, which makes a map usable as a queue.
 *
 * Both kinds of map share this core: for strings `k` is the hash of the key, for
 * integers it is the key itself.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/map.h"

struct entry {
    uint64_t k;
    char *key; /* NULL in an integer map; &hole when deleted */
    void *value;
};

struct table {
    struct entry *entries;
    uint32_t *slots; /* 0, or 1 + a position in entries */
    size_t mask;     /* slots - 1; slots is twice size */
    size_t size;     /* room in entries */
    size_t n;        /* used in entries, holes included */
    size_t live;
    size_t first; /* no live entry before this one */
    uint64_t seed;
    void (*free_value)(void *);
};

struct map {
    struct table t;
};

struct umap {
    struct table t;
};

static char hole;

#define TABLE_MIN 8
#define TABLE_KEEP 1024 /* an empty table keeps this much room */
#define TABLE_MAX ((size_t)1 << 31)

static size_t slot_home(const struct table *t, uint64_t k)
{
    return hash_u64(k, t->seed) & t->mask;
}

static bool entry_is(const struct entry *e, uint64_t k, const char *key)
{
    return e->k == k && (!key || strcmp(e->key, key) == 0);
}

/* The slot of an entry, or the free slot where it would go. */
static size_t slot_find(const struct table *t, uint64_t k, const char *key)
{
    size_t i = slot_home(t, k);

    while (t->slots[i] && !entry_is(&t->entries[t->slots[i] - 1], k, key))
        i = (i + 1) & t->mask;
    return i;
}

static struct entry *table_find(const struct table *t, uint64_t k, const char *key)
{
    size_t i;

    if (t->live == 0)
        return NULL;
    i = slot_find(t, k, key);
    return t->slots[i] ? &t->entries[t->slots[i] - 1] : NULL;
}

static void slots_fill(struct table *t)
{
    for (size_t n = 0; n < t->n; n++) {
        size_t i = slot_home(t, t->entries[n].k);

        while (t->slots[i])
            i = (i + 1) & t->mask;
        t->slots[i] = (uint32_t)(n + 1);
    }
}

static void squeeze(struct table *t)
{
    size_t to = 0;

    for (size_t n = t->first; n < t->n; n++) {
        if (t->entries[n].key != &hole)
            t->entries[to++] = t->entries[n];
    }
    t->n = to;
    t->first = 0;
}

/* Room for one more entry. */
static int table_grow(struct table *t)
{
    size_t size = t->size;
    struct entry *entries;
    uint32_t *slots;

    if (t->n < t->size)
        return 0;
    if (size == 0)
        size = TABLE_MIN;
    else if (t->live > size / 2)
        size *= 2;
    if (size > TABLE_MAX)
        return -ENOMEM;
    if (size != t->size) {
        if (!(slots = calloc(size * 2, sizeof(*slots))))
            return -ENOMEM;
        if (!(entries = realloc(t->entries, size * sizeof(*entries)))) {
            free(slots);
            return -ENOMEM;
        }
        free(t->slots);
        t->slots = slots;
        t->entries = entries;
        t->size = size;
        t->mask = size * 2 - 1;
    } else {
        memset(t->slots, 0, (t->mask + 1) * sizeof(*t->slots));
    }
    squeeze(t);
    slots_fill(t);
    return 0;
}

static int table_insert(struct table *t, uint64_t k, const char *key, void *value)
{
    struct entry *e;
    char *copy = NULL;
    size_t i;

    if (key && !(copy = strdup(key)))
        return -ENOMEM;
    if (table_grow(t) < 0) {
        free(copy);
        return -ENOMEM;
    }
    i = slot_find(t, k, key);
    assert(t->slots[i] == 0);
    e = &t->entries[t->n++];
    *e = (struct entry){.k = k, .key = copy, .value = value};
    t->slots[i] = (uint32_t)t->n;
    t->live++;
    return 0;
}

/* Free a slot, moving back later ones that a probe would no longer reach. */
static void slot_free(struct table *t, size_t i)
{
    size_t j = i;

    for (;;) {
        size_t home;

        j = (j + 1) & t->mask;
        if (!t->slots[j])
            break;
        home = slot_home(t, t->entries[t->slots[j] - 1].k);
        if (((j - home) & t->mask) >= ((j - i) & t->mask)) {
            t->slots[i] = t->slots[j];
            i = j;
        }
    }
    t->slots[i] = 0;
}

/* An empty table that was large gives its memory back. */
static void table_shrink(struct table *t)
{
    if (t->live > 0 || t->size <= TABLE_KEEP)
        return;
    free(t->entries);
    free(t->slots);
    t->entries = NULL;
    t->slots = NULL;
    t->n = t->first = t->size = t->mask = 0;
}

static bool table_remove(struct table *t, uint64_t k, const char *key, void **ret)
{
    struct entry *e;
    size_t i;

    if (t->live == 0 || !t->slots[i = slot_find(t, k, key)])
        return false;
    e = &t->entries[t->slots[i] - 1];
    slot_free(t, i);
    *ret = e->value;
    free(e->key);
    *e = (struct entry){.key = &hole};
    t->live--;
    while (t->first < t->n && t->entries[t->first].key == &hole)
        t->first++;
    table_shrink(t);
    return true;
}

static int table_set(struct table *t, uint64_t k, const char *key, void *value)
{
    struct entry *e = table_find(t, k, key);
    void *old;

    if (!e)
        return table_insert(t, k, key, value);
    old = e->value;
    e->value = value;
    if (t->free_value && old && old != value)
        t->free_value(old);
    return 0;
}

static bool table_del(struct table *t, uint64_t k, const char *key)
{
    void *value;

    if (!table_remove(t, k, key, &value))
        return false;
    if (t->free_value && value)
        t->free_value(value);
    return true;
}

static const struct entry *table_next(const struct table *t, size_t *it)
{
    if (*it < t->first)
        *it = t->first;
    while (*it < t->n) {
        const struct entry *e = &t->entries[(*it)++];

        if (e->key != &hole)
            return e;
    }
    return NULL;
}

static void table_init(struct table *t, void (*free_value)(void *))
{
    t->seed = hash_seed();
    t->free_value = free_value;
}

static void table_finish(struct table *t)
{
    for (size_t n = t->first; n < t->n; n++) {
        struct entry *e = &t->entries[n];

        if (e->key == &hole)
            continue;
        if (t->free_value && e->value)
            t->free_value(e->value);
        free(e->key);
    }
    free(t->entries);
    free(t->slots);
}

static uint64_t key_hash(const struct map *m, const char *key)
{
    return hash_bytes(key, strlen(key), m->t.seed);
}

struct map *map_new(void (*free_value)(void *))
{
    struct map *m = calloc(1, sizeof(*m));

    if (m)
        table_init(&m->t, free_value);
    return m;
}

void map_free(struct map *m)
{
    if (!m)
        return;
    table_finish(&m->t);
    free(m);
}

int map_set(struct map *m, const char *key, void *value)
{
    return table_set(&m->t, key_hash(m, key), key, value);
}

int map_add(struct map *m, const char *key, void *value)
{
    uint64_t k = key_hash(m, key);

    if (table_find(&m->t, k, key))
        return -EEXIST;
    return table_insert(&m->t, k, key, value);
}

void *map_get(const struct map *m, const char *key)
{
    const struct entry *e = table_find(&m->t, key_hash(m, key), key);

    return e ? e->value : NULL;
}

void *map_take(struct map *m, const char *key)
{
    void *value;

    return table_remove(&m->t, key_hash(m, key), key, &value) ? value : NULL;
}

bool map_del(struct map *m, const char *key)
{
    return table_del(&m->t, key_hash(m, key), key);
}

size_t map_count(const struct map *m)
{
    return m->t.live;
}

bool map_next(const struct map *m, size_t *it, const char **key, void **value)
{
    const struct entry *e = table_next(&m->t, it);

    if (!e)
        return false;
    if (key)
        *key = e->key;
    if (value)
        *value = e->value;
    return true;
}

struct umap *umap_new(void (*free_value)(void *))
{
    struct umap *m = calloc(1, sizeof(*m));

    if (m)
        table_init(&m->t, free_value);
    return m;
}

void umap_free(struct umap *m)
{
    if (!m)
        return;
    table_finish(&m->t);
    free(m);
}

int umap_set(struct umap *m, uint64_t key, void *value)
{
    return table_set(&m->t, key, NULL, value);
}

int umap_add(struct umap *m, uint64_t key, void *value)
{
    if (table_find(&m->t, key, NULL))
        return -EEXIST;
    return table_insert(&m->t, key, NULL, value);
}

void *umap_get(const struct umap *m, uint64_t key)
{
    const struct entry *e = table_find(&m->t, key, NULL);

    return e ? e->value : NULL;
}

void *umap_take(struct umap *m, uint64_t key)
{
    void *value;

    return table_remove(&m->t, key, NULL, &value) ? value : NULL;
}

bool umap_del(struct umap *m, uint64_t key)
{
    return table_del(&m->t, key, NULL);
}

size_t umap_count(const struct umap *m)
{
    return m->t.live;
}

bool umap_next(const struct umap *m, size_t *it, uint64_t *key, void **value)
{
    const struct entry *e = table_next(&m->t, it);

    if (!e)
        return false;
    if (key)
        *key = e->k;
    if (value)
        *value = e->value;
    return true;
}

/* Hash maps: from strings, and from 64-bit integers, to pointers. Iteration is in
 * insertion order, whatever the hash, so that runs are reproducible. Keys of a
 * string map are copied.
 */
#ifndef FLUX_BASE_MAP_H
#define FLUX_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map;  /* string keys */
struct umap; /* uint64_t keys */

struct map *map_new(
    void (*free_value)(void *)); /* free_value may be NULL; NULL on ENOMEM */
void map_free(struct map *m);    /* accepts NULL */
int map_set(struct map *m, const char *key, void *value); /* replaces; -ENOMEM */
int map_add(struct map *m, const char *key, void *value); /* -EEXIST, -ENOMEM */
void *map_get(const struct map *m, const char *key);
void *map_take(struct map *m, const char *key); /* remove, the value is yours */
bool map_del(struct map *m, const char *key);   /* remove and free the value */
size_t map_count(const struct map *m);
/* for (size_t it = 0; map_next (m, &it, &key, &value);) : deleting the current entry is allowed. */
bool map_next(const struct map *m, size_t *it, const char **key, void **value);

struct umap *umap_new(void (*free_value)(void *));
void umap_free(struct umap *m);
int umap_set(struct umap *m, uint64_t key, void *value);
int umap_add(struct umap *m, uint64_t key, void *value);
void *umap_get(const struct umap *m, uint64_t key);
void *umap_take(struct umap *m, uint64_t key);
bool umap_del(struct umap *m, uint64_t key);
size_t umap_count(const struct umap *m);
bool umap_next(const struct umap *m, size_t *it, uint64_t *key, void **value);

#endif

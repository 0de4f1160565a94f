/* A KVS namespace as a plain list of paths: what a tree is compared with. */
#ifndef TEST_UNIT_KVS_MODEL_H
#define TEST_UNIT_KVS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum model_type { MODEL_VAL, MODEL_DIR, MODEL_LINK };

struct model_entry {
    char *path;
    enum model_type type;
    char *value; /* bytes of a val, "NS::TARGET" of a link */
    size_t len;
    uint64_t version; /* of its last change */
};

struct model {
    struct model_entry *entries; /* in order of the paths */
    size_t n, size;
    uint64_t version; /* what is changed now gets it */
};

void model_clear(struct model *m);
void model_copy(struct model *to, const struct model *from);

/* The operations, on keys in normal form. 0, or what the KVS says: -EISDIR, -EOPNOTSUPP,
 * -EINVAL, -ELOOP. */
int model_put(struct model *m, const char *key, const void *data, size_t len);
int model_append(struct model *m, const char *key, const void *data, size_t len);
int model_unlink(struct model *m, const char *key);
int model_mkdir(struct model *m, const char *key);
int model_link(struct model *m, const char *key, const char *ns, const char *target);

/* By its own path, links not followed; NULL. */
const struct model_entry *model_get(const struct model *m, const char *path);
/* Follow links within one namespace, counted in *links: the path that a key stands for.
 * 0, 1: it leads to *ns and path there; -ENOENT, -ENOTDIR, -ELOOP. */
int model_resolve(const struct model *m, const char *key, bool follow, int *links,
                  char *path, char *ns);
/* What is below a directory ("": all), by paths from there. */
void model_sub(const struct model *m, const char *dir, struct model *ret);
/* Put a directory with all that; at "" it becomes the whole. */
int model_put_dir(struct model *m, const char *key, const struct model *sub);
/* Entries directly in a directory ("": the root), by fn. */
void model_each(const struct model *m, const char *dir,
                void (*fn)(const struct model_entry *e, void *arg), void *arg);

#endif

/* Directories of the key-value store as they were read. */
#ifndef FLUX_KVS_DIR_H
#define FLUX_KVS_DIR_H

#include <flux/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct flux_kvsdir flux_kvsdir_t;
typedef struct flux_kvsitr flux_kvsitr_t;

/* From the text of an RFC 11 dir object; key is the directory's, handle and rootref (a
 * snapshot) may be NULL and are only kept. NULL, errno: EINVAL. Reference-counted:
 * destroy drops one (accepts NULL), copy is one of its own. */
flux_kvsdir_t *flux_kvsdir_create(flux_t *handle, const char *rootref, const char *key,
                                  const char *json_str);
void flux_kvsdir_destroy(flux_kvsdir_t *dir);
flux_kvsdir_t *flux_kvsdir_copy(const flux_kvsdir_t *dir);
void flux_kvsdir_incref(flux_kvsdir_t *dir);

/* How many entries; whether there is one of that name, and what it is: a link is not
 * followed. -1 / false for bad arguments. */
int flux_kvsdir_get_size(const flux_kvsdir_t *dir);
bool flux_kvsdir_exists(const flux_kvsdir_t *dir, const char *name);
bool flux_kvsdir_isdir(const flux_kvsdir_t *dir, const char *name);
bool flux_kvsdir_issymlink(const flux_kvsdir_t *dir, const char *name);
/* The same names? */
bool flux_kvsdir_equal(const flux_kvsdir_t *dir1, const flux_kvsdir_t *dir2);

/* What it was created with, borrowed. */
const char *flux_kvsdir_key(const flux_kvsdir_t *dir);
void *flux_kvsdir_handle(const flux_kvsdir_t *dir);
const char *flux_kvsdir_rootref(const flux_kvsdir_t *dir);
/* The full key of an entry, yours to free(). */
char *flux_kvsdir_key_at(const flux_kvsdir_t *dir, const char *key);

/* The names in order; NULL at the end. Valid while the directory is. */
flux_kvsitr_t *flux_kvsitr_create(const flux_kvsdir_t *dir);
void flux_kvsitr_destroy(flux_kvsitr_t *itr);
const char *flux_kvsitr_next(flux_kvsitr_t *itr);
void flux_kvsitr_rewind(flux_kvsitr_t *itr);

#ifdef __cplusplus
}
#endif
#endif

/* KVS tree objects (RFC 11): {"ver":1,"type":T,"data":D}.
 *
 *   val      D = base64 of the value's bytes
 *   valref   D = blobrefs, in order, of the blobs that make up the value
 *   dir      D = object of name -> tree object
 *   dirref   D = one blobref, of a stored dir
 *   symlink  D = {"target":key,"namespace":name?}
 *
 * Functions return 0 or more, or -errno; new objects are NULL on ENOMEM.
 */
#ifndef FLUX_PROTO_TREEOBJ_H
#define FLUX_PROTO_TREEOBJ_H

#include "base/json.h"

enum treeobj_type {
    TREEOBJ_NONE, /* not a tree object */
    TREEOBJ_VAL,
    TREEOBJ_VALREF,
    TREEOBJ_DIR,
    TREEOBJ_DIRREF,
    TREEOBJ_SYMLINK,
};

/* By the type key alone: not a validation. */
enum treeobj_type treeobj_type(const cJSON *o);
const char *treeobj_type_name(enum treeobj_type type);
/* Check the whole of it, entries of a dir too. -EPROTO; err (may be NULL) names what
 * is wrong. */
int treeobj_validate(const cJSON *o, flux_error_t *err);
/* Parse and validate. -EPROTO, -EFBIG. */
int treeobj_parse(const char *text, size_t len, cJSON **ret, flux_error_t *err);

cJSON *treeobj_new_val(const void *data, size_t len);
cJSON *treeobj_new_valref(const char *blobref); /* NULL: none yet */
cJSON *treeobj_new_dir(void);
cJSON *treeobj_new_dirref(const char *blobref); /* NULL: none yet */
cJSON *treeobj_new_symlink(const char *namespace,
                           const char *target); /* ns may be NULL */

/* A val's bytes, yours, with a NUL behind them. -EINVAL another type, -EPROTO. */
int treeobj_val_decode(const cJSON *o, char **ret, size_t *ret_len);
/* The same, appended. */
int treeobj_val_decode_buf(const cJSON *o, struct buf *out);

/* valref and dirref. */
int treeobj_blobref_count(const cJSON *o);              /* -EINVAL another type */
const char *treeobj_blobref(const cJSON *o, int index); /* borrowed; NULL */
int treeobj_add_blobref(cJSON *o, const char *blobref); /* -EINVAL */
bool blobref_valid(const char *s);

/* dir. A name is not empty and has no dot in it. */
int treeobj_dir_count(const cJSON *o);                         /* -EINVAL */
cJSON *treeobj_dir_get(const cJSON *o, const char *name);      /* borrowed; NULL */
int treeobj_dir_set(cJSON *o, const char *name, cJSON *entry); /* steals; replaces */
int treeobj_dir_delete(cJSON *o, const char *name);            /* -ENOENT */

/* symlink; *ret_namespace NULL when there is none. Borrowed. */
int treeobj_symlink_get(const cJSON *o, const char **ret_namespace,
                        const char **ret_target);

#endif

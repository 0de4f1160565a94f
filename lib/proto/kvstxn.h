/* The payload of kvs.commit, made by the client and read by the service:
 *
 *   {"namespace":s,"flags":i,"ops":[{"key":s,"flags":i,"dirent":treeobj|null,
 *     "expect":{"version":I}|{"data":base64}?}..]}
 *
 * A dirent of null removes the key, flag 32 appends. "expect" (an operation may have it
 * and no dirent) makes the transaction fail unless the key's last change was in that
 * version (0: it does not exist; of the root, the namespace's version), or it has that
 * value.
 *
 * The reader turns it into operations of the redo log (redo.h) without building a tree.
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_PROTO_KVSTXN_H
#define FLUX_PROTO_KVSTXN_H

#include <flux/types.h>

#include "proto/blobref.h"
#include "proto/redo.h"

#define KVSTXN_NAMESPACE_MAX 128

/* ---- the client ---- */

/* Append an operation; a comma is put between them. */
int kvstxn_add_val(struct buf *ops, const char *key, int flags, const void *data,
                   size_t len);
int kvstxn_add_unlink(struct buf *ops, const char *key);
int kvstxn_add_treeobj(struct buf *ops, const char *key, int flags, const char *treeobj,
                       size_t len); /* the text is not checked */
int kvstxn_add_expect_version(struct buf *ops, const char *key, int64_t version);
int kvstxn_add_expect_data(struct buf *ops, const char *key, const void *data,
                           size_t len);
/* The whole payload. */
int kvstxn_print(struct buf *out, const char *ns, int flags, const struct buf *ops);

/* ---- the service ---- */

/* A directory that is put by a version of a namespace: operation `op` has a hash of
 * zeros for it. */
struct kvstxn_version {
    unsigned op;
    uint64_t id, version;
};

struct kvstxn {
    char ns[KVSTXN_NAMESPACE_MAX + 1];
    int flags;
    struct buf ops; /* operations, by redo_next() */
    unsigned nops;
    struct buf expects; /* by kvstxn_expect() */
    unsigned nexpects;
    struct kvstxn_version *versions;
    unsigned nversions;
    bool has_links, has_refs; /* links, references by hash */
    size_t largest;           /* bytes of the largest value */
};

/* {0} to begin with. -EPROTO malformed, -EINVAL or -ENAMETOOLONG a bad key, both with err
 * set; then it is freed already. */
int kvstxn_read(const char *payload, size_t len, struct kvstxn *ret, flux_error_t *err);
void kvstxn_free(struct kvstxn *t);

struct kvstxn_expect {
    struct slice key; /* in normal form */
    bool by_version;
    uint64_t version;
    struct slice data;
};
/* The next expectation: 1; 0 at the end. */
int kvstxn_expect(const struct buf *expects, size_t *pos, struct kvstxn_expect *ret);

#endif

/* Nodes and blobs of the KVS, made by hand and put into a store, of which a test knows the
 * bytes and may damage them. Hashes are borrowed and live as long as the program.
 */
#ifndef TEST_UNIT_STORE_MADE_H
#define TEST_UNIT_STORE_MADE_H

#include "base/buf.h"
#include "fixture.h"
#include "proto/kvsnode.h"

typedef const unsigned char *made_hash;

struct made {
    struct node_head head;
    struct buf entries;
};

/* A node in the making: {.head = {kind, level}}. */
void made_val(struct made *m, const char *key, const char *value);
void made_link(struct made *m, const char *key, const char *ns, const char *target);
/* What stands behind a hash; count: bytes, or entries below. */
void made_ref(struct made *m, enum entry_type type, const char *key, made_hash hash,
              uint64_t count);
/* Put it, and start over. */
made_hash made_put(struct fixture *f, struct made *m);
made_hash made_blob(struct fixture *f, const void *data, size_t len);
/* A node of one entry, named k. */
made_hash made_one(struct fixture *f, enum entry_type type, made_hash hash,
                   uint64_t count);
/* A hash that nothing has. */
made_hash made_nothing(void);
/* These bytes stand under that hash, which is not theirs. */
void made_damage(struct fixture *f, made_hash hash, const void *data, size_t len);

#endif

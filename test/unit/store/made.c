/* Nodes made by hand, see made.h. */
#include "made.h"

#include <check.h>
#include <string.h>

#include "base/sha256.h"
#include "store/kvs.h"

#define HASHES 2048

static made_hash keep(const unsigned char *hash)
{
    static unsigned char hashes[HASHES][NODE_HASH];
    static unsigned n;

    ck_assert_uint_lt(n, HASHES);
    memcpy(hashes[n], hash, NODE_HASH);
    return hashes[n++];
}

static struct slice text(const char *s)
{
    return (struct slice){s, s ? strlen(s) : 0};
}

static void add(struct made *m, const struct entry *e)
{
    ck_assert_int_eq(entry_write(m->head.kind, e, &m->entries), 0);
    m->head.n++;
}

void made_val(struct made *m, const char *key, const char *value)
{
    add(m, &(struct entry){.type = ENTRY_VAL, .key = text(key), .val = text(value)});
}

void made_link(struct made *m, const char *key, const char *ns, const char *target)
{
    add(m,
        &(struct entry){
            .type = ENTRY_LINK, .key = text(key), .ns = text(ns), .val = text(target)});
}

void made_ref(struct made *m, enum entry_type type, const char *key, made_hash hash,
              uint64_t count)
{
    add(m, &(struct entry){.type = type, .key = text(key), .hash = hash, .n = count});
}

static void put(struct fixture *f, made_hash hash, const void *data, size_t len)
{
    struct store_txn *t = store_txn_new(f->store);

    ck_assert_int_eq(store_txn_blob(t, hash, 1, data, len), 0);
    ck_assert_int_eq(fixture_commit(f, t), 0);
}

made_hash made_blob(struct fixture *f, const void *data, size_t len)
{
    unsigned char hash[NODE_HASH];
    made_hash kept;

    sha256(data, len, hash);
    kept = keep(hash);
    put(f, kept, data, len);
    return kept;
}

made_hash made_put(struct fixture *f, struct made *m)
{
    char head[NODE_HEAD];
    struct buf all = {0};
    made_hash hash;

    node_head_write(head, &m->head);
    buf_add(&all, head, sizeof(head));
    buf_add(&all, m->entries.data, m->entries.len);
    hash = made_blob(f, all.data, all.len);
    buf_free(&all);
    buf_free(&m->entries);
    m->head.n = 0;
    return hash;
}

made_hash made_one(struct fixture *f, enum entry_type type, made_hash hash,
                   uint64_t count)
{
    struct made leaf = {.head = {NODE_LEAF, 0}};

    made_ref(&leaf, type, "k", hash, count);
    return made_put(f, &leaf);
}

made_hash made_nothing(void)
{
    unsigned char hash[NODE_HASH];

    memset(hash, 0x99, sizeof(hash));
    return keep(hash);
}

void made_damage(struct fixture *f, made_hash hash, const void *data, size_t len)
{
    put(f, hash, data, len);
}

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "proto/kvsnode.h"
#include "suite.h"

static const unsigned char hash[NODE_HASH] = {9, 8, 7};

static void begin(struct buf *b, enum node_kind kind, unsigned level, unsigned n)
{
    char head[NODE_HEAD];

    node_head_write(head, &(struct node_head){kind, level, n});
    b->len = 0;
    buf_add(b, head, sizeof(head));
}

static void leaf(struct buf *b)
{
    struct entry e[] = {
        {ENTRY_VAL, slice_of("a"), 1, .val = {"x\0y", 3}},
        {ENTRY_LINK, slice_of("b"), 300, .ns = slice_of("n"), .val = slice_of("t.u")},
        {ENTRY_BLOB, slice_of("bb"), 3, .hash = hash, .n = 1000},
        {ENTRY_ROPE, slice_of("c"), 4, .hash = hash, .n = 1 << 20},
        {ENTRY_DIR, slice_of("d"), 5, .hash = hash, .n = 17},
    };

    begin(b, NODE_LEAF, 0, 5);
    for (int i = 0; i < 5; i++)
        entry_write(NODE_LEAF, &e[i], b);
}

START_TEST(a_leaf_reads_as_it_was_written)
{
    CLEANUP(buf_free) struct buf b = {0};
    struct node_head h;
    struct entry e[5];
    size_t pos = NODE_HEAD;

    leaf(&b);
    ck_assert_int_eq(node_check(b.data, b.len), 0);
    ck_assert_int_eq(node_head_read(b.data, b.len, &h), 0);
    ck_assert_uint_eq(h.n, 5);
    for (int i = 0; i < 5; i++) {
        int rc = entry_read(h.kind, b.data + pos, b.len - pos, &e[i]);

        ck_assert_int_gt(rc, 0);
        pos += rc;
    }
    ck_assert_uint_eq(pos, b.len);
    ck_assert(slice_is(e[0].key, "a") && e[0].type == ENTRY_VAL && e[0].val.len == 3);
    ck_assert(!e[0].hash && e[0].version == 1);
    ck_assert(slice_is(e[1].ns, "n") && slice_is(e[1].val, "t.u") && e[1].version == 300);
    ck_assert_mem_eq(e[2].hash, hash, NODE_HASH);
    ck_assert_uint_eq(e[3].n, 1 << 20);
    ck_assert(e[4].type == ENTRY_DIR && e[4].n == 17 && e[4].version == 5);
}
END_TEST

START_TEST(inner_nodes_and_ropes_too)
{
    CLEANUP(buf_free) struct buf b = {0};
    struct entry one = {.key = slice_of(""), .hash = hash, .n = 5};
    struct entry two = {.key = slice_of("m"), .hash = hash, .n = 6};

    begin(&b, NODE_INNER, 1, 2);
    entry_write(NODE_INNER, &one, &b);
    entry_write(NODE_INNER, &two, &b);
    ck_assert_int_eq(node_check(b.data, b.len), 0);
    begin(&b, NODE_ROPE, 1, 2);
    entry_write(NODE_ROPE, &one, &b);
    entry_write(NODE_ROPE, &one, &b);
    ck_assert_int_eq(node_check(b.data, b.len), 0);
}
END_TEST

START_TEST(malformed_nodes_are_refused)
{
    CLEANUP(buf_free) struct buf b = {0};
    struct entry e = {ENTRY_VAL, slice_of("k"), 1, .val = slice_of("v")};

    leaf(&b);
    for (size_t len = 0; len < b.len; len++)
        ck_assert_int_eq(node_check(b.data, len), -EPROTO);
    buf_addc(&b, 0);
    ck_assert_int_eq(node_check(b.data, b.len), -EPROTO);
    for (int i = 0; i < 6; i++) {
        leaf(&b);
        b.data[i] ^= 0x40;
        ck_assert_int_eq(node_check(b.data, b.len), -EPROTO);
    }
    begin(&b, NODE_LEAF, 0, 2); /* the same key twice */
    entry_write(NODE_LEAF, &e, &b);
    entry_write(NODE_LEAF, &e, &b);
    ck_assert_int_eq(node_check(b.data, b.len), -EPROTO);
    begin(&b, NODE_INNER, 1, 0);
    ck_assert_int_eq(node_check(b.data, b.len), -EPROTO);
    begin(&b, NODE_LEAF, 0, 0); /* an empty directory is fine */
    ck_assert_int_eq(node_check(b.data, b.len), 0);
}
END_TEST

START_TEST(keys_are_ordered_as_bytes_the_shorter_first)
{
    ck_assert_int_lt(key_compare(slice_of(""), slice_of("a")), 0);
    ck_assert_int_lt(key_compare(slice_of("a"), slice_of("aa")), 0);
    ck_assert_int_lt(key_compare(slice_of("z"), slice_of("\xc3\xbc")), 0);
    ck_assert_int_eq(key_compare(slice_of("b"), slice_of("b")), 0);
}
END_TEST

SUITE_MAIN("proto/kvsnode", a_leaf_reads_as_it_was_written, inner_nodes_and_ropes_too,
           malformed_nodes_are_refused, keys_are_ordered_as_bytes_the_shorter_first)

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/crc32c.h"
#include "proto/redo.h"
#include "suite.h"

static const unsigned char hash[REDO_HASH] = {1, 2, 3, 255};

static void make(struct buf *rec, uint64_t seq, uint64_t chain)
{
    struct redo_head h = {
        .flags = 5, .seq = seq, .chain = chain, .version = 9, .userid = 1000, .nops = 4};
    CLEANUP(buf_free) struct buf link = {0}, ref = {0};

    redo_link_add(&link, slice_of("other"), slice_of("x.y"));
    redo_ref_add(&ref, hash, 300);
    redo_ref_add(&ref, hash, 7);
    ck_assert_int_eq(redo_begin(rec, REDO_COMMIT, "primary"), 0);
    redo_add(rec, REDO_PUT, slice_of("a.b"), (struct slice){"v\0w", 3});
    redo_add(rec, REDO_UNLINK, slice_of("c"), SLICE_NONE);
    redo_add(rec, REDO_LINK, slice_of("l"), (struct slice){link.data, link.len});
    redo_add(rec, REDO_VALREF, slice_of("r"), (struct slice){ref.data, ref.len});
    ck_assert_int_eq(redo_end(rec, &h), 0);
}

static void expect(const struct buf *rec, size_t *pos, enum redo_op op, const char *key,
                   struct redo_item *item)
{
    ck_assert_int_eq(redo_next(rec->data, rec->len, pos, item), 1);
    ck_assert_int_eq(item->op, op);
    ck_assert(slice_is(item->key, key));
}

START_TEST(a_record_reads_as_it_was_written)
{
    CLEANUP(buf_free) struct buf rec = {0};
    struct slice ns, target;
    const unsigned char *ref;
    struct redo_item item;
    struct redo_head h;
    size_t pos, at = 0;
    uint64_t n;

    make(&rec, 77, 0x123456789abcdef);
    ck_assert_int_eq(redo_read(rec.data, rec.len, &h, &pos), 0);
    ck_assert_int_eq(h.kind, REDO_COMMIT);
    ck_assert_uint_eq(h.flags, 5);
    ck_assert_uint_eq(h.seq, 77);
    ck_assert_uint_eq(h.chain, 0x123456789abcdef);
    ck_assert_uint_eq(h.version, 9);
    ck_assert_uint_eq(h.userid, 1000);
    ck_assert_uint_eq(h.nops, 4);
    ck_assert(slice_is(h.ns, "primary"));
    expect(&rec, &pos, REDO_PUT, "a.b", &item);
    ck_assert_uint_eq(item.value.len, 3);
    ck_assert_mem_eq(item.value.p, "v\0w", 3);
    expect(&rec, &pos, REDO_UNLINK, "c", &item);
    expect(&rec, &pos, REDO_LINK, "l", &item);
    ck_assert_int_eq(redo_link(item.value, &ns, &target), 0);
    ck_assert(slice_is(ns, "other") && slice_is(target, "x.y"));
    expect(&rec, &pos, REDO_VALREF, "r", &item);
    ck_assert_int_eq(redo_ref(item.value, &at, &ref, &n), 1);
    ck_assert_mem_eq(ref, hash, REDO_HASH);
    ck_assert_uint_eq(n, 300);
    ck_assert_int_eq(redo_ref(item.value, &at, &ref, &n), 1);
    ck_assert_uint_eq(n, 7);
    ck_assert_int_eq(redo_ref(item.value, &at, &ref, &n), 0);
    ck_assert_int_eq(redo_next(rec.data, rec.len, &pos, &item), 0);
}
END_TEST

START_TEST(any_changed_bit_is_noticed)
{
    CLEANUP(buf_free) struct buf rec = {0};
    struct redo_head h;
    size_t pos;

    make(&rec, 1, 0);
    for (size_t i = 0; i < rec.len * 8; i++) {
        rec.data[i / 8] ^= 1 << i % 8;
        ck_assert_int_eq(redo_read(rec.data, rec.len, &h, &pos), -EBADMSG);
        rec.data[i / 8] ^= 1 << i % 8;
    }
    for (size_t len = 0; len < rec.len; len++)
        ck_assert_int_lt(redo_read(rec.data, len, &h, &pos), 0);
}
END_TEST

/* Sound checksums do not make sound records. */
START_TEST(malformed_records_are_refused)
{
    CLEANUP(buf_free) struct buf rec = {0};
    struct redo_head h;
    uint32_t crc;
    size_t pos;
    struct {
        size_t at;
        unsigned char byte;
    } bad[] = {
        {4, 2},               /* format */
        {5, 0},    {5, 9},    /* kind */
        {36, 3},   {36, 5},   /* number of operations */
        {40, 0},   {40, 250}, /* name's length */
        {48, 0},   {48, 99},  /* operation */
        {49, 200},            /* key's length */
    };

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        make(&rec, 1, 0);
        rec.data[bad[i].at] = bad[i].byte;
        crc = crc32c(0, rec.data + 4, rec.len - 4);
        memcpy(rec.data, &crc, 4);
        ck_assert_msg(redo_read(rec.data, rec.len, &h, &pos) == -EPROTO, "case %zu", i);
    }
}
END_TEST

START_TEST(the_chain_tells_every_record_and_their_order)
{
    CLEANUP(buf_free) struct buf a = {0}, b = {0}, c = {0};
    uint64_t one, two;

    make(&a, 1, 0);
    make(&b, 2, redo_chain(a.data));
    one = redo_chain(b.data);
    make(&c, 2, 0);
    two = redo_chain(c.data);
    ck_assert_uint_ne(redo_chain(a.data), 0);
    ck_assert_uint_ne(one, two);
    make(&c, 2, redo_chain(a.data));
    ck_assert_uint_eq(redo_chain(c.data), one);
}
END_TEST

START_TEST(operations_can_be_gathered_apart)
{
    CLEANUP(buf_free) struct buf ops = {0}, rec = {0};
    struct redo_head h = {.seq = 1, .nops = 1};
    struct redo_item item;
    size_t pos = 0;

    redo_add(&ops, REDO_MKDIR, slice_of("d"), SLICE_NONE);
    ck_assert_int_eq(redo_next(ops.data, ops.len, &pos, &item), 1);
    ck_assert_int_eq(redo_next(ops.data, ops.len, &pos, &item), 0);
    redo_begin(&rec, REDO_COMMIT, "ns");
    redo_add_all(&rec, &ops);
    redo_end(&rec, &h);
    ck_assert_int_eq(redo_read(rec.data, rec.len, &h, &pos), 0);
    ck_assert_int_eq(redo_next(rec.data, rec.len, &pos, &item), 1);
    ck_assert_int_eq(item.op, REDO_MKDIR);
}
END_TEST

SUITE_MAIN("proto/redo", a_record_reads_as_it_was_written, any_changed_bit_is_noticed,
           malformed_records_are_refused, the_chain_tells_every_record_and_their_order,
           operations_can_be_gathered_apart)

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "proto/kvsfeed.h"
#include "suite.h"

static const unsigned char hash[NODE_HASH] = {1, 2, 3, 0xff};

START_TEST(a_root_reads_as_it_was_written)
{
    CLEANUP(buf_free) struct buf b = {0};
    struct feed_root in = {1ull << 40, 7, 1000, 3, {0}, "node", 4}, out;

    memcpy(in.hash, hash, NODE_HASH);
    ck_assert_int_eq(feed_root_write(&in, &b), 0);
    ck_assert_uint_eq(b.len, FEED_ROOT_HEAD + 4);
    ck_assert_int_eq(feed_root_read(b.data, b.len, &out), 0);
    ck_assert(out.id == 1ull << 40 && out.version == 7 && out.owner == 1000);
    ck_assert(out.flags == 3 && out.len == 4 && !memcmp(out.data, "node", 4));
    ck_assert_mem_eq(out.hash, hash, NODE_HASH);
    for (size_t len = 0; len < FEED_ROOT_HEAD; len++)
        ck_assert_int_eq(feed_root_read(b.data, len, &out), -EPROTO);
    b.data[2] = 2;
    ck_assert_int_eq(feed_root_read(b.data, b.len, &out), -EPROTO);
}
END_TEST

START_TEST(wants_are_one_to_64_and_whole)
{
    CLEANUP(buf_free) struct buf b = {0};
    struct feed_want in = {.node = true}, out[FEED_WANTS_MAX];

    memcpy(in.hash, hash, NODE_HASH);
    ck_assert_int_eq(feed_wants_read("", 0, out), -EPROTO);
    for (int i = 1; i <= FEED_WANTS_MAX; i++) {
        in.node = i % 2;
        feed_want_write(&in, &b);
        ck_assert_int_eq(feed_wants_read(b.data, b.len, out), i);
        ck_assert(out[i - 1].node == (i % 2 == 1));
        ck_assert_mem_eq(out[i - 1].hash, hash, NODE_HASH);
        ck_assert_int_eq(feed_wants_read(b.data, b.len - 1, out), -EPROTO);
    }
    feed_want_write(&in, &b);
    ck_assert_int_eq(feed_wants_read(b.data, b.len, out), -EPROTO);
    b.data[0] = 2;
    ck_assert_int_eq(feed_wants_read(b.data, FEED_WANT, out), -EPROTO);
}
END_TEST

START_TEST(objects_read_as_they_were_written)
{
    CLEANUP(buf_free) struct buf b = {0};
    struct feed_object o;
    size_t pos = 0;

    feed_object_write(&(struct feed_object){3, false, "abc", 3}, &b);
    feed_object_write(&(struct feed_object){.i = 4, .missing = true}, &b);
    feed_object_write(&(struct feed_object){63, false, "", 0}, &b);
    ck_assert_int_eq(feed_object_read(b.data, b.len, &pos, &o), 1);
    ck_assert(o.i == 3 && !o.missing && o.len == 3 && !memcmp(o.data, "abc", 3));
    ck_assert_int_eq(feed_object_read(b.data, b.len, &pos, &o), 1);
    ck_assert(o.i == 4 && o.missing);
    ck_assert_int_eq(feed_object_read(b.data, b.len, &pos, &o), 1);
    ck_assert(o.i == 63 && !o.missing && o.len == 0);
    ck_assert_int_eq(feed_object_read(b.data, b.len, &pos, &o), 0);
}
END_TEST

START_TEST(objects_that_end_too_early_or_have_no_place_are_refused)
{
    CLEANUP(buf_free) struct buf b = {0};
    struct feed_object o;

    feed_object_write(&(struct feed_object){3, false, "abc", 3}, &b);
    for (size_t len = 1; len < b.len; len++) {
        size_t pos = 0;

        ck_assert_int_eq(feed_object_read(b.data, len, &pos, &o), -EPROTO);
    }
    b.data[0] = FEED_WANTS_MAX;
    ck_assert_int_eq(feed_object_read(b.data, b.len, &(size_t){0}, &o), -EPROTO);
}
END_TEST

SUITE_MAIN("proto/kvsfeed", a_root_reads_as_it_was_written, wants_are_one_to_64_and_whole,
           objects_read_as_they_were_written,
           objects_that_end_too_early_or_have_no_place_are_refused)

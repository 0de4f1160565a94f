#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/json.h"
#include "shell/block.h"
#include "shell/ioevent.h"
#include "shell/stream.h"
#include "suite.h"

static struct place place;
static char path[128];

static void setup_place(void)
{
    place_make(&place);
    snprintf(path, sizeof(path), "%s/7", place.dir);
}

/* All records of a stream as "kind:stream:rank:data|". */
static char *read_all(struct stream *s)
{
    static char bytes[1 << 20];
    struct buf out = {0};
    uint64_t pos = 0;
    buf_adds(&out, "");
    for (;;) {
        struct segment_record r;
        size_t need;
        ssize_t n = stream_read(s, pos, bytes, sizeof(bytes));
        ck_assert_int_ge(n, 0);
        if (n == 0)
            break;
        ssize_t used = segment_read(bytes, (size_t)n, &r, &need);
        ck_assert_int_gt(used, 0);
        buf_addf(&out, "%d:%d:%u:%.*s|", r.kind, r.stream, r.rank, (int)r.len, r.data);
        pos += (uint64_t)used;
    }
    return buf_take(&out, NULL);
}

static void expect(struct stream *s, const char *want)
{
    char *got = read_all(s);
    ck_assert_str_eq(got, want);
    free(got);
}

START_TEST(no_output_no_file)
{
    struct stream *s;
    struct stat st;
    setup_place();
    ck_assert_int_eq(stream_new(place.env, path, 4, 1000, &s), 0);
    stream_redirect(s, 2, 1, "/tmp/err");
    expect(s, "2:1:2:/tmp/err|");
    stream_end(s);
    ck_assert_int_eq(file_stat(place.env, path, &st), -ENOENT);
    ck_assert(!stream_is_kept(s));
    stream_unref(s);
    ck_assert_int_eq(stream_open(place.env, path, &s), 0);
    ck_assert(stream_has_ended(s));
    expect(s, "");
    stream_unref(s);
    place_drop(&place);
}
END_TEST

START_TEST(what_was_written_is_read_again_in_order)
{
    struct stream *s;
    setup_place();
    ck_assert_int_eq(stream_new(place.env, path, 4, 1000, &s), 0);
    stream_redirect(s, 0, 1, "/e");
    stream_data(s, 0, 0, "one\n", 4);
    expect(s, "2:1:0:/e|1:0:0:one\n|"); /* before it is in the file */
    stream_flush(s);
    stream_data(s, 3, 1, "two\n", 4);
    expect(s, "2:1:0:/e|1:0:0:one\n|1:1:3:two\n|");
    stream_end(s);
    ck_assert(stream_is_kept(s));
    stream_unref(s);
    ck_assert_int_eq(stream_open(place.env, path, &s), 0);
    ck_assert_uint_eq(stream_ntasks(s), 4);
    expect(s, "2:1:0:/e|1:0:0:one\n|1:1:3:two\n|");
    stream_unref(s);
    place_drop(&place);
}
END_TEST

START_TEST(a_torn_record_is_cut_off)
{
    struct stream *s;
    struct file *f;
    setup_place();
    ck_assert_int_eq(stream_new(place.env, path, 1, 1000, &s), 0);
    stream_data(s, 0, 0, "whole", 5);
    stream_end(s);
    stream_unref(s);
    struct buf rec = {0};
    struct segment_record r = {.kind = SEGMENT_DATA, .data = "torn", .len = 4};
    segment_add(&rec, &r);
    ck_assert_int_eq(file_open(place.env, path, O_WRONLY | O_APPEND, 0, &f), 0);
    ck_assert_int_eq(file_append(f, rec.data, rec.len - 1), 0);
    file_close(f);
    buf_free(&rec);
    ck_assert_int_eq(stream_open(place.env, path, &s), 0);
    expect(s, "1:0:0:whole|");
    stream_unref(s);
    place_drop(&place);
}
END_TEST

START_TEST(stdout_and_stderr_are_bounded_each)
{
    struct stream *s;
    setup_place();
    ck_assert_int_eq(stream_new(place.env, path, 1, 10, &s), 0);
    stream_data(s, 0, 0, "1234567", 7);
    stream_data(s, 0, 0, "89abc", 5);
    stream_data(s, 0, 0, "lost", 4);
    stream_data(s, 0, 1, "1234567890", 10);
    char *got = read_all(s);
    ck_assert(!strncmp(got, "1:0:0:1234567|1:0:0:89a|3:", 26));
    ck_assert(strstr(got, "stdout: truncated after 10 bytes"));
    ck_assert(strstr(got, "|1:1:0:1234567890|"));
    ck_assert(!strstr(got, "lost"));
    ck_assert(!strstr(got, "stderr: truncated"));
    free(got);
    stream_unref(s);
    place_drop(&place);
}
END_TEST

/* Records of a node: each text one of task 3. */
static void import(struct stream *s, uint64_t seq, const char *const *texts)
{
    struct buf b = {0};
    for (; *texts; texts++) {
        struct segment_record r = {.kind = SEGMENT_DATA,
                                   .rank = 3,
                                   .data = *texts,
                                   .len = (uint32_t)strlen(*texts)};
        ck_assert_int_eq(segment_add(&b, &r), 0);
    }
    ck_assert_int_eq(stream_import(s, 1, seq, b.data, b.len), 0);
    buf_free(&b);
}

#define TEXTS(...) ((const char *const[]){__VA_ARGS__, NULL})

START_TEST(records_of_another_node_are_taken_once)
{
    struct stream *s;
    setup_place();
    ck_assert_int_eq(stream_resume(place.env, path, 0, 0, &s), 0);
    ck_assert_uint_eq(stream_ntasks(s), 0);
    stream_set(s, 4, 1000);
    import(s, 0, TEXTS("a", "b"));
    stream_data(s, 0, 1, "own", 3);
    import(s, 1, TEXTS("b", "c"));
    expect(s, "1:0:3:a|1:0:3:b|1:1:0:own|1:0:3:c|");
    stream_end(s);
    stream_unref(s);
    ck_assert_int_eq(stream_resume(place.env, path, 9, 1000, &s), 0);
    ck_assert_uint_eq(stream_ntasks(s), 4);
    import(s, 0, TEXTS("a", "b", "c", "d"));
    stream_flush(s);
    expect(s, "1:0:3:a|1:0:3:b|1:1:0:own|1:0:3:c|1:0:3:d|");
    ck_assert_int_eq(stream_import(s, 1, 4, "rubbish", 7), -EPROTO);
    stream_unref(s);
    place_drop(&place);
}
END_TEST

START_TEST(what_the_limit_left_out_is_not_taken_for_missing)
{
    struct stream *s;
    setup_place();
    ck_assert_int_eq(stream_resume(place.env, path, 4, 4, &s), 0);
    import(s, 0, TEXTS("1234", "lost"));
    struct segment_record r = {
        .kind = SEGMENT_DATA, .stream = 1, .rank = 3, .data = "e", .len = 1};
    struct buf b = {0};
    segment_add(&b, &r);
    ck_assert_int_eq(stream_import(s, 1, 2, b.data, b.len), 0);
    stream_end(s);
    stream_unref(s);
    ck_assert_int_eq(stream_resume(place.env, path, 4, 4, &s), 0);
    ck_assert_int_eq(stream_import(s, 1, 2, b.data, b.len), 0); /* again */
    ck_assert_int_eq(stream_import(s, 1, 3, b.data, b.len), 0);
    char *got = read_all(s);
    ck_assert(!strncmp(got, "1:0:3:1234|", 11) && !strstr(got, "lost"));
    char *first = strstr(got, "1:1:3:e|"), *second = strstr(first + 1, "1:1:3:e|");
    ck_assert(first && second && !strstr(second + 1, "1:1:3:e|"));
    free(got);
    buf_free(&b);
    stream_unref(s);
    place_drop(&place);
}
END_TEST

START_TEST(what_was_passed_on_is_forgotten_its_number_is_not)
{
    struct stream *s;
    struct stat st;
    setup_place();
    ck_assert_int_eq(stream_new(place.env, path, 4, 1000, &s), 0);
    stream_data(s, 0, 0, "one", 3);
    stream_data(s, 0, 0, "two", 3);
    stream_flush(s);
    stream_forget(s);
    ck_assert_int_eq(file_stat(place.env, path, &st), -ENOENT);
    ck_assert(!stream_has_data(s));
    ck_assert_uint_eq(stream_base(s), 2);
    expect(s, "");
    stream_data(s, 0, 0, "three", 5);
    stream_end(s);
    stream_unref(s);
    ck_assert_int_eq(stream_resume(place.env, path, 0, 1000, &s), 0);
    ck_assert_uint_eq(stream_base(s), 2);
    expect(s, "1:0:0:three|");
    stream_unref(s);
    place_drop(&place);
}
END_TEST

START_TEST(blocks_are_read_as_they_were_written)
{
    struct buf b = {0};
    struct block in = {.id = 1ull << 40,
                       .kind = BLOCK_FILES,
                       .node = 3,
                       .ntasks = 7,
                       .limit = 1ull << 33,
                       .seq = 1ull << 35,
                       .records = "records",
                       .len = 7},
                 out;
    size_t pos = 0;
    ck_assert_int_eq(block_add(&b, &in), 0);
    in.len = 0;
    ck_assert_int_eq(block_add(&b, &in), 0);
    ck_assert_int_eq(block_next(b.data, b.len, &pos, &out), 1);
    ck_assert(out.id == in.id && out.kind == in.kind && out.node == 3 && out.ntasks == 7);
    ck_assert(out.limit == in.limit && out.seq == in.seq);
    ck_assert_uint_eq(out.len, 7);
    ck_assert_mem_eq(out.records, "records", 7);
    ck_assert_int_eq(block_next(b.data, b.len, &pos, &out), 1);
    ck_assert_uint_eq(out.len, 0);
    ck_assert_int_eq(block_next(b.data, b.len, &pos, &out), 0);
    for (size_t cut = 1; cut < b.len; cut++) {
        int rc;
        for (pos = 0; (rc = block_next(b.data, cut, &pos, &out)) > 0;)
            continue;
        ck_assert(rc == -EPROTO || (rc == 0 && pos == cut));
    }
    buf_free(&b);
}
END_TEST

static void expect_data(const char *data, size_t len, const char *want)
{
    struct segment_record r = {.kind = SEGMENT_DATA,
                               .stream = 1,
                               .rank = 2,
                               .time = 1.5,
                               .data = data,
                               .len = (uint32_t)len};
    struct buf out = {0};
    cJSON *o;
    ck_assert_int_eq(ioevent_record(&out, &r), 0);
    ck_assert_int_eq(json_parse(out.data, out.len, NULL, &o, NULL), 0);
    ck_assert_str_eq(json_str(json_get(o, "name")), "data");
    ck_assert_str_eq(json_str(json_get_path(o, "context.stream")), "stderr");
    ck_assert_str_eq(json_str(json_get_path(o, "context.rank")), "2");
    ck_assert_str_eq(json_str(json_get_path(o, "context.data")), want);
    bool plain = len == strlen(want) && !memcmp(data, want, len);
    ck_assert(plain == !json_get_path(o, "context.encoding"));
    json_free(o);
    buf_free(&out);
}

START_TEST(data_that_json_cannot_hold_travels_as_base64)
{
    expect_data("text \"q\" \xc6\x92\n", 12, "text \"q\" \xc6\x92\n");
    expect_data("\xff\xfe", 2, "//4=");
    expect_data("a\0b", 3, "YQBi");
}
END_TEST

SUITE_MAIN("stream", no_output_no_file, what_was_written_is_read_again_in_order,
           a_torn_record_is_cut_off, stdout_and_stderr_are_bounded_each,
           records_of_another_node_are_taken_once,
           what_the_limit_left_out_is_not_taken_for_missing,
           what_was_passed_on_is_forgotten_its_number_is_not,
           blocks_are_read_as_they_were_written,
           data_that_json_cannot_hold_travels_as_base64)

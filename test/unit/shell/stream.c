#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/json.h"
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
           data_that_json_cannot_hold_travels_as_base64)

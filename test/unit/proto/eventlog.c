#include <errno.h>
#include <string.h>

#include "proto/eventlog.h"
#include "suite.h"

START_TEST(entries_are_lines)
{
    struct buf b = {0};

    ck_assert_int_eq(eventlog_add(&b, 1552593348.073045, "submit", "{s:i s:i}", "urgency",
                                  16, "flags", 0),
                     0);
    ck_assert_int_eq(eventlog_add(&b, 1552593348.5, "free", NULL), 0);
    ck_assert_str_eq(b.data,
                     "{\"timestamp\":1552593348.073045,\"name\":\"submit\",\"context\":"
                     "{\"urgency\":16,\"flags\":0}}\n"
                     "{\"timestamp\":1552593348.500000,\"name\":\"free\"}\n");
    buf_free(&b);
}
END_TEST

START_TEST(no_text_breaks_a_line)
{
    struct buf b = {0};
    struct event e;

    ck_assert_int_eq(eventlog_add(&b, 1, "x\"}\n{", "{s:s}", "note", "a\n{\"b\":1}\n"),
                     0);
    ck_assert_ptr_eq(strchr(b.data, '\n'), b.data + b.len - 1);
    ck_assert_int_eq(event_parse(b.data, b.len, &e, NULL), 0);
    ck_assert_str_eq(e.name, "x\"}\n{");
    ck_assert_str_eq(json_str(json_get(e.context, "note")), "a\n{\"b\":1}\n");
    event_free(&e);
    buf_free(&b);
}
END_TEST

START_TEST(a_refused_entry_leaves_the_log_as_it_was)
{
    struct buf b = {0};

    eventlog_add(&b, 1, "a", NULL);
    ck_assert_int_eq(eventlog_add(&b, 1, "", NULL), -EINVAL);
    ck_assert_int_eq(eventlog_add(&b, -1, "a", NULL), -EINVAL);
    ck_assert_int_eq(eventlog_add(&b, 1, "a", "[i]", 1), -EINVAL);
    ck_assert_int_eq(eventlog_add_json(&b, 1, "a", "{\n}", 3), -EINVAL);
    ck_assert_str_eq(b.data, "{\"timestamp\":1.000000,\"name\":\"a\"}\n");
    buf_free(&b);
}
END_TEST

START_TEST(a_ready_context_is_copied)
{
    struct buf b = {0};

    ck_assert_int_eq(eventlog_add_json(&b, 2, "n", "{\"k\":1}x", 7), 0);
    ck_assert_str_eq(b.data,
                     "{\"timestamp\":2.000000,\"name\":\"n\",\"context\":{\"k\":1}}\n");
    buf_free(&b);
}
END_TEST

START_TEST(an_entry_is_parsed)
{
    static const char line[] = "{\"timestamp\":12.25,\"name\":\"alloc\","
                               "\"context\":{\"note\":\"rank0/core[0-1]\"}}\n";
    struct event e;

    ck_assert_int_eq(event_parse(line, sizeof(line) - 1, &e, NULL), 0);
    ck_assert_double_eq(e.timestamp, 12.25);
    ck_assert_str_eq(e.name, "alloc");
    ck_assert_str_eq(json_str(json_get(e.context, "note")), "rank0/core[0-1]");
    event_free(&e);
    ck_assert_int_eq(event_parse("{\"timestamp\":1,\"name\":\"a\"}", 26, &e, NULL), 0);
    ck_assert_ptr_null(e.context);
    event_free(&e);
}
END_TEST

START_TEST(bad_entries_are_refused)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"timestamp\":1}",
        "{\"name\":\"a\"}",
        "{\"timestamp\":\"1\",\"name\":\"a\"}",
        "{\"timestamp\":-1,\"name\":\"a\"}",
        "{\"timestamp\":1,\"name\":1}",
        "{\"timestamp\":1,\"name\":\"\"}",
        "{\"timestamp\":1,\"name\":\"a\",\"context\":[]}",
        "{\"timestamp\":1,\n\"name\":\"a\"}",
        "{\"timestamp\":1,\"name\":\"a\"}{}",
    };
    flux_error_t err;
    struct event e;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(event_parse(bad[i], strlen(bad[i]), &e, &err) == -EPROTO, "%s",
                      bad[i]);
}
END_TEST

START_TEST(a_log_is_walked_line_by_line)
{
    static const char log[] = "one\ntwo\n\nthree";
    const char *line;
    size_t len, pos = 0;

    ck_assert_int_eq(eventlog_next(log, 9, &pos, &line, &len), 1);
    ck_assert_mem_eq(line, "one\n", len);
    ck_assert_int_eq(eventlog_next(log, 9, &pos, &line, &len), 1);
    ck_assert_uint_eq(len, 4);
    ck_assert_int_eq(eventlog_next(log, 9, &pos, &line, &len), 1);
    ck_assert_uint_eq(len, 1);
    ck_assert_int_eq(eventlog_next(log, 9, &pos, &line, &len), 0);
    ck_assert_int_eq(eventlog_next(log, sizeof(log) - 1, &pos, &line, &len), -EPROTO);
}
END_TEST

SUITE_MAIN("proto/eventlog", entries_are_lines, no_text_breaks_a_line,
           a_refused_entry_leaves_the_log_as_it_was, a_ready_context_is_copied,
           an_entry_is_parsed, bad_entries_are_refused, a_log_is_walked_line_by_line)

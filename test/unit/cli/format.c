#include "cli/format.h"
#include "suite.h"

/* Rows are JSON objects of strings; !u shouts. */
static bool value(const void *row, const char *field, char conversion, struct buf *out,
                  void *arg)
{
    const char *s = json_str(json_get(row, field));

    for (; s && *s; s++)
        buf_addc(out, conversion == 'u' && *s >= 'a' && *s <= 'z' ? *s - 32 : *s);
    return s != NULL;
}

static const char *title(const char *field, void *arg)
{
    return !strcmp(field, "a") ? "ALPHA" : "B";
}

/* What format text makes of rows (a JSON array, ' for "), header first if asked for. */
static void expect_rows(const char *text, const char *rows, bool header, const char *want)
{
    cJSON *list = quoted(rows), *row;
    flux_error_t err = {{0}};
    struct format *f = format_new(text, &err);
    char *have = NULL;
    size_t size;
    FILE *out = open_memstream(&have, &size);

    ck_assert_msg(f != NULL, "%s: %s", text, err.text);
    if (format_needs_scan(f))
        cJSON_ArrayForEach(row, list) format_scan(f, row, value, NULL);
    if (header)
        format_header(f, out, title, NULL);
    cJSON_ArrayForEach(row, list) format_print(f, out, row, value, NULL);
    fclose(out);
    ck_assert_msg(!strcmp(have, want), "%s: '%s', not '%s'", text, have, want);
    free(have);
    format_free(f);
    json_free(list);
}

static void expect(const char *text, const char *row, const char *want)
{
    char rows[256];

    snprintf(rows, sizeof(rows), "[%s]", row);
    expect_rows(text, rows, false, want);
}

START_TEST(text_and_fields)
{
    expect("", "{}", "\n");
    expect("just text", "{}", "just text\n");
    expect("{a}", "{'a':'x'}", "x\n");
    expect("<{a}|{b}>", "{'a':'x','b':'y'}", "<x|y>\n");
    expect("{{{a}}}", "{'a':'x'}", "{x}\n");
    expect("{a!u}", "{'a':'xy'}", "XY\n");
    expect("{a}", "{}", "\n");
}
END_TEST

START_TEST(width_and_alignment)
{
    expect("{a:5}|", "{'a':'xy'}", "xy   |\n");
    expect("{a:<5}|", "{'a':'xy'}", "xy   |\n");
    expect("{a:>5}|", "{'a':'xy'}", "   xy|\n");
    expect("{a:^6}|", "{'a':'xy'}", "  xy  |\n");
    expect("{a:^5}|", "{'a':'xy'}", " xy  |\n");
    expect("{a:2}|", "{'a':'xyz'}", "xyz|\n");
    expect("{a:5}", "{'a':'xy'}", "xy\n"); /* no spaces at the end of a line */
    expect("{a:>4}|", "{'a':'\xc6\x92z'}", "  \xc6\x92z|\n"); /* characters, not bytes */
}
END_TEST

START_TEST(cutting)
{
    expect("{a:.3}|", "{'a':'abcdef'}", "abc|\n");
    expect("{a:5.3}|", "{'a':'abcdef'}", "abc  |\n");
    expect("{a:.3+}|", "{'a':'abcdef'}", "ab+|\n");
    expect("{a:.3+}|", "{'a':'abc'}", "abc|\n");
    expect("{a:.2}|", "{'a':'\xc6\x92\xc6\x92\xc6\x92'}", "\xc6\x92\xc6\x92|\n");
    expect("{a:.0}|", "{'a':'abc'}", "|\n");
    expect("{a:.0+}|", "{'a':'abc'}", "|\n");
}
END_TEST

START_TEST(numbers_and_empty_values)
{
    expect("{a:.2f}", "{'a':'3.14159'}", "3.14\n");
    expect("{a:8.1f}|", "{'a':'3.14159'}", "3.1     |\n");
    expect("{a:.2f}", "{'a':'none'}", "none\n");
    expect("{a:h}|", "{}", "-|\n");
    expect("{a:>3h}|", "{'a':''}", "  -|\n");
    expect("{a:h}|", "{'a':'x'}", "x|\n");
}
END_TEST

START_TEST(columns_that_nobody_fills_go)
{
    expect_rows("{a} ?:{b:3} {a}", "[{'a':'x'},{'a':'y'}]", true,
                "ALPHA ALPHA\nx x\ny y\n");
    expect_rows("{a} ?:{b:3} {a}", "[{'a':'x'},{'a':'y','b':'q'}]", true,
                "ALPHA B   ALPHA\nx     x\ny q   y\n");
}
END_TEST

START_TEST(columns_that_grow)
{
    expect_rows("+:{a:2}|", "[{'a':'x'},{'a':'abcdefg'}]", false, "x      |\nabcdefg|\n");
    expect_rows("+:{a:2.3}|", "[{'a':'abcdefg'}]", false, "abcdefg|\n");
    expect_rows("+:{a:2}|", "[{'a':'x'}]", true,
                "ALPHA|\nx    |\n"); /* the title counts */
    expect_rows("?+:{a:2}|{b}", "[{'b':'x'}]", false, "|x\n");
}
END_TEST

START_TEST(fields_and_sorting)
{
    struct format *f = format_new("sort:x,-y {a} {b:5}", NULL);
    bool down = false;

    ck_assert_ptr_nonnull(f);
    ck_assert_str_eq(format_field(f, 0), "a");
    ck_assert_str_eq(format_field(f, 1), "b");
    ck_assert_ptr_null(format_field(f, 2));
    ck_assert_str_eq(format_sort(f, 0, &down), "x");
    ck_assert(!down);
    ck_assert_str_eq(format_sort(f, 1, &down), "y");
    ck_assert(down);
    ck_assert_ptr_null(format_sort(f, 2, &down));
    ck_assert(!format_needs_scan(f));
    format_free(f);
    expect("sort:a {a}", "{'a':'x'}", "x\n");
}
END_TEST

START_TEST(what_is_malformed_is_refused)
{
    static const char *const bad[] = {
        "{",     "{a",     "{}",        "{:5}",
        "{a:q}", "{a:5q}", "{a:99999}", "{a:.99999}",
        "{a:.}", "{a:-5}", "{!u}",      "{a:99999999999999999999}"};
    flux_error_t err;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        err.text[0] = '\0';
        ck_assert_msg(!format_new(bad[i], &err), "%s", bad[i]);
        ck_assert_int_gt(strlen(err.text), 0);
    }
}
END_TEST

SUITE_MAIN("format", text_and_fields, width_and_alignment, cutting,
           numbers_and_empty_values, columns_that_nobody_fills_go, columns_that_grow,
           fields_and_sorting, what_is_malformed_is_refused)

#include <errno.h>
#include <stdio.h>

#include "proto/key.h"
#include "suite.h"

static const char *normal(const char *key, bool *want_dir)
{
    static char out[KEY_MAX + 1];
    int rc = key_normalize(key, strlen(key), out, want_dir);

    if (rc < 0)
        return NULL;
    out[rc] = '\0';
    return out;
}

START_TEST(dots_at_the_ends_and_in_rows_go)
{
    ck_assert_str_eq(normal("a", NULL), "a");
    ck_assert_str_eq(normal("a.b.c", NULL), "a.b.c");
    ck_assert_str_eq(normal(".a..b...c.", NULL), "a.b.c");
    ck_assert_str_eq(normal("a b.\xc3\xbc", NULL), "a b.\xc3\xbc");
}
END_TEST

START_TEST(the_root_is_empty)
{
    ck_assert_str_eq(normal(".", NULL), "");
    ck_assert_str_eq(normal("...", NULL), "");
}
END_TEST

START_TEST(a_dot_at_the_end_asks_for_a_directory)
{
    bool want = true;

    normal("a.b", &want);
    ck_assert(!want);
    normal("a.b.", &want);
    ck_assert(want);
    normal(".", &want);
    ck_assert(want);
}
END_TEST

START_TEST(bad_keys_are_refused)
{
    char name[KEY_NAME_MAX + 2], out[KEY_MAX + 1], *longest = calloc(1, KEY_MAX + 2);

    ck_assert_int_eq(key_normalize("", 0, out, NULL), -EINVAL);
    ck_assert_int_eq(key_normalize("\xff", 1, out, NULL), -EINVAL);
    ck_assert_int_eq(key_normalize("a\0b", 3, out, NULL), -EINVAL);
    memset(name, 'x', sizeof(name));
    ck_assert_int_eq(key_normalize(name, KEY_NAME_MAX, out, NULL), KEY_NAME_MAX);
    ck_assert_int_eq(key_normalize(name, KEY_NAME_MAX + 1, out, NULL), -ENAMETOOLONG);
    for (int i = 0; i <= KEY_MAX; i++)
        longest[i] = i % 512 ? 'x' : '.';
    ck_assert_int_eq(key_normalize(longest, KEY_MAX, out, NULL), KEY_MAX - 1);
    ck_assert_int_eq(key_normalize(longest, KEY_MAX + 1, out, NULL), -ENAMETOOLONG);
    for (int i = 0; i < 2 * KEY_DEPTH_MAX + 2; i++)
        longest[i] = i % 2 ? '.' : 'x';
    ck_assert_int_eq(key_normalize(longest, 2 * KEY_DEPTH_MAX, out, NULL),
                     2 * KEY_DEPTH_MAX - 1);
    ck_assert_int_eq(key_normalize(longest, 2 * KEY_DEPTH_MAX + 1, out, NULL),
                     -ENAMETOOLONG);
    free(longest);
}
END_TEST

START_TEST(names_come_one_by_one)
{
    const char *key = "ab.c.def", *p = key, *end = key + strlen(key), *name;
    char seen[32] = "";
    size_t len;

    while (key_next(&p, end, &name, &len))
        sprintf(seen + strlen(seen), "[%.*s]", (int)len, name);
    ck_assert_str_eq(seen, "[ab][c][def]");
    p = end = "";
    ck_assert(!key_next(&p, end, &name, &len));
}
END_TEST

START_TEST(a_key_begins_with_its_first_name)
{
    struct slice rest = SLICE_NONE;

    ck_assert(key_begins(slice_of("ab.c.d"), "ab", &rest));
    ck_assert(slice_is(rest, "c.d"));
    ck_assert(key_begins(slice_of("ab"), "ab", &rest));
    ck_assert(slice_is(rest, ""));
    ck_assert(key_begins(slice_of("ab.c"), "ab", NULL));
    ck_assert(!key_begins(slice_of("abc.d"), "ab", &rest));
    ck_assert(!key_begins(slice_of("a"), "ab", &rest));
    ck_assert(!key_begins(slice_of(""), "ab", &rest));
}
END_TEST

START_TEST(namespaces_have_plain_names)
{
    char name[200];

    ck_assert(namespace_valid("primary"));
    ck_assert(namespace_valid("job-0.1_X"));
    ck_assert(!namespace_valid(""));
    ck_assert(!namespace_valid("a/b"));
    ck_assert(!namespace_valid("a b"));
    memset(name, 'n', sizeof(name));
    name[128] = '\0';
    ck_assert(namespace_valid(name));
    name[128] = 'n';
    name[129] = '\0';
    ck_assert(!namespace_valid(name));
}
END_TEST

SUITE_MAIN("proto/key", dots_at_the_ends_and_in_rows_go, the_root_is_empty,
           a_dot_at_the_end_asks_for_a_directory, bad_keys_are_refused,
           names_come_one_by_one, a_key_begins_with_its_first_name,
           namespaces_have_plain_names)

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <flux/hostlist.h>
#include "base/buf.h"
#include "suite.h"

/* All names, joined with commas. */
static char *expand(struct hostlist *hl)
{
    struct buf b = {0};

    for (const char *s = hostlist_first(hl); s; s = hostlist_next(hl))
        buf_addf(&b, "%s%s", b.len ? "," : "", s);
    return buf_take(&b, NULL);
}

static void check_list(struct hostlist *hl, const char *text, const char *names)
{
    char *s = hostlist_encode(hl);

    ck_assert_str_eq(s, text);
    free(s);
    s = expand(hl);
    ck_assert_str_eq(s, names);
    free(s);
}

/* RFC 29's vectors, and more. */
START_TEST(expands_and_encodes)
{
    static const char *const cases[][3] = {
        {"", "", ""},
        {"foox,fooy,fooz", "foox,fooy,fooz", "foox,fooy,fooz"},
        {"[1-3,5-6]", "[1-3,5-6]", "1,2,3,5,6"},
        {"foo[1-5]", "foo[1-5]", "foo1,foo2,foo3,foo4,foo5"},
        {"foo[0-2]-eth2", "foo[0-2]-eth2", "foo0-eth2,foo1-eth2,foo2-eth2"},
        {"foo1,foo1,foo1", "foo[1,1,1]", "foo1,foo1,foo1"},
        {"[00-02]", "[00-02]", "00,01,02"},
        {"[00-2]", "[00-02]", "00,01,02"},
        {"foo[1,1,2,1]", "foo[1,1-2,1]", "foo1,foo1,foo2,foo1"},
        {"foo[005,4,11-12]", "foo[005,004,011-012]", "foo005,foo004,foo011,foo012"},
        {"foo9,foo10", "foo[9-10]", "foo9,foo10"},
        {"foo09,foo10", "foo[09-10]", "foo09,foo10"},
        {"foo9,foo010", "foo9,foo010", "foo9,foo010"},
        {"foo8,foo09", "foo8,foo09", "foo8,foo09"},
        {"foo[99-100]", "foo[99-100]", "foo99,foo100"},
        {"a1,b1,a2", "a1,b1,a2", "a1,b1,a2"},
        {"n1.x2.org,n2.x2.org,n4.x2.org", "n[1-2,4].x2.org",
         "n1.x2.org,n2.x2.org,n4.x2.org"},
        {"host", "host", "host"},
        {"host,host1", "host,host1", "host,host1"},
        {",a,,b,", "a,b", "a,b"},
        {"n12345678901234567890", "n12345678901234567890", "n12345678901234567890"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct hostlist *hl = hostlist_decode(cases[i][0]);

        ck_assert_msg(hl != NULL, "%s", cases[i][0]);
        check_list(hl, cases[i][1], cases[i][2]);
        hostlist_destroy(hl);
    }
}
END_TEST

START_TEST(malformed_text_is_refused)
{
    static const char *const bad[] = {"foo[",    "foo]",       "foo[]",     "foo[1-]",
                                      "foo[-1]", "foo[5-1]",   "foo[a]",    "foo[1,",
                                      "foo[1,]", "foo[1]x[2]", "foo[[1]]",  "a b",
                                      "a\n",     "\xc6\x92",   "foo[1 ,2]", "foo[1;2]"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        errno = 0;
        ck_assert_msg(!hostlist_decode(bad[i]), "%s", bad[i]);
        ck_assert_int_eq(errno, EINVAL);
    }
    ck_assert_ptr_null(hostlist_decode(NULL));
}
END_TEST

START_TEST(large_texts_are_bounded)
{
    struct hostlist *hl = hostlist_decode("n[0-65535]");
    char name[300];

    ck_assert_int_eq(hostlist_count(hl), 65536);
    ck_assert_str_eq(hostlist_last(hl), "n65535");
    hostlist_destroy(hl);
    ck_assert_ptr_null(hostlist_decode("n[0-65536]"));
    ck_assert_int_eq(errno, ERANGE);
    ck_assert_ptr_null(hostlist_decode("n[0-999999999999999999]"));
    ck_assert_int_eq(errno, ERANGE);
    ck_assert_ptr_null(hostlist_decode("n[9999999999999999999]"));
    ck_assert_int_eq(errno, ERANGE);
    ck_assert_ptr_null(hostlist_decode("n[0-65535],m"));
    ck_assert_ptr_null(hostlist_decode("n[0-40000],m[0-40000]"));
    memset(name, 'x', sizeof(name));
    name[256] = '\0';
    ck_assert_ptr_null(hostlist_decode(name));
    name[255] = '\0';
    hl = hostlist_decode(name);
    ck_assert_ptr_nonnull(hl);
    hostlist_destroy(hl);
    /* However it is written: 254 characters and one digit, or two. */
    strcpy(name + 254, "[8-9]");
    hl = hostlist_decode(name);
    ck_assert_ptr_nonnull(hl);
    hostlist_destroy(hl);
    strcpy(name + 254, "[9-10]");
    ck_assert_ptr_null(hostlist_decode(name));
    ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(cursor_moves)
{
    struct hostlist *hl = hostlist_decode("a[1-2],b");

    ck_assert_str_eq(hostlist_current(hl), "a1");
    ck_assert_str_eq(hostlist_first(hl), "a1");
    ck_assert_str_eq(hostlist_next(hl), "a2");
    ck_assert_str_eq(hostlist_next(hl), "b");
    ck_assert_ptr_null(hostlist_next(hl));
    ck_assert_ptr_null(hostlist_current(hl));
    ck_assert_str_eq(hostlist_nth(hl, 1), "a2");
    ck_assert_str_eq(hostlist_current(hl), "a2");
    ck_assert_str_eq(hostlist_last(hl), "b");
    ck_assert_ptr_null(hostlist_nth(hl, 3));
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_ptr_null(hostlist_nth(hl, -1));
    hostlist_destroy(hl);
    hl = hostlist_create();
    ck_assert_ptr_null(hostlist_first(hl));
    ck_assert_ptr_null(hostlist_last(hl));
    ck_assert(hostlist_is_empty(hl));
    hostlist_destroy(hl);
    hostlist_destroy(NULL);
}
END_TEST

START_TEST(finds_first_match)
{
    struct hostlist *hl = hostlist_decode("login,n[08-11],x[1-3]-ib,n9,login");
    struct hostlist_hostname *hn = hostlist_hostname_create("n10");

    ck_assert_int_eq(hostlist_find(hl, "login"), 0);
    ck_assert_int_eq(hostlist_find(hl, "n09"), 2);
    ck_assert_int_eq(hostlist_find(hl, "n9"), 8);
    ck_assert_int_eq(hostlist_find(hl, "x2-ib"), 6);
    ck_assert_str_eq(hostlist_current(hl), "x2-ib");
    ck_assert_int_eq(hostlist_find(hl, "n010"), -1);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_int_eq(hostlist_find(hl, "n"), -1);
    ck_assert_int_eq(hostlist_find(hl, ""), -1);
    ck_assert_int_eq(hostlist_find(hl, "x-ib"), -1);
    ck_assert_int_eq(hostlist_find_hostname(hl, hn), 3);
    hostlist_hostname_destroy(hn);
    hostlist_destroy(hl);
}
END_TEST

START_TEST(removes_anywhere)
{
    struct hostlist *hl = hostlist_decode("n[0-4],m");

    hostlist_nth(hl, 2);
    ck_assert_int_eq(hostlist_remove_current(hl), 1);
    ck_assert_str_eq(hostlist_current(hl), "n3");
    check_list(hl, "n[0-1,3-4],m", "n0,n1,n3,n4,m");
    ck_assert_int_eq(hostlist_remove_current(hl), 0);
    ck_assert_int_eq(hostlist_delete(hl, "n[0,4],m,nosuch"), 3);
    check_list(hl, "n[1,3]", "n1,n3");
    hostlist_first(hl);
    while (hostlist_remove_current(hl) == 1)
        ;
    ck_assert_int_eq(hostlist_count(hl), 0);
    hostlist_destroy(hl);
}
END_TEST

START_TEST(appends_texts_and_lists)
{
    struct hostlist *hl = hostlist_create(), *other = hostlist_decode("n[2-3],x");

    ck_assert_int_eq(hostlist_append(hl, "n1"), 1);
    ck_assert_int_eq(hostlist_append_list(hl, other), 3);
    ck_assert_int_eq(hostlist_append(hl, "y[1-2"), -1);
    ck_assert_int_eq(hostlist_append(hl, ""), 0);
    check_list(hl, "n[1-3],x", "n1,n2,n3,x");
    ck_assert_int_eq(hostlist_append_list(hl, hl), 4);
    check_list(hl, "n[1-3],x,n[1-3],x", "n1,n2,n3,x,n1,n2,n3,x");
    ck_assert_int_eq(hostlist_append(NULL, "x"), -1);
    ck_assert_int_eq(errno, EINVAL);
    hostlist_destroy(hl);
    hostlist_destroy(other);
}
END_TEST

START_TEST(sorts_numbers_by_value)
{
    struct hostlist *hl = hostlist_decode("n10,m3,n[9,2,1],n2,b,n02,a"), *copy;

    hostlist_sort(hl);
    check_list(hl, "a,b,m3,n[1-2,2],n02,n[9-10]", "a,b,m3,n1,n2,n2,n02,n9,n10");
    copy = hostlist_copy(hl);
    hostlist_uniq(copy);
    check_list(copy, "a,b,m3,n[1-2],n02,n[9-10]", "a,b,m3,n1,n2,n02,n9,n10");
    hostlist_destroy(copy);
    hostlist_destroy(hl);
}
END_TEST

/* Random edits against a plain array of names; the text always reads back. */
START_TEST(random_edits_match_a_model)
{
    static char model[400][24];
    struct hostlist *hl = hostlist_create();
    unsigned seed = 815;
    int n = 0;

    for (int i = 0; i < 3000; i++) {
        if (n < 300 && rand_r(&seed) % 3) {
            snprintf(model[n], sizeof(model[n]), "%s%0*d%s",
                     rand_r(&seed) % 4 ? "n" : "n1-", rand_r(&seed) % 5 ? 1 : 3,
                     rand_r(&seed) % 5 ? n : rand_r(&seed) % 50,
                     rand_r(&seed) % 5 ? "" : "x");
            ck_assert_int_eq(hostlist_append(hl, model[n++]), 1);
        } else if (n > 0) {
            int k = rand_r(&seed) % n;

            ck_assert_str_eq(hostlist_nth(hl, k), model[k]);
            ck_assert_int_eq(hostlist_remove_current(hl), 1);
            memmove(model[k], model[k + 1], sizeof(model[0]) * (size_t)(--n - k));
        }
        ck_assert_int_eq(hostlist_count(hl), n);
        if (i % 20 == 0) {
            char *text = hostlist_encode(hl), *a = expand(hl), *b;
            struct hostlist *back = hostlist_decode(text);

            b = expand(back);
            ck_assert_str_eq(a, b);
            for (int k = 0; k < n; k++)
                ck_assert_str_eq(hostlist_nth(back, k), model[k]);
            hostlist_destroy(back);
            free(text);
            free(a);
            free(b);
        }
    }
    hostlist_destroy(hl);
}
END_TEST

SUITE_MAIN("base/hostlist", expands_and_encodes, malformed_text_is_refused,
           large_texts_are_bounded, cursor_moves, finds_first_match, removes_anywhere,
           appends_texts_and_lists, sorts_numbers_by_value, random_edits_match_a_model)

/* The ranks of an R, as job-exec reads them. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/hostlist.h>

#include "base/cleanup.h"
#include "modules/job-exec/ranks.h"

#define R(entries, hosts)                                                                \
    "{\"version\":1,\"execution\":{\"R_lite\":[" entries "],\"nodelist\":[" hosts        \
    "],\"starttime\":0.0,\"expiration\":0.0}}"
#define ENTRY(ranks) "{\"rank\":\"" ranks "\",\"children\":{\"core\":\"0-3\"}}"

static void expect(const char *text, unsigned n, const unsigned *want)
{
    AUTOFREE unsigned *ranks = NULL;
    unsigned got;
    ck_assert_int_eq(ranks_read(slice_of(text), &ranks, &got), 0);
    ck_assert_uint_eq(got, n);
    for (unsigned i = 0; i < n; i++)
        ck_assert_uint_eq(ranks[i], want[i]);
}

START_TEST(ranks_are_read_in_order)
{
    expect(R(ENTRY("7"), "\"a\""), 1, (unsigned[]){7});
    expect(R(ENTRY("5") "," ENTRY("0-1,9"), "\"a[0-3]\""), 4, (unsigned[]){0, 1, 5, 9});
    expect(R(ENTRY("1048575"), "\"a\""), 1, (unsigned[]){1048575});
}
END_TEST

START_TEST(an_R_without_ranks_is_on_rank_0)
{
    expect("{}", 1, (unsigned[]){0});
    expect(R("", ""), 1, (unsigned[]){0});
}
END_TEST

START_TEST(nonsense_is_refused)
{
    static const char *const bad[] = {
        R(ENTRY("x"), ""),
        R(ENTRY("1-"), ""),
        R("{\"children\":{}}", ""),
        R(ENTRY("99999999999"), ""),
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        unsigned *ranks = NULL, n;
        ck_assert_msg(ranks_read(slice_of(bad[i]), &ranks, &n) == -EPROTO, "%s", bad[i]);
    }
}
END_TEST

START_TEST(hosts_are_told_by_place)
{
    const char *text = R(ENTRY("3-6"), "\"a[1-2]\",\"b\",\"c7\"");
    static const char *const hosts[] = {"a1", "a2", "b", "c7"};
    struct hostlist *told = ranks_hosts(slice_of(text)), *none;
    ck_assert_ptr_nonnull(told);
    for (int i = 0; i < 4; i++) {
        const char *host = hostlist_nth(told, i);
        ck_assert_ptr_nonnull(host);
        ck_assert_str_eq(host, hosts[i]);
    }
    ck_assert_ptr_null(hostlist_nth(told, 4));
    hostlist_destroy(told);
    none = ranks_hosts(slice_of("{}"));
    ck_assert_ptr_nonnull(none);
    ck_assert_ptr_null(hostlist_nth(none, 0));
    hostlist_destroy(none);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("exec_ranks");
    TCase *tc = tcase_create("exec_ranks");
    SRunner *sr;
    tcase_add_test(tc, ranks_are_read_in_order);
    tcase_add_test(tc, an_R_without_ranks_is_on_rank_0);
    tcase_add_test(tc, nonsense_is_refused);
    tcase_add_test(tc, hosts_are_told_by_place);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* PMI_process_mapping: texts of launchers, and ours. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pmi/mapping.h"

static int node[64];

static void check(const char *text, int size, const char *want)
{
    ck_assert_msg(pmi_mapping_decode(text, size, node) == 0, "refused: %s", text);
    for (int i = 0; i < size; i++)
        ck_assert_msg(node[i] == want[i] - '0', "%s: rank %d on node %d", text, i,
                      node[i]);
}

START_TEST(launchers_texts_are_read)
{
    check("(vector,(0,2,1))", 2, "01");
    check("(vector,(0,1,4))", 4, "0000");
    check("(vector,(0,2,2))", 4, "0011");
    check("(vector, (0,2,1))", 6, "010101"); /* repeated: cyclic */
    check("(vector,(0,1,3),(1,1,1))", 4, "0001");
    check("(vector,(1,2,1),(0,1,1),(3,1,2))", 5, "12033");
}
END_TEST

START_TEST(other_texts_are_refused)
{
    static const char *const bad[] = {
        "",
        "(vector)",
        "(vector,)",
        "(vector,())",
        "(vector,(0,1))",
        "(vector,(0,0,1))",
        "(vector,(0,1,0))",
        "(vector,(0,1,1)",
        "(vector,(0,1,1)) ",
        "(vector,(0,1,1)(1,1,1))",
        "(vector,(-1,1,1))",
        "(vector,(0,99999999999,1))",
        "(matrix,(0,1,1))",
        "vector,(0,1,1)",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(pmi_mapping_decode(bad[i], 4, node) == -EPROTO, "taken: %s",
                      bad[i]);
}
END_TEST

static void check_encode(const char *nodes, const char *want)
{
    struct buf b = {0};
    int size = (int)strlen(nodes);

    for (int i = 0; i < size; i++)
        node[i] = nodes[i] - '0';
    ck_assert_int_eq(pmi_mapping_encode(&b, node, size), 0);
    ck_assert_str_eq(b.data, want);
    check(b.data, size, nodes);
    buf_free(&b);
}

START_TEST(ours_is_short_and_reads_back)
{
    check_encode("0", "(vector,(0,1,1))");
    check_encode("0000", "(vector,(0,1,4))");
    check_encode("0123", "(vector,(0,4,1))");
    check_encode("001122", "(vector,(0,3,2))");
    check_encode("0001", "(vector,(0,1,3),(1,1,1))");
    check_encode("0101", "(vector,(0,2,1),(0,2,1))");
    check_encode("2100", "(vector,(2,1,1),(1,1,1),(0,1,2))");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pmi/mapping");
    TCase *tc = tcase_create("mapping");
    SRunner *sr = srunner_create(s);
    int failed;

    tcase_add_test(tc, launchers_texts_are_read);
    tcase_add_test(tc, other_texts_are_refused);
    tcase_add_test(tc, ours_is_short_and_reads_back);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}

/* Task maps of hosts. */
#include "broker/mapping.h"
#include "fake.h"

START_TEST(hosts_become_blocks)
{
    static const struct {
        const char *hosts, *map;
    } cases[] = {
        {"a", "[[0,1,1,1]]"},
        {"a[0-3]", "[[0,4,1,1]]"},
        {"a,a,a,a", "[[0,1,4,1]]"},
        {"a,a,b,b,c,c", "[[0,3,2,1]]"},
        {"a,b,a,b,a,b", "[[0,2,1,3]]"},
        {"a,a,b", "[[0,1,2,1],[1,1,1,1]]"},
        {"a,b,b,c,c", "[[0,1,1,1],[1,2,2,1]]"},
        {"a,b,c,b", "[[0,3,1,1],[1,1,1,1]]"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf out = {0};

        ck_assert_int_eq(mapping_encode(cases[i].hosts, &out), 0);
        ck_assert_str_eq(out.data, cases[i].map);
        buf_free(&out);
    }
}
END_TEST

SUITE_MAIN("mapping", hosts_become_blocks)

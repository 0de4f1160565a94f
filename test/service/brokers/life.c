/* Instances of many brokers: they find each other, run, and leave in good order. */
#include "cluster.h"

static struct cluster c;

START_TEST(all_come_up_and_leave_with_rank_0)
{
    cluster_init(&c, 7, "kary:2", WORLD);
    cluster_add_all(&c);
    cluster_until_up(&c);
    cluster_until_online(&c, "0-6");
    cluster_stop(&c);
    for (int i = 0; i < 7; i++) {
        ck_assert_int_eq(c.m[i].exit_code, 0);
        ck_assert_int_eq(c.m[i].ups, 1);
    }
    cluster_fini(&c);
}
END_TEST

START_TEST(a_request_reaches_each_rank_from_each)
{
    const char *s;
    char want[32];

    cluster_init(&c, 7, "kary:2", WORLD);
    cluster_add_all(&c);
    cluster_until_up(&c);
    for (int from = 0; from < 7; from++) {
        for (int to = 0; to < 7; to++) {
            ck_assert_int_eq(cluster_rpc(&c, from, "broker.ping", "{}", (uint32_t)to, &s),
                             0);
            snprintf(want, sizeof(want), "\"rank\":%d}", to);
            ck_assert_ptr_nonnull(strstr(s, want));
        }
    }
    ck_assert_int_eq(cluster_rpc(&c, 3, "broker.ping", "{}", 7, &s), EHOSTUNREACH);
    ck_assert_int_eq(cluster_rpc(&c, 3, "no.such", "{}", 6, &s), ENOSYS);
    ck_assert_int_eq(cluster_rpc(&c, 3, "no.such", "{}", FLUX_NODEID_ANY, &s), ENOSYS);
    cluster_stop(&c);
    cluster_fini(&c);
}
END_TEST

CLUSTER_MAIN("life", all_come_up_and_leave_with_rank_0,
             a_request_reaches_each_rank_from_each)

/* The resource service of an instance of many brokers. */
#include "cluster.h"

#include "base/json.h"
#include "proto/rset.h"

static struct cluster c;
static const char *const modules[] = {"resource", NULL};

static void begin(int size, int64_t world, const char *hostlist, const char *const *attrs)
{
    cluster_init(&c, size, "kary:2", world);
    c.modules = modules;
    c.hostlist = hostlist;
    c.attrs = attrs;
}

/* A member of the answer of resource.status, asked on some rank. */
static void status_is(int rank, const char *key, const char *want)
{
    const char *s;
    cJSON *o;

    ck_assert_int_eq(cluster_rpc(&c, rank, "resource.status", NULL, FLUX_NODEID_ANY, &s),
                     0);
    ck_assert_int_eq(json_parse(s, strlen(s), NULL, &o, NULL), 0);
    ck_assert_str_eq(json_str(json_get(o, key)), want);
    json_free(o);
}

static struct rset *get_R(int rank)
{
    struct rset *rs;
    const char *s;
    cJSON *o;

    ck_assert_int_eq(cluster_rpc(&c, rank, "resource.get", NULL, FLUX_NODEID_ANY, &s), 0);
    ck_assert_int_eq(json_parse(s, strlen(s), NULL, &o, NULL), 0);
    ck_assert_int_eq(rset_decode(json_get(o, "R"), &rs, NULL), 0);
    json_free(o);
    return rs;
}

START_TEST(brokers_tell_what_their_hosts_have)
{
    struct rset *rs;
    const char *s;

    begin(7, WORLD, "node[0-6]", NULL);
    cluster_add_all(&c);
    cluster_until_up(&c);
    cluster_until_online(&c, "0-6");
    rs = get_R(5);
    ck_assert_uint_eq(rset_nnodes(rs), 7);
    ck_assert_str_eq(rset_node(rs, 6)->host, "node6");
    ck_assert_uint_eq(rset_ncores(rs), 7 * idset_count(rset_node(rs, 0)->cores));
    rset_free(rs);
    status_is(3, "online", "0-6");
    ck_assert_int_eq(cluster_rpc(&c, 2, "resource.topo-get", "{}", 6, &s), 0);
    ck_assert_ptr_nonnull(strstr(s, "\"host\":\"node6\""));
    cluster_stop(&c);
    cluster_fini(&c);
}
END_TEST

static bool offline(struct cluster *cl, void *arg)
{
    const char *s;
    char want[64];

    snprintf(want, sizeof(want), "\"offline\":\"%s\"", (const char *)arg);
    return cluster_rpc(&c, 0, "resource.status", NULL, FLUX_NODEID_ANY, &s) == 0 &&
           strstr(s, want);
}

START_TEST(brokers_come_and_go)
{
    static const char *const attrs[] = {"test.cores=4", "broker.quorum=3", NULL};

    begin(4, WORLD, "node[0-3]", attrs);
    for (int i = 0; i < 3; i++)
        cluster_add(&c, i);
    cluster_until_up(&c);
    status_is(1, "offline", "3");
    ck_assert_int_eq(cluster_rpc(&c, 2, "resource.drain",
                                 "{\"targets\":\"node[1-2]\",\"reason\":\"x\"}",
                                 FLUX_NODEID_ANY, NULL),
                     0);
    cluster_add(&c, 3);
    cluster_until(&c, offline, "");
    cluster_crash(&c, 2);
    cluster_until(&c, offline, "2");
    cluster_add(&c, 2);
    cluster_until(&c, offline, "");
    status_is(2, "online", "0-3");
    cluster_stop(&c);
    cluster_fini(&c);
}
END_TEST

CLUSTER_MAIN("resource", brokers_tell_what_their_hosts_have, brokers_come_and_go)

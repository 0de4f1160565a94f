#include <errno.h>
#include <string.h>

#include "proto/rset.h"
#include "suite.h"

#define R_NODE0                                                                          \
    "{\"version\":1,\"execution\":{\"R_lite\":[{\"rank\":\"0\",\"children\":"            \
    "{\"core\":\"0-3\"}}],\"starttime\":0.0,\"expiration\":0.0,\"nodelist\":"            \
    "[\"node0\"]}}"
#define R_FOUR                                                                           \
    "{\"version\":1,\"execution\":{\"R_lite\":[{\"rank\":\"0,2\",\"children\":"          \
    "{\"core\":\"0-1\"}},{\"rank\":\"1,3\",\"children\":{\"core\":\"0-3\",\"gpu\":"      \
    "\"0\"}}],\"starttime\":100.0,\"expiration\":200.5,\"nslots\":2,\"nodelist\":"       \
    "[\"n[0-3]\"],\"properties\":{\"ssd\":\"0-1\"}},\"scheduling\":{\"graph\":{}}}"

static struct rset *parse(const char *text)
{
    flux_error_t err = {.text = ""};
    struct rset *rs = NULL;
    int rc = rset_parse(text, strlen(text), &rs, &err);

    ck_assert_msg(rc == 0, "%d: %s", rc, err.text);
    return rs;
}

static void check_print(const struct rset *rs, const char *text)
{
    struct buf b = {0};

    ck_assert_int_eq(rset_print(rs, &b), 0);
    ck_assert_str_eq(b.data, text);
    buf_free(&b);
}

START_TEST(what_flux_writes_is_read_and_written_alike)
{
    struct rset *rs = parse(R_NODE0);

    ck_assert_uint_eq(rset_nnodes(rs), 1);
    ck_assert_uint_eq(rset_ncores(rs), 4);
    ck_assert_uint_eq(rset_ngpus(rs), 0);
    ck_assert_str_eq(rset_node(rs, 0)->host, "node0");
    check_print(rs, R_NODE0);
    rset_free(rs);
    rs = parse(R_FOUR);
    check_print(rs, R_FOUR);
    rset_free(rs);
}
END_TEST

START_TEST(hosts_follow_ascending_ranks)
{
    struct rset *rs = parse(R_FOUR), *copy;
    struct idset *ranks;
    char *s;

    ck_assert_uint_eq(rset_nnodes(rs), 4);
    ck_assert_uint_eq(rset_ncores(rs), 12);
    ck_assert_uint_eq(rset_ngpus(rs), 2);
    ck_assert_str_eq(rset_find(rs, 1)->host, "n1");
    ck_assert_uint_eq(idset_count(rset_find(rs, 1)->cores), 4);
    ck_assert_str_eq(rset_find(rs, 2)->host, "n2");
    ck_assert_ptr_null(rset_find(rs, 2)->gpus);
    ck_assert_ptr_null(rset_find(rs, 4));
    ck_assert_double_eq(rset_starttime(rs), 100);
    ck_assert_double_eq(rset_expiration(rs), 200.5);
    ck_assert_uint_eq(rset_nslots(rs), 2);
    ck_assert_str_eq(json_str(json_get(rset_properties(rs), "ssd")), "0-1");
    ck_assert_int_eq(rset_ranks(rs, &ranks), 0);
    s = idset_encode(ranks, IDSET_FLAG_RANGE);
    ck_assert_str_eq(s, "0-3");
    free(s);
    idset_destroy(ranks);
    ck_assert_int_eq(rset_nodelist(rs, &s), 0);
    ck_assert_str_eq(s, "n[0-3]");
    free(s);
    ck_assert_int_eq(rset_copy(rs, &copy), 0);
    rset_free(rs);
    check_print(copy, R_FOUR);
    rset_free(copy);
}
END_TEST

START_TEST(a_set_of_nothing_is_valid)
{
    struct rset *rs = parse("{\"version\":1,\"execution\":{\"R_lite\":[],\"nodelist\":"
                            "[\"\"]}}");

    ck_assert_uint_eq(rset_nnodes(rs), 0);
    check_print(rs, "{\"version\":1,\"execution\":{\"R_lite\":[],\"starttime\":0.0,"
                    "\"expiration\":0.0,\"nodelist\":[\"\"]}}");
    rset_free(rs);
}
END_TEST

static struct idset *ids(const char *s)
{
    return s ? idset_decode(s) : NULL;
}

static void add(struct rset *rs, unsigned rank, const char *cores, const char *gpus)
{
    struct idset *c = ids(cores), *g = ids(gpus);

    ck_assert_int_eq(rset_add(rs, rank, NULL, c, g), 0);
    idset_destroy(c);
    idset_destroy(g);
}

static void check_rank(const struct rset *rs, unsigned rank, const char *cores,
                       const char *gpus)
{
    const struct rset_node *node = rset_find(rs, rank);
    char *s;

    ck_assert_ptr_nonnull(node);
    s = idset_encode(node->cores, IDSET_FLAG_RANGE);
    ck_assert_str_eq(s, cores);
    free(s);
    s = node->gpus ? idset_encode(node->gpus, IDSET_FLAG_RANGE) : strdup("");
    ck_assert_str_eq(s, gpus);
    free(s);
}

/* More than half of what a set may hold: its union with itself is no larger. */
START_TEST(a_large_set_joins_itself)
{
    struct rset *a, *c;

    rset_new(&a);
    for (unsigned rank = 0; rank < 40; rank++)
        add(a, rank, "0-999999", NULL);
    ck_assert_int_eq(rset_union(a, a, &c), 0);
    ck_assert_uint_eq(rset_ncores(c), 40u * 1000000u);
    rset_free(c);
    rset_free(a);
}
END_TEST

START_TEST(union_and_difference_are_by_id)
{
    struct rset *a, *b, *c;

    rset_new(&a);
    rset_new(&b);
    add(a, 5, "0-3", "0");
    add(a, 1, "0-1", NULL);
    add(b, 1, "1-2", NULL);
    add(b, 5, "0-3", NULL);
    add(b, 7, "9", NULL);
    ck_assert_int_eq(rset_union(a, b, &c), 0);
    ck_assert_uint_eq(rset_nnodes(c), 3);
    check_rank(c, 1, "0-2", "");
    check_rank(c, 5, "0-3", "0");
    check_rank(c, 7, "9", "");
    rset_free(c);
    ck_assert_int_eq(rset_diff(a, b, &c), 0);
    ck_assert_uint_eq(rset_nnodes(c), 2);
    check_rank(c, 1, "0", "");
    check_rank(c, 5, "", "0");
    rset_free(c);
    ck_assert_int_eq(rset_diff(a, a, &c), 0);
    ck_assert_uint_eq(rset_nnodes(c), 0);
    rset_free(c);
    rset_free(a);
    rset_free(b);
}
END_TEST

START_TEST(ranks_are_selected_and_rejected)
{
    struct rset *rs = parse(R_FOUR), *some;
    struct idset *ranks = idset_decode("1-2,9");

    ck_assert_int_eq(rset_select(rs, ranks, &some), 0);
    check_print(some, "{\"version\":1,\"execution\":{\"R_lite\":[{\"rank\":\"1\","
                      "\"children\":{\"core\":\"0-3\",\"gpu\":\"0\"}},{\"rank\":\"2\","
                      "\"children\":{\"core\":\"0-1\"}}],\"starttime\":100.0,"
                      "\"expiration\":200.5,\"nodelist\":[\"n[1-2]\"],\"properties\":"
                      "{\"ssd\":\"0-1\"}}}");
    rset_free(some);
    ck_assert_int_eq(rset_reject(rs, ranks, &some), 0);
    ck_assert_uint_eq(rset_nnodes(some), 2);
    ck_assert_ptr_nonnull(rset_find(some, 0));
    ck_assert_ptr_nonnull(rset_find(some, 3));
    rset_free(some);
    idset_destroy(ranks);
    rset_free(rs);
}
END_TEST

START_TEST(times_are_in_order)
{
    struct rset *rs;

    rset_new(&rs);
    ck_assert_int_eq(rset_set_times(rs, 10, 20), 0);
    ck_assert_int_eq(rset_set_times(rs, 10, 0), 0);
    ck_assert_int_eq(rset_set_times(rs, 10, 10), -EINVAL);
    ck_assert_int_eq(rset_set_times(rs, -1, 0), -EINVAL);
    rset_free(rs);
}
END_TEST

static const struct {
    const char *text;
    int rc;
} bad[] = {
#define LITE(x) "{\"version\":1,\"execution\":{\"R_lite\":" x "}}"
    {"{}", -EINVAL},
    {"{\"version\":2,\"execution\":{\"R_lite\":[]}}", -EINVAL},
    {"{\"version\":1}", -EINVAL},
    {LITE("{}"), -EINVAL},
    {LITE("[1]"), -EINVAL},
    {LITE("[{\"rank\":\"0\"}]"), -EINVAL},
    {LITE("[{\"rank\":0,\"children\":{\"core\":\"0\"}}]"), -EINVAL},
    {LITE("[{\"rank\":\"0\",\"children\":{\"core\":\"x\"}}]"), -EINVAL},
    {LITE("[{\"rank\":\"0\",\"children\":{\"core\":\"0\",\"gpu\":1}}]"), -EINVAL},
    {LITE("[{\"rank\":\"0-1\",\"children\":{\"core\":\"0\"}}],\"nodelist\":[\"a\"]"),
     -EINVAL},
    {LITE("[],\"nodelist\":\"a\""), -EINVAL},
    {LITE("[],\"nodelist\":[\"a[\"]"), -EINVAL},
    {LITE("[],\"starttime\":\"1\""), -EINVAL},
    {LITE("[],\"starttime\":5,\"expiration\":4"), -EINVAL},
    {LITE("[],\"nslots\":-1"), -EINVAL},
    {LITE("[],\"properties\":[]"), -EINVAL},
    {LITE("[],\"properties\":{\"a\":1}"), -EINVAL},
    {LITE("[],\"properties\":{\"a\":\"x\"}"), -EINVAL},
    {LITE("[{\"rank\":\"0-65536\",\"children\":{\"core\":\"0\"}}]"), -EFBIG},
    {LITE("[{\"rank\":\"0-65535\",\"children\":{\"core\":\"0-1048575\"}}]"), -EFBIG},
};

START_TEST(malformed_and_oversized_sets_are_refused)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        flux_error_t err = {.text = ""};
        struct rset *rs;
        int rc = rset_parse(bad[i].text, strlen(bad[i].text), &rs, &err);

        ck_assert_msg(rc == bad[i].rc, "%s: %d", bad[i].text, rc);
        ck_assert_str_ne(err.text, "");
    }
}
END_TEST

START_TEST(an_allocation_is_written_without_a_set)
{
    struct idset *cores = idset_decode("0,2-3"), *gpus = idset_decode("1");
    struct rset_node nodes[] = {{0, "a1", cores, gpus}, {3, "a2", cores, gpus}};
    struct rset_head head = {.starttime = 1.5, .nslots = 3};
    struct buf b = {0};
    cJSON *o;

    ck_assert_int_eq(rset_write(&b, &head, nodes, 2), 0);
    ck_assert_str_eq(b.data,
                     "{\"version\":1,\"execution\":{\"R_lite\":[{\"rank\":\"0,3\","
                     "\"children\":{\"core\":\"0,2-3\",\"gpu\":\"1\"}}],"
                     "\"starttime\":1.5,\"expiration\":0.0,\"nslots\":3,"
                     "\"nodelist\":[\"a[1-2]\"]}}");
    ck_assert_int_eq(json_parse(b.data, b.len, NULL, &o, NULL), 0);
    json_free(o);
    buf_free(&b);
    idset_destroy(cores);
    idset_destroy(gpus);
}
END_TEST

START_TEST(a_set_becomes_a_value)
{
    struct rset *rs = parse(R_FOUR), *again;
    cJSON *o;

    ck_assert_int_eq(rset_json(rs, &o), 0);
    ck_assert_int_eq(rset_decode(o, &again, NULL), 0);
    check_print(again, R_FOUR);
    json_free(o);
    rset_free(rs);
    rset_free(again);
}
END_TEST

START_TEST(nodes_get_other_ranks)
{
    struct rset *rs = parse(R_FOUR), *other;
    const unsigned ranks[] = {7, 2, 1, 0}, twice[] = {1, 2, 1, 0};

    ck_assert_int_eq(rset_rerank(rs, ranks, &other), 0);
    check_print(other,
                "{\"version\":1,\"execution\":{\"R_lite\":[{\"rank\":\"0,2\",\"children\":"
                "{\"core\":\"0-3\",\"gpu\":\"0\"}},{\"rank\":\"1,7\",\"children\":{\"core\":"
                "\"0-1\"}}],\"starttime\":100.0,\"expiration\":200.5,\"nslots\":2,"
                "\"nodelist\":[\"n[3,2,1,0]\"],\"properties\":{\"ssd\":\"2,7\"}}}");
    rset_free(other);
    other = NULL;
    ck_assert_int_eq(rset_rerank(rs, twice, &other), -EINVAL);
    ck_assert_ptr_null(other);
    rset_free(rs);
}
END_TEST

SUITE_MAIN("proto/rset", what_flux_writes_is_read_and_written_alike,
           hosts_follow_ascending_ranks, a_set_of_nothing_is_valid,
           a_large_set_joins_itself, union_and_difference_are_by_id,
           ranks_are_selected_and_rejected, times_are_in_order,
           malformed_and_oversized_sets_are_refused,
           an_allocation_is_written_without_a_set, a_set_becomes_a_value,
           nodes_get_other_ranks)

/* Health of the subtree, as it is told upward and in JSON. */
#include <errno.h>
#include <stdio.h>

#include "fake.h"

static struct tree t;

static cJSON *health(struct node *n)
{
    struct buf b = {0};
    cJSON *o = NULL;
    ck_assert_int_eq(overlay_health(n->ov, &b), 0);
    ck_assert_int_eq(json_parse(b.data, b.len, NULL, &o, NULL), 0);
    buf_free(&b);
    return o;
}

/* "rank:status" of the broker and its children. */
static const char *summary(struct node *n)
{
    static char text[256];
    cJSON *o = health(n), *children;
    const char *status;
    int rank, i = 0;
    double duration;
    ck_assert_int_eq(json_unpack(o, NULL, "{s:i s:s s:F s:o !}", "rank", &rank, "status",
                                 &status, "duration", &duration, "children", &children),
                     0);
    ck_assert(duration >= 0 && duration < 1000);
    int at = snprintf(text, sizeof(text), "%d:%s", rank, status);
    for (cJSON *c; (c = cJSON_GetArrayItem(children, i)); i++) {
        ck_assert_int_eq(json_unpack(c, NULL, "{s:i s:s s:F !}", "rank", &rank, "status",
                                     &status, "duration", &duration),
                         0);
        ck_assert(duration >= 0 && duration < 1000);
        at += snprintf(text + at, sizeof(text) - (size_t)at, " %d:%s", rank, status);
    }
    json_free(o);
    return text;
}

START_TEST(names_are_those_of_the_wire)
{
    static const char *const names[] = {"full", "partial", "degraded", "lost", "offline"};
    for (int i = 0; i < 5; i++)
        ck_assert_str_eq(overlay_status_name((enum overlay_status)i), names[i]);
}
END_TEST

START_TEST(a_leaf_is_full_by_itself)
{
    tree_init(&t, NET_SIM, "kary:2", 1);
    ck_assert_str_eq(summary(node_start(&t, 0)), "0:full");
    tree_fini(&t);
}
END_TEST

START_TEST(health_of_all_levels_is_known_at_the_root)
{
    tree_init(&t, _i, "kary:2", 7);
    for (uint32_t r = 0; r < 3; r++)
        node_start(&t, r);
    struct node *root = &t.nodes[0];
    ck_assert_str_eq(summary(root), "0:partial 1:offline 2:offline");
    UNTIL(&t, root->ups == 2);
    ck_assert_str_eq(summary(root), "0:partial 1:partial 2:partial");
    node_start(&t, 3);
    node_start(&t, 4);
    UNTIL(&t, strcmp(summary(root), "0:partial 1:full 2:partial") == 0);
    node_start(&t, 5);
    node_start(&t, 6);
    UNTIL(&t, strcmp(summary(root), "0:full 1:full 2:full") == 0);
    node_stop(&t.nodes[5]);
    UNTIL(&t, strcmp(summary(root), "0:degraded 1:full 2:degraded") == 0);
    ck_assert_str_eq(summary(&t.nodes[2]), "2:degraded 5:lost 6:full");
    ck_assert_str_ne(overlay_child_error(t.nodes[2].ov, 5), "");
    node_start(&t, 5);
    UNTIL(&t, strcmp(summary(root), "0:full 1:full 2:full") == 0);
    ck_assert_str_eq(overlay_child_error(t.nodes[2].ov, 5), "");
    node_stop(&t.nodes[1]);
    UNTIL(&t, strcmp(summary(root), "0:degraded 1:lost 2:full") == 0);
    /* Who comes without its children is not a moment whole. */
    node_start(&t, 1);
    UNTIL(&t, overlay_child(root->ov, 1));
    ck_assert_str_eq(summary(root), "0:degraded 1:partial 2:full");
    tree_fini(&t);
}
END_TEST

START_TEST(changes_of_one_moment_are_told_as_one)
{
    tree_init(&t, NET_SIM, "kary:0", 33);
    tree_start(&t);
    env_sim_run(t.env, tree_now(&t) + 1);
    struct node *root = &t.nodes[0];
    int changes = root->changes;
    for (uint32_t r = 1; r < 33; r++)
        peer_drop(overlay_child(root->ov, r), EIO, "test");
    UNTIL(&t, root->downs == 32);
    ck_assert_int_le(root->changes, changes + 1);
    UNTIL(&t, root->changes == changes + 1);
    tree_fini(&t);
}
END_TEST

START_TEST(durations_begin_with_the_status)
{
    double at[2];
    tree_init(&t, NET_SIM, "kary:2", 2);
    tree_start(&t);
    env_sim_run(t.env, tree_now(&t) + 100);
    node_stop(&t.nodes[1]);
    env_sim_run(t.env, tree_now(&t) + 7);
    cJSON *o = health(&t.nodes[0]);
    ck_assert_int_eq(json_unpack(o, NULL, "{s:F s:[{s:F}]}", "duration", &at[0],
                                 "children", "duration", &at[1]),
                     0);
    ck_assert(at[0] > 6.9 && at[0] < 7.1);
    ck_assert(at[1] > 6.9 && at[1] < 7.1);
    json_free(o);
    tree_fini(&t);
}
END_TEST

static void check_topology(const char *spec, uint32_t size, uint32_t rank,
                           const char *expected)
{
    struct buf b = {0};
    tree_init(&t, NET_SIM, spec, size);
    node_start(&t, 0);
    ck_assert_int_eq(overlay_topology(t.nodes[0].ov, rank, &b), 0);
    ck_assert_str_eq(b.data, expected);
    buf_free(&b);
    tree_fini(&t);
}

START_TEST(topology_is_nested)
{
    check_topology("kary:2", 1, 0, "{\"rank\":0,\"size\":1,\"children\":[]}");
    check_topology("kary:2", 4, 0,
                   "{\"rank\":0,\"size\":4,\"children\":["
                   "{\"rank\":1,\"size\":2,\"children\":["
                   "{\"rank\":3,\"size\":1,\"children\":[]}]},"
                   "{\"rank\":2,\"size\":1,\"children\":[]}]}");
    check_topology("kary:2", 4, 1,
                   "{\"rank\":1,\"size\":2,\"children\":["
                   "{\"rank\":3,\"size\":1,\"children\":[]}]}");
}
END_TEST

START_TEST(topology_of_what_is_not_there)
{
    struct buf b = {0};
    tree_init(&t, NET_SIM, "kary:2", 4);
    node_start(&t, 0);
    ck_assert_int_eq(overlay_topology(t.nodes[0].ov, 4, &b), -EINVAL);
    buf_free(&b);
    tree_fini(&t);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("overlay/health");
    TCase *tc = tcase_create("health");
    tcase_set_timeout(tc, 100);
    tcase_add_test(tc, names_are_those_of_the_wire);
    tcase_add_test(tc, a_leaf_is_full_by_itself);
    tcase_add_loop_test(tc, health_of_all_levels_is_known_at_the_root, 0, NETS);
    tcase_add_test(tc, changes_of_one_moment_are_told_as_one);
    tcase_add_test(tc, durations_begin_with_the_status);
    tcase_add_test(tc, topology_is_nested);
    tcase_add_test(tc, topology_of_what_is_not_there);
    suite_add_tcase(s, tc);
    return tree_main(s);
}

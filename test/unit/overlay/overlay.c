/* The tree of brokers: booting, messages, and who is let in. */
#include <errno.h>
#include <stdio.h>

#include "tree.h"

static struct tree t;

START_TEST(a_tree_of_three_levels_comes_up)
{
    tree_init(&t, _i, "kary:2", 15);
    tree_start(&t);
    for (uint32_t r = 0; r < 15; r++) {
        struct node *n = &t.nodes[r];
        ck_assert_str_eq(overlay_instance(n->ov), INSTANCE);
        ck_assert_uint_eq(overlay_epoch(n->ov), 1);
        UNTIL(&t, r == 0 || n->welcomes == 1);
        ck_assert_int_eq(n->downs, 0);
        if (r == 0)
            continue;
        uint32_t up = (r - 1) / 2;
        struct peer *p = overlay_parent(n->ov);
        ck_assert_uint_eq(peer_rank(p), up);
        ck_assert(peer_is_parent(p));
        ck_assert_str_eq(peer_uuid(p), t.nodes[up].uuid);
        p = overlay_child(t.nodes[up].ov, r);
        ck_assert_str_eq(peer_uuid(p), n->uuid);
        ck_assert(!peer_is_parent(p));
    }
    tree_fini(&t);
}
END_TEST

START_TEST(messages_go_both_ways_in_order)
{
    static const size_t sizes[] = {4, 5, 100, 600, 20000, 300000};
    tree_init(&t, _i, "kary:1", 2);
    tree_start(&t);
    struct node *root = &t.nodes[0], *leaf = &t.nodes[1];
    UNTIL(&t, overlay_parent(leaf->ov));
    for (uint32_t i = 0; i < 600; i++) {
        ck_assert_int_eq(
            node_send(root, overlay_child(root->ov, 1), i, sizes[i % 6]), 0);
        ck_assert_int_eq(node_send(leaf, overlay_parent(leaf->ov), i, sizes[i % 6]), 0);
    }
    UNTIL(&t, root->n == 600 && leaf->n == 600);
    for (uint32_t i = 0; i < 600; i++) {
        ck_assert_uint_eq(root->seqs[i], i);
        ck_assert_uint_eq(leaf->seqs[i], i);
    }
    ck_assert_uint_eq(overlay_stats(root->ov)->sent, 600);
    ck_assert_uint_eq(overlay_stats(root->ov)->received, 600);
    tree_fini(&t);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("overlay/overlay");
    TCase *tc = tcase_create("overlay");
    tcase_set_timeout(tc, 100);
    tcase_add_loop_test(tc, a_tree_of_three_levels_comes_up, 0, NETS);
    tcase_add_loop_test(tc, messages_go_both_ways_in_order, 0, NETS);
    suite_add_tcase(s, tc);
    return tree_main(s);
}

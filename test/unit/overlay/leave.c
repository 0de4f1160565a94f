/* Goodbyes, and the health that others see meanwhile. */
#include <errno.h>
#include <stdio.h>

#include "fake.h"

static struct tree t;

static void left(void *arg)
{
    ((struct node *)arg)->left++;
}

static void leave(struct node *n)
{
    overlay_leave(n->ov, left, n);
    ck_assert_int_eq(n->left, 0); /* not from inside */
}

START_TEST(who_leaves_is_let_go_in_good_order)
{
    tree_init(&t, _i, "kary:2", 3);
    tree_start(&t);
    struct node *root = &t.nodes[0], *n = &t.nodes[1];
    UNTIL(&t, n->ups == 1);
    for (uint32_t i = 0; i < 50; i++)
        ck_assert_int_eq(node_send(n, overlay_parent(n->ov), i, 20000), 0);
    struct peer *parent = overlay_parent(n->ov);
    leave(n);
    ck_assert_int_eq(node_send(n, parent, 50, 4), -EPIPE);
    UNTIL(&t, n->left == 1);
    ck_assert_int_eq(root->n, 50); /* all that was said before has arrived */
    ck_assert_int_eq(root->downs, 1);
    ck_assert_int_eq(root->errnum, 0);
    ck_assert_int_eq(n->downs, 1);
    ck_assert_int_eq(n->errnum, 0);
    ck_assert_ptr_null(overlay_child(root->ov, 1));
    UNTIL(&t, overlay_status(root->ov) == OVERLAY_PARTIAL); /* not degraded */
    ck_assert_str_eq(overlay_child_error(root->ov, 1), "it said goodbye");
    double until = tree_now(&t) + 0.3;
    UNTIL(&t, tree_now(&t) > until);
    ck_assert_uint_eq(overlay_stats(n->ov)->reconnects, 0);
    /* There is room for another one. */
    node_stop(n);
    node_start(&t, 1);
    UNTIL(&t, overlay_status(root->ov) == OVERLAY_FULL);
    tree_fini(&t);
}
END_TEST

START_TEST(a_parent_that_left_is_looked_for_again)
{
    tree_init(&t, _i, "kary:2", 3);
    tree_start(&t);
    struct node *root = &t.nodes[0];
    UNTIL(&t, t.nodes[1].ups && t.nodes[2].ups);
    leave(root);
    UNTIL(&t, root->left == 1 && t.nodes[1].downs == 1 && t.nodes[2].downs == 1);
    ck_assert_int_eq(root->downs, 2);
    ck_assert_int_eq(t.nodes[1].errnum, 0);
    UNTIL(&t, overlay_stats(t.nodes[2].ov)->reconnects >= 1);
    tree_fini(&t);
}
END_TEST

START_TEST(all_may_leave_at_once)
{
    tree_init(&t, _i, "kary:2", 7);
    tree_start(&t);
    for (uint32_t r = 0; r < 7; r++)
        leave(&t.nodes[r]);
    for (uint32_t r = 0; r < 7; r++) {
        UNTIL(&t, t.nodes[r].left == 1);
        ck_assert_int_eq(t.nodes[r].downs, t.nodes[r].ups);
        ck_assert_int_eq(t.nodes[r].errnum, 0);
    }
    tree_fini(&t);
}
END_TEST

START_TEST(leaving_alone_is_soon_done)
{
    tree_init(&t, _i, "kary:2", 3);
    struct node *n = node_start(&t, 0);
    leave(n);
    UNTIL(&t, n->left == 1);
    ck_assert_ptr_null(overlay_address(n->ov));
    tree_fini(&t);
    /* Also while dialling, and between two attempts. */
    tree_init(&t, _i, "kary:2", 3);
    strcpy(t.nodes[0].address, _i < NET_TCP ? tree_address(&t, 0) : "tcp://127.0.0.1:1");
    for (uint32_t r = 1; r < 3; r++) {
        n = node_start(&t, r);
        if (r == 2)
            UNTIL(&t, n->log[0]); /* of the first that failed */
        leave(n);
        UNTIL(&t, n->left == 1);
    }
    ck_assert_int_eq(loop_run(t.loop, LOOP_NOWAIT), 0); /* nothing is left to do */
    tree_fini(&t);
}
END_TEST

START_TEST(who_leaves_does_not_wait_for_a_parent_that_says_nothing)
{
    struct fake f;
    tree_init(&t, _i, "kary:2", 3);
    fake_init(&f, &t, 0);
    fake_listen(&f, tree_address(&t, 0));
    f.stop = NOTE_HELLO;
    strcpy(t.nodes[0].address, link_address(f.listener));
    struct node *n = node_start(&t, 1);
    UNTIL(&t, f.n[NOTE_HELLO]);
    double began = tree_now(&t);
    leave(n);
    UNTIL(&t, n->left == 1);
    ck_assert(tree_now(&t) - began < 15); /* of the 30 that a dial may take */
    fake_fini(&f);
    tree_fini(&t);
}
END_TEST

static void free_in_done(void *arg)
{
    struct node *n = arg;
    n->left++;
    node_stop(n);
}

START_TEST(who_has_left_may_be_freed_at_once)
{
    tree_init(&t, _i, "kary:2", 3);
    tree_start(&t);
    overlay_leave(t.nodes[1].ov, free_in_done, &t.nodes[1]);
    UNTIL(&t, t.nodes[1].left == 1);
    UNTIL(&t, t.nodes[0].downs == 1);
    ck_assert_int_eq(t.nodes[0].errnum, 0);
    tree_fini(&t);
}
END_TEST

START_TEST(nobody_waits_for_ever_for_a_goodbye)
{
    struct fake f;
    tree_init(&t, _i, "kary:2", 3);
    t.conf.connect_timeout = 0.3;
    t.conf.torpid_min = 0.8;
    struct node *root = node_start(&t, 0);
    fake_init(&f, &t, 1);
    fake_dial(&f, root->address);
    UNTIL(&t, root->ups == 1);
    double began = tree_now(&t);
    leave(root);
    UNTIL(&t, f.n[NOTE_GOODBYE] == 1);
    UNTIL(&t, root->left == 1);
    ck_assert(tree_now(&t) - began >= 0.3);
    fake_fini(&f);
    tree_fini(&t);
}
END_TEST

/* The link of who said goodbye is not kept for ever either. */
START_TEST(who_said_goodbye_and_stays_is_shown_out)
{
    struct fake f;
    tree_init(&t, _i, "kary:2", 3);
    t.conf.connect_timeout = 0.3;
    t.conf.torpid_min = 0.8;
    struct node *root = node_start(&t, 0);
    fake_init(&f, &t, 1);
    fake_dial(&f, root->address);
    UNTIL(&t, root->ups == 1);
    fake_say_kind(&f, NOTE_GOODBYE);
    UNTIL(&t, f.n[NOTE_GOODBYE_ACK] == 1);
    ck_assert_int_eq(root->downs, 1);
    ck_assert_int_eq(root->errnum, 0);
    ck_assert_int_eq(f.closed, 0);
    fake_say_kind(&f, NOTE_HEARTBEAT); /* nobody listens */
    UNTIL(&t, f.closed == 1);
    ck_assert_int_eq(root->downs, 1);
    fake_fini(&f);
    tree_fini(&t);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("overlay/leave");
    TCase *tc = tcase_create("leave");
    tcase_set_timeout(tc, 100);
    tcase_add_loop_test(tc, who_leaves_is_let_go_in_good_order, 0, NETS);
    tcase_add_loop_test(tc, a_parent_that_left_is_looked_for_again, 0, NETS);
    tcase_add_loop_test(tc, all_may_leave_at_once, 0, NETS);
    tcase_add_loop_test(tc, leaving_alone_is_soon_done, 0, NETS);
    tcase_add_loop_test(tc, who_leaves_does_not_wait_for_a_parent_that_says_nothing, 0,
                        NETS);
    tcase_add_loop_test(tc, who_has_left_may_be_freed_at_once, 0, NETS);
    tcase_add_loop_test(tc, nobody_waits_for_ever_for_a_goodbye, 0, NETS);
    tcase_add_loop_test(tc, who_said_goodbye_and_stays_is_shown_out, 0, NETS);
    suite_add_tcase(s, tc);
    return tree_main(s);
}

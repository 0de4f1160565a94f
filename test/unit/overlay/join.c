/* The way to the parent and back to it: reconnection, and what is learnt then. */
#include <errno.h>
#include <stdio.h>

#include "fake.h"

static struct tree t;

/* Start again what crashed, where it was. */
static void restart(struct tree *tree, uint32_t rank)
{
    char address[128];
    struct node *n = &tree->nodes[rank];
    struct overlay_conf conf = tree->conf;
    snprintf(address, sizeof(address), "%s", n->address);
    env_uuid(tree->env, n->uuid);
    conf.rank = rank;
    conf.uuid = n->uuid;
    conf.arg = n;
    if (rank > 0)
        conf.instance = NULL;
    ck_assert_int_eq(overlay_new(&conf, &n->ov), 0);
    ck_assert_int_eq(overlay_listen(n->ov, address, NULL), 0);
    uint32_t parent = topo_parent(tree->topo, rank);
    if (rank > 0)
        ck_assert_int_eq(overlay_dial(n->ov, tree->nodes[parent].address, NULL), 0);
}

START_TEST(a_child_finds_its_parent_again)
{
    tree_init(&t, _i, "kary:2", 3);
    tree_start(&t);
    UNTIL(&t, t.nodes[1].ups && t.nodes[2].ups);
    node_stop(&t.nodes[0]);
    UNTIL(&t, t.nodes[1].downs == 1 && t.nodes[2].downs == 1);
    ck_assert_ptr_null(overlay_parent(t.nodes[1].ov));
    ck_assert_ptr_nonnull(strstr(t.nodes[1].log, "parent (rank 0) is gone"));
    restart(&t, 0);
    UNTIL(&t, t.nodes[1].ups == 2 && t.nodes[2].ups == 2);
    UNTIL(&t, overlay_status(t.nodes[0].ov) == OVERLAY_FULL);
    ck_assert_str_eq(peer_uuid(overlay_parent(t.nodes[1].ov)), t.nodes[0].uuid);
    ck_assert_uint_ge(overlay_stats(t.nodes[1].ov)->reconnects, 1);
    tree_fini(&t);
}
END_TEST

START_TEST(the_epoch_of_a_restarted_instance_goes_down_the_tree)
{
    tree_init(&t, _i, "kary:1", 4);
    tree_start(&t);
    UNTIL(&t, t.nodes[1].ups == 2);
    node_stop(&t.nodes[0]);
    t.conf.epoch = 2;
    restart(&t, 0);
    UNTIL(&t, overlay_epoch(t.nodes[3].ov) == 2);
    ck_assert_int_eq(t.nodes[2].downs, 0); /* nobody else was disturbed */
    ck_assert_int_eq(t.nodes[3].downs, 0);
    /* And is known there when the next one is started again. */
    node_stop(&t.nodes[2]);
    restart(&t, 2);
    UNTIL(&t, overlay_parent(t.nodes[3].ov) && overlay_epoch(t.nodes[2].ov) == 2);
    tree_fini(&t);
}
END_TEST

START_TEST(an_inner_broker_comes_back_with_its_subtree)
{
    tree_init(&t, _i, "kary:2", 7);
    tree_start(&t);
    node_stop(&t.nodes[1]);
    UNTIL(&t, overlay_status(t.nodes[0].ov) == OVERLAY_DEGRADED);
    UNTIL(&t, t.nodes[3].downs == 1 && t.nodes[4].downs == 1);
    ck_assert_int_eq(t.nodes[5].downs, 0);
    restart(&t, 1);
    UNTIL(&t, overlay_status(t.nodes[0].ov) == OVERLAY_FULL);
    ck_assert_ptr_nonnull(overlay_child(t.nodes[1].ov, 3));
    ck_assert_ptr_nonnull(overlay_child(t.nodes[1].ov, 4));
    tree_fini(&t);
}
END_TEST

START_TEST(attempts_become_rarer_but_never_rare)
{
    tree_init(&t, NET_SIM, "kary:2", 2);
    strcpy(t.nodes[0].address, "sim://0");
    struct node *n = node_start(&t, 1);
    double before = tree_now(&t);
    uint64_t tries = 0;
    for (int i = 0; i < 50; i++) {
        UNTIL(&t, overlay_stats(n->ov)->reconnects > tries);
        double gap = tree_now(&t) - before;
        tries++;
        before = tree_now(&t);
        ck_assert(gap >= 0.05 && gap < 2.01);
        if (i > 8)
            ck_assert(gap >= 1);
    }
    /* One line in the log for all of that. */
    ck_assert_ptr_nonnull(strstr(n->log, "Connection refused"));
    ck_assert_ptr_null(strstr(strstr(n->log, "Connection") + 1, "Connection"));
    tree_fini(&t);
}
END_TEST

START_TEST(brokers_do_not_try_in_step)
{
    tree_init(&t, NET_SIM, "kary:0", 40);
    strcpy(t.nodes[0].address, "sim://0");
    for (uint32_t r = 1; r < 40; r++)
        node_start(&t, r);
    env_sim_run(t.env, tree_now(&t) + 20);
    double first = 0, last = 0, start = tree_now(&t);
    uint64_t tries[40];
    for (uint32_t r = 1; r < 40; r++)
        tries[r] = overlay_stats(t.nodes[r].ov)->reconnects;
    for (int seen = 0; seen < 39;) {
        tree_turn(&t);
        for (uint32_t r = 1; r < 40; r++) {
            if (tries[r] == UINT64_MAX ||
                overlay_stats(t.nodes[r].ov)->reconnects == tries[r])
                continue;
            tries[r] = UINT64_MAX;
            last = tree_now(&t) - start;
            first = seen++ == 0 ? last : first;
        }
    }
    ck_assert(last - first > 0.7);
    tree_fini(&t);
}
END_TEST

START_TEST(a_parent_that_answers_nothing_is_given_up_and_tried_again)
{
    struct fake f;
    tree_init(&t, _i, "kary:2", 2);
    fake_init(&f, &t, 0);
    fake_listen(&f, tree_address(&t, 0));
    f.stop = NOTE_HELLO;
    strcpy(t.nodes[0].address, link_address(f.listener));
    t.conf.connect_timeout = 0.3;
    t.conf.torpid_min = 0.4;
    struct node *n = node_start(&t, 1);
    UNTIL(&t, f.closed);
    ck_assert_ptr_nonnull(strstr(n->log, "nothing came of it within 0.3 s"));
    fake_fini(&f);
    fake_init(&f, &t, 0);
    fake_listen(&f, t.nodes[0].address);
    UNTIL(&t, n->ups == 1);
    fake_fini(&f);
    tree_fini(&t);
}
END_TEST

START_TEST(rubbish_from_a_parent_is_no_welcome)
{
    static const char *const rubbish[] = {"",     "\x04",   "\x02", "\x02...",
                                          "\x05", "\x10xx", "\x7f"};
    for (size_t i = 0; i < sizeof(rubbish) / sizeof(rubbish[0]); i++) {
        struct fake f;
        tree_init(&t, _i, "kary:2", 2);
        fake_init(&f, &t, 0);
        fake_listen(&f, tree_address(&t, 0));
        f.stop = NOTE_HELLO;
        strcpy(t.nodes[0].address, link_address(f.listener));
        struct node *n = node_start(&t, 1);
        UNTIL(&t, f.n[NOTE_HELLO]);
        fake_say(&f, rubbish[i], strlen(rubbish[i]));
        UNTIL(&t, f.closed);
        ck_assert_int_eq(n->ups, 0);
        ck_assert_int_eq(n->refused, 0);
        fake_fini(&f);
        tree_fini(&t);
    }
}
END_TEST

/* Any order of crashes and restarts ends in a whole tree. */
START_TEST(whatever_happens_the_tree_heals)
{
    enum { N = 13 };
    for (int seed = 1; seed <= 30; seed++) {
        tree_seed = (uint64_t)seed;
        tree_init(&t, NET_SIM, "kary:3", N);
        for (uint32_t r = 0; r < N; r++)
            node_start(&t, r);
        for (int i = 0; i < 40; i++) {
            unsigned char draw[3];
            env_random(t.env, draw, sizeof(draw));
            struct node *n = &t.nodes[draw[0] % N];
            struct peer *p;
            env_sim_run(t.env, tree_now(&t) + (draw[1] < 128 ? 0.001 : 1) * draw[1]);
            if (!n->ov)
                n->address[0] ? restart(&t, n->rank) : (void)node_start(&t, n->rank);
            else if (draw[2] < 100)
                node_stop(n);
            else if ((p = overlay_parent(n->ov)))
                peer_drop(p, EIO, "chaos");
        }
        for (uint32_t r = 0; r < N; r++) {
            struct node *n = &t.nodes[r];
            if (!n->ov)
                n->address[0] ? restart(&t, r) : (void)node_start(&t, r);
        }
        env_sim_run(t.env, tree_now(&t) + 120);
        for (uint32_t r = 0; r < N; r++) {
            ck_assert_int_eq(overlay_status(t.nodes[r].ov), OVERLAY_FULL);
            ck_assert(r == 0 || overlay_parent(t.nodes[r].ov));
        }
        tree_fini(&t);
    }
    tree_seed = 1;
}
END_TEST

int main(void)
{
    Suite *s = suite_create("overlay/join");
    TCase *tc = tcase_create("join");
    tcase_set_timeout(tc, 100);
    tcase_add_loop_test(tc, a_child_finds_its_parent_again, 0, NETS);
    tcase_add_loop_test(tc, the_epoch_of_a_restarted_instance_goes_down_the_tree, 0,
                        NETS);
    tcase_add_loop_test(tc, an_inner_broker_comes_back_with_its_subtree, 0, NETS);
    tcase_add_test(tc, attempts_become_rarer_but_never_rare);
    tcase_add_test(tc, brokers_do_not_try_in_step);
    tcase_add_loop_test(tc, a_parent_that_answers_nothing_is_given_up_and_tried_again, 0,
                        NETS);
    tcase_add_loop_test(tc, rubbish_from_a_parent_is_no_welcome, 0, NETS);
    tcase_add_test(tc, whatever_happens_the_tree_heals);
    suite_add_tcase(s, tc);
    return tree_main(s);
}

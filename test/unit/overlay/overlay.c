/* The tree of brokers: booting, and what travels through it. */
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
        UNTIL(&t, r == 0 || n->welcomes == 1);
        ck_assert_str_eq(overlay_instance(n->ov), INSTANCE);
        ck_assert_uint_eq(overlay_epoch(n->ov), 1);
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
        ck_assert_uint_eq(peer_rank(p), r);
        ck_assert(!peer_is_parent(p));
    }
    tree_fini(&t);
}
END_TEST

/* Brokers wait for those above them, and for their instance's name. */
START_TEST(a_tree_comes_up_in_any_order)
{
    tree_init(&t, NET_SIM, "kary:1", 4);
    for (uint32_t r = 4; r-- > 0;) {
        if (r > 0)
            strcpy(t.nodes[r - 1].address, tree_address(&t, r - 1));
        node_start(&t, r);
        env_sim_run(t.env, tree_now(&t) + 7);
        ck_assert_int_eq(overlay_parent(t.nodes[3].ov) != NULL, r == 0);
    }
    ck_assert_int_eq(overlay_status(t.nodes[0].ov), OVERLAY_FULL);
    ck_assert_str_eq(overlay_instance(t.nodes[3].ov), INSTANCE);
    tree_fini(&t);
}
END_TEST

START_TEST(both_tell_what_they_have_to_tell_at_hello)
{
    tree_init(&t, _i, "kary:2", 2);
    tree_start(&t);
    ck_assert_int_eq(t.nodes[0].admits, 1);
    ck_assert_str_eq(t.nodes[0].greeting, "rank 1");
    UNTIL(&t, t.nodes[1].welcomes == 1);
    ck_assert_str_eq(t.nodes[1].greeting, "rank 0");
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
    for (uint32_t i = 0; i < 300; i++) {
        ck_assert_int_eq(node_send(root, overlay_child(root->ov, 1), i, sizes[i % 6]), 0);
        ck_assert_int_eq(node_send(leaf, overlay_parent(leaf->ov), i, sizes[i % 6]), 0);
    }
    UNTIL(&t, root->n == 300 && leaf->n == 300);
    for (uint32_t i = 0; i < 300; i++) {
        ck_assert_uint_eq(root->seqs[i], i);
        ck_assert_uint_eq(leaf->seqs[i], i);
    }
    ck_assert_uint_eq(overlay_stats(root->ov)->sent, 300);
    ck_assert_uint_eq(overlay_stats(root->ov)->received, 300);
    tree_fini(&t);
}
END_TEST

/* Each message as it was: routes, topic, credential, no payload, an empty one. */
static flux_msg_t *got;

static void keep(struct peer *p, flux_msg_t *msg, void *arg)
{
    flux_msg_destroy(got);
    got = msg;
}

static struct overlay_cb keeping;

static void start_pair_that_keeps(struct tree *tree, int net)
{
    tree_init(tree, net, "kary:1", 2);
    keeping = *tree->conf.cb;
    keeping.message = keep;
    tree->conf.cb = &keeping;
    tree_start(tree);
}

START_TEST(a_message_arrives_as_it_was)
{
    static char big[70000];
    static const size_t sizes[] = {0, 1, 254, 255, 512, 513, 70000};
    start_pair_that_keeps(&t, _i);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_REQUEST);
        const void *data;
        size_t len;
        const char *topic;
        uint32_t nodeid, tag;
        struct flux_msg_cred cred;
        flux_msg_route_enable(msg);
        flux_msg_route_push(msg, "client-of-ours");
        flux_msg_route_push(msg, t.nodes[0].uuid);
        flux_msg_set_topic(msg, "a.topic");
        flux_msg_set_cred(msg, (struct flux_msg_cred){1234, FLUX_ROLE_USER});
        flux_msg_set_nodeid(msg, 77);
        flux_msg_set_matchtag(msg, 99);
        if (i > 0)
            flux_msg_set_payload(msg, big, sizes[i]);
        ck_assert_int_eq(peer_send(overlay_child(t.nodes[0].ov, 1), msg), 0);
        flux_msg_destroy(msg);
        UNTIL(&t, got);
        ck_assert_int_eq(flux_msg_route_count(got), 2);
        ck_assert_str_eq(flux_msg_route_first(got), "client-of-ours");
        ck_assert_str_eq(flux_msg_route_last(got), t.nodes[0].uuid);
        ck_assert_int_eq(flux_msg_get_topic(got, &topic), 0);
        ck_assert_str_eq(topic, "a.topic");
        ck_assert_int_eq(flux_msg_get_cred(got, &cred), 0);
        ck_assert_uint_eq(cred.userid, 1234);
        ck_assert_uint_eq(cred.rolemask, FLUX_ROLE_USER);
        ck_assert_int_eq(flux_msg_get_nodeid(got, &nodeid), 0);
        ck_assert_uint_eq(nodeid, 77);
        ck_assert_int_eq(flux_msg_get_matchtag(got, &tag), 0);
        ck_assert_uint_eq(tag, 99);
        ck_assert_int_eq(flux_msg_has_payload(got), i > 0);
        if (i > 0) {
            ck_assert_int_eq(flux_msg_get_payload(got, &data, &len), 0);
            ck_assert_uint_eq(len, sizes[i]);
        }
        flux_msg_destroy(got);
        got = NULL;
    }
    tree_fini(&t);
}
END_TEST

START_TEST(a_message_over_the_limit_is_not_sent)
{
    tree_init(&t, _i, "kary:1", 2);
    t.conf.max_message = 10000;
    tree_start(&t);
    struct peer *p = overlay_child(t.nodes[0].ov, 1);
    /* The topic, the sizes of both parts, the header, and a byte of ours. */
    size_t around = 11 + 5 + 21 + 1;
    ck_assert_int_eq(node_send(&t.nodes[0], p, 1, 10001 - around), -EMSGSIZE);
    ck_assert_int_eq(node_send(&t.nodes[0], p, 2, 10000 - around), 0);
    UNTIL(&t, t.nodes[1].n == 1);
    ck_assert_uint_eq(t.nodes[1].seqs[0], 2);
    ck_assert_int_eq(t.nodes[0].downs, 0);
    tree_fini(&t);
}
END_TEST

START_TEST(a_queue_over_the_limit_is_the_end)
{
    tree_init(&t, _i, "kary:1", 2);
    t.conf.max_queue = 100000;
    tree_start(&t);
    struct node *root = &t.nodes[0];
    struct peer *p = overlay_child(root->ov, 1);
    UNTIL(&t, overlay_parent(t.nodes[1].ov));
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_int_eq(node_send(root, p, i, 20000), 0);
    ck_assert_uint_ge(peer_queued(p), 80000);
    ck_assert_uint_eq(overlay_backlog(root->ov), peer_queued(p));
    ck_assert_int_eq(node_send(root, p, 4, 30000), -ENOBUFS);
    ck_assert_int_eq(root->downs, 0); /* not from inside */
    ck_assert_int_eq(node_send(root, p, 5, 4), -EPIPE);
    UNTIL(&t, root->downs == 1);
    ck_assert_int_eq(root->errnum, ENOBUFS);
    /* And again from the beginning. */
    UNTIL(&t, overlay_child(root->ov, 1));
    tree_fini(&t);
}
END_TEST

START_TEST(the_way_to_a_rank)
{
    tree_init(&t, _i, "kary:2", 7);
    tree_start(&t);
    struct overlay *ov = t.nodes[1].ov;
    UNTIL(&t, overlay_parent(ov) && overlay_parent(t.nodes[5].ov));
    ck_assert_ptr_eq(overlay_toward(ov, 0), overlay_parent(ov));
    ck_assert_ptr_eq(overlay_toward(ov, 6), overlay_parent(ov));
    ck_assert_ptr_eq(overlay_toward(ov, 3), overlay_child(ov, 3));
    ck_assert_ptr_null(overlay_toward(ov, 1));
    ck_assert_ptr_null(overlay_toward(ov, 7));
    ck_assert_ptr_eq(overlay_toward(t.nodes[0].ov, 4), overlay_child(t.nodes[0].ov, 1));
    ck_assert_ptr_null(overlay_child(ov, 5));
    struct peer *first = overlay_next_child(ov, NULL);
    struct peer *second = overlay_next_child(ov, first);
    ck_assert_uint_eq(peer_rank(first), 3);
    ck_assert_uint_eq(peer_rank(second), 4);
    ck_assert_ptr_null(overlay_next_child(ov, second));
    node_stop(&t.nodes[4]);
    UNTIL(&t, t.nodes[1].downs == 1);
    ck_assert_ptr_null(overlay_toward(ov, 4));
    ck_assert_ptr_null(overlay_next_child(ov, first));
    tree_fini(&t);
}
END_TEST

START_TEST(the_state_is_told_now_and_to_those_who_come)
{
    tree_init(&t, _i, "kary:1", 3);
    tree_start(&t);
    ck_assert_int_eq(t.nodes[1].state, -1);
    overlay_tell_state(t.nodes[0].ov, 4);
    UNTIL(&t, t.nodes[1].state == 4);
    ck_assert_int_eq(t.nodes[2].state, -1); /* passing it on is the broker's business */
    overlay_tell_state(t.nodes[1].ov, 5);
    UNTIL(&t, t.nodes[2].state == 5);
    node_stop(&t.nodes[2]);
    node_start(&t, 2);
    UNTIL(&t, t.nodes[2].state == 5);
    tree_fini(&t);
}
END_TEST

START_TEST(dropping_a_peer_ends_it_soon)
{
    tree_init(&t, _i, "kary:1", 2);
    tree_start(&t);
    struct node *root = &t.nodes[0];
    peer_drop(overlay_child(root->ov, 1), EPERM, "we do not like it");
    ck_assert_int_eq(root->downs, 0);
    UNTIL(&t, root->downs == 1 && t.nodes[1].downs == 1);
    ck_assert_int_eq(root->errnum, EPERM);
    ck_assert_str_eq(root->why, "we do not like it");
    ck_assert_int_eq(t.nodes[1].errnum, ECONNRESET);
    tree_fini(&t);
}
END_TEST

START_TEST(a_seed_gives_one_history)
{
    uint64_t hash[2];
    for (int i = 0; i < 2; i++) {
        tree_init(&t, NET_SIM, "kary:3", 20);
        tree_start(&t);
        node_stop(&t.nodes[2]);
        env_sim_run(t.env, tree_now(&t) + 3);
        node_start(&t, 2);
        env_sim_run(t.env, tree_now(&t) + 60);
        ck_assert_int_eq(overlay_status(t.nodes[0].ov), OVERLAY_FULL);
        hash[i] = env_sim_hash(t.env);
        tree_fini(&t);
    }
    ck_assert_uint_eq(hash[0], hash[1]);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused)
{
    flux_error_t err;
    struct overlay *ov = NULL;
    tree_init(&t, NET_SIM, "kary:2", 3);
    struct overlay_conf conf = t.conf;
    conf.uuid = "short";
    ck_assert_int_eq(overlay_new(&conf, &ov), -EINVAL);
    conf.uuid = INSTANCE;
    conf.rank = 3;
    ck_assert_int_eq(overlay_new(&conf, &ov), -EINVAL);
    conf.rank = 0;
    conf.instance = NULL; /* only rank 0 can know it */
    ck_assert_int_eq(overlay_new(&conf, &ov), -EINVAL);
    conf.instance = INSTANCE;
    ck_assert_int_eq(overlay_new(&conf, &ov), 0);
    ck_assert_int_eq(overlay_dial(ov, "sim://0", &err), -EINVAL);
    ck_assert_int_eq(overlay_listen(ov, "sim://0", &err), 0);
    ck_assert_int_eq(overlay_listen(ov, "sim://1", &err), -EINVAL);
    overlay_free(ov);
    overlay_free(NULL);
    tree_fini(&t);
}
END_TEST

START_TEST(a_bad_address_is_named)
{
    flux_error_t err;
    struct overlay *ov = NULL;
    tree_init(&t, NET_TCP, "kary:2", 3);
    struct overlay_conf conf = t.conf;
    conf.uuid = INSTANCE;
    conf.rank = 1;
    ck_assert_int_eq(overlay_new(&conf, &ov), 0);
    ck_assert_int_eq(overlay_dial(ov, "nowhere", &err), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "nowhere"));
    ck_assert_int_eq(overlay_listen(ov, "tcp://nowhere", &err), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "tcp://nowhere"));
    overlay_free(ov);
    tree_fini(&t);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("overlay/overlay");
    TCase *tc = tcase_create("overlay");
    tcase_set_timeout(tc, 100);
    tcase_add_loop_test(tc, a_tree_of_three_levels_comes_up, 0, NETS);
    tcase_add_test(tc, a_tree_comes_up_in_any_order);
    tcase_add_loop_test(tc, both_tell_what_they_have_to_tell_at_hello, 0, NETS);
    tcase_add_loop_test(tc, messages_go_both_ways_in_order, 0, NETS);
    tcase_add_loop_test(tc, a_message_arrives_as_it_was, 0, NETS);
    tcase_add_loop_test(tc, a_message_over_the_limit_is_not_sent, 0, NETS);
    tcase_add_loop_test(tc, a_queue_over_the_limit_is_the_end, 0, NETS);
    tcase_add_loop_test(tc, the_way_to_a_rank, 0, NETS);
    tcase_add_loop_test(tc, the_state_is_told_now_and_to_those_who_come, 0, NETS);
    tcase_add_loop_test(tc, dropping_a_peer_ends_it_soon, 0, NETS);
    tcase_add_test(tc, a_seed_gives_one_history);
    tcase_add_test(tc, what_makes_no_sense_is_refused);
    tcase_add_test(tc, a_bad_address_is_named);
    suite_add_tcase(s, tc);
    return tree_main(s);
}

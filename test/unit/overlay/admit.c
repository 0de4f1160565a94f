/* Who is let in, and who is not, and that he is told why. */
#include <errno.h>
#include <stdio.h>

#include "fake.h"

#define OTHER_INSTANCE "99999999-2222-4333-8444-555555555555"

static struct tree t;

/* A root that waits for children; what comes next differs in something. */
static void start_root(int net, uint32_t size)
{
    tree_init(&t, net, "kary:2", size);
    node_start(&t, 0);
}

/* Nobody was let in, nothing was changed; whoever belongs there still gets in. */
static void check_unharmed(uint32_t rank)
{
    struct node *root = &t.nodes[0];
    ck_assert_int_eq(root->ups, 0);
    ck_assert_int_eq(root->admits, 0);
    ck_assert_ptr_null(overlay_child(root->ov, rank));
    t.conf.key = KEY;
    t.conf.version = "1.2.3";
    t.conf.instance = INSTANCE;
    t.conf.epoch = 1;
    node_start(&t, rank);
    UNTIL(&t, root->ups == 1);
}

START_TEST(a_wrong_key_is_refused)
{
    start_root(_i, 2);
    struct node *root = &t.nodes[0];
    t.conf.key = (const unsigned char *)"another key, as long as that one";
    struct node *n = node_start(&t, 1);
    UNTIL(&t, overlay_stats(root->ov)->refused > 1); /* it goes on trying */
    ck_assert_ptr_nonnull(strstr(root->log, "wrong key"));
    UNTIL(&t, strstr(n->log, "its key is not ours: wrong key"));
    ck_assert_int_eq(n->refused, 0);
    /* The log of the child has it once. */
    ck_assert_ptr_null(strstr(strstr(n->log, "wrong key") + 1, "wrong key"));
    node_stop(n);
    check_unharmed(1);
    tree_fini(&t);
}
END_TEST

/* Does whoever is refused for good say so, and give up? */
static void check_refused_for_good(struct node *n, int errnum, const char *why)
{
    struct node *root = &t.nodes[0];
    UNTIL(&t, n->refused);
    ck_assert_int_eq(n->refused, errnum);
    ck_assert_msg(strstr(n->refusal, why), "%s", n->refusal);
    ck_assert_msg(strstr(root->log, why), "%s", root->log);
    ck_assert_uint_eq(overlay_stats(root->ov)->refused, 1);
    ck_assert_uint_eq(overlay_stats(n->ov)->reconnects, 0);
    ck_assert_ptr_null(overlay_parent(n->ov));
    node_stop(n);
}

START_TEST(another_instance_is_refused_for_good)
{
    start_root(_i, 2);
    t.conf.instance = OTHER_INSTANCE;
    check_refused_for_good(node_start(&t, 1), ESTALE, OTHER_INSTANCE);
    ck_assert_ptr_nonnull(strstr(overlay_child_error(t.nodes[0].ov, 1), OTHER_INSTANCE));
    check_unharmed(1);
    ck_assert_str_eq(overlay_child_error(t.nodes[0].ov, 1), "");
    tree_fini(&t);
}
END_TEST

/* An instance that was put back to an older state. */
START_TEST(who_has_seen_a_later_epoch_is_refused_for_good)
{
    struct fake f;
    start_root(_i, 2);
    fake_init(&f, &t, 1);
    strcpy(f.claim.instance, INSTANCE);
    f.claim.epoch = 2;
    fake_dial(&f, t.nodes[0].address);
    UNTIL(&t, f.last == NOTE_REFUSED);
    ck_assert(f.refusal.forever);
    ck_assert_int_eq(f.refusal.errnum, ESTALE);
    ck_assert_ptr_nonnull(strstr(f.refusal.reason, "epoch 2"));
    fake_fini(&f);
    check_unharmed(1);
    tree_fini(&t);
}
END_TEST

START_TEST(another_version_is_refused_for_good)
{
    static const char *const other[] = {"1.3.0", "2.2.3", "1", "1.22.3", "11.2.3", "1."};
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
        start_root(_i, 2);
        t.conf.version = other[i];
        check_refused_for_good(node_start(&t, 1), EPROTO, "version");
        check_unharmed(1);
        tree_fini(&t);
    }
}
END_TEST

START_TEST(another_patch_level_is_the_same_version)
{
    static const char *const same[] = {"1.2.4", "1.2", "1.2-12-gabcdef", "1.2.3+x"};
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        start_root(_i, 2);
        t.conf.version = same[i];
        node_start(&t, 1);
        UNTIL(&t, t.nodes[0].ups == 1);
        tree_fini(&t);
    }
}
END_TEST

/* Start rank `rank` with a tree of its own idea. */
static struct node *start_with_topo(struct topo *topo, uint32_t rank)
{
    struct topo *right = t.topo;
    t.topo = topo;
    t.conf.topo = topo;
    struct node *n = node_start(&t, rank);
    t.topo = right;
    t.conf.topo = right;
    return n;
}

START_TEST(another_size_is_refused_for_good)
{
    struct topo *other;
    start_root(_i, 3);
    topo_new("kary:2", 2, &other, NULL);
    check_refused_for_good(start_with_topo(other, 1), EINVAL, "this instance has 3");
    check_unharmed(1);
    topo_free(other);
    tree_fini(&t);
}
END_TEST

START_TEST(who_is_no_child_of_ours_is_refused_for_good)
{
    struct topo *other;
    start_root(_i, 7);
    topo_new("kary:0", 7, &other, NULL); /* says: all are children of rank 0 */
    check_refused_for_good(start_with_topo(other, 5), EINVAL, "rank 5 is no child");
    check_unharmed(1);
    topo_free(other);
    tree_fini(&t);
}
END_TEST

START_TEST(a_rank_that_is_here_already_is_refused_for_now)
{
    struct fake f;
    tree_init(&t, _i, "kary:1", 2);
    tree_start(&t);
    fake_init(&f, &t, 1);
    fake_dial(&f, t.nodes[0].address);
    UNTIL(&t, f.last == NOTE_REFUSED);
    ck_assert(!f.refusal.forever);
    ck_assert_int_eq(f.refusal.errnum, EEXIST);
    ck_assert_ptr_nonnull(strstr(f.refusal.reason, t.nodes[1].uuid));
    ck_assert_int_eq(t.nodes[0].downs, 0);
    ck_assert_int_eq(t.nodes[0].admits, 1);
    fake_fini(&f);
    tree_fini(&t);
}
END_TEST

START_TEST(the_same_broker_again_takes_its_own_place)
{
    struct fake old, again;
    start_root(_i, 2);
    struct node *root = &t.nodes[0];
    fake_init(&old, &t, 1);
    fake_dial(&old, root->address);
    UNTIL(&t, root->ups == 1);
    fake_init(&again, &t, 1);
    memcpy(again.claim.uuid, old.claim.uuid, sizeof(old.claim.uuid));
    fake_dial(&again, root->address);
    UNTIL(&t, root->ups == 2 && again.up && old.closed);
    ck_assert_int_eq(root->downs, 1);
    ck_assert_int_eq(root->errnum, ECONNRESET);
    ck_assert_ptr_nonnull(overlay_child(root->ov, 1));
    fake_fini(&old);
    fake_fini(&again);
    tree_fini(&t);
}
END_TEST

START_TEST(another_broker_takes_the_place_of_a_torpid_one)
{
    struct fake old, other;
    tree_init(&t, _i, "kary:2", 2);
    t.conf.torpid_min = 0.2;
    node_start(&t, 0);
    struct node *root = &t.nodes[0];
    fake_init(&old, &t, 1);
    fake_dial(&old, root->address);
    UNTIL(&t, root->ups == 1);
    UNTIL(&t, peer_is_torpid(overlay_child(root->ov, 1)));
    fake_init(&other, &t, 1);
    fake_dial(&other, root->address);
    UNTIL(&t, root->ups == 2 && other.up && old.closed);
    ck_assert_int_eq(root->downs, 1);
    ck_assert_int_eq(root->errnum, ETIMEDOUT);
    ck_assert_str_eq(peer_uuid(overlay_child(root->ov, 1)), other.claim.uuid);
    fake_fini(&old);
    fake_fini(&other);
    tree_fini(&t);
}
END_TEST

START_TEST(whom_the_broker_does_not_want_tries_again)
{
    start_root(_i, 2);
    struct node *root = &t.nodes[0];
    root->admit_rc = -EBUSY;
    struct node *n = node_start(&t, 1);
    UNTIL(&t, overlay_stats(root->ov)->refused == 2);
    ck_assert_str_eq(overlay_child_error(root->ov, 1), "not today");
    ck_assert_ptr_nonnull(strstr(n->log, "not today"));
    ck_assert_int_eq(n->refused, 0);
    ck_assert_int_eq(root->ups, 0);
    root->admit_rc = 0;
    UNTIL(&t, n->ups == 1);
    tree_fini(&t);
}
END_TEST

START_TEST(a_child_waits_until_its_parent_knows_the_instance)
{
    struct fake f;
    tree_init(&t, _i, "kary:1", 3);
    strcpy(t.nodes[0].address, t.net == NET_SIM || t.net == NET_IPC
                                   ? tree_address(&t, 0)
                                   : "tcp://127.0.0.1:1");
    node_start(&t, 1); /* its own parent is not there */
    fake_init(&f, &t, 2);
    fake_dial(&f, t.nodes[1].address);
    UNTIL(&t, f.n[NOTE_CHALLENGE] == 1);
    double until = tree_now(&t) + 0.3;
    UNTIL(&t, tree_now(&t) > until);
    ck_assert(!f.up);
    ck_assert_int_eq(f.closed, 0);
    ck_assert_int_eq(t.nodes[1].admits, 0);
    fake_fini(&f);
    tree_fini(&t);
}
END_TEST

/* Only one side wants the link encrypted. */
START_TEST(encryption_is_agreed_on)
{
    tree_init(&t, _i ? NET_TCP_ENCRYPTED : NET_TCP, "kary:2", 2);
    node_start(&t, 0);
    t.conf.encrypt = !_i;
    struct node *n = node_start(&t, 1);
    UNTIL(&t, overlay_stats(t.nodes[0].ov)->refused > 0);
    ck_assert_ptr_nonnull(strstr(t.nodes[0].log, "encrypted"));
    UNTIL(&t, strstr(n->log, "encrypted"));
    node_stop(n);
    t.conf.encrypt = _i;
    check_unharmed(1);
    tree_fini(&t);
}
END_TEST

/* ---- false parents ---- */

START_TEST(a_parent_of_another_instance_is_refused_for_good)
{
    struct fake f;
    tree_init(&t, _i, "kary:2", 3);
    fake_init(&f, &t, 0);
    fake_listen(&f, tree_address(&t, 0));
    strcpy(f.claim.instance, OTHER_INSTANCE);
    strcpy(t.nodes[0].address, link_address(f.listener));
    t.conf.epoch = 3;
    struct node *n = node_start(&t, 1);
    UNTIL(&t, n->ups == 1 || n->refused);
    ck_assert_str_eq(overlay_instance(n->ov), OTHER_INSTANCE); /* it was told nothing */
    fake_fini(&f);
    fake_init(&f, &t, 0);
    fake_listen(&f, t.nodes[0].address); /* now it is another one */
    UNTIL(&t, n->refused);
    ck_assert_int_eq(n->refused, ESTALE);
    ck_assert_ptr_null(overlay_parent(n->ov));
    fake_fini(&f);
    tree_fini(&t);
}
END_TEST

START_TEST(a_parent_of_an_older_epoch_is_refused_for_good)
{
    struct fake f;
    tree_init(&t, _i, "kary:2", 3);
    fake_init(&f, &t, 0);
    fake_listen(&f, tree_address(&t, 0));
    f.claim.epoch = 5;
    strcpy(t.nodes[0].address, link_address(f.listener));
    struct node *n = node_start(&t, 1);
    UNTIL(&t, n->ups == 1);
    ck_assert_uint_eq(overlay_epoch(n->ov), 5);
    fake_fini(&f);
    fake_init(&f, &t, 0);
    fake_listen(&f, t.nodes[0].address);
    f.claim.epoch = 4;
    UNTIL(&t, n->refused);
    ck_assert_int_eq(n->refused, ESTALE);
    ck_assert_ptr_nonnull(strstr(n->refusal, "epoch 4"));
    fake_fini(&f);
    tree_fini(&t);
}
END_TEST

START_TEST(a_parent_of_another_rank_is_not_ours)
{
    struct fake f;
    tree_init(&t, _i, "kary:2", 3);
    fake_init(&f, &t, 2);
    fake_listen(&f, tree_address(&t, 0));
    strcpy(t.nodes[0].address, link_address(f.listener));
    struct node *n = node_start(&t, 1);
    UNTIL(&t, strstr(n->log, "it is rank 2, not 0"));
    ck_assert_int_eq(n->ups, 0);
    ck_assert_int_eq(n->refused, 0);
    fake_fini(&f);
    tree_fini(&t);
}
END_TEST

START_TEST(a_parent_without_our_key_is_not_ours)
{
    struct fake f;
    tree_init(&t, _i, "kary:2", 3);
    fake_init(&f, &t, 0);
    fake_listen(&f, tree_address(&t, 0));
    f.stop = NOTE_HELLO;
    strcpy(t.nodes[0].address, link_address(f.listener));
    struct node *n = node_start(&t, 1);
    UNTIL(&t, f.n[NOTE_HELLO]);
    struct challenge c = {.encrypt = t.conf.encrypt, .public_key = {9}};
    struct buf note = {0};
    challenge_encode(&c, &note);
    fake_say(&f, note.data, note.len);
    UNTIL(&t, strstr(n->log, "it does not have our key"));
    ck_assert_int_eq(n->refused, 0);
    buf_free(&note);
    fake_fini(&f);
    tree_fini(&t);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("overlay/admit");
    TCase *tc = tcase_create("admit");
    tcase_set_timeout(tc, 100);
    tcase_add_loop_test(tc, a_wrong_key_is_refused, 0, NETS);
    tcase_add_loop_test(tc, another_instance_is_refused_for_good, 0, NETS);
    tcase_add_loop_test(tc, who_has_seen_a_later_epoch_is_refused_for_good, 0, NETS);
    tcase_add_loop_test(tc, another_version_is_refused_for_good, 0, NETS);
    tcase_add_loop_test(tc, another_patch_level_is_the_same_version, 0, NETS);
    tcase_add_loop_test(tc, another_size_is_refused_for_good, 0, NETS);
    tcase_add_loop_test(tc, who_is_no_child_of_ours_is_refused_for_good, 0, NETS);
    tcase_add_loop_test(tc, a_rank_that_is_here_already_is_refused_for_now, 0, NETS);
    tcase_add_loop_test(tc, the_same_broker_again_takes_its_own_place, 0, NETS);
    tcase_add_loop_test(tc, another_broker_takes_the_place_of_a_torpid_one, 0, NETS);
    tcase_add_loop_test(tc, whom_the_broker_does_not_want_tries_again, 0, NETS);
    tcase_add_loop_test(tc, a_child_waits_until_its_parent_knows_the_instance, 0, NETS);
    tcase_add_loop_test(tc, encryption_is_agreed_on, 0, 2);
    tcase_add_loop_test(tc, a_parent_of_another_instance_is_refused_for_good, 0, NETS);
    tcase_add_loop_test(tc, a_parent_of_an_older_epoch_is_refused_for_good, 0, NETS);
    tcase_add_loop_test(tc, a_parent_of_another_rank_is_not_ours, 0, NETS);
    tcase_add_loop_test(tc, a_parent_without_our_key_is_not_ours, 0, NETS);
    suite_add_tcase(s, tc);
    return tree_main(s);
}

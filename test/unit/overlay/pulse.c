/* Peers that fall silent or take nothing, and strangers that never come to the point. */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "fake.h"

static struct tree t;

static void start_quick_root(int net)
{
    tree_init(&t, net, "kary:2", 3);
    t.conf.torpid_min = 0.2;
    t.conf.torpid_max = 0.6;
    node_start(&t, 0);
}

START_TEST(a_silent_child_is_torpid_and_then_lost)
{
    struct fake f;
    start_quick_root(_i);
    struct node *root = &t.nodes[0];
    fake_init(&f, &t, 1);
    fake_dial(&f, root->address);
    UNTIL(&t, root->ups == 1);
    double began = tree_now(&t);
    struct peer *p = overlay_child(root->ov, 1);
    ck_assert(!peer_is_torpid(p));
    int changes = root->changes;
    UNTIL(&t, peer_is_torpid(p));
    ck_assert(tree_now(&t) - began > 0.19);
    UNTIL(&t, root->changes > changes);
    ck_assert_ptr_nonnull(strstr(root->log, "child (rank 1) is torpid"));
    ck_assert_int_eq(root->downs, 0);
    UNTIL(&t, root->downs == 1);
    ck_assert(tree_now(&t) - began > 0.59);
    ck_assert_int_eq(root->errnum, ETIMEDOUT);
    ck_assert_ptr_nonnull(strstr(root->why, "silent"));
    ck_assert_int_ge(f.n[NOTE_HEARTBEAT], 3); /* itself it was not */
    UNTIL(&t, f.closed);
    fake_fini(&f);
    tree_fini(&t);
}
END_TEST

START_TEST(who_speaks_again_is_not_torpid)
{
    struct fake f;
    start_quick_root(_i);
    t.conf.torpid_max = 100;
    node_stop(&t.nodes[0]);
    struct node *root = node_start(&t, 0);
    fake_init(&f, &t, 1);
    fake_dial(&f, root->address);
    UNTIL(&t, root->ups == 1);
    struct peer *p = overlay_child(root->ov, 1);
    UNTIL(&t, peer_is_torpid(p));
    fake_say_kind(&f, NOTE_HEARTBEAT);
    UNTIL(&t, !peer_is_torpid(p));
    ck_assert_ptr_nonnull(strstr(root->log, "no longer torpid"));
    ck_assert_int_eq(root->downs, 0);
    fake_fini(&f);
    tree_fini(&t);
}
END_TEST

START_TEST(a_silent_parent_is_torpid_and_then_dialled_again)
{
    struct fake f;
    tree_init(&t, _i, "kary:2", 2);
    fake_init(&f, &t, 0);
    fake_listen(&f, tree_address(&t, 0));
    strcpy(t.nodes[0].address, link_address(f.listener));
    t.conf.torpid_min = 0.2;
    t.conf.torpid_max = 0.6;
    struct node *n = node_start(&t, 1);
    UNTIL(&t, n->ups == 1);
    UNTIL(&t, n->downs == 1);
    ck_assert_ptr_nonnull(strstr(n->log, "parent (rank 0) is torpid"));
    ck_assert_int_eq(n->errnum, ETIMEDOUT);
    UNTIL(&t, overlay_stats(n->ov)->reconnects > 0);
    fake_fini(&f);
    tree_fini(&t);
}
END_TEST

START_TEST(quiet_brokers_keep_their_links)
{
    tree_init(&t, _i, "kary:2", 3);
    t.conf.torpid_min = 0.2;
    t.conf.torpid_max = 0.6;
    tree_start(&t);
    double until = tree_now(&t) + (_i == NET_SIM ? 1000 : 1.2);
    UNTIL(&t, tree_now(&t) > until);
    for (uint32_t r = 0; r < 3; r++)
        ck_assert_int_eq(t.nodes[r].downs, 0);
    tree_fini(&t);
}
END_TEST

START_TEST(the_defaults_are_5_and_30_seconds)
{
    struct fake f;
    tree_init(&t, NET_SIM, "kary:2", 2);
    struct node *root = node_start(&t, 0);
    fake_init(&f, &t, 1);
    fake_dial(&f, root->address);
    UNTIL(&t, root->ups == 1);
    double began = tree_now(&t);
    UNTIL(&t, peer_is_torpid(overlay_child(root->ov, 1)));
    double torpid = tree_now(&t) - began;
    ck_assert(torpid >= 4.9 && torpid < 8.1);
    UNTIL(&t, root->downs == 1);
    double lost = tree_now(&t) - began;
    ck_assert(lost >= 29.9 && lost < 32.1);
    fake_fini(&f);
    tree_fini(&t);
}
END_TEST

static void real_sleep(double seconds)
{
    nanosleep(&(struct timespec){(time_t)seconds, (long)(1e9 * (seconds - (int)seconds))},
              NULL);
}

/* After a pause of our own, nobody else is blamed for it. */
START_TEST(who_was_stopped_blames_nobody)
{
    tree_init(&t, _i ? NET_TCP_ENCRYPTED : NET_IPC, "kary:2", 2);
    t.conf.torpid_min = 0.4;
    t.conf.torpid_max = 0.8;
    tree_start(&t);
    UNTIL(&t, overlay_parent(t.nodes[1].ov));
    for (int i = 0; i < 2; i++) {
        real_sleep(0.9);
        double until = tree_now(&t) + 0.2;
        UNTIL(&t, tree_now(&t) > until);
    }
    ck_assert_int_eq(t.nodes[0].downs, 0);
    ck_assert_int_eq(t.nodes[1].downs, 0);
    ck_assert_ptr_null(strstr(t.nodes[0].log, "torpid"));
    tree_fini(&t);
}
END_TEST

/* Keeps to the rules, but has no time to read. */
START_TEST(who_takes_nothing_is_cut_off)
{
    struct tree other;
    tree_init(&t, NET_IPC + _i, "kary:2", 2);
    t.conf.stall_timeout = 0.5;
    t.conf.torpid_min = 1;
    t.conf.torpid_max = 1000;
    struct node *root = node_start(&t, 0);
    tree_init(&other, NET_IPC + _i, "kary:2", 2);
    strcpy(other.nodes[0].address, root->address);
    struct node *n = node_start(&other, 1);
    while (n->ups == 0) {
        loop_run(t.loop, LOOP_NOWAIT);
        loop_run(other.loop, LOOP_NOWAIT);
    }
    struct peer *p = overlay_child(root->ov, 1);
    for (uint32_t i = 0; i < 100; i++)
        ck_assert_int_eq(node_send(root, p, i, 1 << 20), 0);
    UNTIL(&t, root->downs == 1);
    ck_assert_int_eq(root->errnum, ETIMEDOUT);
    ck_assert_msg(strstr(root->why, "it took none"), "%s", root->why);
    tree_fini(&other);
    tree_fini(&t);
}
END_TEST

/* ---- strangers ---- */

START_TEST(strangers_that_say_nothing_have_until_the_timeout)
{
    struct fake f[4];
    tree_init(&t, _i, "kary:2", 2);
    t.conf.connect_timeout = 0.3;
    t.conf.torpid_min = 0.4;
    struct node *root = node_start(&t, 0);
    for (int i = 0; i < 4; i++) {
        struct link_conf conf;
        fake_init(&f[i], &t, 1);
        f[i].stop = NOTE_CHALLENGE;
        if (i % 2) { /* half a handshake, or no word at all */
            fake_dial(&f[i], root->address);
            continue;
        }
        fake_dial(&f[i], root->address);
        conf = f[i].link->conf;
        link_close(f[i].link);
        ck_assert_int_eq(transport_dial(t.loop, root->address, &conf, &f[i].link), 0);
    }
    UNTIL(&t, f[0].closed && f[1].closed && f[2].closed && f[3].closed);
    ck_assert_int_eq(root->ups, 0);
    ck_assert_uint_ge(overlay_stats(root->ov)->bad_links, 4);
    node_start(&t, 1);
    UNTIL(&t, root->ups == 1);
    for (int i = 0; i < 4; i++)
        fake_fini(&f[i]);
    tree_fini(&t);
}
END_TEST

START_TEST(strangers_are_few_at_a_time_and_the_oldest_goes)
{
    enum { N = 200, KEPT = 64 + 1 };
    static struct fake f[N];
    int closed = 0;
    tree_init(&t, _i, "kary:2", 2);
    struct node *root = node_start(&t, 0);
    for (int i = 0; i < N; i++) {
        fake_init(&f[i], &t, 1);
        f[i].stop = NOTE_CHALLENGE;
        fake_dial(&f[i], root->address);
        UNTIL(&t, f[i].last == NOTE_CHALLENGE);
    }
    UNTIL(&t, overlay_stats(root->ov)->bad_links >= N - KEPT);
    UNTIL(&t, f[N - KEPT - 1].closed);
    for (int i = 0; i < N; i++)
        closed += f[i].closed;
    ck_assert_int_eq(closed, N - KEPT);
    ck_assert(!f[N - 1].closed && !f[N - KEPT].closed);
    /* The log is not theirs to fill. */
    ck_assert_uint_lt(strlen(root->log), 3000);
    /* Meanwhile who belongs here gets in. */
    node_start(&t, 1);
    UNTIL(&t, root->ups == 1);
    for (int i = 0; i < N; i++)
        fake_fini(&f[i]);
    tree_fini(&t);
}
END_TEST

START_TEST(rubbish_in_any_state_is_the_end)
{
    static const struct {
        const char *note;
        size_t len;
    } rubbish[] = {{"", 0},
                   {"\x01", 1},
                   {"\x03", 1},
                   {"\x10", 1},
                   {"\x10\xff\xff", 3},
                   {"\x12", 1},
                   {"\x12\0\0\0\0\0\0\0\7", 9},
                   {"\x13\0\0\0\0\0\0\0\1", 9},
                   {"\x14\0\0\0\0\0\0\0\1", 9},
                   {"\x16", 1},
                   {"\x7f", 1}};
    for (size_t i = 0; i < 3 * sizeof(rubbish) / sizeof(rubbish[0]); i++) {
        struct fake f;
        tree_init(&t, _i, "kary:2", 2);
        struct node *root = node_start(&t, 0);
        fake_init(&f, &t, 1);
        f.stop = i % 3 == 1 ? NOTE_CHALLENGE : 0;
        fake_dial(&f, root->address);
        if (i % 3 == 1)
            UNTIL(&t, f.last == NOTE_CHALLENGE);
        else if (i % 3 == 2)
            UNTIL(&t, f.up && root->ups == 1);
        fake_say(&f, rubbish[i / 3].note, rubbish[i / 3].len);
        UNTIL(&t, f.closed);
        ck_assert_int_eq(root->n, 0);
        ck_assert_int_eq(root->downs, root->ups);
        fake_fini(&f);
        tree_fini(&t);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("overlay/pulse");
    TCase *tc = tcase_create("pulse");
    tcase_set_timeout(tc, 100);
    tcase_add_loop_test(tc, a_silent_child_is_torpid_and_then_lost, 0, NETS);
    tcase_add_loop_test(tc, who_speaks_again_is_not_torpid, 0, NETS);
    tcase_add_loop_test(tc, a_silent_parent_is_torpid_and_then_dialled_again, 0, NETS);
    tcase_add_loop_test(tc, quiet_brokers_keep_their_links, 0, NETS);
    tcase_add_test(tc, the_defaults_are_5_and_30_seconds);
    tcase_add_loop_test(tc, who_was_stopped_blames_nobody, 0, 2);
    tcase_add_loop_test(tc, who_takes_nothing_is_cut_off, 0, 3);
    tcase_add_loop_test(tc, strangers_that_say_nothing_have_until_the_timeout, 0, NETS);
    tcase_add_loop_test(tc, strangers_are_few_at_a_time_and_the_oldest_goes, 0, NETS);
    tcase_add_loop_test(tc, rubbish_in_any_state_is_the_end, 0, NETS);
    suite_add_tcase(s, tc);
    return tree_main(s);
}

/* The simulated network between hosts: what a TCP connection can live through. */
#include <errno.h>

#include "env/sim_faults.h"
#include "link_cases.h"

/* A host that listens, one that dials, one that has nothing to do with it. */
static struct env *a, *b, *c;
static struct loop *la, *lb;
static struct end listener, server, client;

static void run(double seconds)
{
    env_sim_run(a, env_monotonic(a) + seconds);
}

static void dial(void)
{
    struct link_conf conf = conf_for(&client);
    ck_assert_int_eq(transport_dial(lb, "sim://a", &conf, &client.link), 0);
}

static void listen(void)
{
    struct link_conf conf = conf_for(&listener);
    listener.for_accepted = &server;
    ck_assert_int_eq(transport_listen(la, "sim://a", &conf, &listener.link), 0);
}

static void make_world(uint64_t seed)
{
    ck_assert_int_eq(env_new_sim(seed, &a), 0);
    ck_assert_int_eq(sim_host_new(a, "b", &b), 0);
    ck_assert_int_eq(sim_host_new(a, "c", &c), 0);
    ck_assert_int_eq(loop_new(a, &la), 0);
    ck_assert_int_eq(loop_new(b, &lb), 0);
    listener = server = client = (struct end){0};
    listen();
    dial();
    run(0.1);
    ck_assert_ptr_nonnull(server.link);
}

static void setup(void)
{
    make_world(1);
}

static void close_end(struct end *e)
{
    link_close(e->link);
    e->link = NULL;
}

static void teardown(void)
{
    close_end(&client);
    close_end(&server);
    close_end(&listener);
    ck_assert_int_eq(sim_net_links(a) + sim_net_links(b), 0);
    loop_unref(la);
    loop_unref(lb);
    env_unref(a);
    env_unref(b);
    env_unref(c);
}

/* The power of host a goes, and all that ran there is gone. */
static void lose_a(void)
{
    sim_host_power_off(a);
    close_end(&server);
    close_end(&listener);
}

START_TEST(a_delay_holds_for_one_way)
{
    sim_net_delay(b, a, 2, 3);
    send_text(client.link, "x");
    send_text(server.link, "y");
    run(1.9);
    ck_assert_str_eq(server.text, "");
    ck_assert_str_eq(client.text, "y");
    run(1.2);
    ck_assert_str_eq(server.text, "x");
    sim_net_delay(b, a, 0, 0);
    send_text(client.link, "z");
    run(0.1);
    ck_assert_str_eq(server.text, "xz");
}
END_TEST

START_TEST(a_stall_holds_messages_back_and_loses_none)
{
    sim_net_stall(b, a, 10);
    for (char ch = 'a'; ch <= 'e'; ch++)
        send_text(client.link, (char[]){ch, 0});
    send_text(server.link, "other way");
    run(9.9);
    ck_assert_str_eq(server.text, "");
    ck_assert_str_eq(client.text, "other way");
    ck_assert_uint_eq(link_queued(client.link), 5);
    run(0.2);
    ck_assert_str_eq(server.text, "abcde");
    ck_assert_uint_eq(link_queued(client.link), 0);
}
END_TEST

START_TEST(a_cut_lasts_until_it_is_healed)
{
    send_text(client.link, "1");
    sim_net_cut(a, b);
    send_text(client.link, "2");
    send_text(server.link, "3");
    run(1000);
    ck_assert_str_eq(server.text, "");
    ck_assert_str_eq(client.text, "");
    ck_assert_int_eq(client.closed + server.closed, 0);
    sim_net_heal(a, b);
    run(1);
    ck_assert_str_eq(server.text, "12");
    ck_assert_str_eq(client.text, "3");
}
END_TEST

START_TEST(others_do_not_notice_a_cut)
{
    sim_net_cut(a, c);
    send_text(client.link, "x");
    run(0.1);
    ck_assert_str_eq(server.text, "x");
    sim_net_cut(NULL, b);
    send_text(client.link, "y");
    run(1);
    ck_assert_str_eq(server.text, "x");
    sim_net_heal(b, NULL);
    run(1);
    ck_assert_str_eq(server.text, "xy");
}
END_TEST

START_TEST(a_full_queue_refuses_while_the_way_is_blocked)
{
    char text[501];
    memset(text, 'x', 500);
    text[500] = '\0';
    sim_net_cut(a, b);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(send_text(client.link, text), 0);
    ck_assert_int_eq(send_text(client.link, text), -ENOBUFS);
    int before = client.writable;
    sim_net_heal(a, b);
    run(1);
    ck_assert_uint_eq(server.bytes, 2000);
    ck_assert_int_eq(client.writable, before + 1);
}
END_TEST

START_TEST(a_reset_ends_both_ends_and_loses_what_is_under_way)
{
    send_text(client.link, "x");
    ck_assert_int_eq(sim_net_reset(b, c), 0);
    ck_assert_int_eq(sim_net_reset(b, a), 1);
    ck_assert_int_eq(send_text(client.link, "y"), -EPIPE);
    run(1);
    ck_assert_str_eq(server.text, "");
    ck_assert_int_eq(server.error, -ECONNRESET);
    ck_assert_int_eq(client.error, -ECONNRESET);
    ck_assert_int_eq(client.closed + server.closed, 2);
    ck_assert(sim_fault_count(a, SIM_RESET) == 1);
}
END_TEST

START_TEST(a_dial_into_nowhere_fails_late_and_by_seed_soon)
{
    int soon = 0, late = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        teardown();
        make_world(seed);
        close_end(&client);
        sim_net_cut(a, b);
        dial();
        run(2.9);
        ck_assert_int_eq(client.closed, 0);
        run(1);
        soon += client.error == -EHOSTUNREACH;
        run(200);
        ck_assert_int_eq(client.closed, 1);
        late += client.error == -ETIMEDOUT;
    }
    ck_assert_int_gt(soon, 2);
    ck_assert_int_gt(late, 2);
    ck_assert_int_eq(soon + late, 20);
}
END_TEST

START_TEST(a_dial_gets_through_when_the_way_is_healed_in_time)
{
    uint64_t seed = 0;
    do {
        teardown();
        make_world(++seed);
        close_end(&client);
        close_end(&server);
        sim_net_cut(a, b);
        dial();
        send_text(client.link, "hello");
        run(20);
    } while (client.closed > 0); /* one that is not told early */
    sim_net_heal(a, b);
    run(100);
    ck_assert_str_eq(server.text, "hello");
    ck_assert_int_eq(client.closed, 0);
}
END_TEST

START_TEST(a_dead_peer_is_noticed_only_by_sending)
{
    lose_a();
    run(1000);
    ck_assert_int_eq(client.closed, 0);
    ck_assert_int_eq(send_text(client.link, "anybody there?"), 0);
    run(1000);
    ck_assert_int_eq(client.closed, 0); /* nobody says no */
    sim_host_power_on(a);
    run(1);
    ck_assert_int_eq(client.error, -ECONNRESET);
    ck_assert_uint_eq(link_queued(client.link), 14);
}
END_TEST

START_TEST(a_silent_peer_stays_half_open_when_its_host_is_back)
{
    lose_a();
    sim_host_power_on(a);
    run(1000);
    ck_assert_int_eq(client.closed, 0);
    ck_assert_int_eq(send_text(client.link, "x"), 0);
    run(1);
    ck_assert_int_eq(client.closed, 1);
    ck_assert(sim_fault_count(a, SIM_HALF_OPEN) == 1);
}
END_TEST

START_TEST(what_was_unread_when_the_power_went_counts_as_sent)
{
    send_text(client.link, "x");
    lose_a();
    sim_host_power_on(a);
    run(1);
    ck_assert_int_eq(client.error, -ECONNRESET);
}
END_TEST

START_TEST(a_host_without_power_sends_nothing)
{
    send_text(server.link, "last words");
    lose_a();
    run(10);
    sim_host_power_on(a);
    run(10);
    ck_assert_str_eq(client.text, "");
}
END_TEST

START_TEST(an_end_that_is_closed_behind_a_cut_may_leave_the_other_half_open)
{
    int told = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        teardown();
        make_world(seed);
        sim_net_cut(a, b);
        close_end(&server);
        run(5);
        ck_assert_int_eq(client.closed, 0);
        sim_net_heal(a, b);
        run(5);
        told += client.closed;
        if (client.closed)
            continue;
        ck_assert_int_eq(send_text(client.link, "x"), 0);
        run(1);
        ck_assert_int_eq(client.error, -ECONNRESET);
    }
    ck_assert_int_gt(told, 2);
    ck_assert_int_lt(told, 18);
}
END_TEST

START_TEST(a_stopped_host_reads_later)
{
    sim_host_stop(a, 30);
    send_text(client.link, "x");
    run(29);
    ck_assert_str_eq(server.text, "");
    ck_assert_uint_eq(link_queued(client.link), 0); /* its system took it */
    run(2);
    ck_assert_str_eq(server.text, "x");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("env/sim_net");
    TCase *tc = tcase_create("sim_net");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_delay_holds_for_one_way);
    tcase_add_test(tc, a_stall_holds_messages_back_and_loses_none);
    tcase_add_test(tc, a_cut_lasts_until_it_is_healed);
    tcase_add_test(tc, others_do_not_notice_a_cut);
    tcase_add_test(tc, a_full_queue_refuses_while_the_way_is_blocked);
    tcase_add_test(tc, a_reset_ends_both_ends_and_loses_what_is_under_way);
    tcase_add_test(tc, a_dial_into_nowhere_fails_late_and_by_seed_soon);
    tcase_add_test(tc, a_dial_gets_through_when_the_way_is_healed_in_time);
    tcase_add_test(tc, a_dead_peer_is_noticed_only_by_sending);
    tcase_add_test(tc, a_silent_peer_stays_half_open_when_its_host_is_back);
    tcase_add_test(tc, what_was_unread_when_the_power_went_counts_as_sent);
    tcase_add_test(tc, a_host_without_power_sends_nothing);
    tcase_add_test(tc, an_end_that_is_closed_behind_a_cut_may_leave_the_other_half_open);
    tcase_add_test(tc, a_stopped_host_reads_later);
    suite_add_tcase(s, tc);
    return run_suite(s);
}

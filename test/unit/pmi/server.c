/* The PMI-1 server: what each command is answered, alone and between several servers. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pmi/server.h"

#define RANKS 8

static struct pmi_server *s, *other;
static char out[RANKS][8192]; /* what each rank was answered */
static char asked[64];        /* key that was asked of the owner */
static int asked_rank, barriers, abort_rank, abort_code;
static char abort_text[64], traced[4096];
static const char *answer_at_once;

static void send_cb(int rank, const char *line, size_t len, void *arg)
{
    ck_assert(len > 0 && line[len - 1] == '\n');
    strncat(out[rank], line, len);
}

static void barrier_cb(void *arg)
{
    barriers++;
}

static void get_cb(int rank, const char *key, void *arg)
{
    asked_rank = rank;
    snprintf(asked, sizeof(asked), "%s", key);
    if (answer_at_once)
        pmi_server_get_done(s, rank, answer_at_once);
}

static void abort_cb(int rank, int code, const char *text, void *arg)
{
    abort_rank = rank;
    abort_code = code;
    snprintf(abort_text, sizeof(abort_text), "%s", text);
}

static void trace_cb(int rank, bool from_rank, const char *line, void *arg)
{
    char text[300];

    snprintf(text, sizeof(text), "%d%c%s;", rank, from_rank ? '<' : '>', line);
    strcat(traced, text);
}

static const struct pmi_server_ops local_ops = {
    .send = send_cb, .abort = abort_cb, .trace = trace_cb};
static const struct pmi_server_ops wide_ops = {
    .send = send_cb, .barrier = barrier_cb, .get = get_cb, .abort = abort_cb};

static void setup(void)
{
    struct pmi_server_conf conf = {
        .size = 2,
        .kvsname = "kvs-1",
        .mapping = "(vector,(0,1,2))",
        .appnum = 3,
        .universe_size = 16,
        .ops = &local_ops,
    };

    ck_assert_int_eq(pmi_server_new(&conf, &s), 0);
    memset(out, 0, sizeof(out));
    traced[0] = asked[0] = '\0';
    answer_at_once = NULL;
    asked_rank = abort_rank = abort_code = -1;
    barriers = 0;
}

static void teardown(void)
{
    pmi_server_free(s);
    pmi_server_free(other);
    s = other = NULL;
}

static int feed(struct pmi_server *to, int rank, const char *text)
{
    return pmi_server_feed(to, rank, text, strlen(text));
}

/* Rank says a line to s; what it is answered, without newline. */
static const char *ask(int rank, const char *line)
{
    char text[PMI_LINE_MAX + 2];

    out[rank][0] = '\0';
    snprintf(text, sizeof(text), "%s\n", line);
    ck_assert_int_eq(feed(s, rank, text), 0);
    out[rank][strcspn(out[rank], "\n")] = '\0';
    return out[rank];
}

static void init(int rank)
{
    ck_assert_str_eq(ask(rank, "cmd=init pmi_version=1 pmi_subversion=1"),
                     "cmd=response_to_init rc=0 pmi_version=1 pmi_subversion=1");
}

START_TEST(facts_are_told)
{
    ck_assert_str_eq(ask(0, "cmd=init pmi_version=2 pmi_subversion=0"),
                     "cmd=response_to_init rc=-1 pmi_version=1 pmi_subversion=1");
    init(0);
    ck_assert_str_eq(ask(0, "cmd=get_maxes"),
                     "cmd=maxes rc=0 kvsname_max=256 keylen_max=64 vallen_max=1024");
    ck_assert_str_eq(ask(0, "cmd=get_appnum"), "cmd=appnum rc=0 appnum=3");
    ck_assert_str_eq(ask(0, "cmd=get_universe_size"), "cmd=universe_size rc=0 size=16");
    ck_assert_str_eq(ask(0, "cmd=get_my_kvsname"), "cmd=my_kvsname rc=0 kvsname=kvs-1");
    ck_assert_str_eq(ask(0, "cmd=get kvsname=kvs-1 key=PMI_process_mapping"),
                     "cmd=get_result rc=0 value=(vector,(0,1,2))");
    ck_assert_str_eq(ask(0, "cmd=dance"), "cmd=dance_result rc=-1 msg=unknown_command");
    ck_assert_str_eq(ask(0, "cmd=spawn"), "cmd=spawn_result rc=-1 msg=not_supported");
    ck_assert_str_eq(ask(0, "cmd=finalize"), "cmd=finalize_ack rc=0");
    ck_assert_ptr_nonnull(strstr(traced, "0<cmd=finalize;0>cmd=finalize_ack rc=0;"));
}
END_TEST

START_TEST(what_one_put_another_gets)
{
    init(0);
    init(1);
    ck_assert_str_eq(ask(0, "cmd=put kvsname=kvs-1 key=a value=b c=d "),
                     "cmd=put_result rc=0");
    ck_assert_str_eq(ask(0, "cmd=barrier_in"), "");
    ck_assert_str_eq(ask(1, "cmd=barrier_in"), "cmd=barrier_out rc=0");
    ck_assert_str_eq(out[0], "cmd=barrier_out rc=0\n");
    ck_assert_str_eq(ask(1, "cmd=get kvsname=kvs-1 key=a"),
                     "cmd=get_result rc=0 value=b c=d ");
    ck_assert_str_eq(ask(1, "cmd=get kvsname=kvs-1 key=aa"),
                     "cmd=get_result rc=-1 msg=no_such_key");
    ck_assert_int_eq(pmi_server_put(s, "owner", "x"), 0);
    ck_assert_str_eq(ask(1, "cmd=get kvsname=kvs-1 key=owner"),
                     "cmd=get_result rc=0 value=x");
    ck_assert_int_eq(pmi_server_put(s, "no no", "x"), -EINVAL);
}
END_TEST

START_TEST(bad_puts_are_refused)
{
    char line[PMI_LINE_MAX], value[PMI_VALLEN_MAX + 1];

    init(0);
    memset(value, 'v', sizeof(value));
    value[PMI_VALLEN_MAX] = '\0';
    snprintf(line, sizeof(line), "cmd=put kvsname=kvs-1 key=k value=%s", value);
    ck_assert_str_eq(ask(0, line), "cmd=put_result rc=-1 msg=bad_value");
    line[strlen(line) - 1] = '\0';
    ck_assert_str_eq(ask(0, line), "cmd=put_result rc=0");
    ck_assert_str_eq(ask(0, "cmd=put kvsname=kvs-2 key=k value=1"),
                     "cmd=put_result rc=-1 msg=no_such_kvsname");
    ck_assert_str_eq(ask(0, "cmd=put key=k value=1"),
                     "cmd=put_result rc=-1 msg=no_such_kvsname");
    ck_assert_str_eq(ask(0, "cmd=put kvsname=kvs-1 key= value=1"),
                     "cmd=put_result rc=-1 msg=bad_key");
    ck_assert_str_eq(ask(0, "cmd=put kvsname=kvs-1 key=PMI_process_mapping value=1"),
                     "cmd=put_result rc=-1 msg=key_is_taken");
    ck_assert_str_eq(ask(0, "cmd=put kvsname=kvs-1 key=k value=\xff"),
                     "cmd=put_result rc=-1 msg=bad_value");
}
END_TEST

START_TEST(bytes_come_in_any_pieces)
{
    const char *text = "cmd=init pmi_version=1 pmi_subversion=1\ncmd=get_appnum\n";

    for (const char *p = text; *p; p++)
        ck_assert_int_eq(pmi_server_feed(s, 0, p, 1), 0);
    ck_assert_str_eq(out[0], "cmd=response_to_init rc=0 pmi_version=1 pmi_subversion=1\n"
                             "cmd=appnum rc=0 appnum=3\n");
    out[0][0] = '\0';
    ck_assert_int_eq(feed(s, 1, text), 0);
    ck_assert_ptr_nonnull(strstr(out[1], "appnum=3"));
}
END_TEST

START_TEST(what_comes_early_waits)
{
    init(0);
    init(1);
    out[0][0] = '\0';
    ck_assert_int_eq(feed(s, 0, "cmd=barrier_in\ncmd=barrier_in\ncmd=get_appnum\n"), 0);
    ck_assert_str_eq(out[0], "");
    ask(1, "cmd=barrier_in");
    ck_assert_str_eq(out[0], "cmd=barrier_out rc=0\n");
    ask(1, "cmd=barrier_in");
    ck_assert_str_eq(out[0], "cmd=barrier_out rc=0\ncmd=barrier_out rc=0\n"
                             "cmd=appnum rc=0 appnum=3\n");
}
END_TEST

START_TEST(other_tongues_are_hung_up_on)
{
    char flood[PMI_LINE_MAX + 1];

    ck_assert_int_eq(feed(s, 0, "cmd=get_appnum\n"), -EPROTO); /* no init yet */
    ck_assert_int_eq(feed(s, 0, "GET / HTTP/1.0\n"), -EPROTO);
    ck_assert_int_eq(feed(s, 0, "cmd=init pmi_version=1\n"), -EPROTO);
    ck_assert_int_eq(feed(s, 0, "\n"), -EPROTO);
    ck_assert_int_eq(feed(s, 7, "cmd=init pmi_version=1 pmi_subversion=1\n"), -ENOENT);
    ck_assert_int_eq(feed(s, -1, "cmd=init pmi_version=1 pmi_subversion=1\n"), -ENOENT);
    memset(flood, 'x', sizeof(flood));
    ck_assert_int_eq(pmi_server_feed(s, 1, flood, sizeof(flood)), -EPROTO);
}
END_TEST

START_TEST(a_flood_behind_a_barrier_ends)
{
    int rc = 0, n = 0;

    init(0);
    ck_assert_int_eq(feed(s, 0, "cmd=barrier_in\n"), 0);
    while (rc == 0 && n++ < 100000)
        rc = feed(s, 0, "cmd=get_appnum\n");
    ck_assert_int_eq(rc, -EPROTO);
    ck_assert_int_lt(n, 10000);
}
END_TEST

START_TEST(abort_tells_the_owner)
{
    init(1);
    ck_assert_int_eq(feed(s, 1, "cmd=abort exitcode=7 error_msg=out of tea\n"), 0);
    ck_assert_int_eq(abort_rank, 1);
    ck_assert_int_eq(abort_code, 7);
    ck_assert_str_eq(abort_text, "out of tea");
    ck_assert(!pmi_server_gone(s, 1));
    ck_assert_int_eq(feed(s, 0, "cmd=abort\n"), 0);
    ck_assert_int_eq(abort_rank, 0);
    ck_assert_int_eq(abort_code, 1);
    ck_assert_str_eq(abort_text, "");
}
END_TEST

START_TEST(gone_tells_who_was_in_the_middle)
{
    ck_assert(!pmi_server_gone(s, 1)); /* never spoke */
    ck_assert(!pmi_server_gone(s, 5));
    init(0);
    ask(0, "cmd=barrier_in");
    ck_assert(pmi_server_gone(s, 0));
    ck_assert(!pmi_server_gone(s, 0));
    ck_assert_int_eq(feed(s, 0, "cmd=get_appnum\n"), -ENOENT);
}
END_TEST

START_TEST(one_who_left_a_barrier_is_waited_for)
{
    init(0);
    init(1);
    ask(0, "cmd=barrier_in");
    ck_assert(pmi_server_gone(s, 0));
    ck_assert_str_eq(ask(1, "cmd=barrier_in"), "");
    pmi_server_again(s, 0, false);
    ck_assert_int_eq(feed(s, 0, "cmd=get_appnum\n"), -EPROTO); /* no init yet */
    pmi_server_again(s, 0, false);
    init(0);
    ck_assert_str_eq(ask(0, "cmd=barrier_in"), "cmd=barrier_out rc=0");
    ck_assert_str_eq(out[1], "cmd=barrier_out rc=0\n");
}
END_TEST

START_TEST(one_who_comes_again_meets_nobody)
{
    init(0);
    init(1);
    ask(0, "cmd=put kvsname=kvs-1 key=a value=b");
    ask(0, "cmd=barrier_in");
    ask(1, "cmd=barrier_in");
    ask(0, "cmd=finalize");
    pmi_server_again(s, 0, true);
    init(0);
    ck_assert_str_eq(ask(0, "cmd=get kvsname=kvs-1 key=a"),
                     "cmd=get_result rc=0 value=b");
    ck_assert_str_eq(ask(0, "cmd=barrier_in"), "cmd=barrier_out rc=0");
    ck_assert_str_eq(ask(0, "cmd=barrier_in"), "cmd=barrier_out rc=0");
}
END_TEST

START_TEST(finalize_ends_it)
{
    init(0);
    ask(0, "cmd=finalize");
    ck_assert(!pmi_server_gone(s, 0));
    init(1);
    ask(1, "cmd=finalize");
    ck_assert_int_eq(feed(s, 1, "cmd=get_appnum\n"), -EPROTO);
}
END_TEST

START_TEST(a_singleton_joins)
{
    ck_assert_str_eq(
        ask(0, "cmd=singinit pmi_version=1 pmi_subversion=1 stdin=yes authtype=none"),
        "cmd=singinit_info rc=0 versionok=yes stdio=no kvsname=kvs-1");
    ck_assert_str_eq(ask(0, "cmd=get_appnum"), "cmd=appnum rc=0 appnum=3");
}
END_TEST

START_TEST(names_are_published)
{
    init(0);
    init(1);
    ck_assert_str_eq(ask(1, "cmd=lookup_name service=ocean"),
                     "cmd=lookup_result rc=-1 info=no_such_name");
    ck_assert_str_eq(ask(0, "cmd=publish_name service=ocean port=tag#0$x"),
                     "cmd=publish_result rc=0 info=ok");
    ck_assert_str_eq(ask(1, "cmd=lookup_name service=ocean"),
                     "cmd=lookup_result rc=0 info=ok port=tag#0$x");
    ck_assert_str_eq(ask(0, "cmd=unpublish_name service=ocean"),
                     "cmd=unpublish_result rc=0 info=ok");
    ck_assert_str_eq(ask(0, "cmd=unpublish_name service=ocean"),
                     "cmd=unpublish_result rc=-1 info=no_such_name");
}
END_TEST

static struct pmi_server *wide(const int *ranks, int n)
{
    struct pmi_server_conf conf = {
        .size = 4, .ranks = ranks, .nranks = n, .kvsname = "w", .ops = &wide_ops};
    struct pmi_server *ret;

    ck_assert_int_eq(pmi_server_new(&conf, &ret), 0);
    return ret;
}

static void init_wide(void)
{
    pmi_server_free(s);
    s = wide((const int[]){1, 3}, 2);
    init(1);
    init(3);
}

START_TEST(puts_cross_at_a_barrier)
{
    const char *key, *value;
    size_t it = 0;

    init_wide();
    ask(1, "cmd=put kvsname=w key=a value=1");
    ask(3, "cmd=put kvsname=w key=b value=2");
    ask(1, "cmd=put kvsname=w key=a value=3");
    ask(1, "cmd=barrier_in");
    ck_assert_int_eq(barriers, 0);
    ck_assert_str_eq(ask(3, "cmd=barrier_in"), "");
    ck_assert_int_eq(barriers, 1);
    ck_assert(pmi_server_each_put(s, &it, &key, &value));
    ck_assert_str_eq(key, "a");
    ck_assert_str_eq(value, "3");
    ck_assert(pmi_server_each_put(s, &it, &key, &value));
    ck_assert_str_eq(key, "b");
    ck_assert(!pmi_server_each_put(s, &it, &key, &value));
    pmi_server_forget_puts(s);
    it = 0;
    ck_assert(!pmi_server_each_put(s, &it, &key, &value));
    ck_assert_int_eq(pmi_server_put(s, "c", "there"), 0);
    ck_assert_str_eq(out[1], "");
    pmi_server_barrier_done(s, 0);
    ck_assert_str_eq(out[1], "cmd=barrier_out rc=0\n");
    ck_assert_str_eq(out[3], "cmd=barrier_out rc=0\n");
    it = 0;
    ck_assert(!pmi_server_each_put(s, &it, &key, &value)); /* theirs is not ours */
    ck_assert_str_eq(ask(1, "cmd=get kvsname=w key=c"),
                     "cmd=get_result rc=0 value=there");
    ck_assert_str_eq(ask(3, "cmd=get kvsname=w key=a"), "cmd=get_result rc=0 value=3");
    ck_assert_str_eq(asked, "");
}
END_TEST

START_TEST(a_barrier_can_fail)
{
    init_wide();
    ask(1, "cmd=barrier_in");
    ask(3, "cmd=barrier_in");
    out[1][0] = '\0';
    pmi_server_barrier_done(s, -EHOSTUNREACH);
    ck_assert_str_eq(out[1], "cmd=barrier_out rc=-1 msg=failed\n");
}
END_TEST

START_TEST(a_get_is_answered_from_elsewhere)
{
    init_wide();
    ck_assert_str_eq(ask(3, "cmd=get kvsname=w key=far"), "");
    ck_assert_str_eq(asked, "far");
    ck_assert_int_eq(asked_rank, 3);
    pmi_server_get_done(s, 1, "not mine");
    ck_assert_str_eq(out[1], "cmd=response_to_init rc=0 pmi_version=1 pmi_subversion=1");
    pmi_server_get_done(s, 3, "away");
    ck_assert_str_eq(out[3], "cmd=get_result rc=0 value=away\n");
    answer_at_once = "now";
    ck_assert_str_eq(ask(1, "cmd=get kvsname=w key=far"),
                     "cmd=get_result rc=0 value=now");
    answer_at_once = NULL;
    ask(1, "cmd=get kvsname=w key=far");
    pmi_server_get_done(s, 1, NULL);
    ck_assert_str_eq(out[1], "cmd=get_result rc=-1 msg=no_such_key\n");
    ask(1, "cmd=get kvsname=w key=far");
    ck_assert(pmi_server_gone(s, 1));
    pmi_server_get_done(s, 1, "too late");
    ck_assert_str_eq(out[1], "");
    asked[0] = '\0';
    ck_assert_str_eq(ask(3, "cmd=get kvsname=w key=PMI_process_mapping"),
                     "cmd=get_result rc=-1 msg=no_such_key");
    ck_assert_str_eq(asked, "");
}
END_TEST

START_TEST(impossible_ranks_are_refused)
{
    struct pmi_server_conf conf = {.size = 2, .kvsname = "k", .ops = &local_ops};

    conf.ranks = (const int[]){0, 2};
    conf.nranks = 2;
    ck_assert_int_eq(pmi_server_new(&conf, &other), -EINVAL);
    conf.ranks = (const int[]){1, 1};
    ck_assert_int_eq(pmi_server_new(&conf, &other), -EINVAL);
    conf.ranks = (const int[]){-1};
    conf.nranks = 1;
    ck_assert_int_eq(pmi_server_new(&conf, &other), -EINVAL);
    conf.ranks = NULL;
    conf.size = 0;
    ck_assert_int_eq(pmi_server_new(&conf, &other), -EINVAL);
}
END_TEST

int main(void)
{
    Suite *su = suite_create("pmi/server");
    TCase *tc = tcase_create("server");
    SRunner *sr = srunner_create(su);
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, facts_are_told);
    tcase_add_test(tc, what_one_put_another_gets);
    tcase_add_test(tc, bad_puts_are_refused);
    tcase_add_test(tc, bytes_come_in_any_pieces);
    tcase_add_test(tc, what_comes_early_waits);
    tcase_add_test(tc, other_tongues_are_hung_up_on);
    tcase_add_test(tc, a_flood_behind_a_barrier_ends);
    tcase_add_test(tc, abort_tells_the_owner);
    tcase_add_test(tc, gone_tells_who_was_in_the_middle);
    tcase_add_test(tc, one_who_left_a_barrier_is_waited_for);
    tcase_add_test(tc, one_who_comes_again_meets_nobody);
    tcase_add_test(tc, finalize_ends_it);
    tcase_add_test(tc, a_singleton_joins);
    tcase_add_test(tc, names_are_published);
    tcase_add_test(tc, puts_cross_at_a_barrier);
    tcase_add_test(tc, a_barrier_can_fail);
    tcase_add_test(tc, a_get_is_answered_from_elsewhere);
    tcase_add_test(tc, impossible_ranks_are_refused);
    suite_add_tcase(su, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}

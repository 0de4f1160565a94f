/* Constraints of job-list (RFC 43): which jobs match, what is refused, and what a search can
 * leave out. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modules/job-list/match.h"

static cJSON *quoted(const char *text)
{
    char *s = strdup(text);
    cJSON *o = NULL;

    for (char *p = s; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    ck_assert_msg(json_parse(s, strlen(s), NULL, &o, NULL) == 0, "%s", s);
    free(s);
    return o;
}

static struct match *made(const char *constraint)
{
    cJSON *o = quoted(constraint);
    struct match *m = NULL;
    flux_error_t err;

    ck_assert_msg(match_new(o, &m, &err) == 0, "%s", constraint);
    json_free(o);
    return m;
}

static const char job_text[] =
    "{'id':5,'userid':1000,'name':'sleep','queue':'batch','state':64,'result':1,'ranks':'"
    "2-5',"
    "'nodelist':'h[2-5]','t_submit':100.5,'t_run':200,'t_inactive':300}";

static const struct match_row job_row = {.result = 1,
                                         .userid = 1000,
                                         .name = "sleep",
                                         .queue = "batch",
                                         .t_submit = 100.5,
                                         .t_inactive = 300};

static void expect(const char *constraint, bool want)
{
    cJSON *job = quoted(job_text);
    struct match *m = made(constraint);

    ck_assert_msg(match_job(m, job) == want, "%s", constraint);
    /* What the row says, if it says anything, is the same. */
    ck_assert_msg(match_row(m, &job_row) < 0 || match_row(m, &job_row) == want, "%s",
                  constraint);
    match_free(m);
    json_free(job);
}

static void expect_row(const char *constraint, int want)
{
    struct match *m = made(constraint);
    const struct match_row row = {
        .result = 2, .userid = 7, .name = "b", .t_submit = 1, .t_inactive = 2};

    ck_assert_msg(match_row(m, &row) == want, "%s", constraint);
    match_free(m);
}

START_TEST(the_row_decides_what_it_knows)
{
    expect_row("{}", 1);
    expect_row("{'and':[{'or':[{'states':[127]}]},{'userid':[7]}]}", 1);
    expect_row("{'and':[{'or':[{'states':[127]}]},{'userid':[8]}]}", 0);
    expect_row("{'or':[{'states':['running']},{'results':['failed']}]}", 1);
    expect_row("{'or':[{'states':['running']},{'results':['completed']}]}", 0);
    expect_row("{'not':[{'results':['failed']}]}", 0);
    expect_row("{'name':['a','b']}", 1);
    expect_row("{'not':[{'name':['a']}]}", 1);
    expect_row("{'queue':['a']}", 0);
    expect_row("{'t_inactive':['>2']}", 0);
    expect_row("{'t_submit':['>=1']}", 1);
    expect_row("{'ranks':['0']}", -1);
    expect_row("{'not':[{'t_run':['>1']}]}", -1);
    expect_row("{'and':[{'name':['a']},{'userid':[8]}]}", 0);
    expect_row("{'and':[{'ranks':['0']},{'userid':[8]}]}", 0);
    expect_row("{'or':[{'ranks':['0']},{'userid':[7]}]}", 1);
    expect_row("{'or':[]}", 1);
}
END_TEST

START_TEST(operators)
{
    expect("{}", true);
    expect("{'userid':[1000]}", true);
    expect("{'userid':[1,2]}", false);
    expect("{'userid':[4294967295]}", true); /* any */
    expect("{'name':['x','sleep']}", true);
    expect("{'name':[]}", false);
    expect("{'queue':['debug']}", false);
    expect("{'states':['inactive']}", true);
    expect("{'states':['running','pending']}", false);
    expect("{'states':[64]}", true);
    expect("{'states':[126]}", true);
    expect("{'results':['completed']}", true);
    expect("{'results':['failed',4,8]}", false);
    expect("{'ranks':['5-9']}", true);
    expect("{'ranks':['0-1']}", false);
    expect("{'hostlist':['h[1-2]']}", true);
    expect("{'hostlist':['h1','x']}", false);
}
END_TEST

START_TEST(times)
{
    expect("{'t_submit':['>100']}", true);
    expect("{'t_submit':['>100.5']}", false);
    expect("{'t_submit':['>=100.5']}", true);
    expect("{'t_submit':['<100.5']}", false);
    expect("{'t_submit':['<=100.5']}", true);
    expect("{'t_cleanup':['>0']}", false); /* it has none */
    expect("{'t_run':['<1','>150']}", true);
}
END_TEST

START_TEST(logic)
{
    expect("{'and':[]}", true);
    expect("{'or':[]}", true);
    expect("{'and':[{'userid':[1000]},{'name':['sleep']}]}", true);
    expect("{'and':[{'userid':[1000]},{'name':['x']}]}", false);
    expect("{'or':[{'userid':[1]},{'name':['sleep']}]}", true);
    expect("{'or':[{'userid':[1]},{'name':['x']}]}", false);
    expect("{'not':[{'name':['x']}]}", true);
    expect("{'not':[{'name':['sleep']}]}", false);
    expect("{'userid':[1000],'name':['sleep']}", true);
    expect("{'userid':[1000],'name':['x']}", false);
    expect("{'not':[{'or':[{'name':['x']},{'not':[{'queue':['batch']}]}]}]}", true);
}
END_TEST

START_TEST(a_job_that_lacks_a_field_does_not_match)
{
    cJSON *job = quoted("{'id':1}");
    static const char *const some[] = {
        "{'userid':[0]}",  "{'name':['x']}",     "{'states':[127]}", "{'results':[15]}",
        "{'ranks':['0']}", "{'hostlist':['h']}", "{'t_run':['>0']}"};

    for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
        struct match *m = made(some[i]);

        ck_assert_msg(!match_job(m, job), "%s", some[i]);
        match_free(m);
    }
    json_free(job);
}
END_TEST

START_TEST(what_is_malformed_is_refused)
{
    static const char *const bad[] = {"[]",
                                      "'x'",
                                      "5",
                                      "{'nosuch':[]}",
                                      "{'name':'x'}",
                                      "{'name':[5]}",
                                      "{'userid':['x']}",
                                      "{'userid':[1.5]}",
                                      "{'states':['x']}",
                                      "{'states':[0]}",
                                      "{'states':[128]}",
                                      "{'results':['x']}",
                                      "{'and':[5]}",
                                      "{'and':{}}",
                                      "{'not':[{'nosuch':[]}]}",
                                      "{'t_run':['5']}",
                                      "{'t_run':['=5']}",
                                      "{'t_run':['>']}",
                                      "{'t_run':['>x']}",
                                      "{'t_run':['>>5']}",
                                      "{'t_run':[5]}",
                                      "{'t_run':['>5x']}",
                                      "{'results':[16]}"};
    flux_error_t err;
    struct match *m;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cJSON *o = quoted(bad[i]);

        err.text[0] = '\0';
        ck_assert_msg(match_new(o, &m, &err) == -EINVAL, "%s", bad[i]);
        ck_assert_int_gt(strlen(err.text), 0);
        json_free(o);
    }
}
END_TEST

START_TEST(too_deep_is_refused)
{
    char text[1024] = "{'name':['x']}", outer[1024];
    flux_error_t err;
    struct match *m;
    cJSON *o;

    for (int i = 0; i < 16; i++) {
        snprintf(outer, sizeof(outer), "{'not':[%s]}", text);
        strcpy(text, outer);
    }
    match_free(made(text));
    snprintf(outer, sizeof(outer), "{'not':[%s]}", text);
    o = quoted(outer);
    ck_assert_int_eq(match_new(o, &m, &err), -EINVAL);
    json_free(o);
}
END_TEST

static void narrows(const char *constraint, int states, int results, uint32_t userid)
{
    struct match *m = made(constraint);
    struct match_narrow n;

    match_narrow(m, &n);
    ck_assert_msg(n.states == states, "%s: states %d", constraint, n.states);
    ck_assert_msg(n.results == results, "%s: results %d", constraint, n.results);
    ck_assert_msg(n.userid == userid, "%s: userid %u", constraint, n.userid);
    match_free(m);
}

static void narrows_text(const char *constraint, const char *name, const char *queue,
                         bool exact)
{
    struct match *m = made(constraint);
    struct match_narrow n;

    match_narrow(m, &n);
    ck_assert_pstr_eq(n.name, name);
    ck_assert_pstr_eq(n.queue, queue);
    ck_assert_msg(n.exact == exact, "%s", constraint);
    match_free(m);
}

START_TEST(a_job_may_be_told_by_the_narrow_search_alone)
{
    narrows_text("{}", NULL, NULL, true);
    narrows_text("{'name':['a']}", "a", NULL, true);
    narrows_text("{'name':['a','b']}", NULL, NULL, false);
    narrows_text("{'and':[{'name':['a']},{'queue':['q']},{'userid':[7]}]}", "a", "q",
                 true);
    narrows_text("{'and':[{'name':['a']},{'name':['b']}]}", "a", NULL, false);
    narrows_text("{'or':[{'name':['a']}]}", NULL, NULL, false);
    narrows_text("{'not':[{'name':['a']}]}", NULL, NULL, false);
    narrows_text("{'and':[{'or':[{'states':[2]},{'states':[8]}]},{'name':['a']}]}", "a",
                 NULL, true);
    narrows_text("{'or':[{'states':[2]},{'results':[1]}]}", NULL, NULL, false);
    narrows_text("{'results':[1]}", NULL, NULL, false);
    narrows_text("{'t_inactive':['>=5']}", NULL, NULL, false);
    narrows_text("{'ranks':['0']}", NULL, NULL, false);
}
END_TEST

START_TEST(bounds_of_the_end_narrow_the_search)
{
    struct match *m =
        made("{'and':[{'t_inactive':['>=5']},{'t_inactive':['<9']},{'t_run':['>1']}]}");
    struct match_narrow n;

    match_narrow(m, &n);
    ck_assert_double_lt(n.since, 5.);
    ck_assert_double_gt(n.since, 4.999);
    ck_assert_double_eq(n.before, 9.);
    ck_assert_int_eq(n.states, 64);
    match_free(m);
}
END_TEST

START_TEST(what_a_search_can_leave_out)
{
    const uint32_t any = UINT32_MAX;

    narrows("{}", 127, 15, any);
    narrows("{'userid':[7]}", 127, 15, 7);
    narrows("{'userid':[7,8]}", 127, 15, any);
    narrows("{'states':['running']}", 16 | 32, 15, any);
    narrows("{'results':['failed']}", 64, 2, any); /* only ended jobs have one */
    narrows("{'and':[{'userid':[7]},{'states':['inactive']}]}", 64, 15, 7);
    narrows("{'or':[{'states':['sched']},{'states':['run']}]}", 8 | 16, 15, any);
    narrows("{'or':[{'userid':[7]},{'userid':[8]}]}", 127, 15, any);
    narrows("{'or':[{'results':['failed']},{'name':['x']}]}", 127, 15, any);
    narrows("{'not':[{'states':['inactive']}]}", 127, 15, any);
    narrows("{'not':[{'userid':[7]}]}", 127, 15, any);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("job_list_match");
    TCase *tc = tcase_create("match");
    SRunner *sr = srunner_create(suite);
    int failed;

    tcase_add_test(tc, operators);
    tcase_add_test(tc, times);
    tcase_add_test(tc, logic);
    tcase_add_test(tc, a_job_that_lacks_a_field_does_not_match);
    tcase_add_test(tc, what_is_malformed_is_refused);
    tcase_add_test(tc, too_deep_is_refused);
    tcase_add_test(tc, what_a_search_can_leave_out);
    tcase_add_test(tc, a_job_may_be_told_by_the_narrow_search_alone);
    tcase_add_test(tc, bounds_of_the_end_narrow_the_search);
    tcase_add_test(tc, the_row_decides_what_it_knows);
    suite_add_tcase(suite, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

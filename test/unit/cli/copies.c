#include "cli/copies.h"
#include "suite.h"

static struct idset *set;
static bool cc, ok;

static int read_ids(struct cli *c)
{
    idset_destroy(set);
    set = copies_ids(c, &cc, &ok);
    return ok ? 0 : 1;
}

static const struct cli_command command = {
    .name = "t",
    .help = "Try",
    .options = (const struct cli_option *const[]){copies_options, NULL},
    .run = read_ids,
};

START_TEST(the_ids)
{
    ck_assert_int_eq(run_line(&command, ""), 0);
    ck_assert_ptr_null(set);
    ck_assert(!cc);
    ck_assert_int_eq(run_line(&command, "--cc=1-3,7"), 0);
    ck_assert_uint_eq(idset_count(set), 4);
    ck_assert(cc);
    ck_assert_int_eq(run_line(&command, "--bcc=0"), 0);
    ck_assert_uint_eq(idset_count(set), 1);
    ck_assert(!cc);
    ck_assert_int_eq(run_line(&command, "--cc=1 --bcc=2"), 1);
    ck_assert_int_eq(run_line(&command, "--cc="), 1);
    ck_assert_int_eq(run_line(&command, "--cc=x"), 1);
    ck_assert_int_eq(run_line(&command, "--cc=3-1"), 1);
    ck_assert_int_eq(run_line(&command, "--cc=0-4294967295"), 1);
}
END_TEST

#define SPEC(a, b, env)                                                                  \
    "{'tasks':[{'command':['" a "','x']}],'attributes':{'system':{'job':{'name':'" b     \
    "'},"                                                                                \
    "'environment':{" env "}}}}"

START_TEST(each_copy_knows_its_id)
{
    cJSON *o = quoted(SPEC("a{cc}b{cc}", "n-{cc}", "'V':'{cc}'"));

    ck_assert(!copies_identical(o, false));
    expect_json("cc", copies_make(o, 17, true),
                SPEC("a17b17", "n-17", "'V':'{cc}','FLUX_JOB_CC':'17'"));
    expect_json("bcc", copies_make(o, 0, false), SPEC("a0b0", "n-0", "'V':'{cc}'"));
    expect_json("the original", o, SPEC("a{cc}b{cc}", "n-{cc}", "'V':'{cc}'"));
}
END_TEST

START_TEST(some_are_all_the_same)
{
    cJSON *o = quoted(SPEC("a", "n", "'V':'{cc}'"));

    ck_assert(copies_identical(o, false)); /* the environment is left alone */
    ck_assert(!copies_identical(o, true));
    json_free(o);
}
END_TEST

SUITE_MAIN("copies", the_ids, each_copy_knows_its_id, some_are_all_the_same)

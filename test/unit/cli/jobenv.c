#include <stdio.h>
#include <unistd.h>

#include "cli/jobenv.h"
#include "suite.h"

static char *const environment[] = {(char *)"PATH=/bin",
                                    (char *)"FOO=1",
                                    (char *)"FOOD=2",
                                    (char *)"BAR=x=y",
                                    (char *)"odd",
                                    (char *)"=odder",
                                    NULL};
#define ALL "'PATH':'/bin','FOO':'1','FOOD':'2','BAR':'x=y'"
static cJSON *built;

static int build(struct cli *c)
{
    built = jobenv_build(c, environment);
    return built ? 0 : 1;
}

static const struct cli_command command = {
    .name = "t",
    .help = "Try",
    .options = (const struct cli_option *const[]){jobenv_options, NULL},
    .run = build,
};

static void expect(const char *line, const char *want)
{
    ck_assert_msg(run_line(&command, line) == 0, "%s", line);
    expect_json(line, built, want);
}

START_TEST(all_of_it_by_default)
{
    expect("", "{" ALL "}");
}
END_TEST

START_TEST(rules)
{
    expect("--env=NEW=v", "{" ALL ",'NEW':'v'}");
    expect("--env=FOO=9", "{'PATH':'/bin','FOO':'9','FOOD':'2','BAR':'x=y'}");
    expect("--env=EMPTY=", "{" ALL ",'EMPTY':''}");
    expect("--env=-FOO", "{'PATH':'/bin','FOOD':'2','BAR':'x=y'}");
    expect("--env=-FOO*", "{'PATH':'/bin','BAR':'x=y'}");
    expect("--env=-/^FOO.$/", "{'PATH':'/bin','FOO':'1','BAR':'x=y'}");
    expect("--env=-*", "{}");
    expect("--env-remove=FOO*", "{'PATH':'/bin','BAR':'x=y'}");
}
END_TEST

START_TEST(a_pattern_first_starts_from_nothing)
{
    expect("--env=FOO", "{'FOO':'1'}");
    expect("--env=FOO*", "{'FOO':'1','FOOD':'2'}");
    expect("--env=/D$/", "{'FOOD':'2'}");
    expect("--env=NOSUCH", "{}");
    expect("--env=FOO --env=X=1", "{'FOO':'1','X':'1'}");
}
END_TEST

START_TEST(rules_are_applied_in_their_order)
{
    expect("--env=-* --env=FOO", "{'FOO':'1'}");
    expect("--env=-* --env=A=1 --env-remove=A --env=B=2", "{'B':'2'}");
    expect("--env=A=1 --env=A=2 --env=-[!A]*", "{'A':'2'}");
}
END_TEST

START_TEST(variables_are_expanded)
{
    expect("--env=-* --env=A=1 --env=B=$A/${A}x", "{'A':'1','B':'1/1x'}");
    setenv("FROM_OURS", "y", 1);
    expect("--env=-* --env=P=/x:$FROM_OURS", "{'P':'/x:y'}");
    expect("--env=-* --env=A=$ --env=B=a$.b --env=C=${", "{'A':'$','B':'a$.b','C':'${'}");
    ck_assert_int_eq(run_line(&command, "--env=A=$NO_SUCH_VARIABLE"), 1);
}
END_TEST

static char path[64];

static void file_with(const char *text)
{
    FILE *f;

    strcpy(path, "/tmp/flux-test-XXXXXX");
    ck_assert_ptr_nonnull(f = fdopen(mkstemp(path), "w"));
    fputs(text, f);
    fclose(f);
}

START_TEST(rules_from_a_file)
{
    char line[256];

    file_with("# a comment\n\n  -*\nA=1\nB=$A$A\n");
    snprintf(line, sizeof(line), "--env=^%s --env=C=3", path);
    expect(line, "{'A':'1','B':'11','C':'3'}");
    snprintf(line, sizeof(line), "--env-file=%s", path);
    expect(line, "{'A':'1','B':'11'}");
    unlink(path);
    ck_assert_int_eq(run_line(&command, line), 1);
}
END_TEST

START_TEST(a_file_that_reads_itself_ends)
{
    char line[256];
    FILE *f;

    file_with("");
    ck_assert_ptr_nonnull(f = fopen(path, "w"));
    fprintf(f, "^%s\n", path);
    fclose(f);
    snprintf(line, sizeof(line), "--env-file=%s", path);
    ck_assert_int_eq(run_line(&command, line), 1);
    unlink(path);
}
END_TEST

SUITE_MAIN("jobenv", all_of_it_by_default, rules, a_pattern_first_starts_from_nothing,
           rules_are_applied_in_their_order, variables_are_expanded, rules_from_a_file,
           a_file_that_reads_itself_ends)

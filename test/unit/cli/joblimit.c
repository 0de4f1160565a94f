#include <sys/resource.h>

#include "cli/joblimit.h"
#include "suite.h"

static cJSON *built;

static int build(struct cli *c)
{
    json_free(built);
    built = joblimit_build(c);
    return built ? 0 : 1;
}

static const struct cli_command command = {
    .name = "t",
    .help = "Try",
    .options = (const struct cli_option *const[]){joblimit_options, NULL},
    .run = build,
};

static cJSON *limits(const char *line)
{
    ck_assert_msg(run_line(&command, line) == 0, "%s", line);
    return built;
}

static bool has(const char *name)
{
    return json_get(built, name) != NULL;
}

static double value(const char *name)
{
    double v = -77;

    ck_assert_msg(json_real(json_get(built, name), &v) == 0, "%s", name);
    return v;
}

START_TEST(our_soft_limits_by_default)
{
    struct rlimit core = {4096, 4096};

    ck_assert_int_eq(setrlimit(RLIMIT_CORE, &core), 0);
    limits("");
    ck_assert_double_eq(value("core"), 4096);
    ck_assert(has("as") && has("cpu") && has("stack") && has("fsize"));
    /* These describe the host more than the work. */
    ck_assert(!has("nofile") && !has("memlock") && !has("rtprio"));
}
END_TEST

START_TEST(rules)
{
    limits("--rlimit=-core");
    ck_assert(!has("core") && has("cpu"));
    limits("--rlimit=-*");
    ck_assert_int_eq(cJSON_GetArraySize(built), 0);
    limits("--rlimit=-* --rlimit=c*");
    ck_assert(has("core") && has("cpu"));
    ck_assert_int_eq(cJSON_GetArraySize(built), 2);
    limits("--rlimit=nofile");
    ck_assert(has("nofile") && has("core"));
    limits("--rlimit=core=123 --rlimit=cpu=unlimited --rlimit=FSIZE=infinity");
    ck_assert_double_eq(value("core"), 123);
    ck_assert_double_eq(value("cpu"), -1);
    ck_assert_double_eq(value("fsize"), -1);
}
END_TEST

START_TEST(what_is_malformed_is_refused)
{
    static const char *const bad[] = {
        "--rlimit=nosuch",  "--rlimit=nosuch=1",
        "--rlimit=core=x",  "--rlimit=core=-1",
        "--rlimit=core=1x", "--rlimit=core=",
        "--rlimit==1",      "--rlimit=core=99999999999999999999999"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(run_line(&command, bad[i]) == 1, "%s", bad[i]);
}
END_TEST

SUITE_MAIN("joblimit", our_soft_limits_by_default, rules, what_is_malformed_is_refused)

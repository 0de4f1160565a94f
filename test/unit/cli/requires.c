/* The constraint query syntax (RFC 35) and the constraints (RFC 31) it stands for. */
#include "cli/jobspec_impl.h"
#include "suite.h"

static const struct cli_option options[] = {
    {"requires", 0, CLI_REQUIRED, "CONSTRAINT", "The one under test"},
    {0},
};
static cJSON *built;

static int build(struct cli *c)
{
    built = cJSON_CreateObject();
    if (jobspec_set_requires(c, built) == 0)
        return 0;
    json_free(built);
    built = NULL;
    return 1;
}

static const struct cli_command cmd = {
    .name = "t",
    .help = "Try",
    .options = (const struct cli_option *const[]){options, NULL},
    .run = build,
};

static int requires(const char *text)
{
    char *argv[] = {(char *)"t", (char *)"--requires", (char *)text, NULL};

    return cli_main(&cmd, "t", 3, argv);
}

static void expect(const char *text, const char *want)
{
    ck_assert_msg(requires(text) == 0, "%s", text);
    expect_json(text, json_copy(json_get_path(built, "attributes.system.constraints")),
                want);
    json_free(built);
}

#define P(x) "{'properties':['" x "']}"

START_TEST(terms)
{
    expect("foo", P("foo"));
    expect("properties:foo", P("foo"));
    expect("foo,bar", "{'properties':['foo','bar']}");
    expect("^foo", P("^foo"));
    expect("host:a", "{'hostlist':['a']}");
    expect("hosts:a,b[1-3,7]", "{'hostlist':['a,b[1-3,7]']}");
    expect("hostlist:h-1", "{'hostlist':['h-1']}");
    expect("ranks:0-3,8", "{'ranks':['0-3,8']}");
    expect("rank:5", "{'ranks':['5']}");
    expect("  foo  ", P("foo"));
}
END_TEST

START_TEST(and_in_all_its_spellings)
{
    static const char *const texts[] = {"a&b", "a & b",  "a&&b",    "a and b",
                                        "a b", "(a)(b)", "a and(b)"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        expect(texts[i], "{'and':[" P("a") "," P("b") "]}");
}
END_TEST

START_TEST(or_in_all_its_spellings)
{
    static const char *const texts[] = {"a|b",    "a | b",    "a||b",
                                        "a or b", "(a)or(b)", "a or(b)"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        expect(texts[i], "{'or':[" P("a") "," P("b") "]}");
}
END_TEST

START_TEST(not_in_all_its_spellings)
{
    static const char *const texts[] = {"not a",   "-a",   "- a",
                                        "not (a)", "-(a)", "not(a)"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        expect(texts[i], "{'not':[" P("a") "]}");
    expect("-host:a", "{'not':[{'hostlist':['a']}]}");
}
END_TEST

START_TEST(and_binds_more_tightly_than_or)
{
    expect("a|b&c", "{'or':[" P("a") ",{'and':[" P("b") "," P("c") "]}]}");
    expect("a&b|c", "{'or':[{'and':[" P("a") "," P("b") "]}," P("c") "]}");
    expect("(a|b)&c", "{'and':[{'or':[" P("a") "," P("b") "]}," P("c") "]}");
    expect("not a & b", "{'and':[{'not':[" P("a") "]}," P("b") "]}");
    expect("not (a & b)", "{'not':[{'and':[" P("a") "," P("b") "]}]}");
}
END_TEST

START_TEST(words_that_only_begin_like_operators_are_values)
{
    expect("order", P("order"));
    expect("android", P("android"));
    expect("nothing", P("nothing"));
    expect("a orange", "{'and':[" P("a") "," P("orange") "]}");
}
END_TEST

START_TEST(what_is_malformed_is_refused)
{
    static const char *const bad[] = {
        "",   " ",   "(", ")",    "()",    "(a",    "a)", "a|",    "|a",   "a&",
        "&a", "not", "-", "a or", "foo:x", "host:", ":x", "a and", "(a))", "a||&b"};
    char deep[4096];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(requires(bad[i]) == 1, "'%s'", bad[i]);
    memset(deep, '(', sizeof(deep));
    deep[sizeof(deep) - 1] = '\0';
    ck_assert_int_eq(requires(deep), 1);
}
END_TEST

SUITE_MAIN("requires", terms, and_in_all_its_spellings, or_in_all_its_spellings,
           not_in_all_its_spellings, and_binds_more_tightly_than_or,
           words_that_only_begin_like_operators_are_values, what_is_malformed_is_refused)

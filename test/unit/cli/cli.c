#include <errno.h>
#include <stdio.h>

#include "suite.h"

static const struct cli_option options[] = {
    {"alpha", 'a', CLI_NONE, NULL, "A switch"},
    {"beta", 'b', CLI_REQUIRED, "N", "Wants a value"},
    {"gamma", 'g', CLI_OPTIONAL, "N", "May have one"},
    {0},
};
static const struct cli_option more_options[] = {
    {"delta", 0, CLI_REQUIRED, "FSD", "In a second table"},
    {0},
};

/* What the last run saw. */
static char seen[512];

static void note(const char *fmt, const char *a, const char *b)
{
    size_t n = strlen(seen);

    snprintf(seen + n, sizeof(seen) - n, fmt, a, b);
}

static int show(struct cli *c)
{
    const char *name, *value;

    seen[0] = '\0';
    for (size_t it = 0; cli_each_option(c, &it, &name, &value);)
        note("%s=%s ", name, value ? value : "-");
    for (int i = 0; i < cli_argc(c); i++)
        note("[%s%s]", cli_arg(c, i), "");
    ck_assert_ptr_null(cli_arg(c, cli_argc(c)));
    ck_assert_ptr_null(cli_argv(c)[cli_argc(c)]);
    return 42;
}

#define TABLES                                                                           \
    .options = (const struct cli_option *const[])                                        \
    {                                                                                    \
        options, more_options, NULL                                                      \
    }
static const struct cli_command command = {
    .name = "test", .help = "Try", TABLES, .run = show};
static const struct cli_command raw = {
    .name = "raw", .help = "Try", TABLES, .run = show, .raw = true};
static const struct cli_command parent = {
    .name = "parent",
    .help = "Try",
    .sub = (const struct cli_command *const[]){&command, &raw, NULL}};

static void expect(const char *line, const char *want)
{
    seen[0] = '\0';
    ck_assert_msg(run_line(&command, line) == 42, "%s", line);
    ck_assert_str_eq(seen, want);
}

START_TEST(options_in_all_their_forms)
{
    expect("", "");
    expect("x y", "[x][y]");
    expect("-a", "alpha=- ");
    expect("--alpha x", "alpha=- [x]");
    expect("-b 5 x", "beta=5 [x]");
    expect("-b5 x", "beta=5 [x]");
    expect("-ab5", "alpha=- beta=5 ");
    expect("-aab 5", "alpha=- alpha=- beta=5 ");
    expect("--beta=5", "beta=5 ");
    expect("--beta 5", "beta=5 ");
    expect("--beta=", "beta= ");
    expect("--beta --alpha", "beta=--alpha ");
    expect("-g 5", "gamma=- [5]"); /* an optional value is joined to its option */
    expect("-g5", "gamma=5 ");
    expect("--gamma=5", "gamma=5 ");
    expect("--gamma 5", "gamma=- [5]");
    expect("--delta=1s -a", "delta=1s alpha=- ");
}
END_TEST

START_TEST(the_first_other_word_ends_the_options)
{
    expect("x -a", "[x][-a]");
    expect("-- -a", "[-a]");
    expect("-a -- --", "alpha=- [--]");
    expect("- -a", "[-][-a]");
}
END_TEST

START_TEST(bad_options_end_with_1)
{
    static const char *const bad[] = {"-x",     "--alph", "--alphabet", "--alpha=1", "-b",
                                      "--beta", "-ax",    "--=5",       "--nosuch=1"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        strcpy(seen, "untouched");
        ck_assert_int_eq(run_line(&command, bad[i]), CLI_EXIT_USAGE);
        ck_assert_str_eq(seen, "untouched");
    }
}
END_TEST

START_TEST(help_runs_nothing)
{
    strcpy(seen, "untouched");
    ck_assert_int_eq(run_line(&command, "--help"), 0);
    ck_assert_int_eq(run_line(&command, "-h x"), 0);
    ck_assert_int_eq(run_line(&raw, "--help"), 0);
    ck_assert_str_eq(seen, "untouched");
}
END_TEST

START_TEST(a_raw_command_gets_its_words_as_they_are)
{
    ck_assert_int_eq(run_line(&raw, "-x --nosuch -- y"), 42);
    ck_assert_str_eq(seen, "[-x][--nosuch][--][y]");
}
END_TEST

START_TEST(subcommands)
{
    ck_assert_int_eq(run_line(&parent, "test -a x"), 42);
    ck_assert_str_eq(seen, "alpha=- [x]");
    ck_assert_int_eq(run_line(&parent, ""), 1);
    ck_assert_int_eq(run_line(&parent, "nosuch"), 1);
    ck_assert_int_eq(run_line(&parent, "tes"), 1);
}
END_TEST

static int look(struct cli *c)
{
    size_t it = 0;

    ck_assert_int_eq(cli_count(c, "beta"), 3);
    ck_assert_int_eq(cli_count(c, "delta"), 0);
    ck_assert_str_eq(cli_str(c, "beta", "x"), "3"); /* the last one counts */
    ck_assert_str_eq(cli_str(c, "delta", "x"), "x");
    ck_assert_str_eq(cli_str(c, "gamma", "x"), "x");
    ck_assert_str_eq(cli_each(c, "beta", &it), "1");
    ck_assert_str_eq(cli_each(c, "beta", &it), "2");
    ck_assert_str_eq(cli_each(c, "beta", &it), "3");
    ck_assert_ptr_null(cli_each(c, "beta", &it));
    it = 0;
    ck_assert_str_eq(cli_each(c, "gamma", &it), "");
    return 0;
}

static const struct cli_command look_command = {
    .name = "look", .help = "Try", TABLES, .run = look};

START_TEST(values_by_name)
{
    ck_assert_int_eq(run_line(&look_command, "-b1 -g -b 2 --beta=3"), 0);
}
END_TEST

static bool int_ok, fsd_ok;
static long int_value;
static double fsd_value;

static int numbers(struct cli *c)
{
    int_value = -77;
    fsd_value = -77;
    int_ok = cli_int(c, "beta", -5, 100, &int_value);
    fsd_ok = cli_duration(c, "delta", &fsd_value);
    return 0;
}

static const struct cli_command number_command = {
    .name = "n", .help = "Try", TABLES, .run = numbers};

START_TEST(integers_in_a_range)
{
    static const char *const bad[] = {
        "-b101", "-b-6",  "-bx",    "-b5x", "-b99999999999999999999",
        "-b1.5", "-b1e1", "--beta="};

    run_line(&number_command, "");
    ck_assert(int_ok && fsd_ok);
    ck_assert_int_eq(int_value, -77); /* left alone */
    run_line(&number_command, "-b100");
    ck_assert(int_ok && int_value == 100);
    run_line(&number_command, "-b -5");
    ck_assert(int_ok && int_value == -5);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        run_line(&number_command, bad[i]);
        ck_assert_msg(!int_ok, "%s", bad[i]);
        ck_assert_int_eq(int_value, -77);
    }
}
END_TEST

START_TEST(durations)
{
    run_line(&number_command, "--delta=1.5m");
    ck_assert(fsd_ok && fsd_value == 90);
    run_line(&number_command, "--delta=soon");
    ck_assert(!fsd_ok && fsd_value == -77);
}
END_TEST

START_TEST(control_characters_do_not_reach_the_terminal)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    cli_print_safe(f, "a\x1b]0;x\x07 \xc6\x92\x7f\n");
    fclose(f);
    ck_assert_str_eq(text, "a\\x1b]0;x\\x07 \xc6\x92\\x7f\\x0a");
    free(text);
}
END_TEST

START_TEST(all_of_a_stream_is_read)
{
    FILE *f = tmpfile();
    size_t len = 1;
    char *text;

    ck_assert_ptr_nonnull(f);
    ck_assert_ptr_nonnull(text = cli_read_all(f, &len));
    ck_assert_uint_eq(len, 0);
    ck_assert_str_eq(text, "");
    free(text);
    for (int i = 0; i < 100000; i++)
        fputc(i % 256, f);
    rewind(f);
    ck_assert_ptr_nonnull(text = cli_read_all(f, &len));
    ck_assert_uint_eq(len, 100000);
    for (int i = 0; i < 100000; i++)
        ck_assert_int_eq((unsigned char)text[i], i % 256);
    ck_assert_int_eq(text[len], 0);
    free(text);
    fclose(f);
}
END_TEST

START_TEST(what_cannot_be_read_is_an_error)
{
    FILE *f = fopen("/", "re");

    ck_assert_ptr_nonnull(f);
    errno = 0;
    ck_assert_ptr_null(cli_read_all(f, NULL));
    ck_assert_int_eq(errno, EISDIR);
    fclose(f);
}
END_TEST

SUITE_MAIN("cli", options_in_all_their_forms, the_first_other_word_ends_the_options,
           bad_options_end_with_1, help_runs_nothing,
           a_raw_command_gets_its_words_as_they_are, subcommands, values_by_name,
           integers_in_a_range, durations, control_characters_do_not_reach_the_terminal,
           all_of_a_stream_is_read, what_cannot_be_read_is_an_error)

/* Option parsing and messages of the commands; see cli.h. */

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsd.h"
#include "cli/cli.h"

struct given {
    const struct cli_option *option;
    const char *value; /* NULL: none */
};

struct cli {
    const struct cli_command *cmd;
    char prog[128];
    struct given *given;
    size_t ngiven;
    int argc;
    char **argv;
};

static const struct cli_option help_options[] = {
    {"help", 'h', CLI_NONE, NULL, "Show this help"},
    {0},
};

static bool matches(const struct cli_option *o, const char *name, size_t len, char key)
{
    if (name)
        return strlen(o->name) == len && !strncmp(o->name, name, len);
    return o->key == key;
}

/* Look an option up by long name, or by short key when name is NULL. */
static const struct cli_option *find_option(const struct cli *c, const char *name,
                                            size_t len, char key)
{
    const struct cli_option *const *tables = c->cmd->options;

    for (; tables && *tables; tables++) {
        for (const struct cli_option *o = *tables; o->name; o++) {
            if (matches(o, name, len, key))
                return o;
        }
    }
    return matches(help_options, name, len, key) ? help_options : NULL;
}

static int vcomplain(const struct cli *c, const char *fmt, va_list ap)
{
    fprintf(stderr, "%s: ", c->prog);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    return 1;
}

int cli_fail(const struct cli *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vcomplain(c, fmt, ap);
    va_end(ap);
    return 1;
}

int cli_usage(const struct cli *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vcomplain(c, fmt, ap);
    va_end(ap);
    fprintf(stderr, "Try `%s --help' for more information.\n", c->prog);
    return CLI_EXIT_USAGE;
}

static int keep(struct cli *c, const struct cli_option *o, const char *value)
{
    if (c->ngiven % 16 == 0) {
        struct given *p = realloc(c->given, (c->ngiven + 16) * sizeof(*p));
        if (!p)
            return cli_fail(c, "out of memory");
        c->given = p;
    }
    c->given[c->ngiven++] = (struct given){o, value};
    return 0;
}

static int parse_long(struct cli *c, char **argv, int argc, int *i)
{
    const char *arg = argv[*i] + 2;
    const char *eq = strchr(arg, '=');
    size_t len = eq ? (size_t)(eq - arg) : strlen(arg);
    const struct cli_option *o = find_option(c, arg, len, 0);

    if (!o)
        return cli_usage(c, "unrecognized option '--%.*s'", (int)len, arg);
    if (o->arg == CLI_NONE && eq)
        return cli_usage(c, "option '--%s' doesn't allow an argument", o->name);
    if (o->arg == CLI_REQUIRED && !eq) {
        if (*i + 1 >= argc)
            return cli_usage(c, "option '--%s' requires an argument", o->name);
        return keep(c, o, argv[++*i]);
    }
    return keep(c, o, eq ? eq + 1 : NULL);
}

static int parse_short(struct cli *c, char **argv, int argc, int *i)
{
    for (const char *p = argv[*i] + 1; *p; p++) {
        const struct cli_option *o = find_option(c, NULL, 0, *p);

        if (!o)
            return cli_usage(c, "invalid option -- '%c'", *p);
        if (o->arg == CLI_NONE) {
            if (keep(c, o, NULL))
                return 1;
            continue;
        }
        if (p[1])
            return keep(c, o, p + 1);
        if (o->arg == CLI_OPTIONAL)
            return keep(c, o, NULL);
        if (*i + 1 >= argc)
            return cli_usage(c, "option requires an argument -- '%c'", *p);
        return keep(c, o, argv[++*i]);
    }
    return 0;
}

static int parse(struct cli *c, int argc, char **argv)
{
    int i;

    for (i = 1; i < argc; i++) {
        const char *a = argv[i];
        int rc;

        if (c->cmd->raw && strcmp(a, "--help"))
            break;
        if (a[0] != '-' || !a[1])
            break;
        if (!strcmp(a, "--")) {
            i++;
            break;
        }
        rc = a[1] == '-' ? parse_long(c, argv, argc, &i) : parse_short(c, argv, argc, &i);
        if (rc)
            return rc;
    }
    c->argc = argc - i;
    c->argv = argv + i;
    return 0;
}

static int run_sub(struct cli *c)
{
    for (const struct cli_command *const *s = c->cmd->sub; *s; s++) {
        if (!strcmp((*s)->name, c->argv[0]))
            return cli_main(*s, c->prog, c->argc, c->argv);
    }
    return cli_usage(c, "unknown subcommand '%s'", c->argv[0]);
}

int cli_main(const struct cli_command *cmd, const char *prog, int argc, char **argv)
{
    struct cli c = {.cmd = cmd};
    int rc;

    snprintf(c.prog, sizeof(c.prog), "%s", prog);
    rc = parse(&c, argc, argv);
    if (rc == 0) {
        if (cli_count(&c, "help"))
            cli_help(&c, stdout);
        else if (cmd->sub && c.argc > 0)
            rc = run_sub(&c);
        else if (cmd->run)
            rc = cmd->run(&c);
        else
            rc = cli_usage(&c, "missing subcommand");
    }
    free(c.given);
    return rc;
}

struct cli *cli_parse(const struct cli_command *cmd, const char *prog, int argc,
                      char **argv)
{
    struct cli *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->cmd = cmd;
    snprintf(c->prog, sizeof(c->prog), "%s", prog);
    if (parse(c, argc, argv) != 0) {
        cli_free(c);
        return NULL;
    }
    return c;
}

void cli_free(struct cli *c)
{
    if (!c)
        return;
    free(c->given);
    free(c);
}

int cli_argc(const struct cli *c)
{
    return c->argc;
}

char **cli_argv(const struct cli *c)
{
    return c->argv;
}

const char *cli_arg(const struct cli *c, int i)
{
    return i < c->argc ? c->argv[i] : NULL;
}

const char *cli_prog(const struct cli *c)
{
    return c->prog;
}

int cli_count(const struct cli *c, const char *name)
{
    int n = 0;

    for (size_t i = 0; i < c->ngiven; i++)
        n += !strcmp(c->given[i].option->name, name);
    return n;
}

const char *cli_str(const struct cli *c, const char *name, const char *dflt)
{
    for (size_t i = c->ngiven; i-- > 0;) {
        if (!strcmp(c->given[i].option->name, name))
            return c->given[i].value ? c->given[i].value : dflt;
    }
    return dflt;
}

const char *cli_each(const struct cli *c, const char *name, size_t *it)
{
    while (*it < c->ngiven) {
        const struct given *g = &c->given[(*it)++];

        if (!strcmp(g->option->name, name))
            return g->value ? g->value : "";
    }
    return NULL;
}

bool cli_each_option(const struct cli *c, size_t *it, const char **name,
                     const char **value)
{
    if (*it >= c->ngiven)
        return false;
    *name = c->given[*it].option->name;
    *value = c->given[*it].value;
    (*it)++;
    return true;
}

bool cli_int(struct cli *c, const char *name, long min, long max, long *ret)
{
    const char *s = cli_str(c, name, NULL);
    char *end;
    long v;

    if (!s)
        return true;
    errno = 0;
    v = strtol(s, &end, 10);
    if (end == s || *end || errno || v < min || v > max) {
        if (max == (long)(~0UL >> 1))
            cli_usage(c, "--%s: '%s' is not an integer of %ld or more", name, s, min);
        else
            cli_usage(c, "--%s: '%s' is not an integer from %ld to %ld", name, s, min,
                      max);
        return false;
    }
    *ret = v;
    return true;
}

bool cli_duration(struct cli *c, const char *name, double *ret)
{
    const char *s = cli_str(c, name, NULL);

    if (!s)
        return true;
    if (fsd_parse(s, ret) < 0) {
        cli_usage(c, "--%s: '%s' is not a duration (such as 30s, 5m, 2h, 1d, inf)", name,
                  s);
        return false;
    }
    return true;
}

static void help_option(const struct cli_option *o, FILE *out)
{
    char left[80];
    const char *open = o->arg == CLI_OPTIONAL ? "[=" : "=";
    const char *close = o->arg == CLI_OPTIONAL ? "]" : "";
    const char *arg = o->argname ? o->argname : "ARG";

    if (o->arg == CLI_NONE)
        open = arg = close = "";
    snprintf(left, sizeof(left), "%c%c%c --%s%s%s%s", o->key ? '-' : ' ',
             o->key ? o->key : ' ', o->key ? ',' : ' ', o->name, open, arg, close);
    if (strlen(left) > 28)
        fprintf(out, "  %s\n  %-28s  %s\n", left, "", o->help);
    else
        fprintf(out, "  %-28s  %s\n", left, o->help);
}

void cli_help(const struct cli *c, FILE *out)
{
    const struct cli_option *const *tables = c->cmd->options;

    const char *args = c->cmd->args;

    if (!args)
        args = c->cmd->sub ? "COMMAND ARGS" : "";
    fprintf(out, "Usage: %s [OPTIONS] %s\n", c->prog, args);
    fprintf(out, "%s\n", c->cmd->help);
    if (c->cmd->sub) {
        fprintf(out, "\nCommands:\n");
        for (const struct cli_command *const *s = c->cmd->sub; *s; s++)
            fprintf(out, "  %-14s %s\n", (*s)->name, (*s)->help);
    }
    fprintf(out, "\nOptions:\n");
    for (; tables && *tables; tables++) {
        for (const struct cli_option *o = *tables; o->name; o++)
            help_option(o, out);
    }
    help_option(help_options, out);
}

void cli_print_safe(FILE *out, const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p < 0x20 || *p == 0x7f)
            fprintf(out, "\\x%02x", *p);
        else
            fputc(*p, out);
    }
}

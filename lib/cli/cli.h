/* What all commands share: the command table, option parsing, messages.
 *
 * A command is one const struct cli_command; `flux NAME` and `flux-NAME` find it
 * in the table of cmd/flux.c. Options are parsed in POSIX order (the first
 * non-option ends them), long options may not be abbreviated.
 */
#ifndef FLUX_CLI_CLI_H
#define FLUX_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <flux/future.h>

enum cli_arg { CLI_NONE, CLI_REQUIRED, CLI_OPTIONAL };

struct cli_option {
    const char *name; /* long name, without dashes */
    char key;         /* short name, or 0 */
    enum cli_arg arg;
    const char *argname; /* as shown in the help: "N", "FILE" */
    const char *help;
};

struct cli;

struct cli_command {
    const char *name;
    const char *args; /* after the options in the usage line */
    const char *help; /* one line */
    /* NULL-terminated list of option tables, each ended by a {0}. May be NULL. */
    const struct cli_option *const *options;
    /* Returns the exit code. */
    int (*run)(struct cli *c);
    /* NULL-terminated; a command with subcommands needs no run of its own. */
    const struct cli_command *const *sub;
    /* Arguments are another program's: they are not parsed, but for a first --help. */
    bool raw;
};

enum {
    CLI_EXIT_USAGE = 1, /* bad options */
};

/* Parse argv (argv[0] is skipped) by cmd's tables and run it, or its subcommand. Handles
 * --help. `prog` names the program in messages ("flux-submit"). Returns the exit code. */
int cli_main(const struct cli_command *cmd, const char *prog, int argc, char **argv);

/* Only parse, as for a line of a file that holds options: free with cli_free(). NULL after a
 * message. argv must live as long; --help is an option like any other. */
struct cli *cli_parse(const struct cli_command *cmd, const char *prog, int argc,
                      char **argv);
void cli_free(struct cli *c); /* accepts NULL */

/* In run(): free arguments, and options by long name. Strings are borrowed. */
int cli_argc(const struct cli *c);
char **cli_argv(const struct cli *c);            /* NULL-terminated */
const char *cli_arg(const struct cli *c, int i); /* NULL past the end */
const char *cli_prog(const struct cli *c);
int cli_count(const struct cli *c, const char *name); /* how often it was given */
/* Last value; dflt when the option was not given, or given without its optional value. */
const char *cli_str(const struct cli *c, const char *name, const char *dflt);
/* Every value in the order given: for (size_t it = 0; (v = cli_each (c, "env", &it));).
 * An option given without its optional value yields "". */
const char *cli_each(const struct cli *c, const char *name, size_t *it);
/* All options in the order given, for those whose order across names matters. */
bool cli_each_option(const struct cli *c, size_t *it, const char **name,
                     const char **value);
/* Integer in [min, max] or duration in seconds; on bad input an error is printed and
 * false returned. *ret is left alone when the option was not given. */
bool cli_int(struct cli *c, const char *name, long min, long max, long *ret);
bool cli_duration(struct cli *c, const char *name, double *ret);

/* Print "PROG: text" on stderr; return 1, for `return cli_fail (c, ...)`. */
int cli_fail(const struct cli *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The same with the usage hint. Returns CLI_EXIT_USAGE. */
int cli_usage(const struct cli *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The help text. */
void cli_help(const struct cli *c, FILE *out);

/* Open the instance (FLUX_URI, or the enclosing one); NULL after printing why not and
 * the way out. */
flux_t *cli_open(const struct cli *c);
/* Open it, run fn, close it: fn's exit code, or 1. */
int cli_with_handle(struct cli *c, int (*fn)(struct cli *c, flux_t *h));
/* Why an answer failed or cannot be read, or was not to be had at all (NULL): its own text,
 * or else errno's, so ask at once. */
const char *cli_why(flux_future_t *f);
/* Wait for an answer that says no more than that it is done, and destroy it: 0, or 1 after
 * printing "WHAT: why". NULL: it was not to be had, errno. */
int cli_finish(const struct cli *c, const char *what, flux_future_t *f);

struct idset;
/* The broker ranks that an option names: "all" or a set; dflt when it was not given. Less
 * those of the option `except` (NULL: there is none). Yours; NULL after a message, also
 * when none are left. */
struct idset *cli_ranks(struct cli *c, flux_t *h, const char *name, const char *dflt,
                        const char *except);
/* A user's name or number, or `all' (FLUX_USERID_UNKNOWN), from an option; *ret is left alone when it
 * was not given. False after a message. */
bool cli_user(struct cli *c, const char *name, uint32_t *ret);
/* A signal's number, from TERM, SIGTERM or 15; -1 if there is none. */
int cli_signal(const char *text);
/* All that is left of a stream, with a NUL behind it: yours to free(); len may be NULL.
 * NULL, errno. */
char *cli_read_all(FILE *f, size_t *len);
/* Copy a text to out with control characters escaped, so that a job's name or note
 * cannot drive the terminal. */
void cli_print_safe(FILE *out, const char *text);

#endif

/* flux env, flux python - run a program as commands of this Flux see the world. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <flux/core.h>

#include "cmds.h"

extern char **environ;

static int exec_program(struct cli *c, char **argv)
{
    execvp(argv[0], argv);
    cli_fail(c, "%s: %s", argv[0], strerror(errno));
    return errno == ENOENT ? 127 : 126;
}

static int run_env(struct cli *c)
{
    if (cli_argc(c) > 0)
        return exec_program(c, cli_argv(c));
    for (char **e = environ; *e; e++)
        printf("%s\n", *e);
    return 0;
}

const struct cli_command cmd_env = {
    .name = "env",
    .args = "[PROGRAM [ARGS]]",
    .help = "Print the environment of Flux commands, or run a program in it",
    .run = run_env,
};

/* The bindings of this installation come first. */
static int add_python_path(void)
{
    const char *ours = flux_conf_builtin_get("python_path", FLUX_CONF_AUTO);
    const char *old = getenv("PYTHONPATH");
    char *path;
    int rc;

    if (!ours || asprintf(&path, "%s%s%s", ours, old ? ":" : "", old ? old : "") < 0)
        return -1;
    rc = setenv("PYTHONPATH", path, 1);
    free(path);
    return rc;
}

/* The interpreter that the bindings were made for, if it is still there. */
static const char *python_program(void)
{
    const char *program = flux_conf_builtin_get("python", FLUX_CONF_AUTO);

    return program && access(program, X_OK) == 0 ? program : "python3";
}

static int run_python(struct cli *c)
{
    char **argv = calloc(cli_argc(c) + 2, sizeof(char *));

    if (!argv || add_python_path() < 0)
        return cli_fail(c, "out of memory");
    argv[0] = (char *)python_program();
    memcpy(argv + 1, cli_argv(c), cli_argc(c) * sizeof(char *));
    return exec_program(c, argv);
}

const struct cli_command cmd_python = {
    .name = "python",
    .args = "[PYTHON-OPTIONS] [FILE [ARGS]]",
    .help = "Run python3 with this Flux's modules in its path",
    .run = run_python,
    .raw = true,
};

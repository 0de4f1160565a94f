/* flux proxy - a program of its own (flux-proxy.c), as it holds a part of a broker. */

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmds.h"

static int run_proxy(struct cli *c)
{
    char path[PATH_MAX + 16];
    char **argv = calloc((size_t)cli_argc(c) + 2, sizeof(*argv));

    if (!argv)
        return cli_fail(c, "out of memory");
    snprintf(path, sizeof(path), "%s/flux-proxy", cmd_bindir());
    argv[0] = path;
    for (int i = 0; i < cli_argc(c); i++)
        argv[i + 1] = cli_argv(c)[i];
    execv(path, argv);
    free(argv);
    return cli_fail(c, "%s: %s", path, strerror(errno));
}

const struct cli_command cmd_proxy = {
    .name = "proxy",
    .args = "[OPTIONS] TARGET [PROGRAM [ARGS]]",
    .help = "Run a program with an instance elsewhere; `flux-proxy --help' lists options",
    .run = run_proxy,
    .raw = true,
};

/* flux proxy - a program of its own (flux-proxy.c), as it holds a part of a broker. */

#include "cmds.h"

static int run_proxy(struct cli *c)
{
    return cmd_become(c, "flux-proxy");
}

const struct cli_command cmd_proxy = {
    .name = "proxy",
    .args = "[OPTIONS] TARGET [PROGRAM [ARGS]]",
    .help = "Run a program with an instance elsewhere; `flux-proxy --help' lists options",
    .run = run_proxy,
    .raw = true,
};

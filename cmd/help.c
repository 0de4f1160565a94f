/* flux help - the list of commands, or the manual page of one. */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmds.h"

static int show_page(struct cli *c, const char *name)
{
    char page[64];

    snprintf(page, sizeof(page), "flux-%s", name);
    execlp("man", "man", page, (char *)NULL);
    for (const struct cli_command *const *k = cmd_table; *k; k++) {
        if (!strcmp((*k)->name, name))
            return cli_main(*k, page, 2, (char *[]){page, "--help", NULL});
    }
    return cli_fail(c, "no such command '%s'", name);
}

static int run_help(struct cli *c)
{
    const char *name = cli_argc(c) ? cli_arg(c, 0) : NULL;

    if (name)
        return show_page(c, name);
    printf("Usage: flux [OPTIONS] COMMAND [ARGS]\n\nCommands:\n");
    for (const struct cli_command *const *k = cmd_table; *k; k++)
        printf("  %-10s %s\n", (*k)->name, (*k)->help);
    printf("\nSee `flux COMMAND --help' or `flux help COMMAND' for more.\n");
    return 0;
}

const struct cli_command cmd_help = {
    .name = "help",
    .args = "[COMMAND]",
    .help = "List the commands, or show the manual page of one",
    .run = run_help,
};

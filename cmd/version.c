/* flux version - versions of commands, library and broker. */

#include <stdlib.h>

#include <flux/core.h>

#include "cmds.h"

static int run_version(struct cli *c)
{
    const char *uri = getenv("FLUX_URI");
    flux_t *h = uri ? flux_open(uri, 0) : NULL;
    const char *broker = h ? flux_attr_get(h, "version") : NULL;

    printf("commands:    \t\t%s\n", FLUX_CORE_VERSION_STRING);
    printf("libflux-core:\t\t%s\n", flux_core_version_string());
    if (broker)
        printf("broker:  \t\t%s\n", broker);
    if (uri)
        printf("FLUX_URI:\t\t%s\n", uri);
    flux_close(h);
    return 0;
}

const struct cli_command cmd_version = {
    .name = "version",
    .args = "",
    .help = "Print the versions of commands, library and broker",
    .run = run_version,
};

/* Opening the instance and hearing its answers, with errors that say what to do. */

#include <errno.h>
#include <string.h>

#include <flux/core.h>
#include "cli/cli.h"

flux_t *cli_open(const struct cli *c)
{
    flux_error_t error;
    flux_t *h = flux_open_ex(NULL, 0, &error);

    if (!h)
        cli_fail(c,
                 "%s\nNo Flux instance can be reached here. Start one with `flux "
                 "start', or set FLUX_URI to that of a running one.",
                 error.text);
    return h;
}

int cli_with_handle(struct cli *c, int (*fn)(struct cli *c, flux_t *h))
{
    flux_t *h = cli_open(c);
    int rc;

    if (!h)
        return 1;
    rc = fn(c, h);
    flux_close(h);
    return rc;
}

const char *cli_why(flux_future_t *f)
{
    const char *text = flux_future_error_string(f);

    return text ? text : strerror(errno);
}

int cli_finish(const struct cli *c, const char *what, flux_future_t *f)
{
    int rc =
        f && flux_future_get(f, NULL) == 0 ? 0 : cli_fail(c, "%s: %s", what, cli_why(f));

    flux_future_destroy(f);
    return rc;
}

/* Sets of broker ranks as options give them. */

#include <errno.h>
#include <string.h>

#include <flux/core.h>
#include <flux/idset.h>

#include "cli/cli.h"

/* Decode "all" or "0-3". NULL after a message. */
static struct idset *decode(struct cli *c, const char *name, const char *text,
                            uint32_t size)
{
    struct idset *ids;

    if (!strcmp(text, "all")) {
        ids = idset_create(size, 0);
        if (ids && idset_range_set(ids, 0, size - 1) == 0)
            return ids;
        idset_destroy(ids);
        cli_fail(c, "out of memory");
        return NULL;
    }
    if (!(ids = idset_decode(text)))
        cli_usage(c, "--%s: '%s' is not a set of ranks", name, text);
    return ids;
}

struct idset *cli_ranks(struct cli *c, flux_t *h, const char *name, const char *dflt,
                        const char *except)
{
    const char *less = except ? cli_str(c, except, NULL) : NULL;
    struct idset *ids, *out = NULL;
    uint32_t size;

    if (flux_get_size(h, &size) < 0) {
        cli_fail(c, "attribute size: %s", strerror(errno));
        return NULL;
    }
    ids = decode(c, name, cli_str(c, name, dflt), size);
    if (ids && less && (out = decode(c, except, less, size)))
        idset_subtract(ids, out);
    if (ids && less && !out) {
        idset_destroy(ids);
        return NULL;
    }
    idset_destroy(out);
    if (ids && idset_count(ids) == 0) {
        cli_usage(c, "no ranks are left");
        idset_destroy(ids);
        ids = NULL;
    }
    return ids;
}

/* flux gc - delete what no key leads to any more. */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <flux/core.h>

#include "cli/cli.h"
#include "cmds.h"

static const struct cli_option gc_options[] = {
    {"dry-run", 'n', CLI_NONE, NULL, "Only say what would be deleted"},
    {"quiet", 'q', CLI_NONE, NULL, "Say nothing"},
    {0},
};

/* Three digits: 812 B, 1.25 MiB. */
static const char *size_text(int64_t bytes, char *buf, size_t size)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double n = (double)bytes;
    unsigned i = 0;

    for (; n >= 1024. && i < 4; i++)
        n /= 1024.;
    snprintf(buf, size, "%.*f %s",
             i == 0 || n >= 100. ? 0
             : n >= 10.          ? 1
                                 : 2,
             n, units[i]);
    return buf;
}

static int print_result(struct cli *c, flux_future_t *f)
{
    int64_t blobs, bytes, live, before, after;
    char text[3][32];

    if (flux_rpc_get_unpack(f, "{s:I s:I s:I s:I s:I}", "blobs", &blobs, "bytes", &bytes,
                            "live", &live, "file-before", &before, "file-after",
                            &after) < 0)
        return cli_fail(c, "%s", cli_why(f));
    if (cli_count(c, "quiet"))
        return 0;
    printf("%s %" PRId64 " of %" PRId64 " objects, %s",
           cli_count(c, "dry-run") ? "would delete" : "deleted", blobs, blobs + live,
           size_text(bytes, text[0], sizeof(text[0])));
    if (!cli_count(c, "dry-run"))
        printf("; the file had %s, has %s", size_text(before, text[1], sizeof(text[1])),
               size_text(after, text[2], sizeof(text[2])));
    printf("\n");
    return 0;
}

static int run_gc(struct cli *c)
{
    flux_future_t *f;
    flux_t *h;
    int rc;

    if (cli_argc(c) > 0)
        return cli_usage(c, "'%s': gc takes no arguments", cli_arg(c, 0));
    if (!(h = cli_open(c)))
        return 1;
    f = flux_rpc_pack(h, "kvs.gc", 0, 0, "{s:b}", "dry-run", cli_count(c, "dry-run") > 0);
    rc = f ? print_result(c, f) : cli_fail(c, "kvs.gc: %s", strerror(errno));
    flux_future_destroy(f);
    flux_close(h);
    return rc;
}

const struct cli_command cmd_gc = {
    .name = "gc",
    .args = "",
    .help = "Delete what no key of the key-value store leads to any more",
    .options = (const struct cli_option *const[]){gc_options, NULL},
    .run = run_gc,
};

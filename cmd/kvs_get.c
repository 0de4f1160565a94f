/* flux kvs get, readlink. */

#include <errno.h>
#include <string.h>

#include "kvs.h"

static const struct cli_option get_options[] = {
    {"raw", 'r', CLI_NONE, NULL, "Print the bytes and no newline"},
    {"treeobj", 't', CLI_NONE, NULL, "Print the RFC 11 object"},
    {"at", 'a', CLI_REQUIRED, "TREEOBJ", "Look in this snapshot"},
    {"label", 'l', CLI_NONE, NULL, "Print KEY= in front of each value"},
    {"waitcreate", 'W', CLI_NONE, NULL, "Wait for the key to exist"},
    {"watch", 'w', CLI_NONE, NULL, "Print the value again each time it is written"},
    {"count", 'c', CLI_REQUIRED, "N", "With --watch: stop after N values"},
    {"uniq", 'u', CLI_NONE, NULL, "With --watch: only values that differ"},
    {"append", 'A', CLI_NONE, NULL, "With --watch: only what is appended"},
    {"full", 'f', CLI_NONE, NULL, "With --watch: notice changes of parents, too"},
    {"stream", 'S', CLI_NONE, NULL, "Read a long value in pieces"},
    {"min-version", 0, CLI_REQUIRED, "N", "Wait for version N of the namespace"},
    {"linearizable", 0, CLI_NONE, NULL, "Nothing older than what is committed by now"},
    {0},
};

static int print_value(struct cli *c, const char *key, flux_future_t *f)
{
    bool treeobj = cli_count(c, "treeobj"), raw = cli_count(c, "raw");
    const char *text;
    const void *data;
    size_t len;

    if (treeobj && flux_kvs_lookup_get_treeobj(f, &text) == 0) {
        data = text;
        len = strlen(text);
    } else if (treeobj || flux_kvs_lookup_get_raw(f, &data, &len) < 0)
        return kvs_fail(c, key, f);
    if (cli_count(c, "label"))
        printf("%s=", key);
    if (len)
        fwrite(data, 1, len, stdout);
    if (treeobj || (len && !raw && !cli_count(c, "stream")))
        printf("\n");
    fflush(stdout); /* a watch's reader waits for it */
    return 0;
}

static int get_flags(struct cli *c)
{
    static const struct {
        const char *name;
        int flag;
    } flags[] = {
        {"treeobj", FLUX_KVS_TREEOBJ},     {"waitcreate", FLUX_KVS_WAITCREATE},
        {"watch", FLUX_KVS_WATCH},         {"uniq", FLUX_KVS_WATCH_UNIQ},
        {"append", FLUX_KVS_WATCH_APPEND}, {"full", FLUX_KVS_WATCH_FULL},
        {"stream", FLUX_KVS_STREAM},       {"linearizable", FLUX_KVS_LINEARIZABLE},
    };
    int mask = 0;

    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        mask |= cli_count(c, flags[i].name) ? flags[i].flag : 0;
    return mask;
}

/* One answer, or all of a stream (count 0: without end). */
static int print_answers(struct cli *c, const char *key, flux_future_t *f, bool many,
                         long count)
{
    int rc = 0;

    do {
        if (many && flux_future_get(f, NULL) < 0 && errno == ENODATA)
            break;
        rc = print_value(c, key, f);
        flux_future_reset(f);
    } while (rc == 0 && many && --count != 0);
    return rc;
}

/* Let the service know, and wait until it does. */
static void end_watch(flux_future_t *f)
{
    if (flux_kvs_lookup_cancel(f) < 0)
        return;
    while (flux_future_get(f, NULL) == 0)
        flux_future_reset(f);
}

static int get_one(struct cli *c, flux_t *h, const char *key)
{
    int flags = get_flags(c), rc = 0;
    long count = 0, min = -1;
    flux_future_t *f;

    if (!cli_int(c, "count", 1, INT32_MAX, &count) ||
        !cli_int(c, "min-version", 0, INT32_MAX, &min))
        return CLI_EXIT_USAGE;
    f = min >= 0 ? flux_kvs_lookup_min(h, kvs_ns(c), flags, key, (int)min)
                 : kvs_lookup_at(c, h, flags, key);
    if (!f)
        return errno == EINVAL
                   ? cli_usage(c, "%s: a bad key, or options that do not go together",
                               key)
                   : kvs_fail(c, key, NULL);
    rc = print_answers(c, key, f, flags & (FLUX_KVS_WATCH | FLUX_KVS_STREAM), count);
    if (rc == 0 && (flags & FLUX_KVS_WATCH))
        end_watch(f);
    flux_future_destroy(f);
    return rc;
}

static int get_all(struct cli *c, flux_t *h)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < cli_argc(c); i++)
        rc = get_one(c, h, cli_arg(c, i));
    return rc;
}

static int run_get(struct cli *c)
{
    if (cli_argc(c) < 1)
        return cli_usage(c, "a key is needed");
    return cli_with_handle(c, get_all);
}

static const struct cli_option readlink_options[] = {
    {"at", 'a', CLI_REQUIRED, "TREEOBJ", "Look in this snapshot"},
    {"namespace-only", 'o', CLI_NONE, NULL, "Print the target's namespace only"},
    {"key-only", 'k', CLI_NONE, NULL, "Print the target's key only"},
    {0},
};

static int readlink_one(struct cli *c, flux_t *h, const char *key)
{
    flux_future_t *f = kvs_lookup_at(c, h, FLUX_KVS_READLINK, key);
    const char *ns, *target;
    int rc = 0;

    if (!f || flux_kvs_lookup_get_symlink(f, &ns, &target) < 0)
        rc = kvs_fail(c, key, f);
    else if (cli_count(c, "namespace-only"))
        printf("%s\n", ns ? ns : "");
    else if (cli_count(c, "key-only") || !ns)
        printf("%s\n", target);
    else
        printf("%s::%s\n", ns, target);
    flux_future_destroy(f);
    return rc;
}

static int readlink_all(struct cli *c, flux_t *h)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < cli_argc(c); i++)
        rc = readlink_one(c, h, cli_arg(c, i));
    return rc;
}

static int run_readlink(struct cli *c)
{
    if (cli_argc(c) < 1)
        return cli_usage(c, "a key is needed");
    if (cli_count(c, "namespace-only") && cli_count(c, "key-only"))
        return cli_usage(c, "--namespace-only and --key-only exclude each other");
    return cli_with_handle(c, readlink_all);
}

const struct cli_command kvs_get = {
    .name = "get",
    .args = "KEY...",
    .help = "Print values",
    .options = TABLE(kvs_ns_option, get_options),
    .run = run_get,
};

const struct cli_command kvs_readlink = {
    .name = "readlink",
    .args = "KEY...",
    .help = "Print what links point to",
    .options = TABLE(kvs_ns_option, readlink_options),
    .run = run_readlink,
};

/* flux kvs put, unlink, link, mkdir, copy, move. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kvs.h"

static const struct cli_option put_options[] = {
    {"raw", 'r', CLI_NONE, NULL, "The value is bytes; - reads them from stdin"},
    {"treeobj", 't', CLI_NONE, NULL, "The value is an RFC 11 object; - reads it"},
    {"no-merge", 'n', CLI_NONE, NULL, "Make a version of its own"},
    {"append", 'A', CLI_NONE, NULL, "Put the value behind what there is"},
    {"sync", 'S', CLI_NONE, NULL, "Also write a checkpoint"},
    {"expect-version", 0, CLI_REQUIRED, "N",
     "Fail unless the keys were last changed in version N (0: do not exist)"},
    {"expect-value", 0, CLI_REQUIRED, "VALUE", "Fail unless the keys have this value"},
    {0},
};

static int put_value(struct cli *c, flux_kvs_txn_t *txn, const char *key,
                     const char *value)
{
    int flags = cli_count(c, "append") ? FLUX_KVS_APPEND : 0, rc;
    size_t len = strlen(value);
    char *data = NULL;

    if (!cli_count(c, "raw") && !cli_count(c, "treeobj"))
        return flux_kvs_txn_put(txn, flags, key, value);
    if (strcmp(value, "-") == 0 && !(value = data = cli_read_all(stdin, &len)))
        return -1;
    if (cli_count(c, "treeobj"))
        rc = flux_kvs_txn_put_treeobj(txn, flags, key, value);
    else
        rc = flux_kvs_txn_put_raw(txn, flags, key, value, len);
    free(data);
    return rc;
}

static int add_conditions(struct cli *c, flux_kvs_txn_t *txn, const char *key)
{
    const char *value = cli_str(c, "expect-value", NULL);
    long version = -1;

    if (!cli_int(c, "expect-version", 0, INT32_MAX, &version))
        return CLI_EXIT_USAGE;
    if ((version >= 0 && flux_kvs_txn_expect_version(txn, key, (int)version) < 0) ||
        (value && flux_kvs_txn_expect_value(txn, key, value, strlen(value)) < 0))
        return cli_fail(c, "%s: %s", key, strerror(errno));
    return 0;
}

static int put_one(struct cli *c, flux_kvs_txn_t *txn, const char *arg)
{
    const char *eq = strchr(arg, '=');
    char *key;
    int rc;

    if (!eq)
        return cli_usage(c, "'%s' is not KEY=VALUE", arg);
    if (!(key = strndup(arg, (size_t)(eq - arg))))
        return cli_fail(c, "out of memory");
    if ((rc = add_conditions(c, txn, key)) == 0 && put_value(c, txn, key, eq + 1) < 0)
        rc = cli_fail(c, "%s: %s", key,
                      errno == EINVAL ? "a bad key, or not an RFC 11 object"
                                      : strerror(errno));
    free(key);
    return rc;
}

static int put_all(struct cli *c, flux_t *h)
{
    flux_kvs_txn_t *txn = flux_kvs_txn_create();
    int flags = 0, rc = 0;

    for (int i = 0; rc == 0 && i < cli_argc(c); i++)
        rc = put_one(c, txn, cli_arg(c, i));
    if (rc) {
        flux_kvs_txn_destroy(txn);
        return rc;
    }
    flags |= cli_count(c, "no-merge") ? FLUX_KVS_NO_MERGE : 0;
    flags |= cli_count(c, "sync") ? FLUX_KVS_SYNC : 0;
    return kvs_commit_txn(c, h, "flux_kvs_commit", flags, txn);
}

static int run_put(struct cli *c)
{
    if (cli_argc(c) < 1)
        return cli_usage(c, "KEY=VALUE is needed");
    if (cli_count(c, "treeobj") && (cli_count(c, "raw") || cli_count(c, "append")))
        return cli_usage(c, "--treeobj goes neither with --raw nor with --append");
    return cli_with_handle(c, put_all);
}

static const struct cli_option unlink_options[] = {
    {"recursive", 'R', CLI_NONE, NULL, "Remove directories with all that is in them"},
    {"force", 'f', CLI_NONE, NULL, "Keys that do not exist are no error"},
    {0},
};

/* 1: to be removed; 0: it is not there; -1: it may not be, which was said. */
static int may_unlink(struct cli *c, flux_t *h, const char *key)
{
    flux_future_t *f = flux_kvs_lookup(h, kvs_ns(c), FLUX_KVS_TREEOBJ, key);
    const char *treeobj;
    int rc = 1;

    if (!f || flux_kvs_lookup_get_treeobj(f, &treeobj) < 0) {
        rc = errno == ENOENT && cli_count(c, "force") ? 0 : -kvs_fail(c, key, f);
    } else if (strstr(treeobj, "\"type\":\"dirref\"") && !cli_count(c, "recursive")) {
        flux_future_t *d = flux_kvs_lookup(h, kvs_ns(c), FLUX_KVS_READDIR, key);
        const flux_kvsdir_t *dir;

        if (!d || flux_kvs_lookup_get_dir(d, &dir) < 0)
            rc = -kvs_fail(c, key, d);
        else if (flux_kvsdir_get_size(dir) > 0)
            rc = -cli_fail(c, "cannot unlink '%s': Directory not empty", key);
        flux_future_destroy(d);
    }
    flux_future_destroy(f);
    return rc;
}

static int unlink_all(struct cli *c, flux_t *h)
{
    flux_kvs_txn_t *txn = flux_kvs_txn_create();
    int rc = 1;

    for (int i = 0; rc >= 0 && i < cli_argc(c); i++) {
        if ((rc = may_unlink(c, h, cli_arg(c, i))) > 0 &&
            flux_kvs_txn_unlink(txn, 0, cli_arg(c, i)) < 0)
            rc = -cli_fail(c, "%s: %s", cli_arg(c, i), strerror(errno));
    }
    if (rc < 0) {
        flux_kvs_txn_destroy(txn);
        return 1;
    }
    return kvs_commit_txn(c, h, "flux_kvs_commit", 0, txn);
}

static int run_unlink(struct cli *c)
{
    if (cli_argc(c) < 1)
        return cli_usage(c, "a key is needed");
    return cli_with_handle(c, unlink_all);
}

static const struct cli_option link_options[] = {
    {"target-namespace", 'T', CLI_REQUIRED, "NAME", "The target is in this namespace"},
    {0},
};

static int make_link(struct cli *c, flux_t *h)
{
    flux_kvs_txn_t *txn = flux_kvs_txn_create();

    if (flux_kvs_txn_symlink(txn, 0, cli_arg(c, 1), cli_str(c, "target-namespace", NULL),
                             cli_arg(c, 0)) < 0) {
        flux_kvs_txn_destroy(txn);
        return cli_fail(c, "%s: %s", cli_arg(c, 1), strerror(errno));
    }
    return kvs_commit_txn(c, h, cli_arg(c, 1), 0, txn);
}

static int run_link(struct cli *c)
{
    if (cli_argc(c) != 2)
        return cli_usage(c, "a target and a link's name are needed");
    return cli_with_handle(c, make_link);
}

static int make_dirs(struct cli *c, flux_t *h)
{
    flux_kvs_txn_t *txn = flux_kvs_txn_create();
    int rc = 0;

    for (int i = 0; rc == 0 && i < cli_argc(c); i++)
        if (flux_kvs_txn_mkdir(txn, 0, cli_arg(c, i)) < 0)
            rc = cli_fail(c, "%s: %s", cli_arg(c, i), strerror(errno));
    if (rc) {
        flux_kvs_txn_destroy(txn);
        return rc;
    }
    return kvs_commit_txn(c, h, "flux_kvs_commit", 0, txn);
}

static int run_mkdir(struct cli *c)
{
    if (cli_argc(c) < 1)
        return cli_usage(c, "a key is needed");
    return cli_with_handle(c, make_dirs);
}

static const struct cli_option copy_options[] = {
    {"src-namespace", 'S', CLI_REQUIRED, "NAME", "The source is in this namespace"},
    {"dst-namespace", 'D', CLI_REQUIRED, "NAME", "The destination is in this namespace"},
    {0},
};

typedef flux_future_t *(*copy_f)(flux_t *h, const char *srcns, const char *srckey,
                                 const char *dstns, const char *dstkey, int flags);

static int copy_or_move(struct cli *c, flux_t *h, copy_f fn)
{
    flux_future_t *f = fn(h, cli_str(c, "src-namespace", NULL), cli_arg(c, 0),
                          cli_str(c, "dst-namespace", NULL), cli_arg(c, 1), 0);
    int rc = 0;

    if (!f || flux_future_get(f, NULL) < 0)
        rc = kvs_fail(c, cli_arg(c, 0), f);
    flux_future_destroy(f);
    return rc;
}

static int copy(struct cli *c, flux_t *h)
{
    return copy_or_move(c, h, flux_kvs_copy);
}

static int move(struct cli *c, flux_t *h)
{
    return copy_or_move(c, h, flux_kvs_move);
}

static int run_copy(struct cli *c)
{
    return cli_argc(c) == 2 ? cli_with_handle(c, copy)
                            : cli_usage(c, "a source and a destination are needed");
}

static int run_move(struct cli *c)
{
    return cli_argc(c) == 2 ? cli_with_handle(c, move)
                            : cli_usage(c, "a source and a destination are needed");
}

const struct cli_command kvs_put = {
    .name = "put",
    .args = "KEY=VALUE...",
    .help = "Store values",
    .options = TABLE(kvs_ns_option, kvs_root_options, put_options),
    .run = run_put,
};

const struct cli_command kvs_unlink = {
    .name = "unlink",
    .args = "KEY...",
    .help = "Remove keys",
    .options = TABLE(kvs_ns_option, kvs_root_options, unlink_options),
    .run = run_unlink,
};

const struct cli_command kvs_link = {
    .name = "link",
    .args = "TARGET LINKNAME",
    .help = "Make a link",
    .options = TABLE(kvs_ns_option, kvs_root_options, link_options),
    .run = run_link,
};

const struct cli_command kvs_mkdir = {
    .name = "mkdir",
    .args = "KEY...",
    .help = "Make empty directories",
    .options = TABLE(kvs_ns_option, kvs_root_options),
    .run = run_mkdir,
};

const struct cli_command kvs_copy = {
    .name = "copy",
    .args = "SOURCE DESTINATION",
    .help = "Copy a key, or a directory with all that is in it",
    .options = TABLE(copy_options),
    .run = run_copy,
};

const struct cli_command kvs_move = {
    .name = "move",
    .args = "SOURCE DESTINATION",
    .help = "Move a key, or a directory with all that is in it",
    .options = TABLE(copy_options),
    .run = run_move,
};

/* flux kvs - the table of its subcommands, and what they share. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kvs.h"

const struct cli_option kvs_ns_option[] = {
    {"namespace", 'N', CLI_REQUIRED, "NAME", "Use this namespace"},
    {0},
};

const struct cli_option kvs_root_options[] = {
    {"treeobj-root", 'O', CLI_NONE, NULL, "Print the new root as an RFC 11 object"},
    {"blobref", 'b', CLI_NONE, NULL, "Print the new root's reference"},
    {"sequence", 's', CLI_NONE, NULL, "Print the new version"},
    {0},
};

const char *kvs_ns(const struct cli *c)
{
    return cli_str(c, "namespace", NULL);
}

int kvs_fail(struct cli *c, const char *key, flux_future_t *f)
{
    const char *text = cli_why(f);
    size_t len = strlen(key);

    /* A reason of the service's own names the thing already. */
    if (strncmp(text, key, len) == 0 && text[len] == ':')
        return cli_fail(c, "%s", text);
    return cli_fail(c, "%s: %s", key, text);
}

static void print_root(struct cli *c, flux_future_t *f)
{
    const char *s;
    int seq;

    if (cli_count(c, "treeobj-root") && flux_kvs_commit_get_treeobj(f, &s) == 0)
        printf("%s\n", s);
    else if (cli_count(c, "blobref") && flux_kvs_commit_get_rootref(f, &s) == 0)
        printf("%s\n", s);
    else if (cli_count(c, "sequence") && flux_kvs_commit_get_sequence(f, &seq) == 0)
        printf("%d\n", seq);
}

int kvs_commit_txn(struct cli *c, flux_t *h, const char *what, int flags,
                   flux_kvs_txn_t *txn)
{
    flux_future_t *f = flux_kvs_commit(h, kvs_ns(c), flags, txn);
    int rc = 0;

    if (!f || flux_future_get(f, NULL) < 0)
        rc = kvs_fail(c, what, f);
    else
        print_root(c, f);
    flux_future_destroy(f);
    flux_kvs_txn_destroy(txn);
    return rc;
}

flux_future_t *kvs_lookup_at(struct cli *c, flux_t *h, int flags, const char *key)
{
    const char *at = cli_str(c, "at", NULL);

    return at ? flux_kvs_lookupat(h, flags, key, at)
              : flux_kvs_lookup(h, kvs_ns(c), flags, key);
}

int kvs_width(struct cli *c, long *ret)
{
    const char *columns = getenv("COLUMNS");
    struct winsize w;

    *ret = 80;
    if (columns && atol(columns) > 0)
        *ret = atol(columns);
    else if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
        *ret = w.ws_col;
    return cli_int(c, "width", 0, 1 << 20, ret) ? 0 : -1;
}

const struct cli_command cmd_kvs = {
    .name = "kvs",
    .help = "Read and write the key-value store",
    .sub =
        (const struct cli_command *const[]){
            &kvs_cmd_namespace, &kvs_copy, &kvs_dir, &kvs_dropcache, &kvs_eventlog,
            &kvs_get, &kvs_getroot, &kvs_link, &kvs_ls, &kvs_mkdir, &kvs_move, &kvs_put,
            &kvs_readlink, &kvs_sync, &kvs_unlink, &kvs_version, &kvs_wait, NULL},
};

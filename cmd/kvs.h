/* What the files of `flux kvs` share. */
#ifndef FLUX_CMD_KVS_H
#define FLUX_CMD_KVS_H

#include <flux/core.h>

#include "cmds.h"

extern const struct cli_command kvs_get, kvs_put, kvs_dir, kvs_ls, kvs_unlink, kvs_link,
    kvs_readlink, kvs_mkdir, kvs_copy, kvs_move, kvs_dropcache, kvs_getroot, kvs_version,
    kvs_wait, kvs_sync, kvs_cmd_namespace, kvs_eventlog;

#define TABLE(...) ((const struct cli_option *const[]){__VA_ARGS__, NULL})

extern const struct cli_option kvs_ns_option[];    /* --namespace */
extern const struct cli_option kvs_root_options[]; /* what to print of a commit's root */

/* The namespace that was asked for; NULL: the usual one. */
const char *kvs_ns(const struct cli *c);
/* Commit, print what kvs_root_options ask for, destroy txn: the exit code. */
int kvs_commit_txn(struct cli *c, flux_t *h, const char *what, int flags,
                   flux_kvs_txn_t *txn);
/* "PROG: KEY: reason" for a failed lookup or the like. */
int kvs_fail(struct cli *c, const char *key, flux_future_t *f);
/* Look up in --at, if it was given, or in the namespace. */
flux_future_t *kvs_lookup_at(struct cli *c, flux_t *h, int flags, const char *key);
/* Columns to print in: --width, COLUMNS, the terminal's, 80. 0: no limit. */
int kvs_width(struct cli *c, long *ret);

#endif

/* flux restore inside: restore.c checks an archive and decides, restore_put.c brings it in. */
#ifndef FLUX_CMD_RESTORE_H
#define FLUX_CMD_RESTORE_H

#include <limits.h>
#include <stdint.h>

#include <flux/core.h>

#include "archive.h"
#include "base/json.h"
#include "proto/tar.h"

/* A namespace of the archive. */
struct space {
    char *name, *temporary;
    int64_t owner;
    int flags;
    struct space *next;
};

struct restore {
    struct cli *c;
    flux_t *h;
    const char *name; /* of the archive */
    FILE *f;
    struct tar_reader *tar;
    flux_error_t err;
    uint64_t limit;

    bool ours; /* made by flux dump */
    bool ended;
    uint64_t entries, keys, jobs, skipped;
    uint32_t crc, crc_before; /* of all that was read; before the present entry */

    /* The second time. */
    struct space *spaces, *space; /* space: the transaction's */
    flux_kvs_txn_t *txn;
    unsigned nops;
    size_t bytes;
    struct buf row, pieces, meta, rows;
    unsigned nrows;
    char *job; /* "job/0000/0000/0000/0001/" while its pieces come */
    char output[PATH_MAX];
    bool counted;
};

/* Messages; they return 1. */
int restore_bad(struct restore *r, const char *text);
int restore_bad_entry(struct restore *r, const struct tar_entry *e, const char *text);
/* To the archive's beginning. 0, or 1 after a message; so the others. */
int restore_open(struct restore *r);
int restore_slurp(struct restore *r, const struct tar_entry *e, struct buf *out);

/* What an entry is. */
bool restore_begins(const char *s, const char *prefix);
bool restore_is_row(const struct restore *r, const char *path);
bool restore_is_piece(const struct restore *r, const char *path);
void restore_set_job(struct restore *r, const char *row_path);
/* The path of a namespace's key behind its prefix; NULL: it is none. *name is set for
 * whatever belongs to a namespace. */
const char *restore_space_key(const char *path, const char **name, size_t *len);

/* Bring all of it in. Free what that made. */
int restore_put(struct restore *r);
void restore_tidy(struct restore *r);

#endif

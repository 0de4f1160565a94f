/* Output on its way from one shell to another, the payload of UID-shell.output-put: blocks,
 * each of one job, with whole records of a segment. Pure; numbers are little-endian.
 */
#ifndef FLUX_SHELL_BLOCK_H
#define FLUX_SHELL_BLOCK_H

#include <flux/types.h>

#include "base/buf.h"

enum block_kind {
    BLOCK_STREAM = 1, /* for the job's output stream */
    BLOCK_FILES = 2,  /* for the files that the leader writes */
};

struct block {
    flux_jobid_t id;
    uint32_t kind;
    uint32_t node;   /* of the job: where it comes from */
    uint32_t ntasks; /* of the job */
    uint64_t limit;  /* of its stream */
    uint64_t seq;    /* number of the first record */
    const char *records;
    size_t len;
};

/* -ENOMEM. */
int block_add(struct buf *out, const struct block *b);
/* Walk; *pos starts at 0. 1: the next; 0: the end; -EPROTO. records are borrowed. */
int block_next(const char *in, size_t len, size_t *pos, struct block *ret);

#endif

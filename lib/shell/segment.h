/* The form of a job's output, on disk and on its way to where it is kept: a header and
 * records of bytes that a task wrote, in the order in which a shell read them. Pure
 * functions; numbers are little-endian.
 */
#ifndef FLUX_SHELL_SEGMENT_H
#define FLUX_SHELL_SEGMENT_H

#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

enum {
    SEGMENT_DATA = 1,     /* data: what was written */
    SEGMENT_REDIRECT = 2, /* data: path of the file that the stream goes to */
    SEGMENT_LOG = 3,      /* data: a line of the shell's own; `stream` is the log level */
    SEGMENT_SEQ = 4,      /* data: number of the next record of this origin, 8 bytes */
};

struct segment_record {
    uint8_t kind;
    uint8_t stream;  /* 0 stdout, 1 stderr */
    uint32_t rank;   /* of the task */
    uint32_t origin; /* 0: this shell's own; n: came from node n - 1 of the job */
    double time;     /* wall clock, seconds */
    const char *data;
    uint32_t len;
};

struct segment_header {
    uint32_t ntasks;
    uint32_t base; /* number of the first record; those before were passed on */
};

#define SEGMENT_HEADER_SIZE 16
#define SEGMENT_RECORD_SIZE 24 /* without the data */

/* Append a header, a record, the number of an origin's next record. -ENOMEM. */
int segment_add_header(struct buf *out, const struct segment_header *h);
int segment_add(struct buf *out, const struct segment_record *r);
int segment_add_seq(struct buf *out, uint32_t origin, uint64_t seq);

/* Read the header at `in`. -EPROTO when it is none. */
int segment_read_header(const char *in, size_t len, struct segment_header *ret);
/* Take one record off the front of in[0..len): the bytes used, 0 when it is not whole
 * (*ret_need: how many bytes it takes; ret has all but the data, when the rest is here),
 * -EPROTO. ret->data is borrowed. */
ssize_t segment_read(const char *in, size_t len, struct segment_record *ret,
                     size_t *ret_need);
/* The number in a SEGMENT_SEQ. */
uint64_t segment_seq(const struct segment_record *r);

#endif

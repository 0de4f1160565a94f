/* The form of a job's output on disk: a header and records of bytes that a task wrote,
 * in the order in which the shell read them. Pure functions; numbers are in host order,
 * for the file never leaves the host.
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
};

struct segment_record {
    uint8_t kind;
    uint8_t stream; /* 0 stdout, 1 stderr */
    uint32_t rank;  /* of the task */
    double time;    /* wall clock, seconds */
    const char *data;
    uint32_t len;
};

#define SEGMENT_HEADER_SIZE 16
#define SEGMENT_RECORD_SIZE 24 /* without the data */

/* Append a header, a record. -ENOMEM. */
int segment_add_header(struct buf *out, uint32_t ntasks);
int segment_add(struct buf *out, const struct segment_record *r);

/* The number of tasks of the header at `in`. -EPROTO when it is none. */
int segment_read_header(const char *in, size_t len, uint32_t *ret_ntasks);
/* Take one record off the front of in[0..len): the bytes used, 0 when it is not whole
 * (*ret_need: how many bytes it takes), -EPROTO. ret->data is borrowed. */
ssize_t segment_read(const char *in, size_t len, struct segment_record *ret,
                     size_t *ret_need);

#endif

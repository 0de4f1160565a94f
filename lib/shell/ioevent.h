/* Entries of an output log (RFC 24), as JSON text. Functions append one object without
 * a newline; 0 or -ENOMEM.
 */
#ifndef FLUX_SHELL_IOEVENT_H
#define FLUX_SHELL_IOEVENT_H

#include "shell/segment.h"

int ioevent_header(struct buf *out, double time, unsigned ntasks);
/* Data that is not UTF-8, or holds a NUL, travels as base64. */
int ioevent_record(struct buf *out, const struct segment_record *r);
int ioevent_eof(struct buf *out, double time, unsigned rank, unsigned stream);

#endif

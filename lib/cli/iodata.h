/* Stream data in messages (RFC 24): {"stream":s,"rank":s,"data":s?,"encoding":s?,"eof":b?}. */
#ifndef FLUX_CLI_IODATA_H
#define FLUX_CLI_IODATA_H

#include <cjson/cJSON.h>

#include "base/buf.h"

/* Append the data of an io object; *ret_eof (may be NULL) tells the end of the stream. 0, or
 * -EPROTO. */
int iodata_decode(const cJSON *io, struct buf *out, bool *ret_eof);
/* Make an io object; NULL on ENOMEM. data may be binary; len 0 with eof: only the end. */
cJSON *iodata_encode(const char *stream, const char *rank, const char *data, size_t len,
                     bool eof);

#endif

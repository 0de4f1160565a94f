/* Bytes told as a difference: how much of their beginning and of their end other bytes
 * have, and what is between. The environments of a thousand jobs submitted together
 * differ in one short value. Private to lib/store.
 */
#ifndef FLUX_STORE_DELTA_H
#define FLUX_STORE_DELTA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct delta {
    size_t head, tail; /* bytes in common */
};

/* Is it worth it? For equal bytes head is their length. */
bool delta_find(const void *base, size_t base_len, const void *data, size_t len,
                struct delta *ret);
/* Set out to the stored form. -ENOMEM. */
int delta_print(const struct delta *d, const void *data, size_t len, struct buf *out);
/* Set out to what the stored form stands for. -EIO: it does not fit the base. */
int delta_apply(const void *base, size_t base_len, const void *stored, size_t stored_len,
                struct buf *out);

#endif

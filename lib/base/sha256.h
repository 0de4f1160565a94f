/* SHA-256 (FIPS 180-4), the name of a blob. One call for the whole of it: what we hash
 * is in memory and small. Uses the processor's instructions where there are some.
 */
#ifndef FLUX_BASE_SHA256_H
#define FLUX_BASE_SHA256_H

#include <stddef.h>

#define SHA256_SIZE 32

void sha256(const void *data, size_t len, unsigned char out[SHA256_SIZE]);
/* Without the processor's instructions; for tests. */
void sha256_portable(const void *data, size_t len, unsigned char out[SHA256_SIZE]);

#endif

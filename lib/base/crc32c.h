/* CRC-32C (Castagnoli): guards records on disk against rot. Uses the processor's
 * instruction where there is one.
 */
#ifndef FLUX_BASE_CRC32C_H
#define FLUX_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* crc is 0, or the value of the bytes in front of these. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);
/* Without the processor's instruction; for tests. */
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t len);

#endif

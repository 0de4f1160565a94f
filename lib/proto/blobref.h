/* References in text: of a blob or a directory by its hash ("sha256-<64 hex digits>"), and
 * of a whole namespace as of one of its versions ("version-<32 hex digits>": namespace
 * and version), which costs nothing to make and lasts for a while.
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_PROTO_BLOBREF_H
#define FLUX_PROTO_BLOBREF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define BLOBREF_HASH 32
#define BLOBREF_SIZE 80 /* of a text with its NUL */
#define BLOBREF_NAME "sha256"

/* The id in a reference to a directory that is not in the tree: it says what it is, and
 * leads nowhere. */
#define BLOBREF_MOUNTED UINT64_MAX
#define BLOBREF_MOUNTED_TEXT "version-ffffffffffffffff0000000000000000"
#define BLOBREF_MOUNTED_DIR                                                              \
    "{\"data\":[\"" BLOBREF_MOUNTED_TEXT "\"],\"type\":\"dirref\",\"ver\":1}"

struct blobref {
    bool is_version;
    unsigned char hash[BLOBREF_HASH];
    uint64_t id, version;
};

/* -EINVAL: neither of the two. */
int blobref_parse(struct slice text, struct blobref *ret);
void blobref_print_hash(const unsigned char *hash, char text[BLOBREF_SIZE]);
void blobref_print_version(uint64_t id, uint64_t version, char text[BLOBREF_SIZE]);

#endif

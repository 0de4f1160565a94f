/* POSIX archives, as tar(1) reads and writes them: ustar headers, with pax records where
 * a path, a link or a size does not fit. Written in pieces to a buffer, read through a
 * callback.
 *
 * The headers written here hold, in bytes that the format leaves unused, the CRC-32C of
 * the entry's contents: "flux" and eight digits. Readers of other make ignore it, and
 * where it is missing the contents are not checked.
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_PROTO_TAR_H
#define FLUX_PROTO_TAR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <flux/types.h>
#include "base/buf.h"

#define TAR_BLOCK 512
#define TAR_NAME_MAX 65536 /* bytes of a path or a link */

enum tar_type {
    TAR_FILE,
    TAR_LINK, /* symbolic */
    TAR_DIR,
    TAR_OTHER, /* read only: anything else */
};

struct tar_entry {
    enum tar_type type;
    const char *path, *link; /* link NULL: none. Read: borrowed until the next entry */
    uint64_t size;           /* of a file */
    uint64_t offset;         /* read: where the entry begins in the archive */
    double mtime;            /* seconds */
    bool has_crc;
    uint32_t crc;
};

/* ---- writing ---- */

/* Append the headers of an entry; the contents follow, then tar_pad(). -EINVAL: a path or
 * link that is too long or empty. */
int tar_add(struct buf *out, const struct tar_entry *e);
/* Fill up the last block of contents of that size. */
int tar_pad(struct buf *out, uint64_t size);
/* The end of the archive. */
int tar_end(struct buf *out);

/* ---- reading ---- */

struct tar_reader;
/* Up to len bytes: how many, 0 at the end, -errno. */
typedef ssize_t (*tar_read_f)(void *data, size_t len, void *arg);

int tar_reader_new(tar_read_f read, void *arg, struct tar_reader **ret);
void tar_reader_free(struct tar_reader *t); /* accepts NULL */
/* The next entry, past what is left of the one before: 1; 0 at the end. -EBADMSG: the
 * archive is damaged, or is none; err names the entry before and the offset. */
int tar_next(struct tar_reader *t, struct tar_entry *ret, flux_error_t *err);
/* Contents of the entry: how many bytes, 0 at its end, where they are held against its
 * checksum: -EBADMSG. */
ssize_t tar_data(struct tar_reader *t, void *data, size_t len, flux_error_t *err);
/* Where the reader is. */
uint64_t tar_offset(const struct tar_reader *t);

#endif

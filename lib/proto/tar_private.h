/* The header block of ustar. Private to tar_read.c and tar_write.c. */
#ifndef FLUX_PROTO_TAR_PRIVATE_H
#define FLUX_PROTO_TAR_PRIVATE_H

#include "proto/tar.h"

struct tar_header {
    char name[100];
    char mode[8], uid[8], gid[8];
    char size[12], mtime[12];
    char chksum[8];
    char type;
    char linkname[100];
    char magic[6], version[2]; /* "ustar", "00" */
    char uname[32], gname[32];
    char devmajor[8], devminor[8];
    char prefix[155];
    char unused[12]; /* ours: "flux", CRC-32C in hex */
};

_Static_assert(sizeof(struct tar_header) == TAR_BLOCK, "a header is one block");

#define TAR_MARK "flux"

static inline size_t tar_padding(uint64_t size)
{
    return (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
}

/* The sum of a header's bytes, its own field taken as spaces. */
static inline unsigned tar_sum(const struct tar_header *h)
{
    const unsigned char *p = (const unsigned char *)h;
    const unsigned char *field = (const unsigned char *)h->chksum;
    unsigned sum = 0;

    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += p + i >= field && p + i < field + sizeof(h->chksum) ? ' ' : p[i];
    return sum;
}

#endif

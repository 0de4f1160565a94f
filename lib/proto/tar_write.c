/* Writing archives. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "proto/tar_private.h"

#define SIZE_MAX_OCTAL 077777777777ull /* of the header's field */

static const char types[] = {[TAR_FILE] = '0', [TAR_LINK] = '2', [TAR_DIR] = '5'};

/* A pax record says its own length in decimal. */
static int add_record(struct buf *out, const char *key, const char *value)
{
    size_t len = strlen(key) + strlen(value) + 3, total = len + 1;
    char digits[24];

    while (total != len + (size_t)snprintf(digits, sizeof(digits), "%zu", total))
        total = len + strlen(digits);
    return buf_addf(out, "%zu %s=%s\n", total, key, value);
}

/* Split a path at a slash into prefix and name, as ustar has it. */
static bool place_path(struct tar_header *h, const char *path)
{
    size_t len = strlen(path);
    const char *slash;

    if (len <= sizeof(h->name)) {
        memcpy(h->name, path, len);
        return true;
    }
    if (len > sizeof(h->prefix) + 1 + sizeof(h->name))
        return false;
    slash = strchr(path + len - sizeof(h->name) - 1, '/');
    if (!slash || slash == path || slash[1] == '\0' ||
        (size_t)(slash - path) > sizeof(h->prefix))
        return false;
    memcpy(h->prefix, path, (size_t)(slash - path));
    memcpy(h->name, slash + 1, len - (size_t)(slash + 1 - path));
    return true;
}

static void finish(struct tar_header *h, char type, uint64_t size, double mtime)
{
    char sum[8];

    h->type = type;
    memcpy(h->magic, "ustar", 6);
    memcpy(h->version, "00", 2);
    snprintf(h->mode, sizeof(h->mode), "%07o", type == '5' ? 0755u : 0644u);
    memcpy(h->uid, "0000000", 8);
    memcpy(h->gid, "0000000", 8);
    snprintf(h->size, sizeof(h->size), "%011" PRIo64, size);
    snprintf(h->mtime, sizeof(h->mtime), "%011" PRIo64,
             mtime > 0 && mtime < 8589934591. ? (uint64_t)mtime : 0);
    snprintf(sum, sizeof(sum), "%06o", tar_sum(h));
    memcpy(h->chksum, sum, 7);
    h->chksum[7] = ' ';
}

static int add_pax(struct buf *out, const struct buf *records, double mtime)
{
    struct tar_header h = {.name = "./PaxHeaders/entry"};

    finish(&h, 'x', records->len, mtime);
    buf_add(out, &h, sizeof(h));
    buf_add(out, records->data, records->len);
    return tar_pad(out, records->len);
}

/* What does not fit into the header goes before it; it then has the beginning only. */
static int fill(struct tar_header *h, const struct tar_entry *e, struct buf *records)
{
    char text[24];

    if (!place_path(h, e->path)) {
        add_record(records, "path", e->path);
        memcpy(h->name, e->path, sizeof(h->name));
    }
    if (e->type == TAR_LINK) {
        size_t len = strlen(e->link);

        if (len > sizeof(h->linkname))
            add_record(records, "linkpath", e->link);
        memcpy(h->linkname, e->link,
               len < sizeof(h->linkname) ? len : sizeof(h->linkname));
    }
    if (e->type == TAR_FILE && e->size > SIZE_MAX_OCTAL) {
        snprintf(text, sizeof(text), "%" PRIu64, e->size);
        add_record(records, "size", text);
    }
    return records->failed ? -ENOMEM : 0;
}

static bool bad_name(const char *s)
{
    return !s || !*s || strlen(s) > TAR_NAME_MAX;
}

int tar_add(struct buf *out, const struct tar_entry *e)
{
    CLEANUP(buf_free) struct buf records = {0};
    uint64_t size = e->type == TAR_FILE ? e->size : 0;
    struct tar_header h = {{0}};
    char mark[sizeof(h.unused) + 1];
    int rc;

    if (bad_name(e->path) || (e->type == TAR_LINK && bad_name(e->link)) ||
        e->type == TAR_OTHER)
        return -EINVAL;
    if ((rc = fill(&h, e, &records)) < 0)
        return rc;
    if (records.len > 0 && (rc = add_pax(out, &records, e->mtime)) < 0)
        return rc;
    if (e->has_crc) {
        snprintf(mark, sizeof(mark), TAR_MARK "%08" PRIx32, e->crc);
        memcpy(h.unused, mark, sizeof(h.unused));
    }
    finish(&h, types[e->type], size > SIZE_MAX_OCTAL ? 0 : size, e->mtime);
    return buf_add(out, &h, sizeof(h)) < 0 ? -ENOMEM : 0;
}

int tar_pad(struct buf *out, uint64_t size)
{
    static const char zeros[TAR_BLOCK];

    buf_add(out, zeros, tar_padding(size));
    return out->failed ? -ENOMEM : 0;
}

int tar_end(struct buf *out)
{
    static const char zeros[2 * TAR_BLOCK];

    return buf_add(out, zeros, sizeof(zeros)) < 0 ? -ENOMEM : 0;
}

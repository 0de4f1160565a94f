/* Reading archives: those written here, and what GNU tar, BSD tar and their like write in
 * the formats ustar, pax and GNU. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "proto/tar_private.h"

#define EXTRA_MAX (4 * TAR_NAME_MAX) /* bytes of pax records for one entry */

struct tar_reader {
    tar_read_f read;
    void *arg;
    uint64_t offset, left; /* left: of the entry's contents */
    size_t padding;        /* behind them */
    struct buf path, link;
    bool has_path, has_link, has_size; /* told before the entry's header */
    uint64_t size;
    struct tar_entry e; /* the current one */
    char name[104];     /* its path, or the beginning of that, for messages */
    uint32_t crc;
    bool ended;
};

int tar_reader_new(tar_read_f read, void *arg, struct tar_reader **ret)
{
    struct tar_reader *t = calloc(1, sizeof(*t));

    if (!t)
        return -ENOMEM;
    t->read = read;
    t->arg = arg;
    *ret = t;
    return 0;
}

void tar_reader_free(struct tar_reader *t)
{
    if (!t)
        return;
    buf_free(&t->path);
    buf_free(&t->link);
    free(t);
}

uint64_t tar_offset(const struct tar_reader *t)
{
    return t->offset;
}

static int damaged(struct tar_reader *t, uint64_t offset, const char *what,
                   flux_error_t *err)
{
    bool named = *t->name != '\0';

    return error_set(err, EBADMSG, "%s at byte %" PRIu64 "%s%s%s", what, offset,
                     named ? ", entry '" : "", t->name, named ? "'" : "");
}

/* All of it: 1; 0: the end came first, before any byte. */
static int fill(struct tar_reader *t, void *data, size_t len, flux_error_t *err)
{
    size_t have = 0;

    while (have < len) {
        ssize_t n = t->read((char *)data + have, len - have, t->arg);

        if (n < 0)
            return error_set(err, (int)-n, "reading at byte %" PRIu64 ": %s", t->offset,
                             strerror((int)-n));
        if (n == 0)
            break;
        have += (size_t)n;
        t->offset += (uint64_t)n;
    }
    if (have == len)
        return 1;
    return have == 0 ? 0 : damaged(t, t->offset, "the archive ends in the middle", err);
}

static int need(struct tar_reader *t, void *data, size_t len, flux_error_t *err)
{
    int rc = len ? fill(t, data, len, err) : 1;

    return rc == 0  ? damaged(t, t->offset, "the archive ends in the middle", err)
           : rc < 0 ? rc
                    : 0;
}

/* ---- numbers ---- */

/* Octal digits, spaces around them; or, of large sizes, GNU's base 256. */
static int number(const char *field, size_t len, uint64_t *ret)
{
    const unsigned char *p = (const unsigned char *)field;
    uint64_t n = 0;
    size_t i = 0;

    if (p[0] & 0x80) {
        for (i = len - 8; i < len; i++)
            n = n << 8 | p[i];
        *ret = n;
        return n > INT64_MAX ? -EBADMSG : 0;
    }
    while (i < len && p[i] == ' ')
        i++;
    for (; i < len && p[i] >= '0' && p[i] <= '7'; i++)
        n = n << 3 | (p[i] - '0');
    *ret = n;
    return i < len && p[i] != ' ' && p[i] != '\0' ? -EBADMSG : 0;
}

static bool is_zero(const struct tar_header *h)
{
    static const char zeros[TAR_BLOCK];

    return memcmp(h, zeros, TAR_BLOCK) == 0;
}

static bool sum_is_right(const struct tar_header *h)
{
    uint64_t sum;

    return number(h->chksum, sizeof(h->chksum), &sum) == 0 && sum == tar_sum(h);
}

/* ---- what is told before an entry ---- */

static int set_text(struct buf *b, const char *p, size_t len, bool *has)
{
    if (len == 0 || len > TAR_NAME_MAX || memchr(p, '\0', len))
        return -EBADMSG;
    b->len = 0;
    *has = true;
    return buf_add(b, p, len) < 0 ? -ENOMEM : 0;
}

static int take_record(struct tar_reader *t, const char *key, size_t key_len,
                       const char *value, size_t len)
{
    if (key_len == 4 && !memcmp(key, "path", 4))
        return set_text(&t->path, value, len, &t->has_path);
    if (key_len == 8 && !memcmp(key, "linkpath", 8))
        return set_text(&t->link, value, len, &t->has_link);
    if (key_len != 4 || memcmp(key, "size", 4) != 0)
        return 0;
    t->has_size = true;
    t->size = 0;
    for (size_t i = 0; i < len; i++) {
        if (value[i] < '0' || value[i] > '9' || t->size > INT64_MAX / 16)
            return -EBADMSG;
        t->size = t->size * 10 + (uint64_t)(value[i] - '0');
    }
    return 0;
}

/* "LENGTH KEY=VALUE\n", the length of all of it. */
static int take_records(struct tar_reader *t, const char *p, size_t len)
{
    while (len > 0) {
        const char *eq, *space = memchr(p, ' ', len);
        size_t n = 0, head;
        int rc;

        if (!space)
            return -EBADMSG;
        for (const char *d = p; d < space; d++) {
            if (*d < '0' || *d > '9' || n > EXTRA_MAX)
                return -EBADMSG;
            n = n * 10 + (size_t)(*d - '0');
        }
        head = (size_t)(space + 1 - p);
        if (n <= head || n > len || p[n - 1] != '\n' ||
            !(eq = memchr(p + head, '=', n - head)))
            return -EBADMSG;
        if ((rc = take_record(t, p + head, (size_t)(eq - p) - head, eq + 1,
                              (size_t)(p + n - 1 - (eq + 1)))) < 0)
            return rc;
        p += n;
        len -= n;
    }
    return 0;
}

static int take_extra(struct tar_reader *t, char type, uint64_t size, uint64_t at,
                      flux_error_t *err)
{
    AUTOFREE char *data = NULL;
    size_t padded = (size_t)size + tar_padding(size);
    int rc;

    if (size > EXTRA_MAX)
        return damaged(t, at, "an extended header is too long", err);
    if (!(data = malloc(padded + 1)))
        return -ENOMEM;
    if ((rc = need(t, data, padded, err)) < 0)
        return rc;
    if (type == 'x')
        rc = take_records(t, data, (size_t)size);
    else if (type == 'L')
        rc = set_text(&t->path, data, strnlen(data, (size_t)size), &t->has_path);
    else if (type == 'K')
        rc = set_text(&t->link, data, strnlen(data, (size_t)size), &t->has_link);
    return rc == -EBADMSG ? damaged(t, at, "an extended header is malformed", err) : rc;
}

/* ---- entries ---- */

static int header_path(struct tar_reader *t, const struct tar_header *h)
{
    size_t prefix = strnlen(h->prefix, sizeof(h->prefix));

    t->path.len = 0;
    /* GNU's old format has something else there. */
    if (prefix > 0 && memcmp(h->magic, "ustar", 6) == 0) {
        buf_add(&t->path, h->prefix, prefix);
        buf_addc(&t->path, '/');
    }
    return buf_add(&t->path, h->name, strnlen(h->name, sizeof(h->name))) < 0 ? -ENOMEM
                                                                             : 0;
}

static enum tar_type type_of(char type)
{
    return type == '0' || type == '\0' || type == '7' ? TAR_FILE
           : type == '2'                              ? TAR_LINK
           : type == '5'                              ? TAR_DIR
                                                      : TAR_OTHER;
}

static void read_mark(const struct tar_header *h, struct tar_entry *e)
{
    char digits[9] = "", *end;

    if (memcmp(h->unused, TAR_MARK, 4) != 0)
        return;
    memcpy(digits, h->unused + 4, 8);
    e->crc = (uint32_t)strtoul(digits, &end, 16);
    e->has_crc = end == digits + 8;
}

static int take_header(struct tar_reader *t, const struct tar_header *h, uint64_t at,
                       flux_error_t *err)
{
    struct tar_entry e = {.type = type_of(h->type), .offset = at};
    uint64_t size, mtime = 0;
    int rc;

    if (number(h->size, sizeof(h->size), &size) < 0)
        return damaged(t, at, "a header is malformed", err);
    number(h->mtime, sizeof(h->mtime), &mtime);
    size = t->has_size ? t->size : size;
    if (!t->has_path && (rc = header_path(t, h)) < 0)
        return rc;
    if (!t->has_link && e.type == TAR_LINK) {
        t->link.len = 0;
        if (buf_add(&t->link, h->linkname, strnlen(h->linkname, sizeof(h->linkname))) < 0)
            return -ENOMEM;
    }
    read_mark(h, &e);
    e.path = t->path.data ? t->path.data : "";
    snprintf(t->name, sizeof(t->name), "%s", e.path);
    e.link = e.type == TAR_LINK ? t->link.data : NULL;
    e.mtime = (double)mtime;
    e.size = e.type == TAR_FILE ? size : 0;
    t->e = e;
    t->crc = 0;
    t->left = e.type == TAR_LINK || e.type == TAR_DIR ? 0 : size;
    t->padding = tar_padding(t->left);
    return 1;
}

static int skip(struct tar_reader *t, flux_error_t *err)
{
    char data[4096];
    ssize_t n;

    while ((n = tar_data(t, data, sizeof(data), err)) > 0)
        ;
    return (int)n;
}

static int end_of_archive(struct tar_reader *t)
{
    t->ended = true;
    return 0;
}

int tar_next(struct tar_reader *t, struct tar_entry *ret, flux_error_t *err)
{
    struct tar_header h;
    uint64_t at, size;
    int rc;

    if (t->ended)
        return 0;
    if ((rc = skip(t, err)) < 0)
        return rc;
    t->has_path = t->has_link = t->has_size = false;
    for (;;) {
        at = t->offset;
        if ((rc = fill(t, &h, sizeof(h), err)) < 0)
            return rc;
        if (rc == 0)
            return damaged(t, at, "the archive ends without its last blocks", err);
        if (is_zero(&h))
            return end_of_archive(t);
        if (!sum_is_right(&h))
            return damaged(t, at,
                           at == 0 ? "this is no tar archive: no header"
                                   : "a header is damaged",
                           err);
        if (h.type != 'x' && h.type != 'g' && h.type != 'L' && h.type != 'K')
            break;
        if (number(h.size, sizeof(h.size), &size) < 0)
            return damaged(t, at, "a header is malformed", err);
        if ((rc = take_extra(t, h.type, size, at, err)) < 0)
            return rc;
    }
    if ((rc = take_header(t, &h, at, err)) > 0)
        *ret = t->e;
    return rc;
}

ssize_t tar_data(struct tar_reader *t, void *data, size_t len, flux_error_t *err)
{
    char padding[TAR_BLOCK];
    int rc;

    if (t->left == 0) {
        if (t->padding && (rc = need(t, padding, t->padding, err)) < 0)
            return rc;
        t->padding = 0;
        if (!t->e.has_crc || t->crc == t->e.crc)
            return 0;
        t->e.has_crc = false;
        return damaged(t, t->e.offset, "the contents do not match their checksum", err);
    }
    if (len > t->left)
        len = (size_t)t->left;
    if ((rc = need(t, data, len, err)) < 0)
        return rc;
    t->left -= len;
    t->crc = crc32c(t->crc, data, len);
    return (ssize_t)len;
}

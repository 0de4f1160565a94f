/* References in text. */
#include "proto/blobref.h"

#include <errno.h>
#include <string.h>

#define HASH_PREFIX BLOBREF_NAME "-"
#define VERSION_PREFIX "version-"
#define VERSION_DIGITS 32

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int from_hex(const char *p, size_t n, unsigned char *out)
{
    for (size_t i = 0; i < n; i++) {
        int hi = digit(p[2 * i]), lo = digit(p[2 * i + 1]);

        if (hi < 0 || lo < 0)
            return -EINVAL;
        out[i] = (unsigned char)(hi << 4 | lo);
    }
    return 0;
}

static char *to_hex(const unsigned char *p, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        *out++ = digits[p[i] >> 4];
        *out++ = digits[p[i] & 15];
    }
    *out = '\0';
    return out;
}

static uint64_t big_endian(const unsigned char *p)
{
    uint64_t v = 0;

    for (int i = 0; i < 8; i++)
        v = v << 8 | p[i];
    return v;
}

static bool has_prefix(struct slice s, const char *prefix, size_t digits)
{
    size_t len = strlen(prefix);

    return s.len == len + digits && memcmp(s.p, prefix, len) == 0;
}

int blobref_parse(struct slice text, struct blobref *ret)
{
    unsigned char b[VERSION_DIGITS / 2];

    if (has_prefix(text, HASH_PREFIX, 2 * BLOBREF_HASH)) {
        ret->is_version = false;
        return from_hex(text.p + strlen(HASH_PREFIX), BLOBREF_HASH, ret->hash);
    }
    if (!has_prefix(text, VERSION_PREFIX, VERSION_DIGITS) ||
        from_hex(text.p + strlen(VERSION_PREFIX), sizeof(b), b) < 0)
        return -EINVAL;
    ret->is_version = true;
    ret->id = big_endian(b);
    ret->version = big_endian(b + 8);
    return 0;
}

void blobref_print_hash(const unsigned char *hash, char text[BLOBREF_SIZE])
{
    memcpy(text, HASH_PREFIX, strlen(HASH_PREFIX));
    to_hex(hash, BLOBREF_HASH, text + strlen(HASH_PREFIX));
}

void blobref_print_version(uint64_t id, uint64_t version, char text[BLOBREF_SIZE])
{
    unsigned char b[VERSION_DIGITS / 2];

    for (int i = 0; i < 8; i++) {
        b[i] = (unsigned char)(id >> (56 - 8 * i));
        b[8 + i] = (unsigned char)(version >> (56 - 8 * i));
    }
    memcpy(text, VERSION_PREFIX, strlen(VERSION_PREFIX));
    to_hex(b, sizeof(b), text + strlen(VERSION_PREFIX));
}

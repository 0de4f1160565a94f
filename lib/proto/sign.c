/* The signed-request envelope J.
 *
 * HEADER and PAYLOAD are base64. The header is a row of KEY NUL TYPE VALUE NUL with
 * the keys version (i), userid (i) and mechanism (s), and whatever a mechanism adds.
 */
#include "proto/sign.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/error.h"

#define HEADER_MAX 4096

int sign_wrap_none(const void *payload, size_t len, uint32_t userid, struct buf *out)
{
    char header[128];
    int n = snprintf(header, sizeof(header),
                     "version%ci1%cuserid%ci%" PRIu32 "%cmechanism%csnone%c", 0, 0, 0,
                     userid, 0, 0, 0);

    base64_encode_buf(out, header, n);
    buf_addc(out, '.');
    base64_encode_buf(out, payload, len);
    buf_adds(out, ".none");
    return out->failed ? -ENOMEM : 0;
}

/* What a header says; mechanism points into it. */
struct sign_header {
    int64_t version, userid;
    const char *mechanism;
};

static int read_int(const char *type_value, int64_t *ret)
{
    const char *s = type_value + 1;
    size_t digits;

    if (*type_value != 'i')
        return -EINVAL;
    digits = strspn(s + (*s == '-'), "0123456789");
    if (digits == 0 || digits > 18 || s[(*s == '-') + digits] != '\0')
        return -EINVAL;
    *ret = strtoll(s, NULL, 10);
    return 0;
}

static int read_pair(const char *key, const char *type_value, struct sign_header *h)
{
    if (strcmp(key, "version") == 0)
        return h->version >= 0 ? -EINVAL : read_int(type_value, &h->version);
    if (strcmp(key, "userid") == 0)
        return h->userid >= 0 ? -EINVAL : read_int(type_value, &h->userid);
    if (strcmp(key, "mechanism") == 0) {
        if (h->mechanism || *type_value != 's')
            return -EINVAL;
        h->mechanism = type_value + 1;
    }
    return 0;
}

static int read_header(const char *p, size_t len, struct sign_header *h)
{
    const char *end = p + len;
    int rc;

    if (len == 0 || end[-1] != '\0')
        return -EINVAL;
    *h = (struct sign_header){.version = -1, .userid = -1};
    while (p < end) {
        const char *key = p;
        const char *value = key + strlen(key) + 1;

        if (!*key || value >= end || !strchr("sidbt", *value) || !*value)
            return -EINVAL;
        if ((rc = read_pair(key, value, h)) < 0)
            return rc;
        p = value + strlen(value) + 1;
    }
    return h->version >= 0 && h->userid >= 0 && h->mechanism ? 0 : -EINVAL;
}

static int check_header(const struct sign_header *h, flux_error_t *err)
{
    if (h->version != 1)
        return error_set(err, EINVAL, "signed request: unknown version %" PRIi64,
                         h->version);
    if (h->userid >= UINT32_MAX)
        return error_set(err, EINVAL, "signed request: bad userid %" PRIi64, h->userid);
    if (strcmp(h->mechanism, "none") != 0)
        return error_set(
            err, EPROTONOSUPPORT,
            "signed request: mechanism '%.32s' is not supported (known: none)",
            h->mechanism);
    return 0;
}

static int unwrap_header(const char *b64, size_t len, uint32_t *ret_userid,
                         flux_error_t *err)
{
    char header[HEADER_MAX + 4];
    struct sign_header h;
    ssize_t n;
    int rc;

    if (base64_decoded_max(len) > sizeof(header))
        return error_set(err, EINVAL, "signed request: header is too large");
    if ((n = base64_decode(header, b64, len)) < 0)
        return error_set(err, EINVAL, "signed request: header is not base64");
    if (read_header(header, n, &h) < 0)
        return error_set(err, EINVAL, "signed request: malformed header");
    if ((rc = check_header(&h, err)) == 0)
        *ret_userid = h.userid;
    return rc;
}

int sign_unwrap(const char *j, size_t jlen, char **ret_payload, size_t *ret_len,
                uint32_t *ret_userid, flux_error_t *err)
{
    const char *end = j + jlen;
    const char *dot1 = memchr(j, '.', jlen);
    const char *dot2 = dot1 ? memchr(dot1 + 1, '.', end - dot1 - 1) : NULL;
    AUTOFREE char *payload = NULL;
    uint32_t userid;
    size_t b64len;
    ssize_t n;
    int rc;

    if (!dot2)
        return error_set(err, EINVAL,
                         "signed request: not of the form HEADER.PAYLOAD.SIGNATURE");
    if ((rc = unwrap_header(j, dot1 - j, &userid, err)) < 0)
        return rc;
    if (end - dot2 - 1 != 4 || memcmp(dot2 + 1, "none", 4) != 0)
        return error_set(err, EINVAL, "signed request: bad signature");
    b64len = dot2 - dot1 - 1;
    if (!(payload = malloc(base64_decoded_max(b64len) + 1)))
        return -ENOMEM;
    if ((n = base64_decode(payload, dot1 + 1, b64len)) < 0)
        return error_set(err, EINVAL, "signed request: payload is not base64");
    payload[n] = '\0';
    *ret_payload = TAKE(payload);
    *ret_len = n;
    *ret_userid = userid;
    return 0;
}

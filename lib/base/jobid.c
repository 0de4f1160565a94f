/* Job ids in all their written forms; see jobid.h. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/jobid.h"

static const char base58[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
static const char f58_prefix[] = "\xc6\x92"; /* U+0192 */

/* Words come three to 32 bits, the low half of the id first. */
#define GROUP_WORDS 3
#define WORDS (2 * GROUP_WORDS)

/* v = v * base + digit, or -EINVAL when it does not fit. */
static int add_digit(uint64_t *v, unsigned base, unsigned digit)
{
    if (__builtin_mul_overflow(*v, base, v) || __builtin_add_overflow(*v, digit, v))
        return -EINVAL;
    return 0;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if ((c | 32) >= 'a' && (c | 32) <= 'f')
        return (c | 32) - 'a' + 10;
    return -1;
}

/* --- parsing: s[0..len) holds no white space at its ends --- */

static int parse_dec(const char *s, size_t len, uint64_t *ret)
{
    uint64_t v = 0;

    for (size_t i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9' || add_digit(&v, 10, (unsigned)(s[i] - '0')) < 0)
            return -EINVAL;
    }
    *ret = v;
    return len > 0 ? 0 : -EINVAL;
}

static int parse_hex(const char *s, size_t len, uint64_t *ret)
{
    uint64_t v = 0;

    if (len == 0 || len > 16)
        return -EINVAL;
    for (size_t i = 0; i < len; i++) {
        int digit = hex_value(s[i]);

        if (digit < 0)
            return -EINVAL;
        v = v << 4 | (unsigned)digit;
    }
    *ret = v;
    return 0;
}

/* "0017.e9fb.8df1.6c2e", with or without "job." before it. */
static int parse_dothex(const char *s, size_t len, uint64_t *ret)
{
    uint64_t v = 0, part;

    if (len == 23 && memcmp(s, "job.", 4) == 0) {
        s += 4;
        len -= 4;
    }
    if (len != 19)
        return -EINVAL;
    for (int i = 0; i < 4; i++, s += 5) {
        if ((i < 3 && s[4] != '.') || parse_hex(s, 4, &part) < 0)
            return -EINVAL;
        v = v << 16 | part;
    }
    *ret = v;
    return 0;
}

static int parse_f58(const char *s, size_t len, uint64_t *ret)
{
    uint64_t v = 0;

    if (len == 0)
        return -EINVAL;
    for (size_t i = 0; i < len; i++) {
        const char *digit = strchr(base58, s[i]);

        if (!s[i] || !digit || add_digit(&v, 58, (unsigned)(digit - base58)) < 0)
            return -EINVAL;
    }
    *ret = v;
    return 0;
}

static int find_word(const char *s, size_t len)
{
    for (int i = 0; i < JOBID_WORDS; i++) {
        if (strncasecmp(jobid_word[i], s, len) == 0 && jobid_word[i][len] == '\0')
            return i;
    }
    return -1;
}

static int parse_words(const char *s, size_t len, uint64_t *ret)
{
    const char *end = s + len;
    uint64_t group[2] = {0, 0}, power = 1;
    int n = 0;

    while (s < end) {
        size_t word = strcspn(s, "-");
        int i;

        if (word > (size_t)(end - s))
            word = (size_t)(end - s);
        if (word > 0) {
            if (n == WORDS || (i = find_word(s, word)) < 0)
                return -EINVAL;
            power = n % GROUP_WORDS == 0 ? 1 : power * JOBID_WORDS;
            group[n++ / GROUP_WORDS] += (uint64_t)i * power;
        }
        s += word;
        while (s < end && *s == '-')
            s++;
    }
    if (n != WORDS || group[0] > UINT32_MAX || group[1] > UINT32_MAX)
        return -EINVAL;
    *ret = group[1] << 32 | group[0];
    return 0;
}

/* All of ours take four bytes and begin with F0 9F. */
static int parse_emoji(const char *s, size_t len, uint64_t *ret)
{
    const unsigned char *p = (const unsigned char *)s;
    uint64_t v = 0;

    if (len % 4 != 0)
        return -EINVAL;
    for (; len > 0; len -= 4, p += 4) {
        unsigned cp =
            (p[0] & 7u) << 18 | (p[1] & 63u) << 12 | (p[2] & 63u) << 6 | (p[3] & 63u);
        unsigned i = 0;

        if (p[0] != 0xf0 || (p[1] & p[2] & p[3] & 0xc0) != 0x80)
            return -EINVAL;
        while (i < JOBID_EMOJI && jobid_emoji[i] != cp)
            i++;
        if (i == JOBID_EMOJI || add_digit(&v, JOBID_EMOJI, i) < 0)
            return -EINVAL;
    }
    *ret = v;
    return 0;
}

static bool starts(const char *s, size_t len, const char *prefix)
{
    return len >= strlen(prefix) && memcmp(s, prefix, strlen(prefix)) == 0;
}

/* The form is told by RFC 19's rules, in its order. */
static int parse_any(const char *s, size_t len, uint64_t *ret)
{
    if (memchr(s, '.', len))
        return parse_dothex(s, len, ret);
    if (memchr(s, '-', len))
        return parse_words(s, len, ret);
    if (starts(s, len, f58_prefix))
        return parse_f58(s + 2, len - 2, ret);
    if (starts(s, len, "f"))
        return parse_f58(s + 1, len - 1, ret);
    if (starts(s, len, "\xf0\x9f"))
        return parse_emoji(s, len, ret);
    if (starts(s, len, "0x") || starts(s, len, "0X"))
        return parse_hex(s + 2, len - 2, ret);
    return parse_dec(s, len, ret);
}

int jobid_parse(const char *s, flux_jobid_t *ret, flux_error_t *err)
{
    uint64_t id;
    size_t len;

    if (!s)
        return error_set(err, EINVAL, "no job id");
    while (isspace((unsigned char)*s))
        s++;
    len = strlen(s);
    while (len > 0 && isspace((unsigned char)s[len - 1]))
        len--;
    if (parse_any(s, len, &id) < 0)
        return error_set(err, EINVAL, "'%.*s' is not a job id",
                         len < 100 ? (int)len : 100, s);
    *ret = id;
    return 0;
}

/* --- encoding: buf has JOBID_SIZE bytes --- */

/* Digits of id in a base, most significant first; how many. */
static unsigned split(uint64_t id, unsigned base, unsigned *digits)
{
    unsigned n = 0;

    do
        digits[n++] = (unsigned)(id % base);
    while (id /= base);
    for (unsigned i = 0; i < n / 2; i++) {
        unsigned d = digits[i];

        digits[i] = digits[n - 1 - i];
        digits[n - 1 - i] = d;
    }
    return n;
}

static void encode_f58(flux_jobid_t id, char *buf)
{
    unsigned digits[16], n = split(id, 58, digits);

    for (unsigned i = 0; i < n; i++)
        *buf++ = base58[digits[i]];
    *buf = '\0';
}

static void encode_f58_prefixed(flux_jobid_t id, char *buf)
{
    memcpy(buf, f58_prefix, 2);
    encode_f58(id, buf + 2);
}

static void encode_f58_plain(flux_jobid_t id, char *buf)
{
    buf[0] = 'f';
    encode_f58(id, buf + 1);
}

static void encode_dec(flux_jobid_t id, char *buf)
{
    snprintf(buf, JOBID_SIZE, "%" PRIu64, id);
}

static void encode_hex(flux_jobid_t id, char *buf)
{
    snprintf(buf, JOBID_SIZE, "0x%" PRIx64, id);
}

static void encode_dothex(flux_jobid_t id, char *buf)
{
    snprintf(buf, JOBID_SIZE, "%04x.%04x.%04x.%04x", (unsigned)(id >> 48),
             (unsigned)(id >> 32 & 0xffff), (unsigned)(id >> 16 & 0xffff),
             (unsigned)(id & 0xffff));
}

static void encode_kvs(flux_jobid_t id, char *buf)
{
    memcpy(buf, "job.", 4);
    encode_dothex(id, buf + 4);
}

static void encode_words(flux_jobid_t id, char *buf)
{
    size_t used = 0;

    for (int i = 0; i < WORDS; i++) {
        uint32_t half = (uint32_t)(i < GROUP_WORDS ? id : id >> 32);
        const char *gap = i == 0 ? "" : i == GROUP_WORDS ? "--" : "-";

        for (int k = 0; k < i % GROUP_WORDS; k++)
            half /= JOBID_WORDS;
        used += (size_t)snprintf(buf + used, JOBID_SIZE - used, "%s%s", gap,
                                 jobid_word[half % JOBID_WORDS]);
    }
}

static void encode_emoji(flux_jobid_t id, char *buf)
{
    unsigned digits[16], n = split(id, JOBID_EMOJI, digits);

    for (unsigned i = 0; i < n; i++) {
        unsigned cp = jobid_emoji[digits[i]];

        *buf++ = (char)(0xf0 | cp >> 18);
        *buf++ = (char)(0x80 | (cp >> 12 & 63));
        *buf++ = (char)(0x80 | (cp >> 6 & 63));
        *buf++ = (char)(0x80 | (cp & 63));
    }
    *buf = '\0';
}

static const struct form {
    const char *name;
    void (*encode)(flux_jobid_t id, char *buf);
} forms[] = {
    {"f58", encode_f58_prefixed}, {"f58plain", encode_f58_plain}, {"dec", encode_dec},
    {"hex", encode_hex},          {"dothex", encode_dothex},      {"kvs", encode_kvs},
    {"words", encode_words},      {"emoji", encode_emoji},
};

int jobid_encode(flux_jobid_t id, const char *type, char *buf, size_t size)
{
    char text[JOBID_SIZE];
    size_t len;

    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        if (strcmp(forms[i].name, type ? type : "f58") != 0)
            continue;
        forms[i].encode(id, text);
        if ((len = strlen(text)) >= size)
            return -EOVERFLOW;
        memcpy(buf, text, len + 1);
        return (int)len;
    }
    return -EPROTO;
}

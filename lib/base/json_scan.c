/* The scan before parsing: strict JSON syntax and limits, without memory.
 *
 * json_parse() runs this first, so that text from outside cannot make the parser
 * take memory or stack beyond the limits, and so that cJSON's leniency (control
 * characters, bad UTF-8, "01", lone surrogates) does not matter.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/json_impl.h"
#include "base/utf8.h"

struct scan {
    const char *text, *p, *end;
    const struct json_limits *limits;
    flux_error_t *err;
    size_t keep;
    unsigned nodes, depth;
    unsigned char is_object[JSON_DEPTH_MAX / 8 + 1]; /* one bit a level */
};

static int malformed(struct scan *s, const char *why)
{
    return error_set(s->err, EPROTO, "invalid JSON at byte %zu: %s",
                     (size_t)(s->p - s->text), s->p < s->end ? why : "text ends early");
}

static void skip_space(struct scan *s)
{
    while (s->p < s->end &&
           (*s->p == ' ' || *s->p == '\n' || *s->p == '\t' || *s->p == '\r'))
        s->p++;
}

static int hex4(const char *p, const char *end)
{
    int v = 0;

    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = p[i];

        if (c >= '0' && c <= '9')
            v = v << 4 | (c - '0');
        else if ((c | 32) >= 'a' && (c | 32) <= 'f')
            v = v << 4 | ((c | 32) - 'a' + 10);
        else
            return -1;
    }
    return v;
}

/* At the 'u' of an escape; a surrogate must be the first half of a pair. */
static int scan_unicode(struct scan *s)
{
    int v = hex4(s->p + 1, s->end), low;

    if (v < 0)
        return malformed(s, "\\u needs four hexadecimal digits");
    if (v == 0)
        return malformed(s, "NUL characters in strings are not supported");
    s->p += 5;
    if (v < 0xd800 || v > 0xdfff)
        return 0;
    if (v > 0xdbff || s->end - s->p < 6 || s->p[0] != '\\' || s->p[1] != 'u')
        return malformed(s, "unpaired surrogate");
    low = hex4(s->p + 2, s->end);
    if (low < 0xdc00 || low > 0xdfff)
        return malformed(s, "unpaired surrogate");
    s->p += 6;
    return 0;
}

static int scan_escape(struct scan *s)
{
    s->p++;
    if (s->p >= s->end)
        return malformed(s, "");
    if (*s->p == 'u')
        return scan_unicode(s);
    if (!strchr("\"\\/bfnrt", *s->p) || !*s->p)
        return malformed(s, "unknown escape");
    s->p++;
    return 0;
}

/* At the opening quote; leaves p after the closing one. */
static int scan_string(struct scan *s)
{
    s->p++;
    while (s->p < s->end) {
        unsigned char c = (unsigned char)*s->p;
        int rc;

        if (c == '"') {
            s->p++;
            return 0;
        }
        if (c == '\\') {
            if ((rc = scan_escape(s)) < 0)
                return rc;
        } else if (c >= 0x80) {
            size_t n = utf8_char(s->p, (size_t)(s->end - s->p));

            if (n == 0)
                return malformed(s, "not UTF-8");
            s->p += n;
        } else if (c < 0x20) {
            return malformed(s, "control character in a string");
        } else {
            s->p++;
        }
    }
    return malformed(s, "");
}

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

/* Is the integer of these digits above what a double holds? */
static bool inexact(const char *digits, size_t n)
{
    int64_t v = 0;

    if (n != 16)
        return n > 16;
    for (size_t i = 0; i < n; i++)
        v = v * 10 + (digits[i] - '0');
    return v > JSON_EXACT_MAX;
}

size_t json_number_len(const char *s, const char *end, bool *keep)
{
    const char *p = s, *digits, *from;

    if (p < end && *p == '-')
        p++;
    digits = p;
    p = skip_digits(p, end);
    if (p == digits || (*digits == '0' && p - digits > 1))
        return 0;
    *keep = inexact(digits, (size_t)(p - digits)) || (*digits == '0' && digits != s);
    if (p < end && *p == '.') {
        from = p + 1;
        if ((p = skip_digits(from, end)) == from)
            return 0;
        *keep = true;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        from = p;
        if ((p = skip_digits(from, end)) == from)
            return 0;
        *keep = true;
    }
    return (size_t)(p - s);
}

static int scan_number(struct scan *s)
{
    bool keep;
    size_t n = json_number_len(s->p, s->end, &keep);

    if (n == 0)
        return malformed(s, "malformed number");
    if (n > JSON_NUMBER_MAX)
        return error_set(s->err, EFBIG, "JSON number of more than %d characters",
                         JSON_NUMBER_MAX);
    s->keep += keep;
    s->p += n;
    return 0;
}

static int scan_word(struct scan *s, const char *word)
{
    size_t n = strlen(word);

    if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
        return malformed(s, "expected a value");
    s->p += n;
    return 0;
}

static int scan_scalar(struct scan *s)
{
    switch (*s->p) {
    case '"':
        return scan_string(s);
    case 't':
        return scan_word(s, "true");
    case 'f':
        return scan_word(s, "false");
    case 'n':
        return scan_word(s, "null");
    default:
        if (*s->p == '-' || (*s->p >= '0' && *s->p <= '9'))
            return scan_number(s);
        return malformed(s, "expected a value");
    }
}

static bool in_object(const struct scan *s)
{
    unsigned d = s->depth - 1;

    return s->is_object[d / 8] >> (d % 8) & 1;
}

static int scan_open(struct scan *s)
{
    unsigned d = s->depth;

    if (d >= s->limits->depth || d >= JSON_DEPTH_MAX)
        return error_set(s->err, EFBIG, "JSON is nested too deeply (limit %u)",
                         s->limits->depth < JSON_DEPTH_MAX ? s->limits->depth
                                                           : JSON_DEPTH_MAX);
    if (*s->p == '{')
        s->is_object[d / 8] |= (unsigned char)(1u << (d % 8));
    else
        s->is_object[d / 8] &= (unsigned char)~(1u << (d % 8));
    s->depth++;
    s->p++;
    return 0;
}

static int scan_key(struct scan *s)
{
    int rc;

    skip_space(s);
    if (s->p >= s->end || *s->p != '"')
        return malformed(s, "expected a key");
    if ((rc = scan_string(s)) < 0)
        return rc;
    skip_space(s);
    if (s->p >= s->end || *s->p != ':')
        return malformed(s, "expected ':'");
    s->p++;
    return 0;
}

/* After a value: close what ends here. 1: the whole text is done, 0: a value (its key
 * already read) comes next. */
static int scan_after(struct scan *s)
{
    for (; s->depth > 0; s->depth--, s->p++) {
        bool object = in_object(s);

        skip_space(s);
        if (s->p < s->end && *s->p == ',') {
            s->p++;
            return object ? scan_key(s) : 0;
        }
        if (s->p >= s->end || *s->p != (object ? '}' : ']'))
            return malformed(s, object ? "expected ',' or '}'" : "expected ',' or ']'");
    }
    return 1;
}

/* One value, or the opening of one and the way to its first member. 1: a value ended. */
static int scan_value(struct scan *s)
{
    bool object;
    int rc;

    skip_space(s);
    if (s->p >= s->end)
        return malformed(s, "");
    if (++s->nodes > s->limits->nodes)
        return error_set(s->err, EFBIG, "JSON has too many values (limit %u)",
                         s->limits->nodes);
    if (*s->p != '{' && *s->p != '[')
        return (rc = scan_scalar(s)) < 0 ? rc : 1;
    object = *s->p == '{';
    if ((rc = scan_open(s)) < 0)
        return rc;
    skip_space(s);
    if (s->p < s->end && *s->p == (object ? '}' : ']')) {
        s->depth--;
        s->p++;
        return 1;
    }
    return object ? scan_key(s) : 0;
}

int json_scan(const char *text, size_t len, const struct json_limits *limits,
              size_t *keep, flux_error_t *err)
{
    struct scan s = {
        .text = text, .p = text, .end = text + len, .limits = limits, .err = err};
    int rc;

    if (len > limits->bytes)
        return error_set(err, EFBIG, "JSON text of %zu bytes is too long (limit %zu)",
                         len, limits->bytes);
    do {
        while ((rc = scan_value(&s)) == 0)
            ;
        if (rc < 0)
            return rc;
    } while ((rc = scan_after(&s)) == 0);
    if (rc < 0)
        return rc;
    skip_space(&s);
    if (s.p < s.end)
        return malformed(&s, "more text after the value");
    *keep = s.keep;
    return 0;
}

/* Numbers: reading them from a tree, making them, writing them. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsd.h"
#include "base/json_impl.h"

static bool is_raw_number(const cJSON *o)
{
    return cJSON_IsRaw(o) && o->valuestring &&
           (*o->valuestring == '-' || (*o->valuestring >= '0' && *o->valuestring <= '9'));
}

static bool is_integral(double d)
{
    return isfinite(d) && d == trunc(d);
}

bool json_is_number(const cJSON *o)
{
    return cJSON_IsNumber(o) || is_raw_number(o);
}

bool json_is_integer(const cJSON *o)
{
    if (cJSON_IsNumber(o))
        return is_integral(o->valuedouble);
    return is_raw_number(o) && !o->valuestring[strcspn(o->valuestring, ".eE")];
}

static int integer_from_text(const char *s, int64_t *ret)
{
    bool negative = *s == '-';
    int64_t v = 0;

    for (s += negative; *s; s++) {
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_sub_overflow(v, *s - '0', &v)) /* negative: its range is larger */
            return -ERANGE;
    }
    if (!negative && v == INT64_MIN)
        return -ERANGE;
    *ret = negative ? v : -v;
    return 0;
}

static int integer_from_double(double d, int64_t *ret)
{
    if (isnan(d) || (isfinite(d) && d != trunc(d)))
        return -EPROTO;
    if (fabs(d) > (double)JSON_EXACT_MAX)
        return -ERANGE;
    *ret = (int64_t)d;
    return 0;
}

int json_int64(const cJSON *o, int64_t *ret)
{
    if (!json_is_number(o))
        return -EPROTO;
    if (cJSON_IsRaw(o) && json_is_integer(o))
        return integer_from_text(o->valuestring, ret);
    return integer_from_double(o->valuedouble, ret);
}

int json_real(const cJSON *o, double *ret)
{
    if (!json_is_number(o))
        return -EPROTO;
    if (!isfinite(o->valuedouble))
        return -ERANGE;
    *ret = o->valuedouble;
    return 0;
}

int json_seconds(const cJSON *o, double *ret)
{
    const char *s = json_str(o);

    return s ? fsd_parse(s, ret) : json_real(o, ret);
}

static cJSON *new_raw_number(const char *text, size_t len, double value)
{
    cJSON *o = cJSON_CreateNull();

    if (!o)
        return NULL;
    if (!(o->valuestring = json_strndup(text, len))) {
        cJSON_Delete(o);
        return NULL;
    }
    o->type = cJSON_Raw;
    o->valuedouble = value;
    return o;
}

static cJSON *new_from(struct buf *b, double value)
{
    cJSON *o = b->failed ? NULL : new_raw_number(b->data, b->len, value);

    buf_free(b);
    return o;
}

cJSON *json_new_int(int64_t i)
{
    struct buf b = {0};

    if (i >= -JSON_EXACT_MAX && i <= JSON_EXACT_MAX)
        return cJSON_CreateNumber((double)i);
    json_buf_int(&b, i);
    return new_from(&b, (double)i);
}

cJSON *json_new_real(double d)
{
    struct buf b = {0};

    if (json_buf_real(&b, d) == -EINVAL) {
        buf_free(&b);
        errno = EINVAL;
        return NULL;
    }
    return new_from(&b, d);
}

/* Write v in decimal so that it ends before `end`; returns its start. */
static char *digits(char *end, uint64_t v)
{
    do
        *--end = (char)('0' + v % 10);
    while (v /= 10);
    return end;
}

int json_buf_int(struct buf *out, int64_t i)
{
    char text[24], *end = text + sizeof(text);
    char *p = digits(end, i < 0 ? 0 - (uint64_t)i : (uint64_t)i);

    if (i < 0)
        *--p = '-';
    return buf_add(out, p, (size_t)(end - p));
}

/* micros / 10^6, with `least` to six decimals. */
static int add_micros(struct buf *out, bool negative, uint64_t micros, int least)
{
    char text[32], *end = text + sizeof(text), *p = end;
    uint64_t fraction = micros % 1000000;

    for (int i = 0; i < 6; i++, fraction /= 10)
        *--p = (char)('0' + fraction % 10);
    *--p = '.';
    p = digits(p, micros / 1000000);
    if (negative)
        *--p = '-';
    for (int i = 6; i > least && end[-1] == '0'; i--)
        end--;
    return buf_add(out, p, (size_t)(end - p));
}

/* Append the number in text as JSON, whatever decimal point the locale gave it. */
static int add_printed(struct buf *out, const char *text)
{
    bool real = false;

    for (const char *p = text; *p; p++) {
        if (strchr("0123456789+-e", *p)) {
            real |= *p == 'e';
            buf_addc(out, *p);
        } else if (!real) {
            real = true;
            buf_addc(out, '.');
        }
    }
    if (!real)
        buf_adds(out, ".0");
    return out->failed ? -ENOMEM : 0;
}

int json_buf_real(struct buf *out, double d)
{
    char text[64];
    double micros = fabs(d) * 1e6;

    if (!isfinite(d))
        return -EINVAL;
    /* Six decimals are enough for most; below 2^32 they are also the shortest. */
    if (fabs(d) < 4294967296.0) {
        uint64_t m = (uint64_t)(micros + 0.5);

        if ((double)m / 1e6 == fabs(d))
            return add_micros(out, signbit(d), m, 1);
    }
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(text, sizeof(text), "%.*g", precision, d);
        if (strtod(text, NULL) == d)
            break;
    }
    return add_printed(out, text);
}

int json_buf_time(struct buf *out, double t)
{
    if (!isfinite(t))
        return -EINVAL;
    if (fabs(t) > 1e12)
        return json_buf_real(out, t);
    return add_micros(out, t < 0, (uint64_t)llround(fabs(t) * 1e6), 6);
}

/* Flux Standard Duration; see fsd.h. Neither side depends on the locale. */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/fsd.h"

#define MINUTE 60.0
#define HOUR 3600.0
#define DAY 86400.0
/* Digits that fit a 64-bit mantissa. */
#define MANTISSA_DIGITS 18

static const struct unit {
    const char *name;
    double seconds;
} units[] = {{"", 1}, {"ms", 1e-3}, {"s", 1}, {"m", MINUTE}, {"h", HOUR}, {"d", DAY}};

struct reader {
    const char *p, *end;
    unsigned long long mantissa;
    int digits;   /* significant digits taken */
    int exponent; /* of ten, that the mantissa lacks */
    bool any;     /* a digit was seen */
};

static void read_digits(struct reader *r, bool fraction)
{
    for (; r->p < r->end && *r->p >= '0' && *r->p <= '9'; r->p++) {
        r->any = true;
        if (r->digits >= MANTISSA_DIGITS) {
            r->exponent += !fraction;
            continue;
        }
        r->mantissa = r->mantissa * 10 + (unsigned)(*r->p - '0');
        r->digits += r->mantissa != 0;
        r->exponent -= fraction;
    }
}

/* "e+10"; leaves p alone when that is not what stands there. */
static void read_exponent(struct reader *r)
{
    const char *p = r->p;
    bool negative = false;
    int v = 0;

    if (p >= r->end || (*p != 'e' && *p != 'E'))
        return;
    p++;
    if (p < r->end && (*p == '+' || *p == '-'))
        negative = *p++ == '-';
    if (p >= r->end || *p < '0' || *p > '9')
        return;
    for (; p < r->end && *p >= '0' && *p <= '9'; p++)
        v = v < 10000 ? v * 10 + (*p - '0') : v;
    r->exponent += negative ? -v : v;
    r->p = p;
}

static double scale(unsigned long long mantissa, int exponent)
{
    /* Division by an exact power of ten rounds once: "0.1" is the double 0.1. */
    if (mantissa == 0)
        return 0;
    if (exponent < 0 && exponent >= -22)
        return (double)mantissa / pow(10, -exponent);
    if (exponent < -300)
        return (double)mantissa * pow(10, exponent + 200) * 1e-200;
    return (double)mantissa * pow(10, exponent);
}

static bool is_word(const char *s, size_t len, const char *word)
{
    return len == strlen(word) && strncasecmp(s, word, len) == 0;
}

int fsd_parsen(const char *s, size_t len, double *ret)
{
    struct reader r = {.p = s, .end = s + len};

    if (is_word(s, len, "inf") || is_word(s, len, "infinity")) {
        *ret = INFINITY;
        return 0;
    }
    read_digits(&r, false);
    if (r.p < r.end && *r.p == '.') {
        r.p++;
        read_digits(&r, true);
    }
    if (!r.any)
        return -EINVAL;
    read_exponent(&r);
    len = (size_t)(r.end - r.p);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strlen(units[i].name) == len && memcmp(units[i].name, r.p, len) == 0) {
            double d = scale(r.mantissa, r.exponent);

            /* As seconds: 500ms is 0.5, not 500 times an inexact 0.001. */
            d = units[i].seconds < 1 ? d / 1e3 : d * units[i].seconds;
            if (!isfinite(d))
                return -EINVAL;
            *ret = d;
            return 0;
        }
    }
    return -EINVAL;
}

int fsd_parse(const char *s, double *ret)
{
    return s ? fsd_parsen(s, strlen(s), ret) : -EINVAL;
}

/* snprintf's result, with the locale's decimal point made a dot. */
static int printed(char *buf, size_t size, int n)
{
    if (n < 0 || (size_t)n >= size)
        return -EOVERFLOW;
    for (char *p = buf; *p; p++) {
        if (*p == ',')
            *p = '.';
    }
    return n;
}

static bool invalid(double seconds)
{
    return isnan(seconds) || seconds < 0;
}

static const struct unit *pick_unit(double seconds)
{
    if (seconds >= DAY)
        return &units[5];
    if (seconds >= HOUR)
        return &units[4];
    if (seconds >= MINUTE)
        return &units[3];
    return &units[2];
}

int fsd_format_digits(double seconds, int digits, char *buf, size_t size)
{
    const struct unit *u;

    if (invalid(seconds) || digits < 1 || digits > 17)
        return -EINVAL;
    if (isinf(seconds))
        return printed(buf, size, snprintf(buf, size, "infinity"));
    if (seconds < 0.1 && seconds != 0)
        return printed(buf, size, snprintf(buf, size, "%.*gms", digits, seconds * 1e3));
    u = pick_unit(seconds);
    return printed(buf, size,
                   snprintf(buf, size, "%.*g%s", digits, seconds / u->seconds, u->name));
}

int fsd_format(double seconds, char *buf, size_t size)
{
    return fsd_format_digits(seconds, 6, buf, size);
}

int fsd_format_short(double seconds, char *buf, size_t size)
{
    const struct unit *u;

    if (invalid(seconds))
        return -EINVAL;
    if (isinf(seconds))
        return printed(buf, size, snprintf(buf, size, "inf"));
    if (seconds < 1e-3)
        return printed(buf, size, snprintf(buf, size, "0s"));
    if (seconds < 10)
        return printed(buf, size, snprintf(buf, size, "%.3fs", seconds));
    u = pick_unit(seconds);
    return printed(buf, size,
                   snprintf(buf, size, "%.4g%s", seconds / u->seconds, u->name));
}

int fsd_format_hms(double seconds, char *buf, size_t size)
{
    unsigned long long t, days;
    char prefix[40] = "";
    int n;

    if (invalid(seconds))
        return -EINVAL;
    if (isinf(seconds) || seconds > 1e15)
        return printed(buf, size, snprintf(buf, size, "inf"));
    t = seconds > 0 && seconds < 1 ? 1 : (unsigned long long)rint(seconds);
    if ((days = t / 86400) > 0)
        snprintf(prefix, sizeof(prefix), "%llu day%s, ", days, days > 1 ? "s" : "");
    n = snprintf(buf, size, "%s%llu:%02llu:%02llu", prefix, t % 86400 / 3600,
                 t % 3600 / 60, t % 60);
    return n < 0 || (size_t)n >= size ? -EOVERFLOW : n;
}

/* Points in time as people write them; see datetime.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fsd.h"
#include "cli/datetime.h"

static int parse_offset(const char *s, double now, double *ret)
{
    double d;

    if (fsd_parse(s + 1, &d) < 0 || !(d < 1e11))
        return -EINVAL;
    *ret = s[0] == '+' ? now + d : now - d;
    return 0;
}

static int parse_seconds(const char *s, double *ret)
{
    char *end;
    double v;

    if (*s == '@')
        s++;
    v = strtod(s, &end);
    if (end == s || *end || !(v >= 1e8 && v < 1e11))
        return -EINVAL;
    *ret = v;
    return 0;
}

static int parse_date(const char *s, double *ret)
{
    static const char *const formats[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S",
                                          "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"};

    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        struct tm tm = {.tm_isdst = -1};
        const char *end = strptime(s, formats[i], &tm);

        if (end && !*end) {
            *ret = (double)mktime(&tm);
            return 0;
        }
    }
    return -EINVAL;
}

/* A time of day: the next one from now on. */
static int parse_clock(const char *s, double now, double *ret)
{
    static const char *const formats[] = {"%H:%M:%S", "%H:%M"};
    time_t t = (time_t)now;

    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        struct tm tm;
        const char *end;

        localtime_r(&t, &tm);
        tm.tm_sec = 0;
        end = strptime(s, formats[i], &tm);
        if (!end || *end)
            continue;
        tm.tm_isdst = -1;
        *ret = (double)mktime(&tm);
        if (*ret < now) {
            tm.tm_mday++;
            *ret = (double)mktime(&tm);
        }
        return 0;
    }
    return -EINVAL;
}

int datetime_parse(const char *s, double now, double *ret, flux_error_t *err)
{
    if (!strcmp(s, "now")) {
        *ret = now;
        return 0;
    }
    if ((s[0] == '+' || s[0] == '-') && parse_offset(s, now, ret) == 0)
        return 0;
    if (parse_seconds(s, ret) == 0 || parse_date(s, ret) == 0 ||
        parse_clock(s, now, ret) == 0)
        return 0;
    return error_set(err, EINVAL,
                     "'%s' is not a time (such as +2h, 14:30, 2030-01-31 14:30)", s);
}

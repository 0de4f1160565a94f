#include <errno.h>
#include <locale.h>
#include <math.h>
#include <string.h>

#include "base/fsd.h"
#include "suite.h"

START_TEST(reads_all_units)
{
    static const struct {
        const char *text;
        double seconds;
    } cases[] = {
        {"0", 0},
        {"1.5s", 1.5},
        {"10m", 600},
        {"2h", 7200},
        {"1d", 86400},
        {"500ms", 0.5},
        {"42", 42},
        {".5h", 1800},
        {"1.", 1},
        {"1e3", 1000},
        {"2.5e-1m", 15},
        {"inf", INFINITY},
        {"0.1", 0.1},
        {"infinity", INFINITY},
        {"INF", INFINITY},
        {"1e2ms", 0.1},
        {"0.000000000000000000000000001", 1e-27},
        {"100000000000000000000000", 1e23},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        double d = -1;

        ck_assert_msg(fsd_parse(cases[i].text, &d) == 0, "%s", cases[i].text);
        ck_assert_msg(d == cases[i].seconds || fabs(d / cases[i].seconds - 1) < 1e-15,
                      "%s: %.17g", cases[i].text, d);
    }
}
END_TEST

START_TEST(refuses_what_is_no_duration)
{
    static const char *const bad[] = {"",     "-1",    "1x",   "s",   ".",  "nan",
                                      "-inf", "inf s", "infs", "1 s", "1S", "1e400",
                                      "5mm",  "1sd",   "+",    "1e",  "1us"};
    double d = 7;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(fsd_parse(bad[i], &d) == -EINVAL, "%s", bad[i]);
    ck_assert_int_eq(fsd_parse(NULL, &d), -EINVAL);
    ck_assert_double_eq(d, 7);
}
END_TEST

static const char *printed(double d, int (*f)(double, char *, size_t))
{
    static char buf[64];
    int n = f(d, buf, sizeof(buf));

    ck_assert_int_eq(n, (int)strlen(buf));
    return buf;
}

START_TEST(prints_in_the_largest_unit)
{
    ck_assert_str_eq(printed(0, fsd_format), "0s");
    ck_assert_str_eq(printed(1.5, fsd_format), "1.5s");
    ck_assert_str_eq(printed(126, fsd_format), "2.1m");
    ck_assert_str_eq(printed(0.0125, fsd_format), "12.5ms");
    ck_assert_str_eq(printed(0.1, fsd_format), "0.1s");
    ck_assert_str_eq(printed(60, fsd_format), "1m");
    ck_assert_str_eq(printed(9000, fsd_format), "2.5h");
    ck_assert_str_eq(printed(129600, fsd_format), "1.5d");
    ck_assert_str_eq(printed(INFINITY, fsd_format), "infinity");
}
END_TEST

START_TEST(short_form_is_that_of_job_listings)
{
    ck_assert_str_eq(printed(0.0005, fsd_format_short), "0s");
    ck_assert_str_eq(printed(1.5, fsd_format_short), "1.500s");
    ck_assert_str_eq(printed(12.345, fsd_format_short), "12.35s");
    ck_assert_str_eq(printed(126, fsd_format_short), "2.1m");
    ck_assert_str_eq(printed(5000, fsd_format_short), "1.389h");
    ck_assert_str_eq(printed(INFINITY, fsd_format_short), "inf");
}
END_TEST

START_TEST(clock_form_rounds_to_seconds)
{
    ck_assert_str_eq(printed(0, fsd_format_hms), "0:00:00");
    ck_assert_str_eq(printed(0.1, fsd_format_hms), "0:00:01");
    ck_assert_str_eq(printed(65.4, fsd_format_hms), "0:01:05");
    ck_assert_str_eq(printed(86399.6, fsd_format_hms), "1 day, 0:00:00");
    ck_assert_str_eq(printed(2 * 86400 + 3 * 3600, fsd_format_hms), "2 days, 3:00:00");
    ck_assert_str_eq(printed(INFINITY, fsd_format_hms), "inf");
}
END_TEST

START_TEST(formats_refuse_bad_input_and_short_buffers)
{
    char buf[4];

    ck_assert_int_eq(fsd_format(-1, buf, sizeof(buf)), -EINVAL);
    ck_assert_int_eq(fsd_format_short(NAN, buf, sizeof(buf)), -EINVAL);
    ck_assert_int_eq(fsd_format(12.5, buf, sizeof(buf)), -EOVERFLOW);
    ck_assert_int_eq(fsd_format_hms(65, buf, sizeof(buf)), -EOVERFLOW);
    ck_assert_int_eq(fsd_format_digits(1, 18, buf, sizeof(buf)), -EINVAL);
}
END_TEST

START_TEST(what_is_printed_reads_back)
{
    for (double d = 0.001; d < 1e9; d *= 1.37) {
        char buf[64];
        double back;

        fsd_format_digits(d, 17, buf, sizeof(buf));
        ck_assert_int_eq(fsd_parse(buf, &back), 0);
        ck_assert_double_eq_tol(back / d, 1, 1e-14);
    }
}
END_TEST

SUITE_MAIN("base/fsd", reads_all_units, refuses_what_is_no_duration,
           prints_in_the_largest_unit, short_form_is_that_of_job_listings,
           clock_form_rounds_to_seconds, formats_refuse_bad_input_and_short_buffers,
           what_is_printed_reads_back)

#include <errno.h>
#include <time.h>

#include "cli/datetime.h"
#include "suite.h"

/* 2023-11-14 22:13:20 UTC */
#define NOW 1700000000.

static double parsed(const char *s)
{
    double t = -1;
    flux_error_t err;

    ck_assert_msg(datetime_parse(s, NOW, &t, &err) == 0, "%s", s);
    return t;
}

static void in_utc(void)
{
    setenv("TZ", "UTC", 1);
    tzset();
}

START_TEST(offsets_and_seconds)
{
    in_utc();
    ck_assert_double_eq(parsed("now"), NOW);
    ck_assert_double_eq(parsed("+2h"), NOW + 7200);
    ck_assert_double_eq(parsed("-1.5m"), NOW - 90);
    ck_assert_double_eq(parsed("+0"), NOW);
    ck_assert_double_eq(parsed("@1600000000"), 1600000000.);
    ck_assert_double_eq(parsed("1600000000.5"), 1600000000.5);
}
END_TEST

START_TEST(dates)
{
    in_utc();
    ck_assert_double_eq(parsed("2023-11-14"), 1699920000.);
    ck_assert_double_eq(parsed("2023-11-14 22:13"), 1699999980.);
    ck_assert_double_eq(parsed("2023-11-14T22:13:20"), NOW);
    ck_assert_double_eq(parsed("2024-02-29 00:00:00"), 1709164800.);
}
END_TEST

START_TEST(a_time_of_day_is_the_next_one)
{
    in_utc();
    ck_assert_double_eq(parsed("22:14"), 1700000040.);
    ck_assert_double_eq(parsed("22:13:20"), NOW);
    ck_assert_double_eq(parsed("22:13"), 1699999980. + 86400);
    ck_assert_double_eq(parsed("00:00"), 1700006400.);
}
END_TEST

START_TEST(local_time_counts)
{
    setenv("TZ", "UTC-2", 1); /* two hours ahead */
    tzset();
    ck_assert_double_eq(parsed("2023-11-15 00:13:20"), NOW);
}
END_TEST

START_TEST(what_is_no_time_is_refused)
{
    static const char *const bad[] = {
        "",  "later", "+",   "+x",  "25:00", "12:60", "2023-13-01", "2023-11-14x", "@x",
        "@", "5",     "nan", "inf", "@inf",  "+inf",  "-nan",       "12:00pm"};
    flux_error_t err;
    double t;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        err.text[0] = '\0';
        ck_assert_msg(datetime_parse(bad[i], NOW, &t, &err) == -EINVAL, "'%s'", bad[i]);
        ck_assert_ptr_nonnull(strstr(err.text, bad[i])); /* it is named */
    }
}
END_TEST

SUITE_MAIN("datetime", offsets_and_seconds, dates, a_time_of_day_is_the_next_one,
           local_time_counts, what_is_no_time_is_refused)

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "suite.h"

START_TEST(sets_text_and_returns_the_negative_code)
{
    flux_error_t err;

    ck_assert_int_eq(error_set(&err, EINVAL, "no %s", "queue"), -EINVAL);
    ck_assert_str_eq(err.text, "no queue");
    ck_assert_int_eq(error_set(NULL, ENOENT, "x"), -ENOENT);
}
END_TEST

START_TEST(long_text_is_cut)
{
    flux_error_t err;

    error_set(&err, EINVAL, "%500d", 1);
    ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
}
END_TEST

SUITE_MAIN("base/error", sets_text_and_returns_the_negative_code, long_text_is_cut)

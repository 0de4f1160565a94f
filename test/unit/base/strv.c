#include "base/strv.h"
#include "suite.h"

static char *const env[] = {"HOME=/home/user", "HOMER=poet", "EMPTY=", "NOVALUE",
                            "TWO=a=b",         "HOME=again", NULL};

START_TEST(a_copy_is_equal_and_apart)
{
    const char *const v[] = {"one", "", "three", NULL};
    char **copy = strv_copy(v);

    ck_assert_ptr_nonnull(copy);
    for (int i = 0; i < 3; i++) {
        ck_assert_str_eq(copy[i], v[i]);
        ck_assert_ptr_ne(copy[i], v[i]);
    }
    ck_assert_ptr_null(copy[3]);
    strv_free(copy);
}
END_TEST

START_TEST(nothing_and_none_are_copied_as_such)
{
    char **copy = strv_copy((const char *const[]){NULL});

    ck_assert_ptr_nonnull(copy);
    ck_assert_ptr_null(copy[0]);
    strv_free(copy);
    ck_assert_ptr_null(strv_copy(NULL));
    strv_free(NULL);
}
END_TEST

START_TEST(a_variable_is_found_by_its_whole_name)
{
    ck_assert_str_eq(strv_getenv(env, "HOME"), "/home/user");
    ck_assert_str_eq(strv_getenv(env, "HOMER"), "poet");
    ck_assert_str_eq(strv_getenv(env, "TWO"), "a=b");
    ck_assert_str_eq(strv_getenv(env, "EMPTY"), "");
    ck_assert_ptr_null(strv_getenv(env, "HOM"));
    ck_assert_ptr_null(strv_getenv(env, "NOVALUE"));
    ck_assert_ptr_null(strv_getenv(NULL, "HOME"));
}
END_TEST

START_TEST(an_empty_variable_is_not_set)
{
    ck_assert_ptr_null(strv_getenv_set(env, "EMPTY"));
    ck_assert_ptr_null(strv_getenv_set(env, "HOM"));
    ck_assert_ptr_null(strv_getenv_set(NULL, "HOME"));
    ck_assert_str_eq(strv_getenv_set(env, "HOME"), "/home/user");
}
END_TEST

SUITE_MAIN("base/strv", a_copy_is_equal_and_apart, nothing_and_none_are_copied_as_such,
           a_variable_is_found_by_its_whole_name, an_empty_variable_is_not_set)

/* The names that a job's data have in the KVS. */
#include <errno.h>
#include <stdlib.h>

#include <flux/core.h>
#include <flux/job.h>

#include "suite.h"

#define ID 0x0123456789abcdefull
#define KEY "job.0123.4567.89ab.cdef"

static char buf[128];

START_TEST(a_key_of_a_job_is_below_its_directory)
{
    ck_assert_int_eq(flux_job_kvs_key(buf, sizeof(buf), ID, "R"), sizeof(KEY ".R") - 1);
    ck_assert_str_eq(buf, KEY ".R");
    flux_job_kvs_key(buf, sizeof(buf), ID, NULL);
    ck_assert_str_eq(buf, KEY);
}
END_TEST

START_TEST(a_guest_key_is_below_the_jobs_link_outside_of_a_job)
{
    unsetenv("FLUX_KVS_NAMESPACE");
    ck_assert_int_eq(flux_job_kvs_guest_key(buf, sizeof(buf), ID, "a.b"),
                     sizeof(KEY ".guest.a.b") - 1);
    ck_assert_str_eq(buf, KEY ".guest.a.b");
    flux_job_kvs_guest_key(buf, sizeof(buf), ID, NULL);
    ck_assert_str_eq(buf, KEY ".guest");
}
END_TEST

START_TEST(a_guest_key_is_the_key_itself_inside_of_a_job)
{
    setenv("FLUX_KVS_NAMESPACE", "job-1", 1);
    ck_assert_int_eq(flux_job_kvs_guest_key(buf, sizeof(buf), ID, "a.b"), 3);
    ck_assert_str_eq(buf, "a.b");
    flux_job_kvs_guest_key(buf, sizeof(buf), ID, NULL);
    ck_assert_str_eq(buf, ".");
    unsetenv("FLUX_KVS_NAMESPACE");
}
END_TEST

START_TEST(a_jobs_namespace_is_named_by_its_decimal_id)
{
    ck_assert_int_eq(flux_job_kvs_namespace(buf, sizeof(buf), 1234), 8);
    ck_assert_str_eq(buf, "job-1234");
}
END_TEST

START_TEST(what_does_not_fit_is_an_error)
{
    unsetenv("FLUX_KVS_NAMESPACE");
    ck_assert_int_eq(flux_job_kvs_key(buf, sizeof(KEY), ID, "R"), -1);
    ck_assert_int_eq(errno, EOVERFLOW);
    ck_assert_int_eq(flux_job_kvs_guest_key(buf, sizeof(KEY), ID, "R"), -1);
    ck_assert_int_eq(errno, EOVERFLOW);
    ck_assert_int_eq(flux_job_kvs_namespace(buf, 8, 1234), -1);
    ck_assert_int_eq(errno, EOVERFLOW);
    ck_assert_int_eq(flux_job_kvs_namespace(NULL, 8, 1234), -1);
    ck_assert_int_eq(errno, EINVAL);
}
END_TEST

SUITE_MAIN("flux/job", a_key_of_a_job_is_below_its_directory,
           a_guest_key_is_below_the_jobs_link_outside_of_a_job,
           a_guest_key_is_the_key_itself_inside_of_a_job,
           a_jobs_namespace_is_named_by_its_decimal_id, what_does_not_fit_is_an_error)

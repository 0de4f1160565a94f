/* Keys of jobs in the KVS. */
#include <errno.h>

#include "proto/jobkey.h"
#include "suite.h"

#define ID 0x0123456789abcdefull

static int parse(const char *key, struct jobkey *k)
{
    return jobkey_parse(slice_of(key), k);
}

START_TEST(a_whole_id_and_what_is_behind_it)
{
    struct jobkey k;

    ck_assert_int_eq(parse("0123.4567.89ab.cdef.guest.a", &k), 0);
    ck_assert_uint_eq(k.groups, 4);
    ck_assert(k.id == ID);
    ck_assert(slice_is(k.rest, "guest.a"));
    ck_assert_int_eq(parse("0123.4567.89ab.cdef", &k), 0);
    ck_assert_uint_eq(k.groups, 4);
    ck_assert_uint_eq(k.rest.len, 0);
}
END_TEST

START_TEST(a_part_of_an_id_is_its_upper_bits)
{
    struct jobkey k;

    ck_assert_int_eq(parse("", &k), 0);
    ck_assert_uint_eq(k.groups, 0);
    ck_assert(k.id == 0);
    ck_assert_int_eq(parse("0123.4567", &k), 0);
    ck_assert_uint_eq(k.groups, 2);
    ck_assert(k.id == 0x0123456700000000ull);
}
END_TEST

START_TEST(other_names_are_of_no_job)
{
    static const char *const bad[] = {"x",    "123",       "12345",      "012G",
                                      "012A", "0123.x.89", "0123.45 67", "-123"};
    struct jobkey k;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(parse(bad[i], &k) == -ENOENT, "%s", bad[i]);
}
END_TEST

START_TEST(what_is_printed_can_be_parsed)
{
    char text[JOBKEY_SIZE];
    struct jobkey k;

    jobkey_print(ID, text);
    ck_assert_str_eq(text, "job.0123.4567.89ab.cdef");
    ck_assert_int_eq(parse(text + 4, &k), 0);
    ck_assert(k.id == ID);
    jobkey_print(1, text);
    ck_assert_str_eq(text, "job.0000.0000.0000.0001");
}
END_TEST

START_TEST(keys_of_a_jobs_own_namespace)
{
    static const char *const others[] = {
        "job.0123.4567.89ab.cdef", "job.0123.4567.89ab.guest.x",
        "job.0123.4567.89ab.cdef.guests", "jobs.0123.4567.89ab.cdef.guest",
        "x.0123.4567.89ab.cdef.guest"};
    struct slice rest;
    uint64_t id;

    ck_assert_int_eq(jobkey_guest(slice_of("job.0123.4567.89ab.cdef.guest"), &id, &rest),
                     1);
    ck_assert(id == ID);
    ck_assert_uint_eq(rest.len, 0);
    ck_assert_int_eq(
        jobkey_guest(slice_of("job.0123.4567.89ab.cdef.guest.a.b"), &id, &rest), 1);
    ck_assert(slice_is(rest, "a.b"));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        ck_assert_msg(jobkey_guest(slice_of(others[i]), &id, &rest) == 0, "%s",
                      others[i]);
}
END_TEST

START_TEST(names_of_namespaces)
{
    static const char *const others[] = {"job-",
                                         "job-x",
                                         "job-01",
                                         "job--1",
                                         "job-1 ",
                                         "jobs-1",
                                         "job-18446744073709551616"};
    char text[JOBKEY_NAMESPACE_SIZE];
    uint64_t id = 0;

    jobkey_namespace(UINT64_MAX, text);
    ck_assert_str_eq(text, "job-18446744073709551615");
    ck_assert_int_eq(jobkey_namespace_parse(text, &id), 0);
    ck_assert(id == UINT64_MAX);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        ck_assert_msg(jobkey_namespace_parse(others[i], &id) == -ENOENT, "%s", others[i]);
}
END_TEST

SUITE_MAIN("proto/jobkey", a_whole_id_and_what_is_behind_it,
           a_part_of_an_id_is_its_upper_bits, other_names_are_of_no_job,
           what_is_printed_can_be_parsed, keys_of_a_jobs_own_namespace,
           names_of_namespaces)

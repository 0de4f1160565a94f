/* Event subscriptions. */
#include "fake.h"

START_TEST(prefixes_match)
{
    struct subs s = {0};

    ck_assert(!subs_match(&s, "x"));
    ck_assert_int_eq(subs_add(&s, "job"), 0);
    ck_assert(subs_match(&s, "job"));
    ck_assert(subs_match(&s, "job-state"));
    ck_assert(!subs_match(&s, "jo"));
    ck_assert(!subs_match(&s, "xjob"));
    ck_assert_int_eq(subs_add(&s, ""), 0);
    ck_assert(subs_match(&s, "anything"));
    subs_clear(&s);
}
END_TEST

START_TEST(subscriptions_are_counted)
{
    struct subs s = {0};

    ck_assert_int_eq(subs_add(&s, "a"), 0);
    ck_assert_int_eq(subs_add(&s, "a"), 0);
    ck_assert_int_eq(subs_add(&s, "b"), 0);
    ck_assert_int_eq(subs_remove(&s, "a"), 0);
    ck_assert(subs_match(&s, "a"));
    ck_assert_int_eq(subs_remove(&s, "a"), 0);
    ck_assert(!subs_match(&s, "a"));
    ck_assert(subs_match(&s, "b"));
    ck_assert_int_eq(subs_remove(&s, "a"), -ENOENT);
    subs_clear(&s);
}
END_TEST

SUITE_MAIN("subs", prefixes_match, subscriptions_are_counted)

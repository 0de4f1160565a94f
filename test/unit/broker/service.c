/* The service registry. */
#include <string.h>

#include "broker/service.h"
#include "fake.h"

static struct endpoint a, b;

static struct endpoint *match(struct services *s, const char *topic)
{
    return services_match(s, topic, strlen(topic), NULL);
}

START_TEST(the_longest_name_counts)
{
    struct services *s;
    const char *name;

    ck_assert_int_eq(services_new(&s), 0);
    ck_assert_int_eq(services_add(s, "sched", &a), 0);
    ck_assert_int_eq(services_add(s, "sched.easy", &b), 0);
    ck_assert_ptr_eq(match(s, "sched.alloc"), &a);
    ck_assert_ptr_eq(match(s, "sched.easy.ping"), &b);
    ck_assert_ptr_eq(match(s, "sched.other.ping"), &a);
    ck_assert_ptr_eq(match(s, "sched"), &a);
    ck_assert_ptr_null(match(s, "sche.alloc"));
    ck_assert_ptr_null(match(s, "schedx.alloc"));
    ck_assert_ptr_null(match(s, ""));
    ck_assert_ptr_null(match(s, "."));
    services_match(s, "sched.easy.x", 12, &name);
    ck_assert_str_eq(name, "sched.easy");
    services_free(s);
}
END_TEST

START_TEST(names_are_taken_once_and_freed_by_their_owner)
{
    struct services *s;

    ck_assert_int_eq(services_new(&s), 0);
    ck_assert_int_eq(services_add(s, "x", &a), 0);
    ck_assert_int_eq(services_add(s, "x", &a), -EEXIST);
    ck_assert_int_eq(services_add(s, "x", &b), -EEXIST);
    ck_assert_int_eq(services_remove(s, "x", &b), -ENOENT);
    ck_assert_int_eq(services_remove(s, "y", &a), -ENOENT);
    ck_assert_int_eq(services_remove(s, "x", &a), 0);
    ck_assert_int_eq(services_add(s, "x", &b), 0);
    services_free(s);
}
END_TEST

START_TEST(all_names_of_an_endpoint_go_with_it)
{
    struct services *s;
    char name[16];

    ck_assert_int_eq(services_new(&s), 0);
    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof(name), "svc%d", i);
        ck_assert_int_eq(services_add(s, name, i % 2 ? &a : &b), 0);
    }
    services_remove_all(s, &a);
    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof(name), "svc%d", i);
        ck_assert_ptr_eq(services_get(s, name), i % 2 ? NULL : &b);
    }
    services_free(s);
}
END_TEST

START_TEST(bad_names_are_refused)
{
    struct services *s;
    char big[SERVICE_NAME_MAX + 2], topic[1000];

    memset(big, 'a', sizeof(big));
    big[sizeof(big) - 1] = '\0';
    memset(topic, 'a', sizeof(topic));
    topic[sizeof(topic) - 1] = '\0';
    topic[900] = '.';
    ck_assert_int_eq(services_new(&s), 0);
    ck_assert_int_eq(services_add(s, "", &a), -EINVAL);
    ck_assert_int_eq(services_add(s, ".x", &a), -EINVAL);
    ck_assert_int_eq(services_add(s, "x.", &a), -EINVAL);
    ck_assert_int_eq(services_add(s, "a b", &a), -EINVAL);
    ck_assert_int_eq(services_add(s, "a\n", &a), -EINVAL);
    ck_assert_int_eq(services_add(s, "\xc3\xa9", &a), -EINVAL);
    ck_assert_int_eq(services_add(s, big, &a), -EINVAL);
    ck_assert_int_eq(services_add(s, big + 1, &a), 0);
    ck_assert_ptr_null(match(s, topic));
    services_free(s);
}
END_TEST

SUITE_MAIN("service", the_longest_name_counts,
           names_are_taken_once_and_freed_by_their_owner,
           all_names_of_an_endpoint_go_with_it, bad_names_are_refused)

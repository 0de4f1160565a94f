#include <errno.h>

#include "proto/aux.h"
#include "suite.h"

static void count(void *arg)
{
    ++*(int *)arg;
}

START_TEST(values_are_found_by_name_and_freed_once)
{
    struct aux *head = NULL;
    int a = 0, b = 0;

    ck_assert_int_eq(aux_set(&head, "a", &a, count), 0);
    ck_assert_int_eq(aux_set(&head, "b", &b, count), 0);
    ck_assert_ptr_eq(aux_get(head, "a"), &a);
    ck_assert_ptr_eq(aux_get(head, "b"), &b);
    ck_assert_ptr_null(aux_get(head, "c"));
    aux_free(&head);
    ck_assert_int_eq(a, 1);
    ck_assert_int_eq(b, 1);
    ck_assert_ptr_null(head);
}
END_TEST

START_TEST(setting_again_frees_the_old_value)
{
    struct aux *head = NULL;
    int a = 0, b = 0;

    aux_set(&head, "x", &a, count);
    ck_assert_int_eq(aux_set(&head, "x", &b, NULL), 0);
    ck_assert_int_eq(a, 1);
    ck_assert_ptr_eq(aux_get(head, "x"), &b);
    ck_assert_int_eq(aux_set(&head, "x", NULL, NULL), 0);
    ck_assert_ptr_null(aux_get(head, "x"));
    aux_free(&head);
    ck_assert_int_eq(b, 0);
}
END_TEST

START_TEST(nameless_values_need_a_destructor)
{
    struct aux *head = NULL;
    int a = 0;

    ck_assert_int_eq(aux_set(&head, NULL, &a, NULL), -EINVAL);
    ck_assert_int_eq(aux_set(&head, NULL, NULL, count), -EINVAL);
    ck_assert_int_eq(aux_set(&head, NULL, &a, count), 0);
    ck_assert_ptr_null(aux_get(head, NULL));
    aux_free(&head);
    ck_assert_int_eq(a, 1);
}
END_TEST

START_TEST(forget_drops_without_the_destructor)
{
    struct aux *head = NULL;
    int a = 0;

    aux_set(&head, "a", &a, count);
    aux_set(&head, NULL, &a, count);
    aux_forget(&head, &a);
    ck_assert_ptr_null(head);
    ck_assert_int_eq(a, 0);
}
END_TEST

SUITE_MAIN("proto/aux", values_are_found_by_name_and_freed_once,
           setting_again_frees_the_old_value, nameless_values_need_a_destructor,
           forget_drops_without_the_destructor)

#include "base/list.h"
#include "suite.h"

struct item {
    int n;
    struct list link;
};

static int sum_digits(struct list *head)
{
    int v = 0;

    list_each(it, head, struct item, link) v = v * 10 + it->n;
    return v;
}

START_TEST(keeps_order)
{
    struct list head;
    struct item a = {.n = 1}, b = {.n = 2}, c = {.n = 3};

    list_init(&head);
    ck_assert(list_empty(&head));
    ck_assert_ptr_null(list_first(&head, struct item, link));
    list_append(&head, &b.link);
    list_append(&head, &c.link);
    list_prepend(&head, &a.link);
    ck_assert_int_eq(sum_digits(&head), 123);
    ck_assert_ptr_eq(list_first(&head, struct item, link), &a);
}
END_TEST

START_TEST(deletes_while_walking_and_twice)
{
    struct list head;
    struct item a = {.n = 1}, b = {.n = 2}, c = {.n = 3};

    list_init(&head);
    list_append(&head, &a.link);
    list_append(&head, &b.link);
    list_append(&head, &c.link);
    list_each(it, &head, struct item, link)
    {
        if (it->n != 2)
            list_del(&it->link);
    }
    ck_assert_int_eq(sum_digits(&head), 2);
    list_del(&a.link);
    ck_assert_int_eq(sum_digits(&head), 2);
}
END_TEST

START_TEST(splice_moves_all_to_the_end)
{
    struct list to, from;
    struct item a = {.n = 1}, b = {.n = 2}, c = {.n = 3};

    list_init(&to);
    list_init(&from);
    list_append(&to, &a.link);
    list_append(&from, &b.link);
    list_append(&from, &c.link);
    list_splice(&to, &from);
    ck_assert(list_empty(&from));
    ck_assert_int_eq(sum_digits(&to), 123);
    list_splice(&to, &from);
    ck_assert_int_eq(sum_digits(&to), 123);
}
END_TEST

SUITE_MAIN("base/list", keeps_order, deletes_while_walking_and_twice,
           splice_moves_all_to_the_end)

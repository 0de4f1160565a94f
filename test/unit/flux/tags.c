/* Matchtags: the smallest free number, dense, with an owner each. */
#include "flux/tags.h"

#include "suite.h"

START_TEST(tags_count_from_one)
{
    struct tags t = {0};

    for (uint32_t i = 1; i <= 200; i++)
        ck_assert_uint_eq(tags_alloc(&t, NULL), i);
    ck_assert_uint_eq(t.count, 200);
    tags_fini(&t);
}
END_TEST

START_TEST(the_smallest_free_tag_is_given)
{
    struct tags t = {0};

    for (int i = 0; i < 300; i++)
        tags_alloc(&t, NULL);
    tags_free(&t, 250);
    tags_free(&t, 7);
    tags_free(&t, 130);
    ck_assert_uint_eq(tags_alloc(&t, NULL), 7);
    ck_assert_uint_eq(tags_alloc(&t, NULL), 130);
    ck_assert_uint_eq(tags_alloc(&t, NULL), 250);
    ck_assert_uint_eq(tags_alloc(&t, NULL), 301);
    tags_fini(&t);
}
END_TEST

START_TEST(owners_are_found_until_the_tag_is_freed)
{
    struct tags t = {0};
    int a, b;

    ck_assert_uint_eq(tags_alloc(&t, &a), 1);
    ck_assert_uint_eq(tags_alloc(&t, &b), 2);
    ck_assert_ptr_eq(tags_owner(&t, 1), &a);
    ck_assert_ptr_eq(tags_owner(&t, 2), &b);
    tags_set_owner(&t, 1, &b);
    ck_assert_ptr_eq(tags_owner(&t, 1), &b);
    tags_free(&t, 1);
    ck_assert_ptr_null(tags_owner(&t, 1));
    tags_fini(&t);
}
END_TEST

START_TEST(tags_not_in_use_are_nobodys)
{
    struct tags t = {0};

    ck_assert_ptr_null(tags_owner(&t, 0));
    ck_assert_ptr_null(tags_owner(&t, 1));
    ck_assert_ptr_null(tags_owner(&t, UINT32_MAX));
    tags_free(&t, 0);
    tags_free(&t, 5000);
    ck_assert_uint_eq(t.count, 0);
    tags_fini(&t);
}
END_TEST

SUITE_MAIN("flux/tags", tags_count_from_one, the_smallest_free_tag_is_given,
           owners_are_found_until_the_tag_is_freed, tags_not_in_use_are_nobodys)

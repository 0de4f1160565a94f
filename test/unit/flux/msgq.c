/* Queues of messages: order, both ends, growth. */
#include "flux/msgq.h"

#include <string.h>

#include "suite.h"

static flux_msg_t *msg_n(uint32_t n)
{
    flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_EVENT);

    flux_msg_set_seq(msg, n);
    return msg;
}

static uint32_t number(flux_msg_t *msg)
{
    uint32_t n;

    ck_assert_ptr_nonnull(msg);
    ck_assert_int_eq(flux_msg_get_seq(msg, &n), 0);
    flux_msg_destroy(msg);
    return n;
}

START_TEST(first_in_first_out_through_growth)
{
    struct msgq q = {0};
    uint32_t in = 0, out = 0;

    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 7; i++)
            OK(msgq_push(&q, msg_n(in++)));
        for (int i = 0; i < 4; i++)
            ck_assert_uint_eq(number(msgq_pop(&q)), out++);
    }
    while (q.count > 0)
        ck_assert_uint_eq(number(msgq_pop(&q)), out++);
    ck_assert_uint_eq(in, out);
    ck_assert_ptr_null(msgq_pop(&q));
    msgq_clear(&q);
}
END_TEST

START_TEST(the_front_and_the_middle_can_be_reached)
{
    struct msgq q = {0};

    for (uint32_t i = 1; i <= 20; i++)
        OK(msgq_push(&q, msg_n(i)));
    OK(msgq_push_front(&q, msg_n(0)));
    ck_assert_uint_eq(number(msgq_take(&q, 5)), 5);
    ck_assert_uint_eq(number(msgq_take(&q, 0)), 0);
    ck_assert_uint_eq(number(msgq_pop_last(&q)), 20);
    ck_assert_uint_eq(q.count, 18);
    for (uint32_t i = 1; i < 20; i++) {
        if (i != 5)
            ck_assert_uint_eq(number(msgq_pop(&q)), i);
    }
    msgq_clear(&q);
}
END_TEST

START_TEST(clear_frees_what_is_left)
{
    struct msgq q = {0};
    const flux_msg_t *msg = flux_msg_incref(msg_n(1));

    OK(msgq_push(&q, (flux_msg_t *)msg));
    msgq_clear(&q);
    ck_assert_uint_eq(q.count, 0);
    flux_msg_decref(msg);
}
END_TEST

SUITE_MAIN("flux/msgq", first_in_first_out_through_growth,
           the_front_and_the_middle_can_be_reached, clear_frees_what_is_left)

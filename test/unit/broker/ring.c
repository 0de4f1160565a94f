/* The latest events. */
#include "broker/ring.h"
#include "fake.h"

static const flux_msg_t *add(struct ring *r, uint32_t seq, size_t size)
{
    flux_msg_t *msg = make_event("x");
    char *data = calloc(1, size);

    ck_assert_int_eq(flux_msg_set_seq(msg, seq), 0);
    if (size > 0)
        ck_assert_int_eq(flux_msg_set_payload(msg, data, size), 0);
    ring_add(r, msg);
    flux_msg_decref(msg);
    free(data);
    return msg;
}

static uint32_t seq_at(const struct ring *r, size_t i)
{
    uint32_t seq = 0;

    ck_assert_int_eq(flux_msg_get_seq(ring_get(r, i), &seq), 0);
    return seq;
}

START_TEST(it_keeps_the_latest_in_order)
{
    struct ring r = {0};

    ck_assert_uint_eq(ring_after(&r, 0), 0);
    for (uint32_t i = 1; i <= 5000; i++)
        add(&r, i, 100);
    ck_assert_uint_lt(r.n, 5000);
    ck_assert_uint_gt(r.n, 300);
    ck_assert_uint_eq(seq_at(&r, r.n - 1), 5000);
    for (size_t i = 1; i < r.n; i++)
        ck_assert_uint_eq(seq_at(&r, i), seq_at(&r, i - 1) + 1);
    ck_assert_uint_eq(ring_after(&r, 4990), 10);
    ck_assert_uint_eq(ring_after(&r, 5000), 0);
    ck_assert_uint_eq(ring_after(&r, 1), r.n);
    ring_clear(&r);
}
END_TEST

START_TEST(big_events_push_out_more_and_a_few_stay)
{
    struct ring r = {0};

    for (uint32_t i = 1; i <= 100; i++)
        add(&r, i, 100000);
    ck_assert_uint_eq(r.n, 16);
    ck_assert_uint_eq(seq_at(&r, 0), 85);
    ring_clear(&r);
}
END_TEST

START_TEST(a_gap_empties_it)
{
    struct ring r = {0};

    for (uint32_t i = 1; i <= 10; i++)
        add(&r, i, 0);
    add(&r, 12, 0);
    ck_assert_uint_eq(r.n, 1);
    ck_assert_uint_eq(seq_at(&r, 0), 12);
    ring_clear(&r);
}
END_TEST

START_TEST(numbers_wrap_around)
{
    ck_assert(seq_later(2, 1));
    ck_assert(!seq_later(1, 1));
    ck_assert(seq_later(1, UINT32_MAX));
    ck_assert(!seq_later(UINT32_MAX, 1));
}
END_TEST

SUITE_MAIN("ring", it_keeps_the_latest_in_order, big_events_push_out_more_and_a_few_stay,
           a_gap_empties_it, numbers_wrap_around)

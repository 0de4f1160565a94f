/* Lists of messages. */
#include <errno.h>
#include <poll.h>

#include <flux/core.h>

#include "suite.h"

static flux_msg_t *msg_n(uint32_t n)
{
    flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_EVENT);

    flux_msg_set_seq(msg, n);
    return msg;
}

static void append(struct flux_msglist *l, uint32_t n)
{
    flux_msg_t *msg = msg_n(n);

    OK(flux_msglist_append(l, msg));
    flux_msg_destroy(msg);
}

static int number(const flux_msg_t *msg)
{
    uint32_t n;

    if (!msg)
        return -1;
    OK(flux_msg_get_seq(msg, &n));
    return (int)n;
}

static struct flux_msglist *list_of(uint32_t n)
{
    struct flux_msglist *l = flux_msglist_create();

    for (uint32_t i = 0; i < n; i++)
        append(l, i);
    return l;
}

START_TEST(the_cursor_walks_the_list)
{
    struct flux_msglist *l = list_of(3);

    ck_assert_int_eq(flux_msglist_count(l), 3);
    ck_assert_int_eq(number(flux_msglist_first(l)), 0);
    ck_assert_int_eq(number(flux_msglist_next(l)), 1);
    ck_assert_int_eq(number(flux_msglist_next(l)), 2);
    ck_assert_int_eq(number(flux_msglist_next(l)), -1);
    ck_assert_int_eq(number(flux_msglist_last(l)), 2);
    flux_msglist_destroy(l);
}
END_TEST

START_TEST(push_and_pop_work_at_the_front)
{
    struct flux_msglist *l = list_of(2);
    flux_msg_t *msg = msg_n(9);
    const flux_msg_t *first;

    OK(flux_msglist_push(l, msg));
    flux_msg_destroy(msg);
    first = flux_msglist_pop(l);
    ck_assert_int_eq(number(first), 9);
    flux_msg_decref(first);
    ck_assert_int_eq(flux_msglist_count(l), 2);
    FAILS(flux_msglist_push(l, NULL), EINVAL);
    flux_msglist_destroy(l);
}
END_TEST

START_TEST(deleting_at_the_cursor_keeps_the_walk_whole)
{
    struct flux_msglist *l = list_of(6);
    int seen = 0;

    for (const flux_msg_t *m = flux_msglist_first(l); m; m = flux_msglist_next(l)) {
        seen++;
        if (number(m) % 2 == 0)
            flux_msglist_delete(l);
    }
    ck_assert_int_eq(seen, 6);
    ck_assert_int_eq(flux_msglist_count(l), 3);
    ck_assert_int_eq(number(flux_msglist_first(l)), 1);
    ck_assert_int_eq(number(flux_msglist_next(l)), 3);
    ck_assert_int_eq(number(flux_msglist_next(l)), 5);
    flux_msglist_delete(l);
    flux_msglist_delete(l); /* nothing at the cursor */
    ck_assert_int_eq(flux_msglist_count(l), 2);
    flux_msglist_destroy(l);
}
END_TEST

START_TEST(it_can_be_polled)
{
    struct flux_msglist *l = flux_msglist_create();
    struct pollfd p = {.fd = flux_msglist_pollfd(l), .events = POLLIN};

    ck_assert_int_ge(p.fd, 0);
    ck_assert_int_eq(flux_msglist_pollevents(l), FLUX_POLLOUT);
    ck_assert_int_eq(poll(&p, 1, 0), 0);
    append(l, 1);
    ck_assert_int_eq(poll(&p, 1, 0), 1);
    ck_assert_int_eq(flux_msglist_pollevents(l), FLUX_POLLOUT | FLUX_POLLIN);
    ck_assert_int_eq(poll(&p, 1, 0), 0);
    flux_msglist_destroy(l);
}
END_TEST

SUITE_MAIN("flux/msglist", the_cursor_walks_the_list, push_and_pop_work_at_the_front,
           deleting_at_the_cursor_keeps_the_walk_whole, it_can_be_polled)

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "shell/exchange.h"
#include "suite.h"

/* What a guest was told. */
struct told {
    int n, rc;
    char puts[64];
    struct exchange *again; /* it comes back at once, for the next one */
};

static void tell(int rc, struct slice puts, void *arg)
{
    struct told *t = arg;
    t->n++;
    t->rc = rc;
    snprintf(t->puts, sizeof(t->puts), "%.*s", (int)puts.len, puts.p ? puts.p : "");
    if (t->again) {
        struct exchange *x = t->again;
        t->again = NULL;
        ck_assert_int_eq(exchange_enter(x, 0, 1, slice_of("\"z\""), tell, t), 0);
    }
}

START_TEST(all_get_what_all_have_put)
{
    struct exchange *x;
    struct told t[3] = {0};
    ck_assert_int_eq(exchange_new(4, 3, &x), 0);
    ck_assert_int_eq(exchange_enter(x, 0, 0, slice_of("\"a\",\"1\""), tell, &t[0]), 0);
    ck_assert_int_eq(exchange_enter(x, 3, 0, slice_of(""), tell, &t[1]), 0);
    ck_assert_int_eq(t[0].n + t[1].n, 0);
    ck_assert_int_eq(exchange_enter(x, 1, 0, slice_of("\"b\",\"2\""), tell, &t[2]), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(t[i].n, 1);
        ck_assert_int_eq(t[i].rc, 0);
        ck_assert_str_eq(t[i].puts, "\"a\",\"1\",\"b\",\"2\"");
    }
    exchange_free(x);
}
END_TEST

START_TEST(one_that_comes_again_counts_once)
{
    struct exchange *x;
    struct told t[4] = {0};
    ck_assert_int_eq(exchange_new(2, 2, &x), 0);
    ck_assert_int_eq(exchange_enter(x, 1, 0, slice_of("\"b\""), tell, &t[0]), 0);
    ck_assert_int_eq(exchange_enter(x, 1, 0, slice_of("\"b\""), tell, &t[1]), 0);
    ck_assert_int_eq(t[0].rc, -ECANCELED); /* nobody listens there any more */
    ck_assert_int_eq(t[1].n, 0);
    ck_assert_int_eq(exchange_enter(x, 0, 0, slice_of("\"a\""), tell, &t[2]), 0);
    ck_assert_str_eq(t[1].puts, "\"b\",\"a\"");
    /* Its answer was lost: it may have it again, until the next one is over. */
    ck_assert_int_eq(exchange_enter(x, 1, 0, slice_of("\"b\""), tell, &t[3]), 0);
    ck_assert_int_eq(t[3].n, 1);
    ck_assert_str_eq(t[3].puts, "\"b\",\"a\"");
    exchange_free(x);
}
END_TEST

START_TEST(one_after_the_other)
{
    struct exchange *x;
    struct told t[4] = {0};
    ck_assert_int_eq(exchange_new(2, 2, &x), 0);
    t[0].again = x; /* from inside its answer */
    ck_assert_int_eq(exchange_enter(x, 0, 0, slice_of("\"a\""), tell, &t[0]), 0);
    ck_assert_int_eq(exchange_enter(x, 1, 0, slice_of("\"b\""), tell, &t[1]), 0);
    ck_assert_int_eq(t[0].n, 1);
    ck_assert_str_eq(t[1].puts, "\"a\",\"b\"");
    ck_assert_int_eq(exchange_enter(x, 1, 1, slice_of("\"y\""), tell, &t[2]), 0);
    ck_assert_int_eq(t[0].n, 2);
    ck_assert_str_eq(t[0].puts, "\"z\",\"y\"");
    ck_assert_str_eq(t[2].puts, "\"z\",\"y\"");
    exchange_free(x);
}
END_TEST

START_TEST(strangers_and_wrong_numbers_are_refused)
{
    struct exchange *x;
    struct told t = {0};
    ck_assert_int_eq(exchange_new(2, 2, &x), 0);
    ck_assert_int_eq(exchange_enter(x, 2, 0, slice_of(""), tell, &t), -EPROTO);
    ck_assert_int_eq(exchange_enter(x, 0, 1, slice_of(""), tell, &t), -EPROTO);
    ck_assert_int_eq(exchange_enter(x, 0, 7, slice_of(""), tell, &t), -EPROTO);
    ck_assert_int_eq(t.n, 0);
    exchange_free(x);
}
END_TEST

START_TEST(who_waits_is_let_go_at_the_end)
{
    struct exchange *x;
    struct told t = {0};
    ck_assert_int_eq(exchange_new(2, 2, &x), 0);
    ck_assert_int_eq(exchange_enter(x, 0, 0, slice_of(""), tell, &t), 0);
    exchange_free(x);
    ck_assert_int_eq(t.n, 1);
    ck_assert_int_eq(t.rc, -ECANCELED);
}
END_TEST

SUITE_MAIN("exchange", all_get_what_all_have_put, one_that_comes_again_counts_once,
           one_after_the_other, strangers_and_wrong_numbers_are_refused,
           who_waits_is_let_go_at_the_end)

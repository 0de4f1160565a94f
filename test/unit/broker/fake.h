/* What the tests of the broker share: a router in a simulated world, endpoints that keep
 * what they are sent, and requests to send. */
#ifndef TEST_BROKER_FAKE_H
#define TEST_BROKER_FAKE_H

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/message.h>

#include "broker/core.h"
#include "broker/router.h"

#define OWNER 1001

struct fake {
    struct endpoint ep;
    flux_msg_t *got[64];
    int n;
};

static void fake_send(struct endpoint *ep, flux_msg_t *msg)
{
    struct fake *f = (struct fake *)ep;

    ck_assert_int_lt(f->n, 64);
    f->got[f->n++] = msg;
}

static inline void fake_init(struct fake *f, struct router *r, uint32_t userid)
{
    memset(f, 0, sizeof(*f));
    f->ep.send = fake_send;
    f->ep.name = "fake";
    f->ep.guest = userid != OWNER;
    f->ep.cred.userid = userid;
    f->ep.cred.rolemask =
        (userid == OWNER ? FLUX_ROLE_OWNER : FLUX_ROLE_USER) | FLUX_ROLE_LOCAL;
    ck_assert_int_eq(router_attach(r, &f->ep, NULL), 0);
}

static inline void fake_forget(struct fake *f)
{
    for (int i = 0; i < f->n; i++)
        flux_msg_destroy(f->got[i]);
    f->n = 0;
}

static inline void fake_fini(struct fake *f, struct router *r)
{
    router_detach(r, &f->ep, ENOSYS);
    fake_forget(f);
}

static inline struct router *make_router(struct env **env)
{
    struct router *r;

    ck_assert_int_eq(env_new_sim(1, env), 0);
    ck_assert_int_eq(router_new(*env, OWNER, &r), 0);
    return r;
}

static inline flux_msg_t *make_request(const char *topic, uint32_t matchtag)
{
    flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_REQUEST);

    ck_assert_ptr_nonnull(msg);
    if (topic)
        ck_assert_int_eq(flux_msg_set_topic(msg, topic), 0);
    ck_assert_int_eq(flux_msg_set_matchtag(msg, matchtag), 0);
    return msg;
}

static inline flux_msg_t *make_event(const char *topic)
{
    flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_EVENT);

    ck_assert_ptr_nonnull(msg);
    ck_assert_int_eq(flux_msg_set_topic(msg, topic), 0);
    return msg;
}

static inline int errnum_of(const flux_msg_t *msg)
{
    int e = -1;

    ck_assert_int_eq(flux_msg_get_errnum(msg, &e), 0);
    return e;
}

static inline uint32_t matchtag_of(const flux_msg_t *msg)
{
    uint32_t tag = 0;

    ck_assert_int_eq(flux_msg_get_matchtag(msg, &tag), 0);
    return tag;
}

static inline const char *topic_of(const flux_msg_t *msg)
{
    const char *topic = NULL;

    ck_assert_int_eq(flux_msg_get_topic(msg, &topic), 0);
    return topic;
}

#define SUITE_MAIN(name, ...)                                                            \
    int main(void)                                                                       \
    {                                                                                    \
        const TTest *tests[] = {__VA_ARGS__};                                            \
        Suite *s = suite_create(name);                                                   \
        TCase *tc = tcase_create(name);                                                  \
        SRunner *sr;                                                                     \
        int failed;                                                                      \
                                                                                         \
        tcase_set_timeout(tc, 60);                                                       \
        for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)                    \
            tcase_add_test(tc, tests[i]);                                                \
        suite_add_tcase(s, tc);                                                          \
        sr = srunner_create(s);                                                          \
        srunner_run_all(sr, CK_ENV);                                                     \
        failed = srunner_ntests_failed(sr);                                              \
        srunner_free(sr);                                                                \
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;                                     \
    }

#endif

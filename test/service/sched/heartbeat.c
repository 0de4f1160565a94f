/* The heartbeat on virtual time: the test plays the event service. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/core.h>
#include <flux/module.h>

#include "base/cleanup.h"
#include "env/env.h"
#include "router.h"

extern const struct flux_module heartbeat_module;

struct world {
    struct env *env;
    flux_reactor_t *r;
    struct router *rt;
    flux_t *hb;
    void *ctx;
    unsigned pulses;
    flux_msg_handler_t **mh;
};

static void publish_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                       void *arg)
{
    const char *topic;
    int flags;

    ck_assert_int_eq(
        flux_request_unpack(msg, NULL, "{s:s s:i}", "topic", &topic, "flags", &flags), 0);
    ck_assert_str_eq(topic, "heartbeat.pulse");
    ck_assert(flux_msg_is_noresponse(msg));
    ((struct world *)arg)->pulses++;
}

static const struct flux_msg_handler_spec handlers[] = {
    {FLUX_MSGTYPE_REQUEST, "event.publish", publish_cb, 0},
    FLUX_MSGHANDLER_TABLE_END,
};

static int start(struct world *w, const char *period)
{
    flux_t *event;

    *w = (struct world){0};
    ck_assert_int_eq(env_new_sim(1, &w->env), 0);
    w->r = flux_reactor_create_env(w->env);
    w->rt = router_new(w->r);
    event = router_open(w->rt, "event", 1000, FLUX_ROLE_OWNER);
    w->hb = router_open(w->rt, "heartbeat", 1000, FLUX_ROLE_OWNER);
    ck_assert_int_eq(flux_msg_handler_addvec(event, handlers, w, &w->mh), 0);
    flux_set_conf_new(w->hb,
                      period ? flux_conf_pack("{s:{s:s}}", "heartbeat", "period", period)
                             : flux_conf_create());
    return heartbeat_module.init(w->hb, 0, NULL, &w->ctx);
}

static void finish(struct world *w)
{
    if (w->ctx)
        heartbeat_module.fini(w->hb, w->ctx);
    flux_msg_handler_delvec(w->mh);
    router_free(w->rt);
    flux_reactor_destroy(w->r);
    env_unref(w->env);
}

static void alarm_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    flux_reactor_stop(r);
}

static void pass_time(struct world *w, double seconds)
{
    flux_watcher_t *t = flux_timer_watcher_create(w->r, seconds, 0., alarm_cb, NULL);

    flux_watcher_start(t);
    flux_reactor_run(w->r, 0);
    flux_watcher_destroy(t);
}

START_TEST(it_beats_every_two_seconds)
{
    struct world w;

    ck_assert_int_eq(start(&w, NULL), 0);
    pass_time(&w, 21.);
    ck_assert_uint_ge(w.pulses, 9);
    ck_assert_uint_le(w.pulses, 11);
    finish(&w);
}
END_TEST

START_TEST(the_period_can_be_configured)
{
    struct world w;

    ck_assert_int_eq(start(&w, "500ms"), 0);
    pass_time(&w, 10.2);
    ck_assert_uint_ge(w.pulses, 19);
    ck_assert_uint_le(w.pulses, 21);
    finish(&w);
}
END_TEST

START_TEST(bad_periods_are_refused)
{
    static const char *const bad[] = {"soon", "-1s", "0s"};
    struct world w;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        ck_assert_int_lt(start(&w, bad[i]), 0);
        finish(&w);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("heartbeat");
    TCase *t = tcase_create("heartbeat");

    tcase_add_test(t, it_beats_every_two_seconds);
    tcase_add_test(t, the_period_can_be_configured);
    tcase_add_test(t, bad_periods_are_refused);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

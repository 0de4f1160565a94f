/* The log ring and its services. */
#include "broker/log.h"
#include "fake.h"

static struct env *env;
static struct router *r;
static struct core *core;
static struct log *l;
static struct fake owner;
static int hook_calls, hook_level;
static char hook_text[256], hook_app[64];

static void hook(int level, const char *app, const char *text, void *arg)
{
    hook_calls++;
    hook_level = level;
    snprintf(hook_text, sizeof(hook_text), "%s", text);
    snprintf(hook_app, sizeof(hook_app), "%s", app);
}

static void setup(void)
{
    r = make_router(&env);
    ck_assert_int_eq(core_new(r, NULL, &core), 0);
    ck_assert_int_eq(log_new(env, 4, &l), 0);
    ck_assert_int_eq(log_serve(l, core, r), 0);
    fake_init(&owner, r, OWNER);
    hook_calls = 0;
}

static void teardown(void)
{
    fake_fini(&owner, r);
    core_free(core);
    log_free(l);
    router_free(r);
    env_unref(env);
}

static const char *str(const flux_msg_t *msg)
{
    const char *s = NULL;

    ck_assert_int_eq(flux_msg_get_string(msg, &s), 0);
    return s;
}

static void append(const char *rec)
{
    flux_msg_t *msg = make_request("log.append", 0);

    flux_msg_set_noresponse(msg);
    ck_assert_int_eq(flux_msg_set_payload(msg, rec, strlen(rec)), 0);
    router_recv(r, &owner.ep, msg);
}

static void dmesg(const char *json, uint32_t tag)
{
    flux_msg_t *msg = make_request("log.dmesg", tag);

    flux_msg_set_streaming(msg);
    ck_assert_int_eq(flux_msg_set_string(msg, json), 0);
    router_recv(r, &owner.ep, msg);
}

START_TEST(the_ring_keeps_the_latest)
{
    setup();
    for (int i = 0; i < 6; i++)
        log_printf(l, LOG_INFO, "line %d", i);
    ck_assert_uint_eq(log_count(l), 4);
    ck_assert_ptr_nonnull(strstr(log_get(l, 0), " broker "));
    ck_assert_ptr_nonnull(strstr(log_get(l, 0), "- - line 2"));
    ck_assert_ptr_nonnull(strstr(log_get(l, 3), "- - line 5"));
    ck_assert_int_eq(strncmp(log_get(l, 0), "<48>1 ", 6), 0);
    teardown();
}
END_TEST

START_TEST(the_ring_can_change_its_size)
{
    setup();
    for (int i = 0; i < 6; i++)
        log_printf(l, LOG_INFO, "line %d", i);
    log_set_ring_size(l, 2);
    ck_assert_uint_eq(log_count(l), 2);
    ck_assert_ptr_nonnull(strstr(log_get(l, 0), "line 4"));
    log_set_ring_size(l, 10);
    log_printf(l, LOG_INFO, "line 6");
    ck_assert_uint_eq(log_count(l), 3);
    ck_assert_ptr_nonnull(strstr(log_get(l, 2), "line 6"));
    teardown();
}
END_TEST

START_TEST(records_are_checked_and_get_the_rank)
{
    setup();
    append("<24>1 2026-01-01T00:00:00.000000Z - app 12 - - something broke\n");
    ck_assert_uint_eq(log_count(l), 1);
    ck_assert_str_eq(log_get(l, 0),
                     "<24>1 2026-01-01T00:00:00.000000Z 0 app 12 - - something broke");
    append("garbage");
    append("<999999>1 t - a - - - x");
    append("<24>1 t");
    append("<");
    ck_assert_uint_eq(log_count(l), 1);
    ck_assert_int_eq(log_append(l, "no record", 9), -EINVAL);
    teardown();
}
END_TEST

START_TEST(levels_decide_what_is_kept_and_told)
{
    setup();
    log_set_hook(l, hook, NULL);
    log_set_hook_level(l, LOG_ERR);
    log_set_level(l, LOG_INFO);
    log_printf(l, LOG_DEBUG, "quiet");
    ck_assert_uint_eq(log_count(l), 0);
    ck_assert_int_eq(hook_calls, 0);
    log_printf(l, LOG_INFO, "kept");
    ck_assert_uint_eq(log_count(l), 1);
    ck_assert_int_eq(hook_calls, 0);
    append("<24>1 t - job-exec 12 - - it broke"); /* LOG_ERR * 8 */
    ck_assert_int_eq(hook_calls, 1);
    ck_assert_int_eq(hook_level, LOG_ERR);
    ck_assert_str_eq(hook_app, "job-exec");
    ck_assert_str_eq(hook_text, "it broke");
    teardown();
}
END_TEST

START_TEST(dmesg_ends_unless_it_follows)
{
    setup();
    log_printf(l, LOG_INFO, "one");
    dmesg("{\"follow\":false}", 1);
    ck_assert_int_eq(owner.n, 2);
    ck_assert_ptr_nonnull(strstr(str(owner.got[0]), "one"));
    ck_assert_int_eq(errnum_of(owner.got[1]), ENODATA);
    fake_forget(&owner);
    dmesg("{\"follow\":true,\"nobacklog\":true}", 2);
    ck_assert_int_eq(owner.n, 0);
    log_printf(l, LOG_INFO, "two");
    ck_assert_int_eq(owner.n, 1);
    ck_assert_ptr_nonnull(strstr(str(owner.got[0]), "two"));
    teardown();
}
END_TEST

START_TEST(a_follower_can_cancel_and_die)
{
    flux_msg_t *msg;

    setup();
    dmesg("{\"follow\":true}", 3);
    msg = make_request("log.cancel", 0);
    flux_msg_set_noresponse(msg);
    ck_assert_int_eq(flux_msg_set_string(msg, "{\"matchtag\":3}"), 0);
    router_recv(r, &owner.ep, msg);
    ck_assert_int_eq(owner.n, 1);
    ck_assert_int_eq(errnum_of(owner.got[0]), ENODATA);
    log_printf(l, LOG_INFO, "nobody hears");
    ck_assert_int_eq(owner.n, 1);
    dmesg("{\"follow\":true,\"nobacklog\":true}", 4);
    router_detach(r, &owner.ep, EHOSTUNREACH);
    log_printf(l, LOG_INFO, "nobody hears");
    ck_assert_int_eq(owner.n, 1);
    teardown();
}
END_TEST

START_TEST(clear_and_bad_requests)
{
    setup();
    log_printf(l, LOG_INFO, "one");
    router_recv(r, &owner.ep, make_request("log.clear", 1));
    ck_assert_uint_eq(log_count(l), 0);
    dmesg("{}", 2);
    ck_assert_int_eq(errnum_of(owner.got[1]), EPROTO);
    teardown();
}
END_TEST

SUITE_MAIN("log", the_ring_keeps_the_latest, the_ring_can_change_its_size,
           records_are_checked_and_get_the_rank, levels_decide_what_is_kept_and_told,
           dmesg_ends_unless_it_follows, a_follower_can_cancel_and_die,
           clear_and_bad_requests)

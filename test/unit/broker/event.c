/* event.* and service.*: what an endpoint says of itself. */
#include "broker/event.h"
#include "fake.h"

static struct env *env;
static struct router *r;
static struct core *core;
static struct events *events;
static struct fake owner, guest;

static void setup(void)
{
    r = make_router(&env);
    ck_assert_int_eq(core_new(r, NULL, &core), 0);
    ck_assert_int_eq(events_new(r, core, &events), 0);
    fake_init(&owner, r, OWNER);
    fake_init(&guest, r, 2002);
}

static void teardown(void)
{
    fake_fini(&owner, r);
    fake_fini(&guest, r);
    core_free(core);
    events_free(events);
    router_free(r);
    env_unref(env);
}

static int ask(struct fake *f, const char *topic, const char *json)
{
    flux_msg_t *msg = make_request(topic, 1);

    fake_forget(f);
    ck_assert_int_eq(flux_msg_set_string(msg, json), 0);
    router_recv(r, &f->ep, msg);
    ck_assert_int_ge(f->n, 1);
    return errnum_of(f->got[f->n - 1]);
}

START_TEST(subscribe_is_acknowledged_without_credentials)
{
    struct flux_msg_cred cred;

    setup();
    ck_assert_int_eq(ask(&owner, "event.subscribe", "{\"topic\":\"x\"}"), 0);
    flux_msg_get_cred(owner.got[0], &cred);
    ck_assert_uint_eq(cred.userid, FLUX_USERID_UNKNOWN);
    ck_assert_uint_eq(cred.rolemask, FLUX_ROLE_OWNER);
    ck_assert_int_eq(ask(&owner, "event.unsubscribe", "{\"topic\":\"x\"}"), 0);
    ck_assert_int_eq(ask(&owner, "event.unsubscribe", "{\"topic\":\"x\"}"), ENOENT);
    ck_assert_int_eq(ask(&owner, "event.subscribe", "{}"), EPROTO);
    teardown();
}
END_TEST

START_TEST(publish_decodes_the_payload_and_tells_the_sequence)
{
    const char *payload;
    size_t len;
    int seq;

    setup();
    ck_assert_int_eq(ask(&owner, "event.subscribe", "{\"topic\":\"\"}"), 0);
    ck_assert_int_eq(ask(&owner, "event.publish",
                         "{\"topic\":\"t\",\"flags\":0,\"payload\":\"eyJhIjoyfQA=\"}"),
                     0);
    ck_assert_int_eq(owner.n, 2);
    ck_assert_int_eq(flux_msg_unpack(owner.got[1], "{s:i}", "seq", &seq), 0);
    ck_assert_int_eq(seq, 1);
    ck_assert_int_eq(flux_msg_get_payload(owner.got[0], (const void **)&payload, &len),
                     0);
    ck_assert_uint_eq(len, 8);
    ck_assert_str_eq(payload, "{\"a\":2}");
    ck_assert_int_eq(
        ask(&owner, "event.publish", "{\"topic\":\"t\",\"flags\":0,\"payload\":\"!!\"}"),
        EPROTO);
    ck_assert_int_eq(ask(&owner, "event.publish", "{\"topic\":\"t\",\"flags\":1}"),
                     EPROTO);
    ck_assert_int_eq(ask(&owner, "event.publish", "{\"topic\":\"\",\"flags\":0}"),
                     EPROTO);
    teardown();
}
END_TEST

START_TEST(guests_are_kept_to_their_prefix)
{
    setup();
    ck_assert_int_eq(
        ask(&guest, "event.publish", "{\"topic\":\"job-state\",\"flags\":0}"), EPERM);
    ck_assert_int_eq(ask(&guest, "event.publish", "{\"topic\":\"2002-x\",\"flags\":0}"),
                     0);
    ck_assert_int_eq(ask(&guest, "service.add", "{\"service\":\"job-manager\"}"), EPERM);
    ck_assert_int_eq(ask(&guest, "service.add", "{\"service\":\"2002-x\"}"), 0);
    ck_assert_int_eq(ask(&guest, "service.add", "{\"service\":\"2002-x\"}"), EEXIST);
    ck_assert_int_eq(ask(&owner, "service.remove", "{\"service\":\"2002-x\"}"), ENOENT);
    ck_assert_int_eq(ask(&guest, "service.remove", "{\"service\":\"2002-x\"}"), 0);
    ck_assert_int_eq(ask(&owner, "service.add", "{\"service\":\"event\"}"), EEXIST);
    teardown();
}
END_TEST

SUITE_MAIN("event", subscribe_is_acknowledged_without_credentials,
           publish_decodes_the_payload_and_tells_the_sequence,
           guests_are_kept_to_their_prefix)

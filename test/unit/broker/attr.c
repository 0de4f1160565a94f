/* Attributes: the table, and what clients may do with it. */
#include "broker/attr.h"
#include "fake.h"

static struct env *env;
static struct router *r;
static struct core *core;
static struct attrs *attrs;
static struct fake owner, guest;

static void setup(void)
{
    r = make_router(&env);
    ck_assert_int_eq(core_new(r, NULL, &core), 0);
    ck_assert_int_eq(attrs_new(&attrs), 0);
    ck_assert_int_eq(attrs_serve(attrs, core), 0);
    fake_init(&owner, r, OWNER);
    fake_init(&guest, r, 2002);
    ck_assert_int_eq(attrs_set(attrs, "rank", "0", ATTR_READONLY), 0);
    ck_assert_int_eq(attrs_set(attrs, "log-level", "7", ATTR_BOOT), 0);
    ck_assert_int_eq(attrs_set(attrs, "color", "red", ATTR_RUNTIME), 0);
}

static void teardown(void)
{
    fake_fini(&owner, r);
    fake_fini(&guest, r);
    core_free(core);
    attrs_free(attrs);
    router_free(r);
    env_unref(env);
}

/* Send, and return the one answer. */
static flux_msg_t *ask(struct fake *f, const char *topic, const char *json)
{
    flux_msg_t *msg = make_request(topic, 1);

    fake_forget(f);
    if (json)
        ck_assert_int_eq(flux_msg_set_string(msg, json), 0);
    router_recv(r, &f->ep, msg);
    ck_assert_int_eq(f->n, 1);
    return f->got[0];
}

START_TEST(get_tells_value_and_flags)
{
    flux_msg_t *rsp;
    const char *value;
    int flags;

    setup();
    rsp = ask(&guest, "attr.get", "{\"name\":\"rank\"}");
    ck_assert_int_eq(flux_msg_unpack(rsp, "{s:s s:i}", "value", &value, "flags", &flags),
                     0);
    ck_assert_str_eq(value, "0");
    ck_assert_int_eq(flags, 1);
    rsp = ask(&guest, "attr.get", "{\"name\":\"color\"}");
    ck_assert_int_eq(flux_msg_unpack(rsp, "{s:s s:i}", "value", &value, "flags", &flags),
                     0);
    ck_assert_str_eq(value, "red");
    ck_assert_int_eq(flags, 0);
    ck_assert_int_eq(errnum_of(ask(&owner, "attr.get", "{\"name\":\"no.such\"}")),
                     ENOENT);
    ck_assert_int_eq(errnum_of(ask(&owner, "attr.get", NULL)), EPROTO);
    ck_assert_int_eq(errnum_of(ask(&owner, "attr.get", "{\"name\":3}")), EPROTO);
    ck_assert_int_eq(errnum_of(ask(&owner, "attr.get", "{\"name\":")), EPROTO);
    ck_assert_int_eq(errnum_of(ask(&owner, "attr.nosuch", "{}")), ENOSYS);
    teardown();
}
END_TEST

START_TEST(set_keeps_to_the_flags)
{
    const char *text;
    flux_msg_t *rsp;

    setup();
    rsp = ask(&owner, "attr.set", "{\"name\":\"rank\",\"value\":\"1\"}");
    ck_assert_int_eq(errnum_of(rsp), EPERM);
    rsp = ask(&owner, "attr.set", "{\"name\":\"log-level\",\"value\":\"1\"}");
    ck_assert_int_eq(errnum_of(rsp), EINVAL);
    ck_assert_int_eq(flux_msg_get_string(rsp, &text), 0);
    ck_assert_str_eq(text, "attribute may not be updated");
    rsp = ask(&owner, "attr.set", "{\"name\":\"color\",\"value\":\"blue\"}");
    ck_assert_int_eq(errnum_of(rsp), 0);
    ck_assert_str_eq(attrs_get(attrs, "color"), "blue");
    rsp = ask(&owner, "attr.set", "{\"name\":\"new\",\"value\":\"x\"}");
    ck_assert_int_eq(errnum_of(rsp), 0);
    ck_assert_str_eq(attrs_get(attrs, "new"), "x");
    rsp = ask(&guest, "attr.set", "{\"name\":\"color\",\"value\":\"green\"}");
    ck_assert_int_eq(errnum_of(rsp), EPERM);
    ck_assert_int_eq(flux_msg_get_string(rsp, &text), 0);
    ck_assert_str_eq(text, "Request requires owner credentials");
    ck_assert_str_eq(attrs_get(attrs, "color"), "blue");
    teardown();
}
END_TEST

START_TEST(rm_keeps_to_the_flags)
{
    setup();
    ck_assert_int_eq(errnum_of(ask(&owner, "attr.rm", "{\"name\":\"rank\"}")), EPERM);
    ck_assert_int_eq(errnum_of(ask(&owner, "attr.rm", "{\"name\":\"color\"}")), 0);
    ck_assert_ptr_null(attrs_get(attrs, "color"));
    ck_assert_int_eq(errnum_of(ask(&owner, "attr.rm", "{\"name\":\"color\"}")), ENOENT);
    teardown();
}
END_TEST

START_TEST(what_the_user_gives_is_checked)
{
    flux_error_t err;

    setup();
    ck_assert_int_eq(attrs_set_user(attrs, "rundir=/x=y", &err), 0);
    ck_assert_str_eq(attrs_get(attrs, "rundir"), "/x=y");
    ck_assert_int_eq(attrs_set_user(attrs, "noequals", &err), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "noequals"));
    ck_assert_int_eq(attrs_set_user(attrs, "=x", &err), -EINVAL);
    ck_assert_int_eq(attrs_set_user(attrs, "rank=3", &err), -EPERM);
    ck_assert_ptr_nonnull(strstr(err.text, "rank"));
    teardown();
}
END_TEST

START_TEST(numbers_and_durations)
{
    setup();
    ck_assert_int_eq(attrs_set(attrs, "n", "12", ATTR_BOOT), 0);
    ck_assert_int_eq(attrs_set(attrs, "d", "1.5m", ATTR_BOOT), 0);
    ck_assert_int_eq(attrs_set(attrs, "bad", "12x", ATTR_BOOT), 0);
    ck_assert_int_eq(attrs_int(attrs, "n", 5), 12);
    ck_assert_int_eq(attrs_int(attrs, "bad", 5), 5);
    ck_assert_int_eq(attrs_int(attrs, "none", 5), 5);
    ck_assert_double_eq(attrs_duration(attrs, "d", 1), 90);
    ck_assert_double_eq(attrs_duration(attrs, "bad", 1), 1);
    teardown();
}
END_TEST

SUITE_MAIN("attr", get_tells_value_and_flags, set_keeps_to_the_flags,
           rm_keeps_to_the_flags, what_the_user_gives_is_checked, numbers_and_durations)

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <flux/message.h>
#include "suite.h"

static const int all_types[] = {FLUX_MSGTYPE_REQUEST, FLUX_MSGTYPE_RESPONSE,
                                FLUX_MSGTYPE_EVENT, FLUX_MSGTYPE_CONTROL};

#define ASSERT_FAILS(call, code)                                                         \
    do {                                                                                 \
        errno = 0;                                                                       \
        ck_assert_int_eq((call), -1);                                                    \
        ck_assert_int_eq(errno, (code));                                                 \
    } while (0)

START_TEST(a_new_message_has_nothing_but_its_type)
{
    for (size_t i = 0; i < 4; i++) {
        flux_msg_t *msg = flux_msg_create(all_types[i]);
        struct flux_msg_cred cred;
        const char *s;
        int type;

        ck_assert_ptr_nonnull(msg);
        ck_assert_int_eq(flux_msg_get_type(msg, &type), 0);
        ck_assert_int_eq(type, all_types[i]);
        ASSERT_FAILS(flux_msg_get_topic(msg, &s), EPROTO);
        ASSERT_FAILS(flux_msg_get_payload(msg, NULL, NULL), EPROTO);
        ck_assert(!flux_msg_has_payload(msg));
        ck_assert_int_eq(flux_msg_get_cred(msg, &cred), 0);
        ck_assert_uint_eq(cred.userid, FLUX_USERID_UNKNOWN);
        ck_assert_uint_eq(cred.rolemask, FLUX_ROLE_NONE);
        flux_msg_destroy(msg);
    }
}
END_TEST

START_TEST(only_the_four_types_can_be_made)
{
    errno = 0;
    ck_assert_ptr_null(flux_msg_create(0x10));
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_ptr_null(flux_msg_create(3));
}
END_TEST

START_TEST(fields_belong_to_types)
{
    flux_msg_t *req = flux_msg_create(FLUX_MSGTYPE_REQUEST);
    flux_msg_t *rsp = flux_msg_create(FLUX_MSGTYPE_RESPONSE);
    flux_msg_t *ev = flux_msg_create(FLUX_MSGTYPE_EVENT);
    flux_msg_t *ctl = flux_msg_create(FLUX_MSGTYPE_CONTROL);
    uint32_t u;
    int i, j;

    ck_assert_int_eq(flux_msg_get_nodeid(req, &u), 0);
    ck_assert_uint_eq(u, FLUX_NODEID_ANY);
    ck_assert_int_eq(flux_msg_set_nodeid(req, 7), 0);
    ck_assert_int_eq(flux_msg_get_nodeid(req, &u), 0);
    ck_assert_uint_eq(u, 7);
    ASSERT_FAILS(flux_msg_set_nodeid(req, FLUX_NODEID_UPSTREAM), EINVAL);
    ASSERT_FAILS(flux_msg_set_nodeid(rsp, 7), EINVAL);
    ASSERT_FAILS(flux_msg_get_nodeid(rsp, &u), EPROTO);

    ck_assert_int_eq(flux_msg_set_errnum(rsp, ENOSYS), 0);
    ck_assert_int_eq(flux_msg_get_errnum(rsp, &i), 0);
    ck_assert_int_eq(i, ENOSYS);
    ASSERT_FAILS(flux_msg_set_errnum(req, 1), EINVAL);
    ASSERT_FAILS(flux_msg_get_errnum(ev, &i), EPROTO);

    ck_assert_int_eq(flux_msg_set_seq(ev, 9), 0);
    ck_assert_int_eq(flux_msg_get_seq(ev, &u), 0);
    ck_assert_uint_eq(u, 9);
    ASSERT_FAILS(flux_msg_set_seq(req, 9), EINVAL);

    ck_assert_int_eq(flux_msg_set_control(ctl, 2, -3), 0);
    ck_assert_int_eq(flux_msg_get_control(ctl, &i, &j), 0);
    ck_assert_int_eq(i, 2);
    ck_assert_int_eq(j, -3);
    ASSERT_FAILS(flux_msg_get_control(req, &i, &j), EPROTO);

    ck_assert_int_eq(flux_msg_set_matchtag(req, 5), 0);
    ck_assert_int_eq(flux_msg_get_matchtag(req, &u), 0);
    ck_assert_uint_eq(u, 5);
    ck_assert(flux_msg_cmp_matchtag(req, 5));
    ck_assert(!flux_msg_cmp_matchtag(req, 6));
    ASSERT_FAILS(flux_msg_set_matchtag(ev, 5), EINVAL);
    ASSERT_FAILS(flux_msg_get_matchtag(ctl, &u), EPROTO);
    flux_msg_destroy(req);
    flux_msg_destroy(rsp);
    flux_msg_destroy(ev);
    flux_msg_destroy(ctl);
}
END_TEST

START_TEST(changing_the_type_resets_its_fields)
{
    flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_REQUEST);
    int errnum;
    uint32_t tag;

    flux_msg_set_matchtag(msg, 8);
    ck_assert_int_eq(flux_msg_set_type(msg, FLUX_MSGTYPE_RESPONSE), 0);
    ck_assert_int_eq(flux_msg_get_errnum(msg, &errnum), 0);
    ck_assert_int_eq(errnum, 0);
    ck_assert_int_eq(flux_msg_get_matchtag(msg, &tag), 0);
    ck_assert_uint_eq(tag, FLUX_MATCHTAG_NONE);
    ASSERT_FAILS(flux_msg_set_type(msg, 0), EINVAL);
    flux_msg_destroy(msg);
}
END_TEST

START_TEST(flags_are_set_and_streaming_excludes_noresponse)
{
    flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_REQUEST);

    ck_assert(!flux_msg_is_private(msg));
    ck_assert_int_eq(flux_msg_set_private(msg), 0);
    ck_assert(flux_msg_is_private(msg));
    ck_assert_int_eq(flux_msg_set_noresponse(msg), 0);
    ck_assert(flux_msg_is_noresponse(msg));
    ck_assert_int_eq(flux_msg_set_streaming(msg), 0);
    ck_assert(flux_msg_is_streaming(msg));
    ck_assert(!flux_msg_is_noresponse(msg));
    ck_assert_int_eq(flux_msg_set_user1(msg), 0);
    ck_assert(flux_msg_is_user1(msg));
    ck_assert_int_eq(flux_msg_set_upstream(msg), 0);
    ck_assert(flux_msg_is_upstream(msg));
    ck_assert_int_eq(flux_msg_clear_flag(msg, FLUX_MSGFLAG_USER1), 0);
    ck_assert(!flux_msg_is_user1(msg));
    ASSERT_FAILS(flux_msg_set_flag(msg, FLUX_MSGFLAG_PAYLOAD), EINVAL);
    flux_msg_destroy(msg);
}
END_TEST

START_TEST(topic_is_replaced_and_removed)
{
    flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_EVENT);
    char longer[1000];
    const char *s;

    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    ck_assert_int_eq(flux_msg_set_topic(msg, "a.b"), 0);
    ck_assert_int_eq(flux_msg_get_topic(msg, &s), 0);
    ck_assert_str_eq(s, "a.b");
    ck_assert_int_eq(flux_msg_set_topic(msg, longer), 0);
    ck_assert_int_eq(flux_msg_get_topic(msg, &s), 0);
    ck_assert_str_eq(s, longer);
    ck_assert_int_eq(flux_msg_set_topic(msg, s + 990), 0);
    flux_msg_get_topic(msg, &s);
    ck_assert_str_eq(s, "xxxxxxxxx");
    ck_assert_int_eq(flux_msg_set_topic(msg, NULL), 0);
    ASSERT_FAILS(flux_msg_get_topic(msg, &s), EPROTO);
    flux_msg_destroy(msg);
}
END_TEST

static void check_payload(const flux_msg_t *msg, const void *data, size_t size)
{
    const void *got;
    size_t got_size;

    ck_assert_int_eq(flux_msg_get_payload(msg, &got, &got_size), 0);
    ck_assert_uint_eq(got_size, size);
    ck_assert_mem_eq(got, data, size);
}

START_TEST(payloads_of_all_sizes_are_kept)
{
    static const size_t sizes[] = {1, 8, 200, 254, 255, 512, 513, 5000, 3, 100000, 40};
    flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_REQUEST);
    char *data = malloc(100100);

    for (size_t i = 0; i < 100100; i++)
        data[i] = i * 7;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        ck_assert_int_eq(flux_msg_set_payload(msg, data + i, sizes[i] - i % 2), 0);
        check_payload(msg, data + i, sizes[i] - i % 2);
    }
    ck_assert_int_eq(flux_msg_set_payload(msg, NULL, 0), 0);
    ck_assert(!flux_msg_has_payload(msg));
    ASSERT_FAILS(flux_msg_set_payload(msg, NULL, 1), EINVAL);
    ASSERT_FAILS(flux_msg_set_payload(msg, data, 0), EINVAL);
    flux_msg_destroy(msg);
    free(data);
}
END_TEST

START_TEST(payload_may_come_from_the_old_one)
{
    flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_REQUEST);
    char big[2000];
    const void *p;

    flux_msg_set_payload(msg, "0123456789", 10);
    flux_msg_get_payload(msg, &p, NULL);
    ck_assert_int_eq(flux_msg_set_payload(msg, (const char *)p + 2, 5), 0);
    check_payload(msg, "23456", 5);
    memset(big, 'b', sizeof(big));
    flux_msg_set_payload(msg, big, sizeof(big));
    flux_msg_get_payload(msg, &p, NULL);
    ck_assert_int_eq(flux_msg_set_payload(msg, (const char *)p + 100, 1900), 0);
    check_payload(msg, big, 1900);
    flux_msg_destroy(msg);
}
END_TEST

START_TEST(strings_carry_their_nul)
{
    flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_RESPONSE);
    const char *s = "unset";

    ck_assert_int_eq(flux_msg_get_string(msg, &s), 0);
    ck_assert_ptr_null(s);
    ck_assert_int_eq(flux_msg_set_string(msg, "hey"), 0);
    check_payload(msg, "hey", 4);
    ck_assert_int_eq(flux_msg_get_string(msg, &s), 0);
    ck_assert_str_eq(s, "hey");
    ck_assert_int_eq(flux_msg_set_string(msg, ""), 0);
    check_payload(msg, "", 1);
    flux_msg_set_payload(msg, "raw", 3);
    ASSERT_FAILS(flux_msg_get_string(msg, &s), EPROTO);
    ck_assert_int_eq(flux_msg_set_string(msg, NULL), 0);
    ck_assert(!flux_msg_has_payload(msg));
    flux_msg_destroy(msg);
}
END_TEST

START_TEST(a_copy_is_equal_and_independent)
{
    char big[4000];
    const char *s;
    uint32_t id;

    memset(big, 'q', sizeof(big));
    for (size_t size = 10; size <= sizeof(big); size += 3990) {
        flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_REQUEST), *cpy;

        flux_msg_set_topic(msg, "svc.method");
        flux_msg_set_payload(msg, big, size);
        flux_msg_route_enable(msg);
        flux_msg_route_push(msg, "client");
        flux_msg_set_nodeid(msg, 3);
        flux_msg_set_userid(msg, 42);
        cpy = flux_msg_copy(msg, true);
        flux_msg_route_push(cpy, "broker");
        flux_msg_set_topic(cpy, "other");
        ck_assert_int_eq(flux_msg_route_count(msg), 1);
        flux_msg_get_topic(msg, &s);
        ck_assert_str_eq(s, "svc.method");
        flux_msg_destroy(msg);
        check_payload(cpy, big, size);
        ck_assert_str_eq(flux_msg_route_first(cpy), "client");
        ck_assert_str_eq(flux_msg_route_last(cpy), "broker");
        flux_msg_get_nodeid(cpy, &id);
        ck_assert_uint_eq(id, 3);
        flux_msg_get_userid(cpy, &id);
        ck_assert_uint_eq(id, 42);
        msg = flux_msg_copy(cpy, false);
        ck_assert(!flux_msg_has_payload(msg));
        flux_msg_destroy(msg);
        flux_msg_destroy(cpy);
    }
}
END_TEST

static void count(void *arg)
{
    ++*(int *)arg;
}

START_TEST(the_last_reference_frees)
{
    flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_EVENT);
    int freed = 0;

    ck_assert_int_eq(flux_msg_aux_set(msg, "x", &freed, count), 0);
    ck_assert_ptr_eq(flux_msg_aux_get(msg, "x"), &freed);
    ck_assert_ptr_eq(flux_msg_incref(msg), msg);
    flux_msg_decref(msg);
    ck_assert_int_eq(freed, 0);
    errno = 77;
    flux_msg_destroy(msg);
    ck_assert_int_eq(errno, 77);
    ck_assert_int_eq(freed, 1);
    flux_msg_destroy(NULL);
}
END_TEST

START_TEST(owner_and_the_same_user_are_authorized)
{
    struct flux_msg_cred owner = {100, FLUX_ROLE_OWNER};
    struct flux_msg_cred user = {200, FLUX_ROLE_USER};
    struct flux_msg_cred unknown = {FLUX_USERID_UNKNOWN, FLUX_ROLE_USER};
    struct flux_msg_cred none = {200, FLUX_ROLE_LOCAL};
    flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_REQUEST);

    ck_assert_int_eq(flux_msg_cred_authorize(owner, 5), 0);
    ck_assert_int_eq(flux_msg_cred_authorize(user, 200), 0);
    ASSERT_FAILS(flux_msg_cred_authorize(user, 201), EPERM);
    ASSERT_FAILS(flux_msg_cred_authorize(unknown, FLUX_USERID_UNKNOWN), EPERM);
    ASSERT_FAILS(flux_msg_cred_authorize(none, 200), EPERM);
    flux_msg_set_cred(msg, user);
    ck_assert_int_eq(flux_msg_authorize(msg, 200), 0);
    ASSERT_FAILS(flux_msg_authorize(msg, 1), EPERM);
    ck_assert(!flux_msg_is_local(msg));
    flux_msg_set_rolemask(msg, FLUX_ROLE_LOCAL | FLUX_ROLE_USER);
    ck_assert(flux_msg_is_local(msg));
    flux_msg_destroy(msg);
}
END_TEST

START_TEST(match_by_type_tag_and_topic)
{
    flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_RESPONSE);
    struct flux_match m = FLUX_MATCH_ANY;

    flux_msg_set_matchtag(msg, 4);
    ck_assert(flux_msg_cmp(msg, m));
    ck_assert(flux_msg_cmp(msg, FLUX_MATCH_RESPONSE));
    ck_assert(!flux_msg_cmp(msg, FLUX_MATCH_REQUEST));
    ck_assert(!flux_msg_cmp(msg, flux_match_init(FLUX_MSGTYPE_ANY, 5, NULL)));
    ck_assert(flux_msg_cmp(msg, flux_match_init(FLUX_MSGTYPE_ANY, 4, "*")));
    ck_assert(!flux_msg_cmp(msg, flux_match_init(FLUX_MSGTYPE_ANY, 4, "a.*")));
    flux_msg_set_topic(msg, "a.b");
    ck_assert(flux_msg_cmp(msg, flux_match_init(FLUX_MSGTYPE_ANY, 4, "a.*")));
    ck_assert(flux_msg_cmp(msg, flux_match_init(0, 0, "a.b")));
    ck_assert(flux_msg_cmp(msg, flux_match_init(0, 0, "a.[bc]")));
    ck_assert(!flux_msg_cmp(msg, flux_match_init(0, 0, "a.bc")));
    flux_msg_route_enable(msg);
    flux_msg_route_push(msg, "elsewhere");
    ck_assert(!flux_msg_cmp(msg, flux_match_init(0, 4, NULL)));
    flux_msg_destroy(msg);
    ck_assert_int_eq(flux_match_asprintf(&m, "%s.*", "kvs"), 0);
    ck_assert_str_eq(m.topic_glob, "kvs.*");
    flux_match_free(m);
}
END_TEST

START_TEST(encode_then_decode_gives_the_same)
{
    static const size_t sizes[] = {0, 1, 254, 255, 256, 70000};
    char *data = calloc(1, 70000);

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_REQUEST), *got;
        const char *s;
        ssize_t size;
        void *wire;

        flux_msg_set_topic(msg, "x.y");
        if (sizes[i])
            flux_msg_set_payload(msg, data, sizes[i]);
        flux_msg_route_enable(msg);
        flux_msg_route_push(msg, "origin");
        flux_msg_route_push(msg, "hop");
        size = flux_msg_encode_size(msg);
        wire = malloc(size);
        ASSERT_FAILS(flux_msg_encode(msg, wire, size - 1), EINVAL);
        ck_assert_int_eq(flux_msg_encode(msg, wire, size), 0);
        got = flux_msg_decode(wire, size);
        ck_assert_ptr_nonnull(got);
        flux_msg_get_topic(got, &s);
        ck_assert_str_eq(s, "x.y");
        ck_assert(flux_msg_has_payload(got) == (sizes[i] > 0));
        if (sizes[i])
            check_payload(got, data, sizes[i]);
        ck_assert_str_eq(flux_msg_route_first(got), "origin");
        ck_assert_str_eq(flux_msg_route_last(got), "hop");
        flux_msg_destroy(got);
        flux_msg_destroy(msg);
        free(wire);
    }
    free(data);
}
END_TEST

START_TEST(a_message_without_a_type_is_not_encoded)
{
    flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_ANY);

    ASSERT_FAILS(flux_msg_encode_size(msg), EPROTO);
    flux_msg_destroy(msg);
    errno = 0;
    ck_assert_ptr_null(flux_msg_decode("", 0));
    ck_assert_int_eq(errno, EPROTO);
}
END_TEST

START_TEST(a_print_is_one_line_whatever_the_content)
{
    flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_REQUEST);
    char *text;
    size_t len;
    FILE *f = open_memstream(&text, &len);

    flux_msg_set_topic(msg, "bad\ntopic\033[0m");
    flux_msg_set_string(msg, "{\"a\":\"\n\"}");
    flux_msg_fprint(f, msg);
    fclose(f);
    ck_assert_ptr_nonnull(strstr(text, "request bad\\x0atopic\\x1b[0m"));
    ck_assert_ptr_eq(strchr(text, '\n'), text + len - 1);
    free(text);
    flux_msg_destroy(msg);
    ck_assert_str_eq(flux_msg_typestr(FLUX_MSGTYPE_CONTROL), "control");
    ck_assert_str_eq(flux_msg_typestr(77), "unknown");
}
END_TEST

SUITE_MAIN("proto/message", a_new_message_has_nothing_but_its_type,
           only_the_four_types_can_be_made, fields_belong_to_types,
           changing_the_type_resets_its_fields,
           flags_are_set_and_streaming_excludes_noresponse, topic_is_replaced_and_removed,
           payloads_of_all_sizes_are_kept, payload_may_come_from_the_old_one,
           strings_carry_their_nul, a_copy_is_equal_and_independent,
           the_last_reference_frees, owner_and_the_same_user_are_authorized,
           match_by_type_tag_and_topic, encode_then_decode_gives_the_same,
           a_message_without_a_type_is_not_encoded,
           a_print_is_one_line_whatever_the_content)

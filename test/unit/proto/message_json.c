#include <cjson/cJSON.h>
#include <errno.h>
#include <string.h>

#include <flux/message.h>
#include "suite.h"

START_TEST(pack_writes_an_object_with_its_nul)
{
    flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_REQUEST);
    const void *p;
    size_t size;

    ck_assert_int_eq(flux_msg_pack(msg, "{s:i s:s}", "a", 1, "b", "x"), 0);
    ck_assert_int_eq(flux_msg_get_payload(msg, &p, &size), 0);
    ck_assert_str_eq(p, "{\"a\":1,\"b\":\"x\"}");
    ck_assert_uint_eq(size, strlen(p) + 1);
    flux_msg_destroy(msg);
}
END_TEST

START_TEST(pack_refuses_what_is_not_an_object)
{
    flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_REQUEST);

    errno = 0;
    ck_assert_int_eq(flux_msg_pack(msg, "[i,i]", 1, 2), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_str_ne(flux_msg_last_error(msg), "");
    ck_assert(!flux_msg_has_payload(msg));
    ck_assert_int_eq(flux_msg_pack(msg, "{}"), 0);
    ck_assert_str_eq(flux_msg_last_error(msg), "");
    flux_msg_destroy(msg);
}
END_TEST

START_TEST(unpack_lends_what_lives_with_the_message)
{
    flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_REQUEST);
    const char *s;
    cJSON *o;
    int i;

    flux_msg_set_string(msg, "{\"i\":42,\"s\":\"text\",\"o\":{\"k\":[1,2]}}");
    ck_assert_int_eq(flux_msg_unpack(msg, "{s:i s:s s:o}", "i", &i, "s", &s, "o", &o), 0);
    ck_assert_int_eq(flux_msg_unpack(msg, "{s:i}", "i", &i), 0);
    ck_assert_int_eq(i, 42);
    ck_assert_str_eq(s, "text");
    ck_assert(cJSON_IsObject(o));
    flux_msg_destroy(msg);
}
END_TEST

START_TEST(unpack_says_what_is_wrong)
{
    flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_REQUEST);
    int i;

    errno = 0;
    ck_assert_int_eq(flux_msg_unpack(msg, "{s:i}", "i", &i), -1);
    ck_assert_int_eq(errno, EPROTO);
    flux_msg_set_payload(msg, "{\"i\":1}", 7);
    ck_assert_int_eq(flux_msg_unpack(msg, "{s:i}", "i", &i), -1);
    ck_assert_int_eq(errno, EPROTO);
    flux_msg_set_string(msg, "[1]");
    ck_assert_int_eq(flux_msg_unpack(msg, "[i]", &i), -1);
    ck_assert_int_eq(errno, EPROTO);
    flux_msg_set_string(msg, "{\"i\":");
    ck_assert_int_eq(flux_msg_unpack(msg, "{s:i}", "i", &i), -1);
    ck_assert_int_eq(errno, EPROTO);
    flux_msg_set_string(msg, "{\"j\":1}");
    ck_assert_int_eq(flux_msg_unpack(msg, "{s:i}", "number", &i), -1);
    ck_assert_int_eq(errno, EPROTO);
    ck_assert_ptr_nonnull(strstr(flux_msg_last_error(msg), "number"));
    ck_assert_int_eq(flux_msg_unpack(msg, "{s:i}", "j", &i), 0);
    ck_assert_str_eq(flux_msg_last_error(msg), "");
    flux_msg_destroy(msg);
}
END_TEST

START_TEST(a_new_payload_replaces_the_parsed_one)
{
    flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_REQUEST);
    const char *s;
    int i;

    flux_msg_pack(msg, "{s:i s:s}", "i", 1, "s", "old");
    ck_assert_int_eq(flux_msg_unpack(msg, "{s:s}", "s", &s), 0);
    ck_assert_int_eq(flux_msg_pack(msg, "{s:i s:s}", "i", 2, "s", s), 0);
    ck_assert_int_eq(flux_msg_unpack(msg, "{s:i s:s}", "i", &i, "s", &s), 0);
    ck_assert_int_eq(i, 2);
    ck_assert_str_eq(s, "old");
    flux_msg_destroy(msg);
}
END_TEST

START_TEST(a_bomb_is_refused)
{
    flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_REQUEST);
    size_t n = 2000000;
    char *text = malloc(n + 16);
    int i;

    strcpy(text, "{\"a\":[");
    for (size_t k = 0; k < n / 2; k++)
        memcpy(text + 6 + 2 * k, "0,", 2);
    strcpy(text + 6 + n - 1, "]}");
    flux_msg_set_string(msg, text);
    ck_assert_int_eq(flux_msg_unpack(msg, "{s:i}", "a", &i), -1);
    ck_assert_int_eq(errno, EFBIG);
    free(text);
    flux_msg_destroy(msg);
}
END_TEST

START_TEST(a_copy_keeps_its_payload_when_the_original_changes)
{
    flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_EVENT), *copy;
    int i;

    flux_msg_pack(msg, "{s:i}", "i", 1);
    copy = flux_msg_copy(msg, true);
    flux_msg_pack(msg, "{s:i}", "i", 2);
    ck_assert_int_eq(flux_msg_unpack(copy, "{s:i}", "i", &i), 0);
    ck_assert_int_eq(i, 1);
    flux_msg_destroy(msg);
    flux_msg_destroy(copy);
}
END_TEST

SUITE_MAIN("proto/message_json", pack_writes_an_object_with_its_nul,
           pack_refuses_what_is_not_an_object, unpack_lends_what_lives_with_the_message,
           unpack_says_what_is_wrong, a_new_payload_replaces_the_parsed_one,
           a_bomb_is_refused, a_copy_keeps_its_payload_when_the_original_changes)

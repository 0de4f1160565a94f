#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "proto/kvstxn.h"
#include "suite.h"

#define SHA "sha256-00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct kvstxn t;
static flux_error_t err;

static int read_text(const char *payload)
{
    err.text[0] = '\0';
    return kvstxn_read(payload, strlen(payload), &t, &err);
}

/* Operations as text: "1 a.b=xyz;" */
static const char *ops(void)
{
    static char text[4096];
    struct redo_item item;
    size_t pos = 0;

    *text = '\0';
    while (redo_next(t.ops.data, t.ops.len, &pos, &item) > 0)
        sprintf(text + strlen(text), "%d %.*s=%.*s;", item.op, (int)item.key.len,
                item.key.p, (int)item.value.len, item.value.p);
    return text;
}

/* As a real client sends them (wire/kvs-put, kvs-unlink, kvs-link, kvs-eventlog-append). */
START_TEST(requests_of_real_clients_are_understood)
{
    ck_assert_int_eq(
        read_text("{\"namespace\":\"primary\",\"flags\":0,\"ops\":[{\"key\":\"a.b\","
                  "\"flags\":0,\"dirent\":{\"ver\":1,\"type\":\"val\",\"data\":\"NDI=\"}}"
                  "]}"),
        0);
    ck_assert_str_eq(t.ns, "primary");
    ck_assert_str_eq(ops(), "1 a.b=42;");
    kvstxn_free(&t);
    ck_assert_int_eq(
        read_text(
            "{\"namespace\":\"ns\",\"flags\":1,\"ops\":[{\"key\":\"a.b\",\"flags\":"
            "0,\"dirent\":null},{\"key\":\"l2\",\"flags\":0,\"dirent\":{\"ver\":1,"
            "\"type\":\"symlink\",\"data\":{\"target\":\"long\"}}},{\"key\":\"log\","
            "\"flags\":32,\"dirent\":{\"ver\":1,\"type\":\"val\",\"data\":\"eA==\"}"
            "},{\"key\":\"d\",\"flags\":0,\"dirent\":{\"ver\":1,\"type\":\"dir\","
            "\"data\":{}}}]}"),
        0);
    ck_assert_int_eq(t.flags, 1);
    ck_assert_uint_eq(t.nops, 4);
    ck_assert(t.has_links && !t.has_refs);
    ck_assert_int_eq(memcmp(ops(), "3 a.b=;5 l2=", 12), 0);
    kvstxn_free(&t);
}
END_TEST

START_TEST(what_the_client_makes_is_understood)
{
    CLEANUP(buf_free) struct buf b = {0}, payload = {0};
    struct kvstxn_expect e;
    struct redo_item item;
    size_t pos = 0;
    cJSON *o;

    kvstxn_add_val(&b, "a\"b..c.", 0, "1\0002", 3);
    kvstxn_add_val(&b, "log", 32, "", 0);
    kvstxn_add_unlink(&b, "x");
    kvstxn_add_treeobj(&b, "d", 0, "{\"ver\":1,\"type\":\"dir\",\"data\":{}}", 32);
    kvstxn_add_expect_version(&b, ".", 12);
    kvstxn_add_expect_data(&b, "v", "old", 3);
    ck_assert_int_eq(kvstxn_print(&payload, "primary", 5, &b), 0);
    ck_assert_int_eq(json_parse(payload.data, payload.len, NULL, &o, NULL), 0);
    json_free(o);
    ck_assert_int_eq(kvstxn_read(payload.data, payload.len, &t, &err), 0);
    ck_assert_int_eq(t.flags, 5);
    ck_assert_uint_eq(t.nops, 4);
    ck_assert_int_eq(redo_next(t.ops.data, t.ops.len, &pos, &item), 1);
    ck_assert(item.op == REDO_PUT && slice_is(item.key, "a\"b.c"));
    ck_assert(item.value.len == 3 && memcmp(item.value.p, "1\0002", 3) == 0);
    ck_assert_uint_eq(t.nexpects, 2);
    pos = 0;
    ck_assert_int_eq(kvstxn_expect(&t.expects, &pos, &e), 1);
    ck_assert(e.by_version && e.key.len == 0 && e.version == 12);
    ck_assert_int_eq(kvstxn_expect(&t.expects, &pos, &e), 1);
    ck_assert(!e.by_version && slice_is(e.key, "v") && slice_is(e.data, "old"));
    ck_assert_int_eq(kvstxn_expect(&t.expects, &pos, &e), 0);
    kvstxn_free(&t);
}
END_TEST

START_TEST(directories_with_entries_become_many_operations)
{
    ck_assert_int_eq(
        read_text(
            "{\"namespace\":\"p\",\"flags\":0,\"ops\":[{\"key\":\"d\",\"flags\":0,"
            "\"dirent\":{\"ver\":1,\"type\":\"dir\",\"data\":{\"a\":{\"ver\":1,"
            "\"type\":\"val\",\"data\":\"MQ==\"},\"s\":{\"ver\":1,\"type\":\"dir\","
            "\"data\":{\"b\":{\"ver\":1,\"type\":\"val\",\"data\":\"Mg==\"}}}}}}]}"),
        0);
    ck_assert_str_eq(ops(), "4 d=;1 d.a=1;4 d.s=;1 d.s.b=2;");
    kvstxn_free(&t);
}
END_TEST

START_TEST(references_keep_their_hash)
{
    struct redo_item item;
    const unsigned char *hash;
    size_t pos = 0, at = 0;
    uint64_t n;

    ck_assert_int_eq(
        read_text("{\"namespace\":\"p\",\"flags\":0,\"ops\":[{\"key\":\"a\",\"flags\":0,"
                  "\"dirent\":{\"ver\":1,\"type\":\"valref\",\"data\":[\"" SHA "\",\"" SHA
                  "\"]}},{\"key\":\"b\",\"flags\":0,\"dirent\":{\"ver\":1,\"type\":"
                  "\"dirref\",\"data\":[\"version-0000000000000007000000000000004d\"]}}]"
                  "}"),
        0);
    ck_assert(t.has_refs);
    ck_assert_uint_eq(t.nversions, 1);
    ck_assert_uint_eq(t.versions[0].op, 1);
    ck_assert_uint_eq(t.versions[0].id, 7);
    ck_assert_uint_eq(t.versions[0].version, 77);
    redo_next(t.ops.data, t.ops.len, &pos, &item);
    ck_assert_int_eq(item.op, REDO_VALREF);
    ck_assert_int_eq(redo_ref(item.value, &at, &hash, &n), 1);
    ck_assert_uint_eq(hash[1], 0x11);
    ck_assert_int_eq(redo_ref(item.value, &at, &hash, &n), 1);
    ck_assert_int_eq(redo_ref(item.value, &at, &hash, &n), 0);
    kvstxn_free(&t);
}
END_TEST

#define OP(text) "{\"namespace\":\"p\",\"flags\":0,\"ops\":[{" text "}]}"
#define VAL "\"dirent\":{\"ver\":1,\"type\":\"val\",\"data\":\"MQ==\"}"

START_TEST(bad_requests_are_refused_with_a_reason)
{
    static const struct {
        const char *text;
        int rc;
    } bad[] = {
        {"", -EPROTO},
        {"[]", -EPROTO},
        {"{\"namespace\":\"p\",\"flags\":0}", -EPROTO},
        {"{\"namespace\":\"p\",\"flags\":\"x\",\"ops\":[]}", -EPROTO},
        {"{\"namespace\":\"p\",\"flags\":0,\"ops\":[1]}", -EPROTO},
        {OP("\"flags\":0," VAL), -EPROTO},
        {OP("\"key\":\"a\",\"flags\":0"), -EPROTO},
        {OP("\"key\":\"\",\"flags\":0," VAL), -EINVAL},
        {OP("\"key\":\"a\xff\",\"flags\":0," VAL), -EINVAL},
        {OP("\"key\":\"a\",\"flags\":64," VAL), -EPROTO},
        {OP("\"key\":\"a\",\"flags\":0,\"dirent\":{\"ver\":1,\"type\":\"val\",\"data\":"
            "\"M\"}"),
         -EPROTO},
        {OP("\"key\":\"a\",\"flags\":0,\"dirent\":{\"ver\":2,\"type\":\"val\",\"data\":"
            "\"MQ==\"}"),
         -EPROTO},
        {OP("\"key\":\"a\",\"flags\":0,\"dirent\":7"), -EPROTO},
        {OP("\"key\":\"a\",\"flags\":32,\"dirent\":{\"ver\":1,\"type\":\"dir\",\"data\":{"
            "}"
            "}"),
         -EINVAL},
        {OP("\"key\":\"a\",\"flags\":0,\"dirent\":{\"ver\":1,\"type\":\"dirref\","
            "\"data\":"
            "[\"sha1-89c4973b7c142a14f7337805cd5edc5953dfcb61\"]}"),
         -EINVAL},
        {OP("\"key\":\"a\",\"flags\":0,\"expect\":{\"version\":-1}"), -EPROTO},
        {OP("\"key\":\"a\",\"flags\":0,\"expect\":{}"), -EPROTO},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(read_text(bad[i].text) == bad[i].rc, "%s", bad[i].text);
        ck_assert_msg(err.text[0], "%s", bad[i].text);
    }
}
END_TEST

SUITE_MAIN("proto/kvstxn", requests_of_real_clients_are_understood,
           what_the_client_makes_is_understood,
           directories_with_entries_become_many_operations, references_keep_their_hash,
           bad_requests_are_refused_with_a_reason)

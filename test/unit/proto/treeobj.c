#include <errno.h>
#include <string.h>

#include "proto/treeobj.h"
#include "suite.h"

#define SHA1 "sha1-89c4973b7c142a14f7337805cd5edc5953dfcb61"
#define SHA1B "sha1-4bae277d6d13479f4a18177f0417d67f9d4785d0"

static int validate(const char *text)
{
    cJSON *o;
    int rc = treeobj_parse(text, strlen(text), &o, NULL);

    if (rc == 0)
        json_free(o);
    return rc;
}

START_TEST(objects_of_every_type_are_valid)
{
    static const char *const good[] = {
        "{\"data\":\"NDI=\",\"type\":\"val\",\"ver\":1}",
        "{\"data\":\"\",\"type\":\"val\",\"ver\":1}",
        "{\"ver\":1,\"type\":\"valref\",\"data\":[]}",
        "{\"ver\":1,\"type\":\"valref\",\"data\":[\"" SHA1 "\",\"" SHA1B "\"]}",
        "{\"ver\":1,\"type\":\"dirref\",\"data\":[\"" SHA1 "\"]}",
        "{\"ver\":1,\"type\":\"dir\",\"data\":{}}",
        "{\"ver\":1,\"type\":\"dir\",\"data\":{\"a\":{\"ver\":1,\"type\":\"dir\","
        "\"data\":{\"b\":{\"ver\":1,\"type\":\"val\",\"data\":\"NDI=\"}}}}}",
        "{\"data\":{\"target\":\"long\"},\"type\":\"symlink\",\"ver\":1}",
        "{\"data\":{\"namespace\":\"a\",\"target\":\"b.b\"},\"type\":\"symlink\",\"ver\":"
        "1}",
        "{\"ver\":1,\"type\":\"val\",\"data\":\"NDI=\",\"size\":2}",
    };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        ck_assert_msg(validate(good[i]) == 0, "%s", good[i]);
}
END_TEST

START_TEST(malformed_objects_are_refused)
{
    static const char *const bad[] = {
        "{}",
        "[]",
        "{\"ver\":2,\"type\":\"val\",\"data\":\"\"}",
        "{\"ver\":1,\"type\":\"vall\",\"data\":\"\"}",
        "{\"ver\":1,\"type\":\"val\"}",
        "{\"ver\":1,\"type\":\"val\",\"data\":1}",
        "{\"ver\":1,\"type\":\"val\",\"data\":\"N\"}",
        "{\"ver\":1,\"type\":\"valref\",\"data\":\"" SHA1 "\"}",
        "{\"ver\":1,\"type\":\"valref\",\"data\":[\"sha1-xyz\"]}",
        "{\"ver\":1,\"type\":\"valref\",\"data\":[1]}",
        "{\"ver\":1,\"type\":\"dirref\",\"data\":[]}",
        "{\"ver\":1,\"type\":\"dirref\",\"data\":[\"" SHA1 "\",\"" SHA1B "\"]}",
        "{\"ver\":1,\"type\":\"dir\",\"data\":[]}",
        "{\"ver\":1,\"type\":\"dir\",\"data\":{\"a\":1}}",
        "{\"ver\":1,\"type\":\"dir\",\"data\":{\"\":{\"ver\":1,\"type\":\"dir\",\"data\":"
        "{}}}}",
        "{\"ver\":1,\"type\":\"dir\",\"data\":{\"a.b\":{\"ver\":1,\"type\":\"dir\","
        "\"data\":{}}}}",
        "{\"ver\":1,\"type\":\"symlink\",\"data\":\"a\"}",
        "{\"ver\":1,\"type\":\"symlink\",\"data\":{\"target\":\"\"}}",
        "{\"ver\":1,\"type\":\"symlink\",\"data\":{\"target\":\"a\",\"namespace\":1}}",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(validate(bad[i]) == -EPROTO, "%s", bad[i]);
}
END_TEST

START_TEST(a_val_holds_any_bytes)
{
    cJSON *o = treeobj_new_val("a\0b", 3);
    char *data;
    size_t len;

    ck_assert_int_eq(treeobj_type(o), TREEOBJ_VAL);
    ck_assert_str_eq(json_str(json_get(o, "data")), "YQBi");
    ck_assert_int_eq(treeobj_val_decode(o, &data, &len), 0);
    ck_assert_uint_eq(len, 3);
    ck_assert_mem_eq(data, "a\0b", 4);
    free(data);
    json_free(o);
    o = treeobj_new_val("", 0);
    ck_assert_int_eq(treeobj_val_decode(o, &data, &len), 0);
    ck_assert_uint_eq(len, 0);
    free(data);
    json_free(o);
    o = treeobj_new_dir();
    ck_assert_int_eq(treeobj_val_decode(o, &data, &len), -EINVAL);
    json_free(o);
}
END_TEST

START_TEST(references_are_appended_in_order)
{
    cJSON *o = treeobj_new_valref(NULL);

    ck_assert_int_eq(treeobj_blobref_count(o), 0);
    ck_assert_int_eq(treeobj_add_blobref(o, SHA1), 0);
    ck_assert_int_eq(treeobj_add_blobref(o, SHA1B), 0);
    ck_assert_int_eq(treeobj_add_blobref(o, "sha1-"), -EINVAL);
    ck_assert_int_eq(treeobj_blobref_count(o), 2);
    ck_assert_str_eq(treeobj_blobref(o, 1), SHA1B);
    ck_assert_ptr_null(treeobj_blobref(o, 2));
    ck_assert_int_eq(treeobj_validate(o, NULL), 0);
    json_free(o);
    o = treeobj_new_dirref(SHA1);
    ck_assert_int_eq(treeobj_validate(o, NULL), 0);
    json_free(o);
    ck_assert_ptr_null(treeobj_new_dirref("nonsense"));
}
END_TEST

START_TEST(directories_hold_entries_by_name)
{
    cJSON *dir = treeobj_new_dir();

    ck_assert_int_eq(treeobj_dir_set(dir, "a", treeobj_new_val("1", 1)), 0);
    ck_assert_int_eq(treeobj_dir_set(dir, "A", treeobj_new_symlink("ns", "t.t")), 0);
    ck_assert_int_eq(treeobj_dir_set(dir, "a", treeobj_new_dir()), 0);
    ck_assert_int_eq(treeobj_dir_count(dir), 2);
    ck_assert_int_eq(treeobj_type(treeobj_dir_get(dir, "a")), TREEOBJ_DIR);
    ck_assert_int_eq(treeobj_validate(dir, NULL), 0);
    ck_assert_int_eq(treeobj_dir_delete(dir, "a"), 0);
    ck_assert_int_eq(treeobj_dir_delete(dir, "a"), -ENOENT);
    ck_assert_int_eq(treeobj_type(treeobj_dir_get(dir, "A")), TREEOBJ_SYMLINK);
    json_free(dir);
}
END_TEST

START_TEST(symlinks_may_name_a_namespace)
{
    cJSON *o = treeobj_new_symlink("ns", "a.b");
    const char *ns, *target;

    ck_assert_int_eq(treeobj_symlink_get(o, &ns, &target), 0);
    ck_assert_str_eq(ns, "ns");
    ck_assert_str_eq(target, "a.b");
    json_free(o);
    o = treeobj_new_symlink(NULL, "a");
    ck_assert_int_eq(treeobj_symlink_get(o, &ns, &target), 0);
    ck_assert_ptr_null(ns);
    json_free(o);
}
END_TEST

SUITE_MAIN("proto/treeobj", objects_of_every_type_are_valid,
           malformed_objects_are_refused, a_val_holds_any_bytes,
           references_are_appended_in_order, directories_hold_entries_by_name,
           symlinks_may_name_a_namespace)

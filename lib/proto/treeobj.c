/* KVS tree objects: a thin layer of names over JSON. */
#include "proto/treeobj.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/error.h"

#define DEPTH_MAX 30 /* directories within a directory's own object */

static const char *const type_names[] = {
    [TREEOBJ_NONE] = "none", [TREEOBJ_VAL] = "val",       [TREEOBJ_VALREF] = "valref",
    [TREEOBJ_DIR] = "dir",   [TREEOBJ_DIRREF] = "dirref", [TREEOBJ_SYMLINK] = "symlink",
};

enum treeobj_type treeobj_type(const cJSON *o)
{
    const char *s = json_str(json_get(o, "type"));

    if (!s)
        return TREEOBJ_NONE;
    for (size_t i = TREEOBJ_VAL; i < ARRAY_SIZE(type_names); i++)
        if (strcmp(s, type_names[i]) == 0)
            return i;
    return TREEOBJ_NONE;
}

const char *treeobj_type_name(enum treeobj_type type)
{
    return type_names[(size_t)type < ARRAY_SIZE(type_names) ? type : TREEOBJ_NONE];
}

static cJSON *data_of(const cJSON *o, enum treeobj_type type)
{
    return treeobj_type(o) == type ? json_get(o, "data") : NULL;
}

static cJSON *refs_of(const cJSON *o)
{
    cJSON *data = data_of(o, TREEOBJ_VALREF);

    return data ? data : data_of(o, TREEOBJ_DIRREF);
}

/* HASHNAME-HEX, at least 128 bits. */
bool blobref_valid(const char *s)
{
    size_t name = s ? strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789") : 0;
    size_t hex;

    if (name == 0 || name > 16 || s[name] != '-')
        return false;
    hex = strspn(s + name + 1, "0123456789abcdef");
    return s[name + 1 + hex] == '\0' && hex >= 32 && hex <= 128 && hex % 2 == 0;
}

static int check_refs(const cJSON *data, bool dir, flux_error_t *err)
{
    const cJSON *ref;
    int count = 0;

    if (!cJSON_IsArray(data))
        return error_set(err, EPROTO, "tree object: data is not an array of blobrefs");
    cJSON_ArrayForEach(ref, data)
    {
        if (!blobref_valid(json_str(ref)))
            return error_set(err, EPROTO, "tree object: malformed blobref");
        count++;
    }
    if (dir && count != 1)
        return error_set(err, EPROTO, "tree object: dirref needs exactly one blobref");
    return 0;
}

static int check_val(const cJSON *data, flux_error_t *err)
{
    const char *s = json_str(data);
    struct buf b = {0};
    int rc;

    if (!s)
        return error_set(err, EPROTO, "tree object: val data is not a string");
    rc = base64_decode_buf(&b, s, strlen(s));
    buf_free(&b);
    if (rc == -EINVAL)
        return error_set(err, EPROTO, "tree object: val data is not base64");
    return rc;
}

static int check_symlink(const cJSON *data, flux_error_t *err)
{
    const cJSON *ns = json_get(data, "namespace");
    const char *target = json_str(json_get(data, "target"));

    if (!target || !*target || (ns && (!json_str(ns) || !*json_str(ns))))
        return error_set(err, EPROTO,
                         "tree object: symlink needs a target, and maybe a namespace");
    return 0;
}

static bool name_valid(const char *name)
{
    return name && *name && !strchr(name, '.');
}

static int check(const cJSON *o, unsigned depth, flux_error_t *err);

static int check_dir(const cJSON *data, unsigned depth, flux_error_t *err)
{
    const cJSON *entry;
    int rc;

    if (!cJSON_IsObject(data))
        return error_set(err, EPROTO, "tree object: dir data is not an object");
    cJSON_ArrayForEach(entry, data)
    {
        if (!name_valid(entry->string))
            return error_set(err, EPROTO, "tree object: bad name '%.40s' in dir",
                             entry->string);
        if ((rc = check(entry, depth + 1, err)) < 0)
            return rc;
    }
    return 0;
}

static int check(const cJSON *o, unsigned depth, flux_error_t *err)
{
    const cJSON *data = json_get(o, "data");
    int64_t ver;

    if (depth > DEPTH_MAX)
        return error_set(err, EPROTO, "tree object: directories nested too deeply");
    if (json_int64(json_get(o, "ver"), &ver) < 0 || ver != 1)
        return error_set(err, EPROTO, "tree object: ver is not 1");
    switch (treeobj_type(o)) {
    case TREEOBJ_VAL:
        return check_val(data, err);
    case TREEOBJ_VALREF:
        return check_refs(data, false, err);
    case TREEOBJ_DIRREF:
        return check_refs(data, true, err);
    case TREEOBJ_DIR:
        return check_dir(data, depth, err);
    case TREEOBJ_SYMLINK:
        return check_symlink(data, err);
    default:
        return error_set(err, EPROTO, "tree object: unknown type");
    }
}

int treeobj_validate(const cJSON *o, flux_error_t *err)
{
    return check(o, 0, err);
}

int treeobj_parse(const char *text, size_t len, cJSON **ret, flux_error_t *err)
{
    cJSON *o;
    int rc = json_parse(text, len, NULL, &o, err);

    if (rc < 0)
        return rc;
    if ((rc = treeobj_validate(o, err)) < 0) {
        json_free(o);
        return rc;
    }
    *ret = o;
    return 0;
}

/* Steals data. */
static cJSON *new_object(enum treeobj_type type, cJSON *data)
{
    return data ? json_pack("{s:i s:s s:o}", "ver", 1, "type", type_names[type], "data",
                            data)
                : NULL;
}

cJSON *treeobj_new_val(const void *data, size_t len)
{
    AUTOFREE char *text = malloc(base64_encoded_len(len) + 1);

    if (!text)
        return NULL;
    base64_encode(text, data, len);
    return new_object(TREEOBJ_VAL, json_new_str(text));
}

static cJSON *new_refs(enum treeobj_type type, const char *blobref)
{
    cJSON *o = new_object(type, cJSON_CreateArray());

    if (o && blobref && treeobj_add_blobref(o, blobref) < 0) {
        json_free(o);
        return NULL;
    }
    return o;
}

cJSON *treeobj_new_valref(const char *blobref)
{
    return new_refs(TREEOBJ_VALREF, blobref);
}

cJSON *treeobj_new_dirref(const char *blobref)
{
    return new_refs(TREEOBJ_DIRREF, blobref);
}

cJSON *treeobj_new_dir(void)
{
    return new_object(TREEOBJ_DIR, cJSON_CreateObject());
}

cJSON *treeobj_new_symlink(const char *namespace, const char *target)
{
    cJSON *data = namespace
                      ? json_pack("{s:s s:s}", "namespace", namespace, "target", target)
                      : json_pack("{s:s}", "target", target);

    return new_object(TREEOBJ_SYMLINK, data);
}

int treeobj_val_decode_buf(const cJSON *o, struct buf *out)
{
    const cJSON *data = data_of(o, TREEOBJ_VAL);
    const char *s = json_str(data);
    int rc;

    if (!data)
        return -EINVAL;
    if (!s)
        return -EPROTO;
    rc = base64_decode_buf(out, s, strlen(s));
    return rc == -EINVAL ? -EPROTO : rc;
}

int treeobj_val_decode(const cJSON *o, char **ret, size_t *ret_len)
{
    struct buf b = {0};
    int rc = treeobj_val_decode_buf(o, &b);
    char *data;
    size_t len;

    /* A reserve makes an empty value a pointer to "" as well. */
    if (rc == 0)
        rc = buf_reserve(&b, 1);
    if (rc < 0) {
        buf_free(&b);
        return rc;
    }
    b.data[b.len] = '\0';
    if (!(data = buf_take(&b, &len)))
        return -ENOMEM;
    *ret = data;
    if (ret_len)
        *ret_len = len;
    return 0;
}

int treeobj_blobref_count(const cJSON *o)
{
    const cJSON *refs = refs_of(o);

    return refs ? cJSON_GetArraySize(refs) : -EINVAL;
}

const char *treeobj_blobref(const cJSON *o, int index)
{
    const cJSON *refs = refs_of(o);

    return refs && index >= 0 ? json_str(cJSON_GetArrayItem(refs, index)) : NULL;
}

int treeobj_add_blobref(cJSON *o, const char *blobref)
{
    cJSON *refs = refs_of(o), *item;

    if (!refs || !blobref_valid(blobref))
        return -EINVAL;
    if (!(item = json_new_str(blobref)))
        return -ENOMEM;
    cJSON_AddItemToArray(refs, item);
    return 0;
}

int treeobj_dir_count(const cJSON *o)
{
    const cJSON *data = data_of(o, TREEOBJ_DIR);

    return data ? cJSON_GetArraySize(data) : -EINVAL;
}

cJSON *treeobj_dir_get(const cJSON *o, const char *name)
{
    return json_get(data_of(o, TREEOBJ_DIR), name);
}

int treeobj_dir_set(cJSON *o, const char *name, cJSON *entry)
{
    cJSON *data = data_of(o, TREEOBJ_DIR);

    if (!data || !name_valid(name) || !entry)
        return -EINVAL;
    cJSON_DeleteItemFromObjectCaseSensitive(data, name);
    return cJSON_AddItemToObject(data, name, entry) ? 0 : -ENOMEM;
}

int treeobj_dir_delete(cJSON *o, const char *name)
{
    cJSON *data = data_of(o, TREEOBJ_DIR);
    cJSON *item = json_get(data, name);

    if (!item)
        return data ? -ENOENT : -EINVAL;
    json_free(cJSON_DetachItemViaPointer(data, item));
    return 0;
}

int treeobj_symlink_get(const cJSON *o, const char **ret_namespace,
                        const char **ret_target)
{
    const cJSON *data = data_of(o, TREEOBJ_SYMLINK);
    const char *target = json_str(json_get(data, "target"));

    if (!target)
        return -EINVAL;
    if (ret_namespace)
        *ret_namespace = json_str(json_get(data, "namespace"));
    if (ret_target)
        *ret_target = target;
    return 0;
}

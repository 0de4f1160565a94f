/* kvs.commit payloads made. */
#include <errno.h>

#include "base/base64.h"
#include "base/json.h"
#include "proto/kvstxn.h"

static void begin(struct buf *ops, const char *key)
{
    if (ops->len)
        buf_addc(ops, ',');
    buf_adds(ops, "{\"key\":");
    json_buf_str(ops, key, strlen(key));
}

static void begin_dirent(struct buf *ops, const char *key, int flags)
{
    begin(ops, key);
    buf_adds(ops, ",\"flags\":");
    json_buf_int(ops, flags);
    buf_adds(ops, ",\"dirent\":");
}

static int end(struct buf *ops, const char *text)
{
    buf_adds(ops, text);
    return ops->failed ? -ENOMEM : 0;
}

int kvstxn_add_val(struct buf *ops, const char *key, int flags, const void *data,
                   size_t len)
{
    begin_dirent(ops, key, flags);
    buf_adds(ops, "{\"ver\":1,\"type\":\"val\",\"data\":\"");
    if (len && base64_encode_buf(ops, data, len) < 0)
        ops->failed = true;
    return end(ops, "\"}}");
}

int kvstxn_add_unlink(struct buf *ops, const char *key)
{
    begin_dirent(ops, key, 0);
    return end(ops, "null}");
}

int kvstxn_add_treeobj(struct buf *ops, const char *key, int flags, const char *treeobj,
                       size_t len)
{
    begin_dirent(ops, key, flags);
    buf_add(ops, treeobj, len);
    return end(ops, "}");
}

int kvstxn_add_expect_version(struct buf *ops, const char *key, int64_t version)
{
    begin(ops, key);
    buf_adds(ops, ",\"flags\":0,\"expect\":{\"version\":");
    json_buf_int(ops, version);
    return end(ops, "}}");
}

int kvstxn_add_expect_data(struct buf *ops, const char *key, const void *data, size_t len)
{
    begin(ops, key);
    buf_adds(ops, ",\"flags\":0,\"expect\":{\"data\":\"");
    if (len && base64_encode_buf(ops, data, len) < 0)
        ops->failed = true;
    return end(ops, "\"}}");
}

int kvstxn_print(struct buf *out, const char *ns, int flags, const struct buf *ops)
{
    buf_reserve(out, ops->len + strlen(ns) + 64);
    buf_adds(out, "{\"namespace\":");
    json_buf_str(out, ns, strlen(ns));
    buf_adds(out, ",\"flags\":");
    json_buf_int(out, flags);
    buf_adds(out, ",\"ops\":[");
    if (ops->len)
        buf_add(out, ops->data, ops->len);
    return end(out, "]}");
}

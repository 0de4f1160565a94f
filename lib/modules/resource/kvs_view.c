/* The resources as they appear in the KVS, below "resource": lookups there are sent here by
 * the kvs service.
 *
 *   resource.kvs-lookup {"key":s,"flags":i} -> {"val":treeobj}
 *
 * The key is "R", "eventlog", or "" for the directory of these.
 */
#include <errno.h>
#include <string.h>

#include <flux/flog.h>
#include <flux/kvs.h>
#include <flux/request.h>
#include <flux/response.h>

#include "base/cleanup.h"
#include "modules/resource/resource.h"
#include "proto/blobref.h"
#include "proto/treeobj.h"

static int read_R(const struct resource *res, struct buf *out)
{
    cJSON *R;
    int rc = rset_json(res->inv.all, &R);

    if (rc < 0)
        return rc;
    rc = json_print_buf(R, out);
    json_free(R);
    return rc;
}

static int read_eventlog(const struct resource *res, struct buf *out)
{
    reslog_text(res->log, out);
    return out->failed ? -ENOMEM : 0;
}

static const struct {
    const char *key;
    int (*read)(const struct resource *res, struct buf *out);
} values[] = {
    {"R", read_R},
    {"eventlog", read_eventlog},
};

static int make_dir(int flags, cJSON **ret)
{
    cJSON *dir;

    if (flags & FLUX_KVS_READLINK)
        return -EINVAL;
    if (flags & FLUX_KVS_TREEOBJ)
        return (*ret = treeobj_new_dirref(BLOBREF_MOUNTED_TEXT)) ? 0 : -ENOMEM;
    if (!(flags & FLUX_KVS_READDIR))
        return -EISDIR;
    if (!(dir = treeobj_new_dir()))
        return -ENOMEM;
    for (size_t i = 0; i < ARRAY_SIZE(values); i++)
        treeobj_dir_set(dir, values[i].key, treeobj_new_valref(NULL));
    *ret = dir;
    return 0;
}

static int make_value(const struct resource *res, size_t i, int flags, cJSON **ret)
{
    struct buf out = {0};
    int rc;

    if (flags & FLUX_KVS_READDIR)
        return -ENOTDIR;
    if (flags & FLUX_KVS_READLINK)
        return -EINVAL;
    if ((rc = values[i].read(res, &out)) == 0 &&
        !(*ret = treeobj_new_val(out.data, out.len)))
        rc = -ENOMEM;
    buf_free(&out);
    return rc;
}

static int make(const struct resource *res, const char *key, int flags, cJSON **ret)
{
    if (!*key)
        return make_dir(flags, ret);
    for (size_t i = 0; i < ARRAY_SIZE(values); i++)
        if (strcmp(values[i].key, key) == 0)
            return make_value(res, i, flags, ret);
    return -ENOENT;
}

void resource_kvs_lookup(struct resource *res, const flux_msg_t *msg)
{
    const char *key;
    cJSON *val = NULL;
    int flags, rc;

    if (flux_request_unpack(msg, NULL, "{s:s s:i}", "key", &key, "flags", &flags) < 0)
        flux_respond_error(res->h, msg, errno, NULL);
    else if ((rc = make(res, key, flags, &val)) < 0)
        flux_respond_error(res->h, msg, -rc, NULL);
    else if (flux_respond_pack(res->h, msg, "{s:o}", "val", val) < 0)
        flux_log_error(res->h, "resource.kvs-lookup");
}

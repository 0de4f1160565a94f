/* Objects in JSON. */
#include "modules/kvs/answer.h"

#include <errno.h>

#include "base/base64.h"
#include "base/json.h"
#include "proto/blobref.h"

void answer_val(struct buf *out, const void *data, size_t len)
{
    buf_adds(out, "{\"data\":\"");
    if (len && base64_encode_buf(out, data, len) < 0)
        out->failed = true;
    buf_adds(out, "\",\"type\":\"val\",\"ver\":1}");
}

void answer_dirref(struct buf *out, const unsigned char *hash)
{
    char ref[BLOBREF_SIZE];

    blobref_print_hash(hash, ref);
    buf_adds(out, "{\"data\":[\"");
    buf_adds(out, ref);
    buf_adds(out, "\"],\"type\":\"dirref\",\"ver\":1}");
}

void answer_symlink(struct buf *out, struct slice ns, struct slice target)
{
    buf_adds(out, "{\"data\":{");
    if (ns.len) {
        buf_adds(out, "\"namespace\":");
        json_buf_str(out, ns.p, ns.len);
        buf_addc(out, ',');
    }
    buf_adds(out, "\"target\":");
    json_buf_str(out, target.p, target.len);
    buf_adds(out, "},\"type\":\"symlink\",\"ver\":1}");
}

static int add_blob(const unsigned char *hash, uint64_t len, void *arg)
{
    struct buf *out = arg;
    char ref[BLOBREF_SIZE];

    blobref_print_hash(hash, ref);
    if (out->data[out->len - 1] != '[')
        buf_addc(out, ',');
    buf_addc(out, '"');
    buf_adds(out, ref);
    return buf_addc(out, '"');
}

/* The hash of what stands below entry i: that in the entry may be out of date. */
static const unsigned char *hash_of(const struct obj *leaf, unsigned i,
                                    const struct entry *e)
{
    return leaf->kids && leaf->kids[i] ? leaf->kids[i]->hash : e->hash;
}

static int answer_valref(struct objs *os, struct obj *leaf, unsigned i, struct need *need,
                         struct buf *out)
{
    size_t len = out->len;
    struct entry e;
    int rc;

    obj_entry(leaf, i, &e);
    buf_adds(out, "{\"data\":[");
    rc = e.type == ENTRY_BLOB ? add_blob(hash_of(leaf, i, &e), e.n, out)
                              : value_blobs(os, leaf, i, need, add_blob, out);
    if (rc < 0) {
        out->len = len;
        return rc;
    }
    buf_adds(out, "],\"type\":\"valref\",\"ver\":1}");
    return 0;
}

int answer_entry(struct objs *os, struct obj *leaf, unsigned i, struct need *need,
                 struct buf *out)
{
    struct entry e;

    obj_entry(leaf, i, &e);
    switch (e.type) {
    case ENTRY_VAL:
        answer_val(out, e.val.p, e.val.len);
        return 0;
    case ENTRY_LINK:
        answer_symlink(out, e.ns, e.val);
        return 0;
    case ENTRY_DIR:
        answer_dirref(out, hash_of(leaf, i, &e));
        return 0;
    default:
        return answer_valref(os, leaf, i, need, out);
    }
}

int answer_value(struct objs *os, struct obj *leaf, unsigned i, struct need *need,
                 struct buf *out)
{
    struct buf value = {0};
    struct entry e;
    int rc;

    obj_entry(leaf, i, &e);
    if (e.type == ENTRY_VAL) {
        answer_val(out, e.val.p, e.val.len);
        return 0;
    }
    if (e.n > ANSWER_MAX)
        return -EFBIG;
    if ((rc = value_read(os, leaf, i, 0, ANSWER_MAX, need, &value)) == 0)
        answer_val(out, value.data, value.len);
    buf_free(&value);
    return rc;
}

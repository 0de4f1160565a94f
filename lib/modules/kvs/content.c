/* The content service. */
#include "modules/kvs/content.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "modules/kvs/content_private.h"

#define BLOB_MAX (32u << 20) /* bytes of one */

struct content {
    struct kvs *kvs;
    struct list requests; /* under way */
};

int content_new(struct kvs *kvs, struct content **ret)
{
    struct content *c = calloc(1, sizeof(*c));

    if (!c)
        return -ENOMEM;
    c->kvs = kvs;
    list_init(&c->requests);
    *ret = c;
    return 0;
}

void content_free(struct content *c)
{
    if (!c)
        return;
    list_each(r, &c->requests, struct content_request, link)
    {
        kvs_respond_error(r->kvs, r->msg, ENOSYS, NULL);
        if (r->commit) { /* nothing will come of it any more */
            content_request_free(r);
            continue;
        }
        list_del(&r->link);
        r->kvs = NULL;
    }
    free(c);
}

struct content_request *content_request_new(struct kvs *kvs, const flux_msg_t *msg)
{
    struct content_request *r = calloc(1, sizeof(*r));

    if (!r) {
        kvs_respond_error(kvs, msg, ENOMEM, NULL);
        return NULL;
    }
    r->kvs = kvs;
    r->msg = flux_msg_incref(msg);
    list_append(&kvs->content->requests, &r->link);
    return r;
}

void content_request_free(struct content_request *r)
{
    list_del(&r->link);
    flux_future_destroy(r->commit);
    flux_msg_decref(r->msg);
    buf_free(&r->blob);
    free(r);
}

void content_request_end(struct content_request *r, int rc, const void *data, size_t len)
{
    if (r->kvs && rc < 0) {
        bool damaged = rc == -EIO && !store_has_failed(r->kvs->store);

        kvs_respond_error(r->kvs, r->msg, -rc,
                          damaged ? "the blob is damaged, or cannot be read" : NULL);
    } else if (r->kvs && flux_respond_raw(r->kvs->h, r->msg, data, len) < 0)
        flux_log_error(r->kvs->h, "content");
    content_request_free(r);
}

/* ---- load ---- */

static int take_blob(uint64_t gen, const void *data, size_t len, void *arg)
{
    struct content_request *r = arg;
    unsigned char hash[SHA256_SIZE];

    sha256(data, len, hash);
    if (memcmp(hash, r->hash, sizeof(hash)) != 0)
        return -EIO;
    return len ? buf_add(&r->blob, data, len) : 0;
}

static int read_blob(struct store_reader *reader, void *arg)
{
    struct content_request *r = arg;

    return store_reader_blob(reader, r->hash, take_blob, r);
}

static void blob_read(int rc, void *arg)
{
    struct content_request *r = arg;

    content_request_end(r, rc, r->blob.data, r->blob.len);
}

/* What the KVS has told the hash of need not be stored yet. */
static struct obj *in_memory(struct kvs *kvs, const unsigned char *hash)
{
    struct obj *o = obj_by_hash(&kvs->os, hash, false);

    return o ? o : obj_by_hash(&kvs->os, hash, true);
}

void content_load_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct kvs *kvs = arg;
    struct content_request *r;
    const void *hash;
    struct obj *o;
    size_t len;
    int rc;

    if (flux_request_decode_raw(msg, NULL, &hash, &len) < 0 || len != STORE_HASH) {
        kvs_respond_error(kvs, msg, EPROTO, "a hash has %d bytes", STORE_HASH);
        return;
    }
    if (!(r = content_request_new(kvs, msg)))
        return;
    memcpy(r->hash, hash, STORE_HASH);
    if ((o = in_memory(kvs, r->hash)))
        content_request_end(r, 0, o->data, o->len);
    else if ((rc = store_read(kvs->store, read_blob, blob_read, r)) < 0)
        content_request_end(r, rc, NULL, 0);
}

/* ---- store ---- */

static void blob_stored(int error, void *arg)
{
    struct content_request *r = arg;

    content_request_end(r, error, r->hash, sizeof(r->hash));
}

static int put_blob(struct content_request *r, const void *data, size_t len)
{
    struct store_txn *t = store_txn_new(r->kvs->store);

    sha256(data, len, r->hash);
    if (!t || store_txn_blob(t, r->hash, r->kvs->generation, data, len) < 0) {
        store_txn_free(t);
        return -ENOMEM;
    }
    return store_commit(r->kvs->store, t, blob_stored, r);
}

void content_store_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct kvs *kvs = arg;
    const void *data;
    struct content_request *r;
    size_t len;
    int rc;

    if (flux_request_decode_raw(msg, NULL, &data, &len) < 0)
        kvs_respond_error(kvs, msg, errno, NULL);
    else if (len > BLOB_MAX)
        kvs_respond_error(kvs, msg, EFBIG, "a blob has at most %u bytes", BLOB_MAX);
    else if ((r = content_request_new(kvs, msg)) &&
             (rc = put_blob(r, data ? data : "", len)) < 0)
        content_request_end(r, rc, NULL, 0);
}

/* ---- the rest ---- */

static void flushed(int error, void *arg)
{
    content_request_end(arg, error, NULL, 0);
}

void content_flush_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct kvs *kvs = arg;
    struct content_request *r = content_request_new(kvs, msg);
    int rc;

    if (r && (rc = store_barrier(kvs->store, flushed, r)) < 0)
        content_request_end(r, rc, NULL, 0);
}

static int read_stats(struct store_reader *reader, void *arg)
{
    struct content_request *r = arg;

    return store_reader_kvs_stats(reader, &r->stats);
}

static void stats_read(int rc, void *arg)
{
    struct content_request *r = arg;
    const struct store_kvs_stats *s = &r->stats;

    if (rc < 0 || !r->kvs) {
        content_request_end(r, rc, NULL, 0);
        return;
    }
    flux_respond_pack(r->kvs->h, r->msg, "{s:I s:I s:i s:I s:i}", "count",
                      (int64_t)s->blobs, "valid", (int64_t)s->blobs, "dirty", 0, "size",
                      (int64_t)s->blob_bytes, "flush-batch-count", 0);
    content_request_free(r);
}

void content_stats_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct kvs *kvs = arg;
    struct content_request *r = content_request_new(kvs, msg);
    int rc;

    if (r && (rc = store_read(kvs->store, read_stats, stats_read, r)) < 0)
        content_request_end(r, rc, NULL, 0);
}

/* Checkpoints as the content service tells of them: the roots of the namespaces that the
 * store has, and another root for the primary one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "modules/kvs/checkpoint.h"
#include "modules/kvs/content.h"
#include "modules/kvs/content_private.h"
#include "proto/blobref.h"

/* ---- get ---- */

struct get {
    struct content_request *r;
    double when; /* of the checkpoint */
    struct buf others;
};

static void print_root(struct buf *out, const struct store_root *root, double when)
{
    char ref[BLOBREF_SIZE];

    blobref_print_hash(root->hash, ref);
    buf_addf(out,
             ",{\"version\":1,\"rootref\":\"%s\",\"sequence\":%llu,\"timestamp\":", ref,
             (unsigned long long)root->version);
    json_buf_time(out, when);
    buf_adds(out, ",\"namespace\":");
    json_buf_str(out, root->ns, strlen(root->ns));
    buf_addc(out, '}');
}

static int take_root(const struct store_root *root, void *arg)
{
    struct get *g = arg;
    bool primary = strcmp(root->ns, KVS_PRIMARY_NAMESPACE) == 0;

    print_root(primary ? &g->r->blob : &g->others, root, g->when);
    return 0;
}

/* The primary namespace comes first. */
static int read_roots(struct store_reader *reader, void *arg)
{
    struct get *g = arg;
    int rc = store_reader_roots(reader, take_root, g);

    if (g->others.len)
        buf_add(&g->r->blob, g->others.data, g->others.len);
    return rc < 0 ? rc : g->others.failed || g->r->blob.failed ? -ENOMEM : 0;
}

static void roots_read(int rc, void *arg)
{
    struct get *g = arg;
    struct content_request *r = g->r;
    struct buf out = {0};

    if (rc == 0 && r->kvs && r->blob.len == 0) {
        kvs_respond_error(r->kvs, r->msg, ENOENT, "no checkpoint has been made yet");
        content_request_free(r);
    } else if (rc == 0 && r->kvs) {
        buf_adds(&out, "{\"value\":[");
        buf_add(&out, r->blob.data + 1, r->blob.len - 1);
        buf_adds(&out, "]}");
        kvs_respond_buf(r->kvs, r->msg, &out);
        content_request_free(r);
    } else
        content_request_end(r, rc, NULL, 0);
    buf_free(&g->others);
    free(g);
}

void content_checkpoint_get_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                               void *arg)
{
    struct kvs *kvs = arg;
    struct get *g = calloc(1, sizeof(*g));
    int rc;

    if (!g || !(g->r = content_request_new(kvs, msg))) {
        if (!g)
            kvs_respond_error(kvs, msg, ENOMEM, NULL);
        free(g);
        return;
    }
    checkpoint_last(kvs->checkpoint, &g->when);
    if ((rc = store_read(kvs->store, read_roots, roots_read, g)) < 0)
        roots_read(rc, g);
}

/* ---- put ---- */

static void committed(flux_future_t *f, void *arg)
{
    struct content_request *r = arg;

    if (flux_future_get(f, NULL) < 0)
        kvs_respond_error(r->kvs, r->msg, errno, "%s", flux_future_error_string(f));
    else if (flux_respond(r->kvs->h, r->msg, "{}") < 0)
        flux_log_error(r->kvs->h, "content");
    content_request_free(r);
}

/* Another root is a commit like others, by way of the service's own requests, answered
 * once it is in a checkpoint. */
static int put_root(struct content_request *r, const char *ref)
{
    flux_kvs_txn_t *txn = flux_kvs_txn_create();
    struct buf dir = {0};
    int rc = 0;

    buf_addf(&dir, "{\"data\":[\"%s\"],\"type\":\"dirref\",\"ver\":1}", ref);
    if (!txn || dir.failed || flux_kvs_txn_put_treeobj(txn, 0, ".", dir.data) < 0 ||
        !(r->commit =
              flux_kvs_commit(r->kvs->h, KVS_PRIMARY_NAMESPACE, FLUX_KVS_SYNC, txn)) ||
        flux_future_then(r->commit, -1., committed, r) < 0)
        rc = -errno;
    flux_kvs_txn_destroy(txn);
    buf_free(&dir);
    return rc;
}

void content_checkpoint_put_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                               void *arg)
{
    struct kvs *kvs = arg;
    struct blobref parsed;
    struct content_request *r;
    const char *ref;
    int version, rc;

    if (flux_request_unpack(msg, NULL, "{s:{s:i s:s}}", "value", "version", &version,
                            "rootref", &ref) < 0 ||
        version != 1)
        kvs_respond_error(kvs, msg, EPROTO, "not a checkpoint of version 1");
    else if (blobref_parse(slice_of(ref), &parsed) < 0)
        kvs_respond_error(kvs, msg, EINVAL, "'%.80s' is no reference", ref);
    else if ((r = content_request_new(kvs, msg)) && (rc = put_root(r, ref)) < 0)
        content_request_end(r, rc, NULL, 0);
}

/* Pieces of all that there is, see dump.h. Each request is one read on a worker thread,
 * which prints the answer.
 */
#include "modules/kvs/dump.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "modules/kvs/snapshot.h"
#include "proto/blobref.h"
#include "store/walk.h"

#define PIECE_BYTES (256u << 10)
#define PIECE_JOBS 100

struct dump {
    struct list link;
    struct dumps *ds; /* NULL: the service has ended */
    const flux_msg_t *msg;
    struct buf out;
    unsigned char root[NODE_HASH];
    struct walk_cursor cursor;
    bool check;
    uint64_t after;
    unsigned n;
    size_t nroots;
    struct store_pin *pins; /* to be kept */
    unsigned char (*hashes)[NODE_HASH];
    struct store_txn *txn; /* jobs that are put */
    cJSON *jobs;
};

struct dumps {
    struct kvs *kvs;
    struct list list;
};

int dumps_new(struct kvs *kvs, struct dumps **ret)
{
    struct dumps *ds = calloc(1, sizeof(*ds));

    if (!ds)
        return -ENOMEM;
    ds->kvs = kvs;
    list_init(&ds->list);
    *ret = ds;
    return 0;
}

static void dump_free(struct dump *d)
{
    list_del(&d->link);
    flux_msg_decref(d->msg);
    buf_free(&d->out);
    walk_cursor_free(&d->cursor);
    store_txn_free(d->txn);
    json_free(d->jobs);
    free(d->pins);
    free(d->hashes);
    free(d);
}

void dumps_free(struct dumps *ds)
{
    if (!ds)
        return;
    list_each(d, &ds->list, struct dump, link)
    {
        list_del(&d->link);
        kvs_respond_error(ds->kvs, d->msg, ECANCELED, NULL);
        d->ds = NULL; /* goes when the store answers */
    }
    free(ds);
}

static struct dump *dump_new(struct dumps *ds, const flux_msg_t *msg)
{
    struct dump *d = calloc(1, sizeof(*d));

    if (!d) {
        kvs_respond_error(ds->kvs, msg, ENOMEM, NULL);
        return NULL;
    }
    d->ds = ds;
    d->msg = flux_msg_incref(msg);
    list_append(&ds->list, &d->link);
    return d;
}

static void end(struct dump *d, int rc)
{
    if (!d->ds)
        ;
    else if (rc < 0)
        kvs_respond_error(d->ds->kvs, d->msg, -rc, NULL);
    else
        kvs_respond_buf(d->ds->kvs, d->msg, &d->out);
    dump_free(d);
}

static void read_done(int rc, void *arg)
{
    end(arg, rc);
}

static void start(struct dump *d, store_read_f fn, store_read_done_f done)
{
    int rc = store_read(d->ds->kvs->store, fn, done, d);

    if (rc < 0)
        end(d, rc);
}

static void comma(struct dump *d)
{
    if (d->n++ > 0)
        buf_addc(&d->out, ',');
}

/* ---- roots ---- */

static void print_ref(struct buf *out, const void *hash)
{
    char ref[BLOBREF_SIZE];

    blobref_print_hash(hash, ref);
    buf_addf(out, "\"%s\"", ref);
}

static int keep_root(struct dump *d, const struct store_root *root)
{
    struct store_pin *pins = realloc(d->pins, (d->nroots + 1) * sizeof(*pins));
    void *hashes;

    if (!pins)
        return -ENOMEM;
    d->pins = pins;
    if (!(hashes = realloc(d->hashes, (d->nroots + 1) * NODE_HASH)))
        return -ENOMEM;
    d->hashes = hashes;
    memcpy(d->hashes[d->nroots], root->hash, NODE_HASH);
    d->pins[d->nroots++] = (struct store_pin){.id = root->id, .owner = root->owner};
    return 0;
}

static int print_root(const struct store_root *root, void *arg)
{
    struct dump *d = arg;

    comma(d);
    buf_adds(&d->out, "{\"namespace\":");
    json_buf_str(&d->out, root->ns, strlen(root->ns));
    buf_addf(&d->out, ",\"owner\":%u,\"flags\":%u,\"rootref\":", root->owner,
             root->flags);
    print_ref(&d->out, root->hash);
    buf_addc(&d->out, '}');
    return keep_root(d, root);
}

/* What belongs to this instance alone is not passed on. */
static bool is_own(const char *key)
{
    static const char *const own[] = {"uuid",        "epoch",      "event-seq",
                                      "space-probe", "resource.R", "kvs.checkpoint"};

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (strcmp(key, own[i]) == 0)
            return true;
    return false;
}

static int print_meta(const char *key, const char *value, void *arg)
{
    struct dump *d = arg;

    if (is_own(key))
        return 0;
    comma(d);
    json_buf_str(&d->out, key, strlen(key));
    buf_addc(&d->out, ':');
    return json_buf_str(&d->out, value, strlen(value));
}

static int read_roots(struct store_reader *r, void *arg)
{
    struct dump *d = arg;
    int rc;

    buf_adds(&d->out, "{\"roots\":[");
    if ((rc = store_reader_roots(r, print_root, d)) < 0)
        return rc;
    buf_adds(&d->out, "],\"meta\":{");
    d->n = 0;
    rc = store_reader_metas(r, print_meta, d);
    buf_adds(&d->out, "}}");
    return rc;
}

static void roots_read(int rc, void *arg)
{
    struct dump *d = arg;

    for (size_t i = 0; d->ds && rc == 0 && i < d->nroots; i++) {
        d->pins[i].hash = d->hashes[i];
        rc = snapshot_keep(d->ds->kvs->snapshots, &d->pins[i]);
    }
    end(d, rc);
}

void dump_roots(struct dumps *ds, const flux_msg_t *msg)
{
    struct dump *d = dump_new(ds, msg);

    if (d)
        start(d, read_roots, roots_read);
}

/* ---- keys ---- */

static void print_val(struct buf *out, const struct walk_item *item)
{
    buf_addf(out, ",\"val\",%" PRIu64 ",%" PRIu64 ",\"", item->size, item->offset);
    if (item->data.len)
        base64_encode_buf(out, item->data.p, item->data.len);
    buf_addc(out, '"');
}

static int print_item(const struct walk_item *item, void *arg)
{
    struct dump *d = arg;
    struct buf *out = &d->out;

    comma(d);
    buf_addc(out, '[');
    json_buf_str(out, item->key, strlen(item->key));
    switch (item->kind) {
    case WALK_VAL:
        print_val(out, item);
        break;
    case WALK_LINK:
        buf_adds(out, ",\"link\",");
        json_buf_str(out, item->ns.p, item->ns.len);
        buf_addc(out, ',');
        json_buf_str(out, item->target.p, item->target.len);
        break;
    case WALK_DIR:
        buf_adds(out, ",\"dir\"");
        break;
    case WALK_BAD:
        buf_adds(out, ",\"bad\",");
        json_buf_str(out, item->why, strlen(item->why));
        buf_addc(out, ',');
        print_ref(out, item->hash);
        break;
    }
    buf_addc(out, ']');
    return out->failed ? -ENOMEM : 0;
}

static int read_keys(struct store_reader *r, void *arg)
{
    struct dump *d = arg;
    struct walk_how how = {d->root, d->check, (d->check ? 16u : 1u) * PIECE_BYTES};
    int rc;

    buf_adds(&d->out, "{\"items\":[");
    if ((rc = store_walk(r, &how, &d->cursor, print_item, d)) < 0)
        return rc;
    buf_addf(&d->out,
             "],\"more\":%s,\"offset\":%" PRIu64 ",\"key\":", rc ? "true" : "false",
             d->cursor.offset);
    json_buf_str(&d->out, d->cursor.key.data ? d->cursor.key.data : "",
                 d->cursor.key.len);
    buf_addc(&d->out, '}');
    return d->out.failed ? -ENOMEM : 0;
}

static int take_cursor(struct dump *d, const char *key, int64_t offset)
{
    d->cursor.begun = *key != '\0';
    d->cursor.offset = (uint64_t)offset;
    return *key && buf_adds(&d->cursor.key, key) < 0 ? -ENOMEM : 0;
}

void dump_walk(struct dumps *ds, const flux_msg_t *msg)
{
    const char *text, *key = "";
    int64_t offset = 0;
    struct blobref ref;
    int check = 0, rc;
    struct dump *d;

    if (flux_request_unpack(msg, NULL, "{s:s s?s s?I s?b}", "rootref", &text, "key", &key,
                            "offset", &offset, "check", &check) < 0 ||
        blobref_parse(slice_of(text), &ref) < 0 || ref.is_version || offset < 0) {
        kvs_respond_error(ds->kvs, msg, EPROTO, NULL);
        return;
    }
    if (!(d = dump_new(ds, msg)))
        return;
    memcpy(d->root, ref.hash, NODE_HASH);
    d->check = check;
    if ((rc = take_cursor(d, key, offset)) < 0 ||
        (rc = snapshot_renew(ds->kvs->snapshots, d->root)) < 0)
        end(d, rc);
    else
        start(d, read_keys, read_done);
}

/* ---- jobs ---- */

static const char *const pieces[] = {"jobspec", "env", "R", "eventlog"};

static void print_string(struct buf *out, const char *name, const char *value)
{
    if (!value)
        return;
    buf_addf(out, "\"%s\":", name);
    json_buf_str(out, value, strlen(value));
    buf_addc(out, ',');
}

static int print_job(const struct store_job *job, void *arg)
{
    struct dump *d = arg;
    struct buf *out = &d->out;

    comma(d);
    d->after = job->id;
    buf_addf(out,
             "{\"id\":%" PRIu64 ",\"state\":%d,\"result\":%d,\"userid\":%u,\"t_submit\":",
             job->id, job->state, job->result, job->userid);
    json_buf_real(out, job->t_submit);
    buf_adds(out, ",\"t_inactive\":");
    json_buf_real(out, job->t_inactive);
    buf_addc(out, ',');
    print_string(out, "name", job->name);
    print_string(out, "queue", job->queue);
    print_string(out, "nonce", job->nonce);
    print_string(out, "rec", job->rec);
    buf_adds(out, "\"pieces\":{}}");
    return out->failed ? -ENOMEM : out->len > PIECE_BYTES;
}

static int add_bytes(uint64_t seq, const void *data, size_t len, void *arg)
{
    return buf_add(arg, data, len) < 0 ? -ENOMEM : 0;
}

/* In place of the empty object that stands at the end of the row. */
static int print_pieces(struct dump *d, struct store_reader *r, uint64_t id)
{
    struct buf *out = &d->out;
    bool first = true;
    int rc = 0;

    out->len -= 2;
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        CLEANUP(buf_free) struct buf bytes = {0};

        if ((rc = store_reader_jobdata(r, id, pieces[i], add_bytes, &bytes)) == -ENOENT)
            continue;
        if (rc < 0)
            return rc;
        buf_addf(out, "%s\"%s\":\"", first ? "" : ",", pieces[i]);
        if (bytes.len)
            base64_encode_buf(out, bytes.data, bytes.len);
        buf_addc(out, '"');
        first = false;
    }
    return buf_adds(out, "}}") < 0 ? -ENOMEM : 0;
}

static int read_jobs(struct store_reader *r, void *arg)
{
    struct dump *d = arg;
    unsigned before;
    int rc = 0;

    buf_adds(&d->out, "{\"jobs\":[");
    do {
        before = d->n;
        if ((rc = store_reader_jobs(r, d->after, 1, print_job, d)) < 0)
            return rc;
        if (d->n > before && (rc = print_pieces(d, r, d->after)) < 0)
            return rc;
    } while (d->n > before && d->n < PIECE_JOBS && d->out.len < PIECE_BYTES);
    buf_addf(&d->out, "],\"more\":%s}", d->n > before ? "true" : "false");
    return d->out.failed ? -ENOMEM : 0;
}

void dump_jobs(struct dumps *ds, const flux_msg_t *msg)
{
    struct dump *d;
    int64_t after = 0;

    if (flux_request_unpack(msg, NULL, "{s?I}", "after", &after) < 0 || after < 0)
        kvs_respond_error(ds->kvs, msg, EPROTO, NULL);
    else if ((d = dump_new(ds, msg))) {
        d->after = (uint64_t)after;
        start(d, read_jobs, read_done);
    }
}

/* ---- what was put aside ---- */

static int print_lost(const char *what, const char *why, double when, const void *data,
                      size_t len, void *arg)
{
    struct dump *d = arg;

    comma(d);
    buf_adds(&d->out, "{\"what\":");
    json_buf_str(&d->out, what, strlen(what));
    buf_adds(&d->out, ",\"why\":");
    json_buf_str(&d->out, why, strlen(why));
    buf_adds(&d->out, ",\"t\":");
    json_buf_real(&d->out, when);
    buf_addc(&d->out, '}');
    return d->out.len > PIECE_BYTES;
}

static int read_lost(struct store_reader *r, void *arg)
{
    struct dump *d = arg;
    int rc;

    buf_adds(&d->out, "{\"lost\":[");
    rc = store_reader_lost(r, print_lost, d);
    buf_adds(&d->out, "]}");
    return rc < 0 ? rc : d->out.failed ? -ENOMEM : 0;
}

void dump_lost(struct dumps *ds, const flux_msg_t *msg)
{
    struct dump *d = dump_new(ds, msg);

    if (d)
        start(d, read_lost, read_done);
}

/* ---- jobs that come back ---- */

static int put_piece(struct store_txn *t, uint64_t id, const char *name, const char *text)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    bool shared = strcmp(name, "jobspec") == 0 || strcmp(name, "env") == 0;

    if (!text || base64_decode_buf(&bytes, text, strlen(text)) < 0)
        return -EPROTO;
    return shared ? store_txn_jobdata_shared(t, id, name, bytes.data, bytes.len)
                  : store_txn_jobdata(t, id, name, 0, bytes.data, bytes.len);
}

static int put_job(struct store_txn *t, const cJSON *o)
{
    struct store_job job = {0};
    const cJSON *data, *piece;
    int64_t id, userid;
    int rc = 0;

    if (json_unpack(o, NULL, "{s:I s:i s:i s:I s:f s:f s?s s?s s?s s:s s:o}", "id", &id,
                    "state", &job.state, "result", &job.result, "userid", &userid,
                    "t_submit", &job.t_submit, "t_inactive", &job.t_inactive, "name",
                    &job.name, "queue", &job.queue, "nonce", &job.nonce, "rec", &job.rec,
                    "pieces", &data) < 0 ||
        id <= 0)
        return -EPROTO;
    job.id = (uint64_t)id;
    job.userid = (uint32_t)userid;
    job.rec_len = strlen(job.rec);
    if ((rc = store_txn_job(t, &job)) < 0)
        return rc;
    cJSON_ArrayForEach(piece, data) if (rc == 0) rc =
        put_piece(t, job.id, piece->string, json_str(piece));
    return rc;
}

static int fill_put(struct dump *d, const cJSON *meta)
{
    const cJSON *o;
    int rc = 0;

    cJSON_ArrayForEach(o, d->jobs) if (rc == 0) rc = put_job(d->txn, o);
    cJSON_ArrayForEach(o, meta)
    {
        if (rc == 0 && json_str(o) && !is_own(o->string))
            rc = store_txn_meta(d->txn, o->string, json_str(o));
    }
    return rc;
}

static void put_done(int error, void *arg)
{
    struct dump *d = arg;

    buf_adds(&d->out, "{}");
    end(d, error);
}

static int same_rec(const struct store_job *job, void *arg)
{
    return strcmp(job->rec, arg) == 0 ? 0 : -EEXIST;
}

/* The same job may come twice, for a restore that was interrupted is begun again. */
static int read_conflicts(struct store_reader *r, void *arg)
{
    struct dump *d = arg;
    const cJSON *o;
    int64_t id;
    int rc;

    cJSON_ArrayForEach(o, d->jobs)
    {
        if (json_int64(json_get(o, "id"), &id) < 0 || !json_str(json_get(o, "rec")))
            return -EPROTO;
        rc = store_reader_job(r, (uint64_t)id, same_rec,
                              (char *)json_str(json_get(o, "rec")));
        if (rc < 0 && rc != -ENOENT)
            return rc;
    }
    return 0;
}

static void conflicts_read(int rc, void *arg)
{
    struct dump *d = arg;

    if (rc < 0 || !d->ds)
        end(d, rc);
    else if ((rc = store_commit(d->ds->kvs->store, TAKE(d->txn), put_done, d)) < 0)
        end(d, rc);
}

void dump_jobs_put(struct dumps *ds, const flux_msg_t *msg)
{
    const cJSON *jobs, *meta = NULL;
    struct dump *d;
    int rc;

    if (flux_request_unpack(msg, NULL, "{s:o s?o}", "jobs", &jobs, "meta", &meta) < 0) {
        kvs_respond_error(ds->kvs, msg, EPROTO, NULL);
        return;
    }
    if (!(d = dump_new(ds, msg)))
        return;
    d->jobs = json_copy(jobs);
    d->txn = store_txn_new(ds->kvs->store);
    rc = d->jobs && d->txn ? fill_put(d, meta) : -ENOMEM;
    if (rc < 0)
        end(d, rc);
    else
        start(d, read_conflicts, conflicts_read);
}

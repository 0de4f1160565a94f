/* Jobs in the KVS. The job's pieces are read from the store; its execution's log is made
 * from its main log, and its output asked for where it is kept (kvs_output.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/core.h>
#include <flux/kvs.h>

#include "base/base64.h"
#include "base/error.h"
#include "base/json.h"
#include "modules/job-info/access.h"
#include "modules/job-info/exec_log.h"
#include "modules/job-info/kvs_view_private.h"
#include "modules/job-info/lookup.h"
#include "proto/blobref.h"

#define VALUE "{\"data\":[],\"type\":\"valref\",\"ver\":1}"

void view_free(struct view *v)
{
    list_del(&v->link);
    flux_future_destroy(v->output);
    flux_msg_decref(v->msg);
    free(v->key);
    buf_free(&v->val);
    buf_free(&v->log);
    buf_free(&v->data);
    free(v);
}

static void respond(struct view *v)
{
    struct buf out = {0};

    if (v->below)
        buf_adds(&out, "{\"below\":true}");
    else {
        buf_adds(&out, "{\"val\":");
        buf_add(&out, v->val.data, v->val.len);
        buf_addc(&out, '}');
    }
    if (out.failed)
        flux_respond_error(v->h, v->msg, ENOMEM, NULL);
    else if (flux_respond(v->h, v->msg, out.data) < 0)
        flux_log_error(v->h, "job-info.kvs-lookup");
    buf_free(&out);
}

void view_end(struct view *v, int rc)
{
    if (rc == 0)
        respond(v);
    else
        flux_respond_error(v->h, v->msg, -rc, *v->err.text ? v->err.text : NULL);
    view_free(v);
}

/* ---- answers ---- */

int view_value(struct view *v, const void *data, size_t len)
{
    if (v->flags & FLUX_KVS_READDIR)
        return -ENOTDIR;
    if (v->flags & FLUX_KVS_READLINK)
        return -EINVAL;
    buf_adds(&v->val, "{\"data\":\"");
    if (len && base64_encode_buf(&v->val, data, len) < 0)
        return -ENOMEM;
    buf_adds(&v->val, "\",\"type\":\"val\",\"ver\":1}");
    return v->val.failed ? -ENOMEM : 0;
}

/* A directory's entries say what is a directory and what a value: no more, for whoever
 * wants the values looks them up. */
static int begin_dir(struct view *v)
{
    if (v->flags & FLUX_KVS_READLINK)
        return -EINVAL;
    if (!(v->flags & (FLUX_KVS_READDIR | FLUX_KVS_TREEOBJ)))
        return -EISDIR;
    buf_adds(&v->val, "{\"data\":{");
    return 0;
}

static void add_entry(struct view *v, const char *name, const char *object)
{
    buf_addf(&v->val, "%s\"%s\":%s", v->val.data[v->val.len - 1] == '{' ? "" : ",", name,
             object);
}

static int end_dir(struct view *v)
{
    if (v->flags & FLUX_KVS_TREEOBJ) {
        v->val.len = 0;
        buf_adds(&v->val, BLOBREF_MOUNTED_DIR);
        return v->val.failed ? -ENOMEM : 0;
    }
    buf_adds(&v->val, "},\"type\":\"dir\",\"ver\":1}");
    return v->val.failed ? -ENOMEM : 0;
}

/* ---- directories above the jobs ---- */

/* The names of the jobs below a part of an id, 16 bits of them; others than the instance
 * owner only see their own. */
static int list_ids(struct store_reader *r, struct view *v, const struct jobkey *k)
{
    bool owner = v->cred.rolemask & FLUX_ROLE_OWNER;
    unsigned shift = 48 - 16 * k->groups;
    uint64_t from = k->id, id, last = k->id | (((uint64_t)0x10000 << shift) - 1);
    char name[8];
    int rc;

    if (k->groups == 0)
        last = UINT64_MAX;
    if ((rc = begin_dir(v)) < 0)
        return rc;
    while ((rc = store_reader_job_next(r, from, last, owner ? UINT32_MAX : v->cred.userid,
                                       &id)) == 1) {
        snprintf(name, sizeof(name), "%04x", (unsigned)(id >> shift & 0xffff));
        add_entry(v, name, BLOBREF_MOUNTED_DIR);
        from = ((id >> shift) + 1) << shift;
        if (from == 0 || from > last)
            break;
    }
    if (rc < 0)
        return rc;
    if (k->groups && v->val.data[v->val.len - 1] == '{')
        return -ENOENT;
    return end_dir(v);
}

/* ---- below a job ---- */

static int piece(struct store_reader *r, struct view *v, const char *key)
{
    int rc = lookup_piece(r, v->id, v->userid, key, &v->data);

    return rc < 0 ? rc : view_value(v, v->data.data, v->data.len);
}

static int get_R(struct store_reader *r, struct view *v)
{
    return piece(r, v, "R");
}

static int get_J(struct store_reader *r, struct view *v)
{
    return piece(r, v, "J");
}

static int get_jobspec(struct store_reader *r, struct view *v)
{
    return piece(r, v, "jobspec");
}

static int get_eventlog(struct store_reader *r, struct view *v)
{
    return piece(r, v, "eventlog");
}

static int list_job(struct store_reader *r, struct view *v)
{
    int rc = begin_dir(v);

    if (rc < 0)
        return rc;
    add_entry(v, "J", VALUE);
    rc = lookup_piece(r, v->id, v->userid, "R", &v->data);
    if (rc == 0)
        add_entry(v, "R", VALUE);
    else if (rc != -ENOENT)
        return rc;
    add_entry(v, "eventlog", VALUE);
    add_entry(v, JOBKEY_GUEST, BLOBREF_MOUNTED_DIR);
    add_entry(v, "jobspec", VALUE);
    return end_dir(v);
}

/* What the execution has written, into v->log: 1; 0: it has not begun. v->t_start is when
 * it did. */
static int read_exec(struct store_reader *r, struct view *v)
{
    const char *line;
    size_t pos = 0, len;
    struct event e;
    int rc = lookup_piece(r, v->id, v->userid, "eventlog", &v->data);

    while (rc >= 0 && eventlog_next(v->data.data, v->data.len, &pos, &line, &len) > 0) {
        if (event_parse(line, len, &e, NULL) < 0)
            continue;
        if (strcmp(e.name, "start") == 0)
            v->t_start = e.timestamp;
        exec_log_add(&v->log, v->id, v->userid, &e);
        event_free(&e);
    }
    return rc < 0 ? rc : v->t_start > 0;
}

/* What is not there (yet) may be there by the same name in the namespace. */
static int exec_or_below(struct store_reader *r, struct view *v)
{
    int rc = read_exec(r, v);

    v->below = rc == 0;
    return rc;
}

/* As an object, the namespace is what can be referred to. */
static bool asks_object(struct view *v)
{
    v->below = v->flags & (FLUX_KVS_READLINK | FLUX_KVS_TREEOBJ);
    return v->below;
}

static int list_guest(struct store_reader *r, struct view *v)
{
    int rc = asks_object(v) ? 0 : read_exec(r, v), rc2;

    if (v->below)
        return 0;
    if (rc < 0 || (rc2 = begin_dir(v)) < 0)
        return rc < 0 ? rc : rc2;
    if (rc > 0) {
        add_entry(v, "exec", BLOBREF_MOUNTED_DIR);
        add_entry(v, "input", VALUE);
        add_entry(v, "output", VALUE);
    }
    return end_dir(v);
}

static int list_exec(struct store_reader *r, struct view *v)
{
    int rc = asks_object(v) ? 0 : exec_or_below(r, v);

    if (rc <= 0 || (rc = begin_dir(v)) < 0)
        return rc;
    add_entry(v, "eventlog", VALUE);
    return end_dir(v);
}

static int get_exec(struct store_reader *r, struct view *v)
{
    int rc = exec_or_below(r, v);

    return rc <= 0 ? rc : view_value(v, v->log.data, v->log.len);
}

static int get_output(struct store_reader *r, struct view *v)
{
    int rc = exec_or_below(r, v);

    v->want_output = rc > 0;
    return rc < 0 ? rc : 0;
}

static const char *input_path(const cJSON *jobspec)
{
    const cJSON *in =
        json_get_path(jobspec, "attributes.system.shell.options.input.stdin");
    const char *type = json_str(json_get(in, "type"));

    return type && strcmp(type, "file") == 0 ? json_str(json_get(in, "path")) : NULL;
}

/* Tasks read a file, or nothing. */
static int get_input(struct store_reader *r, struct view *v)
{
    struct buf log = {0};
    cJSON *o = NULL;
    const char *path;
    int rc = exec_or_below(r, v);

    if (rc <= 0)
        return rc;
    v->data.len = 0;
    if ((rc = lookup_piece(r, v->id, v->userid, "jobspec", &v->data)) < 0 ||
        (rc = json_parse(v->data.data, v->data.len, NULL, &o, NULL)) < 0)
        return rc;
    eventlog_add(&log, v->t_start, "header", "{s:i s:{s:s} s:{s:i} s:{}}", "version", 1,
                 "encoding", "stdin", "UTF-8", "count", "stdin", 1, "options");
    if ((path = input_path(o)))
        eventlog_add(&log, v->t_start, "redirect", "{s:s s:s s:s}", "stream", "stdin",
                     "rank", "all", "path", path);
    else
        eventlog_add(&log, v->t_start, "data", "{s:s s:s s:b}", "stream", "stdin", "rank",
                     "all", "eof", 1);
    json_free(o);
    rc = log.failed ? -ENOMEM : view_value(v, log.data, log.len);
    buf_free(&log);
    return rc;
}

static const struct {
    const char *key;
    int (*read)(struct store_reader *r, struct view *v);
} below_job[] = {
    {"", list_job},
    {"J", get_J},
    {"R", get_R},
    {"eventlog", get_eventlog},
    {"jobspec", get_jobspec},
    {JOBKEY_GUEST, list_guest},
    {JOBKEY_GUEST ".exec", list_exec},
    {JOBKEY_GUEST ".exec.eventlog", get_exec},
    {JOBKEY_GUEST ".input", get_input},
    {JOBKEY_GUEST ".output", get_output},
};

static int read_below(struct store_reader *r, struct view *v, struct slice rest)
{
    static const size_t n = sizeof(JOBKEY_GUEST ".") - 1;

    for (size_t i = 0; i < sizeof(below_job) / sizeof(below_job[0]); i++)
        if (slice_is(rest, below_job[i].key))
            return below_job[i].read(r, v);
    v->below = rest.len > n && memcmp(rest.p, JOBKEY_GUEST ".", n) == 0;
    return v->below ? 0 : -ENOENT;
}

static int take_job(const struct store_job *job, void *arg)
{
    struct view *v = arg;

    v->userid = job->userid;
    v->active = job->state != FLUX_JOB_STATE_INACTIVE;
    return 0;
}

static int find_job(struct store_reader *r, struct view *v)
{
    int rc = store_reader_job(r, v->id, take_job, v);

    if (rc == 0 && flux_msg_cred_authorize(v->cred, v->userid) < 0)
        rc = error_set(&v->err, EPERM, "%s", access_denied);
    return rc;
}

static int read_key(struct store_reader *r, void *arg)
{
    struct view *v = arg;
    struct jobkey k;
    int rc = jobkey_parse(slice_of(v->key), &k);

    if (rc < 0)
        return rc;
    if (k.groups < JOBKEY_GROUPS)
        return list_ids(r, v, &k);
    v->id = k.id;
    return (rc = find_job(r, v)) < 0 ? rc : read_below(r, v, k.rest);
}

/* ---- requests ---- */

static struct view *view_new(struct kvs_view *kv, const flux_msg_t *msg)
{
    struct view *v = calloc(1, sizeof(*v));

    if (!v)
        return NULL;
    list_init(&v->link);
    v->h = kv->h;
    v->views = kv;
    v->msg = flux_msg_incref(msg);
    flux_msg_get_cred(msg, &v->cred);
    return v;
}

static void key_read(int rc, void *arg)
{
    struct view *v = arg;

    if (rc >= 0 && v->want_output && !v->below)
        view_output_start(v);
    else
        view_end(v, rc < 0 ? rc : 0);
}

void kvs_view_lookup(struct kvs_view *kv, const flux_msg_t *msg)
{
    struct view *v = view_new(kv, msg);
    const char *key;
    int rc = -ENOMEM;

    if (!v || flux_request_unpack(msg, NULL, "{s:s s:i}", "key", &key, "flags",
                                  &v->flags) < 0) {
        flux_respond_error(kv->h, msg, v ? EPROTO : ENOMEM, NULL);
        if (v)
            view_free(v);
        return;
    }
    if ((v->key = strdup(key)))
        rc = store_read(kv->store, read_key, key_read, v);
    if (rc < 0)
        view_end(v, rc);
}

static int read_job(struct store_reader *r, void *arg)
{
    return find_job(r, arg);
}

static void job_read(int rc, void *arg)
{
    struct view *v = arg;

    if (rc == 0)
        flux_respond_pack(v->h, v->msg, "{s:I s:b}", "userid", (int64_t)v->userid,
                          "active", v->active);
    else
        flux_respond_error(v->h, v->msg, -rc, *v->err.text ? v->err.text : NULL);
    view_free(v);
}

void kvs_view_job(struct kvs_view *kv, const flux_msg_t *msg)
{
    struct view *v = view_new(kv, msg);
    int64_t id;
    int rc;

    if (!v || flux_request_unpack(msg, NULL, "{s:I}", "id", &id) < 0) {
        flux_respond_error(kv->h, msg, v ? EPROTO : ENOMEM, NULL);
        if (v)
            view_free(v);
        return;
    }
    v->id = (uint64_t)id;
    if ((rc = store_read(kv->store, read_job, job_read, v)) < 0)
        job_read(rc, v);
}

void kvs_view_disconnect(struct kvs_view *kv, const flux_msg_t *msg)
{
    list_each(v, &kv->outputs, struct view, link)
    {
        if (flux_disconnect_match(msg, v->msg))
            view_free(v);
    }
}

void kvs_view_init(struct kvs_view *kv, flux_t *h, struct store *store)
{
    *kv = (struct kvs_view){.h = h, .store = store};
    list_init(&kv->outputs);
}

void kvs_view_clear(struct kvs_view *kv)
{
    list_each(v, &kv->outputs, struct view, link)
    {
        view_free(v);
    }
}

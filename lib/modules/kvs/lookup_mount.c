/* Lookups of keys that are not in the tree; see mount.h. A job's own namespace is found
 * below job.ID.guest: as the namespace that it is while the job is active, and as a
 * directory of the tree (which the mount hides) afterwards.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/error.h"
#include "base/json.h"
#include "modules/kvs/answer.h"
#include "modules/kvs/lookup_private.h"
#include "modules/kvs/mount.h"
#include "proto/jobkey.h"

#define FLAGS (FLUX_KVS_READDIR | FLUX_KVS_READLINK | FLUX_KVS_TREEOBJ)

/* ---- a job's own namespace ---- */

/* The rest of the key, in another root. */
static void go_below(struct lookup *l, struct obj *root, struct slice rest)
{
    obj_ref(root);
    obj_unref(&l->kvs->os, l->root);
    l->root = root;
    if (rest.len)
        buf_consume(&l->key, (size_t)(rest.p - l->key.data));
    else
        l->key.len = 0;
}

/* What an ended job has left in the tree. */
static int find_left(struct lookup *l, uint64_t id, struct obj **ret)
{
    char key[JOBKEY_SIZE + sizeof("." JOBKEY_GUEST)];
    struct place p = {0};
    struct entry e;
    int rc;

    jobkey_print(id, key);
    strcat(key, "." JOBKEY_GUEST);
    rc = tree_walk(&l->kvs->os, l->root, slice_of(key), WALK_STOP, &l->need, &p);
    place_fini(&p);
    if (rc != 0)
        return rc < 0 ? rc : -ENOENT;
    obj_entry(p.leaf, p.i, &e);
    return e.type == ENTRY_DIR ? need_kid(&l->kvs->os, p.leaf, p.i, &l->need, ret)
                               : -ENOENT;
}

static int answer_link(struct lookup *l, const char *ns)
{
    buf_adds(&l->out, "{\"val\":");
    answer_symlink(&l->out, slice_of(ns), slice_of("."));
    return 1;
}

/* -ENOTSUP: there is none by that name (any more). */
static int find_guest_ns(struct lookup *l, const char *name, struct ns **ret)
{
    int rc = l->no_guest ? -ENOTSUP : lookup_find_ns(l, name, ret);

    l->seeks_guest = rc == -EINPROGRESS;
    if (rc == -ENOTSUP)
        *l->err.text = '\0';
    return rc;
}

static int enter_guest(struct lookup *l, uint64_t id, struct slice rest)
{
    char name[JOBKEY_NAMESPACE_SIZE];
    struct obj *root;
    struct ns *ns;
    int rc;

    jobkey_namespace(id, name);
    rc = find_guest_ns(l, name, &ns);
    if (rc == -ENOTSUP) {
        if ((rc = find_left(l, id, &root)) < 0)
            return rc;
        l->below = true;
        go_below(l, root, rest);
        return 0;
    }
    if (rc < 0)
        return rc;
    if (rest.len == 0 && l->flags & (FLUX_KVS_READLINK | FLUX_KVS_TREEOBJ))
        return answer_link(l, name);
    if ((rc = ns_root(ns, &l->need, &root)) < 0)
        return rc;
    l->id = ns->id;
    l->version = ns->now.version;
    go_below(l, root, rest);
    return 0;
}

/* Does the service have something by that name, besides what is in the namespace? */
static bool is_served(const struct lookup *l, struct slice rest)
{
    static const char *const names[] = {"exec.eventlog", "input", "output"};

    if (rest.len == 0 || slice_is(rest, "exec"))
        return !(l->flags & (FLUX_KVS_READLINK | FLUX_KVS_TREEOBJ));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (slice_is(rest, names[i]))
            return true;
    return false;
}

/* ---- the service ---- */

/* A part of a value; how long all of it is. */
static int take_part(struct lookup *l, struct slice val)
{
    struct slice data;
    struct buf value = {0};
    size_t n;
    int rc;

    if (slice_get(val, "data", &data) < 0 || slice_str(data, &data) < 0)
        return -EPROTO;
    if ((rc = base64_decode_buf(&value, data.p, data.len)) < 0)
        return rc;
    l->total = value.len;
    n = value.len > l->from ? value.len - l->from : 0;
    n = l->max && n > l->max ? l->max : n;
    l->got = n;
    answer_val(&l->out, n ? value.data + l->from : NULL, n);
    buf_free(&value);
    return l->out.failed ? -ENOMEM : 1;
}

/* Of a directory that the namespace has, too, the entries of both are told. */
static int take_value(struct lookup *l, struct slice val)
{
    struct slice key = {l->key.data, l->key.len}, data, guest;
    uint64_t id;

    if (l->flags & FLUX_KVS_READDIR && jobkey_guest(key, &id, &guest)) {
        if (slice_get(val, "data", &data) < 0)
            return -EPROTO;
        l->allowed = true;
        return buf_add(&l->extra, data.p, data.len);
    }
    if (l->want_dir && !(l->flags & FLUX_KVS_READDIR))
        return -ENOTDIR;
    l->key_version = l->version;
    buf_adds(&l->out, "{\"val\":");
    if (l->from || l->max)
        return take_part(l, val);
    buf_add(&l->out, val.p, val.len);
    return l->out.failed ? -ENOMEM : 1;
}

static int take_answer(struct lookup *l, flux_future_t *f)
{
    struct slice all, val;
    const char *s;

    if (flux_rpc_get(f, &s) < 0) {
        int errnum = errno;

        return error_set(&l->err, errnum, "%s", flux_future_error_string(f));
    }
    if (!s || slice_value(s, strlen(s), &all) < 0)
        return -EPROTO;
    if (slice_get(all, "val", &val) == 0)
        return take_value(l, val);
    l->allowed = true;
    return 0;
}

static void answered(flux_future_t *f, void *arg)
{
    struct lookup *l = arg;
    int rc = take_answer(l, f);

    flux_future_destroy(f);
    l->asked = NULL;
    if (rc == 0)
        lookup_run(l);
    else
        lookup_end(l, rc);
}

static flux_msg_t *question(const struct lookup *l, const struct mount *m,
                            struct slice rest)
{
    struct flux_msg_cred cred;
    struct buf payload = {0};
    flux_msg_t *msg = NULL;
    char topic[64];

    snprintf(topic, sizeof(topic), "%s.kvs-lookup", m->service);
    buf_adds(&payload, "{\"key\":");
    json_buf_str(&payload, rest.p, rest.len);
    buf_addf(&payload, ",\"flags\":%d}", l->flags & FLAGS);
    if (!payload.failed)
        msg = flux_request_encode(topic, payload.data);
    buf_free(&payload);
    if (msg &&
        (flux_msg_get_cred(l->msg, &cred) < 0 || flux_msg_set_cred(msg, cred) < 0)) {
        flux_msg_destroy(msg);
        return NULL;
    }
    return msg;
}

static int ask(struct lookup *l, const struct mount *m, struct slice rest)
{
    flux_msg_t *msg = question(l, m, rest);

    if (!msg)
        return -ENOMEM;
    l->asked = flux_rpc_message(l->kvs->h, msg, 0, 0);
    flux_msg_destroy(msg);
    if (!l->asked || flux_future_then(l->asked, -1., answered, l) < 0)
        return -errno;
    return -EINPROGRESS;
}

/* ---- both ---- */

bool lookup_may_be_mounted(const struct lookup *l)
{
    return l->key.len == 0 || mount_covers((struct slice){l->key.data, l->key.len});
}

bool lookup_may_ask(const struct lookup *l, const struct ns *ns)
{
    return ns->has_mounts && mount_covers((struct slice){l->key.data, l->key.len});
}

int lookup_mount(struct lookup *l)
{
    struct slice key = {l->key.data, l->key.len}, rest;
    struct ns *ns = l->below ? NULL : ns_by_id(l->kvs, l->id);
    const struct mount *m;
    struct flux_msg_cred cred;
    uint64_t id;

    if (!ns || !ns->has_mounts)
        return 0;
    if (key.len == 0 && !l->foreign) {
        if (l->flags & FLUX_KVS_READDIR && l->extra.len == 0)
            buf_adds(&l->extra, mount_entries);
        return l->extra.failed ? -ENOMEM : 0;
    }
    if (!(m = mount_find(key, &rest)))
        return l->foreign ? -EPERM : 0;
    if (!jobkey_guest(key, &id, &key))
        return ask(l, m, rest);
    flux_msg_get_cred(l->msg, &cred);
    if (l->allowed || (cred.rolemask & FLUX_ROLE_OWNER && !is_served(l, key)))
        return enter_guest(l, id, key);
    return ask(l, m, rest);
}

int lookup_answer_extra(struct lookup *l)
{
    l->out.len = 0;
    buf_adds(&l->out, "{\"val\":{\"data\":");
    buf_add(&l->out, l->extra.data, l->extra.len);
    buf_adds(&l->out, ",\"type\":\"dir\",\"ver\":1}");
    return l->out.failed ? -ENOMEM : 1;
}

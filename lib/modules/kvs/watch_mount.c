/* Watches of keys below a mount. What changes there is no commit; the service that has it
 * tells when to look again: of a job the events of its log, or the entries of its output,
 * of directories of jobs that there is another one, of the resources those of their log.
 * In a job's own namespace commits tell, too. An answer is given when what is found is another.
 * When the service says that there is no more to come, as of a job that has ended, what is
 * final is looked at, and the watch ends.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "modules/kvs/mount.h"
#include "modules/kvs/watch_private.h"
#include "proto/jobkey.h"

#define JOBS_WATCH "job-info.jobs-watch"

static void look_again(struct watch *w)
{
    struct ns *ns = ns_by_id(w->ws->kvs, w->id);

    if (!ns || !ns->now.root)
        return;
    if (!list_empty(&w->looks)) { /* the last of them will see it, and must be made */
        list_entry(w->looks.prev, struct look, link)->named = true;
        return;
    }
    if (kvs_watch_add_look(w, ns->now.version, ns->now.root, true, true) < 0)
        kvs_watch_fail(w, ENOMEM, NULL);
    else
        kvs_watch_go_on(w);
}

static bool is_output(const struct watch *w)
{
    struct slice key = {w->key.data, w->key.len}, guest;
    uint64_t id;

    return jobkey_guest(key, &id, &guest) && slice_is(guest, "output");
}

/* What to be told of: a topic, and the payload; NULL: nothing. */
static const char *source(const struct watch *w, struct buf *payload)
{
    struct slice key = {w->key.data, w->key.len}, rest;
    struct jobkey k;
    const struct mount *m = mount_find(key, &rest);

    if (!m)
        return NULL;
    if (strcmp(m->service, "job-info") != 0) {
        buf_adds(payload, "{}");
        return "resource.journal";
    }
    if (jobkey_parse(rest, &k) < 0)
        return NULL;
    if (k.groups < JOBKEY_GROUPS) {
        buf_adds(payload, "{}");
        return JOBS_WATCH;
    }
    buf_adds(payload, "{\"id\":");
    json_buf_int(payload, (int64_t)k.id);
    buf_addf(payload, ",\"path\":\"%s\",\"flags\":0}",
             is_output(w) && !w->output_over ? JOBKEY_GUEST ".output" : "eventlog");
    return "job-info.eventlog-watch";
}

static void changed(flux_future_t *f, void *arg);

static int follow(struct watch *w)
{
    struct buf payload = {0};
    struct flux_msg_cred cred;
    flux_msg_t *msg;
    int rc = 0;

    if (!(w->topic = source(w, &payload)))
        return 0;
    w->mounted = true;
    msg = payload.failed ? NULL : flux_request_encode(w->topic, payload.data);
    if (!msg || flux_msg_get_cred(w->msg, &cred) < 0 ||
        flux_msg_set_cred(msg, cred) < 0 ||
        !(w->changes = flux_rpc_message(w->ws->kvs->h, msg, 0, FLUX_RPC_STREAMING)) ||
        flux_future_then(w->changes, -1., changed, w) < 0)
        rc = -ENOMEM;
    flux_msg_destroy(msg);
    buf_free(&payload);
    return rc;
}

/* It will not change any more. Behind the output of a job's tasks come the ends of its
 * streams, with the end of the job. */
static void ended(struct watch *w)
{
    bool output = is_output(w) && !w->output_over;
    int rc = 0;

    flux_future_destroy(TAKE(w->changes));
    w->output_over = true;
    w->over = !output;
    if (output && (rc = follow(w)) < 0)
        kvs_watch_fail(w, -rc, NULL);
    else
        look_again(w);
}

static void changed(flux_future_t *f, void *arg)
{
    struct watch *w = arg;
    int errnum = flux_rpc_get(f, NULL) < 0 ? errno : 0;

    if (errnum == ENODATA)
        ended(w);
    else if (errnum)
        kvs_watch_fail(w, errnum, flux_future_error_string(f));
    else {
        flux_future_reset(f);
        look_again(w);
    }
}

int kvs_watch_follow_mount(struct watch *w, const struct ns *ns)
{
    struct slice key = {w->key.data, w->key.len}, guest;
    uint64_t id;

    if (!ns->has_mounts)
        return 0;
    w->guest = jobkey_guest(key, &id, &guest);
    return follow(w);
}

bool kvs_watch_is_over(const struct watch *w)
{
    struct slice key = {w->key.data, w->key.len}, guest;
    char name[JOBKEY_NAMESPACE_SIZE];
    uint64_t id;

    if (!w->over || !jobkey_guest(key, &id, &guest))
        return w->over;
    jobkey_namespace(id, name);
    return !ns_find(w->ws->kvs, name);
}

void kvs_watch_purged(struct watches *ws)
{
    list_each(w, &ws->list, struct watch, link)
    {
        if (w->changes && strcmp(w->topic, JOBS_WATCH) == 0)
            look_again(w);
    }
}

void kvs_watch_unfollow(struct watch *w)
{
    char topic[64];

    if (!w->changes)
        return;
    snprintf(topic, sizeof(topic), "%s-cancel", w->topic);
    flux_future_destroy(flux_rpc_pack(w->ws->kvs->h, topic, 0, FLUX_RPC_NORESPONSE,
                                      "{s:i}", "matchtag",
                                      (int)flux_rpc_get_matchtag(w->changes)));
    flux_future_destroy(TAKE(w->changes));
}

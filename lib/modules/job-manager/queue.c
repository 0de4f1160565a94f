/* The queue, see queue.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "modules/job-manager/alloc.h"
#include "modules/job-manager/batch.h"
#include "modules/job-manager/queue.h"

#define QUEUE_META "job-manager.queue"

struct queue {
    struct job_manager *jm;
    bool enabled, started;
    char *disable_reason, *stop_reason;
};

int queue_new(struct job_manager *jm, struct queue **ret)
{
    struct queue *q = calloc(1, sizeof(*q));

    if (!q)
        return -ENOMEM;
    *q = (struct queue){.jm = jm, .enabled = true, .started = true};
    *ret = q;
    return 0;
}

void queue_free(struct queue *q)
{
    if (!q)
        return;
    free(q->disable_reason);
    free(q->stop_reason);
    free(q);
}

const char *queue_disabled(const struct queue *q)
{
    if (q->enabled)
        return NULL;
    return q->disable_reason ? q->disable_reason : "no reason was given";
}

bool queue_started(const struct queue *q)
{
    return q->started;
}

int queue_check(const struct queue *q, struct slice name, flux_error_t *err)
{
    if (!name.p)
        return 0;
    return error_set(err, EINVAL, "no such queue %.*s (this instance has none)",
                     (int)(name.len > 80 ? 80 : name.len), name.p);
}

static char *status_text(const struct queue *q)
{
    struct buf b = {0};

    buf_addf(&b, "{\"enable\":%s,\"start\":%s", q->enabled ? "true" : "false",
             q->started ? "true" : "false");
    if (!q->enabled && q->disable_reason) {
        buf_adds(&b, ",\"disable_reason\":");
        json_buf_str(&b, q->disable_reason, strlen(q->disable_reason));
    }
    if (!q->started && q->stop_reason) {
        buf_adds(&b, ",\"stop_reason\":");
        json_buf_str(&b, q->stop_reason, strlen(q->stop_reason));
    }
    buf_addc(&b, '}');
    return buf_take(&b, NULL);
}

static int set_reason(char **field, const char *reason)
{
    char *copy = NULL;

    if (reason && !(copy = strdup(reason)))
        return -ENOMEM;
    free(*field);
    *field = copy;
    return 0;
}

void queue_restore(struct queue *q, const char *saved)
{
    const char *disable_reason = NULL, *stop_reason = NULL;
    int enable = 1, start = 1;
    cJSON *o;

    if (!saved || json_parse(saved, strlen(saved), NULL, &o, NULL) < 0)
        return;
    if (json_unpack(o, NULL, "{s:b s:b s?s s?s}", "enable", &enable, "start", &start,
                    "disable_reason", &disable_reason, "stop_reason",
                    &stop_reason) == 0) {
        q->enabled = enable;
        q->started = start;
        set_reason(&q->disable_reason, disable_reason);
        set_reason(&q->stop_reason, stop_reason);
    }
    json_free(o);
}

/* -1 after answering when the request names a queue. */
static int check_name(struct job_manager *jm, const flux_msg_t *msg, const char *name)
{
    if (!name)
        return 0;
    manager_respond_error(jm, msg, ENOENT, "no such queue '%s' (this instance has none)",
                          name);
    return -1;
}

void queue_list_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    flux_respond(h, msg, "{\"queues\":[]}");
}

void queue_status_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;
    AUTOFREE char *text = status_text(jm->queue);
    const char *name = NULL;

    if (flux_msg_has_payload(msg) &&
        flux_request_unpack(msg, NULL, "{s?s}", "name", &name) < 0) {
        manager_respond_error(jm, msg, EPROTO, "malformed queue-status request");
        return;
    }
    if (check_name(jm, msg, name) < 0)
        return;
    if (text)
        flux_respond(h, msg, text);
    else
        manager_respond_error(jm, msg, ENOMEM, "out of memory");
}

/* Save unless told not to, and answer when it is on disk. */
static void saved(struct job_manager *jm, const flux_msg_t *msg, bool nocheckpoint)
{
    AUTOFREE char *text = status_text(jm->queue);

    if (!nocheckpoint && text)
        batch_meta(jm->batches, QUEUE_META, text);
    batch_respond(jm->batches, msg, NULL);
}

void queue_enable_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;
    struct queue *q = jm->queue;
    const char *name = NULL, *reason = NULL;
    int enable, all = 0, nocheckpoint = 0;

    if (flux_request_unpack(msg, NULL, "{s?s s:b s?s s?b s?b}", "name", &name, "enable",
                            &enable, "reason", &reason, "all", &all, "nocheckpoint",
                            &nocheckpoint) < 0) {
        manager_respond_error(jm, msg, EPROTO, "malformed queue-enable request");
        return;
    }
    if (check_name(jm, msg, name) < 0)
        return;
    if (!enable && !reason) {
        manager_respond_error(jm, msg, EINVAL, "a reason is required to disable a queue");
        return;
    }
    q->enabled = enable;
    set_reason(&q->disable_reason, enable ? NULL : reason);
    saved(jm, msg, nocheckpoint);
}

void queue_start_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;
    struct queue *q = jm->queue;
    const char *name = NULL, *reason = NULL;
    int start, all = 0, nocheckpoint = 0;

    if (flux_request_unpack(msg, NULL, "{s?s s:b s?s s?b s?b}", "name", &name, "start",
                            &start, "reason", &reason, "all", &all, "nocheckpoint",
                            &nocheckpoint) < 0) {
        manager_respond_error(jm, msg, EPROTO, "malformed queue-start request");
        return;
    }
    if (check_name(jm, msg, name) < 0)
        return;
    q->started = start;
    set_reason(&q->stop_reason, start ? NULL : reason);
    alloc_update_all(jm->alloc);
    saved(jm, msg, nocheckpoint);
}

/* The journal, see journal.h; the events so far are read in journal_backlog.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "modules/job-manager/journal_private.h"
#include "modules/job-manager/specs.h"

int journal_new(struct job_manager *jm, struct journal **ret)
{
    struct journal *j = calloc(1, sizeof(*j));

    if (!j)
        return -ENOMEM;
    j->jm = jm;
    list_init(&j->listeners);
    *ret = j;
    return 0;
}

void listener_unref(struct listener *l)
{
    if (!l || --l->refs > 0)
        return;
    for (size_t i = 0; i < l->nheld; i++) {
        free(l->held[i].events);
        free(l->held[i].extra);
    }
    free(l->held);
    umap_free(l->sent);
    flux_msg_decref(l->msg);
    json_free(l->filter);
    free(l);
}

/* A backlog may still be on its way to it. */
static void listener_drop(struct listener *l)
{
    list_del(&l->link);
    l->gone = true;
    listener_unref(l);
}

void journal_free(struct journal *j)
{
    if (!j)
        return;
    list_each(l, &j->listeners, struct listener, link)
    {
        flux_respond_error(j->jm->h, l->msg, ENODATA, NULL);
        listener_drop(l);
    }
    free(j);
}

unsigned journal_listeners(const struct journal *j)
{
    unsigned n = 0;

    list_each(l, &j->listeners, struct listener, link) n++;
    return n;
}

uint64_t journal_events(const struct journal *j)
{
    return j->events;
}

/* The text between "name":" and the next quote. */
static struct slice line_name(const char *line, size_t len)
{
    const char *p = memmem(line, len, "\"name\":\"", 8), *q;

    if (!p || !(q = memchr(p + 8, '"', len - (size_t)(p + 8 - line))))
        return SLICE_NONE;
    return (struct slice){p + 8, (size_t)(q - p) - 8};
}

static bool name_passes(const struct listener *l, const char *line, size_t len)
{
    struct slice name = line_name(line, len);
    const cJSON *item;
    bool listed = false;

    cJSON_ArrayForEach(item, l->filter) listed |= slice_is(name, item->string);
    return listed == l->allow;
}

/* Append the events that the listener wants as elements of an array; lines are those of
 * a log. Returns how many. */
static unsigned print_events(const struct listener *l, const char *lines, size_t len,
                             struct buf *out)
{
    const char *p = lines, *end = lines + len, *nl;
    unsigned n = 0;

    for (; p < end && (nl = memchr(p, '\n', (size_t)(end - p))); p = nl + 1) {
        if (l->filter && !name_passes(l, p, (size_t)(nl - p)))
            continue;
        if (n++ > 0)
            buf_addc(out, ',');
        buf_add(out, p, (size_t)(nl - p));
    }
    return n;
}

bool listener_print(const struct listener *l, flux_jobid_t id, uint32_t seq,
                    const char *lines, size_t len, const char *extra, struct buf *out)
{
    size_t before = out->len;

    buf_addf(out, "{\"id\":%ju,\"seq\":%u,\"events\":[", (uintmax_t)id, seq);
    if (print_events(l, lines, len, out) == 0) {
        out->len = before;
        return false;
    }
    buf_addc(out, ']');
    if (extra && !l->batch)
        buf_adds(out, extra);
    buf_addc(out, '}');
    return true;
}

void listener_send(struct journal *j, struct listener *l, const struct buf *out)
{
    if (out->failed || flux_respond(j->jm->h, l->msg, out->data) < 0)
        flux_log_error(j->jm->h, "events-journal");
}

/* ,"jobspec":{..},"R":{..} as they come with this change; NULL: neither. */
static char *change_extra(const struct change *c)
{
    struct buf b = {0};

    if (!c->spec && !c->put_R)
        return NULL;
    if (c->spec) {
        buf_adds(&b, ",\"jobspec\":");
        buf_add(&b, c->spec->jobspec->data, c->spec->jobspec->len);
    }
    if (c->put_R && job_has_R(c->job)) {
        buf_adds(&b, ",\"R\":");
        buf_adds(&b, c->job->more->R);
    }
    return buf_take(&b, NULL);
}

/* Keep what happens while the listener waits for the events so far. */
static int hold(struct listener *l, const struct change *c)
{
    struct held *bigger, *h;

    if (l->nheld == l->held_size) {
        size_t size = l->held_size ? l->held_size * 2 : 16;

        if (!(bigger = realloc(l->held, size * sizeof(*bigger))))
            return -ENOMEM;
        l->held = bigger;
        l->held_size = size;
    }
    h = &l->held[l->nheld];
    *h = (struct held){.id = c->job->id, .seq = c->seq, .len = c->events.len};
    if (!(h->events = strndup(c->events.data, c->events.len)))
        return -ENOMEM;
    h->extra = change_extra(c);
    l->nheld++;
    return 0;
}

/* All jobs of a commit in one message. */
static void publish_batch(struct journal *j, struct listener *l, struct change **changes,
                          size_t n, struct buf *out)
{
    bool any = false;

    out->len = 0;
    buf_adds(out, "{\"jobs\":[");
    for (size_t i = 0; i < n; i++) {
        struct change *c = changes[i];
        size_t before = out->len;

        if (any)
            buf_addc(out, ',');
        if (listener_print(l, c->job->id, c->seq, c->events.data, c->events.len, NULL,
                           out))
            any = true;
        else
            out->len = before;
    }
    buf_adds(out, "]}");
    if (any)
        listener_send(j, l, out);
}

static void publish_singly(struct journal *j, struct listener *l, struct change **changes,
                           size_t n, struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        struct change *c = changes[i];
        AUTOFREE char *extra = change_extra(c);

        out->len = 0;
        if (listener_print(l, c->job->id, c->seq, c->events.data, c->events.len, extra,
                           out))
            listener_send(j, l, out);
    }
}

void journal_publish(struct journal *j, struct change **changes, size_t n)
{
    struct buf out = {0};

    for (size_t i = 0; i < n; i++)
        j->events += changes[i]->count;
    if (list_empty(&j->listeners) || n == 0)
        return;
    list_each(l, &j->listeners, struct listener, link)
    {
        if (l->catching_up) {
            for (size_t i = 0; i < n; i++)
                hold(l, changes[i]);
        } else if (l->batch) {
            publish_batch(j, l, changes, n, &out);
        } else {
            publish_singly(j, l, changes, n, &out);
        }
    }
    buf_free(&out);
}

static int listener_new(struct journal *j, const flux_msg_t *msg, bool batch,
                        const cJSON *allow, const cJSON *deny, struct listener **ret)
{
    struct listener *l = calloc(1, sizeof(*l));

    if (!l)
        return -ENOMEM;
    *l = (struct listener){.refs = 1, .batch = batch, .catching_up = true};
    l->allow = allow != NULL;
    if ((allow || deny) && !(l->filter = json_copy(allow ? allow : deny))) {
        free(l);
        return -ENOMEM;
    }
    l->msg = flux_msg_incref(msg);
    list_append(&j->listeners, &l->link);
    *ret = l;
    return 0;
}

void journal_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;
    struct journal *j = jm->journal;
    struct listener *l;
    int full = 0, batch = 0, backlog = 1, rc;
    cJSON *allow = NULL, *deny = NULL;

    if (flux_msg_has_payload(msg) &&
        flux_request_unpack(msg, NULL, "{s?b s?o s?o s?b s?b}", "full", &full, "allow",
                            &allow, "deny", &deny, "batch", &batch, "backlog",
                            &backlog) < 0) {
        manager_respond_error(jm, msg, EPROTO, "malformed events-journal request");
        return;
    }
    if (!flux_msg_is_streaming(msg)) {
        manager_respond_error(jm, msg, EPROTO,
                              "job-manager.events-journal is a streaming request");
        return;
    }
    if (cJSON_IsNull(allow))
        allow = NULL;
    if (cJSON_IsNull(deny))
        deny = NULL;
    if ((allow && !cJSON_IsObject(allow)) || (deny && !cJSON_IsObject(deny))) {
        manager_respond_error(jm, msg, EPROTO, "%s should be an object",
                              allow && !cJSON_IsObject(allow) ? "allow" : "deny");
        return;
    }
    if ((rc = listener_new(j, msg, batch, allow, deny, &l)) == 0) {
        if (!backlog)
            l->catching_up = false;
        else if ((rc = backlog_start(j, l, full)) < 0)
            listener_drop(l);
    }
    if (rc < 0)
        manager_respond_error(jm, msg, -rc, "%s", strerror(-rc));
}

void journal_cancel_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                       void *arg)
{
    struct job_manager *jm = arg;

    list_each(l, &jm->journal->listeners, struct listener,
              link) if (flux_cancel_match(msg, l->msg))
    {
        flux_respond_error(h, l->msg, ENODATA, NULL);
        listener_drop(l);
    }
}

void journal_disconnect(struct journal *j, const flux_msg_t *msg)
{
    list_each(l, &j->listeners, struct listener,
              link) if (flux_disconnect_match(msg, l->msg)) listener_drop(l);
}

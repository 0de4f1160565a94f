/* Message handlers of a handle, and finding the one for a message.
 *
 * Requests with exact topics are found by a hash; globs, and handlers of responses
 * and events, are few and looked through in turn. Handlers may come and go while a
 * message is being handled: a destroyed one stays linked, dead, until no handler is
 * running.
 */
#include "flux/handle_private.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/flog.h>
#include <flux/msg_handler.h>
#include <flux/response.h>

/* One place where a handler is found: latest first. */
struct spot {
    struct list link;
    flux_msg_handler_t *mh;
};

struct flux_msg_handler {
    flux_t *h;
    struct flux_match match; /* with its own copy of the glob */
    char *topic;
    flux_msg_handler_f cb;
    void *arg;
    uint32_t rolemask;
    bool running, dead;
    struct spot request, response, event;
    struct list grave_link;
};

struct dispatch {
    struct map *methods;  /* exact topic -> struct list of spots */
    struct list requests; /* spots: any topic, or a glob */
    struct list responses;
    struct list events;
    struct list graves;
    int depth; /* handlers running */
};

static struct dispatch *dispatch_get(flux_t *h)
{
    struct dispatch *d = h->dispatch;

    if (d || !(d = calloc(1, sizeof(*d))))
        return d;
    if (!(d->methods = map_new(free))) {
        free(d);
        return NULL;
    }
    list_init(&d->requests);
    list_init(&d->responses);
    list_init(&d->events);
    list_init(&d->graves);
    return h->dispatch = d;
}

static void handler_unlink(flux_msg_handler_t *mh)
{
    struct list *head = mh->request.link.next;

    list_del(&mh->request.link);
    list_del(&mh->response.link);
    list_del(&mh->event.link);
    /* The last one of a topic takes the topic with it. */
    if (mh->h && mh->topic && head != &mh->request.link && list_empty(head) &&
        map_get(mh->h->dispatch->methods, mh->topic) == head)
        map_del(mh->h->dispatch->methods, mh->topic);
}

static void handler_free(flux_msg_handler_t *mh)
{
    handler_unlink(mh);
    list_del(&mh->grave_link);
    free(mh->topic);
    free(mh);
}

static void bury(struct dispatch *d)
{
    list_each(mh, &d->graves, flux_msg_handler_t, grave_link) handler_free(mh);
}

/* Handlers that outlive the handle are only forgotten: they are their owners'. */
static void forget(struct list *head)
{
    list_each(s, head, struct spot, link)
    {
        s->mh->h = NULL;
        list_del(&s->link);
    }
}

void dispatch_free(struct dispatch *d)
{
    const char *topic;
    void *head;

    if (!d)
        return;
    bury(d);
    for (size_t it = 0; map_next(d->methods, &it, &topic, &head);)
        forget(head);
    forget(&d->requests);
    forget(&d->responses);
    forget(&d->events);
    map_free(d->methods);
    free(d);
}

/* ---- creation ---- */

static bool is_glob(const char *topic)
{
    return strpbrk(topic, "*?[") != NULL;
}

static struct list *request_list(struct dispatch *d, const char *topic)
{
    struct list *head;

    if (!topic || is_glob(topic))
        return &d->requests;
    if ((head = map_get(d->methods, topic)))
        return head;
    if (!(head = malloc(sizeof(*head))))
        return NULL;
    list_init(head);
    if (map_add(d->methods, topic, head) < 0) {
        free(head);
        return NULL;
    }
    return head;
}

static int handler_link(struct dispatch *d, flux_msg_handler_t *mh)
{
    struct list *head;

    if (mh->match.typemask & FLUX_MSGTYPE_REQUEST) {
        if (!(head = request_list(d, mh->topic)))
            return -ENOMEM;
        list_prepend(head, &mh->request.link);
    }
    if (mh->match.typemask & FLUX_MSGTYPE_RESPONSE)
        list_prepend(&d->responses, &mh->response.link);
    if (mh->match.typemask & (FLUX_MSGTYPE_EVENT | FLUX_MSGTYPE_CONTROL))
        list_prepend(&d->events, &mh->event.link);
    return 0;
}

flux_msg_handler_t *flux_msg_handler_create(flux_t *h, const struct flux_match match,
                                            flux_msg_handler_f cb, void *arg)
{
    flux_msg_handler_t *mh;
    struct dispatch *d;

    if (!h || !cb || (match.typemask & ~FLUX_MSGTYPE_ANY)) {
        errno = EINVAL;
        return NULL;
    }
    if (!(d = dispatch_get(h)) || !(mh = calloc(1, sizeof(*mh)))) {
        errno = ENOMEM;
        return NULL;
    }
    mh->request.mh = mh->response.mh = mh->event.mh = mh;
    list_init(&mh->request.link);
    list_init(&mh->response.link);
    list_init(&mh->event.link);
    list_init(&mh->grave_link);
    mh->h = h;
    mh->cb = cb;
    mh->arg = arg;
    mh->rolemask = FLUX_ROLE_OWNER;
    mh->match = match;
    if (!mh->match.typemask)
        mh->match.typemask = FLUX_MSGTYPE_ANY;
    if ((match.topic_glob && !(mh->topic = strdup(match.topic_glob))) ||
        handler_link(d, mh) < 0) {
        handler_free(mh);
        errno = ENOMEM;
        return NULL;
    }
    mh->match.topic_glob = mh->topic;
    return mh;
}

void flux_msg_handler_destroy(flux_msg_handler_t *mh)
{
    int saved_errno = errno;

    if (!mh || mh->dead)
        return;
    flux_msg_handler_stop(mh);
    if (mh->h && mh->h->dispatch->depth > 0) {
        mh->dead = true;
        list_append(&mh->h->dispatch->graves, &mh->grave_link);
    } else {
        handler_free(mh);
    }
    errno = saved_errno;
}

void flux_msg_handler_start(flux_msg_handler_t *mh)
{
    int rc;

    if (!mh || !mh->h || mh->running || mh->dead)
        return;
    if ((rc = handle_read_ref(mh->h)) < 0) {
        flux_log(NULL, LOG_ERR, "message handler: cannot watch the connection: %s",
                 flux_strerror(-rc));
        return;
    }
    mh->running = true;
}

void flux_msg_handler_stop(flux_msg_handler_t *mh)
{
    if (!mh || !mh->running)
        return;
    mh->running = false;
    if (mh->h)
        handle_read_unref(mh->h);
}

void flux_msg_handler_allow_rolemask(flux_msg_handler_t *mh, uint32_t rolemask)
{
    if (mh)
        mh->rolemask |= rolemask;
}

void flux_msg_handler_deny_rolemask(flux_msg_handler_t *mh, uint32_t rolemask)
{
    if (mh)
        mh->rolemask = (mh->rolemask & ~rolemask) | FLUX_ROLE_OWNER;
}

/* ---- tables ---- */

static size_t table_size(const struct flux_msg_handler_spec tab[])
{
    size_t n = 0;

    while (tab[n].typemask || tab[n].topic_glob || tab[n].cb)
        n++;
    return n;
}

static flux_msg_handler_t *add_spec(flux_t *h, const char *name,
                                    const struct flux_msg_handler_spec *spec, void *arg)
{
    struct flux_match match = FLUX_MATCH_ANY;
    flux_msg_handler_t *mh;
    char *topic = NULL;

    if (name && spec->topic_glob && asprintf(&topic, "%s.%s", name, spec->topic_glob) < 0)
        return NULL;
    match.typemask = spec->typemask;
    match.topic_glob = topic ? topic : spec->topic_glob;
    if ((mh = flux_msg_handler_create(h, match, spec->cb, arg))) {
        flux_msg_handler_allow_rolemask(mh, spec->rolemask);
        flux_msg_handler_start(mh);
    }
    free(topic);
    return mh;
}

static int addvec(flux_t *h, const char *name, const struct flux_msg_handler_spec tab[],
                  void *arg, flux_msg_handler_t **msg_handlers[])
{
    flux_msg_handler_t **vec;
    size_t n;

    if (!h || !tab || !msg_handlers) {
        errno = EINVAL;
        return -1;
    }
    n = table_size(tab);
    if (!(vec = calloc(n + 1, sizeof(*vec))))
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (!(vec[i] = add_spec(h, name, &tab[i], arg))) {
            flux_msg_handler_delvec(vec);
            return -1;
        }
    }
    *msg_handlers = vec;
    return 0;
}

int flux_msg_handler_addvec(flux_t *h, const struct flux_msg_handler_spec tab[],
                            void *arg, flux_msg_handler_t **msg_handlers[])
{
    return addvec(h, NULL, tab, arg, msg_handlers);
}

int flux_msg_handler_addvec_ex(flux_t *h, const char *name,
                               const struct flux_msg_handler_spec tab[], void *arg,
                               flux_msg_handler_t **msg_handlers[])
{
    return addvec(h, name, tab, arg, msg_handlers);
}

void flux_msg_handler_delvec(flux_msg_handler_t *msg_handlers[])
{
    int saved_errno = errno;

    if (!msg_handlers)
        return;
    for (size_t i = 0; msg_handlers[i]; i++)
        flux_msg_handler_destroy(msg_handlers[i]);
    free(msg_handlers);
    errno = saved_errno;
}

/* ---- finding ---- */

static void call(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg)
{
    if (msg->rolemask & mh->rolemask) {
        mh->cb(h, mh, msg, mh->arg);
        return;
    }
    if (msg->type == FLUX_MSGTYPE_REQUEST)
        flux_respond_error(h, msg, EPERM, "Request requires owner credentials");
}

static bool wants(const flux_msg_handler_t *mh, const flux_msg_t *msg)
{
    return mh->running && !mh->dead && flux_msg_cmp(msg, mh->match);
}

static flux_msg_handler_t *find(const struct list *head, const flux_msg_t *msg)
{
    list_each(s, head, struct spot, link)
    {
        if (wants(s->mh, msg))
            return s->mh;
    }
    return NULL;
}

static flux_msg_handler_t *find_request(const struct dispatch *d, const flux_msg_t *msg)
{
    flux_msg_handler_t *mh = NULL;
    struct list *head;

    if (msg->topic && (head = map_get(d->methods, msg->topic)))
        mh = find(head, msg);
    return mh ? mh : find(&d->requests, msg);
}

/* To all of them; what is added meanwhile goes to the front and is not reached. */
static bool broadcast(flux_t *h, const flux_msg_t *msg)
{
    bool any = false;

    list_each(s, &h->dispatch->events, struct spot, link)
    {
        if (wants(s->mh, msg)) {
            any = true;
            call(h, s->mh, msg);
        }
    }
    return any;
}

static bool deliver(flux_t *h, const flux_msg_t *msg)
{
    flux_msg_handler_t *mh;

    if (!h->dispatch)
        return false;
    if (msg->type == FLUX_MSGTYPE_EVENT || msg->type == FLUX_MSGTYPE_CONTROL)
        return broadcast(h, msg);
    mh = msg->type == FLUX_MSGTYPE_REQUEST ? find_request(h->dispatch, msg)
                                           : find(&h->dispatch->responses, msg);
    if (mh)
        call(h, mh, msg);
    return mh != NULL;
}

static void respond_enosys(flux_t *h, const flux_msg_t *msg)
{
    char text[256];

    snprintf(text, sizeof(text), "Unknown service method '%s'",
             msg->topic ? msg->topic : "");
    flux_respond_error(h, msg, ENOSYS, text);
}

/* A late response to a matchtag that was allocated by hand is nobody's; a clone leaves
 * what it does not want to the others. */
static void not_handled(flux_t *h, flux_msg_t *msg)
{
    if (h != h->root) {
        if (msgq_push(&h->unwanted, msg) < 0)
            flux_msg_decref(msg);
        return;
    }
    if (msg->type == FLUX_MSGTYPE_REQUEST)
        respond_enosys(h, msg);
    flux_msg_decref(msg);
}

void dispatch_message(flux_t *h, flux_msg_t *msg)
{
    bool handled;

    if (h->dispatch)
        h->dispatch->depth++;
    handled = deliver(h, msg);
    if (h->dispatch && --h->dispatch->depth == 0)
        bury(h->dispatch);
    if (handled)
        flux_msg_decref(msg);
    else
        not_handled(h, msg);
}

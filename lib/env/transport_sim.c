/* Links between simulated brokers: messages travel in memory, each with a drawn
 * delay, in order on each link. No message is lost on a link that stays open.
 *
 * What is under way to a link (a message, the news that it is connected or closed)
 * is a struct parcel in that link's inbox: first an event at its time of arrival,
 * then an entry of the loop's queue, which calls back. So closing a link drops all
 * that is still to come to it.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "env/sim.h"

#define DELAY_MIN 20000 /* ns */
#define DELAY_MAX 500000
#define NS_PER_BYTE 1

struct sim_link {
    struct link base;
    struct sim_link *peer;   /* NULL: not yet, or no longer */
    struct list inbox;       /* of parcels, in order of arrival */
    struct list outbox;      /* messages sent before there was a peer */
    struct sim_event arrive; /* dial: the request reaches the listener */
    int64_t last;            /* time of the latest arrival in the inbox */
    bool listening, dead, was_high;
};

enum parcel_kind { ACCEPTED, WRITABLE, MESSAGE, CLOSED };

struct parcel {
    struct sim_event ev;
    struct queued q;
    struct list link;
    struct sim_link *to;
    enum parcel_kind kind;
    struct sim_link *accepted;
    int error;
    size_t len;
    char data[];
};

static struct sim_link *link_of(struct link *link)
{
    return CONTAINER_OF(link, struct sim_link, base);
}

static struct sim_env *world(const struct sim_link *l)
{
    return sim_env(l->base.loop->env);
}

/* ---- parcels ---- */

static void drop_link(struct sim_link *l, int error_at_peer);

/* A message is no longer on its way: its sender may go on. */
static void message_arrived(struct parcel *p);

static void parcel_fire(struct sim_event *ev)
{
    struct parcel *p = CONTAINER_OF(ev, struct parcel, ev);
    if (p->kind == MESSAGE)
        message_arrived(p);
    loop_queue(p->to->base.loop, &p->q);
}

static void die(struct sim_link *l, int error)
{
    if (l->dead)
        return;
    l->dead = true;
    l->base.conf.cb->closed(&l->base, error, l->base.conf.arg);
}

static void too_big(struct sim_link *l)
{
    drop_link(l, -ECONNRESET);
    die(l, -EMSGSIZE);
}

static void deliver(struct queued *q)
{
    struct parcel *p = CONTAINER_OF(q, struct parcel, q);
    struct sim_link *to = p->to;
    struct link *link = &to->base;
    list_del(&p->link);
    if (p->kind == ACCEPTED)
        link->conf.cb->accepted(link, &p->accepted->base, link->conf.arg);
    else if (p->kind == CLOSED)
        die(to, p->error);
    else if (p->kind == WRITABLE && link->conf.cb->writable)
        link->conf.cb->writable(link, link->conf.arg);
    else if (p->kind == MESSAGE && p->len > link->conf.max_message)
        too_big(to);
    else if (p->kind == MESSAGE)
        link->conf.cb->message(link, p->data, p->len, link->conf.arg);
    free(p);
}

static struct parcel *parcel_new(enum parcel_kind kind, size_t len)
{
    struct parcel *p = calloc(1, sizeof(*p) + len + 1);
    assert(p); /* a simulation does not go on with less than it should have */
    list_init(&p->q.link);
    list_init(&p->link);
    p->kind = kind;
    p->len = len;
    p->q.run = deliver;
    p->ev.what = "link";
    p->ev.id = (uint64_t)kind << 32 | len;
    p->ev.fire = parcel_fire;
    return p;
}

/* Send it on its way, never to overtake those before it. */
static void parcel_send(struct parcel *p, struct sim_link *to)
{
    struct sim_env *s = world(to);
    int64_t time =
        s->now + sim_draw(s, DELAY_MIN, DELAY_MAX) + (int64_t)p->len * NS_PER_BYTE;
    if (time <= to->last)
        time = to->last + 1;
    to->last = time;
    p->to = to;
    list_append(&to->inbox, &p->link);
    sim_schedule(s, &p->ev, time);
}

/* News of the link's own side: no journey. */
static void parcel_post(struct parcel *p, struct sim_link *to)
{
    p->to = to;
    list_append(&to->inbox, &p->link);
    loop_queue(to->base.loop, &p->q);
}

static bool is_high(const struct sim_link *l)
{
    return l->base.queued > l->base.conf.max_queue / 2;
}

static void message_arrived(struct parcel *p)
{
    struct sim_link *from = p->to->peer;
    if (!from)
        return;
    from->base.queued -= p->len;
    if (!from->was_high || is_high(from))
        return;
    from->was_high = false;
    parcel_post(parcel_new(WRITABLE, 0), from);
}

/* ---- the end of a link ---- */

static void link_free(struct sim_link *l);

static void drop_parcels(struct sim_link *l, struct list *box)
{
    struct parcel *p;
    while ((p = list_first(box, struct parcel, link))) {
        list_del(&p->link);
        sim_cancel(world(l), &p->ev);
        loop_unqueue(l->base.loop, &p->q);
        if (p->kind == ACCEPTED)
            link_free(p->accepted);
        free(p);
    }
}

/* Nothing more goes in or out; the peer will hear of it, after what was sent. */
static void drop_link(struct sim_link *l, int error_at_peer)
{
    struct sim_link *peer = l->peer;
    sim_cancel(world(l), &l->arrive);
    drop_parcels(l, &l->inbox);
    drop_parcels(l, &l->outbox);
    if (!peer)
        return;
    l->peer = peer->peer = NULL;
    struct parcel *p = parcel_new(CLOSED, 0);
    p->error = error_at_peer;
    parcel_send(p, peer);
}

static void link_free(struct sim_link *l)
{
    struct loop *loop = l->base.loop;
    if (l->listening)
        map_del(world(l)->listeners, l->base.address);
    drop_link(l, 0);
    loop->ops->hold(loop, -1);
    free(l->base.address);
    free(l);
    loop_unref(loop);
}

static void sim_close(struct link *link)
{
    link_free(link_of(link));
}

/* ---- the beginning ---- */

static struct sim_link *link_new(struct loop *loop, const char *address,
                                 const struct link_conf *conf)
{
    struct sim_link *l = calloc(1, sizeof(*l));
    if (!l || !(l->base.address = strdup(address))) {
        free(l);
        return NULL;
    }
    l->base.ops = &sim_transport_ops;
    l->base.loop = loop_ref(loop);
    l->base.conf = *conf;
    list_init(&l->inbox);
    list_init(&l->outbox);
    loop->ops->hold(loop, 1);
    return l;
}

static int sim_listen(struct loop *loop, const char *address,
                      const struct link_conf *conf, struct link **ret)
{
    struct map *listeners = sim_env(loop->env)->listeners;
    if (map_get(listeners, address))
        return -EADDRINUSE;
    struct sim_link *l = link_new(loop, address, conf);
    if (!l)
        return -ENOMEM;
    int rc = map_add(listeners, address, l);
    if (rc < 0) {
        link_free(l);
        return rc;
    }
    l->listening = true;
    *ret = &l->base;
    return 0;
}

static void send_waiting(struct sim_link *l)
{
    struct parcel *p;
    while ((p = list_first(&l->outbox, struct parcel, link))) {
        list_del(&p->link);
        parcel_send(p, l->peer);
    }
}

static void refuse(struct sim_link *l, int error)
{
    struct parcel *p = parcel_new(CLOSED, 0);
    p->error = error;
    parcel_send(p, l);
}

static void dial_arrives(struct sim_event *ev)
{
    struct sim_link *l = CONTAINER_OF(ev, struct sim_link, arrive);
    struct sim_link *listener = map_get(world(l)->listeners, l->base.address);
    if (!listener) {
        refuse(l, -ECONNREFUSED);
        return;
    }
    struct sim_link *peer =
        link_new(listener->base.loop, l->base.address, &listener->base.conf);
    if (!peer) {
        refuse(l, -ENOMEM);
        return;
    }
    l->peer = peer;
    peer->peer = l;
    struct parcel *p = parcel_new(ACCEPTED, 0);
    p->accepted = peer;
    parcel_post(p, listener);
    peer->last = world(l)->now;
    parcel_send(parcel_new(WRITABLE, 0), l);
    send_waiting(l);
}

static int sim_dial(struct loop *loop, const char *address, const struct link_conf *conf,
                    struct link **ret)
{
    struct sim_env *s = sim_env(loop->env);
    struct sim_link *l = link_new(loop, address, conf);
    if (!l)
        return -ENOMEM;
    l->arrive.what = "dial";
    l->arrive.id = 0;
    l->arrive.fire = dial_arrives;
    sim_schedule(s, &l->arrive, s->now + sim_draw(s, DELAY_MIN, DELAY_MAX));
    *ret = &l->base;
    return 0;
}

/* ---- sending ---- */

static int check_send(const struct sim_link *l, size_t len)
{
    if (l->listening)
        return -EINVAL;
    if (l->dead || (!l->peer && !sim_is_scheduled(&l->arrive)))
        return -EPIPE;
    if (len > l->base.conf.max_message)
        return -EMSGSIZE;
    return l->base.queued + len > l->base.conf.max_queue ? -ENOBUFS : 0;
}

static int sim_send(struct link *link, const struct iovec *parts, int n)
{
    struct sim_link *l = link_of(link);
    size_t len = 0, at = 0;
    for (int i = 0; i < n; i++)
        len += parts[i].iov_len;
    int rc = check_send(l, len);
    if (rc < 0)
        return rc;
    struct parcel *p = parcel_new(MESSAGE, len);
    for (int i = 0; i < n; i++) {
        if (parts[i].iov_len > 0)
            memcpy(p->data + at, parts[i].iov_base, parts[i].iov_len);
        at += parts[i].iov_len;
    }
    link->queued += len;
    if (is_high(l))
        l->was_high = true;
    if (l->peer)
        parcel_send(p, l->peer);
    else
        list_append(&l->outbox, &p->link);
    return 0;
}

const struct transport_ops sim_transport_ops = {
    .listen = sim_listen,
    .dial = sim_dial,
    .send = sim_send,
    .close = sim_close,
};

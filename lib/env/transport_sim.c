/* Links between simulated brokers: messages travel in memory, each with a drawn
 * delay, in order on each link. No message is lost on a link that stays open. Parcels
 * and links are explained in link_sim.h, what can befall them is in net_sim.c.
 */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "env/link_sim.h"

#define NS_PER_BYTE 1
#define SECOND 1000000000ll
#define DIAL_TRIES 7             /* after 1, 2, 4 .. s: two minutes in all */
#define UNREACHABLE (3 * SECOND) /* until a host is said to be unreachable */

enum parcel_kind { ACCEPTED, WRITABLE, MESSAGE, CLOSED };

struct parcel {
    struct queued q;
    struct list link; /* in its wire, inbox or outbox */
    struct sim_link *to;
    int64_t time; /* of its arrival */
    enum parcel_kind kind;
    bool held; /* the way was cut when it should have arrived */
    struct sim_link *accepted;
    int error;
    size_t len;
    char data[];
};

static struct sim_link *link_of(struct link *link)
{
    return CONTAINER_OF(link, struct sim_link, base);
}

static struct sim_world *world(const struct sim_link *l)
{
    return link_host(l)->w;
}

static int64_t passage_to(const struct sim_link *l)
{
    return sim_passage(world(l), l->far, link_host(l)->number);
}

static int64_t passage_from(const struct sim_link *l)
{
    return sim_passage(world(l), link_host(l)->number, l->far);
}

/* ---- parcels ---- */

static void drop_link(struct sim_link *l, int error_at_peer);

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
    return p;
}

static void wire_schedule(struct sim_link *l, int64_t not_before)
{
    struct parcel *p = list_first(&l->wire, struct parcel, link);
    if (p)
        sim_schedule(world(l), &l->next, p->time > not_before ? p->time : not_before);
}

/* Send it on its way, never to overtake those before it. */
static void parcel_send(struct parcel *p, struct sim_link *to)
{
    struct sim_world *w = world(to);
    bool first = list_empty(&to->wire);
    p->time = w->now + sim_delay(w, to->far, link_host(to)->number) +
              (int64_t)p->len * NS_PER_BYTE;
    if (p->time <= to->last)
        p->time = to->last + 1;
    to->last = p->time;
    p->to = to;
    list_append(&to->wire, &p->link);
    if (first)
        wire_schedule(to, 0);
}

/* News of the link's own side: no journey. */
static void parcel_post(struct parcel *p, struct sim_link *to)
{
    p->to = to;
    list_append(&to->inbox, &p->link);
    loop_queue(to->base.loop, &p->q);
}

static void post_closed(struct sim_link *to, int error)
{
    struct parcel *p = parcel_new(CLOSED, 0);
    p->error = error;
    parcel_post(p, to);
}

static void send_closed(struct sim_link *to, int error)
{
    struct parcel *p = parcel_new(CLOSED, 0);
    p->error = error;
    parcel_send(p, to);
}

static bool is_high(const struct sim_link *l)
{
    return l->base.queued > l->base.conf.max_queue / 2;
}

/* A message is no longer on its way: its sender may go on. */
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

static void become_half_open(struct sim_link *l)
{
    l->half_open = true;
    world(l)->counts[SIM_HALF_OPEN]++;
}

/* The end of a connection, sent into a network that was cut, may never arrive. */
static bool is_lost(const struct parcel *p)
{
    return p->kind == CLOSED && p->held && sim_draw(world(p->to), 0, 1);
}

static void wire_fire(struct sim_event *ev)
{
    struct sim_link *l = CONTAINER_OF(ev, struct sim_link, next);
    struct parcel *p = list_first(&l->wire, struct parcel, link);
    int64_t open = passage_to(l);
    if (open > world(l)->now) {
        p->held = open == INT64_MAX;
        if (!p->held)
            wire_schedule(l, open);
        return; /* or link_retry() goes on */
    }
    list_del(&p->link);
    ev->id = (uint64_t)p->kind << 32 | p->len;
    if (is_lost(p)) {
        become_half_open(l);
        free(p);
    } else {
        if (p->kind == MESSAGE)
            message_arrived(p);
        parcel_post(p, l);
    }
    wire_schedule(l, world(l)->now);
}

/* ---- the end of a link ---- */

static void link_free(struct sim_link *l);

static void drop_parcels(struct sim_link *l, struct list *box)
{
    struct parcel *p;
    while ((p = list_first(box, struct parcel, link))) {
        list_del(&p->link);
        loop_unqueue(l->base.loop, &p->q);
        if (p->kind == ACCEPTED)
            link_free(p->accepted);
        free(p);
    }
}

static void drop_wire(struct sim_link *l)
{
    sim_cancel(world(l), &l->next);
    drop_parcels(l, &l->wire);
}

static void start_probe(struct sim_link *l)
{
    struct sim_world *w = world(l);
    l->probing = true;
    if (!sim_is_scheduled(&l->probe))
        sim_schedule(w, &l->probe, w->now + sim_delay(w, l->far, link_host(l)->number));
}

/* What we sent to a peer that is no more comes back as a reset. */
static void probe_fire(struct sim_event *ev)
{
    struct sim_link *l = CONTAINER_OF(ev, struct sim_link, probe);
    int64_t there = passage_from(l), back = passage_to(l);
    int64_t open = there > back ? there : back;
    if (open == INT64_MAX)
        return; /* link_retry() goes on */
    if (open > world(l)->now) {
        sim_schedule(world(l), &l->probe, open);
        return;
    }
    l->half_open = l->probing = false;
    post_closed(l, -ECONNRESET);
}

/* Nobody is told; the peer's data that are still on the wire to us stay there. */
static void end_silently(struct sim_link *peer, bool unread)
{
    drop_wire(peer);
    become_half_open(peer);
    if (unread)
        start_probe(peer);
}

/* Nothing more goes in or out; the peer will hear of it, after what was sent. */
static void drop_link(struct sim_link *l, int error_at_peer)
{
    struct sim_link *peer = l->peer;
    bool unread = !list_empty(&l->wire);
    sim_cancel(world(l), &l->dial);
    sim_cancel(world(l), &l->probe);
    l->half_open = false;
    drop_wire(l);
    drop_parcels(l, &l->inbox);
    drop_parcels(l, &l->outbox);
    if (!peer)
        return;
    l->peer = peer->peer = NULL;
    if (link_host(l)->silent)
        end_silently(peer, unread);
    else
        send_closed(peer, error_at_peer);
}

static void link_free(struct sim_link *l)
{
    struct loop *loop = l->base.loop;
    if (l->listening)
        map_del(world(l)->listeners, l->base.address);
    drop_link(l, 0);
    list_del(&l->all);
    loop->ops->hold(loop, -1);
    free(l->base.address);
    free(l);
    loop_unref(loop);
}

static void sim_close(struct link *link)
{
    link_free(link_of(link));
}

void link_reset(struct sim_link *l)
{
    struct sim_link *ends[] = {l, l->peer};
    assert(l->peer);
    l->peer->peer = NULL;
    l->peer = NULL;
    for (int i = 0; i < 2; i++) {
        drop_wire(ends[i]);
        drop_parcels(ends[i], &ends[i]->outbox);
        send_closed(ends[i], -ECONNRESET);
    }
}

void link_retry(struct sim_link *l)
{
    wire_schedule(l, world(l)->now);
    if (l->half_open && l->probing)
        start_probe(l);
}

/* ---- the beginning ---- */

static void dial_fire(struct sim_event *ev);

static void init_event(struct sim_event *ev, const char *what,
                       void (*fire)(struct sim_event *ev))
{
    ev->what = what;
    ev->fire = fire;
}

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
    l->far = SIM_NOBODY;
    list_init(&l->wire);
    list_init(&l->inbox);
    list_init(&l->outbox);
    list_init(&l->all);
    list_append(&world(l)->links, &l->all);
    init_event(&l->next, "link", wire_fire);
    init_event(&l->dial, "dial", dial_fire);
    init_event(&l->probe, "probe", probe_fire);
    loop->ops->hold(loop, 1);
    return l;
}

static void *to_value(unsigned number)
{
    return (void *)(uintptr_t)(number + 1);
}

static int sim_listen(struct loop *loop, const char *address,
                      const struct link_conf *conf, struct link **ret)
{
    struct sim_world *w = sim_world(loop->env);
    if (map_get(w->listeners, address))
        return -EADDRINUSE;
    struct sim_link *l = link_new(loop, address, conf);
    if (!l)
        return -ENOMEM;
    int rc = map_set(w->addresses, address, to_value(link_host(l)->number));
    if (rc == 0)
        rc = map_add(w->listeners, address, l);
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

static void connect_to(struct sim_link *l, struct sim_link *listener)
{
    struct sim_link *peer =
        link_new(listener->base.loop, l->base.address, &listener->base.conf);
    assert(peer);
    l->peer = peer;
    peer->peer = l;
    peer->far = link_host(l)->number;
    struct parcel *p = parcel_new(ACCEPTED, 0);
    p->accepted = peer;
    parcel_post(p, listener);
    peer->last = world(l)->now;
    parcel_send(parcel_new(WRITABLE, 0), l);
    send_waiting(l);
}

/* Nothing comes back: the system tries again, and gives up in the end. Some know
 * early that there is no way. */
static void dial_again(struct sim_link *l)
{
    struct sim_world *w = world(l);
    int64_t wait = SECOND << l->tries;
    if (l->tries++ == 0 && sim_draw(w, 0, 1)) {
        l->dial_error = -EHOSTUNREACH;
        wait = UNREACHABLE;
    } else if (l->tries == DIAL_TRIES) {
        l->dial_error = -ETIMEDOUT;
    }
    sim_schedule(w, &l->dial, w->now + wait);
}

static void dial_fire(struct sim_event *ev)
{
    struct sim_link *l = CONTAINER_OF(ev, struct sim_link, dial);
    struct sim_world *w = world(l);
    uintptr_t place = (uintptr_t)map_get(w->addresses, l->base.address);
    struct sim_link *listener = map_get(w->listeners, l->base.address);
    if (l->dial_error) {
        post_closed(l, l->dial_error);
        return;
    }
    if (place)
        l->far = (unsigned)(place - 1);
    int64_t open = passage_from(l);
    if (open == INT64_MAX || passage_to(l) == INT64_MAX)
        dial_again(l);
    else if (open > w->now)
        sim_schedule(w, &l->dial, open);
    else if (!listener)
        send_closed(l, -ECONNREFUSED);
    else
        connect_to(l, listener);
}

static int sim_dial(struct loop *loop, const char *address, const struct link_conf *conf,
                    struct link **ret)
{
    struct sim_link *l = link_new(loop, address, conf);
    if (!l)
        return -ENOMEM;
    struct sim_world *w = world(l);
    sim_schedule(w, &l->dial, w->now + sim_delay(w, link_host(l)->number, SIM_NOBODY));
    *ret = &l->base;
    return 0;
}

/* ---- sending ---- */

static int check_send(const struct sim_link *l, size_t len)
{
    if (l->listening)
        return -EINVAL;
    if (l->dead || (!l->peer && !l->half_open && !sim_is_scheduled(&l->dial)))
        return -EPIPE;
    if (len > l->base.conf.max_message)
        return -EMSGSIZE;
    return l->base.queued + len > l->base.conf.max_queue ? -ENOBUFS : 0;
}

static struct parcel *pack(const struct iovec *parts, int n, size_t len)
{
    struct parcel *p = parcel_new(MESSAGE, len);
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        if (parts[i].iov_len > 0)
            memcpy(p->data + at, parts[i].iov_base, parts[i].iov_len);
        at += parts[i].iov_len;
    }
    return p;
}

static int sim_send(struct link *link, const struct iovec *parts, int n)
{
    struct sim_link *l = link_of(link);
    size_t len = 0;
    for (int i = 0; i < n; i++)
        len += parts[i].iov_len;
    int rc = check_send(l, len);
    if (rc < 0 || link_host(l)->dead)
        return rc;
    link->queued += len;
    if (is_high(l))
        l->was_high = true;
    if (l->half_open)
        start_probe(l); /* it will never be read */
    else if (l->peer)
        parcel_send(pack(parts, n, len), l->peer);
    else
        list_append(&l->outbox, &pack(parts, n, len)->link);
    return 0;
}

const struct transport_ops sim_transport_ops = {
    .listen = sim_listen,
    .dial = sim_dial,
    .send = sim_send,
    .close = sim_close,
};

/* Programs that use the instance: each is connected to the broker of a node, loses the
 * connection when that dies, and connects again, maybe elsewhere.
 */
#include <errno.h>

#include <flux/connector.h>

#include "many.h"

#define THINK_MAX 0.3 /* seconds between two things that a client begins */

void op_free(struct op *op)
{
    list_del(&op->link);
    flux_future_destroy(op->f);
    buf_free(&op->log);
    free(op);
}

void op_new(struct client *c, enum op_kind kind, int k, flux_future_t *f,
            flux_continuation_f then)
{
    struct op *op = calloc(1, sizeof(*op));

    *op = (struct op){.c = c, .kind = kind, .k = k, .f = f, .since = sim_now(c->s)};
    list_init(&op->link);
    list_append(&c->ops, &op->link);
    c->s->stats.ops++;
    if (f && flux_future_then(f, -1., then, op) == 0)
        return;
    load_again(op); /* the connection has just ended */
    op_free(op);
}

static void disconnect(struct client *c)
{
    struct op *op;

    if (!c->h)
        return;
    load_unsubscribe(c);
    while ((op = list_first(&c->ops, struct op, link))) {
        load_again(op);
        op_free(op);
    }
    flux_watcher_destroy(c->timer);
    flux_close(c->h);
    c->timer = NULL;
    c->h = NULL;
    c->connect_at = sim_now(c->s) + pick_time(c->s, 0, 1);
}

static void think_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct client *c = arg;

    flux_timer_watcher_reset(w, pick_time(c->s, 0, THINK_MAX), 0);
    flux_watcher_stop(w);
    flux_watcher_start(w);
    if (c->s->working)
        load_act(c);
}

static void connect_here(struct client *c, struct node *n)
{
    c->n = n;
    if (broker_open(n->b, &c->h) < 0 || flux_set_reactor(c->h, n->client_r) < 0 ||
        !(c->timer = flux_timer_watcher_create(n->client_r, pick_time(c->s, 0, THINK_MAX),
                                               0, think_cb, c)))
        abort();
    flux_watcher_start(c->timer);
    if (c->number % 2 == 0)
        load_subscribe(c);
}

void clients_tend(struct sim *s)
{
    for (int i = 0; i < s->nclients; i++) {
        struct client *c = &s->clients[i];

        if (c->h || sim_now(s) < c->connect_at)
            continue;
        if (pick_chance(s, 20)) /* somewhere else */
            c->n = &s->nodes[pick(s, 0, s->size - 1)];
        if (c->n->up && !c->n->leaving)
            connect_here(c, c->n);
    }
}

void clients_lost(struct node *n)
{
    for (int i = 0; i < n->s->nclients; i++)
        if (n->s->clients[i].n == n)
            disconnect(&n->s->clients[i]);
}

int clients_pending(const struct sim *s)
{
    static const char *const kinds[OP_KINDS] = {"submit", "result",  "watch",
                                                "cancel", "publish", "subscribe",
                                                "ping",   "lookup",  "list"};
    int n = 0;

    for (int i = 0; i < s->nclients; i++) {
        list_each(op, &s->clients[i].ops, struct op, link)
        {
            n++;
            if (sim_now(s) - op->since > 55)
                say((struct sim *)s, op->c->n, "client %d: %s of %d waits since %.3f", i,
                    kinds[op->kind], op->k, op->since);
        }
    }
    return n;
}

void clients_init(struct sim *s)
{
    s->nclients = (int)pick(s, 2, s->size < CLIENTS_MAX ? s->size : CLIENTS_MAX);
    for (int i = 0; i < s->nclients; i++) {
        struct client *c = &s->clients[i];

        *c = (struct client){.s = s, .number = i};
        c->n = &s->nodes[pick(s, 0, s->size - 1)];
        list_init(&c->ops);
    }
}

void clients_fini(struct sim *s)
{
    for (int i = 0; i < s->nclients; i++)
        disconnect(&s->clients[i]);
    s->nclients = 0;
}

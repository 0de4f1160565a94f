/* Barriers between the nodes of a job: see exchange.h. */
#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "shell/exchange.h"

struct guest {
    exchange_f done; /* NULL: is not in */
    void *arg;
};

struct exchange {
    unsigned nodes, coming, in;
    unsigned seq;                 /* of the one under way */
    struct guest *guests, *spare; /* nodes of them */
    struct buf puts, last;        /* of this one so far; of the one before */
};

static void answer(struct guest *g, int rc, struct slice puts)
{
    struct guest guest = *g;
    *g = (struct guest){0};
    if (guest.done)
        guest.done(rc, puts, guest.arg);
}

void exchange_free(struct exchange *x)
{
    if (!x)
        return;
    for (unsigned i = 0; i < x->nodes && x->guests; i++)
        answer(&x->guests[i], -ECANCELED, SLICE_NONE);
    buf_free(&x->puts);
    buf_free(&x->last);
    free(x->guests);
    free(x->spare);
    free(x);
}

int exchange_new(unsigned nodes, unsigned coming, struct exchange **ret)
{
    struct exchange *x = calloc(1, sizeof(*x));
    if (!x)
        return -ENOMEM;
    x->guests = calloc(nodes, sizeof(*x->guests));
    x->spare = calloc(nodes, sizeof(*x->spare));
    if (!x->guests || !x->spare) {
        exchange_free(x);
        return -ENOMEM;
    }
    x->nodes = nodes;
    x->coming = coming;
    *ret = x;
    return 0;
}

/* Guests may come back from inside their answer, for the next exchange. */
static void finish(struct exchange *x)
{
    struct guest *guests = x->guests;
    int rc = x->puts.failed ? -ENOMEM : 0;
    buf_free(&x->last);
    x->last = x->puts;
    x->puts = (struct buf){0};
    x->guests = x->spare;
    x->spare = guests;
    x->in = 0;
    x->seq++;
    struct slice puts = {x->last.data, x->last.len};
    for (unsigned i = 0; i < x->nodes; i++)
        answer(&guests[i], rc, puts);
}

int exchange_enter(struct exchange *x, unsigned node, unsigned seq, struct slice puts,
                   exchange_f done, void *arg)
{
    if (node >= x->nodes)
        return -EPROTO;
    if (seq + 1 == x->seq) {
        done(0, (struct slice){x->last.data, x->last.len}, arg);
        return 0;
    }
    if (seq != x->seq)
        return -EPROTO;
    struct guest *g = &x->guests[node];
    if (g->done) {
        answer(g, -ECANCELED, SLICE_NONE);
        *g = (struct guest){done, arg};
        return 0;
    }
    if (puts.len > 0) {
        if (x->puts.len > 0)
            buf_addc(&x->puts, ',');
        buf_add(&x->puts, puts.p, puts.len);
    }
    *g = (struct guest){done, arg};
    if (++x->in == x->coming)
        finish(x);
    return 0;
}

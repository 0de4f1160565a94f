/* What a future is made of, for those that make futures of their own kind: RPCs,
 * composites, chains. A kind adds its data behind the struct (future_extra()).
 *
 * Internal functions return 0 or more, or -errno.
 */
#ifndef FLUX_FLUX_FUTURE_PRIVATE_H
#define FLUX_FLUX_FUTURE_PRIVATE_H

#include <flux/future.h>

#include "base/list.h"
#include "env/env.h"
#include "flux/reactor_private.h"
#include "proto/aux.h"

struct future_ops {
    const char *kind;
    /* Wait without a reactor, until f is ready or the deadline (monotonic clock, < 0:
     * none) has passed: 0, -ETIMEDOUT, or another error. Optional; `can_wait` (optional:
     * always) says whether it is possible for this one. */
    int (*wait)(flux_future_t *f, double deadline);
    bool (*can_wait)(flux_future_t *f);
    /* flux_future_then() was called: watch, on the reactor (once). */
    int (*then)(flux_future_t *f);
    /* f was reset: the kind may make room for its next result too. */
    void (*reset)(flux_future_t *f);
    void (*destroy)(flux_future_t *f);
};

struct result {
    struct list link; /* in f->more */
    int errnum;
    char *errstr;
    void *value;
    flux_free_f free_fn;
    flux_future_t *via; /* whose result it is (flux_future_fulfill_with) */
};

/* Waiting for a future that needs a reactor: one for the time being. */
struct future_now {
    flux_reactor_t *r;
    flux_t *h; /* clone of the future's handle, NULL when it has none */
    bool inited;
    bool active; /* somebody is waiting */
};

struct flux_future {
    int refs;
    const struct future_ops *ops; /* may be NULL */
    flux_t *h;
    flux_reactor_t *r;
    flux_future_init_f init;
    void *init_arg;
    struct aux *aux;

    bool ready; /* `result` is set */
    struct result result;
    struct list more; /* results that came too early */
    int fatal_errnum;
    char *fatal_errstr;

    flux_continuation_f then_cb; /* NULL: none */
    void *then_arg;
    double timeout;
    flux_reactor_t *then_r; /* a reference */
    struct watcher *timer;
    struct task task;
    bool then_inited, called;
    struct future_now *now;

    /* Of a chain: the future that goes on from this one (borrowed), see chain.c. */
    flux_future_t *next;
    bool given_up; /* the user has destroyed it; the chain goes on holding it */

    _Alignas(8) char extra[];
};

flux_future_t *future_new(const struct future_ops *ops, size_t extra);
static inline void *future_extra(flux_future_t *f)
{
    return f->extra;
}
/* Can it be waited for without a reactor? */
bool future_can_wait(flux_future_t *f);
/* flux_future_wait_for() with a deadline. */
int future_wait_until(flux_future_t *f, double deadline);
struct env *future_env(flux_future_t *f);  /* NULL on ENOMEM */
int future_errnum(const flux_future_t *f); /* 0: none */
/* Its own text, or NULL. */
const char *future_errstr(const flux_future_t *f);

/* future_wait.c */
int future_wait_now(flux_future_t *f, double deadline);
void future_now_free(struct future_now *now);
/* A child is to work where its parent does: on the waiter's temporary reactor if
 * somebody waits for the parent, else where the parent's continuation runs. */
void future_adopt(flux_future_t *parent, flux_future_t *child);

#endif

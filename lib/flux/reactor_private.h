/* What a reactor is made of, and the tasks that handles and futures leave with it.
 *
 * A task is a call that runs before the loop next waits. Tasks may make tasks: a few
 * rounds of them run in one go, so that a request can reach a module, be answered
 * and be on its way out without the loop polling in between. Then come the
 * flushes, which push out what the tasks sent. A task waiting keeps the loop from
 * sleeping (and alive); a flush does not need to.
 */
#ifndef FLUX_FLUX_REACTOR_PRIVATE_H
#define FLUX_FLUX_REACTOR_PRIVATE_H

#include <flux/reactor.h>

#include "base/list.h"
#include "env/loop.h"

struct task {
    struct list link;
    void (*fn)(struct task *t);
    unsigned round; /* of the reactor when it was deferred */
};

struct flux_reactor {
    int refs;
    struct loop *loop;
    unsigned active;           /* flux_reactor_active_incref() calls */
    struct watcher *keepalive; /* stands for them; NULL until needed */
    struct watcher *prepare;
    struct watcher *idle;
    struct list tasks;
    struct list flushes;
    unsigned round;
    int running;  /* depth of flux_reactor_run() */
    bool stopped; /* the run of now is to end */
    int errnum;   /* ... with this error */
};

static inline void task_init(struct task *t, void (*fn)(struct task *t))
{
    list_init(&t->link);
    t->fn = fn;
}
/* Run t before the loop next waits; once, however often it is deferred. */
void reactor_defer(flux_reactor_t *r, struct task *t);
void reactor_defer_flush(flux_reactor_t *r, struct task *t);
/* Not any more. Harmless when it was not deferred. */
static inline void task_cancel(struct task *t)
{
    list_del(&t->link);
}
/* Is the reactor in flux_reactor_run(), so that flushes will come soon? */
static inline bool reactor_is_running(const flux_reactor_t *r)
{
    return r->running > 0;
}

#endif

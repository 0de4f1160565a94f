/* Chains: a future `next` that a callback fulfills once `prev` is, either at once or by
 * handing over a further future (`more`). `next` holds prev and more.
 *
 * A callback usually ends with flux_future_destroy(prev); `next` has a reference of its
 * own for that reason, and takes the user's one over only if that never happens.
 */
#include "flux/future_private.h"

#include <errno.h>
#include <stdlib.h>

struct hook {
    flux_continuation_f cb;
    void *arg;
};

struct chain {
    flux_future_t *prev;
    flux_future_t *more;
    struct hook on_success, on_error;
    bool waiting; /* somebody waits without a reactor */
};

static struct chain *chain_of(flux_future_t *prev)
{
    return prev && prev->next ? future_extra(prev->next) : NULL;
}

static void drop_prev(struct chain *ch)
{
    flux_future_t *prev = ch->prev;
    bool ours_too = !prev->given_up;

    ch->prev = NULL;
    prev->next = NULL;
    if (ours_too)
        flux_future_decref(prev);
    flux_future_decref(prev);
}

static void chain_destroy(flux_future_t *next)
{
    struct chain *ch = future_extra(next);

    flux_future_destroy(ch->more);
    if (ch->prev)
        drop_prev(ch);
}

static void step(flux_future_t *next)
{
    struct chain *ch = future_extra(next);
    flux_future_t *prev = ch->prev;
    struct hook *hook = future_errnum(prev) ? &ch->on_error : &ch->on_success;

    if (hook->cb)
        hook->cb(prev, hook->arg);
    else if (flux_future_fulfill_with(next, prev) < 0)
        flux_future_fatal_error(next, errno, NULL);
}

static void on_prev(flux_future_t *prev, void *arg)
{
    flux_future_t *next = arg;

    flux_future_incref(next);
    step(next);
    flux_future_decref(next);
}

static void on_more(flux_future_t *more, void *arg)
{
    flux_future_t *next = arg;

    if (flux_future_fulfill_with(next, more) < 0)
        flux_future_fatal_error(next, errno, NULL);
}

static void chain_init(flux_future_t *next, void *arg)
{
    struct chain *ch = future_extra(next);

    future_adopt(next, ch->prev);
    if (flux_future_then(ch->prev, -1, on_prev, next) < 0)
        flux_future_fatal_error(next, errno, NULL);
}

/* ---- waiting without a reactor ---- */

static bool chain_can_wait(flux_future_t *next)
{
    struct chain *ch = future_extra(next);

    if (next->then_inited || (next->now && next->now->inited))
        return false;
    return ch->more ? future_can_wait(ch->more) : future_can_wait(ch->prev);
}

static int wait_prev(flux_future_t *next, double deadline)
{
    struct chain *ch = future_extra(next);
    int rc = future_wait_until(ch->prev, deadline);

    if (rc < 0)
        return rc;
    ch->waiting = true;
    step(next);
    ch->waiting = false;
    return flux_future_is_ready(next) || ch->more ? 0 : -EDEADLK;
}

static int chain_wait(flux_future_t *next, double deadline)
{
    struct chain *ch = future_extra(next);
    int rc;

    if (!ch->more && (rc = wait_prev(next, deadline)) < 0)
        return rc;
    if (flux_future_is_ready(next))
        return 0;
    if ((rc = future_wait_until(ch->more, deadline)) < 0)
        return rc;
    on_more(ch->more, next);
    return 0;
}

static const struct future_ops chain_ops = {
    .kind = "chain",
    .wait = chain_wait,
    .can_wait = chain_can_wait,
    .destroy = chain_destroy,
};

static flux_future_t *chain_get(flux_future_t *prev)
{
    flux_future_t *next;
    struct chain *ch;

    if (prev->next)
        return prev->next;
    if (!(next = future_new(&chain_ops, sizeof(*ch))))
        return NULL;
    ch = future_extra(next);
    ch->prev = prev;
    flux_future_incref(prev);
    prev->next = next;
    next->init = chain_init;
    next->h = prev->h;
    next->r = prev->r;
    return next;
}

flux_future_t *flux_future_and_then(flux_future_t *prev, flux_continuation_f cb,
                                    void *arg)
{
    flux_future_t *next;

    if (!prev || !cb) {
        errno = EINVAL;
        return NULL;
    }
    if (!(next = chain_get(prev)))
        return NULL;
    chain_of(prev)->on_success = (struct hook){cb, arg};
    return next;
}

flux_future_t *flux_future_or_then(flux_future_t *prev, flux_continuation_f cb, void *arg)
{
    flux_future_t *next;

    if (!prev || !cb) {
        errno = EINVAL;
        return NULL;
    }
    if (!(next = chain_get(prev)))
        return NULL;
    chain_of(prev)->on_error = (struct hook){cb, arg};
    return next;
}

int flux_future_continue(flux_future_t *prev, flux_future_t *f)
{
    struct chain *ch = chain_of(prev);

    if (!ch || !f) {
        errno = EINVAL;
        return -1;
    }
    if (f == prev)
        return flux_future_fulfill_with(prev->next, prev);
    if (!ch->waiting) {
        future_adopt(prev->next, f);
        if (flux_future_then(f, -1, on_more, prev->next) < 0)
            return -1;
    }
    flux_future_destroy(ch->more);
    ch->more = f;
    return 0;
}

void flux_future_continue_error(flux_future_t *prev, int errnum, const char *errstr)
{
    if (chain_of(prev))
        flux_future_fulfill_error(prev->next, errnum, errstr);
}

int flux_future_fulfill_next(flux_future_t *f, void *result, flux_free_f free_fn)
{
    if (!chain_of(f)) {
        errno = EINVAL;
        return -1;
    }
    flux_future_fulfill(f->next, result, free_fn);
    return 0;
}

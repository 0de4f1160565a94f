/* Futures: results, continuations, what hangs on them. Waiting is in future_wait.c. */
#include "flux/future_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/flog.h>

#include "flux/handle_private.h"

/* Results of one future handled in a row, when its continuation resets it. */
#define RESULTS_MAX 64

static int fail(int errnum)
{
    errno = errnum;
    return -1;
}

/* ---- results ---- */

static void result_clear(struct result *res)
{
    if (res->value && res->free_fn)
        res->free_fn(res->value);
    if (res->via)
        flux_future_decref(res->via);
    free(res->errstr);
    memset(res, 0, sizeof(*res));
}

int future_errnum(const flux_future_t *f)
{
    if (f->fatal_errnum)
        return f->fatal_errnum;
    return f->ready ? f->result.errnum : 0;
}

const char *future_errstr(const flux_future_t *f)
{
    if (f->fatal_errnum)
        return f->fatal_errstr;
    return f->ready ? f->result.errstr : NULL;
}

static void wake(flux_future_t *f)
{
    if (f->then_cb && !f->called) {
        if (f->timer)
            watcher_stop(f->timer);
        reactor_defer(f->then_r, &f->task);
    }
    if (f->now && f->now->active)
        flux_reactor_stop(f->now->r);
}

/* Take the result over. */
static void add_result(flux_future_t *f, struct result *res)
{
    struct result *later;

    if (f->fatal_errnum) {
        result_clear(res);
    } else if (!f->ready) {
        f->result = *res;
        f->ready = true;
        wake(f);
    } else if ((later = malloc(sizeof(*later)))) {
        *later = *res;
        list_append(&f->more, &later->link);
    } else {
        result_clear(res);
        flux_future_fatal_error(f, ENOMEM, NULL);
    }
}

static void next_result(flux_future_t *f)
{
    struct result *res = list_first(&f->more, struct result, link);

    if (!res)
        return;
    list_del(&res->link);
    f->result = *res;
    f->ready = true;
    free(res);
    wake(f);
}

void flux_future_fulfill(flux_future_t *f, void *result, flux_free_f free_fn)
{
    struct result res = {.value = result, .free_fn = free_fn};

    if (f)
        add_result(f, &res);
    else if (result && free_fn)
        free_fn(result);
}

void flux_future_fulfill_error(flux_future_t *f, int errnum, const char *errstr)
{
    struct result res = {.errnum = errnum ? errnum : EINVAL};

    if (!f)
        return;
    if (errstr)
        res.errstr = strdup(errstr);
    add_result(f, &res);
}

int flux_future_fulfill_with(flux_future_t *f, flux_future_t *p)
{
    struct result res = {0};

    if (!f || !p || f == p)
        return fail(EINVAL);
    if (!flux_future_is_ready(p))
        return fail(EAGAIN);
    res.errnum = future_errnum(p);
    if (future_errstr(p) && !(res.errstr = strdup(future_errstr(p))))
        return fail(ENOMEM);
    res.value = p->result.value;
    res.via = p;
    flux_future_incref(p);
    add_result(f, &res);
    return 0;
}

void flux_future_fatal_error(flux_future_t *f, int errnum, const char *errstr)
{
    if (!f || f->fatal_errnum)
        return;
    f->fatal_errnum = errnum ? errnum : EINVAL;
    if (errstr)
        f->fatal_errstr = strdup(errstr);
    wake(f);
}

bool flux_future_is_ready(flux_future_t *f)
{
    return f && (f->ready || f->fatal_errnum);
}

bool flux_future_has_error(flux_future_t *f)
{
    return f && future_errnum(f) != 0;
}

const char *flux_future_error_string(flux_future_t *f)
{
    const char *text;

    if (!f || !future_errnum(f))
        return NULL;
    text = future_errstr(f);
    return text ? text : flux_strerror(future_errnum(f));
}

/* ---- life ---- */

flux_future_t *future_new(const struct future_ops *ops, size_t extra)
{
    flux_future_t *f = calloc(1, sizeof(*f) + extra);

    if (!f)
        return NULL;
    f->refs = 1;
    f->ops = ops;
    list_init(&f->more);
    list_init(&f->task.link);
    return f;
}

flux_future_t *flux_future_create(flux_future_init_f cb, void *arg)
{
    flux_future_t *f = future_new(NULL, 0);

    if (!f)
        return NULL;
    f->init = cb;
    f->init_arg = arg;
    return f;
}

static void future_free(flux_future_t *f)
{
    task_cancel(&f->task);
    if (f->ops && f->ops->destroy)
        f->ops->destroy(f);
    aux_free(&f->aux);
    result_clear(&f->result);
    list_each(res, &f->more, struct result, link)
    {
        result_clear(res);
        free(res);
    }
    free(f->fatal_errstr);
    watcher_free(f->timer);
    future_now_free(f->now);
    flux_reactor_decref(f->then_r);
    free(f);
}

void flux_future_incref(flux_future_t *f)
{
    if (f)
        f->refs++;
}

void flux_future_decref(flux_future_t *f)
{
    int saved_errno = errno;

    if (f && f->refs == 1)
        future_free(f);
    else if (f)
        f->refs--;
    errno = saved_errno;
}

void flux_future_destroy(flux_future_t *f)
{
    if (!f)
        return;
    /* The first destroy of a future that a chain has taken over is allowed: it is
     * what continuations of a chain do. */
    if (f->next) {
        if (f->given_up)
            return;
        f->given_up = true;
    }
    flux_future_decref(f);
}

void flux_future_reset(flux_future_t *f)
{
    flux_future_t *via;

    if (!f || f->fatal_errnum)
        return;
    via = f->result.via;
    f->result.via = NULL;
    result_clear(&f->result);
    f->ready = false;
    f->called = false;
    if (f->timer && f->then_cb)
        watcher_timer_set(f->timer, f->timeout, 0), watcher_start(f->timer);
    if (f->ops && f->ops->reset)
        f->ops->reset(f);
    if (via) {
        flux_future_reset(via);
        flux_future_decref(via);
    }
    if (!f->ready)
        next_result(f);
}

/* ---- what hangs on a future ---- */

void *flux_future_aux_get(flux_future_t *f, const char *name)
{
    void *val;

    if (!f || !name) {
        errno = EINVAL;
        return NULL;
    }
    if ((val = aux_get(f->aux, name)))
        return val;
    if (f->ready && f->result.via)
        return flux_future_aux_get(f->result.via, name);
    errno = ENOENT;
    return NULL;
}

int flux_future_aux_set(flux_future_t *f, const char *name, void *aux,
                        flux_free_f destroy)
{
    int rc = f ? aux_set(&f->aux, name, aux, destroy) : -EINVAL;

    return rc < 0 ? fail(-rc) : 0;
}

void flux_future_set_flux(flux_future_t *f, flux_t *h)
{
    if (f)
        f->h = h;
}

flux_t *flux_future_get_flux(flux_future_t *f)
{
    flux_t *h = NULL;

    if (f)
        h = f->now && f->now->active ? f->now->h : f->h;
    if (!h)
        errno = EINVAL;
    return h;
}

void flux_future_set_reactor(flux_future_t *f, flux_reactor_t *r)
{
    if (f)
        f->r = r;
}

flux_reactor_t *flux_future_get_reactor(flux_future_t *f)
{
    if (f && f->now && f->now->active)
        return f->now->r;
    if (f && f->r)
        return f->r;
    if (f && f->h)
        return flux_get_reactor(f->h);
    errno = EINVAL;
    return NULL;
}

struct env *future_env(flux_future_t *f)
{
    if (f->r)
        return loop_env(f->r->loop);
    if (f->h)
        return handle_env(f->h);
    return f->now && f->now->r ? loop_env(f->now->r->loop) : NULL;
}

/* ---- continuation ---- */

/* Alive (on_task has a reference), with a result that was not yet shown. */
static bool is_due(flux_future_t *f)
{
    return f->refs > 1 && f->then_cb && !f->called && flux_future_is_ready(f);
}

static void on_task(struct task *t)
{
    flux_future_t *f = list_entry(t, flux_future_t, task);

    flux_future_incref(f);
    for (int i = 0; i < RESULTS_MAX && is_due(f) && !f->then_r->stopped; i++) {
        f->called = true;
        f->then_cb(f, f->then_arg);
    }
    if (is_due(f))
        reactor_defer(f->then_r, &f->task);
    flux_future_decref(f);
}

static void on_timeout(struct watcher *w, int revents, void *arg)
{
    flux_future_t *f = arg;

    if (!f->ready)
        flux_future_fulfill_error(f, ETIMEDOUT, NULL);
}

static int start_timer(flux_future_t *f, double timeout)
{
    int rc;

    f->timeout = timeout;
    watcher_free(f->timer);
    f->timer = NULL;
    if (timeout < 0)
        return 0;
    rc = watcher_new_timer(f->then_r->loop, timeout, 0, on_timeout, f, &f->timer);
    if (rc == 0 && !flux_future_is_ready(f)) {
        loop_now_update(f->then_r->loop);
        watcher_start(f->timer);
    }
    return rc;
}

static int then_init(flux_future_t *f)
{
    if (f->ops && f->ops->then)
        return f->ops->then(f);
    if (!f->then_inited && f->init) {
        f->then_inited = true;
        f->init(f, f->init_arg);
    }
    return 0;
}

static void use_reactor(flux_future_t *f, flux_reactor_t *r)
{
    flux_reactor_incref(r);
    flux_reactor_decref(f->then_r);
    f->then_r = r;
    f->task.fn = on_task;
}

int flux_future_then(flux_future_t *f, double timeout, flux_continuation_f cb, void *arg)
{
    flux_reactor_t *r;
    int rc;

    if (!f || !cb)
        return fail(EINVAL);
    if (!(r = f->r) && !(r = f->h ? flux_get_reactor(f->h) : NULL))
        return fail(f->h ? errno : EINVAL);
    use_reactor(f, r);
    f->then_cb = cb;
    f->then_arg = arg;
    f->called = false;
    if ((rc = start_timer(f, timeout)) < 0 || (rc = then_init(f)) < 0) {
        f->then_cb = NULL;
        return fail(-rc);
    }
    if (flux_future_is_ready(f))
        wake(f);
    return 0;
}

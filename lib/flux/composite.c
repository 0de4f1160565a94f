/* Futures made of futures: wait_all is fulfilled when all children are (with the
 * first child's error, if any has one), wait_any with the result of the first.
 */
#include "flux/future_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"

struct composite {
    struct map *children; /* name -> struct child, in order */
    size_t cursor;
    unsigned serial; /* for names made up */
    size_t pending;  /* children not done */
    bool any;
    bool started; /* children are being watched */
};

struct child {
    flux_future_t *f;
    flux_future_t *parent;
    bool done;
};

static const struct future_ops all_ops;
static const struct future_ops any_ops;

static struct composite *composite_of(flux_future_t *cf)
{
    if (!cf || (cf->ops != &all_ops && cf->ops != &any_ops))
        return NULL;
    return future_extra(cf);
}

static void child_free(void *arg)
{
    struct child *c = arg;

    flux_future_destroy(c->f);
    free(c);
}

static void composite_destroy(flux_future_t *cf)
{
    struct composite *co = future_extra(cf);

    map_free(co->children);
}

static void fulfill_all(flux_future_t *cf, struct composite *co)
{
    void *value;

    for (size_t it = 0; map_next(co->children, &it, NULL, &value);) {
        struct child *c = value;

        if (future_errnum(c->f)) {
            flux_future_fulfill_error(cf, future_errnum(c->f), future_errstr(c->f));
            return;
        }
    }
    flux_future_fulfill(cf, NULL, NULL);
}

static void child_done(struct child *c)
{
    struct composite *co = future_extra(c->parent);

    if (c->done)
        return;
    c->done = true;
    co->pending--;
    if (co->any) {
        if (!flux_future_is_ready(c->parent))
            flux_future_fulfill_with(c->parent, c->f);
    } else if (co->pending == 0) {
        fulfill_all(c->parent, co);
    }
}

static void on_child(flux_future_t *f, void *arg)
{
    child_done(arg);
}

static void watch_child(struct child *c)
{
    future_adopt(c->parent, c->f);
    if (flux_future_then(c->f, -1, on_child, c) < 0)
        flux_future_fatal_error(c->parent, errno, NULL);
}

static void composite_init(flux_future_t *cf, void *arg)
{
    struct composite *co = future_extra(cf);
    void *value;

    co->started = true;
    if (!co->any && map_count(co->children) == 0)
        flux_future_fulfill(cf, NULL, NULL);
    for (size_t it = 0; map_next(co->children, &it, NULL, &value);)
        watch_child(value);
}

/* ---- waiting for all without a reactor: for one after the other ---- */

static bool all_can_wait(flux_future_t *cf)
{
    struct composite *co = future_extra(cf);
    void *value;

    if (co->started)
        return false;
    for (size_t it = 0; map_next(co->children, &it, NULL, &value);) {
        if (!future_can_wait(((struct child *)value)->f))
            return false;
    }
    return true;
}

static int all_wait(flux_future_t *cf, double deadline)
{
    struct composite *co = future_extra(cf);
    void *value;

    for (size_t it = 0; map_next(co->children, &it, NULL, &value);) {
        struct child *c = value;
        int rc = future_wait_until(c->f, deadline);

        if (rc < 0)
            return rc;
        child_done(c);
    }
    if (!flux_future_is_ready(cf))
        flux_future_fulfill(cf, NULL, NULL); /* there were no children */
    return 0;
}

static const struct future_ops all_ops = {
    .kind = "wait_all",
    .wait = all_wait,
    .can_wait = all_can_wait,
    .destroy = composite_destroy,
};
static const struct future_ops any_ops = {
    .kind = "wait_any",
    .destroy = composite_destroy,
};

static flux_future_t *composite_new(bool any)
{
    flux_future_t *cf = future_new(any ? &any_ops : &all_ops, sizeof(struct composite));
    struct composite *co;

    if (!cf)
        return NULL;
    co = future_extra(cf);
    co->any = any;
    cf->init = composite_init;
    if (!(co->children = map_new(child_free))) {
        flux_future_destroy(cf);
        errno = ENOMEM;
        return NULL;
    }
    return cf;
}

flux_future_t *flux_future_wait_all_create(void)
{
    return composite_new(false);
}

flux_future_t *flux_future_wait_any_create(void)
{
    return composite_new(true);
}

static struct child *child_new(flux_future_t *cf, flux_future_t *f)
{
    struct child *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->f = f;
    c->parent = cf;
    return c;
}

int flux_future_push(flux_future_t *cf, const char *name, flux_future_t *f)
{
    struct composite *co = composite_of(cf);
    struct child *c;
    char buf[32];
    int rc;

    if (!co || !f || f == cf) {
        errno = EINVAL;
        return -1;
    }
    if (!name) {
        snprintf(buf, sizeof(buf), "f%u", co->serial++);
        name = buf;
    }
    if (!(c = child_new(cf, f)))
        return -1;
    if ((rc = map_add(co->children, name, c)) < 0) {
        free(c);
        errno = -rc;
        return -1;
    }
    co->pending++;
    /* A composite without a handle or a reactor takes its first child's. */
    if (!cf->h)
        cf->h = f->h;
    if (!cf->r)
        cf->r = f->r;
    if (co->started)
        watch_child(c);
    return 0;
}

const char *flux_future_first_child(flux_future_t *cf)
{
    struct composite *co = composite_of(cf);

    if (!co) {
        errno = EINVAL;
        return NULL;
    }
    co->cursor = 0;
    return flux_future_next_child(cf);
}

const char *flux_future_next_child(flux_future_t *cf)
{
    struct composite *co = composite_of(cf);
    const char *name;
    void *value;

    if (!co) {
        errno = EINVAL;
        return NULL;
    }
    return map_next(co->children, &co->cursor, &name, &value) ? name : NULL;
}

flux_future_t *flux_future_get_child(flux_future_t *cf, const char *name)
{
    struct composite *co = composite_of(cf);
    struct child *c;

    if (!co || !name) {
        errno = EINVAL;
        return NULL;
    }
    if (!(c = map_get(co->children, name))) {
        errno = ENOENT;
        return NULL;
    }
    return c->f;
}

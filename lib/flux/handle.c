/* Handles: life, clones, flags, options, things kept with them, matchtags. */
#include "flux/handle_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/msg_handler.h>

static flux_t *handle_alloc(void)
{
    flux_t *h = calloc(1, sizeof(*h));

    if (!h)
        return NULL;
    h->refs = 1;
    h->root = h;
    h->epfd = h->queuefd = -1;
    h->recv_timeout = -1;
    list_init(&h->clone_link);
    list_init(&h->clones);
    list_init(&h->waiting);
    list_init(&h->read_task.link);
    return h;
}

flux_t *flux_handle_create(void *impl, const struct flux_handle_ops *ops, int flags)
{
    flux_t *h;

    if (!ops) {
        errno = EINVAL;
        return NULL;
    }
    if (!(h = handle_alloc()))
        return NULL;
    h->impl = impl;
    h->ops = ops;
    h->flags = flags;
    return h;
}

flux_t *flux_clone(flux_t *orig)
{
    flux_t *h;

    if (!orig) {
        errno = EINVAL;
        return NULL;
    }
    if (!(h = handle_alloc()))
        return NULL;
    h->root = orig->root;
    h->root->refs++;
    h->flags = FLUX_O_CLONE;
    list_append(&h->root->clones, &h->clone_link);
    return h;
}

static void complain_about_tags(const flux_t *h)
{
    if ((h->flags & FLUX_O_MATCHDEBUG) && h->tags.count > 0)
        fprintf(stderr, "flux: %u matchtags still in use at close\n", h->tags.count);
}

static void root_free(flux_t *h)
{
    complain_about_tags(h);
    rpc_orphan_all(h);
    if (h->ops->destroy)
        h->ops->destroy(h->impl);
    msgq_clear(&h->rx);
    tags_fini(&h->tags);
    map_free(h->subscriptions);
    map_free(h->services);
    env_unref(h->env);
}

static void handle_free(flux_t *h)
{
    flux_t *root = h->root;

    if (h != root)
        flux_dispatch_requeue(h);
    aux_free(&h->aux); /* may still use the handle */
    rpc_orphan_waiting(h);
    dispatch_free(h->dispatch);
    handle_read_fini(h);
    pollfd_fini(h);
    msgq_clear(&h->unwanted);
    list_del(&h->clone_link);
    if (h == root)
        root_free(h);
    flux_reactor_decref(h->reactor);
    free(h);
    if (h != root)
        flux_decref(root);
}

void flux_incref(flux_t *h)
{
    if (h)
        h->refs++;
}

void flux_decref(flux_t *h)
{
    int saved_errno = errno;

    if (h && h->refs == 1)
        handle_free(h); /* with its reference, so that clean-up may take others */
    else if (h)
        h->refs--;
    errno = saved_errno;
}

void flux_close(flux_t *h)
{
    flux_decref(h);
}

struct env *handle_env(flux_t *h)
{
    flux_t *root = h->root;

    if (h->reactor)
        return loop_env(h->reactor->loop);
    if (root->reactor)
        return loop_env(root->reactor->loop);
    if (!root->env && env_new_real(&root->env) < 0)
        errno = ENOMEM;
    return root->env;
}

/* ---- reactor ---- */

/* Only the root's reactor watches for the connector; clones, which come and go with
 * reactors of their own, watch the connection's descriptor. */
static int attach(flux_t *h)
{
    int rc;

    if (h != h->root || h->attached || !h->ops->attach)
        return 0;
    if ((rc = h->ops->attach(h->impl, h, h->reactor)) < 0)
        return -1;
    h->attached = true;
    h->kicked = rc > 0;
    return 0;
}

int flux_set_reactor(flux_t *h, flux_reactor_t *r)
{
    if (!h || !r) {
        errno = EINVAL;
        return -1;
    }
    if (h->reactor == r)
        return 0;
    if (h->reactor) {
        errno = EEXIST;
        return -1;
    }
    h->reactor = r;
    if (attach(h) < 0) {
        h->reactor = NULL;
        return -1;
    }
    flux_reactor_incref(r);
    pollfd_refresh(h);
    return 0;
}

static flux_reactor_t *new_reactor(flux_t *h)
{
    struct env *env = handle_env(h);

    return env ? flux_reactor_create_env(env) : NULL;
}

flux_reactor_t *flux_get_reactor(flux_t *h)
{
    flux_reactor_t *r;
    int rc;

    if (!h) {
        errno = EINVAL;
        return NULL;
    }
    if (h->reactor)
        return h->reactor;
    if (!(r = new_reactor(h)))
        return NULL;
    rc = flux_set_reactor(h, r);
    flux_reactor_decref(r);
    return rc < 0 ? NULL : r;
}

/* ---- flags, options ---- */

#define FLAGS_SETTABLE                                                                   \
    (FLUX_O_TRACE | FLUX_O_NONBLOCK | FLUX_O_MATCHDEBUG | FLUX_O_TEST_NOSUB |            \
     FLUX_O_RPCTRACK | FLUX_O_NOREQUEUE)

void flux_flags_set(flux_t *h, int flags)
{
    h->root->flags |= flags & FLAGS_SETTABLE;
}

void flux_flags_unset(flux_t *h, int flags)
{
    h->root->flags &= ~(flags & FLAGS_SETTABLE);
}

int flux_flags_get(flux_t *h)
{
    return h->root->flags | (h == h->root ? 0 : FLUX_O_CLONE);
}

static bool option_is(const char *option, const char *name, size_t len, size_t want)
{
    return strcmp(option, name) == 0 && len == want;
}

int flux_opt_set(flux_t *h, const char *option, const void *val, size_t len)
{
    if (!h || !option || (!val && len > 0)) {
        errno = EINVAL;
        return -1;
    }
    h = h->root;
    if (option_is(option, FLUX_OPT_RECV_TIMEOUT, len, sizeof(double))) {
        memcpy(&h->recv_timeout, val, len);
        return 0;
    }
    if (!h->ops->setopt) {
        errno = EINVAL;
        return -1;
    }
    return h->ops->setopt(h->impl, option, val, len);
}

int flux_opt_get(flux_t *h, const char *option, void *val, size_t len)
{
    if (!h || !option || !val) {
        errno = EINVAL;
        return -1;
    }
    h = h->root;
    if (option_is(option, FLUX_OPT_RECV_QUEUE_COUNT, len, sizeof(size_t))) {
        memcpy(val, &h->rx.count, len);
        return 0;
    }
    if (option_is(option, FLUX_OPT_RECV_TIMEOUT, len, sizeof(double))) {
        memcpy(val, &h->recv_timeout, len);
        return 0;
    }
    if (!h->ops->getopt) {
        errno = EINVAL;
        return -1;
    }
    return h->ops->getopt(h->impl, option, val, len);
}

void flux_comms_error_set(flux_t *h, flux_comms_error_f fun, void *arg)
{
    if (!h)
        return;
    h->root->comms_error = fun;
    h->root->comms_error_arg = arg;
}

/* ---- aux ---- */

void *flux_aux_get(flux_t *h, const char *name)
{
    void *val;

    if (!h || !name) {
        errno = EINVAL;
        return NULL;
    }
    if (!(val = aux_get(h->aux, name)))
        errno = ENOENT;
    return val;
}

int flux_aux_set(flux_t *h, const char *name, void *aux, flux_free_f destroy)
{
    int rc = h ? aux_set(&h->aux, name, aux, destroy) : -EINVAL;

    if (rc < 0) {
        errno = -rc;
        return -1;
    }
    return 0;
}

/* ---- matchtags ---- */

uint32_t flux_matchtag_alloc(flux_t *h)
{
    uint32_t tag;

    if (!h) {
        errno = EINVAL;
        return FLUX_MATCHTAG_NONE;
    }
    if (!(tag = tags_alloc(&h->root->tags, NULL)))
        errno = EBUSY;
    return tag;
}

void flux_matchtag_free(flux_t *h, uint32_t matchtag)
{
    if (h)
        tags_free(&h->root->tags, matchtag);
}

uint32_t flux_matchtag_avail(flux_t *h)
{
    return h ? TAGS_MAX - h->root->tags.count : 0;
}

/* ---- counters ---- */

void flux_get_msgcounters(flux_t *h, flux_msgcounters_t *mcs)
{
    if (h && mcs)
        *mcs = h->root->counters;
}

void flux_clr_msgcounters(flux_t *h)
{
    if (h)
        memset(&h->root->counters, 0, sizeof(h->root->counters));
}

/* A listener (listener.h). nng's thread puts each connection that it accepted on a
 * short list and accepts the next, until the list is full; the loop makes links of
 * them. When accepting fails (no descriptors are left), the loop tries again a little
 * later.
 */
#include <errno.h>
#include <nng/nng.h>
#include <nng/transport/ipc/ipc.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "overlay/listener.h"
#include "overlay/result.h"
#include "overlay/stream.h"
#include "overlay/transport.h"

#define PENDING_MAX 64
#define RETRY_DELAY 0.1 /* s */

struct listener {
    struct link base;
    struct watcher *kick, *retry;
    nng_stream_listener *nng;
    nng_aio *aio;
    bool gone; /* closed by its user, */
    int busy;  /* but that many of its callbacks are under way */

    pthread_mutex_t lock; /* guards all below */
    nng_stream *pending[PENDING_MAX];
    int n;
    bool full;   /* not accepting: the list is full */
    bool failed; /* not accepting: that went wrong */
};

static struct listener *listener_of(struct link *link)
{
    return CONTAINER_OF(link, struct listener, base);
}

/* ---- nng's side ---- */

static void on_accept(void *arg)
{
    struct listener *l = arg;
    int rv = nng_aio_result(l->aio);
    if (rv == NNG_ECLOSED || rv == NNG_ECANCELED)
        return;
    pthread_mutex_lock(&l->lock);
    if (rv == 0)
        l->pending[l->n++] = nng_aio_get_output(l->aio, 0);
    l->failed = rv != 0;
    l->full = l->n == PENDING_MAX;
    if (!l->failed && !l->full)
        nng_stream_listener_accept(l->nng, l->aio);
    pthread_mutex_unlock(&l->lock);
    watcher_kick(l->kick);
}

/* ---- the loop's side ---- */

/* "tcp://host:port" of a peer; others have no address of their own. */
static void peer_address(const struct listener *l, nng_stream *nng, char *buf, size_t len)
{
    nng_sockaddr sa;
    snprintf(buf, len, "%s", l->base.address);
    if (nng_stream_get_addr(nng, NNG_OPT_REMADDR, &sa) != 0)
        return;
    if (sa.s_family == NNG_AF_INET) {
        const unsigned char *a = (const unsigned char *)&sa.s_in.sa_addr;
        const unsigned char *p = (const unsigned char *)&sa.s_in.sa_port;
        snprintf(buf, len, "tcp://%d.%d.%d.%d:%d", a[0], a[1], a[2], a[3],
                 p[0] << 8 | p[1]);
    } else if (sa.s_family == NNG_AF_INET6) {
        const unsigned char *p = (const unsigned char *)&sa.s_in6.sa_port;
        size_t at = (size_t)snprintf(buf, len, "tcp://[");
        for (int i = 0; i < 16; i += 2)
            at += (size_t)snprintf(buf + at, len - at, i ? ":%x" : "%x",
                                   sa.s_in6.sa_addr[i] << 8 | sa.s_in6.sa_addr[i + 1]);
        snprintf(buf + at, len - at, "]:%d", p[0] << 8 | p[1]);
    }
}

static void hand_over(struct listener *l, nng_stream *nng)
{
    struct link *link;
    char address[256];
    peer_address(l, nng, address, sizeof(address));
    if (stream_accept(l->base.loop, address, &l->base.conf, nng, &link) == 0)
        l->base.conf.cb->accepted(&l->base, link, l->base.conf.arg);
}

/* The connection that has waited longest, or NULL. */
static nng_stream *next_pending(struct listener *l)
{
    nng_stream *nng = NULL;
    pthread_mutex_lock(&l->lock);
    if (l->n > 0) {
        nng = l->pending[0];
        l->n--;
        if (l->n > 0)
            watcher_kick(l->kick); /* the callback may run the loop */
        memmove(l->pending, l->pending + 1, (size_t)l->n * sizeof(l->pending[0]));
    }
    pthread_mutex_unlock(&l->lock);
    return nng;
}

static void accept_again(struct listener *l)
{
    pthread_mutex_lock(&l->lock);
    bool failed = l->failed;
    if (l->full) {
        l->full = false;
        nng_stream_listener_accept(l->nng, l->aio);
    }
    pthread_mutex_unlock(&l->lock);
    if (failed)
        watcher_start(l->retry);
}

static void on_retry(struct watcher *w, int revents, void *arg)
{
    struct listener *l = arg;
    pthread_mutex_lock(&l->lock);
    l->failed = false;
    nng_stream_listener_accept(l->nng, l->aio);
    pthread_mutex_unlock(&l->lock);
}

static void listener_free(struct listener *l)
{
    struct loop *loop = l->base.loop;
    watcher_free(l->kick);
    watcher_free(l->retry);
    pthread_mutex_destroy(&l->lock);
    free(l->base.address);
    free(l);
    loop_unref(loop);
}

static void on_kick(struct watcher *w, int revents, void *arg)
{
    struct listener *l = arg;
    nng_stream *nng;
    l->busy++;
    while (!l->gone && (nng = next_pending(l)))
        hand_over(l, nng);
    if (!l->gone)
        accept_again(l);
    if (--l->busy == 0 && l->gone)
        listener_free(l);
}

static void release_nng(struct listener *l)
{
    if (l->nng)
        nng_stream_listener_close(l->nng);
    if (l->aio)
        nng_aio_stop(l->aio);
    nng_aio_free(l->aio);
    for (int i = 0; i < l->n; i++)
        nng_stream_free(l->pending[i]);
    if (l->nng)
        nng_stream_listener_free(l->nng);
}

static void listener_close(struct link *link)
{
    struct listener *l = listener_of(link);
    l->gone = true;
    release_nng(l);
    watcher_stop(l->kick);
    watcher_stop(l->retry);
    if (l->busy == 0)
        listener_free(l);
}

static int listener_send(struct link *link, const struct iovec *parts, int n)
{
    return -EINVAL;
}

static const struct transport_ops listener_ops = {
    .send = listener_send,
    .close = listener_close,
};

/* The address that was asked for, with the port that was given. */
static int bound_address(struct listener *l, const char *address)
{
    int port;
    const char *colon = strrchr(address, ':');
    if (strncmp(address, "tcp://", 6) != 0 ||
        nng_stream_listener_get_int(l->nng, NNG_OPT_TCP_BOUND_PORT, &port) != 0) {
        l->base.address = strdup(address);
    } else if (asprintf(&l->base.address, "%.*s:%d", (int)(colon - address), address,
                        port) < 0) {
        l->base.address = NULL;
    }
    return l->base.address ? 0 : -ENOMEM;
}

static int start_listening(struct listener *l, const char *address)
{
    int rc = result_error(nng_stream_listener_alloc(&l->nng, address));
    if (rc < 0)
        return rc;
    /* Brokers of one user talk to each other; on other transports that is unknown. */
    nng_stream_listener_set_int(l->nng, NNG_OPT_IPC_PERMISSIONS, 0600);
    rc = result_error(nng_stream_listener_listen(l->nng));
    if (rc == 0)
        rc = bound_address(l, address);
    return rc;
}

static int listener_init(struct listener *l, const char *address)
{
    int rc = watcher_new_async(l->base.loop, on_kick, l, &l->kick);
    if (rc == 0)
        rc = watcher_new_timer(l->base.loop, RETRY_DELAY, 0, on_retry, l, &l->retry);
    if (rc == 0)
        rc = result_error(nng_aio_alloc(&l->aio, on_accept, l));
    if (rc == 0)
        rc = start_listening(l, address);
    if (rc == 0)
        nng_aio_set_timeout(l->aio, NNG_DURATION_INFINITE);
    return rc;
}

int listener_open(struct loop *loop, const char *address, const struct link_conf *conf,
                  struct link **ret)
{
    struct listener *l = calloc(1, sizeof(*l));
    if (!l)
        return -ENOMEM;
    l->base.ops = &listener_ops;
    l->base.loop = loop_ref(loop);
    l->base.conf = *conf;
    pthread_mutex_init(&l->lock, NULL);
    int rc = listener_init(l, address);
    if (rc < 0) {
        release_nng(l);
        listener_free(l);
        return rc;
    }
    watcher_start(l->kick);
    nng_stream_listener_accept(l->nng, l->aio);
    *ret = &l->base;
    return 0;
}

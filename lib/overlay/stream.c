/* A link over an nng_stream (stream.h).
 *
 * Two threads have to do with a link. The loop's does all that has a meaning: it cuts
 * what arrived into messages, calls back, connects, gives up. nng's call on_rx() and
 * on_tx() when an operation is done; those move chunks between nng and the link under
 * its lock, start the next operation, and kick the loop. There is one receiving
 * operation (at first it is the dial) and one sending operation at a time.
 *
 * Sending starts when the loop has handled a kick, so all that one turn of the loop
 * sends leaves together; it goes on from on_tx() as long as there is more.
 *
 * The end: when the peer reset the connection (it may do so by closing it with something
 * unread), nng tells before what that peer sent last has been read. So after the first
 * error one goes on reading until there is another.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "overlay/inbox.h"
#include "overlay/outbox.h"
#include "overlay/result.h"
#include "overlay/stream.h"
#include "overlay/transport.h"

#define READ_MIN (4u << 10)    /* bytes of one read: of a quiet link, */
#define READ_MAX (128u << 10)  /* of a busy one */
#define ARRIVED_MAX (1u << 20) /* no more reads until the loop has handled these */
#define DRAIN_TIMEOUT 1000     /* ms; reading what is left after an error never waits */

struct stream {
    struct link base;
    struct watcher *kick;
    nng_stream_dialer *dialer;
    nng_aio *rx, *tx;

    /* The loop's alone. */
    struct inbox in;
    bool dead;     /* `closed` was called */
    bool was_high; /* more than half of max_queue was waiting */
    bool gone;     /* closed by its user, */
    int busy;      /* but that many of its callbacks are under way */

    pthread_mutex_t lock; /* guards all below; nng is only set by the loop */
    nng_stream *nng;      /* NULL: not connected */
    nng_stream *dialled;  /* the dial brought this, or */
    int dial_error;       /* -errno */
    struct chunk *reading;
    struct stock rx_stock; /* for more of that, while the link is busy */
    size_t read_size;
    struct list arrived;
    size_t arrived_size;
    bool rx_paused;   /* too much has arrived */
    bool rx_draining; /* after the first error */
    bool rx_over;     /* after the second */
    int rx_error;     /* the end: 0 by the peer, else -errno */
    struct outbox out;
    bool tx_busy;
    bool tx_last;   /* only stream_close() sends now */
    bool tx_full;   /* and it found no room */
    int tx_error;   /* -errno */
    size_t tx_done; /* bytes of messages sent, not yet taken off base.queued */
};

static struct stream *stream_of(struct link *link)
{
    return CONTAINER_OF(link, struct stream, base);
}

/* ---- nng's side; all with the lock held ---- */

static void rx_stop(struct stream *s, int error)
{
    s->rx_over = true;
    s->rx_error = error;
}

static void receive(struct stream *s)
{
    s->reading = stock_take(&s->rx_stock, s->read_size);
    if (!s->reading) {
        rx_stop(s, -ENOMEM);
        return;
    }
    nng_iov iov = {.iov_buf = s->reading->data, .iov_len = s->reading->size};
    nng_aio_set_iov(s->rx, 1, &iov);
    nng_stream_recv(s->nng, s->rx);
}

/* Read more at a time from those that send much. */
static void adapt_read_size(struct stream *s, size_t n)
{
    if (n == s->read_size && s->read_size < READ_MAX)
        s->read_size *= 2;
    else if (n < s->read_size / 4 && s->read_size > READ_MIN)
        s->read_size /= 2;
    if (s->read_size == READ_MIN)
        stock_clear(&s->rx_stock);
}

static void received(struct stream *s, size_t n)
{
    struct chunk *c = TAKE(s->reading);
    c->used = n;
    list_append(&s->arrived, &c->link);
    s->arrived_size += c->size;
    adapt_read_size(s, n);
    if (s->arrived_size < ARRIVED_MAX)
        receive(s);
    else
        s->rx_paused = true;
}

static void receive_failed(struct stream *s, int rv)
{
    chunk_unref(TAKE(s->reading));
    if (s->rx_draining || rv == NNG_ECLOSED || rv == NNG_ECANCELED) {
        rx_stop(s, s->rx_error ? s->rx_error : result_of_end(rv));
        return;
    }
    s->rx_draining = true;
    s->rx_error = result_of_end(rv);
    nng_aio_set_timeout(s->rx, DRAIN_TIMEOUT);
    receive(s);
}

static void dialled(struct stream *s, int rv)
{
    s->dial_error = result_of_dial(rv);
    if (rv == 0)
        s->dialled = nng_aio_get_output(s->rx, 0);
}

static void on_rx(void *arg)
{
    struct stream *s = arg;
    int rv = nng_aio_result(s->rx);
    pthread_mutex_lock(&s->lock);
    if (!s->nng)
        dialled(s, rv);
    else if (rv == 0)
        received(s, nng_aio_count(s->rx));
    else
        receive_failed(s, rv);
    pthread_mutex_unlock(&s->lock);
    watcher_kick(s->kick);
}

static void transmit(struct stream *s)
{
    nng_iov iov[OUTBOX_IOV];
    unsigned n = outbox_iov(&s->out, iov);
    s->tx_busy = n > 0;
    if (n == 0)
        return;
    nng_aio_set_iov(s->tx, n, iov);
    nng_stream_send(s->nng, s->tx);
}

static void transmit_failed(struct stream *s, int rv)
{
    outbox_unsent(&s->out);
    if (s->tx_last && rv == NNG_ECANCELED)
        s->tx_full = true;
    else
        s->tx_error = result_error(rv);
}

static void on_tx(void *arg)
{
    struct stream *s = arg;
    int rv = nng_aio_result(s->tx);
    pthread_mutex_lock(&s->lock);
    s->tx_busy = false;
    if (rv != 0)
        transmit_failed(s, rv);
    else
        s->tx_done += outbox_sent(&s->out, nng_aio_count(s->tx));
    if (rv == 0 && !s->tx_last)
        transmit(s);
    pthread_mutex_unlock(&s->lock);
    watcher_kick(s->kick);
}

/* ---- the loop's side ---- */

static bool is_high(const struct stream *s)
{
    return s->base.queued > s->base.conf.max_queue / 2;
}

static void flush(struct stream *s)
{
    if (s->nng && !s->dead && !s->tx_busy && !s->tx_error)
        transmit(s);
}

static void die(struct stream *s, int error)
{
    if (s->dead || s->gone)
        return;
    s->dead = true;
    if (s->nng)
        nng_stream_close(s->nng); /* the peer is to know */
    s->base.conf.cb->closed(&s->base, error, s->base.conf.arg);
}

static void writable(struct stream *s)
{
    if (!s->dead && !s->gone && s->base.conf.cb->writable)
        s->base.conf.cb->writable(&s->base, s->base.conf.arg);
}

/* What became of the dial, if there is news. */
static void look_at_dial(struct stream *s)
{
    pthread_mutex_lock(&s->lock);
    int error = s->dial_error;
    bool connected = s->dialled != NULL;
    if (connected) {
        s->nng = TAKE(s->dialled);
        receive(s);
    }
    pthread_mutex_unlock(&s->lock);
    if (error)
        die(s, error);
    else if (connected)
        writable(s);
}

/* After messages were handled: there is room for more. */
static void resume(struct stream *s)
{
    pthread_mutex_lock(&s->lock);
    if (s->read_size > READ_MIN)
        stock_move(&s->rx_stock, &s->in.done);
    else
        stock_clear(&s->in.done);
    if (s->rx_paused && !s->dead) {
        s->rx_paused = false;
        receive(s);
        if (s->rx_over) /* it could not */
            watcher_kick(s->kick);
    }
    pthread_mutex_unlock(&s->lock);
}

/* Take over what nng's side did. Returns whether that was the end, and how. */
static bool collect(struct stream *s, int *ret_error)
{
    pthread_mutex_lock(&s->lock);
    inbox_add(&s->in, &s->arrived);
    s->arrived_size = 0;
    s->base.queued -= s->tx_done;
    s->tx_done = 0;
    bool over = s->rx_over;
    *ret_error = s->rx_error;
    /* When the connection is broken reading tells, after the peer's last messages. */
    if (s->tx_error && s->tx_error != -EPIPE && s->tx_error != -ECONNRESET) {
        over = true;
        *ret_error = s->tx_error;
    }
    flush(s);
    pthread_mutex_unlock(&s->lock);
    return over;
}

/* Returns 0 or -errno: the peer did what it must not. */
static int deliver(struct stream *s)
{
    struct message m;
    int rc = 0;
    while (!s->dead && !s->gone &&
           (rc = inbox_next(&s->in, s->base.conf.max_message, &m)) > 0) {
        if (!list_empty(&s->in.chunks))
            watcher_kick(s->kick); /* the callback may run the loop */
        s->base.conf.cb->message(&s->base, m.data, m.len, s->base.conf.arg);
        message_release(&s->in, &m);
    }
    return rc < 0 ? rc : 0;
}

static void handle(struct stream *s)
{
    int error;
    if (!s->nng)
        look_at_dial(s);
    if (s->gone)
        return;
    bool over = collect(s, &error);
    int rc = deliver(s);
    if (s->gone)
        return;
    resume(s);
    if (s->was_high && !is_high(s)) {
        s->was_high = false;
        writable(s);
    }
    if (rc < 0)
        die(s, rc);
    else if (over)
        die(s, error || inbox_is_whole(&s->in) ? error : -ECONNRESET);
}

static void stream_free(struct stream *s)
{
    struct loop *loop = s->base.loop;
    watcher_free(s->kick);
    inbox_fini(&s->in);
    outbox_fini(&s->out);
    chunk_list_free(&s->arrived);
    chunk_unref(s->reading);
    stock_clear(&s->rx_stock);
    pthread_mutex_destroy(&s->lock);
    free(s->base.address);
    free(s);
    loop_unref(loop);
}

static void on_kick(struct watcher *w, int revents, void *arg)
{
    struct stream *s = arg;
    s->busy++;
    handle(s);
    if (--s->busy == 0 && s->gone)
        stream_free(s);
}

static int check_send(const struct stream *s, size_t len)
{
    if (s->dead || s->gone)
        return -EPIPE;
    if (len > s->base.conf.max_message || len > UINT32_MAX)
        return -EMSGSIZE;
    return len > s->base.conf.max_queue - s->base.queued ? -ENOBUFS : 0;
}

int stream_send(struct link *link, const struct iovec *parts, int n)
{
    struct stream *s = stream_of(link);
    size_t len = 0;
    for (int i = 0; i < n; i++)
        len += parts[i].iov_len;
    int rc = check_send(s, len);
    if (rc < 0)
        return rc;
    pthread_mutex_lock(&s->lock);
    bool over = s->dial_error || s->rx_over || s->tx_error;
    rc = over ? -EPIPE : outbox_put(&s->out, parts, n, len);
    bool wake = rc == 0 && s->nng && !s->tx_busy;
    pthread_mutex_unlock(&s->lock);
    if (rc < 0)
        return rc;
    link->queued += len;
    if (is_high(s))
        s->was_high = true;
    if (wake)
        watcher_kick(s->kick);
    return 0;
}

/* ---- the end ---- */

/* Send on as long as the system takes it. Never waits for the peer: a send that does
 * not succeed at once is called off, having sent nothing. */
static void send_last(struct stream *s)
{
    pthread_mutex_lock(&s->lock);
    s->tx_last = true;
    bool more = s->nng && !s->dead;
    pthread_mutex_unlock(&s->lock);
    while (more) {
        nng_aio_abort(s->tx, NNG_ECANCELED);
        nng_aio_wait(s->tx); /* for on_tx() at most */
        pthread_mutex_lock(&s->lock);
        more = !s->tx_full && !s->tx_error;
        if (more)
            transmit(s);
        more = more && s->tx_busy;
        pthread_mutex_unlock(&s->lock);
    }
}

/* Only this thread may do that: an operation that is freed in its own callback waits
 * for itself. */
static void release_nng(struct stream *s)
{
    if (s->nng)
        nng_stream_close(s->nng);
    if (s->rx)
        nng_aio_stop(s->rx);
    if (s->tx)
        nng_aio_stop(s->tx);
    nng_aio_free(s->rx);
    nng_aio_free(s->tx);
    if (s->dialer)
        nng_stream_dialer_free(s->dialer);
    if (s->dialled)
        nng_stream_free(s->dialled);
    if (s->nng)
        nng_stream_free(s->nng);
}

void stream_close(struct link *link)
{
    struct stream *s = stream_of(link);
    s->gone = true;
    send_last(s);
    release_nng(s);
    watcher_stop(s->kick);
    if (s->busy == 0)
        stream_free(s);
}

/* ---- the beginning ---- */

static struct stream *stream_alloc(struct loop *loop, const struct link_conf *conf)
{
    struct stream *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->base.ops = &nng_transport;
    s->base.loop = loop_ref(loop);
    s->base.conf = *conf;
    s->read_size = READ_MIN;
    list_init(&s->arrived);
    inbox_init(&s->in, READ_MAX);
    stock_init(&s->rx_stock, READ_MAX);
    outbox_init(&s->out);
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

static int stream_init(struct stream *s, const char *address)
{
    s->base.address = strdup(address);
    if (!s->base.address)
        return -ENOMEM;
    int rc = outbox_greet(&s->out);
    if (rc == 0)
        rc = watcher_new_async(s->base.loop, on_kick, s, &s->kick);
    if (rc == 0)
        rc = result_error(nng_aio_alloc(&s->rx, on_rx, s));
    if (rc == 0)
        rc = result_error(nng_aio_alloc(&s->tx, on_tx, s));
    if (rc < 0)
        return rc;
    nng_aio_set_timeout(s->rx, NNG_DURATION_INFINITE);
    nng_aio_set_timeout(s->tx, NNG_DURATION_INFINITE);
    return 0;
}

static void stream_abandon(struct stream *s)
{
    release_nng(s);
    stream_free(s);
}

int stream_dial(struct loop *loop, const char *address, const struct link_conf *conf,
                struct link **ret)
{
    struct stream *s = stream_alloc(loop, conf);
    if (!s)
        return -ENOMEM;
    int rc = stream_init(s, address);
    if (rc == 0)
        rc = result_error(nng_stream_dialer_alloc(&s->dialer, address));
    if (rc < 0) {
        stream_abandon(s);
        return rc;
    }
    watcher_start(s->kick);
    nng_stream_dialer_dial(s->dialer, s->rx);
    *ret = &s->base;
    return 0;
}

int stream_accept(struct loop *loop, const char *address, const struct link_conf *conf,
                  nng_stream *nng, struct link **ret)
{
    struct stream *s = stream_alloc(loop, conf);
    if (!s) {
        nng_stream_free(nng);
        return -ENOMEM;
    }
    s->nng = nng;
    int rc = stream_init(s, address);
    if (rc < 0) {
        stream_abandon(s);
        return rc;
    }
    watcher_start(s->kick);
    pthread_mutex_lock(&s->lock);
    receive(s);
    pthread_mutex_unlock(&s->lock);
    watcher_kick(s->kick); /* to send the greeting */
    *ret = &s->base;
    return 0;
}

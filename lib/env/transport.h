/* Links between brokers: connections that carry whole messages, in order, to a
 * peer that is named by an address. lib/overlay brings the real implementation
 * (over nng streams), registered with env_set_transport(); the simulated world has
 * its own, in memory.
 *
 * Four calls: listen, dial, send, close. Four callbacks: accepted, message,
 * writable, closed. All calls are made on the loop's thread; callbacks come on the
 * loop's thread, from loop_run(), never from inside one of the calls. An open link
 * or listener keeps loop_run() going, as an active watcher does.
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_ENV_TRANSPORT_H
#define FLUX_ENV_TRANSPORT_H

#include <stddef.h>
#include <sys/uio.h>

#include "env/loop.h"

struct link; /* a connection, or a listener */

/* What happens to a link. `arg` is that of struct link_conf, or of link_set_arg().
 * Any of them may close the link they are called for, or others. */
struct link_cb {
    /* Listeners only: a peer connected. The new link is yours to close; it has the
     * listener's callbacks and arg until link_set_arg(). */
    void (*accepted)(struct link *listener, struct link *link, void *arg);
    /* A whole message; data is valid during the call only. Messages sent before the
     * peer closed its end come before `closed`. */
    void (*message)(struct link *link, const void *data, size_t len, void *arg);
    /* The link is connected (first call; dialled links only), or its queue, having
     * been over half of max_queue, has fallen below that. Optional. */
    void (*writable)(struct link *link, void *arg);
    /* The link is dead, and nothing more will come of it; close it. error: 0 the peer
     * closed it, else -errno: -ECONNREFUSED and the like when a dial failed,
     * -ECONNRESET, -ETIMEDOUT, -EMSGSIZE the peer's message is too big, -EPROTO. */
    void (*closed)(struct link *link, int error, void *arg);
};

struct link_conf {
    const struct link_cb *cb; /* borrowed for the life of the link */
    void *arg;
    size_t max_message; /* bytes of one message, either way */
    size_t max_queue;   /* bytes waiting to be sent on one link */
};

struct transport_ops {
    /* Accept connections at an address ("tcp://host:port", "ipc://path", "sim://name";
     * port 0: any). -EADDRINUSE, -EINVAL, -EACCES, ... */
    int (*listen)(struct loop *l, const char *address, const struct link_conf *conf,
                  struct link **ret);
    /* Begin to connect. Only bad arguments fail at once; the rest comes as `closed`.
     * Messages may be sent at once: they wait for the connection. */
    int (*dial)(struct loop *l, const char *address, const struct link_conf *conf,
                struct link **ret);
    /* Queue one message made of the n parts (copied). Never waits; an implementation
     * may hold messages back until the loop's turn ends, to write them together.
     * -EMSGSIZE, -ENOBUFS (max_queue would be passed), -EPIPE (`closed` was called, or
     * is about to be), -EINVAL on a listener. Nothing is queued on error. */
    int (*send)(struct link *link, const struct iovec *parts, int n);
    /* Close and free; no callback follows. What is queued may be lost: agree with the
     * peer first. Links accepted from a listener outlive it. */
    void (*close)(struct link *link);
};

/* What every implementation's link begins with. */
struct link {
    const struct transport_ops *ops;
    struct loop *loop;
    struct link_conf conf;
    char *address; /* listener: where it listens, port filled in; else the peer's */
    size_t queued; /* bytes not yet sent */
};

/* Register the transport of the real world. The ops must outlive env. Before any
 * link is made. -EBUSY when there is one, as in the simulated world. */
int env_set_transport(struct env *env, const struct transport_ops *ops);

/* See struct transport_ops. -ENOTSUP when env has no transport. */
int transport_listen(struct loop *l, const char *address, const struct link_conf *conf,
                     struct link **ret);
int transport_dial(struct loop *l, const char *address, const struct link_conf *conf,
                   struct link **ret);
int link_send(struct link *link, const struct iovec *parts, int n);
void link_close(struct link *link); /* accepts NULL */

/* From now on, callbacks (NULL: as before) and their argument are these. */
void link_set_arg(struct link *link, const struct link_cb *cb, void *arg);
/* The largest message that is taken from the peer, or sent, from now on. */
void link_set_max_message(struct link *link, size_t max_message);
const char *link_address(const struct link *link);
size_t link_queued(const struct link *link); /* bytes waiting to be sent */

#endif

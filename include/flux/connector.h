/* For those who carry messages: how a flux_t is made over a new kind of
 * connection, and the in-process connection between a broker and its modules.
 */
#ifndef FLUX_CONNECTOR_H
#define FLUX_CONNECTOR_H

#include <flux/types.h>
#include <flux/message.h>
#include <flux/reactor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a connection does for the handle above it. All calls come from the
 * handle's thread; they return 0 (or as said) or -1 with errno.
 */
struct flux_handle_ops {
    /* Descriptor that polls readable when pollevents may have changed, or -1 when the
     * connector calls flux_handle_kick() instead. */
    int (*pollfd)(void *impl);
    /* FLUX_POLLIN | FLUX_POLLOUT | FLUX_POLLERR. */
    int (*pollevents)(void *impl);
    /* Take the message (*msg becomes NULL on success). Never blocks: queue it, or
     * EAGAIN when the connection's send limit is reached. */
    int (*send)(void *impl, flux_msg_t **msg, int flags);
    /* Next message, owned by the caller; NULL with EAGAIN when there is none. */
    flux_msg_t *(*recv)(void *impl, int flags);
    /* Connect again after a failure; optional (ENOSYS). */
    int (*reconnect)(void *impl);
    /* The handle got its reactor: start watching. Returns 1 when flux_handle_kick() will
     * be called for every message, 0 when the handle is to watch pollfd. Optional. */
    int (*attach)(void *impl, flux_t *h, flux_reactor_t *r);
    /* Push out what is queued, waiting if need be (blocking use without a
     * reactor); optional. destroy does it too, but not for ever. */
    int (*flush)(void *impl);
    /* Wait until pollevents has one of `events`; timeout in seconds, < 0: none.
     * ETIMEDOUT; EDEADLK: the other end works on this very thread, and what it could
     * do at once has been done (events 0: only tell). Optional: poll pollfd. */
    int (*wait)(void *impl, int events, double timeout);
    int (*setopt)(void *impl, const char *option, const void *val, size_t size);
    int (*getopt)(void *impl, const char *option, void *val, size_t size);
    void (*destroy)(void *impl);
};

/* A handle over a connection; flux_close() calls ops->destroy. NULL, errno. */
flux_t *flux_handle_create(void *impl, const struct flux_handle_ops *ops, int flags);
/* pollevents may have changed. Handle's thread only. */
void flux_handle_kick(flux_t *h);

/* An in-process connection. The port end belongs to the reactor `r` of the
 * router; the handle end may be used by any one thread, which gives it its
 * reactor with flux_set_reactor(). Messages move by reference, in order, never
 * through a descriptor when both ends are on one reactor (a turn of which
 * handles them in a batch).
 */
struct flux_port;
/* A message came from the handle end; the callee owns it. */
typedef void (*flux_port_recv_f)(struct flux_port *port, flux_msg_t *msg, void *arg);
/* The handle end was closed (msg == NULL is never passed to recv). */
typedef void (*flux_port_closed_f)(struct flux_port *port, void *arg);

/* Make both ends. Free the port with flux_port_destroy(), the handle with
 * flux_close(), in any order. -1, errno. Call on r's thread. */
int flux_port_create(flux_reactor_t *r, flux_port_recv_f recv, flux_port_closed_f closed,
                     void *arg, struct flux_port **ret_port, flux_t **ret_h);
/* Send to the handle end, taking a reference: the message must not be changed
 * afterwards by the sender (the handle end gets a copy if it is shared). */
int flux_port_send(struct flux_port *port, const flux_msg_t *msg);
/* The same, handing the message over (*msg becomes NULL on success). */
int flux_port_send_new(struct flux_port *port, flux_msg_t **msg);
/* The other end sees POLLERR; pending messages are dropped. Accepts NULL. */
void flux_port_destroy(struct flux_port *port);

/* A reactor over a given world (lib/env), for brokers in a simulation. The
 * reactor takes a reference. flux_reactor_create() makes a real one. */
struct env;
struct loop;
flux_reactor_t *flux_reactor_create_env(struct env *env);
struct loop *flux_reactor_loop(flux_reactor_t *r); /* borrowed */

#ifdef __cplusplus
}
#endif
#endif

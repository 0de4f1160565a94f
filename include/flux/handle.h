/* The connection to a Flux broker. A handle belongs to one thread at a time; use
 * one handle for each thread. Nothing is made before it is needed: a program that
 * only makes blocking calls has no reactor.
 */
#ifndef FLUX_HANDLE_H
#define FLUX_HANDLE_H

#include <flux/types.h>
#include <flux/message.h>
#include <flux/reactor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The connection failed: the handle's error function may repair it with
 * flux_reconnect() and return 0; -1 makes the failed call fail with its errno. */
typedef int (*flux_comms_error_f)(flux_t *h, void *arg);

typedef struct {
    int request_tx;
    int request_rx;
    int response_tx;
    int response_rx;
    int event_tx;
    int event_rx;
    int control_tx;
    int control_rx;
} flux_msgcounters_t;

/* Flags of flux_open() and flux_flags_set(). */
enum {
    FLUX_O_TRACE = 1,       /* print messages on stderr */
    FLUX_O_CLONE = 2,       /* made by flux_clone(); not for callers */
    FLUX_O_NONBLOCK = 4,    /* flux_send() and flux_recv() never wait */
    FLUX_O_MATCHDEBUG = 8,  /* complain on stderr about matchtags still held at close */
    FLUX_O_TEST_NOSUB = 16, /* event subscriptions send nothing (tests) */
    FLUX_O_RPCTRACK = 32,   /* at a reconnect, pending RPCs fail with ECONNRESET */
    FLUX_O_NOREQUEUE = 64,  /* flux_requeue() is refused, which saves its bookkeeping */
};

/* Options of flux_opt_set() and flux_opt_get(). */
#define FLUX_OPT_TESTING_USERID "flux::testing_userid"
#define FLUX_OPT_TESTING_ROLEMASK "flux::testing_rolemask"
#define FLUX_OPT_RECV_QUEUE_COUNT "flux::recv_queue_count"
#define FLUX_OPT_SEND_QUEUE_COUNT "flux::send_queue_count"
#define FLUX_OPT_RECV_TIMEOUT "flux::recv_timeout" /* double, seconds; < 0: none */
#define FLUX_OPT_ROUTER_NAME "flux::router_name"

/* Flags of flux_requeue(). */
enum {
    FLUX_RQ_HEAD = 1,
    FLUX_RQ_TAIL = 2,
};

/* Connect. uri: local://PATH, loop://, or an ancestor of the enclosing instance ("/"
 * the outermost, ".." its parent, "../.." and so on); NULL: $FLUX_URI, else the
 * system instance. NULL, errno; _ex writes the reason for a person to `error`. */
flux_t *flux_open(const char *uri, int flags);
flux_t *flux_open_ex(const char *uri, int flags, flux_error_t *error);
/* Drop a reference; the last one disconnects and frees. Accept NULL, keep errno. */
void flux_close(flux_t *h);
void flux_decref(flux_t *h);
void flux_incref(flux_t *h);

/* Another handle on the same connection, with its own message handlers, reactor and
 * received messages; messages that it does not want go back with
 * flux_dispatch_requeue(). Close it before the original. NULL, errno. */
flux_t *flux_clone(flux_t *orig);

/* Connect again after an error; subscriptions and services of this handle are
 * renewed. -1, errno: ENOSYS this kind of connection cannot. */
int flux_reconnect(flux_t *h);
/* fun is called when the connection fails, instead of an error return. */
void flux_comms_error_set(flux_t *h, flux_comms_error_f fun, void *arg);

/* Options of the connection, see FLUX_OPT_x. -1, errno: EINVAL unknown. */
int flux_opt_set(flux_t *h, const char *option, const void *val, size_t len);
int flux_opt_get(flux_t *h, const char *option, void *val, size_t len);

/* Things kept with the handle by name; destroy(aux) is called when it is replaced or
 * the handle goes away. name NULL: kept without a name. NULL, errno: ENOENT. */
void *flux_aux_get(flux_t *h, const char *name);
int flux_aux_set(flux_t *h, const char *name, void *aux, flux_free_f destroy);

void flux_flags_set(flux_t *h, int flags);
void flux_flags_unset(flux_t *h, int flags);
int flux_flags_get(flux_t *h);

/* The smallest matchtag not in use, from 1. FLUX_MATCHTAG_NONE, errno: EBUSY all in
 * use. avail: how many more can be had. */
uint32_t flux_matchtag_alloc(flux_t *h);
void flux_matchtag_free(flux_t *h, uint32_t matchtag);
uint32_t flux_matchtag_avail(flux_t *h);

/* Send a message, which is not changed; _new takes it over (*msg becomes NULL on
 * success). flags: FLUX_O_NONBLOCK, FLUX_O_TRACE. -1, errno: EAGAIN no room. Without
 * a reactor the message is on its way when the call returns, with one it goes out in
 * this turn of the loop, together with the others. */
int flux_send(flux_t *h, const flux_msg_t *msg, int flags);
int flux_send_new(flux_t *h, flux_msg_t **msg, int flags);
/* The next message that matches; others are kept for later. Yours to decref. Waits
 * unless FLUX_O_NONBLOCK is set (NULL, EAGAIN), at most for FLUX_OPT_RECV_TIMEOUT
 * (ETIMEDOUT). */
flux_msg_t *flux_recv(flux_t *h, struct flux_match match, int flags);
/* Put a message (a reference) back before or behind those waiting. -1, errno. */
int flux_requeue(flux_t *h, const flux_msg_t *msg, int flags);

/* FLUX_POLLIN | FLUX_POLLOUT | FLUX_POLLERR. -1, errno. */
int flux_pollevents(flux_t *h);
/* A descriptor, owned by the handle, that polls readable when there may be something
 * to do: messages, wake-ups and, when the handle has a reactor, its timers and other
 * watchers. For programs with a loop of their own: when it is readable call
 * flux_reactor_run(r, FLUX_REACTOR_NOWAIT), or flux_pollevents() and flux_recv()
 * until there is no more. -1, errno. */
int flux_pollfd(flux_t *h);

/* Messages sent and received so far, by type. */
void flux_get_msgcounters(flux_t *h, flux_msgcounters_t *mcs);
void flux_clr_msgcounters(flux_t *h);

#ifdef __cplusplus
}
#endif
#endif

/* What a handle is made of.
 *
 * A handle and its clones share one connection; what belongs to the connection is
 * in the root (the handle the clones come from). A message taken off the connection
 * is first offered to the RPCs, which are found by matchtag whatever handle they were
 * made on; the others go to the handlers of the handle that reads (dispatch.c), or
 * to flux_recv(). Set aside for later, they wait in root->rx, which is read before
 * the connection.
 *
 * Reading: a handle has readers (started message handlers, RPCs with a
 * continuation). While it has any, it watches the connection on its reactor and
 * keeps the reactor running (handle_read.c).
 *
 * Internal functions return 0 or more, or -errno.
 */
#ifndef FLUX_FLUX_HANDLE_PRIVATE_H
#define FLUX_FLUX_HANDLE_PRIVATE_H

#include <flux/handle.h>
#include <flux/connector.h>

#include "base/list.h"
#include "base/map.h"
#include "env/env.h"
#include "flux/msgq.h"
#include "flux/reactor_private.h"
#include "flux/tags.h"
#include "proto/aux.h"
#include "proto/msg_private.h"

struct dispatch;

struct flux_handle {
    int refs;
    flux_t *root; /* this handle, or the one it was cloned from in the end */
    struct list clone_link;
    struct aux *aux;
    flux_reactor_t *reactor;   /* NULL until somebody asks */
    struct dispatch *dispatch; /* NULL until there is a message handler */

    unsigned readers;
    bool kicked;         /* the connector calls flux_handle_kick() */
    struct watcher *fdw; /* of the connection, when it does not */
    struct task read_task;
    struct list waiting;  /* RPCs with a continuation on this handle (rpc.c) */
    struct msgq unwanted; /* clones: messages that nobody here handles */

    int epfd, queuefd; /* flux_pollfd(); -1 until asked for */

    /* The root only. */
    const struct flux_handle_ops *ops;
    void *impl;
    int flags;
    struct env *env; /* NULL until needed */
    struct tags tags;
    struct msgq rx;
    double recv_timeout; /* seconds, < 0: none */
    struct list clones;
    flux_comms_error_f comms_error;
    void *comms_error_arg;
    bool repairing; /* in comms_error */
    bool attached;  /* ops->attach() was called */
    flux_msgcounters_t counters;
    struct map *subscriptions; /* topic -> how many; to be renewed at a reconnect */
    struct map *services;
};

/* ---- handle.c ---- */

/* The world of this handle: its reactor's, or a real one. NULL on ENOMEM. */
struct env *handle_env(flux_t *h);

/* ---- handle_open.c: a connection by the name of its kind ---- */

struct connector {
    const char *scheme;
    flux_t *(*open)(const char *path, int flags, flux_error_t *error);
};
extern const struct connector local_connector;
extern const struct connector loop_connector;
extern const struct connector ssh_connector;

/* ---- handle_io.c ---- */

/* Take the next message off the connection: 1 and *ret (yours), 0 when it was the
 * response of an RPC or the connection was repaired, -EAGAIN when there is none, or the
 * failure, which the error function could not repair. Does not look at rx. */
int handle_take(flux_t *root, flux_msg_t **ret);
/* Wait (at most until `deadline` of the monotonic clock, < 0: for ever) and take one
 * message; one that is no RPC's goes to rx. -ETIMEDOUT, or the failure. */
int handle_pump(flux_t *root, double deadline);
/* The connection failed: let the error function repair it (0), or give up: pending
 * RPCs fail with ECONNRESET, and -errnum is returned. */
int handle_failed(flux_t *root, int errnum);
/* The number of messages received. */
unsigned handle_rx_count(const flux_t *root);
/* Descriptor of the connection, -1 when it has none (errno). */
int handle_connfd(flux_t *h);

/* ---- handle_read.c ---- */

/* One more reader; the reactor is made if need be. One less. */
int handle_read_ref(flux_t *h);
void handle_read_unref(flux_t *h);
/* There is something to read in rx, or may be in the connector: a message was taken off
 * the connection otherwise than on the reactor, and others were read with it, of which
 * no descriptor tells. */
void handle_read_soon(flux_t *root);
/* The connection has another descriptor now. */
void handle_read_refresh(flux_t *root);
void handle_read_fini(flux_t *h);

/* ---- pollfd.c ---- */

void pollfd_queue_changed(flux_t *root); /* rx became empty, or is not any more */
void pollfd_refresh(flux_t *h);          /* new reactor, or new descriptor */
void pollfd_fini(flux_t *h);

/* ---- dispatch.c ---- */

/* Hand a message (taken over) to the handlers of h. */
void dispatch_message(flux_t *h, flux_msg_t *msg);
void dispatch_free(struct dispatch *d);

/* ---- rpc.c ---- */

/* Offer a response to the RPC that waits for it. True: it was taken over. */
bool rpc_take_response(flux_t *root, flux_msg_t *msg);
/* All pending RPCs of the connection fail. */
void rpc_fail_all(flux_t *root, int errnum);
/* The handle goes away: RPCs that wait on it, and (root) all others, forget it. */
void rpc_orphan_waiting(flux_t *h);
void rpc_orphan_all(flux_t *root);

#endif

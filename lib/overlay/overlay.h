/* One broker's place in the tree: its parent, its children, and the messages that travel
 * between them. It makes the links, proves to each other who is there, notices when a peer
 * falls silent, and connects again. What the messages mean is the broker's business.
 *
 * A link's life, child and parent:
 *
 *     dial        -> accept
 *     HELLO       -> version, fresh nonce and, over tcp, a fresh public key; a MAC, so that
 *                    who has not the instance's key costs nothing
 *                 <- CHALLENGE  the same of the parent, and proof that it has the key
 *     PROOF       -> proof of the child; its rank, uuid, size, instance uuid, epoch, and
 *                    what the broker has to tell (overlay_cb.hello)
 *                 <- WELCOME    instance uuid, epoch, what the broker has to tell
 *                    (overlay_cb.admit), or REFUSED with a reason. A parent that was not
 *                    welcome anywhere itself lets its children wait for that
 *     messages, heartbeats, health reports, broker states, in both directions
 *     GOODBYE     -> and its acknowledgement, before an orderly close
 *
 * A dead link is dialled again, with back-off and jitter (50 ms to 2 s); a child that is
 * refused for good (another instance, size, version; no child of that parent; a parent in
 * an older epoch than it has seen) says so (overlay_cb.refused). A new epoch, after rank 0
 * was started again, goes down the tree by itself.
 *
 * Everything happens on the loop's thread. Callbacks come from loop_run(), never from
 * inside a call. Functions return 0 or more, or -errno.
 */
#ifndef FLUX_OVERLAY_OVERLAY_H
#define FLUX_OVERLAY_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <flux/message.h>
#include <flux/types.h>

#include "base/buf.h"
#include "base/json.h"
#include "env/loop.h"
#include "overlay/topo.h"

struct overlay;
struct peer; /* a parent or child that is connected and admitted */

#define OVERLAY_KEY_SIZE 32

/* Of a subtree, worst last; names as on the wire: full, partial, degraded, lost,
 * offline. */
enum overlay_status {
    OVERLAY_FULL,     /* all of it is online */
    OVERLAY_PARTIAL,  /* some are offline, none were lost */
    OVERLAY_DEGRADED, /* some were lost */
    OVERLAY_LOST,     /* was online, is no more */
    OVERLAY_OFFLINE,  /* was never online, or left in good order */
};
const char *overlay_status_name(enum overlay_status s);

struct overlay_cb {
    /* What to tell the parent at each connection: a JSON object, yours no more. */
    cJSON *(*hello)(void *arg);
    /* A child wants in, with its hello. 0 and what to tell it; or -errno and the
     * reason: it is refused. */
    int (*admit)(uint32_t rank, const cJSON *hello, cJSON **ret_welcome,
                 flux_error_t *err, void *arg);
    /* The parent's welcome, before peer_up. -errno: hang up, and try again later. */
    int (*welcome)(const cJSON *welcome, flux_error_t *err, void *arg);
    /* The peer can be talked to. */
    void (*peer_up)(struct peer *p, void *arg);
    /* It cannot any more, and p is gone after this call. errnum 0: it said goodbye. */
    void (*peer_down)(struct peer *p, int errnum, const char *why, void *arg);
    /* A message; takes it over. */
    void (*message)(struct peer *p, flux_msg_t *msg, void *arg);
    /* The parent told the state of its broker (overlay_tell_state). */
    void (*parent_state)(int state, void *arg);
    /* Health of our subtree, or the set of torpid children, has changed. */
    void (*changed)(void *arg);
    /* The parent will never have us; it does not go on trying. */
    void (*refused)(int errnum, const char *why, void *arg);
    /* For the log; level of <syslog.h>. */
    void (*log)(int level, const char *text, void *arg);
};

struct overlay_conf {
    struct loop *loop;
    const struct topo *topo; /* borrowed */
    uint32_t rank;
    const char *uuid;     /* of this broker, 36 characters */
    const char *instance; /* uuid of the instance; NULL: the parent tells it */
    uint64_t epoch;       /* rank 0: counts the starts of the instance, from 1 */
    const char *version;  /* major.minor must be equal */
    const unsigned char *key; /* OVERLAY_KEY_SIZE bytes, shared by the instance */
    bool encrypt;             /* tcp links; never ipc and simulated ones */
    /* Seconds; 0: the default. */
    double heartbeat;       /* say something at least so often: 2 */
    double torpid_min;      /* silent for so long: torpid: 5 */
    double torpid_max;      /* silent for so long: the link is dead: 30 */
    double stall_timeout;   /* bytes wait, none could be sent: the link is dead: 20 */
    double connect_timeout; /* dial and handshake: 30 */
    size_t max_message;     /* bytes: 64 MiB and some */
    size_t max_queue;       /* bytes waiting on one link, more: it is dead: 256 MiB */
    const struct overlay_cb *cb;
    void *arg;
};

int overlay_new(const struct overlay_conf *conf, struct overlay **ret);
/* Cuts all links; accepts NULL. In a callback only in done of overlay_leave(), and in
 * refused. */
void overlay_free(struct overlay *ov);

/* Accept children at an address; overlay_address() then has it with the port filled in. */
int overlay_listen(struct overlay *ov, const char *address, flux_error_t *err);
const char *overlay_address(const struct overlay *ov);
/* Connect to the parent, and stay connected. After `refused`: try once more. */
int overlay_dial(struct overlay *ov, const char *address, flux_error_t *err);
/* Part from parent and children in good order: GOODBYE both ways. done runs once, also
 * when nobody answers within the connect timeout. */
void overlay_leave(struct overlay *ov, void (*done)(void *arg), void *arg);

/* uuid of the instance and its epoch; NULL, 0: not known yet. */
const char *overlay_instance(const struct overlay *ov);
uint64_t overlay_epoch(const struct overlay *ov);

/* The connected parent, or child of that rank; NULL: it is not. */
struct peer *overlay_parent(struct overlay *ov);
struct peer *overlay_child(struct overlay *ov, uint32_t rank);
/* The peer that messages for `rank` (not ours) go through; NULL: none is connected. */
struct peer *overlay_toward(struct overlay *ov, uint32_t rank);
struct peer *overlay_next_child(struct overlay *ov, struct peer *after); /* NULL: first */

uint32_t peer_rank(const struct peer *p);
const char *peer_uuid(const struct peer *p);
bool peer_is_parent(const struct peer *p);
bool peer_is_torpid(const struct peer *p);
size_t peer_queued(const struct peer *p); /* bytes not sent yet */
void *peer_aux(const struct peer *p);     /* the broker's own */
void peer_set_aux(struct peer *p, void *aux);
/* Send a message; the caller keeps its reference. -ENOBUFS, -EMSGSIZE, -EPIPE; after
 * -ENOBUFS the link is as good as dead: peer_down follows. */
int peer_send(struct peer *p, const flux_msg_t *msg);
/* Hang up on it; peer_down follows. */
void peer_drop(struct peer *p, int errnum, const char *why);

/* Tell all children, now and when they connect, the state of our broker. */
void overlay_tell_state(struct overlay *ov, int state);

/* Of our own subtree. */
enum overlay_status overlay_status(const struct overlay *ov);
/* Bytes that wait on the fullest link. */
size_t overlay_backlog(const struct overlay *ov);
/* Append the answers of overlay.health ({"rank","status","duration","children":[{"rank",
 * "status","duration"}..]}) and, below rank, overlay.topology ({"rank","size",
 * "children":[..]}). */
int overlay_health(const struct overlay *ov, struct buf *out);
int overlay_topology(const struct overlay *ov, uint32_t rank, struct buf *out);
/* Why each child that is not connected is not: "" unknown. Borrowed. */
const char *overlay_child_error(const struct overlay *ov, uint32_t rank);

struct overlay_stats {
    uint64_t accepted, refused, bad_links; /* connections at our listener */
    uint64_t sent, received;               /* messages */
    uint64_t reconnects;
};
const struct overlay_stats *overlay_stats(const struct overlay *ov);

#endif

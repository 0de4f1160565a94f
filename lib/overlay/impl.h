/* One broker's place in the tree, from inside: shared by the files of lib/overlay that
 * stand behind overlay.h.
 *
 *   overlay.c  made, freed, looked at          peer.c    a link and its end
 *   join.c     the way to the parent           talk.c    notes of peers that are up
 *   admit.c    children at the listener        pulse.c   heartbeats and deadlines
 *   health.c   of the subtree                  leave.c   goodbyes
 *
 * Callbacks of the broker may call anything but overlay_free(), and may run the loop: so
 * each is the last thing that its caller does, or what the caller still needs is held.
 * Links end in the work watcher (peer_fail), or in the link's own callback (peer_end).
 */
#ifndef FLUX_OVERLAY_IMPL_H
#define FLUX_OVERLAY_IMPL_H

#include "base/list.h"
#include "env/transport.h"
#include "overlay/handshake.h"
#include "overlay/overlay.h"

enum peer_state {
    /* Of the parent: */
    PEER_DIALLED, /* HELLO was sent */
    PEER_PROVING, /* CHALLENGE was right, PROOF was sent */
    /* Of a child: */
    PEER_STRANGER,   /* accepted */
    PEER_CHALLENGED, /* HELLO was right, CHALLENGE was sent */
    PEER_WAITING,    /* PROOF was right, but we do not know our instance yet */
    PEER_ASKING,     /* the broker is being asked whether it wants it */
    /* Of both: */
    PEER_UP,
    PEER_PARTED, /* it said goodbye, we acknowledged: it will close the link */
};

struct peer {
    struct overlay *ov;
    struct link *link;
    struct list node; /* of the overlay's strangers, waiting, or parted */
    enum peer_state state;
    unsigned refs;
    bool parent, torpid, ended;
    bool heard;   /* since the last tick */
    bool parting; /* we said GOODBYE */
    int failed;   /* errno: it will end soon, */
    char *why;    /* because */
    uint32_t rank;
    char uuid[UUID_SIZE + 1];
    double up_since, last_heard;
    double deadline;   /* of a state that is not to last */
    double moved;      /* when bytes last left, or none waited */
    uint64_t given;    /* bytes to the link, ever */
    uint64_t progress; /* how many of them had left then */
    struct seal *seal; /* NULL: notes are as they are */
    struct handshake *handshake;
    struct identity claim; /* waiting: its PROOF, but json is here: */
    cJSON *hello;
    void *aux;
};

struct child {
    uint32_t rank;
    struct peer *peer; /* NULL: not connected */
    enum overlay_status status;
    double since;
    char *error; /* NULL: none */
};

struct overlay {
    struct overlay_conf conf; /* defaults filled in, strings our own */
    unsigned char key[OVERLAY_KEY_SIZE];
    char instance[UUID_SIZE + 1]; /* "": not known yet */
    uint64_t epoch;
    bool welcomed; /* we are in the instance, or were: children may come in */
    struct env *env;
    struct watcher *work, *tick, *redial;
    double period, last_tick;

    struct link *listener;
    struct child *children; /* in order of rank */
    uint32_t nchildren;
    struct list strangers, waiting, parted;
    unsigned nstrangers;

    char *parent_address;
    struct peer *parent; /* maybe not up */
    unsigned failures;   /* since it was up for a while */
    char *parent_error;  /* that the log has */
    bool refused;        /* for good, */
    bool tell_refused;   /* the broker does not know yet */
    struct refusal refusal;

    bool has_state;
    int state; /* of our broker */

    enum overlay_status status, reported;
    double since;
    bool dirty; /* look at the health again */

    bool leaving;
    double leave_deadline;
    void (*leave_done)(void *arg);
    void *leave_arg;

    struct buf head, plain, sealed, opened; /* reused, let go at each tick */
    unsigned log_left, log_skipped;
    struct overlay_stats stats;
};

/* peer.c */
extern const struct link_cb peer_link_cb;
int peer_new(struct overlay *ov, enum peer_state state, struct peer **ret);
void peer_unref(struct peer *p);
struct link_conf peer_link_conf(struct overlay *ov, size_t max_message, void *arg);
void peer_trust(struct peer *p); /* to send large messages */
int peer_put(struct peer *p, const struct iovec *parts, int n);
int peer_put_buf(struct peer *p, const struct buf *note);
int peer_put_number(struct peer *p, enum note_kind kind, uint64_t n);
/* It will end, from the loop. */
void peer_fail(struct peer *p, int errnum, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* It ends now. errnum 0: in good order. */
void peer_end(struct peer *p, int errnum, const char *why);
void peer_set_up(struct peer *p);
const char *peer_name(const struct peer *p, char buf[64]);

/* join.c */
void join_read(struct peer *p, const void *data, size_t len);
void join_again(struct overlay *ov, bool was_up);
void join_trouble(struct overlay *ov, const char *why);
void join_cancel(struct overlay *ov); /* but not where the parent may have us already */
void on_redial(struct watcher *w, int revents, void *arg);

/* admit.c */
void admit_read(struct peer *p, const void *data, size_t len);
void admit_waiting(struct overlay *ov);
void admit_close(struct overlay *ov); /* no more children */

/* talk.c */
void talk_read(struct peer *p, const void *data, size_t len);
void talk_epoch(struct overlay *ov);

/* pulse.c */
void pulse_start(struct overlay *ov);
void on_tick(struct watcher *w, int revents, void *arg);

/* health.c */
int health_new(struct overlay *ov);
void health_free(struct overlay *ov);
struct child *child_find(const struct overlay *ov, uint32_t rank);
void child_set(struct child *c, enum overlay_status status, double now);
void child_set_error(struct child *c, const char *why);
void health_dirty(struct overlay *ov);
void health_update(struct overlay *ov);

/* leave.c */
bool leave_is_over(const struct overlay *ov);
void leave_say_goodbye(struct peer *p);
void leave_goodbye(struct peer *p); /* it said so */
void leave_goodbye_ack(struct peer *p);

/* overlay.c */
void overlay_log(struct overlay *ov, int level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for what a stranger can cause as often as he likes. */
void overlay_log_stranger(struct overlay *ov, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void overlay_kick(struct overlay *ov);

#endif

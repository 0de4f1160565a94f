/* One client on the local socket. Used by server.c only. */
#ifndef FLUX_BROKER_CONN_H
#define FLUX_BROKER_CONN_H

#include "base/buf.h"
#include "broker/server.h"
#include "env/local.h"

#define SERVER_READ_SIZE 65536

struct conn {
    struct endpoint ep; /* first: send() gets a pointer to it */
    struct server *server;
    struct list link;  /* of the server */
    struct list dirty; /* has output, or is to be closed */
    int fd;
    struct watcher *io;
    struct buf in;  /* the part of a frame that has arrived */
    struct buf out; /* encoded, from out_sent on */
    size_t out_sent;
    double partial_since; /* monotonic; 0: no part of a frame is waiting */
    size_t partial_mark;  /* how much there was then */
    bool closing, paused;
    int pid; /* of who connected, for people */
};

struct server {
    struct loop *loop;
    struct env *env;
    struct router *router;
    struct log *log;
    struct server_limits limits;
    struct server_stats stats;
    char *path;
    int fd;
    uint32_t owner;
    bool guests, root_is_owner, paused;
    struct watcher *accept, *retry, *prepare, *awake, *sweep;
    struct list conns;
    struct list dirty;
    struct umap *guest_conns; /* userid -> how many */
    char *rbuf;               /* SERVER_READ_SIZE, shared by all */
    unsigned complaints;      /* since the last sweep; the log is not for flooding */
};

/* Take over fd. -errno: it is still yours. */
int conn_new(struct server *s, int fd, const struct local_peer *peer, bool guest,
             struct conn **ret);
/* Write what is queued; closes it when it is to be closed. */
void conn_flush(struct conn *c);
/* Is half a frame waiting for too long? */
bool conn_too_slow(struct conn *c, double now);
void conn_close(struct conn *c); /* at once, and free */
/* Tell the log what a client did, unless it hears too much of that already. */
void server_complain(struct server *s, uint32_t userid, int pid, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* conn_flush() is to be called in this turn of the loop. */
void server_mark(struct server *s, struct conn *c);

#endif

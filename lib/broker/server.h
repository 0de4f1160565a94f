/* The local socket: accepts clients, decides who they are, and carries their messages
 * to and from the router. conn.c is one client.
 */
#ifndef FLUX_BROKER_SERVER_H
#define FLUX_BROKER_SERVER_H

#include "broker/log.h"
#include "broker/router.h"
#include "env/loop.h"

struct server;

struct server_limits {
    size_t frame_owner, frame_guest; /* bytes of one message */
    size_t out_pause;                /* unread output: stop reading requests ... */
    size_t out_owner, out_guest;     /* ... and hang up */
    unsigned calls_guest;            /* requests in flight ... */
    size_t calls_bytes_guest;        /* ... and their payloads together */
    unsigned conns_guest;            /* connections of one user */
    double frame_timeout;            /* seconds that half a frame may wait for more */
};
extern const struct server_limits server_limits_default;

struct server_stats {
    uint64_t accepted, denied, closed;
    uint64_t bad_frames, too_slow, too_much; /* hung up on, and why */
    unsigned conns;
};

/* Listen on path; nobody is let in before server_open(). -errno. */
int server_new(struct loop *loop, struct router *router, struct log *log,
               const char *path, const struct server_limits *limits, struct server **ret);
void server_open(struct server *s);
/* Read no more from clients (they wait), or go on. */
void server_pause(struct server *s, bool paused);
/* May others than the owner connect; is root as good as the owner? */
void server_set_access(struct server *s, bool guests, bool root_is_owner);
const struct server_stats *server_stats(const struct server *s);
/* Hang up, after what is queued was written as far as that goes without waiting; free. */
void server_free(struct server *s);

#endif

/* For tests of PMI clients: a server on a thread, and a socket for each rank. */
#ifndef TEST_PMI_WORLD_H
#define TEST_PMI_WORLD_H

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pmi/server.h"

#define WORLD_RANKS 4

struct world {
    int client[WORLD_RANKS], server[WORLD_RANKS];
    struct pmi_server *s;
    pthread_t thread;
    int aborted; /* exit code, -1: no */
};

static void world_send(int rank, const char *line, size_t len, void *arg)
{
    ssize_t n = send(((struct world *)arg)->server[rank], line, len, MSG_NOSIGNAL);

    ck_assert(n == (ssize_t)len || errno == EPIPE); /* a client may have left */
}

static void world_abort(int rank, int code, const char *text, void *arg)
{
    ((struct world *)arg)->aborted = code;
}

static const struct pmi_server_ops world_ops = {.send = world_send, .abort = world_abort};

/* Until all clients have hung up. */
static void *world_serve(void *arg)
{
    struct world *w = arg;
    struct pollfd fds[WORLD_RANKS];
    int left = WORLD_RANKS;
    char data[1000];

    for (int i = 0; i < WORLD_RANKS; i++)
        fds[i] = (struct pollfd){.fd = w->server[i], .events = POLLIN};
    while (left > 0 && poll(fds, WORLD_RANKS, -1) > 0) {
        for (int i = 0; i < WORLD_RANKS; i++) {
            ssize_t n;

            if (!fds[i].revents)
                continue;
            n = read(fds[i].fd, data, sizeof(data));
            if (n <= 0 || pmi_server_feed(w->s, i, data, n) < 0) {
                close(fds[i].fd);
                fds[i].fd = -1;
                left--;
            }
        }
    }
    return NULL;
}

/* A world whose server does not answer yet: processes are forked while there is one thread. */
static inline void world_open(struct world *w, const char *mapping)
{
    struct pmi_server_conf conf = {
        .size = WORLD_RANKS,
        .kvsname = "world",
        .mapping = mapping,
        .universe_size = 64,
        .appnum = 2,
        .ops = &world_ops,
        .arg = w,
    };

    w->aborted = -1;
    ck_assert_int_eq(pmi_server_new(&conf, &w->s), 0);
    for (int i = 0; i < WORLD_RANKS; i++) {
        int sv[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
        w->client[i] = sv[0];
        w->server[i] = sv[1];
    }
}

static inline void world_answer(struct world *w)
{
    ck_assert_int_eq(pthread_create(&w->thread, NULL, world_serve, w), 0);
}

static inline void world_begin(struct world *w, const char *mapping)
{
    world_open(w, mapping);
    world_answer(w);
}

/* After all client descriptors have been closed. */
static inline void world_end(struct world *w)
{
    pthread_join(w->thread, NULL);
    pmi_server_free(w->s);
}

#endif

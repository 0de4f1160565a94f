/* What is true of links in every world (env/transport.h): one table of tests, run over
 * the simulated network and over nng's streams.
 */
#ifndef TEST_ENV_LINK_CASES_H
#define TEST_ENV_LINK_CASES_H

#include <string.h>

#include "env/transport.h"
#include "world.h"

/* A world with a network. The test's _i chooses one of n addresses. */
struct net {
    int n;
    const char *(*address)(int i); /* to listen at, and dial when it names no port 0 */
    const char *(*nobody)(int i);  /* nobody listens there */
    void (*turn)(struct loop *l);  /* let something happen */
};

/* What an end of a link has lived through. */
struct end {
    struct link *link;
    struct end *for_accepted;
    char text[128];
    int n, writable, closed, error;
    size_t bytes;
    bool close_on_message;
};

/* A listener and one connected pair. */
struct trio {
    struct end listener, server, client;
};

extern const struct link_cb end_callbacks;

/* Set these before the tests, in a fixture. */
extern const struct net *net;
extern struct loop *net_loop;

#define UNTIL(condition)                                                                 \
    do {                                                                                 \
        while (!(condition))                                                             \
            net->turn(net_loop);                                                         \
    } while (0)

struct link_conf conf_for(struct end *e);
void listen_at(struct end *e, int i);
void dial_to(struct end *e, const char *address);
int send_text(struct link *link, const char *text);
void trio_init(struct trio *t, int i);
void trio_fini(struct trio *t);
void link_cases_add(TCase *tc, int n);

#endif

/* Brokers' places in a tree, in one process: for the tests of lib/overlay. The world is
 * chosen by the test's _i.
 */
#ifndef TEST_OVERLAY_TREE_H
#define TEST_OVERLAY_TREE_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "env/transport.h"
#include "overlay/overlay.h"

enum { NET_SIM, NET_IPC, NET_TCP, NET_TCP_ENCRYPTED, NETS };

#define NODES_MAX 64
#define INSTANCE "11111111-2222-4333-8444-555555555555"

struct tree;

/* One broker, and what it has lived through. */
struct node {
    struct tree *tree;
    struct overlay *ov;
    uint32_t rank;
    char uuid[37];
    char address[128];
    int ups, downs, errnum; /* of peers; of the last one that went down */
    char why[256];
    int admits, welcomes;
    char greeting[64]; /* "from" of the last hello or welcome */
    int changes;
    int state; /* of the parent's broker; -1: not told */
    int refused;
    char refusal[256];
    int left;
    char log[8192];
    int n; /* messages, */
    uint32_t seqs[4096];
    uint32_t from; /* the last one's peer */
    size_t bytes;
    int admit_rc; /* what admit is to return */
    bool echo;
};

struct tree {
    int net;
    struct env *env;
    struct loop *loop;
    struct topo *topo;
    struct overlay_conf conf; /* of the next node; rank, uuid filled in by node_start */
    struct node nodes[NODES_MAX];
};

#define KEY ((const unsigned char *)"0123456789abcdef0123456789abcdef")

extern uint64_t tree_seed; /* of simulated worlds */

void tree_init(struct tree *t, int net, const char *topo, uint32_t size);
void tree_fini(struct tree *t);
/* Make the node, listen if it has children, dial if it has a parent. */
struct node *node_start(struct tree *t, uint32_t rank);
void node_stop(struct node *n);                          /* crash */
void tree_start(struct tree *t);                         /* all; waits until all are up */
const char *tree_address(struct tree *t, uint32_t rank); /* to listen at */
void tree_turn(struct tree *t);
double tree_now(struct tree *t);
int node_send(struct node *n, struct peer *p, uint32_t seq, size_t size);
/* Everything in dir below /tmp that sockets need. */
int tree_main(Suite *s);

#define UNTIL(t, condition)                                                              \
    do {                                                                                 \
        while (!(condition))                                                             \
            tree_turn(t);                                                                \
    } while (0)

#endif

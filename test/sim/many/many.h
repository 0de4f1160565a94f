/* A simulated machine: an instance of 3 to 16 brokers, each on a host of its own, with
 * their modules, shells and clients, in one process and one thread, on virtual time.
 *
 *   world.c    the machine: made, run, taken down          node.c    one host of it
 *   script.c   a shell, whose tasks are scripts             launcher.c starts it
 *   client.c   programs that use the instance               load.c    what they want
 *   chaos.c    what happens to hosts, links and disks       check.c   what must be true
 *
 * A seed decides everything: the shape of the tree, which faults there are and when, what
 * clients do, how long jobs run, and the order of all that may happen in another order.
 *
 * A run: the brokers come up; then there is chaos while clients work; then everything is
 * healed, and what was promised must come true (check.c).
 */
#ifndef TEST_SIM_MANY_H
#define TEST_SIM_MANY_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/core.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "broker/broker.h"
#include "env/sim_faults.h"
#include "script.h"

#define NODES_MAX 16
#define CORES 4 /* of a node */
#define JOBS_MAX 64
#define EVENTS_MAX 128
#define CLIENTS_MAX 12
#define SESSIONS_MAX 256

struct sim;
struct client;

/* ---- nodes ---- */

struct node {
    struct sim *s;
    int rank;
    char name[16], address[32];
    struct env *env;
    /* The broker, in one life after another. */
    flux_reactor_t *r;
    struct broker *b; /* NULL: it is down */
    bool up;
    int lives;
    size_t pending;    /* requests in its table when nobody uses it */
    double restart_at; /* 0: not planned */
    bool leaving;      /* in good order */
    bool losing;       /* without power */
    /* What starts shells, and the shell. */
    struct launcher *launcher;
    flux_reactor_t *shell_r;
    struct shell *shell;
    int shell_lives;
    struct notes journal;
    uint32_t busy; /* cores, bits */
    /* Programs on this node have a loop of their own. */
    flux_reactor_t *client_r;
    bool full;     /* its disk is */
    double fix_at; /* 0: nothing is wrong with its disk */
};

/* ---- the load ---- */

struct work {
    int k; /* its number, and its name */
    int nodes, cores;
    double duration;
    int code; /* exit code */
    bool mock;
    double next_try; /* of the submission, of asking for the result */
    bool submitting, asking, cancelled;
    flux_jobid_t id; /* 0: not acknowledged */
    double acked;
    bool done;
    int result, status;
    char exception[64];
    bool harmed; /* its shell died, or its host lost power, while it ran */
    int starts[NODES_MAX];
    bool runs[NODES_MAX];
    struct buf seen; /* the longest that a watcher has seen of its log */
};

struct event {
    int k;
    double sent; /* the request was made; 0: not yet */
    bool publishing;
    double next_try;
    bool unknown; /* a publication failed: there may be more events of this number */
    uint32_t seq; /* 0: not acknowledged */
};

/* One subscription, as long as its connection lasted. */
struct session {
    int rank;
    double since; /* acknowledged */
    bool ended;
    uint32_t *seqs; /* of events seen */
    int *ks;
    int n, size;
};

enum op_kind {
    OP_SUBMIT,
    OP_RESULT,
    OP_WATCH,
    OP_CANCEL,
    OP_PUBLISH,
    OP_SUBSCRIBE,
    OP_PING,
    OP_LOOKUP,
    OP_LIST,
    OP_KINDS
};

/* A request under way. */
struct op {
    struct list link;
    struct client *c;
    enum op_kind kind;
    int k; /* job, event, or rank */
    flux_future_t *f;
    double since;
    struct buf log;
};

struct client {
    struct sim *s;
    int number;
    struct node *n;
    flux_t *h; /* NULL: not connected */
    flux_watcher_t *timer;
    flux_msg_handler_t *events;
    struct session *session; /* NULL: not subscribed */
    struct list ops;
    double connect_at;
};

/* ---- faults ---- */

enum fault {
    F_KILL,
    F_POWER,
    F_DIE,
    F_LEAVE,
    F_SHELL,
    F_STOP,
    F_CUT,
    F_ISOLATE,
    F_STALL,
    F_DELAY,
    F_RESET,
    F_CLOCK,
    F_FULL,
    F_EIO,
    F_KINDS
};
extern const char *const fault_names[F_KINDS];

struct stats {
    uint64_t faults[F_KINDS], below[SIM_FAULTS];
    uint64_t jobs, events, acks, retries, cancels, ops, starts, harmed, failed_ops,
        deliveries;
    double virtual_time;
    uint64_t hash; /* of all that happened, and when */
};

/* ---- the world ---- */

struct sim {
    uint64_t seed, choices;
    struct env *env; /* of the observer: a host that has nothing to do with it */
    int size;
    char topo[24];
    double orphan_timeout, chaos_time;
    unsigned char key[OVERLAY_KEY_SIZE];
    struct node nodes[NODES_MAX];
    struct work jobs[JOBS_MAX];
    int njobs;
    struct event events[EVENTS_MAX];
    int nevents;
    struct client clients[CLIENTS_MAX];
    int nclients;
    struct session sessions[SESSIONS_MAX];
    int nsessions;
    double rate[F_KINDS]; /* faults a second */
    double due[F_KINDS];
    double heal_cuts; /* when the network is healed; 0: it is whole */
    bool working;     /* clients begin new things */
    bool chaos;
    FILE *trace;
    struct stats stats;
    bool failed;
    char why[512];
};

/* A run of one seed. trace: where to tell what happens; NULL: nowhere. false: why. */
bool sim_run_seed(uint64_t seed, FILE *trace, struct stats *stats, char *why,
                  size_t size);

/* The program of many seeds: main.c. */
int many_main(int argc, char **argv);

int64_t pick(struct sim *s, int64_t lo, int64_t hi); /* both included */
double pick_time(struct sim *s, double lo, double hi);
bool pick_chance(struct sim *s, int percent);
double sim_now(const struct sim *s);
/* For the timeline; node NULL: of nobody. */
void say(struct sim *s, const struct node *n, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Something is wrong: remember the first. */
void fail(struct sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Let so many seconds pass, and look after the nodes meanwhile. */
void sim_pass(struct sim *s, double seconds);

/* node.c */
void node_init(struct sim *s, int rank);
void node_fini(struct node *n);
void node_start(struct node *n);
/* kill -9 of its broker; it starts again after so many seconds. */
void node_kill(struct node *n, double again);
/* Its power goes. */
void node_lose_power(struct node *n, double again);
void node_leave(struct node *n, double again);
/* See to brokers that have ended, and to those that are to start. */
void node_tend(struct node *n);
bool node_lets_in(const struct node *n); /* clients */

/* launcher.c */
void launcher_open(struct node *n);
void launcher_close(struct node *n);
void shell_kill(struct node *n); /* kill -9 */
void shell_tend(struct node *n); /* it may have ended */
void shell_end(struct node *n);  /* and what it ran */

/* client.c */
void clients_init(struct sim *s);
void clients_fini(struct sim *s);
void clients_lost(struct node *n); /* its broker is gone */
void clients_tend(struct sim *s);
int clients_pending(const struct sim *s);
void op_new(struct client *c, enum op_kind kind, int k, flux_future_t *f,
            flux_continuation_f then);
void op_free(struct op *op);

/* load.c */
void load_init(struct sim *s);
void load_fini(struct sim *s);
/* Before the chaos: what opens requests that stay. */
void load_warm(struct sim *s);
/* Begin something; nothing may be left to do. */
void load_act(struct client *c);
/* The op ended without an answer: what it was for may be tried again. */
void load_again(struct op *op);
bool load_is_done(const struct sim *s);
void load_subscribe(struct client *c);
void load_unsubscribe(struct client *c);

/* The host lost power: what its shell had not told, its journal may have lost, too. */
void load_harm(struct node *n);

/* What the tasks say. cores: bits. */
void task_started(struct node *n, flux_jobid_t id, int k, uint32_t cores);
void task_ended(struct node *n, flux_jobid_t id, int k, uint32_t cores, bool harmed);

/* chaos.c */
void chaos_init(struct sim *s);
void chaos_act(struct sim *s);
void chaos_heal(struct sim *s);

/* check.c */
void check_all(struct sim *s);
/* For the timeline: what is not done, and how far it got. */
void tell_stuck(struct sim *s);

#endif

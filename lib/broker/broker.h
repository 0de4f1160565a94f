/* One broker: the object that holds the parts together. Everything runs on the thread
 * of its loop. lib/broker's own; programs use <flux/embed.h>.
 *
 * Start: broker_new() reads the options; broker_start() finds the broker's place among
 * others (boot.h, or place.h), makes folders, store, services, socket and modules, and
 * calls `up` once it runs or has failed; broker_stop() begins the orderly end, at rank 0
 * that of the whole instance; the loop stops when all is done, and broker_exit_code()
 * tells. broker_crash() ends it as a power cut would, at any time.
 *
 * Any number of brokers live in one process, also on one loop.
 */
#ifndef FLUX_BROKER_BROKER_H
#define FLUX_BROKER_BROKER_H

#include <flux/embed.h>
#include <flux/handle.h>
#include <flux/reactor.h>

#include <sys/resource.h>

#include "broker/attr.h"
#include "broker/boot.h"
#include "broker/cleanup.h"
#include "broker/config.h"
#include "broker/core.h"
#include "broker/dirs.h"
#include "broker/event.h"
#include "broker/groups.h"
#include "broker/tree.h"
#include "broker/log.h"
#include "broker/modhost.h"
#include "broker/peers.h"
#include "broker/place.h"
#include "broker/port.h"
#include "broker/program.h"
#include "broker/quorum.h"
#include "broker/rexec.h"
#include "broker/router.h"
#include "broker/server.h"
#include "broker/state.h"
#include "env/proc.h"
#include "store/store.h"

typedef void (*broker_up_f)(int errnum, const flux_error_t *err, void *arg);

struct enclosing;
struct tidy;
struct broker {
    struct env *env;
    flux_reactor_t *reactor;
    struct loop *loop;
    uint32_t owner;
    double starttime;
    char uuid[37];
    char **environment; /* for processes that the broker starts */
    char **argv;        /* initial program, or NULL */
    char **modules;     /* or NULL: the usual ones */
    rlim_t nofile;      /* soft descriptor limit for processes; 0: as ours */

    /* Its place, from the end of the first step of booting on. */
    uint32_t rank, size;
    const struct boot_info *place;
    struct boot_info *given; /* told by broker_set_place(), or alone */
    struct boot *boot;       /* or found out */
    struct enrol *enrol;

    /* The instance; other ranks hear of it from rank 0. */
    char instance[37];
    uint64_t epoch;        /* counts its starts */
    uint32_t event_seq;    /* rank 0: of the latest event there may have been before */
    bool durable;          /* rank 0 has a statedir: jobs go on without the brokers */
    double orphan_timeout; /* seconds without a parent; < 0: no limit */

    struct attrs *attrs;
    struct log *log;
    struct config *config;
    struct dirs dirs;
    struct store *store;
    struct router *router;
    struct core *core;
    struct events *events;
    struct state *state;
    struct peers *peers; /* NULL: it is alone */
    struct groups *groups;
    struct tree *tree;
    struct quorum *quorum; /* rank 0 */
    struct server *server;
    struct modhost *modhost;
    struct rexec *rexec;
    struct program *program; /* the initial one, or what runs before and after it */
    struct tidy *tidy;
    struct port *port; /* the broker as a client of its own services: */
    flux_t *h;

    struct list handles; /* of the program that embeds us */

    int exit_code;
    bool failed, stopping, crashing, down;
    bool booting;                   /* a step of `boot` runs */
    bool initialized, ran;          /* modules were loaded; it was in state run */
    bool restored;                  /* content.restore was looked at */
    int parent_state;               /* latest told; 0: none */
    int errnum;                     /* of `error` */
    size_t next_module;             /* to load */
    struct flux_msglist *shutdowns; /* streaming shutdown.start requests */
    flux_error_t error;             /* why it failed */
    struct cleanup *cleanup;
    struct enclosing *enclosing; /* while it is told something */
    struct watcher *finish;   /* kicked: take down what is left */
    struct watcher *patience; /* with children that do not leave */
    /* Called once: it runs (errnum 0), or it failed and is down again. */
    broker_up_f up;
    void *up_arg;
};

/* Copies what it needs of opts. A broker in a simulated world makes no socket, folders or
 * processes. -errno, err. */
int broker_new(struct env *env, flux_reactor_t *reactor,
               const struct flux_instance_options *opts, struct broker **ret,
               flux_error_t *err);
void broker_start(struct broker *b, broker_up_f up, void *arg);
/* Idempotent. */
void broker_stop(struct broker *b);
/* Gone at once: nobody is told, nothing is finished; connections break. Frees it. At any
 * time but inside one of its own callbacks; `up` is not called. */
void broker_crash(struct broker *b);
/* True once everything has been taken down; then the loop has been stopped. */
bool broker_is_down(const struct broker *b);
int broker_exit_code(const struct broker *b);
/* A handle to it for any one thread. On the loop's thread. */
int broker_open(struct broker *b, flux_t **ret);
void broker_free(struct broker *b); /* only when down or never started; accepts NULL */

/* Free all parts, in order; what runs for others ends, or goes on without it. crash: at
 * once, whatever it does. */
void broker_release(struct broker *b, bool crash);
/* self.c: the services broker.* and shutdown.start. */
int self_serve(struct broker *b);

#endif

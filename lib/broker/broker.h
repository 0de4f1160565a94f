/* One broker: the object that holds the parts together. Everything runs on the thread
 * of its loop. lib/broker's own; programs use <flux/embed.h>.
 *
 * Start: broker_new() reads the options; broker_start() makes folders, store, services,
 * socket and modules, and calls `up` once it runs or has failed; broker_stop() begins
 * the orderly end; the loop stops when all is done, and broker_exit_code() tells.
 */
#ifndef FLUX_BROKER_BROKER_H
#define FLUX_BROKER_BROKER_H

#include <flux/embed.h>
#include <flux/handle.h>
#include <flux/reactor.h>

#include <sys/resource.h>

#include "broker/attr.h"
#include "broker/cleanup.h"
#include "broker/config.h"
#include "broker/core.h"
#include "broker/dirs.h"
#include "broker/event.h"
#include "broker/log.h"
#include "broker/modhost.h"
#include "broker/port.h"
#include "broker/program.h"
#include "broker/rexec.h"
#include "broker/router.h"
#include "broker/server.h"
#include "broker/state.h"
#include "env/proc.h"
#include "store/store.h"

typedef void (*broker_up_f)(int errnum, const flux_error_t *err, void *arg);

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

    struct attrs *attrs;
    struct log *log;
    struct config *config;
    struct dirs dirs;
    struct store *store;
    struct router *router;
    struct core *core;
    struct events *events;
    struct state *state;
    struct server *server;
    struct modhost *modhost;
    struct rexec *rexec;
    struct program *program;
    struct tidy *tidy;
    struct port *port; /* the broker as a client of its own services: */
    flux_t *h;

    struct list handles; /* of the program that embeds us */

    int exit_code;
    bool failed, stopping, down;
    int errnum;                     /* of `error` */
    size_t next_module;             /* to load */
    struct flux_msglist *shutdowns; /* streaming shutdown.start requests */
    flux_error_t error;             /* why it failed */
    struct cleanup *cleanup;
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
/* True once everything has been taken down; then the loop has been stopped. */
bool broker_is_down(const struct broker *b);
int broker_exit_code(const struct broker *b);
/* A handle to it for any one thread. On the loop's thread. */
int broker_open(struct broker *b, flux_t **ret);
void broker_free(struct broker *b); /* only when down or never started; accepts NULL */

/* Cut off the handles of the embedding program. */
void broker_close_handles(struct broker *b);
/* self.c: the services broker.* and shutdown.start. */
int self_serve(struct broker *b);

#endif

/* What the parts of the launcher share. Private to lib/broker/launcher*.c. */
#ifndef FLUX_BROKER_LAUNCHER_PRIVATE_H
#define FLUX_BROKER_LAUNCHER_PRIVATE_H

#include "broker/launcher.h"
#include "pmi/server.h"

#define LAUNCHER_FD 3 /* PMI_FD of brokers */

struct control;
struct hostlist;

struct member {
    struct launcher *l;
    uint32_t rank;
    pid_t pid; /* 0: it does not run */
    int pidfd, fd;
    struct watcher *exit, *io;
    bool expected; /* its end was asked for, by the socket */
};

struct launcher {
    struct launcher_conf conf;
    struct env *env;
    struct loop *loop;
    struct member *members;
    char *rundir;
    bool rundir_made;
    char *mapping; /* PMI_process_mapping; NULL: not told */
    bool together; /* all on one node, by that */
    struct hostlist *hosts;
    char **common; /* the part of the environment that all have */
    char *uri;     /* of the socket */
    struct pmi_server *pmi;
    struct control *control;
    struct watcher *deadline;
    uint32_t spawned; /* by launcher_start(), so far */
    uint32_t running;
    int stops;    /* launcher_signal() was called */
    bool meeting; /* some broker asked: they do not boot by a configuration */
    bool met;     /* all have told and learned addresses */
    bool ending;  /* all were told to end: what comes of that does not count */
    bool failed, over;
    int exit_code;
};

void launcher_say(struct launcher *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* It cannot go on: all are told to end. */
void launcher_fail(struct launcher *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int launcher_spawn(struct launcher *l, uint32_t rank, bool again, flux_error_t *err);

/* launcher_command.c: the command line and environment of a rank; yours to free with
 * strv_free(). address: to listen at, NULL: its own choice. NULL: no memory. */
char **launcher_argv(struct launcher *l, uint32_t rank, const char *address);
char **launcher_env(struct launcher *l, uint32_t rank);
int launcher_take_env(struct launcher *l);
/* "RUNDIR/RANK"; yours. NULL: no memory. */
char *launcher_rundir(const struct launcher *l, uint32_t rank);

/* launcher_pmi.c: the server, and each member's socket. */
int launcher_pmi_new(struct launcher *l, flux_error_t *err);
int launcher_pmi_open(struct member *m, int *ret_child_fd);
void launcher_pmi_close(struct member *m);
/* The address that a member told; yours; NULL: none. */
char *launcher_pmi_address(const struct launcher *l, uint32_t rank);

/* launcher_control.c */
int control_new(struct launcher *l, struct control **ret, flux_error_t *err);
void control_free(struct control *c); /* accepts NULL */

#endif

/* The server's half of the PMI-1 wire, for the ranks of one program that are served here: a
 * pure object. Its owner moves the bytes; whoever serves a program that runs on several
 * nodes also moves the puts between them.
 *
 *     a rank's descriptor -> pmi_server_feed() -> ops.send -> the descriptor
 *
 * All ranks served here (pmi_server_conf.ranks = NULL, ops.barrier = NULL): a barrier is
 * over once all are in it, and a key that was not put does not exist.
 *
 * Several nodes, a server on each:
 *   - ops.barrier says that all ranks served here are in the barrier. The owner sends the
 *     new puts (pmi_server_each_put(), pmi_server_forget_puts()) to the others, adds theirs
 *     by pmi_server_put(), and calls pmi_server_barrier_done() when everybody is in.
 *   - or it keeps puts where they are, and fetches on demand: ops.get, answered by
 *     pmi_server_get_done() at any time, also from inside the call.
 *
 * Commands: init maxes appnum universe_size my_kvsname put get barrier_in abort finalize
 * singinit publish_name lookup_name unpublish_name spawn (refused); anything else is
 * answered rc=-1. Key PMI_process_mapping is that of the configuration. Names are published
 * among the ranks served here only.
 *
 * A rank sends one command and waits for its answer; what it sends earlier waits here
 * (limited). Keys and values are UTF-8 without control characters, so that they fit in
 * JSON. Callbacks run inside pmi_server_feed() and the _done() functions, and must not free
 * the server.
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_PMI_SERVER_H
#define FLUX_PMI_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "pmi/wire.h"

struct pmi_server;

struct pmi_server_ops {
    /* An answer for this rank; the line ends in a newline. */
    void (*send)(int rank, const char *line, size_t len, void *arg);
    /* All ranks served here are in the barrier. NULL: then it is over. */
    void (*barrier)(void *arg);
    /* A rank asks for a key that is not here. NULL: then it does not exist. */
    void (*get)(int rank, const char *key, void *arg);
    /* A rank wants the whole program ended. text: "" none given. */
    void (*abort)(int rank, int exitcode, const char *text, void *arg);
    /* For traces, without newline; may be NULL. from_rank: false, it is the answer. */
    void (*trace)(int rank, bool from_rank, const char *line, void *arg);
};

struct pmi_server_conf {
    int size;          /* ranks of the program */
    const int *ranks;  /* those served here; NULL: all, 0..size-1 */
    int nranks;        /* how many of them */
    int universe_size; /* 0: size */
    int appnum;
    const char *kvsname; /* unique on these nodes */
    const char
        *mapping; /* PMI_process_mapping, "(vector,(0,NODES,PPN))"; NULL: no such key */
    const struct pmi_server_ops *ops;
    void *arg;
};

/* Copies what it needs; ops is borrowed. -EINVAL: ranks out of range or repeated. */
int pmi_server_new(const struct pmi_server_conf *conf, struct pmi_server **ret);
void pmi_server_free(struct pmi_server *s); /* accepts NULL */

/* Bytes from this rank's descriptor, in any pieces. -EPROTO: hang up on it, it speaks
 * something else; -ENOENT: it is not served here; -ENOMEM. */
int pmi_server_feed(struct pmi_server *s, int rank, const char *data, size_t len);

/* Its descriptor is closed, or it ended. Forgets what it still waited for. Returns true
 * when it was in the middle: it had said init, and not finalize or abort. */
bool pmi_server_gone(struct pmi_server *s, int rank);
/* A rank that is gone, or has yet to come, will be there (again), on a new descriptor.
 * alone: it was not there when the others met, or need not wait for them: its barriers are
 * over at once. */
void pmi_server_again(struct pmi_server *s, int rank, bool alone);

/* A key from elsewhere, or of the owner's own; replaces. -EINVAL, -ENOMEM. */
int pmi_server_put(struct pmi_server *s, const char *key, const char *value);
/* NULL: there is no such key here. Borrowed. */
const char *pmi_server_lookup(const struct pmi_server *s, const char *key);

/* What the ranks served here have put since the last forget (not with ops.barrier NULL).
 * for (size_t it = 0; pmi_server_each_put(s, &it, &key, &value);) */
bool pmi_server_each_put(const struct pmi_server *s, size_t *it, const char **key,
                         const char **value);
void pmi_server_forget_puts(struct pmi_server *s);

/* Everybody everywhere is in the barrier (rc 0), or it has failed (rc -errno): answer. */
void pmi_server_barrier_done(struct pmi_server *s, int rc);
/* The value that ops.get asked for; NULL: there is none anywhere. */
void pmi_server_get_done(struct pmi_server *s, int rank, const char *value);

#endif

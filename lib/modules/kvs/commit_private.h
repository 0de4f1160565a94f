/* Between commit.c, commit_prepare.c and publish.c. */
#ifndef FLUX_MODULE_KVS_COMMIT_PRIVATE_H
#define FLUX_MODULE_KVS_COMMIT_PRIVATE_H

#include "modules/kvs/commit.h"
#include "proto/kvstxn.h"

enum txn_state {
    TXN_NEW,
    TXN_WAITING, /* for objects */
    TXN_READY,
    TXN_FAILED,
};

struct txn {
    struct list link; /* of its namespace's queue, or of a batch */
    struct ns *ns;
    const flux_msg_t *msg; /* NULL: of the service's own, */
    commit_f done;         /* which is told then */
    void *arg;
    struct flux_msg_cred cred;
    struct kvstxn t;
    enum txn_state state;
    unsigned saves;   /* under way */
    uint64_t version; /* of one without operations: what it has seen */
    int error;        /* errno; 0: it happened */
    flux_error_t err;
};

/* What became one record. */
struct batch {
    struct list link; /* c->flying */
    struct ns *ns;
    enum redo_kind kind;
    uint64_t version, seq, chain;
    struct obj *root; /* referenced */
    struct list txns;
    struct list others;  /* answers that only had to wait, of any namespace */
    struct buf resolved; /* by redo_next(): keys that changed because links led there */
    unsigned nops;
    uint32_t userid;
    bool alone;
    const flux_msg_t *msg; /* create and remove: to be answered */
    size_t bytes_before;   /* os.bytes; then what it added */
};

struct commits {
    struct kvs *kvs;
    flux_watcher_t *prepare;
    struct list busy;   /* namespaces with transactions that wait */
    struct list flying; /* batches, in the order of their records */
    unsigned nflying;
    bool falling; /* a record was refused: wait until none flies, then fall back */
    int why;      /* errno of the refusal */
    int told;     /* errno that the log has already; 0: all goes well */
    uint64_t last_seq, chain;
    uint64_t durable_seq, durable_chain;
    size_t log_bytes;
    struct edit edit;
    struct buf record, resolved;
};

void txn_free(struct txn *t);
void txn_end(struct txn *t, int errnum);                    /* answer it, free it */
void txn_fail(struct txn *t, int errnum, const char *text); /* answer it */
/* For a commit, the namespace's next version. NULL on ENOMEM. */
struct batch *batch_new(struct commits *c, struct ns *ns);
void batch_free(struct commits *c, struct batch *b);
/* Something can go on in it. */
void ns_wake(struct ns *ns);

/* Make a transaction ready; its references are loaded and saved first. False: it has to
 * wait; then its namespace is woken. */
bool txn_prepare(struct commits *c, struct txn *t);
/* Load what it needs, and more that it will need. -errno. */
int txn_load(struct commits *c, struct txn *t, const struct need *need);
/* Load a namespace's root. */
int ns_load(struct commits *c, struct ns *ns, const struct need *need);

/* Finish the record, queue it. */
void batch_send(struct commits *c, struct batch *b);

#endif

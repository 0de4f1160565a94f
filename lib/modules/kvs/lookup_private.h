/* A lookup under way. Its end is told to `done`: 1, with the object in l->out behind
 * {"val": (lookup_finish() makes an answer of it), or -errno; then it is freed. */
#ifndef FLUX_MODULE_KVS_LOOKUP_PRIVATE_H
#define FLUX_MODULE_KVS_LOOKUP_PRIVATE_H

#include "modules/kvs/hash.h"
#include "modules/kvs/lookup.h"
#include "modules/kvs/turn.h"

struct lookup {
    struct list link; /* kvs->lookups */
    struct turn turn;
    struct kvs *kvs;
    const flux_msg_t *msg;
    void (*done)(struct lookup *l, int rc);
    void *arg;
    flux_error_t err;

    /* The request; slices lie in its payload. */
    struct slice ns, at;
    struct buf key; /* in normal form; links replace it */
    bool want_dir, plus, versions;
    int flags;
    uint64_t min_version;

    /* Where it is. */
    uint64_t id, version, key_version;
    struct obj *root; /* referenced */
    struct place place;
    unsigned links;
    struct need need;
    bool loading, late;
    struct ns_wait wait; /* for a namespace */
    bool waited;         /* and it is there */
    bool dead;           /* nobody wants to know any more */

    /* Outside of the tree, see mount.h. */
    flux_future_t *asked; /* the service */
    bool foreign;         /* the namespace is not the sender's: only mounts are for it */
    bool allowed;         /* the sender may read in the job's own namespace */
    bool below;           /* in what it has become: there are no mounts */
    bool seeks_guest;     /* waits for the job's own namespace, */
    bool no_guest;        /* which is not there */
    struct buf extra; /* entries of the directory that are not in the tree: an object */
    size_t extra_pos;

    struct list *stages; /* struct stage: to be filled with what the way depends on */

    /* A value: its bytes from `from` on, at most max; how long it is, how many were read. */
    uint64_t from, max, total, got;
    bool lines; /* if there are more, end behind a newline */

    /* A directory. */
    struct obj *dir; /* referenced */
    struct hasher hasher;
    struct dir_iter iter;
    bool hashing, listing;
    struct obj *leaf; /* the entry at hand, not answered yet */
    unsigned i;
    struct buf out;
};

/* A key that the way went through, in a namespace. */
struct stage {
    struct list link;
    uint64_t id;
    size_t len;
    char key[];
};
void stages_clear(struct list *stages);

struct lookup *lookup_new(struct kvs *kvs, const flux_msg_t *msg);
void lookup_free(struct lookup *l);
/* Look in this root, which is that of a namespace and version; key, flags, done, arg are
 * set. done may be called before it returns. */
void lookup_in(struct lookup *l, uint64_t id, uint64_t version, struct obj *root);
/* done will not be called. */
void lookup_drop(struct lookup *l);
/* Answer l->msg with what was found. */
void lookup_finish(struct lookup *l);
/* Go as far as it can from where it is; end it. */
void lookup_run(struct lookup *l);
void lookup_end(struct lookup *l, int rc);
/* End it because something could not be loaded. */
void lookup_end_loading(struct lookup *l, int rc);
/* A namespace; -EINPROGRESS: it goes on when that is there. */
int lookup_find_ns(struct lookup *l, const char *name, struct ns **ret);
void lookup_ready(struct ns_wait *w, int rc);
/* Read the request. -EPROTO, -EINVAL. */
int lookup_read(struct lookup *l);
/* Would the answer be another one where there are mounts? */
bool lookup_may_be_mounted(const struct lookup *l);
/* Does another service decide about the key? */
bool lookup_may_ask(const struct lookup *l, const struct ns *ns);
/* Before a walk: 0, maybe with another root and key; -EINPROGRESS: lookup_run() will be
 * called; 1: answered in l->out; -EAGAIN and other errors. */
int lookup_mount(struct lookup *l);
/* A directory of l->extra alone. 1, -errno. */
int lookup_answer_extra(struct lookup *l);
/* The namespace that is asked for; NULL and *rc. */
struct ns *lookup_ns(struct lookup *l, int *rc);

#endif

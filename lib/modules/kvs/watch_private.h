/* Between the files of watches: watch.c and watch_*.c. */
#ifndef FLUX_MODULE_KVS_WATCH_PRIVATE_H
#define FLUX_MODULE_KVS_WATCH_PRIVATE_H

#include "base/sha256.h"
#include "modules/kvs/lookup_private.h"
#include "modules/kvs/trie.h"
#include "modules/kvs/watch.h"

/* A version in which to look. */
struct look {
    struct list link;
    uint64_t version;
    struct obj *root; /* referenced */
    bool named;       /* its commit named the very key */
    bool appended;    /* and only appended to it */
};

/* Where a watch stands in the trie of a namespace. */
struct spot {
    struct concern concern;
    struct list link; /* w->wide */
    struct watch *w;
    uint64_t id; /* of the namespace */
    size_t len;
    char key[];
};

struct watch {
    struct list link;       /* ws->list */
    struct list start_link; /* ws->absent or ws->late, until it starts */
    struct list open_link;  /* ws->open */
    struct list hit_link;   /* with those that a commit concerns */
    struct turn turn;
    struct watches *ws;
    const flux_msg_t *msg;
    struct watch_holder *holder; /* NULL: the instance owner, or it was refused */

    /* The request. */
    int flags;
    uint64_t id; /* of the namespace; 0: it does not exist yet */
    char *ns_name;
    struct buf key;
    bool want_dir, versions; /* tell versions */
    bool mounted;            /* below a mount */
    bool guest;              /* in a job's own namespace: commits there matter */
    bool foreign;            /* the namespace is not the sender's: for mounts */
    flux_future_t *changes;  /* below a mount: what is told of it */
    const char *topic;       /* of changes */
    uint64_t min_version;

    struct spot *narrow; /* at its key */
    struct list wide;    /* struct spot: where the way to it may change */
    struct list stages;  /* the way, as the last lookup found it */

    struct list looks; /* struct look: still to be made */
    struct look *current;
    struct lookup *lookup; /* under way */
    bool loading;          /* the first root */
    bool dropped;          /* freed when that has come */
    bool gone;             /* its namespace: the end, after the looks */
    bool over;             /* what is below a mount is final: the same */
    bool output_over;      /* the job's output is: its end is that of the job */
    bool seen;             /* it has been answered */
    bool more;             /* the current look has another piece */
    bool overwritten;      /* what it follows was not appended to only */
    bool hit_named, hit_appended;
    uint64_t told;                   /* bytes of the value */
    unsigned char hash[SHA256_SIZE]; /* of the last answer */
};

struct watches {
    struct kvs *kvs;
    struct list list;
    struct list absent;   /* wait for their namespace to be made */
    struct list late;     /* wait for a version */
    struct list open;     /* where they stand may be out of date: every commit may concern
                           them */
    struct umap *tries;   /* by namespace */
    struct umap *holders; /* struct watch_holder, by userid */
    int64_t limit;        /* of the watches of one; negative: none */
};

/* watch_limit.c: count it among its user's. -EDQUOT; no more. */
int kvs_watch_admit(struct watch *w, flux_error_t *err);
void kvs_watch_discharge(struct watch *w);

/* watch_mount.c: be told of changes below a mount, if it is there; no more. */
int kvs_watch_follow_mount(struct watch *w, const struct ns *ns);
/* It is over, and nothing will be committed any more where it looks. */
bool kvs_watch_is_over(const struct watch *w);
void kvs_watch_unfollow(struct watch *w);

void kvs_watch_free(struct watch *w);
/* Answer with an error, free it. */
void kvs_watch_fail(struct watch *w, int errnum, const char *text);

/* Does a change elsewhere than of the very key matter? */
bool kvs_watch_is_wide(const struct watch *w);
/* It waits for its key to exist. */
bool kvs_watch_is_waiting(const struct watch *w);
/* Stand at the key; stand where the way went through that the last lookup found. */
int kvs_watch_stand(struct watch *w);
int kvs_watch_stand_wide(struct watch *w);
void kvs_watch_leave(struct watch *w);
/* A batch of a namespace has become visible; it has gone. Those concerned look. */
void kvs_watch_hit(struct watches *ws, const struct ns *ns, const struct batch *b);
void kvs_watch_hit_end(struct watches *ws, const struct ns *ns);

/* Look in a version, after those before. -ENOMEM. */
int kvs_watch_add_look(struct watch *w, uint64_t version, struct obj *root, bool named,
                       bool appended);
/* Go on; it may be freed. */
void kvs_watch_go_on(struct watch *w);
/* Its namespace has gone: the last answer follows those to the looks; it may be freed. */
void kvs_watch_end_after_looks(struct watch *w);
void kvs_watch_clear_looks(struct watch *w);

#endif

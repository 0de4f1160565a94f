/* The KVS of a real instance against a plain list of paths (test/unit/modules/kvs_model.h):
 * random transactions, namespaces, snapshots, lookups and watches, by seed.
 *
 *   main.c      the rounds, and the instance, which is killed in the midst of them
 *   broker.c    the instance                   space.c   namespaces, as the model has them
 *   txn.c       transactions                   look.c    lookups
 *   hold.c      snapshots and objects that are used later
 *   watch.c     watches
 *
 * A round sends a burst of commits, waits for all answers, then a burst of lookups. Each
 * round draws from a stream of its own: a run without some of the rounds does the same in
 * the others, as far as it can. So a failing seed can be cut down.
 */
#ifndef TEST_SYSTEM_KVS_MODEL_H
#define TEST_SYSTEM_KVS_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/core.h>

#include "../../unit/modules/kvs_model.h"

#define SPACES 6 /* the last one is the primary namespace */
#define HOLDS 24
#define BURST 24
#define PATH_SIZE 65536
#define KEY_SIZE 64 /* of one that we make */

/* A namespace. */
struct space {
    char name[16];
    bool primary, exists;
    uint64_t life; /* made anew, it is another one */
    struct model m;
    uint64_t version;  /* as of the last answer */
    uint64_t promised; /* a commit without changes was told of that version */
    char *treeobj;     /* as the last commit told; NULL: none has */
};

/* Something that a dirref, or another object, names. */
struct hold {
    char *treeobj;  /* NULL: free */
    struct model m; /* of a directory: what is below it */
    enum model_type type;
    char *value; /* of the others */
    size_t len;
    bool is_root, by_hash, primary; /* not by hash: by the version of a namespace */
    struct space *sp;
    uint64_t life;
    unsigned round, boots; /* when it was made */
    double since;
};

/* Where a key leads to. */
struct where {
    const struct model *m;
    const struct space *sp; /* NULL: a snapshot */
    bool primary;
    unsigned crossings; /* links with a namespace on the way */
    char path[PATH_SIZE];
};

struct counts {
    uint64_t txns, failed_txns, ops, lookups, failed_lookups, namespaces, snapshots,
        stale, watches, notices, checkpoints, dropped, boots;
};

struct run {
    flux_t *h;
    uint64_t seed, random;
    uint64_t ops, want;
    unsigned round, boots;
    struct space spaces[SPACES];
    struct hold holds[HOLDS];
    struct counts n;
    FILE *trace;
    const char *statedir;
};

uint64_t draw(struct run *r, uint64_t n);
bool chance(struct run *r, unsigned percent);
/* What is done, for the trace. */
void say(struct run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* It is not as it must be: the end. */
void wrong(struct run *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), noreturn));
/* Wait for an answer: 0 or its errno. */
int answer_of(struct run *r, flux_future_t *f);

/* broker.c */
flux_t *broker_up(const char *statedir);
void broker_kill(void);
void broker_stop(void);

/* space.c */
void spaces_init(struct run *r);
void spaces_fini(struct run *r);
struct space *any_space(struct run *r);                    /* that exists */
struct space *find_space(struct run *r, const char *name); /* NULL: it does not */
/* A random key, in normal form; the same as somebody might write it. */
void any_key(struct run *r, char *key);
void spell_key(struct run *r, const char *key, char *text);
/* A key of what there is, more often than not. */
void likely_key(struct run *r, const struct model *m, char *key);
char *any_value(struct run *r, size_t *len);
/* Follow a key through namespaces, from one of them or from a snapshot: 0, with w filled;
 * -errno. */
int resolve(struct run *r, const char *key, bool follow, struct where *w);

/* hold.c */
struct hold *hold_new(struct run *r);
struct hold *any_hold(struct run *r);     /* to put somewhere; NULL */
struct hold *any_snapshot(struct run *r); /* to look into; NULL */
/* Is it certain that the instance still has it? */
bool hold_is_good(const struct run *r, const struct hold *hd);
void holds_forget_objects(struct run *r); /* roots stay */
void hold_free(struct hold *hd);
void hold_root(struct run *r, struct space *sp, const char *treeobj, bool by_hash);
void holds_fini(struct run *r);
/* Snapshots by getroot, namespaces made of one; commits on namespaces alone. */
void hold_act(struct run *r);

/* txn.c */
void txn_burst(struct run *r);

/* look.c */
/* What services answer for stands among the names of the primary namespace, too. */
bool is_mount(const char *name);
void look_burst(struct run *r);
/* All that there is, of all namespaces. */
void look_at_all(struct run *r);

/* watch.c */
void watch_act(struct run *r);
/* What a transaction does to a key. */
struct touch {
    const char *key;
    bool appends; /* or leaves as it is */
    bool linked;  /* it goes through links: to where is not followed */
};
/* One has happened in a namespace, maybe in a version of its own; it is removed. */
void watch_note(struct run *r, const struct space *sp, bool alone,
                const struct touch *touches, unsigned n);
void watch_note_removed(struct run *r, const struct space *sp);
void watch_after_burst(struct run *r);
void watch_fini(struct run *r);

#endif

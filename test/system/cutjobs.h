/* The power-cut test of jobs: the real store on a disk that loses power, the real
 * job-ingest and job-manager on it, and a client that remembers what it was told.
 *
 * cutjobs.c leads the lives, cutjobs_load.c makes the load, cutjobs_check.c looks at what a
 * cut left. cutfaults.h has other faults than cuts for them.
 */
#ifndef TEST_SYSTEM_CUTJOBS_H
#define TEST_SYSTEM_CUTJOBS_H

#include "base/json.h"
#include "pwrvfs.h"
#include "world.h"

struct cutjobs {
    uint64_t seed;
    bool simulated; /* one thread, virtual time: the same seed gives the same run */
    int lives;      /* power cuts, one after another on the same disk */
    enum store_durability durability;
    bool with_kvs;          /* which has work, too: cutkvs.h */
    struct cutfault *fault; /* NULL: only the power fails */

    /* Sums; start as 0. */
    long cuts;
    long acked;   /* submissions that were answered with an id, commits */
    long refused; /* that were refused for want of space, or after a failed sync */
    long visible; /* events that a watcher was shown */
    long lost;    /* of those, the ones that were gone afterwards */
    long corrupt; /* what must never be: see `why` */
    /* What was done. */
    long submitted, cancelled, purged, commits, made, removed, snapshots, collections,
        drops, checkpoints;
    char why[400];
};

/* Run one seed and add to the sums. */
void cutjobs_run(struct cutjobs *p);

/* ---- between the two halves ---- */

#define CUTJOBS_MAX 20000

/* A submission, as the client knows it: job k is named "nk". */
struct cutjobs_sub {
    bool has_nonce, acked, given_up;
    bool open;        /* sent, with no clear answer yet */
    bool refused;     /* for lack of space: it is not there */
    flux_jobid_t id;  /* as answered, or as found after a cut; 0: none known */
    flux_future_t *f; /* under way */
};

/* A job id, as the client and the services know it. */
struct cutjobs_job {
    long sub; /* number of its submission + 1; 0: not known */
    char **events;
    size_t nevents; /* that a watcher saw, NULL where it did not */
    bool ran;       /* in an earlier life */
    bool started;   /* its log says so */
    bool kept;      /* its task outlived the services */
    bool cancelled, purging, purged;
};

struct cutkvs;
struct cutfault;

struct cutrun {
    struct cutjobs *p;
    struct cutkvs *kvs; /* NULL: there is none */
    struct pwrvfs *disk;
    char vfs[32];
    struct world *w;
    flux_t *h; /* the client's handle, one a life */
    flux_watcher_t *tick;
    struct cutjobs_sub *subs;
    long nsubs;
    struct cutjobs_job *jobs; /* by id */
    flux_jobid_t max_id;      /* that was ever heard of */
    flux_future_t *watch;
    struct list *requests; /* under way */
    unsigned waiting;      /* submissions under way */
    bool up;               /* the services are there */
    int fill_every;        /* turns; 0: there is always space */
    int rest_at;           /* turn */
    bool winding_down;
    bool full;   /* there was no space on the disk in this life */
    bool broken; /* this disk is not worth looking at any more */
};

uint64_t cutrun_random(struct cutrun *r, uint64_t n);
/* Something is wrong with this disk; something that was promised is gone. */
void cutrun_corrupt(struct cutrun *r, flux_jobid_t id, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void cutrun_lost(struct cutrun *r, flux_jobid_t id, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Is this answer what there may be on a disk without power, without space, or that has
 * failed to sync? When a fault was planned, its text must name the cause. */
bool cutrun_excuses(struct cutrun *r, int errnum, const char *text);
/* What was answered so may have reached the disk. */
bool cutrun_in_doubt(struct cutrun *r, int errnum);
/* Jobspec of submission k (yours), its environment. */
cJSON *cutrun_jobspec(long k);
cJSON *cutrun_env(long k);
/* The store is open, nothing runs on it yet. */
void cutrun_check(struct cutrun *r);
struct cutjobs_job *cutrun_job(struct cutrun *r, flux_jobid_t id);

/* A disk and a world for it. */
void cutrun_new(struct cutrun *r);
void cutrun_free(struct cutrun *r);
/* fn(r), and whatever assertion of the world's fails in it counts as corrupt: false. */
bool cutrun_guard(struct cutrun *r, void (*fn)(struct cutrun *r));
int cutrun_open(struct cutrun *r, flux_error_t *err);
void cutrun_start(struct cutrun *r);
void cutrun_turn(struct cutrun *r);
/* How a life ends: in good order; the process is killed; the power of the node is gone. */
enum cutrun_end { CUTRUN_STOP, CUTRUN_KILL, CUTRUN_POWER };
void cutrun_down(struct cutrun *r, enum cutrun_end end);

/* The client, one a life: it starts, does something each turn, goes. */
void cutload_start(struct cutrun *r);
void cutload_turn(struct cutrun *r);
void cutload_submit(struct cutrun *r);
void cutload_stop(struct cutrun *r);
/* It asks again for what it got no answer to. */
void cutload_retry(struct cutrun *r);

#endif

/* One fault of the disk, see cutfaults.h. */
#include "cutfaults.h"

#include <errno.h>
#include <string.h>

#include "base/list.h"
#include "cutkvs.h"

#define TURNS 260     /* of work */
#define REST_AT 220   /* from then on jobs are cancelled and purged */
#define FULL_TURNS 30 /* that the disk stays full for */
#define WAIT_TURNS 20000
#define TRIES 40
#define MORE_TURNS 40 /* of work in the life after it */

static void plan(struct cutrun *r)
{
    const struct cutfault *f = r->p->fault;

    if (f->kind == CUTFAULT_SYNC)
        pwrvfs_fail_sync_at(r->disk, f->at);
    else if (f->kind == CUTFAULT_FULL_ONCE)
        pwrvfs_fill_at(r->disk, f->at, 1);
    else if (f->kind == CUTFAULT_FULL_WHILE)
        pwrvfs_fill_at(r->disk, f->at, 1L << 40);
}

/* One turn of the loop; space returns when there has been none for long enough. */
static void turn(struct cutrun *r, int *full)
{
    cutrun_turn(r);
    *full += pwrvfs_faults(r->disk) > 0;
    if (*full == FULL_TURNS)
        pwrvfs_fill_at(r->disk, 0, 0);
}

static bool all_answered(struct cutrun *r)
{
    return r->waiting == 0 && list_empty(r->requests) && cutkvs_waiting(r->kvs) == 0;
}

static void answer_all(struct cutrun *r, int *full)
{
    for (int i = 0; i < WAIT_TURNS && !all_answered(r) && !r->broken; i++)
        turn(r, full);
    if (!all_answered(r) && !r->broken)
        cutrun_corrupt(r, 0, "%u submissions, %s requests, %u of the KVS not answered",
                       r->waiting, list_empty(r->requests) ? "no" : "some",
                       cutkvs_waiting(r->kvs));
}

/* There is work, and while there is, the fault comes, and its cause goes. */
static void work(struct cutrun *r, int turns)
{
    int full = 0;

    for (int i = 0; i < turns && !r->broken; i++) {
        r->winding_down = i >= REST_AT;
        cutload_turn(r);
        cutkvs_load(r->kvs);
        turn(r, &full);
    }
    r->winding_down = false;
    answer_all(r, &full);
}

static void elapsed(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    *(bool *)arg = true;
}

/* Let the world's time go by: the store looks for space once a second of it. */
static void rest(struct cutrun *r, double seconds)
{
    bool over = false;
    flux_watcher_t *w = flux_timer_watcher_create(r->w->r, seconds, 0., elapsed, &over);

    flux_watcher_start(w);
    while (!over)
        cutrun_turn(r);
    flux_watcher_destroy(w);
}

/* One submission, one commit, until both are acknowledged. */
static void go_on(struct cutrun *r)
{
    long submitted = r->p->submitted, commits = r->p->commits;

    for (int i = 0; i < TRIES && !r->broken; i++) {
        if (r->waiting == 0 && r->p->submitted == submitted)
            cutload_submit(r);
        if (cutkvs_waiting(r->kvs) == 0 && r->p->commits == commits)
            cutkvs_commit(r->kvs);
        if (r->p->submitted > submitted && r->p->commits > commits)
            return;
        rest(r, 0.25);
    }
    if (!r->broken)
        cutrun_corrupt(r, 0, "work does not go on, although there is space again");
}

/* The disk has failed for good: both are refused, and what is there can be read. */
static void stand_still(struct cutrun *r)
{
    int full = 0;
    long submitted = r->p->submitted, commits = r->p->commits;

    cutload_submit(r);
    cutkvs_commit(r->kvs);
    answer_all(r, &full);
    if (r->p->submitted != submitted || r->p->commits != commits)
        cutrun_corrupt(r, 0, "something was acknowledged after a failed sync");
    cutkvs_read(r->kvs);
}

/* Open the store and start the KVS on it; true: they run. */
static bool open_once(struct cutrun *r)
{
    flux_error_t err = {.text = ""};
    int rc = cutrun_open(r, &err);

    if (rc < 0) {
        if (!cutrun_excuses(r, -rc, err.text) || !strstr(err.text, "pwr.db"))
            cutrun_corrupt(r, 0, "open: %s", err.text);
        return false;
    }
    cutrun_check(r);
    return !r->broken && cutkvs_start(r->kvs) == 0;
}

/* An instance that does not start says why, and does when it is started again. */
static bool open_and_check(struct cutrun *r)
{
    if (open_once(r))
        return !r->broken;
    pwrvfs_fill_at(r->disk, 0, 0);
    cutrun_down(r, CUTRUN_STOP);
    if (!r->broken && !open_once(r))
        cutrun_corrupt(r, 0, "it does not start again");
    return !r->broken;
}

static void end_fault(struct cutrun *r, struct cutfault *f)
{
    long writes, syncs;

    pwrvfs_count(r->disk, &writes, &syncs);
    f->writes = writes - f->writes;
    f->syncs = syncs - f->syncs;
    f->came = pwrvfs_faults(r->disk) > 0;
    pwrvfs_fill_at(r->disk, 0, 0);
    pwrvfs_fail_sync_at(r->disk, 0);
}

static void life(struct cutrun *r, int turns, struct cutfault *f)
{
    if (f) {
        pwrvfs_count(r->disk, &f->writes, &f->syncs);
        plan(r);
    }
    if (!open_and_check(r))
        return;
    cutrun_start(r);
    cutload_start(r);
    cutload_retry(r);
    work(r, turns);
    if (f)
        end_fault(r, f);
    if (store_has_failed(r->w->store))
        stand_still(r);
    else
        go_on(r);
}

static void lead(struct cutrun *r)
{
    struct cutfault *f = r->p->fault;

    life(r, TURNS, f->second ? NULL : f);
    cutrun_down(r, r->broken ? CUTRUN_POWER : f->end);
    if (!f->second) /* and excuses nothing from here on */
        r->p->fault = NULL;
    if (!r->broken)
        life(r, MORE_TURNS, r->p->fault);
    cutrun_down(r, CUTRUN_POWER);
    r->p->fault = NULL;
    if (!r->broken)
        open_and_check(r);
    cutrun_down(r, CUTRUN_POWER);
}

void cutfaults_run(struct cutjobs *p, struct cutfault *f)
{
    struct cutrun r = {.p = p};

    p->fault = f;
    cutrun_new(&r);
    if (cutrun_guard(&r, lead))
        cutrun_free(&r);
}

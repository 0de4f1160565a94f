/* The lives of a store with jobs, see cutjobs.h: open it, look at it, start job-manager
 * and job-ingest, give them work, until the power goes in the midst of it.
 */
#include "cutfaults.h"
#include "cutkvs.h"

#include <check.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/list.h"

#define TURNS 4000    /* of a life whose cut does not come by itself */
#define TURNS_DARK 30 /* after the cut: the services learn that the disk is gone */
#define REST_TURNS 300

/* ---- the world's assertions, which Check would catch ---- */

/* The only state outside of a run: where a failed assertion of the world leads. */
static jmp_buf failed_assertion;
static char failed_text[300];

void _mark_point(const char *file, int line)
{
}

void _ck_assert_failed(const char *file, int line, const char *expr, const char *msg, ...)
{
    va_list ap;
    int n = snprintf(failed_text, sizeof(failed_text), "%s:%d: %s ", file, line, expr);

    va_start(ap, msg);
    if (msg && n < (int)sizeof(failed_text))
        vsnprintf(failed_text + n, sizeof(failed_text) - (size_t)n, msg, ap);
    va_end(ap);
    longjmp(failed_assertion, 1);
}

uint64_t cutrun_random(struct cutrun *r, uint64_t n)
{
    return pwrvfs_random(r->disk, n);
}

static void say(struct cutrun *r, flux_jobid_t id, const char *fmt, va_list ap)
{
    char *why = r->p->why;
    size_t size = sizeof(r->p->why);
    int n;

    r->broken = true;
    if (*why)
        return;
    n = snprintf(why, size, "seed %ju, cut %ld, job %ju: ", (uintmax_t)r->p->seed,
                 r->p->cuts, (uintmax_t)id);
    vsnprintf(why + n, size - (size_t)n, fmt, ap);
}

void cutrun_corrupt(struct cutrun *r, flux_jobid_t id, const char *fmt, ...)
{
    va_list ap;

    r->p->corrupt += !r->broken;
    va_start(ap, fmt);
    say(r, id, fmt, ap);
    va_end(ap);
}

void cutrun_lost(struct cutrun *r, flux_jobid_t id, const char *fmt, ...)
{
    va_list ap;

    r->p->lost++;
    va_start(ap, fmt);
    say(r, id, fmt, ap);
    va_end(ap);
}

/* ---- what may be answered ---- */

/* Does it say what is wrong, to somebody who has never seen our code? */
static bool names_cause(int errnum, const char *text)
{
    if (errnum == ENOSPC)
        return strstr(text, "space") || strstr(text, "full");
    return strstr(text, "disk") || strstr(text, "cannot be written");
}

bool cutrun_excuses(struct cutrun *r, int errnum, const char *text)
{
    const struct cutfault *f = r->p->fault;
    bool there = f && pwrvfs_faults(r->disk) > 0;

    if (pwrvfs_is_cut(r->disk))
        return true;
    if (!(errnum == ENOSPC && (r->full || (there && f->kind != CUTFAULT_SYNC))) &&
        !(errnum == EIO && there && f->kind == CUTFAULT_SYNC))
        return false;
    if (f && !names_cause(errnum, text))
        cutrun_corrupt(r, 0, "an error that does not name its cause: %s", text);
    return true;
}

bool cutrun_in_doubt(struct cutrun *r, int errnum)
{
    return errnum == EIO || pwrvfs_is_cut(r->disk);
}

/* ---- lives ---- */

static void tick_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
}

void cutrun_turn(struct cutrun *r)
{
    flux_reactor_run(r->w->r, FLUX_REACTOR_ONCE);
}

/* Some lives have a disk that is full now and then, some come to rest. */
static void choose(struct cutrun *r)
{
    r->fill_every = cutrun_random(r, 3) == 0 ? 1 + (int)cutrun_random(r, 60) : 0;
    r->rest_at = cutrun_random(r, 5) == 0 ? (int)cutrun_random(r, 200) : TURNS;
    r->winding_down = false;
}

static void fill_or_free_disk(struct cutrun *r, int turn)
{
    if (r->fill_every == 0 || turn % r->fill_every)
        return;
    if (cutrun_random(r, 2) == 0)
        pwrvfs_set_space(r->disk, 0);
    else {
        r->full = true;
        pwrvfs_set_space(r->disk, pwrvfs_used(r->disk) + 1 + cutrun_random(r, 20000));
    }
}

static void work(struct cutrun *r)
{
    int dark = 0;

    choose(r);
    cutload_start(r);
    cutload_retry(r);
    for (int i = 0; i < TURNS && dark < TURNS_DARK && !r->broken; i++) {
        fill_or_free_disk(r, i);
        r->winding_down = i >= r->rest_at;
        if (i == r->rest_at + REST_TURNS)
            break;
        cutload_turn(r);
        cutkvs_load(r->kvs);
        cutrun_turn(r);
        dark += pwrvfs_is_cut(r->disk);
    }
    pwrvfs_cut_after(r->disk, 0);
    pwrvfs_set_space(r->disk, 0);
}

/* The node's power went: nothing of a task is left. It must not run again if its start
 * was on disk. */
static void lose_tasks(struct cutrun *r)
{
    uint64_t id;
    void *task;

    for (size_t it = 0; umap_next(r->w->tasks, &it, &id, &task);) {
        if (cutrun_job(r, id)->started && !r->jobs[id].kept)
            cutrun_corrupt(r, id, "runs again");
        r->jobs[id].ran = true;
        r->jobs[id].kept = false;
    }
    for (id = 1; id <= r->max_id; id++)
        umap_del(r->w->tasks, id);
}

int cutrun_open(struct cutrun *r, flux_error_t *err)
{
    struct store_options opts = {
        .path = "pwr.db",
        .vfs = r->vfs,
        .durability = r->p->durability,
        .checkpoint_interval = 0.001,
        .uuid = "test",
    };
    int rc = store_open(flux_reactor_loop(r->w->r), &opts, &r->w->store, err);

    if (rc < 0)
        r->w->store = NULL;
    return rc;
}

void cutrun_start(struct cutrun *r)
{
    r->w->cores = 8;
    world_start(r->w);
    r->up = true;
}

static long draw_budget(struct cutrun *r)
{
    static const long most[] = {60, 400, 2500, 6000};

    return (long)cutrun_random(r, (uint64_t)most[cutrun_random(r, 4)]);
}

static void keep_tasks(struct cutrun *r)
{
    uint64_t id;
    void *task;

    for (size_t it = 0; umap_next(r->w->tasks, &it, &id, &task);)
        cutrun_job(r, id)->kept = true;
}

void cutrun_down(struct cutrun *r, enum cutrun_end end)
{
    if (end != CUTRUN_STOP)
        pwrvfs_stop(r->disk);
    if (r->up && end == CUTRUN_STOP)
        world_stop(r->w);
    else if (r->up)
        world_crash(r->w);
    if (r->up && end == CUTRUN_POWER)
        lose_tasks(r);
    else if (r->up)
        keep_tasks(r);
    r->up = r->full = false;
    cutload_stop(r);
    cutkvs_stop(r->kvs);
    store_close(r->w->store);
    r->w->store = NULL;
    if (end == CUTRUN_POWER)
        pwrvfs_power_on(r->disk);
    else
        pwrvfs_start(r->disk);
}

/* Open on what the last cut left, check it, load it, cut. */
static void live(struct cutrun *r, bool last)
{
    flux_error_t err;
    bool early = !last && cutrun_random(r, 4) == 0;

    if (early)
        pwrvfs_cut_after(r->disk, (long)cutrun_random(r, 30));
    if (cutrun_open(r, &err) < 0) {
        if (!pwrvfs_is_cut(r->disk))
            cutrun_corrupt(r, 0, "%s", err.text);
    } else {
        cutrun_check(r);
        cutkvs_start(r->kvs);
        if (!last && !r->broken) {
            if (!early)
                pwrvfs_cut_after(r->disk, draw_budget(r));
            cutrun_start(r);
            work(r);
        }
    }
    cutrun_down(r, CUTRUN_POWER);
    r->p->cuts += !last;
}

void cutrun_free(struct cutrun *r)
{
    flux_watcher_destroy(r->tick);
    world_free(r->w);
    pwrvfs_free(r->disk);
    for (flux_jobid_t id = 0; id <= r->max_id; id++) {
        for (size_t i = 0; i < r->jobs[id].nevents; i++)
            free(r->jobs[id].events[i]);
        free(r->jobs[id].events);
    }
    free(r->jobs);
    free(r->subs);
    free(r->requests);
    cutkvs_free(r->kvs);
}

void cutrun_new(struct cutrun *r)
{
    snprintf(r->vfs, sizeof(r->vfs), "jobs%ju", (uintmax_t)r->p->seed);
    r->disk = pwrvfs_new(r->vfs, r->p->seed);
    r->jobs = calloc(CUTJOBS_MAX, sizeof(*r->jobs));
    r->subs = calloc(CUTJOBS_MAX, sizeof(*r->subs));
    r->requests = malloc(sizeof(*r->requests));
    if (!r->disk || !r->jobs || !r->subs || !r->requests)
        abort();
    list_init(r->requests);
    r->kvs = cutkvs_new(r);
    r->w = world_new(r->p->simulated ? r->p->seed : 0);
    store_close(r->w->store); /* the memory twin */
    r->w->store = NULL;
    r->w->run_time = 0.001;
    if (!r->p->simulated) {
        r->tick = flux_timer_watcher_create(r->w->r, 0.0002, 0.0002, tick_cb, NULL);
        flux_watcher_start(r->tick);
    }
}

bool cutrun_guard(struct cutrun *r, void (*fn)(struct cutrun *r))
{
    if (setjmp(failed_assertion)) {
        /* Its world stays where it stopped. */
        cutrun_corrupt(r, 0, "%s", failed_text);
        return false;
    }
    fn(r);
    return true;
}

static void lead_lives(struct cutrun *r)
{
    for (int i = 0; i <= r->p->lives && !r->broken; i++)
        live(r, i == r->p->lives);
}

void cutjobs_run(struct cutjobs *p)
{
    struct cutrun r = {.p = p};

    cutrun_new(&r);
    if (cutrun_guard(&r, lead_lives))
        cutrun_free(&r);
    else
        p->cuts++;
}

/* The lives of a store with jobs, see cutjobs.h: open it, look at it, start job-manager
 * and job-ingest, submit, cancel, purge, until the power goes in the midst of it.
 */
#include "cutkvs.h"

#include <check.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/list.h"
#include "base/slice.h"

#define TURNS 4000    /* of a life whose cut does not come by itself */
#define TURNS_DARK 30 /* after the cut: the services learn that the disk is gone */
#define REST_TURNS 300
#define WAITING_MAX 200

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

/* ---- what is submitted ---- */

static char *submission_text(long k)
{
    cJSON *spec = cutrun_jobspec(k);
    char *text;

    cJSON_AddItemToObject(
        cJSON_GetObjectItem(cJSON_GetObjectItem(spec, "attributes"), "system"),
        "environment", cutrun_env(k));
    text = json_print(spec);
    json_free(spec);
    return text;
}

/* ---- the load ---- */

struct request {
    struct list link;
    struct cutrun *r;
    flux_future_t *f;
    long sub;        /* a nonce that is sent again, for an id known already */
    flux_jobid_t id; /* what a cancel, a purge is about */
    bool purge, again;
};

static void request_free(struct request *q)
{
    list_del(&q->link);
    flux_future_destroy(q->f);
    free(q);
}

static struct cutjobs_job *job_of(struct cutrun *r, flux_jobid_t id)
{
    if (id == 0 || id >= CUTJOBS_MAX) {
        cutrun_corrupt(r, id, "impossible id");
        id = 0;
    }
    if (r->max_id < id)
        r->max_id = id;
    return &r->jobs[id];
}

/* An id was answered to submission k. */
static void accept_id(struct cutrun *r, long k, flux_jobid_t id)
{
    struct cutjobs_sub *s = &r->subs[k];
    struct cutjobs_job *job = job_of(r, id);

    if (s->id && s->id != id)
        cutrun_corrupt(r, id, "submission %ld has job %ju already", k, (uintmax_t)s->id);
    if (job->sub && job->sub != k + 1)
        cutrun_corrupt(r, id, "the id was given to submission %ld before", job->sub - 1);
    r->p->acked += !s->acked;
    s->acked = true;
    s->id = id;
    job->sub = k + 1;
}

static void submitted_cb(flux_future_t *f, void *arg)
{
    struct cutrun *r = arg;
    long k = (long)(intptr_t)flux_future_aux_get(f, "sub");
    flux_jobid_t id;

    r->waiting--;
    r->subs[k].f = NULL;
    if (flux_job_submit_get_id(f, &id) == 0)
        accept_id(r, k, id);
    else if (errno == ENOSPC && r->full && !pwrvfs_is_cut(r->disk)) {
        r->subs[k].refused = true;
        r->p->refused++;
    } else if (!pwrvfs_is_cut(r->disk))
        cutrun_corrupt(r, 0, "submission %ld refused: %s", k,
                       flux_future_error_string(f));
    flux_future_destroy(f);
}

static flux_future_t *send_submission(struct cutrun *r, long k)
{
    AUTOFREE char *text = submission_text(k);
    char nonce[32];

    snprintf(nonce, sizeof(nonce), "once-%ld", k);
    return flux_job_submit_once(r->h, text, 16, 0, r->subs[k].has_nonce ? nonce : NULL);
}

static void submit(struct cutrun *r, long k)
{
    flux_future_t *f = send_submission(r, k);

    if (!f || flux_future_aux_set(f, "sub", (void *)(intptr_t)k, NULL) < 0 ||
        flux_future_then(f, -1., submitted_cb, r) < 0)
        abort();
    r->subs[k].f = f;
    r->subs[k].refused = false;
    r->waiting++;
}

static void submit_new(struct cutrun *r)
{
    if (r->nsubs >= CUTJOBS_MAX || r->max_id + WAITING_MAX >= CUTJOBS_MAX ||
        r->waiting >= WAITING_MAX)
        return;
    r->subs[r->nsubs].has_nonce = cutrun_random(r, 4) > 0;
    submit(r, r->nsubs++);
}

static void requested_cb(flux_future_t *f, void *arg)
{
    struct request *q = arg;
    struct cutrun *r = q->r;
    flux_jobid_t id;
    int count = 0;

    if (q->again) {
        if (flux_job_submit_get_id(f, &id) == 0 && !r->jobs[q->id].purging && id != q->id)
            cutrun_corrupt(r, id, "nonce of job %ju got another id", (uintmax_t)q->id);
    } else if (q->purge) {
        if (flux_rpc_get_unpack(f, "{s:i}", "count", &count) == 0 && count == 1)
            r->jobs[q->id].purged = true;
    } else if (flux_rpc_get(f, NULL) == 0)
        r->jobs[q->id].cancelled = true;
    request_free(q);
}

static void request(struct cutrun *r, struct request q)
{
    struct request *copy = malloc(sizeof(*copy));

    if (!copy || !q.f)
        abort();
    *copy = q;
    copy->r = r;
    list_init(&copy->link);
    list_append(r->requests, &copy->link);
    if (flux_future_then(q.f, -1., requested_cb, copy) < 0)
        abort();
}

static void cancel(struct cutrun *r, flux_jobid_t id)
{
    request(r, (struct request){.id = id, .f = flux_job_cancel(r->h, id, "no more")});
}

static void purge(struct cutrun *r, flux_jobid_t id)
{
    list_each(q, r->requests, struct request, link)
    {
        if (q->again && q->id == id)
            return; /* it might find the nonce free, and submit it anew */
    }
    /* A nonce of a job that is gone is free again: leave it alone from now on. */
    r->jobs[id].purging = true;
    request(r, (struct request){.id = id,
                                .purge = true,
                                .f = flux_rpc_pack(r->h, "job-manager.purge-id",
                                                   FLUX_NODEID_ANY, 0, "{s:I}", "id",
                                                   (int64_t)id)});
}

static void repeat(struct cutrun *r, flux_jobid_t id)
{
    long k = r->jobs[id].sub - 1;

    if (k >= 0 && r->subs[k].acked && r->subs[k].has_nonce && !r->jobs[id].purging)
        request(r, (struct request){.id = id, .again = true, .f = send_submission(r, k)});
}

/* One of the latest n. */
static flux_jobid_t latest(struct cutrun *r, uint64_t n)
{
    return r->max_id - cutrun_random(r, n < r->max_id ? n : r->max_id);
}

static void load(struct cutrun *r)
{
    uint64_t n;

    if (r->winding_down && r->max_id) {
        /* The last ids must not be given again when their jobs are gone. */
        cancel(r, latest(r, 20));
        purge(r, latest(r, 4));
        return;
    }
    switch (cutrun_random(r, 24)) {
    case 0:
        for (n = 1 + cutrun_random(r, 25); n > 0; n--)
            submit_new(r);
        break;
    case 1:
    case 2:
        submit_new(r);
        break;
    case 3:
        for (n = cutrun_random(r, 6); r->max_id && n > 0; n--)
            cancel(r, latest(r, 40));
        break;
    case 4:
        if (r->max_id)
            repeat(r, latest(r, CUTJOBS_MAX));
        break;
    case 5:
        if (r->max_id && cutrun_random(r, 8) == 0)
            purge(r, latest(r, CUTJOBS_MAX));
        break;
    }
}

/* ---- watching ---- */

static void see_event(struct cutrun *r, flux_jobid_t id, size_t seq, struct slice line)
{
    struct cutjobs_job *job = job_of(r, id);

    if (seq >= job->nevents) {
        job->events = realloc(job->events, (seq + 1) * sizeof(*job->events));
        if (!job->events)
            abort();
        while (job->nevents <= seq)
            job->events[job->nevents++] = NULL;
    }
    if (job->events[seq] && (strlen(job->events[seq]) != line.len ||
                             memcmp(job->events[seq], line.p, line.len) != 0))
        cutrun_corrupt(r, id, "event %zu is shown anew: %.*s", seq, (int)line.len,
                       line.p);
    free(job->events[seq]);
    job->events[seq] = slice_text(line);
    r->p->visible++;
}

static void watch_cb(flux_future_t *f, void *arg)
{
    struct cutrun *r = arg;
    struct slice s, id, seq, events, line;
    const char *text;
    int64_t n, first;
    size_t pos = 0;

    if (flux_rpc_get(f, &text) < 0)
        return;
    s = slice_of(text);
    if (slice_get(s, "id", &id) < 0 || slice_int(id, &n) < 0 ||
        slice_get(s, "seq", &seq) < 0 || slice_int(seq, &first) < 0 ||
        slice_get(s, "events", &events) < 0) {
        cutrun_corrupt(r, 0, "journal: %s", text);
        return;
    }
    while (n > 0 && slice_element(events, &pos, &line) > 0)
        see_event(r, (flux_jobid_t)n, (size_t)first++, line);
    flux_future_reset(f);
}

/* ---- lives ---- */

static void tick_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
}

static void client_start(struct cutrun *r)
{
    r->h = router_open(r->w->rt, NULL, getuid(), FLUX_ROLE_OWNER | FLUX_ROLE_LOCAL);
    r->watch = flux_rpc_pack(r->h, "job-manager.events-journal", FLUX_NODEID_ANY,
                             FLUX_RPC_STREAMING, "{s:b}", "full", 0);
    if (!r->watch || flux_future_then(r->watch, -1., watch_cb, r) < 0)
        abort();
}

static void client_stop(struct cutrun *r)
{
    struct request *q;

    for (long k = 0; k < r->nsubs; k++) {
        flux_future_destroy(r->subs[k].f);
        r->subs[k].f = NULL;
    }
    r->waiting = 0;
    while ((q = list_first(r->requests, struct request, link)))
        request_free(q);
    flux_future_destroy(r->watch);
    r->watch = NULL;
    if (r->h)
        router_close(r->w->rt, r->h, false);
    r->h = NULL;
}

/* The client asks again for what it got no answer to. */
static void retry(struct cutrun *r)
{
    for (long k = 0; k < r->nsubs; k++) {
        struct cutjobs_sub *s = &r->subs[k];

        if (s->acked || s->given_up)
            continue;
        if (s->has_nonce && r->waiting < WAITING_MAX)
            submit(r, k);
        else if (!s->has_nonce)
            s->given_up = true;
    }
}

static void turn(struct cutrun *r)
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
    client_start(r);
    retry(r);
    for (int i = 0; i < TURNS && dark < TURNS_DARK && !r->broken; i++) {
        fill_or_free_disk(r, i);
        r->winding_down = i >= r->rest_at;
        if (i == r->rest_at + REST_TURNS)
            break;
        load(r);
        cutkvs_load(r->kvs);
        turn(r);
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
        if (job_of(r, id)->started)
            cutrun_corrupt(r, id, "runs again");
        r->jobs[id].ran = true;
    }
    for (id = 1; id <= r->max_id; id++)
        umap_del(r->w->tasks, id);
}

static int open_store(struct cutrun *r)
{
    struct store_options opts = {
        .path = "pwr.db",
        .vfs = r->vfs,
        .durability = r->p->durability,
        .checkpoint_interval = 0.001,
        .uuid = "test",
    };
    flux_error_t err;
    int rc = store_open(flux_reactor_loop(r->w->r), &opts, &r->w->store, &err);

    if (rc < 0) {
        r->w->store = NULL;
        if (!pwrvfs_is_cut(r->disk))
            cutrun_corrupt(r, 0, "%s", err.text);
    }
    return rc;
}

static long draw_budget(struct cutrun *r)
{
    static const long most[] = {60, 400, 2500, 6000};

    return (long)cutrun_random(r, (uint64_t)most[cutrun_random(r, 4)]);
}

static void down(struct cutrun *r)
{
    if (r->up) {
        world_crash(r->w);
        lose_tasks(r);
    }
    r->up = r->full = false;
    client_stop(r);
    cutkvs_stop(r->kvs);
    store_close(r->w->store);
    r->w->store = NULL;
}

/* Open on what the last cut left, check it, load it, cut. */
static void live(struct cutrun *r, bool last)
{
    bool early = !last && cutrun_random(r, 4) == 0;

    if (early)
        pwrvfs_cut_after(r->disk, (long)cutrun_random(r, 30));
    if (open_store(r) == 0) {
        cutrun_check(r);
        cutkvs_start(r->kvs);
        if (!last && !r->broken) {
            if (!early)
                pwrvfs_cut_after(r->disk, draw_budget(r));
            r->w->cores = 8;
            world_start(r->w);
            r->up = true;
            work(r);
        }
    }
    down(r);
    pwrvfs_power_on(r->disk);
    r->p->cuts += !last;
}

static void run_free(struct cutrun *r)
{
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

static void run_new(struct cutrun *r)
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

void cutjobs_run(struct cutjobs *p)
{
    struct cutrun r = {.p = p}, *volatile run = &r;

    if (setjmp(failed_assertion)) {
        /* Its world stays where it stopped. */
        cutrun_corrupt(run, 0, "%s", failed_text);
        p->cuts++;
        return;
    }
    run_new(run);
    for (volatile int i = 0; i <= p->lives && !run->broken; i++)
        live(run, i == p->lives);
    flux_watcher_destroy(run->tick);
    world_free(run->w);
    pwrvfs_free(run->disk);
    run_free(run);
}

/* A whole instance of one broker in a simulated world: one thread, virtual time, all that may
 * happen in another order drawn from a seed. The same seed gives the same trace, to the last
 * event; SEED=n in the environment repeats one.
 */
#include <check.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <flux/connector.h>
#include <flux/core.h>
#include <flux/job.h>

#include "base/buf.h"
#include "base/json.h"
#include "broker/broker.h"
#include "rfc21.h"

#define JOBS 100
#define CORES 16
#define PAUSE 0.1      /* virtual seconds from one list to the next */
#define LATEST 100000. /* virtual seconds by which all must be over */

struct sim_job {
    struct world *w;
    flux_jobid_t id;
    flux_future_t *submit, *watch;
    struct buf log;
    double alloc, freed;
};

struct world {
    struct env *env;
    flux_reactor_t *r;
    struct broker *b;
    flux_t *h;
    bool up;
    unsigned events, ended;
    struct sim_job jobs[JOBS];
    flux_future_t *list;
    flux_watcher_t *pause;      /* between two lists */
    unsigned lists, told[JOBS]; /* in how many lists it was, of those */
    bool owed[JOBS];            /* it was acknowledged before this list was asked for */
};

struct outcome {
    uint64_t hash;
    unsigned events;
    double virtual_time, wall_time;
};

static double run_duration(int i)
{
    return 1. + i * 7 % 50;
}

static void up_cb(int errnum, const flux_error_t *err, void *arg)
{
    struct world *w = arg;

    ck_assert_msg(errnum == 0, "the broker did not come up: %s", err ? err->text : "?");
    w->up = true;
}

static void start(struct world *w, uint64_t seed)
{
    static const char *const keys[] = {"fake-resources.nnodes=4",
                                       "fake-resources.cores-per-node=4", NULL};
    static const char *const environment[] = {NULL};
    struct flux_instance_options opts = FLUX_INSTANCE_OPTIONS_INIT;
    flux_error_t err;

    opts.config_keys = keys;
    opts.environment = environment;
    ck_assert_int_eq(env_new_sim(seed, &w->env), 0);
    w->r = flux_reactor_create_env(w->env);
    ck_assert_ptr_nonnull(w->r);
    ck_assert_msg(broker_new(w->env, w->r, &opts, &w->b, &err) == 0, "%s", err.text);
    broker_start(w->b, up_cb, w);
    for (double t = 0.; !w->up && t < 60.; t += 0.1)
        env_sim_run(w->env, t);
    ck_assert(w->up);
    ck_assert_int_eq(broker_open(w->b, &w->h), 0);
    ck_assert_int_eq(flux_set_reactor(w->h, w->r), 0);
}

/* Its end is the loop's. */
static void stop(struct world *w)
{
    flux_close(w->h);
    broker_stop(w->b);
    while (!broker_is_down(w->b))
        ck_assert_int_ge(flux_reactor_run(w->r, 0), 0);
    ck_assert_int_eq(broker_exit_code(w->b), 0);
    broker_free(w->b);
    flux_reactor_destroy(w->r);
}

static void event_cb(flux_future_t *f, void *arg)
{
    struct sim_job *job = arg;
    const char *line;

    if (flux_job_event_watch_get(f, &line) < 0) {
        ck_assert_msg(errno == ENODATA, "job %ju: %s", (uintmax_t)job->id,
                      flux_future_error_string(f));
        if (++job->w->ended == JOBS)
            flux_reactor_stop(job->w->r);
        return;
    }
    job->w->events++;
    env_sim_trace(job->w->env, line, job->id, 0);
    buf_adds(&job->log, line);
    if (job->log.data[job->log.len - 1] != '\n')
        buf_addc(&job->log, '\n');
    flux_future_reset(f);
}

static void submitted_cb(flux_future_t *f, void *arg)
{
    struct sim_job *job = arg;

    ck_assert_msg(flux_job_submit_get_id(f, &job->id) == 0, "submit: %s",
                  flux_future_error_string(f));
    job->watch = flux_job_event_watch(job->w->h, job->id, "eventlog", 0);
    ck_assert_ptr_nonnull(job->watch);
    ck_assert_int_eq(flux_future_then(job->watch, -1., event_cb, job), 0);
}

static void submit(struct world *w, int i)
{
    struct sim_job *job = &w->jobs[i];
    char spec[1024];

    snprintf(spec, sizeof(spec),
             "{\"version\":1,\"resources\":[{\"type\":\"slot\",\"count\":1,\"label\":"
             "\"task\",\"with\":[{\"type\":\"core\",\"count\":1}]}],\"tasks\":[{"
             "\"command\":[\"true\"],\"slot\":\"task\",\"count\":{\"per_slot\":1}}],"
             "\"attributes\":{\"system\":{\"duration\":0,\"exec\":{\"test\":{"
             "\"run_duration\":\"%gs\"}}}}}",
             run_duration(i));
    job->w = w;
    job->submit = flux_job_submit(w->h, spec, FLUX_JOB_URGENCY_DEFAULT, 0);
    ck_assert_ptr_nonnull(job->submit);
    ck_assert_int_eq(flux_future_then(job->submit, -1., submitted_cb, job), 0);
}

/* ---- lists, one after the other while jobs come and end ---- */

static void list_cb(flux_future_t *f, void *arg);

static void list_again(flux_reactor_t *r, flux_watcher_t *pause, int revents, void *arg)
{
    struct world *w = arg;

    for (int i = 0; i < JOBS; i++) {
        w->owed[i] = w->jobs[i].id != 0;
        w->told[i] = 0;
    }
    w->list = flux_job_list(w->h, 0, "[\"state\"]", FLUX_USERID_UNKNOWN, 0);
    ck_assert_ptr_nonnull(w->list);
    ck_assert_int_eq(flux_future_then(w->list, -1., list_cb, w), 0);
}

static void list_cb(flux_future_t *f, void *arg)
{
    struct world *w = arg;
    const cJSON *jobs, *job;
    int64_t id;

    if (flux_rpc_get_unpack(f, "{s:o}", "jobs", &jobs) == 0) {
        cJSON_ArrayForEach(job, jobs)
        {
            ck_assert_int_eq(json_int64(json_get(job, "id"), &id), 0);
            for (int i = 0; i < JOBS; i++)
                w->told[i] += w->jobs[i].id == (flux_jobid_t)id;
        }
        flux_future_reset(f);
        return;
    }
    ck_assert_msg(errno == ENODATA, "list: %s", flux_future_error_string(f));
    for (int i = 0; i < JOBS; i++)
        ck_assert_msg(w->told[i] == 1 || (w->told[i] == 0 && !w->owed[i]),
                      "list %u has job %ju %u times", w->lists, (uintmax_t)w->jobs[i].id,
                      w->told[i]);
    w->lists++;
    flux_future_destroy(f);
    w->list = NULL;
    flux_timer_watcher_reset(w->pause, PAUSE, 0.);
    flux_watcher_start(w->pause);
}

/* ---- what is right ---- */

/* When an event of a job happened, by its log. */
static double time_of(const struct sim_job *job, const char *event)
{
    char name[64];
    const char *at, *stamp;

    snprintf(name, sizeof(name), "\"name\":\"%s\"", event);
    at = strstr(job->log.data, name);
    ck_assert_msg(at != NULL, "no %s in %s", event, job->log.data);
    while (at > job->log.data && at[-1] != '\n')
        at--;
    stamp = strstr(at, "\"timestamp\":");
    ck_assert_ptr_nonnull(stamp);
    return atof(stamp + strlen("\"timestamp\":"));
}

static void check_job(struct sim_job *job, int i)
{
    struct rfc21 r;

    buf_adds(&job->log, "");
    ck_assert_msg(rfc21_check(job->log.data, job->log.len, &r) == 0, "job %ju: %s\n%s",
                  (uintmax_t)job->id, r.why, job->log.data);
    ck_assert_int_eq(r.state, FLUX_JOB_STATE_INACTIVE);
    ck_assert_int_eq(r.status, 0);
    ck_assert(r.started && r.finished && r.freed && !r.doomed);
    job->alloc = time_of(job, "alloc");
    job->freed = time_of(job, "free");
    ck_assert_double_ge(time_of(job, "finish") - time_of(job, "start"),
                        run_duration(i) - 1e-3);
}

/* No core had two jobs at a time. */
static void check_cores(const struct world *w)
{
    for (int i = 0; i < JOBS; i++) {
        int at_once = 0;

        for (int k = 0; k < JOBS; k++)
            at_once += w->jobs[k].alloc <= w->jobs[i].alloc &&
                       w->jobs[i].alloc < w->jobs[k].freed;
        ck_assert_int_le(at_once, CORES);
    }
}

static unsigned threads(void)
{
    DIR *dir = opendir("/proc/self/task");
    unsigned n = 0;

    for (struct dirent *e; (e = readdir(dir));)
        n += e->d_name[0] != '.';
    closedir(dir);
    return n;
}

static double wall(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void finish(struct world *w)
{
    for (int i = 0; i < JOBS; i++) {
        check_job(&w->jobs[i], i);
        flux_future_destroy(w->jobs[i].submit);
        flux_future_destroy(w->jobs[i].watch);
    }
    check_cores(w);
    for (int i = 0; i < JOBS; i++)
        buf_free(&w->jobs[i].log);
}

static struct outcome simulate(uint64_t seed, bool listing)
{
    struct world *w = calloc(1, sizeof(*w));
    struct outcome o = {.wall_time = wall()};
    unsigned before = threads(); /* a sanitizer has one of its own */

    start(w, seed);
    w->pause = flux_timer_watcher_create(w->r, PAUSE, 0., list_again, w);
    ck_assert_ptr_nonnull(w->pause);
    for (int i = 0; i < JOBS; i++)
        submit(w, i);
    if (listing)
        list_again(w->r, NULL, 0, w);
    while (w->ended < JOBS && env_monotonic(w->env) < LATEST)
        ck_assert_int_ge(flux_reactor_run(w->r, 0), 0);
    ck_assert_uint_eq(w->ended, JOBS);
    o.virtual_time = env_monotonic(w->env);
    ck_assert_uint_eq(threads(), before);
    ck_assert(!listing || w->lists > JOBS);
    flux_future_destroy(w->list);
    flux_watcher_destroy(w->pause);
    finish(w);
    stop(w);
    o.events = w->events;
    o.hash = env_sim_hash(w->env);
    o.wall_time = wall() - o.wall_time;
    env_unref(w->env);
    free(w);
    printf("seed %" PRIu64 ": trace %016" PRIx64
           ", %u job events, %.1f s of virtual time in "
           "%.3f s, %.0f job events/s\n",
           seed, o.hash, o.events, o.virtual_time, o.wall_time, o.events / o.wall_time);
    return o;
}

static uint64_t first_seed(void)
{
    const char *s = getenv("SEED");

    return s ? strtoull(s, NULL, 0) : 1;
}

START_TEST(a_hundred_jobs_run_on_virtual_time)
{
    struct outcome o = simulate(first_seed(), false);
    double work = 0.;

    for (int i = 0; i < JOBS; i++)
        work += run_duration(i);
    ck_assert_double_ge(o.virtual_time, work / CORES);
    ck_assert_double_le(o.virtual_time, work / CORES + 60.);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_trace)
{
    struct outcome a = simulate(first_seed(), false), b = simulate(first_seed(), false);

    ck_assert_uint_eq(a.hash, b.hash);
    ck_assert_uint_eq(a.events, b.events);
    ck_assert(a.virtual_time == b.virtual_time);
}
END_TEST

START_TEST(another_seed_gives_another_trace)
{
    ck_assert_uint_ne(simulate(first_seed(), false).hash,
                      simulate(first_seed() + 1, false).hash);
}
END_TEST

START_TEST(no_order_of_events_loses_a_job)
{
    simulate(first_seed() + 2 + (uint64_t)_i, false);
}
END_TEST

START_TEST(every_list_has_every_job_once)
{
    simulate(first_seed() + (uint64_t)_i, true);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("one_broker");
    TCase *tc = tcase_create("one_broker");
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_hundred_jobs_run_on_virtual_time);
    tcase_add_test(tc, the_same_seed_gives_the_same_trace);
    tcase_add_test(tc, another_seed_gives_another_trace);
    tcase_add_loop_test(tc, no_order_of_events_loses_a_job, 0, 20);
    tcase_add_loop_test(tc, every_list_has_every_job_once, 0, 3);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}

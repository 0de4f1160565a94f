/* A small world for the job manager, see world.h. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "modules/job-ingest/module.h"
#include "modules/job-manager/module.h"
#include "proto/eventlog.h"
#include "world.h"

static void task_free(void *arg)
{
    struct task *t = arg;

    flux_watcher_destroy(t->timer);
    free(t);
}

struct world *world_new(uint64_t seed)
{
    struct world *w = calloc(1, sizeof(*w));
    struct store_options opts = {.path = NULL, .durability = STORE_NONE, .uuid = "test"};
    flux_error_t err;

    ck_assert_int_eq(seed ? env_new_sim(seed, &w->env) : env_new_real(&w->env), 0);
    w->r = flux_reactor_create_env(w->env);
    ck_assert_ptr_nonnull(w->r);
    ck_assert_int_eq(store_open(flux_reactor_loop(w->r), &opts, &w->store, &err), 0);
    w->rt = router_new(w->r);
    router_watch(w->rt, world_watch, w);
    w->client = router_open(w->rt, NULL, getuid(), FLUX_ROLE_OWNER | FLUX_ROLE_LOCAL);
    w->guest = router_open(w->rt, NULL, getuid() + 1, FLUX_ROLE_USER | FLUX_ROLE_LOCAL);
    w->sched_queue = umap_new(NULL);
    w->sched_given = umap_new(NULL);
    w->tasks = umap_new(task_free);
    w->cores = 4;
    w->run_time = 0.1;
    return w;
}

void world_free(struct world *w)
{
    if (w->jm.ctx)
        world_stop(w);
    umap_free(w->tasks);
    umap_free(w->sched_queue);
    umap_free(w->sched_given);
    router_free(w->rt);
    flux_conf_decref(w->conf);
    store_close(w->store);
    flux_reactor_destroy(w->r);
    env_unref(w->env);
    free(w);
}

static void log_cb(const char *buf, int len, void *arg)
{
    if (getenv("TEST_LOG"))
        fprintf(stderr, "%.*s\n", len, buf);
}

static void start_module(struct world *w, const struct flux_module *m, flux_t **h,
                         void **ctx)
{
    *h = router_open(w->rt, m->name, getuid(), FLUX_ROLE_OWNER);
    flux_log_set_redirect(*h, log_cb, NULL);
    flux_aux_set(*h, "flux::store", w->store, NULL);
    flux_aux_set(*h, "flux::uuid", "module-uuid", NULL);
    if (w->conf)
        flux_set_conf(*h, w->conf);
    else
        flux_set_conf_new(*h, flux_conf_create());
    ck_assert_int_eq(m->init(*h, 0, NULL, ctx), 0);
}

void world_start(struct world *w)
{
    start_module(w, &job_manager_module, &w->jm.h, &w->jm.ctx);
    start_module(w, &job_ingest_module, &w->ingest.h, &w->ingest.ctx);
    world_start_sched(w);
    world_start_exec(w);
}

static void stop_all(struct world *w, void (*end_jm)(flux_t *h, void *ctx))
{
    job_ingest_module.fini(w->ingest.h, w->ingest.ctx);
    end_jm(w->jm.h, w->jm.ctx);
    router_close(w->rt, w->ingest.h, false);
    router_close(w->rt, w->jm.h, false);
    w->jm.ctx = w->ingest.ctx = NULL;
    world_stop_sched(w);
    world_stop_exec(w);
}

void world_stop(struct world *w)
{
    stop_all(w, job_manager_module.fini);
}

void world_crash(struct world *w)
{
    stop_all(w, job_manager_abandon);
}

void world_turns(struct world *w, int n)
{
    while (n-- > 0)
        flux_reactor_run(w->r,
                         env_is_sim(w->env) ? FLUX_REACTOR_ONCE : FLUX_REACTOR_NOWAIT);
}

bool world_until(struct world *w, bool (*cond)(struct world *w, void *arg), void *arg)
{
    for (int i = 0; i < 100000; i++) {
        if (cond(w, arg))
            return true;
        flux_reactor_run(w->r, FLUX_REACTOR_ONCE);
    }
    return false;
}

static bool is_ready(struct world *w, void *arg)
{
    return flux_future_is_ready(arg);
}

static void arrived(flux_future_t *f, void *arg)
{
}

void world_wait(struct world *w, flux_future_t *f)
{
    ck_assert_ptr_nonnull(f);
    flux_future_then(f, -1., arrived, NULL);
    ck_assert_msg(world_until(w, is_ready, f), "nothing more happens");
}

const char *world_jobspec(const char *extra)
{
    static char text[4096];

    snprintf(text, sizeof(text),
             "{\"version\":1,\"resources\":[{\"type\":\"slot\",\"count\":1,\"label\":"
             "\"task\",\"with\":[{\"type\":\"core\",\"count\":1}]}],\"tasks\":[{"
             "\"command\":[\"true\"],\"slot\":\"task\",\"count\":{\"per_slot\":1}}],"
             "\"attributes\":{\"system\":{%s\"environment\":{\"HOME\":\"/\"},"
             "\"duration\":0}}}",
             extra ? extra : "");
    return text;
}

flux_future_t *world_submit_async(struct world *w, const char *extra, int urgency,
                                  int flags)
{
    return flux_job_submit(w->client, world_jobspec(extra), urgency, flags);
}

flux_jobid_t world_submit(struct world *w, const char *extra, int urgency, int flags)
{
    flux_future_t *f = world_submit_async(w, extra, urgency, flags);
    flux_jobid_t id = 0;

    world_wait(w, f);
    ck_assert_msg(flux_job_submit_get_id(f, &id) == 0, "submit: %s",
                  flux_future_error_string(f));
    flux_future_destroy(f);
    AUTOFREE char *events = world_events(w, id);
    ck_assert_msg(strncmp(events, "submit,", 7) == 0, "acknowledged, not on disk");
    return id;
}

int world_submit_fails(struct world *w, const char *extra, const char **text)
{
    static char buf[256];
    flux_future_t *f = world_submit_async(w, extra, 16, 0);
    flux_jobid_t id;
    int errnum;

    world_wait(w, f);
    ck_assert_int_eq(flux_job_submit_get_id(f, &id), -1);
    errnum = errno;
    snprintf(buf, sizeof(buf), "%s", flux_future_error_string(f));
    flux_future_destroy(f);
    if (text)
        *text = buf;
    return errnum;
}

int world_rpc(struct world *w, flux_t *h, const char *topic, const char *payload,
              char **answer)
{
    flux_future_t *f = flux_rpc(h, topic, payload, FLUX_NODEID_ANY, 0);
    const char *s = NULL;
    int rc = 0;

    world_wait(w, f);
    if (flux_rpc_get(f, &s) < 0)
        rc = errno;
    if (answer)
        *answer = rc == 0 && s ? strdup(s)
                  : rc         ? strdup(flux_future_error_string(f))
                               : NULL;
    flux_future_destroy(f);
    return rc;
}

void world_drain(struct world *w)
{
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.drain", NULL, NULL), 0);
}

struct log_read {
    flux_jobid_t id;
    struct buf log;
    uint64_t next;
};

static int log_piece(uint64_t seq, const void *data, size_t len, void *arg)
{
    struct log_read *l = arg;

    ck_assert_msg(seq == l->next, "piece at %ju, expected %ju", (uintmax_t)seq,
                  (uintmax_t)l->next);
    for (size_t i = 0; i < len; i++)
        l->next += ((const char *)data)[i] == '\n';
    return buf_add(&l->log, data, len);
}

static int log_read(struct store_reader *r, void *arg)
{
    struct log_read *l = arg;

    return store_reader_jobdata(r, l->id, "eventlog", log_piece, l);
}

char *world_eventlog(struct world *w, flux_jobid_t id)
{
    struct log_read l = {.id = id};
    int rc = store_read_now(w->store, log_read, &l);

    ck_assert_msg(rc == 0 || rc == -ENOENT, "eventlog: %s", strerror(-rc));
    buf_adds(&l.log, "");
    return buf_take(&l.log, NULL);
}

char *world_events(struct world *w, flux_jobid_t id)
{
    AUTOFREE char *log = world_eventlog(w, id);
    struct buf names = {0};
    const char *line;
    size_t pos = 0, n;
    struct event e;
    flux_error_t err;

    while (eventlog_next(log, strlen(log), &pos, &line, &n) > 0) {
        ck_assert_int_eq(event_parse(line, n, &e, &err), 0);
        buf_addf(&names, "%s%s", names.len ? "," : "", e.name);
        event_free(&e);
    }
    buf_adds(&names, "");
    return buf_take(&names, NULL);
}

struct rfc21 world_check(struct world *w, flux_jobid_t id)
{
    AUTOFREE char *log = world_eventlog(w, id);
    struct rfc21 r;

    ck_assert_msg(rfc21_check(log, strlen(log), &r) == 0, "job %ju: %s\n%s",
                  (uintmax_t)id, r.why, log);
    return r;
}

bool world_has_event(struct world *w, flux_jobid_t id, const char *name)
{
    AUTOFREE char *events = world_events(w, id);

    return strstr(events, name) != NULL;
}

struct wanted {
    flux_jobid_t id;
    const char *name;
};

static bool event_seen(struct world *w, void *arg)
{
    struct wanted *want = arg;

    return world_has_event(w, want->id, want->name);
}

void world_wait_event(struct world *w, flux_jobid_t id, const char *name)
{
    struct wanted want = {id, name};

    ck_assert_msg(world_until(w, event_seen, &want), "job %ju: no %s", (uintmax_t)id,
                  name);
}

int world_cancel(struct world *w, flux_jobid_t id)
{
    char payload[128];

    snprintf(payload, sizeof(payload),
             "{\"id\":%ju,\"severity\":0,\"type\":\"cancel\",\"note\":\"x\"}",
             (uintmax_t)id);
    return world_rpc(w, w->client, "job-manager.raise", payload, NULL);
}

void world_check_order(struct world *w, flux_jobid_t id, const char *expected)
{
    AUTOFREE char *events = world_events(w, id);

    ck_assert_str_eq(events, expected);
    world_check(w, id);
}

struct task *world_task(struct world *w, flux_jobid_t id)
{
    return umap_get(w->tasks, id);
}

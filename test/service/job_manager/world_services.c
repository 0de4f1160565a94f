/* The scheduler and the execution service that the tests play, see world.h. Both speak
 * the batch protocol. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "world.h"

static void send_noresponse(flux_t *h, const char *topic, struct buf *payload)
{
    flux_future_t *f =
        flux_rpc(h, topic, payload->data, FLUX_NODEID_ANY, FLUX_RPC_NORESPONSE);

    ck_assert_ptr_nonnull(f);
    flux_future_destroy(f);
    buf_free(payload);
}

/* Nothing that is not durable is visible: what led to this message is on disk. */
static void expect_stored(struct world *w, flux_jobid_t id, const char *event)
{
    AUTOFREE char *events = world_events(w, id);

    ck_assert_msg(strstr(events, event), "job %ju: %s is not on disk: %s", (uintmax_t)id,
                  event, events);
}

/* The job's free is on disk, unless it never took what it was given. */
static void expect_free(struct world *w, flux_jobid_t id)
{
    AUTOFREE char *events = world_events(w, id);

    if (strstr(events, "alloc"))
        expect_stored(w, id, "free");
}

/* Every message of the job manager about a job, looked at when it is sent. */
void world_watch(const flux_msg_t *msg, void *arg)
{
    static const struct {
        const char *topic, *event;
    } rules[] = {
        {"sched.alloc", "priority"},      {"sched.free", NULL},
        {"job-exec.start", "alloc"},      {"job-exec.ack", "release"},
        {"job-exec.cancel", "exception"},
    };
    struct world *w = arg;
    const char *topic;
    cJSON *list = NULL, *e;
    int64_t id;
    unsigned i;

    flux_msg_get_topic(msg, &topic);
    for (i = 0; i < ARRAY_SIZE(rules) && strcmp(rules[i].topic, topic) != 0; i++)
        ;
    if (i == ARRAY_SIZE(rules) || (flux_msg_unpack(msg, "{s:o}", "jobs", &list) < 0 &&
                                   flux_msg_unpack(msg, "{s:o}", "ids", &list) < 0))
        return;
    cJSON_ArrayForEach(e, list)
    {
        if (json_int64(cJSON_IsObject(e) ? json_get(e, "id") : e, &id) < 0)
            continue;
        if (rules[i].event)
            expect_stored(w, (flux_jobid_t)id, rules[i].event);
        else
            expect_free(w, (flux_jobid_t)id);
    }
}

/* -- scheduler -- */

static void give_cores(struct world *w)
{
    struct buf out = {0};
    void *value;
    uint64_t id;

    while (!w->sched_paused && w->cores > 0 && umap_count(w->sched_queue) > 0) {
        uint64_t best = 0;
        uintptr_t best_prio = 0;

        for (size_t it = 0; umap_next(w->sched_queue, &it, &id, &value);)
            if ((uintptr_t)value > best_prio) {
                best = id;
                best_prio = (uintptr_t)value;
            }
        umap_take(w->sched_queue, best);
        umap_set(w->sched_given, best, w);
        w->cores--;
        w->nallocs++;
        buf_addf(
            &out,
            "%s{\"id\":%ju,\"type\":0,\"R\":{\"version\":1,\"execution\":{\"R_lite\":["
            "{\"rank\":\"0\",\"children\":{\"core\":\"%u\"}}],\"starttime\":0.0,"
            "\"expiration\":0.0,\"nodelist\":[\"n0\"]}},\"annotations\":{\"sched\":{"
            "\"resource_summary\":\"rank0/core%u\"}}}",
            out.len ? "," : "{\"results\":[", (uintmax_t)best, w->cores, w->cores);
    }
    if (out.len > 0) {
        buf_adds(&out, "]}");
        send_noresponse(w->sched, "job-manager.sched-results", &out);
    }
}

static void sched_alloc(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                        void *arg)
{
    struct world *w = arg;
    cJSON *jobs, *j;
    int64_t id, priority;

    if (w->sched_hello)
        return;
    ck_assert_int_eq(flux_request_unpack(msg, NULL, "{s:o}", "jobs", &jobs), 0);
    cJSON_ArrayForEach(j, jobs)
    {
        ck_assert_int_eq(
            json_unpack(j, NULL, "{s:I s:I}", "id", &id, "priority", &priority), 0);
        ck_assert_msg(!umap_get(w->sched_queue, (uint64_t)id), "job asked for twice");
        ck_assert_msg(!umap_get(w->sched_given, (uint64_t)id), "job has its core");
        umap_set(w->sched_queue, (uint64_t)id, (void *)(uintptr_t)(priority + 1));
    }
    give_cores(w);
}

static void sched_free(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                       void *arg)
{
    struct world *w = arg;
    cJSON *ids, *e;
    int64_t id;

    if (w->sched_hello)
        return;
    ck_assert_int_eq(flux_request_unpack(msg, NULL, "{s:o}", "ids", &ids), 0);
    cJSON_ArrayForEach(e, ids)
    {
        ck_assert_int_eq(json_int64(e, &id), 0);
        ck_assert_msg(umap_take(w->sched_given, (uint64_t)id), "job %jd has no core",
                      (intmax_t)id);
        w->cores++;
        w->nfrees++;
    }
    give_cores(w);
}

static void sched_cancel(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                         void *arg)
{
    struct world *w = arg;
    struct buf out = {0};
    cJSON *ids, *e;
    int64_t id;

    if (w->sched_hello)
        return;
    ck_assert_int_eq(flux_request_unpack(msg, NULL, "{s:o}", "ids", &ids), 0);
    cJSON_ArrayForEach(e, ids)
    {
        json_int64(e, &id);
        if (!umap_take(w->sched_queue, (uint64_t)id))
            continue;
        w->ncancels++;
        buf_addf(&out, "%s{\"id\":%jd,\"type\":3}", out.len ? "," : "{\"results\":[",
                 (intmax_t)id);
    }
    if (out.len > 0) {
        buf_adds(&out, "]}");
        send_noresponse(h, "job-manager.sched-results", &out);
    }
}

static void sched_prioritize(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                             void *arg)
{
    struct world *w = arg;
    cJSON *jobs, *j;
    int64_t id, priority;

    if (w->sched_hello)
        return;
    ck_assert_int_eq(flux_request_unpack(msg, NULL, "{s:o}", "jobs", &jobs), 0);
    cJSON_ArrayForEach(j, jobs)
    {
        ck_assert_int_eq(json_unpack(j, NULL, "[I,I]", &id, &priority), 0);
        if (umap_get(w->sched_queue, (uint64_t)id))
            umap_set(w->sched_queue, (uint64_t)id, (void *)(uintptr_t)(priority + 1));
    }
}

void world_sched_resume(struct world *w)
{
    w->sched_paused = false;
    give_cores(w);
}

static void hello_cb(flux_future_t *f, void *arg)
{
    struct world *w = arg;
    int64_t id;
    cJSON *R;
    flux_future_t *ready;

    if (flux_rpc_get_unpack(f, "{s:I s:o}", "id", &id, "R", &R) == 0) {
        umap_set(w->sched_given, (uint64_t)id, w);
        ck_assert_uint_gt(w->cores, 0);
        w->cores--;
        flux_future_reset(f);
        return;
    }
    ck_assert_int_eq(errno, ENODATA);
    flux_future_destroy(f);
    w->sched_hello = NULL;
    ready =
        flux_rpc_pack(w->sched, "job-manager.sched-ready", FLUX_NODEID_ANY,
                      FLUX_RPC_NORESPONSE, "{s:s s:b}", "mode", "unlimited", "batch", 1);
    flux_future_destroy(ready);
}

static const struct flux_msg_handler_spec sched_requests[] = {
    {FLUX_MSGTYPE_REQUEST, "sched.alloc", sched_alloc, 0},
    {FLUX_MSGTYPE_REQUEST, "sched.free", sched_free, 0},
    {FLUX_MSGTYPE_REQUEST, "sched.cancel", sched_cancel, 0},
    {FLUX_MSGTYPE_REQUEST, "sched.prioritize", sched_prioritize, 0},
    FLUX_MSGHANDLER_TABLE_END,
};

void world_start_sched(struct world *w)
{
    w->cores += (unsigned)umap_count(w->sched_given);
    umap_free(w->sched_queue);
    umap_free(w->sched_given);
    w->sched_queue = umap_new(NULL);
    w->sched_given = umap_new(NULL);
    w->sched = router_open(w->rt, "sched", getuid(), FLUX_ROLE_OWNER);
    ck_assert_int_eq(
        flux_msg_handler_addvec(w->sched, sched_requests, w, &w->sched_handlers), 0);
    w->sched_hello = flux_rpc_pack(w->sched, "job-manager.sched-hello", FLUX_NODEID_ANY,
                                   FLUX_RPC_STREAMING, "{}");
    flux_future_then(w->sched_hello, -1., hello_cb, w);
}

void world_stop_sched(struct world *w)
{
    if (!w->sched)
        return;
    flux_future_destroy(w->sched_hello);
    w->sched_hello = NULL;
    flux_msg_handler_delvec(w->sched_handlers);
    router_close(w->rt, w->sched, true);
    w->sched = NULL;
}

/* -- execution -- */

void world_report(struct world *w, flux_jobid_t id, const char *type, const char *data)
{
    struct buf out = {0};

    if (!w->exec || w->exec_mute)
        return;
    buf_addf(&out, "{\"results\":[{\"id\":%ju,\"type\":\"%s\",\"data\":%s}]}",
             (uintmax_t)id, type, data);
    send_noresponse(w->exec, "job-manager.exec-results", &out);
}

static void report_end(struct task *t)
{
    char data[64];

    snprintf(data, sizeof(data), "{\"status\":%d,\"utime\":0.0}", t->status);
    world_report(t->w, t->id, "finish", data);
    world_report(t->w, t->id, "release", "{\"ranks\":\"all\",\"final\":true}");
}

static void end_task(struct task *t, int status)
{
    if (t->ended)
        return;
    t->ended = true;
    t->status = status;
    flux_watcher_stop(t->timer);
    report_end(t);
}

void world_end_task(struct world *w, flux_jobid_t id, int status)
{
    end_task(world_task(w, id), status);
}

static void task_timer(flux_reactor_t *r, flux_watcher_t *watcher, int revents, void *arg)
{
    struct task *t = arg;

    if (!t->w->refuse_end)
        end_task(t, 0);
}

static struct task *run_task(struct world *w, flux_jobid_t id)
{
    struct task *t = calloc(1, sizeof(*t));

    *t = (struct task){.id = id, .runs = 1, .w = w};
    t->timer = flux_timer_watcher_create(w->r, w->run_time, 0., task_timer, t);
    flux_watcher_start(t->timer);
    umap_set(w->tasks, id, t);
    return t;
}

static void start_one(struct world *w, const cJSON *j)
{
    struct task *t;
    int64_t id, userid;
    int reattach;
    cJSON *jobspec, *R, *env;

    ck_assert_int_eq(json_unpack(j, NULL, "{s:I s:I s:b s:o s:o}", "id", &id, "userid",
                                 &userid, "reattach", &reattach, "jobspec", &jobspec, "R",
                                 &R),
                     0);
    env = json_get_path(jobspec, "attributes.system.environment");
    ck_assert_str_eq(json_str(json_get(env, "HOME")), "/");
    t = world_task(w, (flux_jobid_t)id);
    if (!t && reattach) {
        w->lost++;
        world_report(w, (flux_jobid_t)id, "exception",
                     "{\"severity\":0,\"type\":\"lost-shell\",\"note\":\"gone\"}");
        world_report(w, (flux_jobid_t)id, "release",
                     "{\"ranks\":\"all\",\"final\":true}");
        return;
    }
    if (!t)
        t = run_task(w, (flux_jobid_t)id);
    world_report(w, (flux_jobid_t)id, reattach ? "reattached" : "start", "{}");
    if (t->ended)
        report_end(t);
}

static void exec_start(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                       void *arg)
{
    struct world *w = arg;
    cJSON *jobs, *j;

    ck_assert_int_eq(flux_request_unpack(msg, NULL, "{s:o}", "jobs", &jobs), 0);
    cJSON_ArrayForEach(j, jobs) start_one(w, j);
}

static void exec_cancel(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                        void *arg)
{
    struct world *w = arg;
    cJSON *ids, *e;
    int64_t id;

    ck_assert_int_eq(flux_request_unpack(msg, NULL, "{s:o}", "ids", &ids), 0);
    cJSON_ArrayForEach(e, ids)
    {
        json_int64(e, &id);
        if (world_task(w, (flux_jobid_t)id))
            end_task(world_task(w, (flux_jobid_t)id), 15);
    }
}

static void exec_ack(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct world *w = arg;
    cJSON *ids, *e;
    int64_t id;

    ck_assert_int_eq(flux_request_unpack(msg, NULL, "{s:o}", "ids", &ids), 0);
    cJSON_ArrayForEach(e, ids)
    {
        json_int64(e, &id);
        if (world_task(w, (flux_jobid_t)id))
            world_task(w, (flux_jobid_t)id)->acked = true;
    }
}

static void exec_kill(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct world *w = arg;
    int64_t id;
    int signum;

    ck_assert_int_eq(
        flux_request_unpack(msg, NULL, "{s:I s:i}", "id", &id, "signum", &signum), 0);
    w->kills++;
    flux_respond(h, msg, NULL);
    if (world_task(w, (flux_jobid_t)id))
        end_task(world_task(w, (flux_jobid_t)id), signum);
}

static const struct flux_msg_handler_spec exec_requests[] = {
    {FLUX_MSGTYPE_REQUEST, "job-exec.start", exec_start, 0},
    {FLUX_MSGTYPE_REQUEST, "job-exec.cancel", exec_cancel, 0},
    {FLUX_MSGTYPE_REQUEST, "job-exec.ack", exec_ack, 0},
    {FLUX_MSGTYPE_REQUEST, "job-exec.kill", exec_kill, 0},
    FLUX_MSGHANDLER_TABLE_END,
};

void world_start_exec(struct world *w)
{
    flux_future_t *f;

    w->exec = router_open(w->rt, "job-exec", getuid(), FLUX_ROLE_OWNER);
    ck_assert_int_eq(
        flux_msg_handler_addvec(w->exec, exec_requests, w, &w->exec_handlers), 0);
    f = flux_rpc_pack(w->exec, "job-manager.exec-hello", FLUX_NODEID_ANY,
                      FLUX_RPC_NORESPONSE, "{s:s s:b}", "service", "job-exec", "batch",
                      1);
    flux_future_destroy(f);
}

void world_stop_exec(struct world *w)
{
    if (!w->exec)
        return;
    flux_msg_handler_delvec(w->exec_handlers);
    router_close(w->rt, w->exec, true);
    w->exec = NULL;
}

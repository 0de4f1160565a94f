/* The module job-exec: its requests. See exec.h. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/module.h>

#include "base/cleanup.h"
#include "modules/job-exec/config.h"
#include "modules/job-exec/kill.h"
#include "modules/job-exec/mock.h"
#include "modules/job-exec/part.h"
#include "modules/job-exec/relay.h"
#include "modules/job-exec/shells.h"

#define HELLO_RETRY 0.5   /* seconds */
#define RELEASE_AFTER 1.0 /* seconds that a job may take to end everywhere */
#define ORPHANS 10.0 /* seconds that jobs live without a broker, without a statedir */

extern const struct flux_module job_exec_module;

/* -- starting -- */

static void start_real(struct exec_job *job, struct slice entry, uint32_t userid,
                       uint32_t owner)
{
    struct exec *x = job->x;
    struct slice R = SLICE_NONE;
    x->nreal++;
    if (userid != owner) {
        exec_fail(job, "exec", "jobs of other users than the instance owner need an IMP");
        return;
    }
    (void)slice_get(entry, "R", &R);
    job->entry = slice_text(entry);
    job->entry_len = entry.len;
    int rc = job->entry ? parts_make(job, R) : -ENOMEM;
    if (rc < 0)
        exec_fail(job, "exec", rc == -ENOMEM ? "out of memory" : "R makes no sense");
}

static int start_one(struct exec *x, struct slice entry, uint32_t owner)
{
    struct slice v, jobspec, test;
    int64_t id, userid = owner;
    if (slice_get(entry, "id", &v) < 0 || slice_int(v, &id) < 0)
        return -EPROTO;
    if (slice_get(entry, "userid", &v) == 0 && slice_int(v, &userid) < 0)
        return -EPROTO;
    struct exec_job *job = exec_job(x, (flux_jobid_t)id);
    if (job) { /* someone asks again */
        exec_report_state(job);
        return 0;
    }
    job = exec_add(x, (flux_jobid_t)id);
    if (!job)
        return -ENOMEM;
    if (slice_get(entry, "reattach", &v) == 0)
        (void)slice_bool(v, &job->reattach);
    if (slice_get(entry, "maybe-started", &v) == 0)
        (void)slice_bool(v, &job->maybe);
    bool mock = slice_get(entry, "jobspec", &jobspec) == 0 && mock_wanted(jobspec, &test);
    if (mock && !(job->mock = mock_new())) {
        umap_del(x->jobs, (uint64_t)id);
        return -ENOMEM;
    }
    if (mock)
        mock_start(job, test, entry, job->reattach);
    else
        start_real(job, entry, (uint32_t)userid, owner);
    return 0;
}

/* -- requests -- */

static void start_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    const char *s;
    struct slice jobs, entry;
    size_t pos = 0;
    uint32_t owner;
    int rc = -EPROTO;
    if (flux_request_decode(msg, NULL, &s) == 0 && s &&
        flux_msg_get_userid(msg, &owner) == 0)
        rc = slice_get(slice_of(s), "jobs", &jobs);
    while (rc == 0 && (rc = slice_element(jobs, &pos, &entry)) > 0)
        rc = start_one(arg, entry, owner);
    if (rc < 0) {
        flux_log(h, LOG_ERR, "start: %s", strerror(-rc));
        flux_respond_error(h, msg, -rc, NULL);
    } else {
        flux_respond(h, msg, NULL);
    }
}

static int each_id(struct exec *x, const flux_msg_t *msg,
                   void (*fn)(struct exec *x, flux_jobid_t id))
{
    const char *s;
    struct slice ids, v;
    size_t pos = 0;
    int64_t id;
    int rc = -EPROTO;
    if (flux_request_decode(msg, NULL, &s) == 0 && s)
        rc = slice_get(slice_of(s), "ids", &ids);
    while (rc == 0 && (rc = slice_element(ids, &pos, &v)) > 0)
        if ((rc = slice_int(v, &id)) == 0)
            fn(x, (flux_jobid_t)id);
    return rc;
}

static void cancel_one(struct exec *x, flux_jobid_t id)
{
    struct exec_job *job = exec_job(x, id);
    if (job && job->mock)
        mock_kill(job, SIGTERM);
    else if (job && !job->finished)
        parts_cancel(job);
}

static void cancel_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct exec *x = arg;
    shells_turn(x->shells); /* so that the shells know the jobs */
    int rc = each_id(x, msg, cancel_one);
    if (rc < 0)
        flux_respond_error(h, msg, -rc, NULL);
    else
        flux_respond(h, msg, NULL);
}

static void ack_one(struct exec *x, flux_jobid_t id)
{
    struct exec_job *job = exec_job(x, id);
    if (!job) {
        shells_ack_stray(x->shells, id);
        return;
    }
    for (unsigned i = 0; i < job->nparts; i++)
        shellctl_ack(job->parts[i].shell, id);
    exec_forget(x, job);
}

static void ack_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    int rc = each_id(arg, msg, ack_one);
    if (rc < 0)
        flux_respond_error(h, msg, -rc, NULL);
    else
        flux_respond(h, msg, NULL);
}

static void expiration_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                          void *arg)
{
    struct exec *x = arg;
    flux_jobid_t id;
    double at;
    if (flux_request_unpack(msg, NULL, "{s:I s:F}", "id", &id, "expiration", &at) < 0) {
        flux_respond_error(h, msg, EPROTO, NULL);
        return;
    }
    struct exec_job *job = exec_job(x, id);
    if (job) {
        job->expiration = at;
        job->has_expiration = true;
        shells_turn(x->shells); /* so that the shells know the job */
        for (unsigned i = 0; i < job->nparts; i++)
            shellctl_expiration(job->parts[i].shell, job);
    }
    flux_respond(h, msg, NULL);
}

static void kill_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    kill_request(arg, msg);
}

static void hello_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct exec *x = arg;
    shells_hello(x->shells, msg);
}

static void take_part_result(struct exec_part *p, struct slice type, struct slice data)
{
    if (slice_is(type, "finish"))
        part_finished(p, data);
    else if (slice_is(type, "exception"))
        part_exception(p, data);
    else if (slice_is(type, "exited"))
        part_exited(p, data);
    else {
        shellctl_take_ntasks(p->job, data);
        part_started(p, slice_is(type, "reattached"));
    }
}

static int take_result(struct exec *x, struct shellctl *s, struct slice o)
{
    struct slice v, type, data = SLICE_NONE;
    int64_t id;
    if (slice_get(o, "id", &v) < 0 || slice_int(v, &id) < 0 ||
        slice_get(o, "type", &v) < 0 || slice_str(v, &type) < 0)
        return -EPROTO;
    (void)slice_get(o, "data", &data);
    struct exec_job *job = exec_job(x, (flux_jobid_t)id);
    struct exec_part *p = job ? part_of(job, shellctl_rank(s)) : NULL;
    if (p)
        take_part_result(p, type, data);
    else
        shellctl_stray_result(s, (flux_jobid_t)id, slice_is(type, "finish"));
    return 0;
}

static int take_results(struct exec *x, struct slice text)
{
    struct slice v, o;
    size_t pos = 0;
    int64_t rank = 0;
    if (slice_get(text, "rank", &v) == 0 && slice_int(v, &rank) < 0)
        return -EPROTO;
    struct shellctl *s = shells_find(x->shells, (unsigned)rank);
    int rc = slice_get(text, "results", &v);
    if (!s)
        return rc; /* it has not said hello to us: it will */
    while (rc == 0 && (rc = slice_element(v, &pos, &o)) > 0)
        rc = take_result(x, s, o);
    return rc;
}

static void results_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                       void *arg)
{
    const char *s;
    int rc = -EPROTO;
    if (flux_request_decode(msg, NULL, &s) == 0 && s)
        rc = take_results(arg, slice_of(s));
    if (rc < 0)
        flux_log(h, LOG_ERR, "shell-results: %s", strerror(-rc));
}

static void output_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct exec *x = arg;
    struct shellctl *s = shells_need(x->shells, 0);
    if (!s) {
        flux_respond_error(h, msg, ENOMEM, NULL);
        return;
    }
    shells_turn(x->shells); /* the job's start goes first */
    relay_add(x->relays, msg);
    shells_mark(x->shells, s);
}

static void output_cancel_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                             void *arg)
{
    struct exec *x = arg;
    relay_cancel(x->relays, msg);
}

static void disconnect_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                          void *arg)
{
    struct exec *x = arg;
    relay_disconnect(x->relays, msg);
    shells_disconnect(x->shells, msg);
}

static const struct flux_msg_handler_spec handlers[] = {
    {FLUX_MSGTYPE_REQUEST, "start", start_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "cancel", cancel_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "ack", ack_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "kill", kill_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "expiration", expiration_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "shell-hello", hello_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "shell-results", results_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "output", output_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "output-cancel", output_cancel_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "disconnect", disconnect_cb, 0},
    FLUX_MSGHANDLER_TABLE_END,
};

/* -- a turn's end -- */

static void turn(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct exec *x = arg;
    flux_watcher_stop(x->awake);
    shells_turn(x->shells);
    if (!list_empty(&x->ending) && !flux_watcher_is_active(x->release_timer)) {
        flux_timer_watcher_reset(x->release_timer, RELEASE_AFTER, 0);
        flux_watcher_start(x->release_timer);
    }
    job_exec_flush(x);
}

static void nothing(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
}

/* Jobs that are to end and have not on all of their ranks. */
static void release(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct exec *x = arg;
    flux_watcher_stop(w);
    list_each(job, &x->ending, struct exec_job, link)
    {
        list_del(&job->link);
        part_release(job, false);
    }
    exec_poke(x);
}

/* -- life cycle -- */

static void said_hello(flux_future_t *f, void *arg)
{
    struct exec *x = arg;
    int rc = flux_rpc_get(f, NULL);
    x->hello = NULL;
    flux_future_destroy(f);
    exec_poke(x);
    if (rc == 0)
        x->ready = true;
    else
        flux_watcher_start(x->hello_timer); /* the job manager is not there yet */
}

static void say_hello(struct exec *x)
{
    x->hello = flux_rpc_pack(x->h, "job-manager.exec-hello", FLUX_NODEID_ANY, 0,
                             "{s:s s:b}", "service", x->name, "batch", 1);
    if (!x->hello || flux_future_then(x->hello, -1, said_hello, x) < 0)
        flux_log_error(x->h, "exec-hello");
}

static void hello_again(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    flux_watcher_stop(w);
    say_hello(arg);
}

/* How long jobs outlive the instance depends on what it keeps. */
static void got_statedir(flux_future_t *f, void *arg)
{
    struct exec *x = arg;
    const char *dir;
    bool kept = flux_rpc_get_unpack(f, "{s:s}", "value", &dir) == 0 && *dir;
    if (x->orphan_timeout < -1)
        x->orphan_timeout = kept ? -1 : ORPHANS;
    x->statedir = NULL;
    flux_future_destroy(f);
}

static void ask_statedir(struct exec *x)
{
    x->statedir =
        flux_rpc_pack(x->h, "attr.get", FLUX_NODEID_ANY, 0, "{s:s}", "name", "statedir");
    if (!x->statedir || flux_future_then(x->statedir, -1, got_statedir, x) < 0)
        flux_log_error(x->h, "attr.get");
}

static void fini(flux_t *h, void *arg)
{
    struct exec *x = arg;
    if (!x)
        return;
    relays_free(x->relays);
    job_exec_flush(x);
    umap_free(x->jobs);
    shells_free(x->shells);
    flux_future_destroy(x->hello);
    flux_future_destroy(x->statedir);
    flux_watcher_destroy(x->turn);
    flux_watcher_destroy(x->awake);
    flux_watcher_destroy(x->hello_timer);
    flux_watcher_destroy(x->release_timer);
    flux_msg_handler_delvec(x->handlers);
    buf_free(&x->results);
    free(x->shell_path);
    free(x);
}

static int make_parts(struct exec *x)
{
    x->jobs = umap_new(exec_job_free);
    x->turn = flux_check_watcher_create(x->r, turn, x);
    x->awake = flux_idle_watcher_create(x->r, nothing, x);
    x->hello_timer = flux_timer_watcher_create(x->r, HELLO_RETRY, 0, hello_again, x);
    x->release_timer = flux_timer_watcher_create(x->r, RELEASE_AFTER, 0, release, x);
    if (!x->jobs || !x->turn || !x->awake || !x->hello_timer || !x->release_timer ||
        relays_new(x, &x->relays) < 0 || shells_new(x, &x->shells) < 0)
        return -ENOMEM;
    if (flux_msg_handler_addvec_ex(x->h, x->name, handlers, x, &x->handlers) < 0)
        return -errno;
    flux_watcher_unref(x->turn);
    flux_watcher_set_priority(x->turn, -2); /* after all that was ready */
    flux_watcher_start(x->turn);
    return 0;
}

static int init(flux_t *h, int argc, char **argv, void **ret_ctx)
{
    flux_error_t err = {.text = "out of memory"};
    struct exec *x = calloc(1, sizeof(*x));
    if (!x)
        return -1;
    x->h = h;
    x->r = flux_get_reactor(h);
    x->name = flux_aux_get(h, "flux::name");
    list_init(&x->ending);
    if (!x->name)
        x->name = job_exec_module.name;
    int rc = config_read(x, argc, argv, &err);
    if (rc == 0)
        rc = make_parts(x);
    if (rc < 0) {
        flux_log(h, LOG_ERR, "%s", rc == -EINVAL ? err.text : strerror(-rc));
        fini(h, x);
        errno = -rc;
        return -1;
    }
    ask_statedir(x);
    say_hello(x);
    *ret_ctx = x;
    return 0;
}

const struct flux_module job_exec_module = {
    .abi = FLUX_MODULE_ABI,
    .size = sizeof(struct flux_module),
    .name = "job-exec",
    .init = init,
    .fini = fini,
    .flags = FLUX_MODULE_INLINE,
};

/* The module job-exec: its requests. See exec.h. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/module.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fsd.h"
#include "base/json.h"
#include "modules/job-exec/mock.h"
#include "modules/job-exec/relay.h"
#include "modules/job-exec/shellctl.h"

#define KILL_TIMEOUT 5.0 /* seconds */
#define HELLO_RETRY 0.5  /* seconds */

extern const struct flux_module job_exec_module;

/* -- starting -- */

static void start_real(struct exec_job *job, struct slice entry, uint32_t userid,
                       uint32_t owner)
{
    struct exec *x = job->x;
    x->nreal++;
    if (userid != owner) {
        exec_fail(job, "exec", "jobs of other users than the instance owner need an IMP");
        return;
    }
    job->entry = slice_text(entry);
    job->entry_len = entry.len;
    if (!job->entry)
        exec_fail(job, "exec", "out of memory");
    else
        list_append(&x->waiting, &job->link);
    exec_poke(x);
}

/* Someone asks for a job that we have. */
static void start_again(struct exec_job *job)
{
    struct exec *x = job->x;
    char payload[64];
    snprintf(payload, sizeof(payload), "{\"jobs\":[{\"id\":%ju,\"reattach\":true}]}",
             (uintmax_t)job->id);
    /* The shell knows more than we do: usage, exceptions. */
    if (job->mock || job->state == EXEC_WAITING ||
        shellctl_send(x->shell, "start", payload) < 0)
        exec_report_state(job);
}

static int start_one(struct exec *x, struct slice entry, uint32_t owner)
{
    struct slice v, jobspec, test;
    int64_t id, userid = owner;
    bool reattach = false;
    if (slice_get(entry, "id", &v) < 0 || slice_int(v, &id) < 0)
        return -EPROTO;
    if (slice_get(entry, "userid", &v) == 0 && slice_int(v, &userid) < 0)
        return -EPROTO;
    if (slice_get(entry, "reattach", &v) == 0)
        (void)slice_bool(v, &reattach);
    struct exec_job *job = exec_job(x, (flux_jobid_t)id);
    if (job) {
        start_again(job);
        return 0;
    }
    job = exec_add(x, (flux_jobid_t)id);
    if (!job)
        return -ENOMEM;
    job->was_running = reattach;
    bool mock = slice_get(entry, "jobspec", &jobspec) == 0 && mock_wanted(jobspec, &test);
    if (mock && !(job->mock = mock_new())) {
        umap_del(x->jobs, (uint64_t)id);
        return -ENOMEM;
    }
    if (mock)
        mock_start(job, test, entry, reattach);
    else
        start_real(job, entry, (uint32_t)userid, owner);
    return 0;
}

static void job_cancel(struct exec_job *job)
{
    if (job->mock)
        mock_kill(job, SIGTERM);
    else if (job->state == EXEC_WAITING && !job->was_running)
        exec_finish(job, SIGTERM);
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
    if (job)
        job_cancel(job);
}

/* The same request, to the shell; unknown ids do it no harm. */
static void pass_on(struct exec *x, const flux_msg_t *msg, const char *method)
{
    const char *s;
    if (x->nreal > 0 && flux_request_decode(msg, NULL, &s) == 0)
        (void)shellctl_send(x->shell, method, s);
}

static void cancel_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct exec *x = arg;
    shellctl_turn(x->shell); /* so that the shell knows the jobs */
    pass_on(x, msg, "cancel");
    int rc = each_id(x, msg, cancel_one);
    if (rc < 0)
        flux_respond_error(h, msg, -rc, NULL);
    else
        flux_respond(h, msg, NULL);
}

static void ack_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct exec *x = arg;
    /* Also of jobs that only the shell knows, from an earlier instance. */
    const char *s;
    if (flux_request_decode(msg, NULL, &s) == 0)
        (void)shellctl_send(x->shell, "ack", s);
    int rc = each_id(x, msg, exec_forget);
    if (rc < 0)
        flux_respond_error(h, msg, -rc, NULL);
    else
        flux_respond(h, msg, NULL);
}

static void expiration_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                          void *arg)
{
    pass_on(arg, msg, "expiration");
    flux_respond(h, msg, NULL);
}

static void killed(flux_future_t *f, void *arg)
{
    struct exec *x = arg;
    const flux_msg_t *msg = flux_future_aux_get(f, "request");
    if (flux_rpc_get(f, NULL) < 0)
        flux_respond_error(x->h, msg, errno, flux_future_error_string(f));
    else
        flux_respond(x->h, msg, NULL);
    flux_future_destroy(f);
}

static void msg_free(void *arg)
{
    flux_msg_decref(arg);
}

static int kill_real(struct exec *x, const flux_msg_t *msg)
{
    const char *s;
    if (flux_request_decode(msg, NULL, &s) < 0)
        return -errno;
    flux_future_t *f = shellctl_rpc(x->shell, "kill", s);
    if (!f ||
        flux_future_aux_set(f, "request", (void *)flux_msg_incref(msg), msg_free) < 0 ||
        flux_future_then(f, -1, killed, x) < 0) {
        int rc = -errno;
        flux_future_destroy(f);
        return rc;
    }
    return 0;
}

static void kill_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct exec *x = arg;
    flux_jobid_t id;
    int signum, rc = 0;
    if (flux_request_unpack(msg, NULL, "{s:I s:i}", "id", &id, "signum", &signum) < 0) {
        flux_respond_error(h, msg, EPROTO, NULL);
        return;
    }
    struct exec_job *job = exec_job(x, id);
    if (!job || job->state != EXEC_RUNNING) {
        flux_respond_error(h, msg, ESRCH, "the job is not running");
        return;
    }
    if (job->mock) {
        mock_kill(job, signum);
        flux_respond(h, msg, NULL);
    } else if ((rc = kill_real(x, msg)) < 0) {
        flux_respond_error(h, msg, -rc, NULL);
    }
}

static void hello_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct exec *x = arg;
    shellctl_hello(x->shell, msg);
}

static int take_result(struct exec *x, struct slice o)
{
    struct slice v, type, data = SLICE_NONE;
    int64_t id;
    if (slice_get(o, "id", &v) < 0 || slice_int(v, &id) < 0 ||
        slice_get(o, "type", &v) < 0 || slice_str(v, &type) < 0)
        return -EPROTO;
    (void)slice_get(o, "data", &data);
    struct exec_job *job = exec_job(x, (flux_jobid_t)id);
    if (slice_is(type, "finish")) {
        exec_report_finish(x, (flux_jobid_t)id, data);
    } else if (slice_is(type, "exception")) {
        exec_report(x, (flux_jobid_t)id, "exception", data);
    } else {
        if (job && job->state < EXEC_RUNNING) {
            job->state = EXEC_RUNNING;
            job->was_running = true;
            free(job->entry); /* the shell has it in its journal */
            job->entry = NULL;
        }
        exec_report(x, (flux_jobid_t)id,
                    slice_is(type, "reattached") ? "reattached" : "start", SLICE_NONE);
    }
    return 0;
}

static void results_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                       void *arg)
{
    const char *s;
    struct slice results, o;
    size_t pos = 0;
    int rc = -EPROTO;
    if (flux_request_decode(msg, NULL, &s) == 0 && s)
        rc = slice_get(slice_of(s), "results", &results);
    while (rc == 0 && (rc = slice_element(results, &pos, &o)) > 0)
        rc = take_result(arg, o);
    if (rc < 0)
        flux_log(h, LOG_ERR, "shell-results: %s", strerror(-rc));
}

static void output_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct exec *x = arg;
    shellctl_turn(x->shell); /* the job's start goes first */
    relay_add(x->relays, msg);
    exec_poke(x);
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
    shellctl_disconnect(x->shell, msg);
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

/* -- life cycle -- */

static void turn(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct exec *x = arg;
    flux_watcher_stop(x->awake);
    shellctl_turn(x->shell);
    job_exec_flush(x);
}

static void nothing(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
}

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

/* An FSD, or a number of seconds; "none" is for ever. */
static int read_seconds(const cJSON *o, const char *key, double *ret, flux_error_t *err)
{
    const cJSON *v = json_get(o, key);
    const char *s = json_str(v);
    if (!v)
        return 0;
    if (s && !strcmp(s, "none")) {
        *ret = -1;
        return 0;
    }
    if ((s ? fsd_parse(s, ret) : json_real(v, ret)) < 0)
        return error_set(err, EINVAL, "exec.%s is not a duration", key);
    return 0;
}

static int read_config(struct exec *x, flux_error_t *err)
{
    const flux_conf_t *conf = flux_aux_get(x->h, "flux::conf");
    cJSON *exec = NULL;
    if (!conf || flux_conf_unpack(conf, err, "{s?o}", "exec", &exec) < 0)
        return conf ? -errno : 0;
    const char *path = json_str(json_get(exec, "job-shell"));
    int rc = read_seconds(exec, "kill-timeout", &x->kill_timeout, err);
    if (rc == 0)
        rc = read_seconds(exec, "orphan-timeout", &x->orphan_timeout, err);
    if (rc == 0 && path && !(x->shell_path = strdup(path)))
        rc = -ENOMEM;
    return rc;
}

static int read_args(struct exec *x, int argc, char **argv, flux_error_t *err)
{
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "job-shell=", 10) != 0)
            return error_set(err, EINVAL, "unknown argument '%s'", argv[i]);
        free(x->shell_path);
        x->shell_path = strdup(argv[i] + 10);
    }
    if (!x->shell_path) {
        const char *path = flux_conf_builtin_get("shell_path", FLUX_CONF_AUTO);
        x->shell_path = path ? strdup(path) : NULL;
    }
    return 0;
}

static void fini(flux_t *h, void *arg)
{
    struct exec *x = arg;
    if (!x)
        return;
    relays_free(x->relays);
    shellctl_free(x->shell);
    job_exec_flush(x);
    flux_future_destroy(x->hello);
    flux_watcher_destroy(x->turn);
    flux_watcher_destroy(x->awake);
    flux_watcher_destroy(x->hello_timer);
    flux_msg_handler_delvec(x->handlers);
    umap_free(x->jobs);
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
    if (!x->jobs || !x->turn || !x->awake || !x->hello_timer ||
        relays_new(x, &x->relays) < 0 || shellctl_new(x, &x->shell) < 0)
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
    x->kill_timeout = KILL_TIMEOUT;
    x->orphan_timeout = -2;
    list_init(&x->waiting);
    if (!x->name)
        x->name = job_exec_module.name;
    int rc = read_config(x, &err);
    if (rc == 0)
        rc = read_args(x, argc, argv, &err);
    if (rc == 0)
        rc = make_parts(x);
    if (rc < 0) {
        flux_log(h, LOG_ERR, "%s", rc == -EINVAL ? err.text : strerror(-rc));
        fini(h, x);
        errno = -rc;
        return -1;
    }
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

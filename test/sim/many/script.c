/* The shell of scripts: see script.h. */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <flux/connector.h>
#include <flux/idset.h>
#include <flux/msg_handler.h>
#include <flux/response.h>
#include <flux/service.h>

#include "base/json.h"
#include "many.h"

#define BACKOFF_MIN 0.02 /* seconds between tries to connect */
#define BACKOFF_MAX 1.
#define HELLO_MIN 0.1 /* seconds between tries to say hello */
#define HELLO_MAX 2.
#define SPAWN_MAX 0.03 /* seconds to start a task */
#define DIE_MAX 0.3    /* seconds from a signal to the end */

enum task_state { SPAWNING, RUNNING, FINISHED };

struct task {
    struct shell *sh;
    flux_jobid_t id;
    enum task_state state;
    flux_watcher_t *timer;
    int k, code;
    double duration;
    uint32_t cores; /* bits */
    int signum;     /* that ends it; 0: none */
    int status;     /* once finished */
    bool lost;      /* its shell died: that is its exception */
};

struct shell {
    struct node *n;
    flux_reactor_t *r;
    struct umap *tasks; /* by job */
    flux_t *h;          /* NULL: not connected */
    flux_msg_handler_t **handlers;
    flux_future_t *service, *hello;
    bool introduced; /* a hello is on its way, or answered */
    bool lost;       /* the connection broke; `connect` takes it down */
    bool done;
    double backoff, hello_backoff;
    flux_watcher_t *connect, *say;
};

static void arm(flux_watcher_t *w, double after)
{
    flux_watcher_stop(w);
    flux_timer_watcher_reset(w, after, 0);
    flux_watcher_start(w);
}

/* ---- the journal ---- */

static void note(struct shell *sh, struct note what)
{
    struct notes *j = &sh->n->journal;

    if (j->n == j->size) {
        j->size = j->size ? j->size * 2 : 16;
        j->notes = reallocarray(j->notes, (size_t)j->size, sizeof(*j->notes));
    }
    j->notes[j->n++] = what;
}

void notes_free(struct notes *j)
{
    free(j->notes);
    *j = (struct notes){0};
}

/* ---- what job-exec is told ---- */

static void add_result(struct buf *out, const struct task *t, const char *type)
{
    buf_addf(out, "{\"id\":%ju,\"type\":\"%s\",\"data\":", (uintmax_t)t->id, type);
    if (!strcmp(type, "finish"))
        buf_addf(out, "{\"status\":%d}}", t->status);
    else if (!strcmp(type, "exception"))
        buf_adds(out, "{\"severity\":0,\"type\":\"lost-shell\",\"note\":\"it died\"}}");
    else
        buf_adds(out, "{}}");
}

/* Nobody to tell: the next hello will. */
static void tell(struct task *t, const char *type, const char *also)
{
    struct shell *sh = t->sh;
    struct buf b = {0};

    if (!sh->introduced || sh->lost)
        return;
    buf_addf(&b, "{\"rank\":%d,\"results\":[", sh->n->rank);
    add_result(&b, t, type);
    if (also) {
        buf_addc(&b, ',');
        add_result(&b, t, also);
    }
    buf_adds(&b, "]}");
    flux_future_destroy(flux_rpc(sh->h, "job-exec.shell-results", b.data, FLUX_NODEID_ANY,
                                 FLUX_RPC_NORESPONSE));
    buf_free(&b);
}

static char *hello_text(struct shell *sh)
{
    static const char *const states[] = {"starting", "running", "finished"};
    const char *sep = "";
    struct buf b = {0};
    uint64_t id;
    void *value;

    buf_addf(&b, "{\"userid\":%u,\"rank\":%d,\"jobs\":[", (unsigned)geteuid(),
             sh->n->rank);
    for (size_t it = 0; umap_next(sh->tasks, &it, &id, &value);) {
        struct task *t = value;

        buf_addf(&b, "%s{\"id\":%ju,\"state\":\"%s\"", sep, (uintmax_t)id,
                 states[t->state]);
        sep = ",";
        if (t->lost)
            buf_adds(&b, ",\"exception\":{\"severity\":0,\"type\":\"lost-shell\","
                         "\"note\":\"it died\"}");
        if (t->state == FINISHED)
            buf_addf(&b, ",\"data\":{\"status\":%d}", t->status);
        buf_addc(&b, '}');
    }
    buf_adds(&b, "]}");
    return buf_take(&b, NULL);
}

/* ---- tasks ---- */

static void finish(struct task *t, int status)
{
    t->state = FINISHED;
    t->status = status;
    note(t->sh, (struct note){.id = t->id, .end = true, .status = status});
    tell(t, "finish", NULL);
}

static void task_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct task *t = arg;

    flux_watcher_stop(w);
    if (t->state == SPAWNING) {
        tell(t, "start", NULL);
        if (t->signum) {
            finish(t, t->signum);
            return;
        }
        t->state = RUNNING;
        task_started(t->sh->n, t->id, t->k, t->cores);
        arm(w, t->duration);
        return;
    }
    task_ended(t->sh->n, t->id, t->k, t->cores, false);
    finish(t, t->signum ? t->signum : t->code << 8);
}

static int task_signal(struct task *t, int signum)
{
    if (t->state == FINISHED)
        return -ESRCH;
    if (signum == SIGCONT || t->signum)
        return 0;
    t->signum = signum;
    arm(t->timer, pick_time(t->sh->n->s, 0, DIE_MAX));
    return 0;
}

/* What has not finished dies with its shell. */
static void task_free(void *arg)
{
    struct task *t = arg;

    if (t->state != FINISHED)
        task_ended(t->sh->n, t->id, t->k, t->state == RUNNING ? t->cores : 0, true);
    flux_watcher_destroy(t->timer);
    free(t);
}

static struct task *task_new(struct shell *sh, flux_jobid_t id)
{
    struct task *t = calloc(1, sizeof(*t));

    t->sh = sh;
    t->id = id;
    t->timer = flux_timer_watcher_create(sh->r, 0, 0, task_cb, t);
    if (!t->timer || umap_add(sh->tasks, id, t) < 0)
        abort();
    return t;
}

static uint32_t bits(const char *ids)
{
    struct idset *set = idset_decode(ids);
    uint32_t all = 0;

    for (unsigned i = idset_first(set); i != IDSET_INVALID_ID; i = idset_next(set, i))
        all |= 1u << i;
    idset_destroy(set);
    return all;
}

/* The cores that R gives on this rank. */
static uint32_t own_cores(const cJSON *r, int rank)
{
    const cJSON *list = json_get(json_get(r, "execution"), "R_lite");

    for (const cJSON *o = list ? list->child : NULL; o; o = o->next) {
        const char *ranks = json_str(json_get(o, "rank"));
        const char *cores = json_str(json_get(json_get(o, "children"), "core"));
        struct idset *set = ranks ? idset_decode(ranks) : NULL;
        bool here = set && idset_test(set, (unsigned)rank);

        idset_destroy(set);
        if (here && cores)
            return bits(cores);
    }
    return 0;
}

static void task_start(struct shell *sh, flux_jobid_t id, const cJSON *entry)
{
    const cJSON *tasks = json_get(json_get(entry, "jobspec"), "tasks");
    const cJSON *command = json_get(tasks ? tasks->child : NULL, "command");
    const char *k = json_str(cJSON_GetArrayItem(command, 1));
    const char *duration = json_str(cJSON_GetArrayItem(command, 2));
    const char *code = json_str(cJSON_GetArrayItem(command, 3));
    struct task *t = task_new(sh, id);

    if (!k || !duration || !code)
        abort();
    t->k = atoi(k);
    t->duration = atof(duration);
    t->code = atoi(code);
    t->cores = own_cores(json_get(entry, "R"), sh->n->rank);
    note(sh, (struct note){.id = id});
    arm(t->timer, pick_time(sh->n->s, 0, SPAWN_MAX));
}

/* One that an earlier shell had. */
static void task_restore(struct shell *sh, const struct note *what)
{
    struct task *t = umap_get(sh->tasks, what->id);

    if (!t) {
        t = task_new(sh, what->id);
        t->state = FINISHED;
        t->lost = true;
        t->status = SIGKILL;
    }
    if (what->end) {
        t->lost = what->lost;
        t->status = what->status;
    }
}

static void restore(struct shell *sh)
{
    struct notes *j = &sh->n->journal;
    uint64_t id;
    void *value;

    for (int i = 0; i < j->n; i++)
        task_restore(sh, &j->notes[i]);
    for (size_t it = 0; umap_next(sh->tasks, &it, &id, &value);) {
        struct task *t = value;

        if (t->lost)
            note(sh,
                 (struct note){.id = id, .end = true, .status = t->status, .lost = true});
    }
}

/* ---- what it is asked ---- */

/* Job-exec missed it, or asks for a job that is not known any more. */
static void again(struct shell *sh, struct task *t, bool reattach)
{
    if (t->state == SPAWNING)
        return; /* its start is still to come */
    tell(t, reattach ? "reattached" : "start", t->lost ? "exception" : NULL);
    if (t->state == FINISHED)
        tell(t, "finish", NULL);
}

static void lose(struct shell *sh, flux_jobid_t id)
{
    struct task *t = task_new(sh, id);

    say(sh->n->s, sh->n, "shell: job %ju: there is no record of it", (uintmax_t)id);
    t->state = FINISHED;
    t->lost = true;
    t->status = 1 << 8;
    tell(t, "start", "exception");
    note(sh, (struct note){.id = id, .end = true, .status = t->status, .lost = true});
    tell(t, "finish", NULL);
}

static void start_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct shell *sh = arg;
    const cJSON *jobs;
    int64_t id;

    if (flux_request_unpack(msg, NULL, "{s:o}", "jobs", &jobs) < 0)
        abort();
    for (const cJSON *o = jobs->child; o; o = o->next) {
        struct task *t;
        bool reattach = cJSON_IsTrue(json_get(o, "reattach"));

        if (json_int64(json_get(o, "id"), &id) < 0)
            abort();
        if ((t = umap_get(sh->tasks, (uint64_t)id)))
            again(sh, t, reattach);
        else if (reattach)
            lose(sh, (flux_jobid_t)id);
        else
            task_start(sh, (flux_jobid_t)id, o);
    }
    flux_respond(h, msg, NULL);
}

static void kill_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct shell *sh = arg;
    struct task *t = NULL;
    flux_jobid_t id;
    int signum;

    if (flux_request_unpack(msg, NULL, "{s:I s:i}", "id", &id, "signum", &signum) == 0)
        t = umap_get(sh->tasks, id);
    if (!t || task_signal(t, signum) < 0)
        flux_respond_error(h, msg, ESRCH, NULL);
    else
        flux_respond(h, msg, NULL);
}

static void each_id(struct shell *sh, const flux_msg_t *msg, void (*fn)(struct task *t))
{
    const cJSON *ids;
    int64_t id;

    if (flux_request_unpack(msg, NULL, "{s:o}", "ids", &ids) < 0)
        abort();
    for (const cJSON *o = ids->child; o; o = o->next) {
        struct task *t =
            json_int64(o, &id) == 0 ? umap_get(sh->tasks, (uint64_t)id) : NULL;

        if (t)
            fn(t);
    }
}

static void cancel_one(struct task *t)
{
    (void)task_signal(t, SIGTERM);
}

static void cancel_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    each_id(arg, msg, cancel_one);
    flux_respond(h, msg, NULL);
}

/* Its end is on disk at rank 0: nobody will ask again. */
static void forget_one(struct task *t)
{
    struct notes *j = &t->sh->n->journal;
    int kept = 0;

    if (t->state != FINISHED)
        return;
    for (int i = 0; i < j->n; i++)
        if (j->notes[i].id != t->id)
            j->notes[kept++] = j->notes[i];
    j->n = kept;
    umap_del(t->sh->tasks, t->id);
}

static void ack_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    each_id(arg, msg, forget_one);
    flux_respond(h, msg, NULL);
}

static bool is_busy(const struct shell *sh)
{
    uint64_t id;
    void *value;

    for (size_t it = 0; umap_next(sh->tasks, &it, &id, &value);)
        if (((struct task *)value)->state != FINISHED)
            return true;
    return false;
}

static void exit_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct shell *sh = arg;

    if (is_busy(sh)) {
        flux_respond_error(h, msg, EBUSY, NULL);
        return;
    }
    flux_respond(h, msg, NULL);
    sh->done = true;
}

static void ok_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    flux_respond(h, msg, NULL);
}

static void ignore_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
}

static const struct flux_msg_handler_spec methods[] = {
    {FLUX_MSGTYPE_REQUEST, "start", start_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "kill", kill_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "cancel", cancel_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "ack", ack_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "exit", exit_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "expiration", ok_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "output-end", ok_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "disconnect", ignore_cb, 0},
    FLUX_MSGHANDLER_TABLE_END,
};

/* ---- its connection ---- */

static void disconnect(struct shell *sh)
{
    sh->introduced = sh->lost = false;
    flux_watcher_stop(sh->say);
    if (!sh->h)
        return;
    flux_future_destroy(sh->service);
    flux_future_destroy(sh->hello);
    flux_msg_handler_delvec(sh->handlers);
    flux_close(sh->h);
    sh->service = sh->hello = NULL;
    sh->handlers = NULL;
    sh->h = NULL;
}

/* Not from inside a callback of the handle: the timer does the rest. */
static int on_error(flux_t *h, void *arg)
{
    struct shell *sh = arg;

    sh->lost = true;
    sh->backoff = BACKOFF_MIN;
    arm(sh->connect, 0);
    return -1;
}

static void on_hello(flux_future_t *f, void *arg)
{
    struct shell *sh = arg;

    if (flux_rpc_get(f, NULL) == 0) {
        sh->hello_backoff = HELLO_MIN;
        flux_future_reset(f);
        return;
    }
    flux_future_destroy(f);
    sh->hello = NULL;
    sh->introduced = false;
    arm(sh->say, pick_time(sh->n->s, 0.5, 1) * sh->hello_backoff);
    sh->hello_backoff =
        sh->hello_backoff * 2 < HELLO_MAX ? sh->hello_backoff * 2 : HELLO_MAX;
}

static void say_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct shell *sh = arg;
    char *text = hello_text(sh);

    flux_watcher_stop(w);
    sh->hello = flux_rpc(sh->h, "job-exec.shell-hello", text, FLUX_NODEID_ANY,
                         FLUX_RPC_STREAMING);
    free(text);
    if (!sh->hello || flux_future_then(sh->hello, -1., on_hello, sh) < 0)
        on_error(sh->h, sh);
    else
        sh->introduced = true;
}

static void on_service(flux_future_t *f, void *arg)
{
    struct shell *sh = arg;

    if (flux_future_get(f, NULL) < 0)
        on_error(sh->h, sh);
    else
        arm(sh->say, 0);
}

static void connect_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct shell *sh = arg;
    struct node *n = sh->n;
    char name[32];

    flux_watcher_stop(w);
    disconnect(sh);
    if (!node_lets_in(n) || broker_open(n->b, &sh->h) < 0) {
        sh->h = NULL;
        arm(w, sh->backoff);
        sh->backoff = sh->backoff * 2 < BACKOFF_MAX ? sh->backoff * 2 : BACKOFF_MAX;
        return;
    }
    say(n->s, n, "shell connects");
    snprintf(name, sizeof(name), "%u-shell", (unsigned)geteuid());
    flux_comms_error_set(sh->h, on_error, sh);
    if (flux_set_reactor(sh->h, sh->r) < 0 ||
        flux_msg_handler_addvec_ex(sh->h, name, methods, sh, &sh->handlers) < 0 ||
        !(sh->service = flux_service_register(sh->h, name)) ||
        flux_future_then(sh->service, -1., on_service, sh) < 0)
        abort();
}

struct shell *shell_begin(struct node *n, flux_reactor_t *r)
{
    struct shell *sh = calloc(1, sizeof(*sh));

    sh->n = n;
    sh->r = r;
    sh->backoff = BACKOFF_MIN;
    sh->hello_backoff = HELLO_MIN;
    if (!(sh->tasks = umap_new(task_free)) ||
        !(sh->connect = flux_timer_watcher_create(r, 0, 0, connect_cb, sh)) ||
        !(sh->say = flux_timer_watcher_create(r, 0, 0, say_cb, sh)))
        abort();
    restore(sh);
    arm(sh->connect, 0);
    return sh;
}

bool shell_is_done(const struct shell *sh)
{
    return sh->done;
}

void shell_free(struct shell *sh)
{
    disconnect(sh);
    umap_free(sh->tasks);
    flux_watcher_destroy(sh->connect);
    flux_watcher_destroy(sh->say);
    free(sh);
}

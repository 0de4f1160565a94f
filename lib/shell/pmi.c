/* PMI-1 for the tasks of a job: see pmi.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/request.h>
#include <flux/response.h>
#include <flux/rpc.h>

#include "base/cleanup.h"
#include "base/jobid.h"
#include "base/slice.h"
#include "env/local.h"
#include "pmi/server.h"
#include "shell/shell_private.h"

#define READS_A_TURN 4
#define RETRY_MIN 0.02 /* seconds */
#define RETRY_MAX 1.0

struct pmi {
    struct job *job;
    struct pmi_server *server;
    /* A barrier with other nodes. */
    struct list link;     /* in shell.barriers, while we are in one */
    unsigned seq;         /* of the next, or of this one */
    struct buf puts;      /* what we bring */
    flux_future_t *asked; /* the leader */
    struct watcher *retry;
    double backoff;
};

/* -- a task's socket -- */

static void hang_up(struct task *t)
{
    if (t->job->pmi)
        (void)pmi_server_gone(t->job->pmi->server, (int)t->rank);
    watcher_free(TAKE(t->pmi_watcher));
    local_close(t->pmi_fd);
    t->pmi_fd = -1;
}

static struct task *task_of(struct pmi *p, int rank)
{
    unsigned index = (unsigned)rank - p->job->tasks[0].rank;
    return &p->job->tasks[index];
}

/* It waits for this answer, so there is room, unless it does not want to read it. */
static void on_send(int rank, const char *line, size_t len, void *arg)
{
    struct task *t = task_of(arg, rank);
    struct iovec iov = {(void *)line, len};
    if (t->pmi_fd >= 0)
        (void)local_writev(t->pmi_fd, &iov, 1);
}

static void on_abort(int rank, int exitcode, const char *text, void *arg)
{
    struct pmi *p = arg;
    char note[256];
    snprintf(note, sizeof(note), "PMI_Abort: rank %d: %s (exit code %d)", rank,
             *text ? text : "no reason given", exitcode);
    job_raise(p->job, 0, "exec", note);
    job_cancel(p->job);
    shell_poke(p->job->sh);
}

/* -- barriers over nodes -- */

static void leave_barrier(struct pmi *p, struct slice puts)
{
    struct slice v;
    size_t pos = 0;
    list_del(&p->link);
    watcher_stop(p->retry);
    p->seq++;
    while (slice_element(puts, &pos, &v) > 0) {
        AUTOFREE char *key = slice_strdup(v);
        if (slice_element(puts, &pos, &v) <= 0)
            break;
        AUTOFREE char *value = slice_strdup(v);
        if (key && value)
            (void)pmi_server_put(p->server, key, value);
    }
    pmi_server_barrier_done(p->server, 0);
}

static void ask_later(struct pmi *p)
{
    watcher_stop(p->retry);
    watcher_timer_set(p->retry, p->backoff, 0);
    watcher_start(p->retry);
    p->backoff = p->backoff * 2 < RETRY_MAX ? p->backoff * 2 : RETRY_MAX;
}

static void on_answer(flux_future_t *f, void *arg)
{
    struct pmi *p = arg;
    const char *s;
    struct slice puts = SLICE_NONE;
    p->asked = NULL;
    if (flux_rpc_get(f, &s) < 0 || !s || slice_get(slice_of(s), "puts", &puts) < 0)
        ask_later(p); /* the leader has not got that far, or cannot be reached */
    else
        leave_barrier(p, puts);
    flux_future_destroy(f);
}

static void ask_leader(struct pmi *p)
{
    struct job *job = p->job;
    flux_t *h = link_connection(job->sh->link);
    struct buf b = {0};
    char topic[64];
    if (!h || p->asked)
        return; /* pmi_resume() comes back */
    snprintf(topic, sizeof(topic), "%u-shell.pmi-barrier", job->sh->userid);
    buf_addf(&b, "{\"id\":%ju,\"node\":%u,\"seq\":%u,\"puts\":[", (uintmax_t)job->id,
             job->plan->node, p->seq);
    buf_add(&b, p->puts.data, p->puts.len);
    buf_adds(&b, "]}");
    p->asked = b.failed ? NULL : flux_rpc(h, topic, b.data, job->plan->leader, 0);
    buf_free(&b);
    if (p->asked && flux_future_then(p->asked, -1, on_answer, p) == 0)
        return;
    flux_future_destroy(TAKE(p->asked));
    ask_later(p);
}

static void on_retry(struct watcher *w, int revents, void *arg)
{
    watcher_stop(w);
    ask_leader(arg);
}

/* We are the leader, and all are in. */
static void on_all_in(int rc, struct slice puts, void *arg)
{
    struct buf b = {0};
    if (rc < 0)
        return; /* the job goes */
    buf_addc(&b, '[');
    buf_add(&b, puts.p, puts.len);
    buf_addc(&b, ']');
    leave_barrier(arg, (struct slice){b.data, b.len});
    buf_free(&b);
}

static void take_puts(struct pmi *p)
{
    const char *key, *value;
    p->puts.len = 0;
    for (size_t it = 0; pmi_server_each_put(p->server, &it, &key, &value);) {
        if (p->puts.len > 0)
            buf_addc(&p->puts, ',');
        json_buf_str(&p->puts, key, strlen(key));
        buf_addc(&p->puts, ',');
        json_buf_str(&p->puts, value, strlen(value));
    }
    pmi_server_forget_puts(p->server);
}

static void on_barrier(void *arg)
{
    struct pmi *p = arg;
    struct job *job = p->job;
    take_puts(p);
    list_append(&job->sh->barriers, &p->link);
    p->backoff = RETRY_MIN;
    if (!job->exchange)
        ask_leader(p);
    else if (exchange_enter(job->exchange, job->plan->node, p->seq,
                            (struct slice){p->puts.data, p->puts.len}, on_all_in, p) < 0)
        pmi_server_barrier_done(p->server, -EPROTO);
}

void pmi_suspend(struct shell *sh)
{
    list_each(p, &sh->barriers, struct pmi, link)
    {
        flux_future_destroy(TAKE(p->asked));
        watcher_stop(p->retry);
    }
}

void pmi_resume(struct shell *sh)
{
    list_each(p, &sh->barriers, struct pmi, link) if (!p->job->exchange)
    {
        p->backoff = RETRY_MIN;
        ask_leader(p);
    }
}

/* -- the leader -- */

struct barrier_request {
    struct shell *sh;
    const flux_msg_t *msg;
};

static void answer_request(int rc, struct slice puts, void *arg)
{
    struct barrier_request *r = arg;
    flux_t *h = link_connection(r->sh->link);
    struct buf b = {0};
    buf_adds(&b, "{\"puts\":[");
    buf_add(&b, puts.p, puts.len);
    buf_adds(&b, "]}");
    if (h && rc == 0 && !b.failed)
        (void)flux_respond(h, r->msg, b.data);
    else if (h && rc != -ECANCELED)
        (void)flux_respond_error(h, r->msg, ENOMEM, NULL);
    buf_free(&b);
    flux_msg_decref(r->msg);
    free(r);
}

static int enter(struct job *job, const flux_msg_t *msg, unsigned node, unsigned seq,
                 struct slice puts)
{
    struct barrier_request *r = calloc(1, sizeof(*r));
    if (!r)
        return -ENOMEM;
    r->sh = job->sh;
    r->msg = flux_msg_incref(msg);
    int rc = exchange_enter(job->exchange, node, seq, puts, answer_request, r);
    if (rc < 0) {
        flux_msg_decref(msg);
        free(r);
    }
    return rc;
}

int pmi_barrier_request(struct shell *sh, const flux_msg_t *msg)
{
    const char *s;
    struct slice v;
    int64_t id, node, seq;
    if (flux_request_decode(msg, NULL, &s) < 0 || !s ||
        slice_get(slice_of(s), "id", &v) < 0 || slice_int(v, &id) < 0 ||
        slice_get(slice_of(s), "node", &v) < 0 || slice_int(v, &node) < 0 ||
        slice_get(slice_of(s), "seq", &v) < 0 || slice_int(v, &seq) < 0 ||
        slice_get(slice_of(s), "puts", &v) < 0 || v.len < 2 || v.p[0] != '[')
        return -EPROTO;
    struct job *job = shell_job(sh, (flux_jobid_t)id);
    if (!job || !job->exchange)
        return -ENOENT;
    struct slice inside = {v.p + 1, v.len - 2};
    return enter(job, msg, (unsigned)node, (unsigned)seq, inside);
}

/* -- making and freeing -- */

static const struct pmi_server_ops ops_one_node = {.send = on_send, .abort = on_abort};
static const struct pmi_server_ops ops_nodes = {
    .send = on_send, .abort = on_abort, .barrier = on_barrier};

static int make_server(struct pmi *p)
{
    struct job *job = p->job;
    const struct layout *layout = &job->plan->layout;
    AUTOFREE int *ranks = calloc(job->ntasks, sizeof(*ranks));
    struct buf mapping = {0};
    char name[JOBID_SIZE];
    if (!ranks || layout_mapping(layout, &mapping) < 0)
        return -ENOMEM;
    jobid_encode(job->id, "f58", name, sizeof(name));
    for (unsigned i = 0; i < job->ntasks; i++)
        ranks[i] = (int)job->tasks[i].rank;
    struct pmi_server_conf conf = {
        .size = (int)job->plan->ntasks,
        .ranks = ranks,
        .nranks = (int)job->ntasks,
        .kvsname = name,
        .mapping = mapping.len < PMI_VALLEN_MAX ? mapping.data : NULL,
        .ops = layout_count_nodes(layout) > 1 ? &ops_nodes : &ops_one_node,
        .arg = p,
    };
    int rc = pmi_server_new(&conf, &p->server);
    buf_free(&mapping);
    return rc;
}

static struct pmi *pmi_new(struct job *job)
{
    struct pmi *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->job = job;
    list_init(&p->link);
    if (make_server(p) < 0 ||
        watcher_new_timer(job->sh->loop, 0, 0, on_retry, p, &p->retry) < 0) {
        pmi_free(p);
        return NULL;
    }
    return p;
}

void pmi_free(struct pmi *p)
{
    if (!p)
        return;
    list_del(&p->link);
    flux_future_destroy(p->asked);
    watcher_free(p->retry);
    pmi_server_free(p->server);
    buf_free(&p->puts);
    free(p);
}

static int take_bytes(struct task *t, const char *data, size_t len)
{
    struct job *job = t->job;
    if (!job->pmi && !(job->pmi = pmi_new(job)))
        return -ENOMEM;
    return pmi_server_feed(job->pmi->server, (int)t->rank, data, len);
}

static void readable(struct watcher *w, int revents, void *arg)
{
    struct task *t = arg;
    char data[4096];
    for (int i = 0; i < READS_A_TURN; i++) {
        ssize_t n = local_read(t->pmi_fd, data, sizeof(data));
        if (n == -EAGAIN)
            return;
        if (n <= 0 || take_bytes(t, data, (size_t)n) < 0) {
            hang_up(t);
            return;
        }
        if ((size_t)n < sizeof(data))
            return;
    }
}

void pmi_adopt(struct task *t)
{
    if (t->pmi_fd < 0)
        return;
    if (watcher_new_fd(t->job->sh->loop, t->pmi_fd, LOOP_IN, readable, t,
                       &t->pmi_watcher) < 0)
        hang_up(t);
    else
        watcher_start(t->pmi_watcher);
}

/* What clients do: submit jobs, once each, however often they must ask; ask for results;
 * watch logs; cancel; publish events and listen to them; ping ranks, look around.
 *
 * A request that fails is made again later, maybe by another client.
 */
#include <errno.h>

#include <flux/event.h>
#include <flux/job.h>
#include <flux/msg_handler.h>

#include "many.h"

#define RETRY_MAX 1. /* seconds */
#define TOPIC "sim."

/* ---- what there is to do ---- */

static void choose_job(struct sim *s, int k)
{
    struct work *w = &s->jobs[k];

    w->k = k;
    w->nodes = pick_chance(s, 70) ? 1 : (int)pick(s, 1, s->size < 4 ? s->size : 4);
    w->cores = (int)pick(s, 1, pick_chance(s, 70) ? 2 : CORES);
    w->duration = pick_time(s, 0, pick_chance(s, 70) ? 2 : 20);
    w->code = pick_chance(s, 80) ? 0 : (int)pick(s, 1, 120);
    w->mock = pick_chance(s, 20);
}

void load_init(struct sim *s)
{
    s->njobs = (int)pick(s, 5, 40);
    s->nevents = (int)pick(s, 5, 60);
    for (int k = 0; k < s->njobs; k++)
        choose_job(s, k);
    for (int k = 0; k < s->nevents; k++)
        s->events[k].k = k;
    s->stats.jobs = (uint64_t)s->njobs;
    s->stats.events = (uint64_t)s->nevents;
}

void load_fini(struct sim *s)
{
    for (int k = 0; k < s->njobs; k++)
        buf_free(&s->jobs[k].seen);
    for (int i = 0; i < s->nsessions; i++) {
        free(s->sessions[i].seqs);
        free(s->sessions[i].ks);
    }
}

void load_warm(struct sim *s)
{
}

static double soon(struct sim *s)
{
    return sim_now(s) + pick_time(s, 0.01, RETRY_MAX);
}

void load_again(struct op *op)
{
    struct sim *s = op->c->s;

    s->stats.failed_ops++;
    if (op->kind == OP_SUBMIT) {
        s->jobs[op->k].submitting = false;
        s->jobs[op->k].next_try = soon(s);
        s->stats.retries++;
    } else if (op->kind == OP_RESULT) {
        s->jobs[op->k].asking = false;
        s->jobs[op->k].next_try = soon(s);
    } else if (op->kind == OP_PUBLISH) {
        s->events[op->k].publishing = false;
        s->events[op->k].unknown = true;
        s->events[op->k].next_try = soon(s);
    }
}

static void op_failed(struct op *op, const char *what)
{
    struct sim *s = op->c->s;
    int errnum = errno;

    say(s, op->c->n, "client %d: %s %d: %s (%s)", op->c->number, what, op->k,
        strerror(errnum), flux_future_error_string(op->f));
    if (errnum == EINVAL || errnum == EPROTO || errnum == EPERM)
        fail(s, "%s %d: %s", what, op->k, flux_future_error_string(op->f));
    load_again(op);
    op_free(op);
}

/* ---- jobs ---- */

static char *jobspec(const struct work *w)
{
    struct buf b = {0};

    buf_adds(&b, "{\"version\":1,\"resources\":[");
    if (w->nodes > 1)
        buf_addf(&b, "{\"type\":\"node\",\"count\":%d,\"with\":[", w->nodes);
    buf_addf(
        &b,
        "{\"type\":\"slot\",\"count\":1,\"label\":\"task\",\"with\":[{\"type\":\"core\","
        "\"count\":%d}]}",
        w->cores);
    if (w->nodes > 1)
        buf_adds(&b, "]}");
    buf_addf(
        &b,
        "],\"tasks\":[{\"command\":[\"sim\",\"%d\",\"%.6f\",\"%d\"],\"slot\":\"task\","
        "\"count\":{\"per_slot\":1}}],\"attributes\":{\"system\":{\"duration\":0,"
        "\"job\":{\"name\":\"k%d\"}",
        w->k, w->duration, w->code, w->k);
    if (w->mock)
        buf_addf(&b,
                 ",\"exec\":{\"test\":{\"run_duration\":\"%.6fs\",\"wait_status\":%d}}",
                 w->duration, w->code << 8);
    buf_adds(&b, "}}}");
    return buf_take(&b, NULL);
}

static void submitted(flux_future_t *f, void *arg)
{
    struct op *op = arg;
    struct sim *s = op->c->s;
    struct work *w = &s->jobs[op->k];
    flux_jobid_t id;

    if (flux_job_submit_get_id(f, &id) < 0) {
        op_failed(op, "submit");
        return;
    }
    say(s, op->c->n, "client %d: job %d is %ju", op->c->number, op->k, (uintmax_t)id);
    if (w->id && w->id != id)
        fail(s, "job %d was acknowledged as %ju and as %ju", op->k, (uintmax_t)w->id,
             (uintmax_t)id);
    w->id = id;
    w->acked = sim_now(s);
    w->submitting = false;
    s->stats.acks++;
    op_free(op);
}

static bool act_submit(struct client *c)
{
    struct sim *s = c->s;

    for (int k = 0; k < s->njobs; k++) {
        struct work *w = &s->jobs[k];
        char nonce[32];
        char *spec;

        if (w->id || w->submitting || sim_now(s) < w->next_try)
            continue;
        snprintf(nonce, sizeof(nonce), "once-%d", k);
        spec = jobspec(w);
        w->submitting = true;
        op_new(c, OP_SUBMIT, k,
               flux_job_submit_once(c->h, spec, FLUX_JOB_URGENCY_DEFAULT, 0, nonce),
               submitted);
        free(spec);
        return true;
    }
    return false;
}

static void take_result(struct work *w, flux_future_t *f)
{
    const char *type = "";
    int severity = 0;

    w->status = -1;
    if (flux_job_result_get_unpack(f, "{s:i s?i s?s s?i}", "result", &w->result,
                                   "waitstatus", &w->status, "exception_type", &type,
                                   "exception_severity", &severity) < 0)
        return;
    snprintf(w->exception, sizeof(w->exception), "%s", type);
    w->done = true;
}

static void got_result(flux_future_t *f, void *arg)
{
    struct op *op = arg;
    struct sim *s = op->c->s;
    struct work *w = &s->jobs[op->k];

    take_result(w, f);
    if (!w->done) {
        if (errno == ENOENT)
            fail(s, "job %d (%ju) is lost: %s", w->k, (uintmax_t)w->id,
                 flux_future_error_string(f));
        op_failed(op, "result of");
        return;
    }
    say(s, op->c->n, "client %d: job %d has result %d, status %#x %s", op->c->number,
        w->k, w->result, w->status, w->exception);
    w->asking = false;
    op_free(op);
}

static bool act_result(struct client *c)
{
    struct sim *s = c->s;

    for (int k = 0; k < s->njobs; k++) {
        struct work *w = &s->jobs[k];

        if (!w->id || w->done || w->asking || sim_now(s) < w->next_try)
            continue;
        w->asking = true;
        op_new(c, OP_RESULT, k, flux_job_result(c->h, w->id, 0), got_result);
        return true;
    }
    return false;
}

/* A job that was acknowledged; NULL: none. */
static struct work *any_job(struct sim *s)
{
    struct work *w = &s->jobs[pick(s, 0, s->njobs - 1)];

    return w->id ? w : NULL;
}

/* What one watcher saw, another may not see otherwise. */
static void compare(struct sim *s, struct work *w, const struct buf *log)
{
    size_t len = log->len < w->seen.len ? log->len : w->seen.len;

    if (len > 0 && memcmp(log->data, w->seen.data, len) != 0)
        fail(s, "job %d (%ju): its log was shown in two versions: %.*s / %.*s", w->k,
             (uintmax_t)w->id, (int)len, log->data, (int)len, w->seen.data);
    if (log->len > w->seen.len) {
        w->seen.len = 0;
        buf_add(&w->seen, log->data, log->len);
    }
}

static void watched(flux_future_t *f, void *arg)
{
    struct op *op = arg;
    struct sim *s = op->c->s;
    struct work *w = &s->jobs[op->k];
    const char *line;

    if (flux_job_event_watch_get(f, &line) < 0) {
        compare(s, w, &op->log);
        if (errno == ENODATA)
            op_free(op);
        else
            op_failed(op, "watch");
        return;
    }
    buf_adds(&op->log, line);
    if (op->log.data[op->log.len - 1] != '\n')
        buf_addc(&op->log, '\n');
    flux_future_reset(f);
}

static bool act_watch(struct client *c)
{
    struct work *w = any_job(c->s);

    if (!w)
        return false;
    op_new(c, OP_WATCH, w->k, flux_job_event_watch(c->h, w->id, "eventlog", 0), watched);
    return true;
}

/* The job may be over already; and a cancel that failed may have got through. */
static void cancelled(flux_future_t *f, void *arg)
{
    struct op *op = arg;

    if (flux_future_get(f, NULL) < 0 && errno != ENOENT && errno != EINVAL)
        op_failed(op, "cancel");
    else
        op_free(op);
}

static bool act_cancel(struct client *c)
{
    struct work *w = any_job(c->s);

    if (!w || w->done || !pick_chance(c->s, 30))
        return false;
    w->cancelled = true;
    c->s->stats.cancels++;
    op_new(c, OP_CANCEL, w->k, flux_job_cancel(c->h, w->id, "by a client"), cancelled);
    return true;
}

static void looked_up(flux_future_t *f, void *arg)
{
    struct op *op = arg;

    if (flux_rpc_get(f, NULL) < 0)
        op_failed(op, "lookup");
    else
        op_free(op);
}

static bool act_lookup(struct client *c)
{
    struct work *w = any_job(c->s);

    if (!w)
        return false;
    op_new(c, OP_LOOKUP, w->k, flux_job_info_lookup(c->h, w->id, "jobspec"), looked_up);
    return true;
}

static void listed(flux_future_t *f, void *arg)
{
    struct op *op = arg;

    if (flux_rpc_get(f, NULL) == 0)
        flux_future_reset(f);
    else if (errno == ENODATA)
        op_free(op);
    else
        op_failed(op, "list");
}

static bool act_list(struct client *c)
{
    op_new(c, OP_LIST, 0, flux_job_list(c->h, 0, NULL, FLUX_USERID_UNKNOWN, 0), listed);
    return true;
}

/* ---- ranks ---- */

static void pinged(flux_future_t *f, void *arg)
{
    looked_up(f, arg);
}

static bool act_ping(struct client *c)
{
    int rank = (int)pick(c->s, 0, c->s->size - 1);

    op_new(c, OP_PING, rank, flux_rpc(c->h, "broker.ping", "{}", (uint32_t)rank, 0),
           pinged);
    return true;
}

/* ---- events ---- */

static void published(flux_future_t *f, void *arg)
{
    struct op *op = arg;
    struct sim *s = op->c->s;
    struct event *e = &s->events[op->k];
    int seq;

    if (flux_event_publish_get_seq(f, &seq) < 0) {
        op_failed(op, "publish");
        return;
    }
    e->seq = (uint32_t)seq;
    e->publishing = false;
    say(s, op->c->n, "client %d: event %d has number %d", op->c->number, op->k, seq);
    op_free(op);
}

static bool act_publish(struct client *c)
{
    struct sim *s = c->s;

    for (int k = 0; k < s->nevents; k++) {
        struct event *e = &s->events[k];

        if (e->seq || e->publishing || sim_now(s) < e->next_try)
            continue;
        e->sent = sim_now(s);
        e->publishing = true;
        op_new(c, OP_PUBLISH, k,
               flux_event_publish_pack(c->h, TOPIC "event", 0, "{s:i}", "k", k),
               published);
        return true;
    }
    return false;
}

static void event_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct client *c = arg;
    struct session *ss = c->session;
    uint32_t seq;
    int k;

    if (flux_event_unpack(msg, NULL, "{s:i}", "k", &k) < 0 ||
        flux_msg_get_seq(msg, &seq) < 0)
        abort();
    if (!ss)
        return; /* before the answer to the subscription */
    c->s->stats.deliveries++;
    say(c->s, c->n, "client %d: sees event %d, number %u", c->number, k, (unsigned)seq);
    if (ss->n == ss->size) {
        ss->size = ss->size ? ss->size * 2 : 16;
        ss->seqs = reallocarray(ss->seqs, (size_t)ss->size, sizeof(*ss->seqs));
        ss->ks = reallocarray(ss->ks, (size_t)ss->size, sizeof(*ss->ks));
    }
    ss->seqs[ss->n] = seq;
    ss->ks[ss->n++] = k;
}

static void subscribed(flux_future_t *f, void *arg)
{
    struct op *op = arg;
    struct client *c = op->c;
    struct sim *s = c->s;

    if (flux_future_get(f, NULL) < 0) {
        op_failed(op, "subscribe");
        return;
    }
    op_free(op);
    if (s->nsessions == SESSIONS_MAX)
        return;
    c->session = &s->sessions[s->nsessions++];
    *c->session = (struct session){.rank = c->n->rank, .since = sim_now(s)};
    say(s, c->n, "client %d: subscribed", c->number);
}

void load_subscribe(struct client *c)
{
    struct flux_match match = FLUX_MATCH_EVENT;

    match.topic_glob = TOPIC "*";
    if (!(c->events = flux_msg_handler_create(c->h, match, event_cb, c)))
        abort();
    flux_msg_handler_start(c->events);
    op_new(c, OP_SUBSCRIBE, 0, flux_event_subscribe_ex(c->h, TOPIC, 0), subscribed);
}

void load_unsubscribe(struct client *c)
{
    flux_msg_handler_destroy(c->events);
    c->events = NULL;
    if (c->session)
        c->session->ended = true;
    c->session = NULL;
}

/* ---- all together ---- */

void load_act(struct client *c)
{
    static bool (*const acts[])(struct client * c) = {
        act_submit, act_submit, act_result, act_result, act_publish, act_publish,
        act_watch,  act_cancel, act_ping,   act_lookup, act_list,
    };

    if (c->s->chaos) {
        acts[pick(c->s, 0, 10)](c);
        return;
    }
    /* What is left of the work. */
    if (!act_submit(c) && !act_publish(c))
        act_result(c);
}

bool load_is_done(const struct sim *s)
{
    for (int k = 0; k < s->njobs; k++)
        if (!s->jobs[k].done)
            return false;
    for (int k = 0; k < s->nevents; k++)
        if (!s->events[k].seq)
            return false;
    return true;
}

/* ---- what the tasks say ---- */

/* The shell's journal is not synced: what it had begun and not told may begin again. */
void load_harm(struct node *n)
{
    struct sim *s = n->s;

    for (int k = 0; k < s->njobs; k++)
        if (s->jobs[k].starts[n->rank] > 0 && !s->jobs[k].done) {
            s->jobs[k].harmed = true;
            s->jobs[k].starts[n->rank] = 0;
        }
}

static struct work *job_of(struct node *n, flux_jobid_t id, int k)
{
    struct work *w = &n->s->jobs[k];

    if (k < 0 || k >= n->s->njobs)
        abort();
    if (w->id && w->id != id)
        fail(n->s, "job %d is %ju, and runs as %ju", k, (uintmax_t)w->id, (uintmax_t)id);
    return w;
}

void task_started(struct node *n, flux_jobid_t id, int k, uint32_t cores)
{
    struct work *w = job_of(n, id, k);

    say(n->s, n, "task of job %d (%ju) starts, cores %#x", k, (uintmax_t)id, cores);
    n->s->stats.starts++;
    if (++w->starts[n->rank] > 1)
        fail(n->s, "job %d (%ju) ran twice on rank %d", k, (uintmax_t)id, n->rank);
    if (!cores)
        fail(n->s, "job %d (%ju) has no cores on rank %d", k, (uintmax_t)id, n->rank);
    if (n->busy & cores)
        fail(n->s, "job %d (%ju) has cores %#x of rank %d, of which %#x are in use", k,
             (uintmax_t)id, cores, n->rank, n->busy & cores);
    n->busy |= cores;
}

void task_ended(struct node *n, flux_jobid_t id, int k, uint32_t cores, bool harmed)
{
    struct work *w = job_of(n, id, k);

    say(n->s, n, "task of job %d (%ju) %s", k, (uintmax_t)id, harmed ? "dies" : "ends");
    n->busy &= ~cores;
    if (harmed && !w->harmed)
        n->s->stats.harmed++;
    w->harmed |= harmed;
}

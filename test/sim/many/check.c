/* What must be true once everything is healed and done. */
#include <errno.h>

#include <flux/connector.h>
#include <flux/job.h>

#include "base/json.h"
#include "many.h"
#include "rfc21.h"

#define ANSWER_LIMIT 60. /* seconds */

/* A client of rank 0, for this. */
struct asker {
    struct sim *s;
    flux_t *h;
};

static void ready(flux_future_t *f, void *arg)
{
    *(bool *)arg = true;
}

/* Wait for an answer: its payload, yours to free(); NULL, errno. */
static char *wait_for(struct asker *a, flux_future_t *f)
{
    double end = sim_now(a->s) + ANSWER_LIMIT;
    const char *text = NULL;
    bool done = false;
    char *copy = NULL;

    if (!f || flux_future_then(f, -1., ready, &done) < 0)
        abort();
    while (!done && sim_now(a->s) < end && !a->s->failed)
        sim_pass(a->s, 0.02);
    if (!done)
        errno = ETIMEDOUT;
    else if (flux_rpc_get(f, &text) == 0)
        copy = strdup(text ? text : "");
    int saved = errno;
    flux_future_destroy(f);
    errno = saved;
    return copy;
}

static char *ask(struct asker *a, const char *topic, const char *payload)
{
    char *text = wait_for(a, flux_rpc(a->h, topic, payload, FLUX_NODEID_ANY, 0));

    if (!text)
        fail(a->s, "%s: %s", topic, strerror(errno));
    return text;
}

/* ---- jobs ---- */

static char *lookup(struct asker *a, const struct work *w, const char *key)
{
    flux_future_t *f = flux_job_info_lookup(a->h, w->id, key);
    char *text = wait_for(a, f), *value = NULL;
    cJSON *o = NULL;

    if (text && json_parse(text, strlen(text), NULL, &o, NULL) == 0 &&
        json_str(json_get(o, key)))
        value = strdup(json_str(json_get(o, key)));
    json_free(o);
    free(text);
    return value;
}

/* How it should have ended. */
static void check_end(struct sim *s, const struct work *w, const struct rfc21 *r)
{
    bool planned = r->finished && r->status == w->code << 8 && !r->doomed;

    if (planned)
        return;
    if (r->doomed && w->cancelled && !strcmp(r->exception, "cancel"))
        return;
    if (r->doomed && !strcmp(r->exception, "lost-shell") && w->harmed)
        return;
    fail(s, "job %d (%ju): status %#x instead of %#x, exception '%s'%s%s", w->k,
         (uintmax_t)w->id, r->status, w->code << 8, r->doomed ? r->exception : "",
         w->harmed ? ", its shell died" : "", w->cancelled ? ", was cancelled" : "");
}

static void check_seen(struct sim *s, const struct work *w, const char *log)
{
    if (w->seen.len > strlen(log) ||
        memcmp(log, w->seen.data ? w->seen.data : "", w->seen.len) != 0)
        fail(s, "job %d (%ju): what was shown of its log is not there:\n%.*s---\n%s",
             w->k, (uintmax_t)w->id, (int)w->seen.len, w->seen.data, log);
}

static int started_on(const struct work *w)
{
    int n = 0;

    for (int i = 0; i < NODES_MAX; i++)
        n += w->starts[i] > 0;
    return n;
}

static void check_job(struct asker *a, const struct work *w)
{
    struct sim *s = a->s;
    char *log = lookup(a, w, "eventlog");
    struct rfc21 r;

    if (!log) {
        fail(s, "job %d (%ju) is lost: it has no log", w->k, (uintmax_t)w->id);
        return;
    }
    if (rfc21_check(log, strlen(log), &r) < 0)
        fail(s, "job %d (%ju): its log is none: %s\n%s", w->k, (uintmax_t)w->id, r.why,
             log);
    else if (r.state != FLUX_JOB_STATE_INACTIVE)
        fail(s, "job %d (%ju) is not inactive:\n%s", w->k, (uintmax_t)w->id, log);
    else {
        check_end(s, w, &r);
        check_seen(s, w, log);
        if (strstr(log, "\"alloc\"") && !r.freed)
            fail(s, "job %d (%ju) keeps its resources", w->k, (uintmax_t)w->id);
        if (r.finished && !r.doomed && !w->mock && !w->harmed &&
            started_on(w) != w->nodes)
            fail(s, "job %d (%ju) ran on %d of %d nodes", w->k, (uintmax_t)w->id,
                 started_on(w), w->nodes);
    }
    free(log);
}

/* Jobs of one message of the list. */
static void count_jobs(struct sim *s, const cJSON *jobs, int *count)
{
    for (const cJSON *j = jobs ? jobs->child : NULL; j; j = j->next) {
        const char *name = json_str(json_get(j, "name"));
        int k = name && name[0] == 'k' ? atoi(name + 1) : -1;

        if (k < 0 || k >= s->njobs)
            fail(s, "a job that nobody submitted: %s", name ? name : "?");
        else if (++count[k] > 1)
            fail(s, "job %d is there twice", k);
    }
}

struct listing {
    struct sim *s;
    int count[JOBS_MAX];
    bool over;
};

static void listed(flux_future_t *f, void *arg)
{
    struct listing *l = arg;
    const cJSON *jobs;

    if (flux_rpc_get_unpack(f, "{s:o}", "jobs", &jobs) == 0) {
        count_jobs(l->s, jobs, l->count);
        flux_future_reset(f);
        return;
    }
    if (errno != ENODATA)
        fail(l->s, "job-list.list: %s", flux_future_error_string(f));
    l->over = true;
}

/* Each of our jobs is there once, and nobody else's. */
static void check_list(struct asker *a)
{
    struct listing l = {.s = a->s};
    double end = sim_now(a->s) + ANSWER_LIMIT;
    flux_future_t *f =
        flux_job_list(a->h, 0, "[\"name\",\"state\"]", FLUX_USERID_UNKNOWN, 0);

    if (!f || flux_future_then(f, -1., listed, &l) < 0)
        abort();
    while (!l.over && sim_now(a->s) < end && !a->s->failed)
        sim_pass(a->s, 0.02);
    flux_future_destroy(f);
    if (!l.over)
        fail(a->s, "job-list.list: no end");
    for (int k = 0; k < a->s->njobs; k++)
        if (l.count[k] == 0)
            fail(a->s, "job %d (%ju) is not in the list", k, (uintmax_t)a->s->jobs[k].id);
}

static void check_resources(struct asker *a)
{
    char *text = ask(a, "resource.sched-status", "{}");
    cJSON *o = NULL;
    const cJSON *list;

    if (!text)
        return;
    if (json_parse(text, strlen(text), NULL, &o, NULL) < 0)
        abort();
    list = json_get(json_get(json_get(o, "allocated"), "execution"), "R_lite");
    if (list && list->child)
        fail(a->s, "resources are still allocated: %s", text);
    json_free(o);
    free(text);
    for (int i = 0; i < a->s->size; i++)
        if (a->s->nodes[i].busy)
            fail(a->s, "cores %#x of rank %d are still in use", a->s->nodes[i].busy, i);
}

/* ---- the tree ---- */

/* Links that broke in the chaos come back by themselves, in their own time. */
#define TREE_LIMIT 60.

static bool says(struct asker *a, const char *topic, const char *payload,
                 const char *want, char **ret_text)
{
    free(*ret_text);
    *ret_text = ask(a, topic, payload);
    return *ret_text && strstr(*ret_text, want);
}

static void check_tree(struct asker *a)
{
    double end = sim_now(a->s) + TREE_LIMIT;
    char want[32], *text = NULL;

    snprintf(want, sizeof(want), "\"0-%d\"", a->s->size - 1);
    while (!says(a, "groups.get", "{\"name\":\"broker.online\"}", want, &text) ||
           !says(a, "overlay.health", "{}", "\"status\":\"full\"", &text)) {
        if (a->s->failed)
            break;
        if (sim_now(a->s) > end)
            fail(a->s, "the tree is not whole: %s", text ? text : "no answer");
        else
            sim_pass(a->s, 0.1);
    }
    free(text);
}

static void check_ranks(struct asker *a)
{
    for (uint32_t rank = 0; rank < (uint32_t)a->s->size && !a->s->failed; rank++) {
        char *text = wait_for(a, flux_rpc(a->h, "broker.ping", "{}", rank, 0));

        if (!text)
            fail(a->s, "rank %u does not answer: %s", (unsigned)rank, strerror(errno));
        free(text);
    }
}

/* ---- events ---- */

static bool has_seen(const struct session *ss, uint32_t seq)
{
    for (int i = 0; i < ss->n; i++)
        if (ss->seqs[i] == seq)
            return true;
    return false;
}

/* Each life of rank 0 begins with numbers of its own. */
static uint32_t life_of(uint32_t seq)
{
    return seq / ROUTER_SEQ_STEP;
}

/* Events are not on disk: what rank 0 had not passed on when it died is gone, but only the
 * last of them, from some point on. */
static bool excused(const struct sim *s, const struct session *ss, const struct event *e)
{
    if (life_of(e->seq) == life_of(router_seq(s->nodes[0].b->router)) && !ss->ended)
        return false;
    for (int k = 0; k < s->nevents; k++) {
        const struct event *later = &s->events[k];

        if (later->seq > e->seq && life_of(later->seq) == life_of(e->seq) &&
            has_seen(ss, later->seq))
            return false;
    }
    return true;
}

static void check_session(struct sim *s, int i)
{
    const struct session *ss = &s->sessions[i];

    for (int n = 1; n < ss->n; n++)
        if (ss->seqs[n] <= ss->seqs[n - 1])
            fail(s, "subscription %d on rank %d: event number %u came after %u", i,
                 ss->rank, (unsigned)ss->seqs[n], (unsigned)ss->seqs[n - 1]);
    for (int k = 0; k < s->nevents; k++) {
        const struct event *e = &s->events[k];

        if (e->sent > ss->since && !has_seen(ss, e->seq) && !excused(s, ss, e))
            fail(s,
                 "subscription %d on rank %d, of %.3f: event %d, number %u, published "
                 "at %.3f, did not come",
                 i, ss->rank, ss->since, k, (unsigned)e->seq, e->sent);
    }
}

/* ---- all ---- */

static bool open_asker(struct asker *a)
{
    struct node *n = &a->s->nodes[0];

    return n->up && broker_open(n->b, &a->h) == 0 &&
           flux_set_reactor(a->h, n->client_r) == 0;
}

void tell_stuck(struct sim *s)
{
    struct asker a = {.s = s};

    for (int i = 0; i < s->size; i++)
        if (!s->nodes[i].up)
            say(s, &s->nodes[i], "is not up");
    if (!s->trace || !open_asker(&a))
        return;
    for (int k = 0; k < s->njobs; k++) {
        const struct work *w = &s->jobs[k];
        char *log = w->id && !w->done ? lookup(&a, w, "eventlog") : NULL;

        if (!w->id)
            say(s, NULL, "job %d is not submitted", k);
        else if (!w->done)
            say(s, NULL, "job %d (%ju) is stuck:\n%s", k, (uintmax_t)w->id,
                log ? log : "no log");
        free(log);
    }
    flux_close(a.h);
}

void check_all(struct sim *s)
{
    struct asker a = {.s = s};

    say(s, NULL, "checks");
    sim_pass(s, 2); /* what is under way to subscribers arrives */
    if (s->failed)
        return;
    if (!open_asker(&a)) {
        fail(s, "rank 0 lets nobody in");
        return;
    }
    for (int k = 0; k < s->njobs && !s->failed; k++)
        check_job(&a, &s->jobs[k]);
    if (!s->failed)
        check_list(&a);
    if (!s->failed)
        check_resources(&a);
    if (!s->failed)
        check_tree(&a);
    check_ranks(&a);
    for (int i = 0; i < s->nsessions; i++)
        check_session(s, i);
    flux_close(a.h);
}

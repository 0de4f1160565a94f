/* What clients do to the KVS, and a record of it: they write, on a condition now and then,
 * two keys at once now and then; they read, from their broker or from the leader, or at
 * least some version; they watch. In the place of test/sim/many/load.c and check.c, whose
 * world this is.
 */
#include <errno.h>

#include <flux/connector.h>

#include "base/json.h"
#include "history.h"
#include "many.h"
#include "proto/treeobj.h"

#define KEYS 10   /* keys that have a value */
#define PAIRS 4   /* directories with two; as keys they have the next numbers */
#define BURST 12  /* requests that a client makes at once, at most */
#define WATCHES 6 /* of a client, at most */
#define ACTS_MAX 20000
#define ANSWER_LIMIT 60. /* seconds */

struct watching {
    struct list link;
    struct sim *s;
    flux_future_t *f;
    size_t number;
};

/* Of the run of now. */
static struct {
    struct history history;
    uint64_t clock, values;
    int sessions;
    int64_t latest; /* a version that somebody was told */
    struct {
        int session;
        struct list watches;
        int nwatches;
        int64_t seen[KEYS];     /* versions, for conditions */
    } clients[CLIENTS_MAX + 1]; /* the last one: of the beginning and the end */
} load;

void load_init(struct sim *s)
{
    memset(&load, 0, sizeof(load));
    for (int i = 0; i <= CLIENTS_MAX; i++) {
        load.clients[i].session = load.sessions++;
        list_init(&load.clients[i].watches);
    }
}

void load_fini(struct sim *s)
{
    history_free(&load.history);
}

/* ---- requests ---- */

static void key_name(int key, char *name)
{
    sprintf(name, key < KEYS ? "h.k%d" : "h.p%d", key);
}

static size_t begin(int client, enum deed deed, int key)
{
    struct act a = {.deed = deed,
                    .session = load.clients[client].session,
                    .key = key,
                    .from = ++load.clock,
                    .min = -1};

    if (deed == DEED_WRITE)
        a.value = ++load.values;
    return history_add(&load.history, &a);
}

static flux_kvs_txn_t *make_txn(const struct act *a)
{
    flux_kvs_txn_t *t = flux_kvs_txn_create();
    char name[32], text[32];

    key_name(a->key, name);
    sprintf(text, "%" PRIu64, a->value);
    if (a->key >= KEYS) {
        strcat(name, ".a");
        flux_kvs_txn_put(t, 0, name, text);
        name[strlen(name) - 1] = 'b';
    }
    flux_kvs_txn_put(t, 0, name, text);
    if (a->min >= 0)
        flux_kvs_txn_expect_version(t, name, (int)a->min);
    return t;
}

static flux_future_t *ask(flux_t *h, const struct act *a)
{
    int flags = a->leader ? FLUX_KVS_LINEARIZABLE : 0;
    flux_kvs_txn_t *t;
    flux_future_t *f;
    char name[32];

    if (a->deed == DEED_WRITE) {
        t = make_txn(a);
        f = flux_kvs_commit(h, NULL, a->value % 5 ? 0 : FLUX_KVS_NO_MERGE, t);
        flux_kvs_txn_destroy(t);
        return f;
    }
    key_name(a->key, name);
    if (a->key >= KEYS)
        flags |= FLUX_KVS_READDIR;
    return flux_kvs_lookup_min(h, NULL, flags, name, a->min > 0 ? (int)a->min : 0);
}

/* Both halves of a pair. */
static uint64_t pair_value(struct sim *s, flux_future_t *f)
{
    const char *object;
    uint64_t value[2] = {0};
    cJSON *o;

    if (flux_kvs_lookup_get_treeobj(f, &object) < 0 ||
        json_parse(object, strlen(object), NULL, &o, NULL) < 0) {
        fail(s, "a directory is none");
        return 0;
    }
    for (int i = 0; i < 2; i++) {
        char *text = NULL;
        size_t len;

        if (treeobj_val_decode(json_get(json_get(o, "data"), i ? "b" : "a"), &text,
                               &len) == 0)
            value[i] = strtoull(text, NULL, 10);
        free(text);
    }
    json_free(o);
    if (value[0] != value[1])
        fail(s, "half of a transaction was found: %ju and %ju", (uintmax_t)value[0],
             (uintmax_t)value[1]);
    return value[0];
}

static void take_read(struct sim *s, struct act *a, flux_future_t *f)
{
    const char *text;
    int version, key_version;

    if (flux_kvs_lookup_get_version(f, &version, &key_version) < 0) {
        fail(s, "a lookup's answer has no versions");
        return;
    }
    if (a->key >= KEYS)
        a->value = pair_value(s, f);
    else if (flux_kvs_lookup_get(f, &text) == 0 && text)
        a->value = strtoull(text, NULL, 10);
    a->version = version;
    a->key_version = key_version;
}

/* 0, or the errno of the answer. */
static int take_answer(struct sim *s, size_t number, flux_future_t *f)
{
    struct act *a = &load.history.acts[number];
    int version, errnum = flux_future_get(f, NULL) < 0 ? errno : 0;

    a->to = ++load.clock;
    if (errnum == ENOENT)
        fail(s, "key %d is lost", a->key);
    if ((errnum == ESTALE || errnum == ENOSPC) && a->deed == DEED_WRITE)
        a->fate = FATE_NEVER;
    if (errnum)
        return errnum;
    a->fate = FATE_DONE;
    s->stats.acks++;
    if (a->deed == DEED_READ)
        take_read(s, a, f);
    else if (flux_kvs_commit_get_sequence(f, &version) == 0)
        a->version = version;
    if (a->version > load.latest)
        load.latest = a->version;
    return 0;
}

static void answered(flux_future_t *f, void *arg)
{
    struct op *op = arg;
    struct sim *s = op->c->s;
    const struct act *a = &load.history.acts[op->k];
    int errnum = take_answer(s, (size_t)op->k, f);

    a = &load.history.acts[op->k];
    say(s, op->c->n,
        "client %d: %s %d, session %d, key %d: %s, value %ju, version %jd of %jd",
        op->c->number, a->deed == DEED_READ ? "read" : "write", op->k, a->session, a->key,
        strerror(errnum), (uintmax_t)a->value, (intmax_t)a->key_version,
        (intmax_t)a->version);
    if (errnum == EINVAL || errnum == EPROTO || errnum == EPERM || errnum == ENOTSUP)
        fail(s, "key %d: %s", a->key, flux_future_error_string(f));
    if (a->fate == FATE_UNKNOWN)
        load_again(op);
    else if (a->fate == FATE_DONE && a->key < KEYS)
        load.clients[op->c->number].seen[a->key] =
            a->deed == DEED_READ ? a->key_version : a->version;
    op_free(op);
}

/* It stays unknown. */
void load_again(struct op *op)
{
    op->c->s->stats.failed_ops++;
}

static void act(struct client *c, enum deed deed)
{
    struct sim *s = c->s;
    size_t number;
    struct act *a;

    if (load.history.n >= ACTS_MAX)
        return;
    number = begin(c->number, deed, (int)pick(s, 0, KEYS + PAIRS - 1));
    a = &load.history.acts[number];
    if (deed == DEED_READ) {
        a->leader = pick_chance(s, 20);
        if (pick_chance(s, 10))
            a->min = load.latest;
    } else if (a->key < KEYS && pick_chance(s, 20))
        a->min = load.clients[c->number].seen[a->key];
    if (a->deed == DEED_WRITE && a->min == 0)
        a->min = -1;
    op_new(c, OP_LOOKUP, (int)number, ask(c->h, a), answered);
    load.history.acts[number].leader |= c->n->rank == 0;
}

/* ---- watches ---- */

static void watching_free(struct watching *w)
{
    list_del(&w->link);
    flux_future_destroy(w->f);
    free(w);
}

static void told(flux_future_t *f, void *arg)
{
    struct watching *w = arg;
    const char *text;

    if (flux_kvs_lookup_get(f, &text) < 0) {
        say(w->s, NULL, "watch %zu ends: %s", w->number, strerror(errno));
        for (int i = 0; i < CLIENTS_MAX; i++)
            list_each(x, &load.clients[i].watches, struct watching, link)
            {
                load.clients[i].nwatches -= x == w;
            }
        watching_free(w);
        return;
    }
    say(w->s, NULL, "watch %zu tells %s", w->number, text ? text : "");
    w->s->stats.deliveries++;
    history_watched(&load.history, w->number, text ? strtoull(text, NULL, 10) : 0);
    flux_future_reset(f);
}

static void watch(struct client *c)
{
    struct watching *w;
    char name[32];
    int key = (int)pick(c->s, 0, KEYS - 1);

    if (load.clients[c->number].nwatches == WATCHES)
        return;
    w = calloc(1, sizeof(*w));
    w->s = c->s;
    list_init(&w->link);
    w->number = history_watch(&load.history, key, ++load.clock);
    key_name(key, name);
    say(c->s, c->n, "client %d: watch %zu of key %d", c->number, w->number, key);
    w->f = flux_kvs_lookup(c->h, NULL, FLUX_KVS_WATCH, name);
    if (!w->f || flux_future_then(w->f, -1., told, w) < 0) {
        watching_free(w);
        return;
    }
    load.clients[c->number].nwatches++;
    list_append(&load.clients[c->number].watches, &w->link);
}

void load_act(struct client *c)
{
    for (int64_t n = pick(c->s, 1, BURST); n > 0; n--) {
        int64_t what = pick(c->s, 0, 99);

        if (what < 3)
            watch(c);
        else
            act(c, what < 40 ? DEED_WRITE : DEED_READ);
    }
}

/* A connection is a session. */
void load_subscribe(struct client *c)
{
}

void load_unsubscribe(struct client *c)
{
    struct watching *w;

    while ((w = list_first(&load.clients[c->number].watches, struct watching, link)))
        watching_free(w);
    load.clients[c->number].nwatches = 0;
    load.clients[c->number].session = load.sessions++;
}

bool load_is_done(const struct sim *s)
{
    return true;
}

/* ---- jobs: there are none ---- */

void load_harm(struct node *n)
{
}

void task_started(struct node *n, flux_jobid_t id, int k, uint32_t cores)
{
}

void task_ended(struct node *n, flux_jobid_t id, int k, uint32_t cores, bool harmed)
{
}

/* ---- the beginning and the end ---- */

static void ready(flux_future_t *f, void *arg)
{
    *(bool *)arg = true;
}

/* Whether there was an answer; a broker that has just come back may know no way. */
static bool do_once(struct sim *s, flux_t *h, enum deed deed, int key, bool leader)
{
    size_t number = begin(CLIENTS_MAX, deed, key);
    double end = sim_now(s) + ANSWER_LIMIT;
    flux_future_t *f;
    bool done = false;
    int errnum = 0;

    load.history.acts[number].leader = leader;
    f = ask(h, &load.history.acts[number]);
    if (!f || flux_future_then(f, -1., ready, &done) < 0)
        abort();
    while (!done && sim_now(s) < end && !s->failed)
        sim_pass(s, 0.01);
    if (!done)
        fail(s, "key %d: no answer", key);
    else if ((errnum = take_answer(s, number, f)) && errnum != EHOSTUNREACH)
        fail(s, "key %d: %s", key, strerror(errnum));
    flux_future_destroy(f);
    return errnum == 0;
}

static void do_now(struct sim *s, flux_t *h, enum deed deed, int key, bool leader)
{
    double end = sim_now(s) + ANSWER_LIMIT;

    while (!do_once(s, h, deed, key, leader) && !s->failed) {
        if (sim_now(s) > end)
            fail(s, "key %d: no way to an answer", key);
        sim_pass(s, 0.5);
    }
}

/* A broker may just be starting again: it had no parent for too long. */
static flux_t *open_at(struct sim *s, struct node *n)
{
    double end = sim_now(s) + ANSWER_LIMIT;
    flux_t *h = NULL;

    while (!s->failed) {
        if (n->up && !n->leaving && broker_open(n->b, &h) == 0)
            return h;
        if (sim_now(s) > end)
            fail(s, "rank %d lets nobody in", n->rank);
        sim_pass(s, 0.5);
    }
    return NULL;
}

/* One of each, through a broker. */
static void do_all(struct sim *s, struct node *n, enum deed deed)
{
    flux_t *h = open_at(s, n);

    if (!h)
        return;
    if (flux_set_reactor(h, n->client_r) < 0)
        abort();
    load.clients[CLIENTS_MAX].session = load.sessions++;
    for (int key = 0; key < KEYS + PAIRS && !s->failed; key++)
        do_now(s, h, deed, key, n->rank == 0);
    flux_close(h);
}

void load_warm(struct sim *s)
{
    do_all(s, &s->nodes[0], DEED_WRITE);
    for (int i = 0; i < s->size && !s->failed; i++)
        do_all(s, &s->nodes[i], DEED_READ);
}

void tell_stuck(struct sim *s)
{
    for (int i = 0; i < s->size; i++)
        if (!s->nodes[i].up)
            say(s, &s->nodes[i], "is not up");
}

void check_all(struct sim *s)
{
    char why[400];

    for (int i = 0; i < s->size && !s->failed; i++)
        do_all(s, &s->nodes[i], DEED_READ);
    if (s->failed)
        return;
    sim_pass(s, 2); /* what is under way to watches arrives */
    for (int i = 0; i < CLIENTS_MAX; i++)
        list_each(w, &load.clients[i].watches, struct watching, link)
        {
            load.history.watches[w->number].whole = true;
        }
    s->stats.events = load.history.nwatches;
    if (!history_check(&load.history, why, sizeof(why)))
        fail(s, "%s", why);
}

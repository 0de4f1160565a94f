/* A client of the KVS of one broker that notes all it asks for and is told; and the check
 * of what several have noted (test/sim/kvs/history.h). For brokers that are really killed.
 *
 *     kvs_history client URI FILE INDEX CLIENTS OPERATIONS     (CLIENTS: how many there are)
 *     kvs_history check FILE...
 *
 * A client goes on until it has had that many answers or gets a SIGTERM, and opens a new
 * session whenever its connection breaks. INDEX 0 begins by giving each key a value.
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <flux/core.h>

#include "history.h"

#define KEYS 10
#define FLIGHT 24 /* requests under way */
#define WATCHES 4

struct client {
    const char *uri;
    flux_t *h;
    uint32_t rank;
    struct history history;
    int index, clients, session;
    uint64_t values, random;
    size_t done, want;
    unsigned flying, nwatches;
    int64_t seen[KEYS], latest;
};

static volatile sig_atomic_t stopped;

static void stop_cb(int signum)
{
    stopped = 1;
}

/* The same clock for all processes. */
static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t draw(struct client *c, uint64_t n)
{
    c->random = c->random * 6364136223846793005u + 1442695040888963407u;
    return (c->random >> 33) % n;
}

/* ---- requests ---- */

static flux_future_t *send_write(struct client *c, const struct act *a, const char *key)
{
    flux_kvs_txn_t *t = flux_kvs_txn_create();
    flux_future_t *f;
    char text[32];

    sprintf(text, "%ju", (uintmax_t)a->value);
    flux_kvs_txn_put(t, 0, key, text);
    if (a->min >= 0)
        flux_kvs_txn_expect_version(t, key, (int)a->min);
    f = flux_kvs_commit(c->h, NULL, a->value % 5 ? 0 : FLUX_KVS_NO_MERGE, t);
    flux_kvs_txn_destroy(t);
    return f;
}

static void take_answer(struct client *c, struct act *a, flux_future_t *f)
{
    int version = 0, key_version = 0, errnum = flux_future_get(f, NULL) < 0 ? errno : 0;
    const char *text;

    if (errnum == ENOENT)
        errx(1, "key %d is lost", a->key);
    if (errnum == ESTALE && a->deed == DEED_WRITE)
        a->fate = FATE_NEVER;
    if (errnum)
        return;
    if (a->deed == DEED_WRITE)
        flux_kvs_commit_get_sequence(f, &version);
    else if (flux_kvs_lookup_get_version(f, &version, &key_version) == 0 &&
             flux_kvs_lookup_get(f, &text) == 0)
        a->value = strtoull(text ? text : "0", NULL, 10);
    a->to = now();
    a->version = version;
    a->key_version = key_version;
    a->fate = FATE_DONE;
    c->seen[a->key] = a->deed == DEED_READ ? key_version : version;
    c->latest = version > c->latest ? version : c->latest;
    c->done++;
}

static void answered(flux_future_t *f, void *arg)
{
    struct client *c = arg;
    size_t number = (size_t)(uintptr_t)flux_future_aux_get(f, "number");

    take_answer(c, &c->history.acts[number], f);
    if (c->history.acts[number].fate == FATE_UNKNOWN)
        usleep(2000); /* it may be cut off: others have to come to */
    c->flying--;
    flux_future_destroy(f);
}

static void act(struct client *c, enum deed deed, int key)
{
    struct act a = {.deed = deed, .session = c->session, .key = key, .min = -1};
    flux_future_t *f;
    char name[16];
    size_t number;

    sprintf(name, "h.k%d", key);
    a.leader = deed == DEED_READ && (c->rank == 0 || draw(c, 5) == 0);
    if (deed == DEED_READ && draw(c, 10) == 0)
        a.min = c->latest;
    if (deed == DEED_WRITE) {
        a.value = c->values++ * (uint64_t)c->clients + (uint64_t)c->index + 1;
        if (draw(c, 5) == 0 && c->seen[key])
            a.min = c->seen[key];
    }
    a.from = now();
    number = history_add(&c->history, &a);
    if (deed == DEED_WRITE)
        f = send_write(c, &a, name);
    else
        f = flux_kvs_lookup_min(c->h, NULL, a.leader ? FLUX_KVS_LINEARIZABLE : 0, name,
                                a.min > 0 ? (int)a.min : 0);
    if (!f)
        return; /* the connection has just ended */
    flux_future_aux_set(f, "number", (void *)(uintptr_t)number, NULL);
    if (flux_future_then(f, -1., answered, c) < 0)
        flux_future_destroy(f);
    else
        c->flying++;
}

static void told(flux_future_t *f, void *arg)
{
    struct client *c = arg;
    size_t number = (size_t)(uintptr_t)flux_future_aux_get(f, "number");
    const char *text;

    if (flux_kvs_lookup_get(f, &text) < 0) {
        c->nwatches--;
        flux_future_destroy(f);
        return;
    }
    history_watched(&c->history, number, text ? strtoull(text, NULL, 10) : 0);
    c->done++;
    flux_future_reset(f);
}

static void watch(struct client *c)
{
    int key = (int)draw(c, KEYS);
    size_t number = history_watch(&c->history, key, now());
    flux_future_t *f;
    char name[16];

    sprintf(name, "h.k%d", key);
    if (!(f = flux_kvs_lookup(c->h, NULL, FLUX_KVS_WATCH, name)))
        return;
    flux_future_aux_set(f, "number", (void *)(uintptr_t)number, NULL);
    if (flux_future_then(f, -1., told, c) < 0)
        flux_future_destroy(f);
    else
        c->nwatches++;
}

/* ---- a session ---- */

static int lost_cb(flux_t *h, void *arg)
{
    flux_reactor_stop_error(flux_get_reactor(h));
    return -1;
}

static bool open_session(struct client *c)
{
    while (!stopped && !(c->h = flux_open(c->uri, 0)))
        usleep(20000);
    if (!c->h)
        return false;
    flux_comms_error_set(c->h, lost_cb, NULL);
    c->session += c->clients;
    c->flying = c->nwatches = 0;
    return flux_get_rank(c->h, &c->rank) == 0;
}

/* Until the connection ends. */
static void live(struct client *c)
{
    flux_reactor_t *r = flux_get_reactor(c->h);

    while (!stopped && c->done < c->want) {
        while (c->flying < FLIGHT)
            act(c, draw(c, 100) < 40 ? DEED_WRITE : DEED_READ, (int)draw(c, KEYS));
        if (c->nwatches < WATCHES && draw(c, 20) == 0)
            watch(c);
        if (flux_reactor_run(r, FLUX_REACTOR_ONCE) < 0)
            return;
    }
}

static void begin(struct client *c)
{
    for (int key = 0; key < KEYS; key++)
        act(c, DEED_WRITE, key);
    while (c->flying > 0 &&
           flux_reactor_run(flux_get_reactor(c->h), FLUX_REACTOR_ONCE) >= 0)
        ;
}

/* ---- files ---- */

static void put(FILE *f, const void *data, size_t len)
{
    if (len && fwrite(data, len, 1, f) != 1)
        err(1, "writing");
}

static void save(const struct history *h, const char *path)
{
    FILE *f = fopen(path, "w");

    if (!f)
        err(1, "%s", path);
    put(f, &h->n, sizeof(h->n));
    put(f, h->acts, h->n * sizeof(*h->acts));
    put(f, &h->nwatches, sizeof(h->nwatches));
    for (size_t i = 0; i < h->nwatches; i++) {
        put(f, &h->watches[i], sizeof(h->watches[i]));
        put(f, h->watches[i].values, h->watches[i].n * sizeof(uint64_t));
    }
    if (fclose(f) != 0)
        err(1, "%s", path);
}

static void get(FILE *f, void *data, size_t len)
{
    if (len && fread(data, len, 1, f) != 1)
        errx(1, "a history is cut short");
}

static void load(struct history *h, const char *path)
{
    FILE *f = fopen(path, "r");
    struct watched w;
    struct act a;
    size_t n, number;
    uint64_t value;

    if (!f)
        err(1, "%s", path);
    for (get(f, &n, sizeof(n)); n > 0; n--) {
        get(f, &a, sizeof(a));
        history_add(h, &a);
    }
    for (get(f, &n, sizeof(n)); n > 0; n--) {
        get(f, &w, sizeof(w));
        number = history_watch(h, w.key, w.from);
        for (; w.n > 0; w.n--) {
            get(f, &value, sizeof(value));
            history_watched(h, number, value);
        }
    }
    fclose(f);
}

/* ---- what it is started for ---- */

static int run_client(char **argv)
{
    struct client c = {.uri = argv[0],
                       .index = atoi(argv[2]),
                       .clients = atoi(argv[3]),
                       .want = strtoul(argv[4], NULL, 10)};

    signal(SIGTERM, stop_cb);
    c.session = c.index;
    c.random = (uint64_t)c.index * 7919 + now();
    for (bool first = c.index == 0; !stopped && c.done < c.want; first = false) {
        if (!open_session(&c))
            continue;
        if (first)
            begin(&c);
        live(&c);
        flux_close(c.h);
    }
    save(&c.history, argv[1]);
    history_free(&c.history);
    return 0;
}

static int run_check(char **files)
{
    struct history h = {0};
    size_t done = 0, told = 0, unknown = 0;
    char why[400] = "";
    bool good;

    for (; *files; files++)
        load(&h, *files);
    for (size_t i = 0; i < h.n; i++) {
        done += h.acts[i].fate == FATE_DONE;
        unknown += h.acts[i].fate == FATE_UNKNOWN;
    }
    for (size_t i = 0; i < h.nwatches; i++)
        told += h.watches[i].n;
    good = history_check(&h, why, sizeof(why));
    printf("%zu operations done, %zu without an answer, %zu watches with %zu answers: "
           "%s%s\n",
           done, unknown, h.nwatches, told, good ? "0 anomalies" : "ANOMALY: ", why);
    history_free(&h);
    return !good;
}

int main(int argc, char **argv)
{
    if (argc == 7 && strcmp(argv[1], "client") == 0)
        return run_client(argv + 2);
    if (argc > 2 && strcmp(argv[1], "check") == 0)
        return run_check(argv + 2);
    fprintf(stderr, "usage: kvs_history client URI FILE INDEX CLIENTS OPERATIONS\n"
                    "       kvs_history check FILE...\n");
    return 2;
}

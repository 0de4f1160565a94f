/* Commits to the key-value store, durable each: one after the other, many at a time, in large
 * transactions, into one directory and into many. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/core.h>

#include "bench.h"

#define SYNC 1000
#define PIPELINED 300000
#define WINDOW 4096
#define BIG_PUTS 10000 /* in one transaction */
#define BIG_ROUNDS 50
#define KEYS 3000 /* in one directory, or spread */
#define ROUNDS 20
#define VALUE "0123456789012345678901234567890123456789"

static flux_kvs_txn_t *txn_of(const char *key)
{
    flux_kvs_txn_t *txn = flux_kvs_txn_create();

    if (!txn || flux_kvs_txn_put(txn, 0, key, VALUE) < 0)
        bench_die("%s: %m", key);
    return txn;
}

static flux_future_t *commit(flux_t *h, flux_kvs_txn_t *txn)
{
    flux_future_t *f = flux_kvs_commit(h, NULL, 0, txn);

    if (!f)
        bench_die("flux_kvs_commit: %m");
    flux_kvs_txn_destroy(txn);
    return f;
}

static void finish(flux_future_t *f)
{
    if (flux_future_get(f, NULL) < 0)
        bench_die("commit: %s", flux_future_error_string(f));
    flux_future_destroy(f);
}

static const char *state_dir(void)
{
    const char *dir = getenv("D");

    return dir ? dir : ".";
}

static void run_sync(void)
{
    flux_t *h = bench_open(NULL);
    static double v[SYNC];
    double sum = 0., limit = limit_fdatasync(state_dir());
    char key[64];

    for (int i = 0; i < SYNC; i++) {
        double t0 = bench_now();

        snprintf(key, sizeof(key), "sync.%d.%d", i % 10, i % 100);
        finish(commit(h, txn_of(key)));
        v[i] = bench_now() - t0;
        sum += v[i];
    }
    limit = (limit + limit_fdatasync(state_dir())) / 2;
    bench_line("kvs-put-sync", bench_median(v, SYNC) * 1e3, "ms", limit * 2e3 + 0.3);
    bench_line("kvs-put-sync-mean", sum / SYNC * 1e3, "ms", limit * 2e3 + 0.3);
    flux_close(h);
}

/* ---- many at a time ---- */

struct many {
    flux_t *h;
    void (*name)(char *key, size_t size, int i);
    int total, sent, done;
};

static void send_more(struct many *m);

static void committed(flux_future_t *f, void *arg)
{
    struct many *m = arg;

    finish(f);
    if (++m->done == m->total)
        flux_reactor_stop(flux_get_reactor(m->h));
    else
        send_more(m);
}

static void send_more(struct many *m)
{
    char key[64];

    while (m->sent < m->total && m->sent - m->done < WINDOW) {
        m->name(key, sizeof(key), m->sent++);
        if (flux_future_then(commit(m->h, txn_of(key)), -1., committed, m) < 0)
            bench_die("flux_future_then: %m");
    }
}

/* Commits per second. */
static double rate(flux_t *h, void (*name)(char *, size_t, int), int total)
{
    struct many m = {.h = h, .name = name, .total = total};
    double t0 = bench_now();

    send_more(&m);
    if (flux_reactor_run(flux_get_reactor(h), 0) < 0)
        bench_die("reactor: %m");
    return total / (bench_now() - t0);
}

static void name_any(char *key, size_t size, int i)
{
    snprintf(key, size, "any.d%d.k%d", i / 100 % 100, i % 100);
}

static void name_in_one(char *key, size_t size, int i)
{
    snprintf(key, size, "one.k%d", i % KEYS);
}

static void name_spread(char *key, size_t size, int i)
{
    snprintf(key, size, "spread.d%d.k%d", i / 10 % (KEYS / 10), i % 10);
}

static flux_kvs_txn_t *big_txn(void)
{
    flux_kvs_txn_t *txn = flux_kvs_txn_create();
    char key[64];

    for (int i = 0; txn && i < BIG_PUTS; i++) {
        snprintf(key, sizeof(key), "big.d%d.k%d", i / 100, i % 100);
        if (flux_kvs_txn_put(txn, 0, key, VALUE) < 0)
            bench_die("%s: %m", key);
    }
    return txn;
}

/* Puts per second of large transactions, of which two are under way. */
static double rate_big(flux_t *h)
{
    flux_future_t *before = NULL;
    double t0 = bench_now();

    for (int r = 0; r < BIG_ROUNDS; r++) {
        flux_future_t *f = commit(h, big_txn());

        if (before)
            finish(before);
        before = f;
    }
    finish(before);
    return (double)BIG_PUTS * BIG_ROUNDS / (bench_now() - t0);
}

static void run_pipelined(void)
{
    flux_t *h = bench_open(NULL);

    bench_line("kvs-put-pipelined", rate(h, name_any, PIPELINED), "commit/s",
               limit_socket_rate());
    flux_close(h);
}

static void run_transaction(void)
{
    flux_t *h = bench_open(NULL);

    bench_line("kvs-put-transaction", rate_big(h), "put/s", limit_socket_rate());
    flux_close(h);
}

static void run_one_directory(void)
{
    flux_t *h = bench_open(NULL);
    double spread = rate(h, name_spread, KEYS * ROUNDS);

    bench_line("kvs-put-one-directory", rate(h, name_in_one, KEYS * ROUNDS), "commit/s",
               spread);
    flux_close(h);
}

const struct bench bench_kvs_put[] = {
    {"kvs-put-sync", run_sync, "--statedir=$D"},
    {"kvs-put-pipelined", run_pipelined, "--statedir=$D"},
    {"kvs-put-transaction", run_transaction, "--statedir=$D"},
    {"kvs-put-one-directory", run_one_directory, "--statedir=$D"},
    {0}};

/* Watches of the key-value store: how long a change needs to a watcher on another broker, and
 * what watchers of other keys cost a commit. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/core.h>

#include "bench.h"

#define PUTS 500
#define WATCHERS 10000
#define ROUNDS 400

static void put(flux_t *h, const char *key, int value)
{
    flux_kvs_txn_t *txn = flux_kvs_txn_create();
    char text[32];
    flux_future_t *f;

    snprintf(text, sizeof(text), "%d", value);
    if (!txn || flux_kvs_txn_put(txn, 0, key, text) < 0 ||
        !(f = flux_kvs_commit(h, NULL, 0, txn)) || flux_future_get(f, NULL) < 0)
        bench_die("%s: %m", key);
    flux_future_destroy(f);
    flux_kvs_txn_destroy(txn);
}

static flux_future_t *watch(flux_t *h, const char *key)
{
    flux_future_t *f = flux_kvs_lookup(h, NULL, FLUX_KVS_WATCH, key);

    if (!f)
        bench_die("%s: %m", key);
    return f;
}

static void expect(flux_future_t *f, int value)
{
    const char *text;

    if (flux_kvs_lookup_get(f, &text) < 0)
        bench_die("watch: %s", flux_future_error_string(f));
    if (!text || atoi(text) != value)
        bench_die("watch: %s, not %d", text ? text : "nothing", value);
    flux_future_reset(f);
}

/* Median round trip from one broker to another, seconds. */
static double hop(flux_t *h)
{
    enum { N = 2000 };
    static double v[N];

    for (int i = 0; i < N; i++) {
        double t0 = bench_now();
        flux_future_t *f = flux_rpc(h, "broker.ping", "{\"seq\":1,\"pad\":\"\"}", 1, 0);

        if (!f || flux_future_get(f, NULL) < 0)
            bench_die("ping: %m");
        flux_future_destroy(f);
        v[i] = bench_now() - t0;
    }
    return bench_median(v, N);
}

/* From before the commit to the notification. */
static double notice(flux_t *h, flux_t *other)
{
    static double v[PUTS];
    flux_future_t *f;

    put(h, "bench.notice", -1);
    f = watch(other, "bench.notice");
    expect(f, -1);
    for (int i = 0; i < PUTS; i++) {
        double t0 = bench_now();
        flux_kvs_txn_t *txn = flux_kvs_txn_create();
        flux_future_t *c;
        char text[32];

        snprintf(text, sizeof(text), "%d", i);
        if (!txn || flux_kvs_txn_put(txn, 0, "bench.notice", text) < 0 ||
            !(c = flux_kvs_commit(h, NULL, 0, txn)))
            bench_die("commit: %m");
        expect(f, i);
        v[i] = bench_now() - t0;
        if (flux_future_get(c, NULL) < 0)
            bench_die("commit: %m");
        flux_future_destroy(c);
        flux_kvs_txn_destroy(txn);
    }
    flux_future_destroy(f);
    return bench_median(v, PUTS);
}

/* Median of a commit to one of the watched keys, with its notification. */
static double commit_time(flux_t *h, flux_future_t *f)
{
    static int value = 1;
    static double v[ROUNDS];

    for (int i = 0; i < ROUNDS; i++) {
        double t0 = bench_now();

        put(h, "many.k0", value);
        expect(f, value++);
        v[i] = bench_now() - t0;
    }
    return bench_median(v, ROUNDS);
}

static void make_keys(flux_t *h)
{
    flux_kvs_txn_t *txn = flux_kvs_txn_create();
    flux_future_t *f;
    char key[32];

    for (int i = 0; txn && i < WATCHERS; i++) {
        snprintf(key, sizeof(key), "many.k%d", i);
        if (flux_kvs_txn_put(txn, 0, key, "0") < 0)
            bench_die("%s: %m", key);
    }
    if (!txn || !(f = flux_kvs_commit(h, NULL, 0, txn)) || flux_future_get(f, NULL) < 0)
        bench_die("commit: %m");
    flux_future_destroy(f);
    flux_kvs_txn_destroy(txn);
}

static void run_watch(void)
{
    flux_t *h = bench_open(NULL), *other = bench_open_rank(h, 1);
    const char *dir = getenv("D");
    double sync = limit_fdatasync(dir ? dir : "."), few = 0., many;
    static flux_future_t *f[WATCHERS];
    char key[32];

    bench_line("kvs-watch", notice(h, other) * 1e3, "ms", hop(h) * 3e3 + sync * 1.5e3);
    make_keys(h);
    for (int i = 0; i < WATCHERS; i++) {
        if (i == 10)
            few = commit_time(h, f[0]);
        snprintf(key, sizeof(key), "many.k%d", i);
        f[i] = watch(other, key);
        if (i == 0 || i == 9)
            expect(f[i], 0);
    }
    expect(f[WATCHERS - 1], 0);
    many = commit_time(h, f[0]);
    bench_line("kvs-watch-10000", many * 1e3, "ms", few * 1e3);
    for (int i = 0; i < WATCHERS; i++)
        flux_future_destroy(f[i]);
    flux_close(other);
    flux_close(h);
}

const struct bench bench_kvs_watch[] = {
    {"kvs-watch", run_watch, "--test-size=2 --statedir=$D"}, {0}};

/* A key-value store of a million keys: what it takes in memory and on the disk, and how long an
 * instance that has it needs to start until it answers. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <flux/core.h>

#include "bench.h"

#define KEYS 1000000
#define TXN 10000
#define PER_DIR 1000
#define VALUE 100 /* bytes */

static void finish(flux_future_t *f)
{
    if (!f || flux_future_get(f, NULL) < 0)
        bench_die("kvs: %s", f ? flux_future_error_string(f) : "no memory");
    flux_future_destroy(f);
}

static void put_some(flux_t *h, int from)
{
    flux_kvs_txn_t *txn = flux_kvs_txn_create();
    char key[64], value[VALUE + 1];

    for (int i = from; txn && i < from + TXN; i++) {
        snprintf(key, sizeof(key), "size.d%d.k%d", i / PER_DIR, i % PER_DIR);
        snprintf(value, sizeof(value), "%0*d", VALUE, i);
        if (flux_kvs_txn_put_raw(txn, 0, key, value, VALUE) < 0)
            bench_die("%s: %m", key);
    }
    finish(flux_kvs_commit(h, NULL, 0, txn));
    flux_kvs_txn_destroy(txn);
}

static void sync_store(flux_t *h)
{
    flux_kvs_txn_t *txn = flux_kvs_txn_create();

    finish(flux_kvs_commit(h, NULL, FLUX_KVS_SYNC, txn));
    flux_kvs_txn_destroy(txn);
}

static double number_of(flux_t *h, const char *name)
{
    flux_future_t *f = flux_rpc(h, "kvs.stats-get", NULL, 0, 0);
    int64_t n;

    if (!f || flux_rpc_get_unpack(f, "{s:I}", name, &n) < 0)
        bench_die("kvs.stats-get: %m");
    flux_future_destroy(f);
    return (double)n;
}

/* Bytes of a broker in memory. */
static double memory(flux_t *h)
{
    const char *pid = flux_attr_get(h, "broker.pid");
    double kib = pid ? bench_pss(atoi(pid)) : -1.;

    if (kib < 0.)
        bench_die("broker %s: no smaps_rollup", pid ? pid : "without a pid");
    return kib * 1024.;
}

static double file_bytes(void)
{
    static const char *const names[] = {"store.sqlite", "store.sqlite-wal"};
    double sum = 0.;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[4096];
        struct stat st;

        snprintf(path, sizeof(path), "%s/%s", getenv("D"), names[i]);
        if (stat(path, &st) == 0)
            sum += (double)st.st_size;
    }
    return sum;
}

static void expect(flux_t *h, int i)
{
    flux_future_t *f;
    const char *text;
    char key[64];

    snprintf(key, sizeof(key), "size.d%d.k%d", i / PER_DIR, i % PER_DIR);
    f = flux_kvs_lookup(h, NULL, 0, key);
    if (!f || flux_kvs_lookup_get(f, &text) < 0 || !text || atoi(text) != i)
        bench_die("%s: wrong", key);
    flux_future_destroy(f);
}

static void run_fill(void)
{
    flux_t *h = bench_open(NULL);
    double t0 = bench_now();

    for (int i = 0; i < KEYS; i += TXN)
        put_some(h, i);
    bench_line("kvs-size-put", KEYS / (bench_now() - t0), "put/s", 0.);
    sync_store(h);
    bench_line("kvs-size-memory", memory(h) / 1048576., "MiB",
               (double)KEYS * VALUE / 1048576.);
    bench_line("kvs-size-objects", number_of(h, "memory") / 1048576., "MiB", 0.);
    flux_close(h);
}

/* The first answer comes from the tree, of which nothing is in memory. */
static void run_reopen(void)
{
    const char *t0 = getenv("BENCH_T0");
    flux_t *h = bench_open(NULL);

    expect(h, KEYS / 2 + 7);
    bench_line("kvs-size-reopen", bench_now() - (t0 ? atof(t0) : 0.), "s", 1.);
    expect(h, 0);
    expect(h, KEYS - 1);
    bench_line("kvs-size-reopen-memory", memory(h) / 1048576., "MiB", 0.);
    bench_line("kvs-size-file", file_bytes() / 1048576., "MiB",
               (double)KEYS * VALUE / 1048576.);
    flux_close(h);
}

static void start(const char *dir, const char *part)
{
    char self[4096], command[8192], t0[32];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

    self[n > 0 ? n : 0] = '\0';
    snprintf(t0, sizeof(t0), "%.9f", bench_now());
    setenv("BENCH_T0", t0, 1);
    setenv("D", dir, 1);
    setenv("BENCH_PART", part, 1);
    snprintf(command, sizeof(command),
             "exec flux start --statedir='%s' '%s' --inside kvs-size", dir, self);
    if (system(command) != 0)
        bench_die("kvs-size: %s failed", part);
}

static void run_both(void)
{
    char dir[4096], command[8192];

    if (!realpath(".", dir))
        bench_die("%m");
    strncat(dir, "/kvs-size-XXXXXX", sizeof(dir) - strlen(dir) - 1);
    if (!mkdtemp(dir))
        bench_die("%s: %m", dir);
    start(dir, "fill");
    start(dir, "reopen");
    snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    if (system(command) != 0)
        fprintf(stderr, "bench: %s was not removed\n", dir);
}

/* It starts itself twice, within an instance. */
static void run_size(void)
{
    const char *part = getenv("BENCH_PART");

    if (!part)
        run_both();
    else if (!strcmp(part, "fill"))
        run_fill();
    else
        run_reopen();
}

const struct bench bench_kvs_size[] = {{"kvs-size", run_size, NULL}, {0}};

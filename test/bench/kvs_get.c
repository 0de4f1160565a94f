/* Lookups at a broker above rank 0, of keys that it has in memory: one after the other, and
 * pipelined. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/core.h>

#include "bench.h"

#define RANK 3
#define KEYS 1000
#define SIZE 100 /* bytes of a value */
#define WINDOW 256
#define ONE_BY_ONE 5000
#define PIPELINED 300000

struct pipe {
    flux_t *h;
    int total, sent, got;
};

static void key_of(int i, char *key, size_t size)
{
    i = (int)((unsigned)i * 7919u % KEYS);
    snprintf(key, size, "bench.d%d.k%d", i / 100, i);
}

static void put_all(flux_t *h)
{
    flux_kvs_txn_t *txn = flux_kvs_txn_create();
    char key[64], value[SIZE + 1];
    flux_future_t *f;

    memset(value, 'v', SIZE);
    value[SIZE] = '\0';
    for (int i = 0; i < KEYS; i++) {
        key_of(i, key, sizeof(key));
        if (!txn || flux_kvs_txn_put(txn, 0, key, value) < 0)
            bench_die("flux_kvs_txn_put: %m");
    }
    f = flux_kvs_commit(h, NULL, 0, txn);
    if (!f || flux_future_get(f, NULL) < 0)
        bench_die("commit: %m");
    flux_future_destroy(f);
    flux_kvs_txn_destroy(txn);
}

static flux_future_t *lookup(flux_t *h, int i)
{
    char key[64];
    flux_future_t *f;

    key_of(i, key, sizeof(key));
    if (!(f = flux_kvs_lookup(h, NULL, 0, key)))
        bench_die("flux_kvs_lookup: %m");
    return f;
}

static void check(flux_future_t *f)
{
    const char *value;

    if (flux_kvs_lookup_get(f, &value) < 0 || strlen(value) != SIZE)
        bench_die("lookup: %s", flux_future_error_string(f));
    flux_future_destroy(f);
}

static void send_more(struct pipe *p);

static void got_cb(flux_future_t *f, void *arg)
{
    struct pipe *p = arg;

    check(f);
    if (++p->got == p->total)
        flux_reactor_stop(flux_get_reactor(p->h));
    else
        send_more(p);
}

static void send_more(struct pipe *p)
{
    while (p->sent < p->total && p->sent - p->got < WINDOW)
        if (flux_future_then(lookup(p->h, p->sent++), -1., got_cb, p) < 0)
            bench_die("flux_future_then: %m");
}

static double pipelined(flux_t *h, int total)
{
    struct pipe p = {.h = h, .total = total};
    double t0 = bench_now();

    send_more(&p);
    if (flux_reactor_run(flux_get_reactor(h), 0) < 0)
        bench_die("reactor: %m");
    return total / (bench_now() - t0);
}

static double one_by_one(flux_t *h)
{
    static double v[ONE_BY_ONE];

    for (int i = 0; i < ONE_BY_ONE; i++) {
        double t0 = bench_now();

        check(lookup(h, i));
        v[i] = bench_now() - t0;
    }
    return bench_median(v, ONE_BY_ONE);
}

/* How many lookups the kvs module there has answered, and what it had to ask for. */
static void count(flux_t *h, int64_t *lookups, int64_t *loads)
{
    flux_future_t *f = flux_rpc(h, "kvs.stats-get", NULL, RANK, 0);

    if (!f || flux_rpc_get_unpack(f, "{s:I s:I}", "lookups", lookups, "loads", loads) < 0)
        bench_die("kvs.stats-get: %m");
    flux_future_destroy(f);
}

static void run(void)
{
    flux_t *h = bench_open(NULL), *there = bench_open_rank(h, RANK);
    int64_t lookups[2], loads[2];

    put_all(h);
    pipelined(there, KEYS); /* now it has them all */
    count(h, &lookups[0], &loads[0]);
    bench_line("kvs-get", one_by_one(there) * 1e6, "us", limit_socket_rtt() * 1e6);
    bench_line("kvs-get-pipelined", pipelined(there, PIPELINED), "get/s",
               limit_socket_rate());
    count(h, &lookups[1], &loads[1]);
    if (lookups[1] - lookups[0] != ONE_BY_ONE + PIPELINED || loads[1] != loads[0])
        bench_die("not all was answered there from memory");
    flux_close(there);
    flux_close(h);
}

const struct bench bench_kvs_get[] = {{"kvs-get", run, "--test-size=4"}, {0}};

/* Echo requests to a broker, our own and another: round trip, and pipelined. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/core.h>

#include "bench.h"

#define WINDOW 256

struct pipe {
    flux_t *h;
    uint32_t rank;
    int total, sent, got;
};

static void send_more(struct pipe *p);

static void got_echo(flux_future_t *f, void *arg)
{
    struct pipe *p = arg;

    if (flux_future_get(f, NULL) < 0)
        bench_die("echo: %s", flux_future_error_string(f));
    flux_future_destroy(f);
    if (++p->got == p->total)
        flux_reactor_stop(flux_get_reactor(p->h));
    else
        send_more(p);
}

static flux_future_t *echo(flux_t *h, uint32_t rank)
{
    flux_future_t *f = flux_rpc(h, "broker.ping", "{\"seq\":1,\"pad\":\"\"}", rank, 0);

    if (!f)
        bench_die("flux_rpc: %m");
    return f;
}

static void send_more(struct pipe *p)
{
    while (p->sent < p->total && p->sent - p->got < WINDOW) {
        if (flux_future_then(echo(p->h, p->rank), -1., got_echo, p) < 0)
            bench_die("flux_future_then: %m");
        p->sent++;
    }
}

static double round_trip(flux_t *h, uint32_t rank)
{
    enum { N = 5000 };
    static double v[N];

    for (int i = 0; i < N; i++) {
        double t0 = bench_now();
        flux_future_t *f = echo(h, rank);

        if (flux_future_get(f, NULL) < 0)
            bench_die("echo: %s", flux_future_error_string(f));
        flux_future_destroy(f);
        v[i] = bench_now() - t0;
    }
    return bench_median(v, N);
}

static double pipelined(flux_t *h, uint32_t rank, int total)
{
    struct pipe p = {.h = h, .rank = rank, .total = total};
    double t0 = bench_now();

    send_more(&p);
    if (flux_reactor_run(flux_get_reactor(h), 0) < 0)
        bench_die("reactor: %m");
    return p.total / (bench_now() - t0);
}

static void run(const char *name, uint32_t rank, int total)
{
    flux_t *h = bench_open(NULL);
    char row[64];

    snprintf(row, sizeof(row), "%s-round-trip", name);
    bench_line(row, round_trip(h, rank) * 1e6, "us", limit_socket_rtt() * 1e6);
    snprintf(row, sizeof(row), "%s-pipelined", name);
    bench_line(row, pipelined(h, rank, total), "rpc/s", limit_socket_rate());
    flux_close(h);
}

static void run_rpc(void)
{
    run("rpc", 0, 300000);
}

static void run_hop(void)
{
    run("rpc-hop", 3, 200000);
}

const struct bench bench_rpc[] = {
    {"rpc", run_rpc, ""}, {"rpc-hop", run_hop, "--test-size=4"}, {0}};

/* Echo requests to the broker: round trip, and pipelined. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/core.h>

#include "bench.h"

#define WINDOW 256

struct pipe {
    flux_t *h;
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

static flux_future_t *echo(flux_t *h)
{
    flux_future_t *f = flux_rpc(h, "broker.ping", "{\"seq\":1,\"pad\":\"\"}", 0, 0);

    if (!f)
        bench_die("flux_rpc: %m");
    return f;
}

static void send_more(struct pipe *p)
{
    while (p->sent < p->total && p->sent - p->got < WINDOW) {
        if (flux_future_then(echo(p->h), -1., got_echo, p) < 0)
            bench_die("flux_future_then: %m");
        p->sent++;
    }
}

static double round_trip(flux_t *h)
{
    enum { N = 5000 };
    static double v[N];

    for (int i = 0; i < N; i++) {
        double t0 = bench_now();
        flux_future_t *f = echo(h);

        if (flux_future_get(f, NULL) < 0)
            bench_die("echo: %s", flux_future_error_string(f));
        flux_future_destroy(f);
        v[i] = bench_now() - t0;
    }
    return bench_median(v, N);
}

static double pipelined(flux_t *h)
{
    struct pipe p = {.h = h, .total = 300000};
    double t0 = bench_now();

    send_more(&p);
    if (flux_reactor_run(flux_get_reactor(h), 0) < 0)
        bench_die("reactor: %m");
    return p.total / (bench_now() - t0);
}

static void run_rpc(void)
{
    flux_t *h = flux_open(NULL, 0);

    if (!h)
        bench_die("flux_open: %m");
    bench_line("rpc-round-trip", round_trip(h) * 1e6, "us", limit_socket_rtt() * 1e6);
    bench_line("rpc-pipelined", pipelined(h), "rpc/s", limit_socket_rate());
    flux_close(h);
}

const struct bench bench_rpc[] = {{"rpc", run_rpc, ""}, {0}};

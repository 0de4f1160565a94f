/* What travels over the whole tree of 256 brokers: events down it, requests to all of it. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/core.h>

#include "bench.h"

#define EVENTS 1000
#define GATHERS 20
#define PAYLOAD "{\"pad\":\"0123456789012345678901234567890123456789\"}"

/* Requests under way: one to each rank, or the publications. */
struct crowd {
    flux_t *h;
    int left;
    int64_t events; /* least number of events that a broker has seen */
};

static void arrived(struct crowd *c, flux_future_t *f)
{
    flux_future_destroy(f);
    if (--c->left == 0)
        flux_reactor_stop(flux_get_reactor(c->h));
}

static void got(flux_future_t *f, void *arg)
{
    if (flux_future_get(f, NULL) < 0)
        bench_die("%s", flux_future_error_string(f));
    arrived(arg, f);
}

static void got_stats(flux_future_t *f, void *arg)
{
    struct crowd *c = arg;
    int64_t events;

    if (flux_rpc_get_unpack(f, "{s:{s:I}}", "router", "events", &events) < 0)
        bench_die("broker.stats-get: %s", flux_future_error_string(f));
    if (events < c->events)
        c->events = events;
    arrived(c, f);
}

static void then(flux_future_t *f, flux_continuation_f cb, struct crowd *c)
{
    if (!f || flux_future_then(f, -1., cb, c) < 0)
        bench_die("%m");
    c->left++;
}

static void wait_all(struct crowd *c)
{
    if (c->left > 0 && flux_reactor_run(flux_get_reactor(c->h), 0) < 0)
        bench_die("reactor: %m");
}

static uint32_t open_tree(struct crowd *c)
{
    uint32_t size;

    *c = (struct crowd){.h = bench_open(NULL), .events = INT64_MAX};
    if (flux_get_size(c->h, &size) < 0)
        bench_die("flux_get_size: %m");
    return size;
}

static void ask_all(struct crowd *c, uint32_t size, const char *topic,
                    flux_continuation_f cb)
{
    for (uint32_t rank = 0; rank < size; rank++)
        then(flux_rpc(c->h, topic, "{\"seq\":1,\"pad\":\"\"}", rank, 0), cb, c);
    wait_all(c);
}

/* A request to a broker travels behind the events that were published before it: once
 * all have answered, all have all events. */
static void run_event(void)
{
    struct crowd c;
    uint32_t size = open_tree(&c);
    int64_t before;
    double t0;

    ask_all(&c, size, "broker.stats-get", got_stats);
    before = c.events;
    t0 = bench_now();
    for (int i = 0; i < EVENTS; i++)
        then(flux_event_publish(c.h, "bench.event", 0, PAYLOAD), got, &c);
    wait_all(&c);
    ask_all(&c, size, "broker.ping", got);
    t0 = bench_now() - t0;
    c.events = INT64_MAX;
    ask_all(&c, size, "broker.stats-get", got_stats);
    if (c.events < before + EVENTS)
        bench_die("a broker has seen %jd of %d events", (intmax_t)(c.events - before),
                  EVENTS);
    bench_line("event", t0 / EVENTS * 1e6, "us/event", limit_flat_writes(size) * 1e6);
    flux_close(c.h);
}

static void run_gather(void)
{
    struct crowd c;
    uint32_t size = open_tree(&c);
    double v[GATHERS];

    for (int i = 0; i < GATHERS; i++) {
        v[i] = bench_now();
        ask_all(&c, size, "broker.ping", got);
        v[i] = bench_now() - v[i];
    }
    bench_line("gather", bench_median(v, GATHERS) * 1e3, "ms",
               size / limit_socket_rate() * 1e3);
    flux_close(c.h);
}

const struct bench bench_tree[] = {{"event", run_event, "--test-size=256"},
                                   {"gather", run_gather, "--test-size=256"},
                                   {0}};

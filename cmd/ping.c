/* flux ping - round trips to a broker or a service. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <flux/core.h>

#include "cmds.h"

static const struct cli_option ping_options[] = {
    {"rank", 'r', CLI_REQUIRED, "N", "Ask the service on this broker rank"},
    {"pad", 'p', CLI_REQUIRED, "BYTES", "Add this many bytes to each message"},
    {"interval", 'i', CLI_REQUIRED, "SEC", "Wait between pings (default 1)"},
    {"count", 'c', CLI_REQUIRED, "N", "Stop after N pings"},
    {"batch", 'b', CLI_NONE, NULL, "Send all before the first answer is awaited"},
    {"userid", 'u', CLI_NONE, NULL, "Show the userid and roles that arrived"},
    {0},
};

struct ping {
    struct cli *c;
    flux_t *h;
    uint32_t nodeid;
    char rank[16];
    char topic[128];
    char *pad;
    long padlen, count, sent, received, failed;
    double interval;
    flux_watcher_t *timer;
};

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec + ts.tv_nsec * 1e-9;
}

static void finish_one(struct ping *p)
{
    if (p->count && p->received + p->failed >= p->count)
        flux_reactor_stop(flux_get_reactor(p->h));
}

static void got_pong(flux_future_t *f, void *arg)
{
    struct ping *p = arg;
    const char *route, *pad;
    int seq, userid, rolemask, rank = 0;
    double sent;

    if (flux_rpc_get_unpack(f, "{s:i s:f s:s s:s s:i s:i s?i}", "seq", &seq, "time",
                            &sent, "pad", &pad, "route", &route, "userid", &userid,
                            "rolemask", &rolemask, "rank", &rank) < 0) {
        cli_fail(p->c, "%s!%s: %s", p->rank, p->topic, cli_why(f));
        p->failed++;
        if (errno == ENOSYS || errno == EHOSTUNREACH)
            p->count = p->received + p->failed;
    } else {
        p->received++;
        if (p->nodeid == FLUX_NODEID_ANY || p->nodeid == FLUX_NODEID_UPSTREAM)
            printf("%d", rank);
        else
            printf("%s", p->rank);
        printf("!%s pad=%zu seq=%d time=%0.3f ms (%s)", p->topic, strlen(pad), seq,
               1e3 * (now() - sent), route);
        if (cli_count(p->c, "userid"))
            printf(" userid=%u rolemask=0x%x", (unsigned)userid, (unsigned)rolemask);
        printf("\n");
        fflush(stdout);
    }
    flux_future_destroy(f);
    finish_one(p);
}

static void send_one(struct ping *p)
{
    flux_future_t *f = flux_rpc_pack(p->h, p->topic, p->nodeid, 0, "{s:i s:f s:s}", "seq",
                                     (int)p->sent, "time", now(), "pad", p->pad);

    if (!f || flux_future_then(f, -1., got_pong, p) < 0) {
        cli_fail(p->c, "%s: %s", p->topic, strerror(errno));
        flux_future_destroy(f);
        p->failed++;
        finish_one(p);
        return;
    }
    p->sent++;
}

static void tick(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct ping *p = arg;

    send_one(p);
    if (p->count && p->sent >= p->count)
        flux_watcher_stop(w);
}

static int parse_rank(struct ping *p, const char *s)
{
    char *end;

    if (!strcmp(s, "any") || !strcmp(s, "upstream")) {
        p->nodeid = s[0] == 'a' ? FLUX_NODEID_ANY : FLUX_NODEID_UPSTREAM;
    } else {
        p->nodeid = strtoul(s, &end, 10);
        if (*end || end == s)
            return cli_usage(p->c, "'%s' is not a broker rank", s);
    }
    snprintf(p->rank, sizeof(p->rank), "%s", s);
    return 0;
}

/* TARGET is RANK, SERVICE or RANK!SERVICE. */
static int parse_target(struct ping *p, const char *target)
{
    const char *bang = strchr(target, '!');
    const char *service = bang ? bang + 1 : target;
    char rank[16] = "any";

    if (bang)
        snprintf(rank, sizeof(rank), "%.*s", (int)(bang - target), target);
    else if (target[strspn(target, "0123456789")] == '\0' ||
             !strcmp(target, "upstream")) {
        snprintf(rank, sizeof(rank), "%s", target);
        service = "broker";
    }
    snprintf(p->topic, sizeof(p->topic), "%s.ping", service);
    return parse_rank(p, cli_str(p->c, "rank", rank));
}

static int ping(struct ping *p)
{
    flux_reactor_t *r = flux_get_reactor(p->h);

    printf("flux-ping %s!%.*s\n", p->rank, (int)strlen(p->topic) - 5, p->topic);
    if (cli_count(p->c, "batch")) {
        while (p->sent + p->failed < p->count)
            send_one(p);
    } else {
        p->timer = flux_timer_watcher_create(r, 0., p->interval, tick, p);
        flux_watcher_start(p->timer);
    }
    if (flux_reactor_run(r, 0) < 0)
        return cli_fail(p->c, "reactor: %s", strerror(errno));
    return p->failed > 0;
}

static int run_ping(struct cli *c)
{
    struct ping p = {.c = c, .interval = 1.};
    int rc;

    if (cli_argc(c) != 1)
        return cli_usage(c, "one target is needed: a rank, a service, or RANK!SERVICE");
    if (!cli_int(c, "pad", 0, 1 << 24, &p.padlen) ||
        !cli_int(c, "count", 1, 1L << 30, &p.count) ||
        !cli_duration(c, "interval", &p.interval))
        return CLI_EXIT_USAGE;
    if (cli_count(c, "batch") && !p.count)
        return cli_usage(c, "--batch needs --count");
    if (parse_target(&p, cli_arg(c, 0)))
        return CLI_EXIT_USAGE;
    p.pad = calloc(1, p.padlen + 1);
    if (!p.pad)
        return cli_fail(c, "out of memory");
    memset(p.pad, 'p', p.padlen);
    if (!(p.h = cli_open(c))) {
        free(p.pad);
        return 1;
    }
    rc = ping(&p);
    flux_watcher_destroy(p.timer);
    flux_close(p.h);
    free(p.pad);
    return rc;
}

const struct cli_command cmd_ping = {
    .name = "ping",
    .args = "TARGET",
    .help = "Measure round trips to a broker or service",
    .options = (const struct cli_option *const[]){ping_options, NULL},
    .run = run_ping,
};

/* Hybrid backfilling: the first `reserve-depth` jobs that cannot start get a planned
 * start; every other job may start if it delays none of those. Depth 1 is what the
 * literature calls EASY.
 *
 * Plans are made anew in each pass, in the order of the queue, and only as long as they
 * can matter, that is while something behind could start.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/sched.h>

extern const struct flux_sched_policy sched_policy_hybrid;

#define DEFAULT_DEPTH 64
#define MAX_DEPTH 100000

struct hybrid {
    struct flux_sched *s;
    const struct flux_sched_api *api;
    uint32_t depth;
};

static int parse_depth(const char *text, uint32_t *depth)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    if (end == text || *end || n < 1 || n > MAX_DEPTH)
        return -1;
    *depth = (uint32_t)n;
    return 0;
}

static int hybrid_option(void *self, const char *key, const char *value)
{
    struct hybrid *p = self;
    char msg[160];

    if (strcmp(key, "reserve-depth") != 0 || parse_depth(value, &p->depth) == 0)
        return 0;
    snprintf(msg, sizeof(msg), "hybrid: reserve-depth=%.40s: not a number from 1 to %d",
             value, MAX_DEPTH);
    p->api->log(p->s, 3, msg);
    return -1;
}

static int hybrid_init(struct flux_sched *s, const struct flux_sched_api *api,
                       void **self)
{
    struct hybrid *p = malloc(sizeof(*p));
    const char *depth = api->option(s, "reserve-depth", NULL);

    if (!p)
        return -1;
    *p = (struct hybrid){s, api, DEFAULT_DEPTH};
    if (depth && hybrid_option(p, "reserve-depth", depth) < 0) {
        free(p);
        return -1;
    }
    *self = p;
    return 0;
}

/* Start or plan jobs in order until `depth` are planned, or no job behind could start
 * (unless someone asks for estimates). *last becomes the last job looked at, 0 when there
 * is nothing left to do. 1: interrupted. */
static int plan_in_order(struct hybrid *p, uint32_t why, uint32_t *last)
{
    const struct flux_sched_api *api = p->api;
    struct flux_sched *s = p->s;
    uint32_t job = 0, planned = 0;

    while (planned < p->depth && (job = api->next(s, job))) {
        if (api->start(s, job, NULL) == FLUX_SCHED_OK) {
            if (api->should_yield(s))
                return 1;
            continue;
        }
        if (!(why & FLUX_SCHED_ASK) && !api->next_fit(s, job)) {
            job = 0;
            break;
        }
        if (api->plan(s, job, 0, NULL) != FLUX_SCHED_NEVER)
            planned++;
    }
    *last = job;
    return 0;
}

static int hybrid_pass(void *self, uint32_t why)
{
    struct hybrid *p = self;
    const struct flux_sched_api *api = p->api;
    struct flux_sched *s = p->s;

    api->unplan_all(s);
    if (!(why & FLUX_SCHED_ASK) && !api->next_fit(s, 0))
        return 0;
    uint32_t job;
    if (plan_in_order(p, why, &job))
        return 1;
    while (job && (job = api->next_fit(s, job))) {
        api->start(s, job, NULL);
        if (api->should_yield(s))
            return 1;
    }
    return 0;
}

const struct flux_sched_policy sched_policy_hybrid = {
    .size = sizeof(sched_policy_hybrid),
    .abi = FLUX_SCHED_ABI,
    .name = "hybrid",
    .help = "the first reserve-depth=N (64) blocked jobs are promised a start; the rest "
            "backfill",
    .init = hybrid_init,
    .fini = free,
    .pass = hybrid_pass,
    .option = hybrid_option,
};

/* First come, first served: jobs start in the order of the queue, and nobody overtakes.
 */
#include <stdlib.h>

#include <flux/sched.h>

extern const struct flux_sched_policy sched_policy_fcfs;

struct fcfs {
    struct flux_sched *s;
    const struct flux_sched_api *api;
};

static int fcfs_init(struct flux_sched *s, const struct flux_sched_api *api, void **self)
{
    struct fcfs *p = malloc(sizeof(*p));

    if (!p)
        return -1;
    p->s = s;
    p->api = api;
    *self = p;
    return 0;
}

static int fcfs_pass(void *self, uint32_t why)
{
    struct fcfs *p = self;
    uint32_t job;

    (void)why;
    while ((job = p->api->next(p->s, 0))) {
        if (p->api->start(p->s, job, NULL) != FLUX_SCHED_OK)
            break;
        if (p->api->should_yield(p->s))
            return 1;
    }
    return 0;
}

const struct flux_sched_policy sched_policy_fcfs = {
    .size = sizeof(sched_policy_fcfs),
    .abi = FLUX_SCHED_ABI,
    .name = "fcfs",
    .help = "first come, first served; nobody overtakes",
    .init = fcfs_init,
    .fini = free,
    .pass = fcfs_pass,
};

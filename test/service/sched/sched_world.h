/* A world for the sched module: a resource service and a job manager that the test plays,
 * on virtual time.
 */
#ifndef TEST_SCHED_WORLD_H
#define TEST_SCHED_WORLD_H

#include <flux/core.h>

#include "base/json.h"
#include "env/env.h"
#include "modules/sched/sched.h"

enum { WORLD_JOBS = 2000 };

struct result {
    int type;
    cJSON *o; /* the last one of its kind */
};

struct world {
    struct env *env;
    flux_reactor_t *r;
    struct router *rt;
    flux_t *sched, *resource, *manager, *client;
    void *ctx;
    const char *R, *up, *running; /* running: text of a hello entry, or NULL */
    const flux_msg_t *acquire;
    unsigned nhello, nready, nmessages, nraised;
    struct result result[WORLD_JOBS]; /* by id */
    unsigned counts[4];               /* by type */
};

/* Two nodes of four cores, rank 1 is "fast"; nobody is there yet. */
struct world *world_new(void);
void world_free(struct world *w);
void open_resource(struct world *w);
void open_manager(struct world *w);
/* Start the module with one argument, or NULL. */
int open_sched(struct world *w, char *arg);
/* All of it, and the module is ready. */
struct world *world_ready(char *arg);

/* Let everything that is due happen; the clock stands nearly still. */
void settle(struct world *w);
void pass_time(struct world *w, double seconds);
/* A request of the job manager's that wants no response. */
void tell(struct world *w, const char *topic, const char *payload);
/* A request that is answered: 0 or its errno, the answer (or the error's text) in *ret,
 * yours. */
int ask(struct world *w, const char *topic, const char *payload, cJSON **ret);

/* Jobs of one sched.alloc: add them to out, send them. */
void add_job(struct buf *out, int id, int priority, int nslots, int cores,
             double duration, const char *more);
void send_jobs(struct world *w, struct buf *out);
/* One job of one-core slots, and let things settle. */
void submit(struct world *w, int id, int nslots, double duration);
bool allocated(const struct world *w, int id);
size_t ncores_of(const cJSON *R);

#endif

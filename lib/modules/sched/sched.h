/* The sched module: one engine (lib/sched) behind the scheduler's protocols.
 *
 *   with resource     resource.acquire: what there is, what is up        (start.c)
 *   with job-manager  sched-hello: what runs already; sched-ready        (start.c)
 *                     sched.alloc, free, cancel, prioritize, expiration  (request.c)
 *                     job-manager.sched-results, or RFC 27 responses     (result.c)
 *   with everybody    sched.resource-status, feasibility.check           (status.c)
 *                     sched.policy-get, sched.policy-set {"policy":s,"options":{..}?}
 *
 * Requests only tell the engine what happened; the policy makes one pass for each turn of
 * the loop, whose results travel together.
 */
#ifndef FLUX_MODULES_SCHED_SCHED_H
#define FLUX_MODULES_SCHED_SCHED_H

#include <flux/conf.h>
#include <flux/handle.h>
#include <flux/msg_handler.h>
#include <flux/msglist.h>
#include <flux/rpc.h>
#include <flux/watcher.h>

#include "base/map.h"
#include "modules/sched/machine.h"

struct sched {
    flux_t *h;
    struct flux_sched *engine;
    struct machine machine;
    struct map *options; /* key -> char * */
    void *dso;           /* of the policy; NULL: built in */
    flux_msg_handler_t **handlers, **own_handlers;

    flux_future_t *acquire, *hello, *ready; /* conversations under way */
    bool said_hello;                        /* all that runs is known to the engine */
    bool is_ready;                          /* passes may be made */
    flux_watcher_t *retry;

    flux_watcher_t *prepare, *check, *idle, *timer;
    double pass_start; /* while in a pass */
    unsigned yields;

    struct buf results;  /* [..., not closed; empty: none */
    struct umap *single; /* id -> sched.alloc request to be answered (RFC 27) */
    flux_watcher_t *annotate;
    bool annotate_due; /* the queue changed since estimates were told */
    uint64_t npasses, nallocs;
};

enum {
    RESULT_ALLOC = 0,
    RESULT_ANNOTATE = 1,
    RESULT_DENY = 2,
    RESULT_CANCEL = 3,
};

/* sched.c */
void sched_touch(struct sched *sc); /* the engine's clock to now */
int sched_set_policy(struct sched *sc, const char *name, flux_error_t *err);
int sched_set_option(struct sched *sc, const char *key, const char *value);

/* start.c */
void sched_start_begin(struct sched *sc);
void sched_start_end(struct sched *sc); /* close all conversations */

/* policy.c: find a policy by name, or in a shared object (a name with a slash). */
int sched_policy_open(const char *name, const struct flux_sched_policy **ret, void **dso,
                      flux_error_t *err);
void sched_policy_close(void *dso); /* accepts NULL */

/* request.c */
extern const struct flux_msg_handler_spec sched_request_handlers[];
/* status.c */
void sched_resource_status_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                              void *arg);
void sched_feasibility_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                          void *arg);
void sched_stats_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);
void sched_policy_get_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                         void *arg);
void sched_policy_set_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                         void *arg);

/* result.c: what became of a job; sent by sched_result_flush(). */
void sched_result_started(struct sched *sc, const struct entry *e);
void sched_result_denied(struct sched *sc, uint64_t id, const char *note);
void sched_result_cancelled(struct sched *sc, uint64_t id);
/* Tell the estimated starts of the first waiting jobs, where they changed. */
void sched_result_annotate(struct sched *sc);
void sched_result_flush(struct sched *sc);

#endif

/* The inside of the resource service, at rank 0 and on the other ranks. */
#ifndef FLUX_RESOURCE_RESOURCE_H
#define FLUX_RESOURCE_RESOURCE_H

#include <flux/handle.h>
#include <flux/msg_handler.h>
#include <flux/future.h>
#include <flux/msglist.h>
#include <flux/watcher.h>

#include "base/list.h"
#include "modules/resource/acquire.h"
#include "modules/resource/drain.h"
#include "modules/resource/gather.h"
#include "modules/resource/group.h"
#include "modules/resource/hosts.h"
#include "modules/resource/inventory.h"
#include "modules/resource/keep.h"
#include "modules/resource/reslog.h"

struct resource {
    flux_t *h;
    struct env *env;
    uint32_t rank;
    flux_msg_handler_t **handlers;
    struct list forwards; /* requests whose answer another service gives */

    /* The rest is rank 0's. */
    struct hosts *hosts;
    struct gather *gather;
    struct rset *enclosing; /* NULL: there is no enclosing instance */
    struct inventory inv;
    struct idset *members; /* of broker.online */
    struct idset *online;  /* those of inv; all, when it is fake */
    struct idset *torpid;
    struct idset *verified; /* ranks whose host was looked at */
    struct drained *drained;
    struct acquire *acquire;
    struct reslog *log;
    struct keep *keep;
    struct group *online_group, *torpid_group;
    flux_future_t *run;         /* state-machine.wait */
    bool running;               /* it was answered: who is not here yet will join later */
    bool defined;               /* schedulers know R */
    struct flux_msglist *early; /* requests that wait for it */
    flux_watcher_t *later;      /* see what has become known meanwhile */
};

/* A request that waits for another service's answer. */
struct forward {
    struct list link;
    struct resource *res;
    const flux_msg_t *msg;
    flux_future_t *f;
};

/* define.c: which nodes there are */
int define_start(struct resource *res, flux_error_t *err);
/* Read the configuration, or R from a file, and look at the hosts, anew. */
int define_reload(struct resource *res, const flux_conf_t *conf, const char *path,
                  flux_error_t *err);
int define_log_ranks(struct resource *res, const char *event, const struct idset *ids);

/* usable.c: which of them may be used */
/* Online, not torpid, not excluded, not drained; yours, NULL on ENOMEM. */
struct idset *usable_ranks(const struct resource *res);
/* Tell schedulers what changed of that. */
int usable_changed(struct resource *res);
int usable_follow(struct resource *res); /* the groups of brokers */
/* Drain nodes, and answer msg (NULL: nobody) once it is recorded. */
int usable_drain(struct resource *res, const struct idset *ids, const char *reason,
                 enum drain_mode mode, const flux_msg_t *msg, flux_error_t *err);
int usable_undrain(struct resource *res, const struct idset *ids, const char *reason,
                   const flux_msg_t *msg, flux_error_t *err);
/* Drain what was drained before; steals `drain` (NULL: nothing). */
void usable_restore(struct resource *res, cJSON *drain);

/* request.c, relay.c: what is answered at rank 0, and elsewhere */
extern const struct flux_msg_handler_spec resource_handlers[];
extern const struct flux_msg_handler_spec resource_relay_handlers[];
void request_answer_early(struct resource *res);
void request_topo_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);

/* kvs_view.c: resource.kvs-lookup */
void resource_kvs_lookup(struct resource *res, const flux_msg_t *msg);

/* forward.c: send a request on; answered is called with the forward, and frees it. */
void forward_request(struct resource *res, const flux_msg_t *msg, const char *topic,
                     const char *payload, uint32_t rank, flux_continuation_f answered);
void forward_free(struct forward *fw);

#endif

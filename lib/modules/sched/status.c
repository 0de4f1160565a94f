/* Questions that anybody may ask of the scheduler. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/request.h>
#include <flux/response.h>

#include "base/cleanup.h"
#include "modules/sched/sched.h"
#include "proto/jobspec.h"

/* {"all":R,"down":R,"allocated":R} */
void sched_resource_status_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                              void *arg)
{
    struct sched *sc = arg;
    struct rset *down = NULL, *allocated = NULL;
    struct buf out = {0};
    int rc = -EAGAIN;

    if (sc->machine.rs && (rc = machine_down(&sc->machine, sc->engine, &down)) == 0 &&
        (rc = machine_allocated(&sc->machine, sc->engine, &allocated)) == 0) {
        buf_adds(&out, "{\"all\":");
        rc = rset_print(sc->machine.rs, &out);
        buf_adds(&out, ",\"down\":");
        rc = rc < 0 ? rc : rset_print(down, &out);
        buf_adds(&out, ",\"allocated\":");
        rc = rc < 0 ? rc : rset_print(allocated, &out);
        buf_addc(&out, '}');
    }
    if (rc == 0 && out.failed)
        rc = -ENOMEM;
    if (rc < 0)
        flux_respond_error(h, msg, -rc,
                           rc == -EAGAIN ? "no resources are known yet" : NULL);
    else
        flux_respond(h, msg, out.data);
    buf_free(&out);
    rset_free(down);
    rset_free(allocated);
}

/* {"jobspec":{}} -> {}, or EINVAL with the reason. */
void sched_feasibility_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                          void *arg)
{
    struct sched *sc = arg;
    struct jobspec_info info;
    char why[200] = "out of memory";
    flux_error_t err;
    cJSON *jobspec;

    if (flux_request_unpack(msg, NULL, "{s:o}", "jobspec", &jobspec) < 0) {
        flux_respond_error(h, msg, errno, NULL);
        return;
    }
    if (jobspec_read(jobspec, &info, &err) < 0) {
        flux_respond_error(h, msg, EINVAL, err.text);
        return;
    }
    if (!sc->machine.rs) {
        flux_respond_error(h, msg, EAGAIN, "no resources are known yet");
        return;
    }
    AUTOFREE char *constraint = info.constraints ? json_print(info.constraints) : NULL;
    struct request req = {
        .nnodes = info.shape.nnodes,
        .nslots = info.shape.nslots,
        .cores = info.shape.cores_per_slot,
        .gpus = info.shape.gpus_per_slot,
        .flags = info.shape.exclusive ? FLUX_SCHED_EXCLUSIVE : 0,
        .constraint = constraint,
    };
    int rc = engine_satisfiable(sc->engine, &req, why, sizeof(why));
    if (rc < 0)
        flux_respond_error(h, msg, rc == -ENOMEM ? ENOMEM : EINVAL, why);
    else
        flux_respond(h, msg, NULL);
}

void sched_stats_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct sched *sc = arg;
    const struct rpool *p = engine_pool(sc->engine);

    flux_respond_pack(h, msg, "{s:s s:b s:i s:i s:I s:I s:i s:i s:I s:I}", "policy",
                      engine_policy(sc->engine)->name, "ready", (int)sc->is_ready,
                      "pending", (int)engine_npending(sc->engine), "running",
                      (int)engine_nrunning(sc->engine), "passes", (int64_t)sc->npasses,
                      "allocs", (int64_t)sc->nallocs, "nodes", (int)p->nnodes, "up",
                      (int)p->nup, "free_cores", (int64_t)p->free_cores, "free_gpus",
                      (int64_t)p->free_gpus);
}

/* {} -> {"policy":s,"options":{key:s..}} */
void sched_policy_get_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                         void *arg)
{
    struct sched *sc = arg;
    cJSON *options = cJSON_CreateObject();
    const char *key;
    void *value;

    for (size_t it = 0; options && map_next(sc->options, &it, &key, &value);)
        cJSON_AddStringToObject(options, key, value);
    if (!options ||
        flux_respond_pack(h, msg, "{s:s s:o}", "policy", engine_policy(sc->engine)->name,
                          "options", options) < 0)
        flux_respond_error(h, msg, ENOMEM, NULL);
}

static int set_options(struct sched *sc, const cJSON *options)
{
    const cJSON *o;
    int rc;

    cJSON_ArrayForEach(o, options)
    {
        AUTOFREE char *number = json_is_number(o) ? json_print(o) : NULL;
        const char *value = number ? number : json_str(o);
        if (!value)
            return -EINVAL;
        if ((rc = sched_set_option(sc, o->string, value)) < 0)
            return rc;
    }
    return 0;
}

/* Swap the policy, or set options of the present one; the queue and what runs stay. */
void sched_policy_set_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                         void *arg)
{
    struct sched *sc = arg;
    const char *name = NULL;
    const cJSON *options = NULL;
    flux_error_t err = {""};
    int rc;

    if (flux_request_unpack(msg, NULL, "{s?s s?o}", "policy", &name, "options",
                            &options) < 0) {
        flux_respond_error(h, msg, errno, NULL);
        return;
    }
    if ((rc = set_options(sc, options)) < 0)
        flux_respond_error(h, msg, -rc, "an option was not accepted");
    else if (name && (rc = sched_set_policy(sc, name, &err)) < 0)
        flux_respond_error(h, msg, -rc, err.text);
    else
        flux_respond(h, msg, NULL);
}

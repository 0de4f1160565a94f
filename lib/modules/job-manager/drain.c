/* Waiting for quiet, see drain.h. */
#include <errno.h>
#include <stdlib.h>

#include "modules/job-manager/drain.h"

struct drain {
    struct job_manager *jm;
    struct flux_msglist *drains, *idles;
};

int drain_new(struct job_manager *jm, struct drain **ret)
{
    struct drain *d = calloc(1, sizeof(*d));

    if (!d)
        return -ENOMEM;
    d->jm = jm;
    if (!(d->drains = flux_msglist_create()) || !(d->idles = flux_msglist_create())) {
        drain_free(d);
        return -ENOMEM;
    }
    *ret = d;
    return 0;
}

static void fail_all(struct drain *d, struct flux_msglist *l)
{
    const flux_msg_t *msg;

    while (l && (msg = flux_msglist_pop(l))) {
        flux_respond_error(d->jm->h, msg, ENOSYS, "job-manager is unloading");
        flux_msg_decref(msg);
    }
    flux_msglist_destroy(l);
}

void drain_free(struct drain *d)
{
    if (!d)
        return;
    fail_all(d, d->drains);
    fail_all(d, d->idles);
    free(d);
}

void drain_disconnect(struct drain *d, const flux_msg_t *msg)
{
    flux_msglist_disconnect(d->drains, msg);
    flux_msglist_disconnect(d->idles, msg);
}

/* Jobs leave the table when their end is on disk: those in it that are inactive still
 * count as running. */
void drain_check(struct drain *d)
{
    struct job_manager *jm = d->jm;
    size_t total = umap_count(jm->jobs);
    unsigned ending = jm->counts[state_index(FLUX_JOB_STATE_INACTIVE)];
    const flux_msg_t *msg;

    if (total == 0)
        while ((msg = flux_msglist_pop(d->drains))) {
            flux_respond(jm->h, msg, NULL);
            flux_msg_decref(msg);
        }
    if (jm->running + ending == 0)
        while ((msg = flux_msglist_pop(d->idles))) {
            flux_respond_pack(jm->h, msg, "{s:I}", "pending", (int64_t)total);
            flux_msg_decref(msg);
        }
}

void drain_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;

    if (flux_msglist_append(jm->drain->drains, msg) < 0)
        manager_respond_error(jm, msg, ENOMEM, "out of memory");
    drain_check(jm->drain);
}

void idle_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;

    if (flux_msglist_append(jm->drain->idles, msg) < 0)
        manager_respond_error(jm, msg, ENOMEM, "out of memory");
    drain_check(jm->drain);
}

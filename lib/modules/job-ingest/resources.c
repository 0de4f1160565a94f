/* What the instance has, see resources.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "modules/job-ingest/resources.h"
#include "proto/rset.h"

#define RETRY_SECONDS 1.0

/* Nodes that are alike. */
struct kind {
    unsigned cores, gpus, count;
};

struct resources {
    flux_t *h;
    resources_again_f again;
    void *arg;
    flux_future_t *asked;
    flux_watcher_t *retry;
    struct flux_msglist *waiting;
    bool answered; /* even if with an error */
    bool known;
    bool fresh;
    struct kind *kinds;
    size_t nkinds;
    unsigned nnodes, ncores, ngpus;
};

static void retry_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    resources_refresh(arg);
}

int resources_new(flux_t *h, resources_again_f again, void *arg, struct resources **ret)
{
    struct resources *rs = calloc(1, sizeof(*rs));

    if (!rs)
        return -ENOMEM;
    rs->h = h;
    rs->again = again;
    rs->arg = arg;
    if (!(rs->waiting = flux_msglist_create()) ||
        !(rs->retry = flux_timer_watcher_create(flux_get_reactor(h), RETRY_SECONDS, 0.,
                                                retry_cb, rs))) {
        resources_free(rs);
        return -ENOMEM;
    }
    resources_refresh(rs);
    *ret = rs;
    return 0;
}

void resources_free(struct resources *rs)
{
    if (!rs)
        return;
    flux_future_destroy(rs->asked);
    flux_watcher_destroy(rs->retry);
    flux_msglist_destroy(rs->waiting);
    free(rs->kinds);
    free(rs);
}

static int add_node(struct resources *rs, unsigned cores, unsigned gpus)
{
    struct kind *bigger;

    rs->nnodes++;
    rs->ncores += cores;
    rs->ngpus += gpus;
    for (size_t i = 0; i < rs->nkinds; i++)
        if (rs->kinds[i].cores == cores && rs->kinds[i].gpus == gpus) {
            rs->kinds[i].count++;
            return 0;
        }
    if (!(bigger = realloc(rs->kinds, (rs->nkinds + 1) * sizeof(*bigger))))
        return -ENOMEM;
    rs->kinds = bigger;
    rs->kinds[rs->nkinds++] = (struct kind){cores, gpus, 1};
    return 0;
}

int resources_set(struct resources *rs, const struct rset *R)
{
    rs->nkinds = 0;
    rs->nnodes = rs->ncores = rs->ngpus = 0;
    rs->known = false;
    for (size_t i = 0; i < rset_nnodes(R); i++) {
        const struct rset_node *n = rset_node(R, i);

        if (add_node(rs, n->cores ? (unsigned)idset_count(n->cores) : 0,
                     n->gpus ? (unsigned)idset_count(n->gpus) : 0) < 0)
            return -ENOMEM;
    }
    rs->known = true;
    return 0;
}

static void read_answer(struct resources *rs, flux_future_t *f)
{
    struct rset *R;
    cJSON *o;

    if (flux_rpc_get_unpack(f, "{s:o}", "R", &o) < 0) {
        /* The service is not there yet, or not at all: nothing is refused. */
        if (errno == ENOSYS)
            flux_watcher_start(rs->retry);
        return;
    }
    if (rset_decode(o, &R, NULL) == 0) {
        resources_set(rs, R);
        rset_free(R);
    }
}

static void call_again(struct resources *rs)
{
    int n = flux_msglist_count(rs->waiting);
    const flux_msg_t *msg;

    rs->fresh = true;
    while (n-- > 0 && (msg = flux_msglist_pop(rs->waiting))) {
        rs->again(msg, rs->arg);
        flux_msg_decref(msg);
    }
    rs->fresh = false;
}

static void answer_cb(flux_future_t *f, void *arg)
{
    struct resources *rs = arg;

    rs->asked = NULL;
    read_answer(rs, f);
    flux_future_destroy(f);
    rs->answered = true;
    call_again(rs);
}

void resources_refresh(struct resources *rs)
{
    if (rs->asked)
        return;
    flux_watcher_stop(rs->retry);
    flux_timer_watcher_reset(rs->retry, RETRY_SECONDS, 0.);
    rs->asked = flux_rpc(rs->h, "resource.status", NULL, FLUX_NODEID_ANY, 0);
    if (rs->asked && flux_future_then(rs->asked, -1., answer_cb, rs) < 0) {
        flux_future_destroy(rs->asked);
        rs->asked = NULL;
    }
    if (!rs->asked)
        rs->answered = true;
}

bool resources_unknown(const struct resources *rs)
{
    return !rs->answered;
}

bool resources_fresh(const struct resources *rs)
{
    return rs->fresh;
}

int resources_wait(struct resources *rs, const flux_msg_t *msg)
{
    if (flux_msglist_append(rs->waiting, msg) < 0)
        return -errno;
    resources_refresh(rs);
    return 0;
}

/* How many slots fit on a node. */
static unsigned fit(const struct kind *k, const struct jobspec_shape *s)
{
    unsigned n = s->cores_per_slot ? k->cores / s->cores_per_slot : k->cores ? 1 : 0;

    if (s->gpus_per_slot && k->gpus / s->gpus_per_slot < n)
        n = k->gpus / s->gpus_per_slot;
    return n;
}

#define UNSATISFIABLE "unsatisfiable request: "

static int check_nodes(const struct resources *rs, const struct jobspec_shape *s,
                       flux_error_t *err)
{
    unsigned per_node = s->slots_per_node ? s->slots_per_node : 1;
    unsigned cores = per_node * s->cores_per_slot, gpus = per_node * s->gpus_per_slot;
    unsigned good = 0;

    if (s->nnodes > rs->nnodes)
        return error_set(err, EINVAL,
                         UNSATISFIABLE "%u node%s requested, this instance has %u",
                         s->nnodes, s->nnodes == 1 ? "" : "s", rs->nnodes);
    for (size_t i = 0; i < rs->nkinds; i++)
        if (fit(&rs->kinds[i], s) >= per_node)
            good += rs->kinds[i].count;
    if (good >= s->nnodes)
        return 0;
    if (gpus > 0)
        return error_set(err, EINVAL,
                         UNSATISFIABLE "%u node%s with %u cores and %u gpus requested, "
                                       "this instance has %u such",
                         s->nnodes, s->nnodes == 1 ? "" : "s", cores, gpus, good);
    return error_set(err, EINVAL,
                     UNSATISFIABLE "%u node%s with %u cores requested, "
                                   "this instance has %u such",
                     s->nnodes, s->nnodes == 1 ? "" : "s", cores, good);
}

static int check_slots(const struct resources *rs, const struct jobspec_shape *s,
                       flux_error_t *err)
{
    uint64_t cores = (uint64_t)s->nslots * s->cores_per_slot;
    uint64_t gpus = (uint64_t)s->nslots * s->gpus_per_slot, slots = 0;

    if (cores > rs->ncores)
        return error_set(err, EINVAL,
                         UNSATISFIABLE "%ju core%s requested, this instance has %u",
                         (uintmax_t)cores, cores == 1 ? "" : "s", rs->ncores);
    if (gpus > rs->ngpus)
        return error_set(err, EINVAL,
                         UNSATISFIABLE "%ju gpu%s requested, this instance has %u",
                         (uintmax_t)gpus, gpus == 1 ? "" : "s", rs->ngpus);
    for (size_t i = 0; i < rs->nkinds; i++)
        slots += (uint64_t)fit(&rs->kinds[i], s) * rs->kinds[i].count;
    if (slots >= s->nslots)
        return 0;
    return error_set(err, EINVAL,
                     UNSATISFIABLE "%u slots of %u cores and %u gpus requested, "
                                   "this instance's nodes hold %ju",
                     s->nslots, s->cores_per_slot, s->gpus_per_slot, (uintmax_t)slots);
}

int resources_check(const struct resources *rs, const struct jobspec_shape *s,
                    flux_error_t *err)
{
    if (!rs->known)
        return 0;
    return s->nnodes > 0 ? check_nodes(rs, s, err) : check_slots(rs, s, err);
}

/* Asking the brokers what their hosts have; see gather.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <flux/flog.h>
#include <flux/rpc.h>

#include "base/cleanup.h"
#include "base/list.h"
#include "modules/resource/gather.h"

DEFINE_CLEANUP(struct found *, found_unref)

#define TIMEOUT 60. /* seconds for an answer */

struct known {
    struct found *found; /* NULL: nothing */
    bool fresh;          /* since the last restart */
    bool asked;          /* the answer is to come */
    bool waits;          /* for a neighbour's answer */
};

/* A host, by its number. */
struct seen {
    struct found *found; /* by the first who answered */
    bool asking;
};

struct gather {
    flux_t *h;
    struct env *env;
    struct hosts *hosts;
    gather_f changed;
    void *arg;
    bool restrict_to_binding;
    struct known *rank;
    struct seen *host;
    struct list asks;
};

struct ask {
    struct list link;
    struct gather *g;
    uint32_t rank;
    struct found *offer; /* what it may have too; NULL */
    flux_future_t *f;
};

static void consider(struct gather *g, uint32_t rank);

int gather_new(const struct gather_conf *conf, struct gather **ret)
{
    uint32_t size = hosts_size(conf->hosts);
    struct gather *g = calloc(1, sizeof(*g));

    if (!g)
        return -ENOMEM;
    g->h = conf->h;
    g->env = conf->env;
    g->hosts = conf->hosts;
    g->changed = conf->changed;
    g->arg = conf->arg;
    g->restrict_to_binding = true;
    list_init(&g->asks);
    g->rank = calloc(size, sizeof(*g->rank));
    g->host = calloc(size, sizeof(*g->host));
    if (!g->rank || !g->host) {
        gather_free(g);
        return -ENOMEM;
    }
    *ret = g;
    return 0;
}

static void ask_free(struct ask *a)
{
    list_del(&a->link);
    flux_future_destroy(a->f);
    found_unref(a->offer);
    free(a);
}

static void forget_asks(struct gather *g)
{
    list_each(a, &g->asks, struct ask, link) ask_free(a);
}

void gather_free(struct gather *g)
{
    if (!g)
        return;
    forget_asks(g);
    for (uint32_t i = 0; i < hosts_size(g->hosts); i++) {
        if (g->rank)
            found_unref(g->rank[i].found);
        if (g->host)
            found_unref(g->host[i].found);
    }
    free(g->rank);
    free(g->host);
    free(g);
}

void gather_restart(struct gather *g, bool restrict_to_binding)
{
    forget_asks(g);
    g->restrict_to_binding = restrict_to_binding;
    for (uint32_t i = 0; i < hosts_size(g->hosts); i++) {
        g->rank[i].fresh = g->rank[i].asked = g->rank[i].waits = false;
        found_unref(TAKE(g->host[i].found));
        g->host[i].asking = false;
    }
}

bool gather_is_busy(const struct gather *g)
{
    return !list_empty(&g->asks);
}

const struct found *gather_get(const struct gather *g, uint32_t rank)
{
    return rank < hosts_size(g->hosts) ? g->rank[rank].found : NULL;
}

bool gather_is_fresh(const struct gather *g, uint32_t rank)
{
    return rank < hosts_size(g->hosts) && g->rank[rank].fresh;
}

static void set_known(struct gather *g, uint32_t rank, struct found *f)
{
    struct known *k = &g->rank[rank];

    found_ref(f);
    found_unref(k->found);
    k->found = f;
    k->fresh = true;
    k->waits = false;
}

/* What one broker of a host found holds for all, unless it may not see all of it. */
static void learn(struct gather *g, uint32_t rank, struct found *f)
{
    int number = hosts_number(g->hosts, rank);
    struct seen *seen = number < 0 ? NULL : &g->host[number];
    const struct idset *ranks = seen ? hosts_ranks(g->hosts, number) : NULL;

    set_known(g, rank, f);
    if (!seen || seen->found)
        return;
    seen->found = found_ref(f);
    for (unsigned r = f->bound ? IDSET_INVALID_ID : idset_first(ranks);
         r != IDSET_INVALID_ID; r = idset_next(ranks, r))
        if (!g->rank[r].fresh)
            set_known(g, r, f);
}

/* The host's first answer is there, or will not come: go on with those who wait for it. */
static void release_waiting(struct gather *g, int number)
{
    const struct idset *ranks = hosts_ranks(g->hosts, number);

    g->host[number].asking = false;
    for (unsigned r = idset_first(ranks); r != IDSET_INVALID_ID;
         r = idset_next(ranks, r)) {
        if (!g->rank[r].waits)
            continue;
        g->rank[r].waits = false;
        consider(g, r);
    }
}

/* 0, or -errno: there is no use in this answer. */
static int take_answer(struct gather *g, struct ask *a)
{
    CLEANUP(found_unref_p) struct found *f = NULL;
    const cJSON *o;
    const char *host = NULL;
    int same = 0, rc;

    if (flux_rpc_get_unpack(a->f, "{s?b}", "same", &same) < 0)
        return -errno;
    if (same) {
        if (!a->offer)
            return -EPROTO;
        learn(g, a->rank, a->offer);
        return 0;
    }
    if (flux_rpc_get_unpack(a->f, "o", &o) < 0)
        return -errno;
    if ((rc = found_decode(o, &f, &host)) < 0)
        return rc;
    if (hosts_number(g->hosts, a->rank) < 0 &&
        (rc = hosts_set(g->hosts, a->rank, host)) < 0)
        return rc;
    learn(g, a->rank, f);
    return 0;
}

static void answer_cb(flux_future_t *f, void *arg)
{
    struct ask *a = arg;
    struct gather *g = a->g;
    uint32_t rank = a->rank;
    int rc = take_answer(g, a), number = hosts_number(g->hosts, rank);

    if (rc < 0)
        flux_log(g->h, rc == -EHOSTUNREACH ? LOG_DEBUG : LOG_ERR,
                 "rank %u does not tell its resources: %s", (unsigned)rank,
                 flux_future_error_string(f) ? flux_future_error_string(f)
                                             : strerror(-rc));
    g->rank[rank].asked = false;
    ask_free(a);
    if (number >= 0)
        release_waiting(g, number);
    g->changed(g->arg);
}

static int ask(struct gather *g, uint32_t rank, struct found *offer)
{
    struct ask *a = calloc(1, sizeof(*a));

    if (!a)
        return -ENOMEM;
    list_append(&g->asks, &a->link);
    a->g = g;
    a->rank = rank;
    a->offer = offer ? found_ref(offer) : NULL;
    a->f =
        offer ? flux_rpc_pack(g->h, "resource.topo-get", rank, 0, "{s:b s:s}", "restrict",
                              (int)g->restrict_to_binding, "cpus", offer->cpus)
              : flux_rpc_pack(g->h, "resource.topo-get", rank, 0, "{s:b}", "restrict",
                              (int)g->restrict_to_binding);
    if (!a->f || flux_future_then(a->f, TIMEOUT, answer_cb, a) < 0) {
        ask_free(a);
        return -ENOMEM;
    }
    g->rank[rank].asked = true;
    return 0;
}

static void consider(struct gather *g, uint32_t rank)
{
    struct known *k = &g->rank[rank];
    int number = hosts_number(g->hosts, rank);
    struct seen *seen = number < 0 ? NULL : &g->host[number];

    if (k->fresh || k->asked || k->waits)
        return;
    if (seen && seen->asking) {
        k->waits = true;
        return;
    }
    if (seen && seen->found && !seen->found->bound) {
        set_known(g, rank, seen->found);
        return;
    }
    if (ask(g, rank, seen ? seen->found : NULL) < 0)
        flux_log(g->h, LOG_ERR, "rank %u cannot be asked for its resources",
                 (unsigned)rank);
    else if (seen && !seen->found)
        seen->asking = true;
}

void gather_want(struct gather *g, const struct idset *ranks)
{
    for (unsigned r = idset_first(ranks);
         r != IDSET_INVALID_ID && r < hosts_size(g->hosts); r = idset_next(ranks, r))
        consider(g, r);
}

int gather_own(struct gather *g, uint32_t rank, flux_error_t *err)
{
    CLEANUP(found_unref_p) struct found *f = NULL;
    int rc = discover_host(g->env, g->restrict_to_binding, &f, err);

    if (rc == 0)
        learn(g, rank, f);
    return rc;
}

int gather_preload(struct gather *g, const struct rset *rs)
{
    for (size_t i = 0; i < rset_nnodes(rs); i++) {
        const struct rset_node *n = rset_node(rs, i);
        const char *host = hosts_name(g->hosts, n->rank);
        struct found *f;
        int rc;
        if (n->rank >= hosts_size(g->hosts) || !n->host || g->rank[n->rank].found ||
            (host && strcmp(host, n->host) != 0))
            continue;
        if ((!host && (rc = hosts_set(g->hosts, n->rank, n->host)) < 0) ||
            (rc = found_new(n->cores, n->gpus, &f)) < 0)
            return rc;
        g->rank[n->rank].found = f;
    }
    return 0;
}

/* Following a group of brokers; see group.h. A stream that ends is asked for again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <flux/flog.h>
#include <flux/reactor.h>
#include <flux/rpc.h>
#include <flux/watcher.h>

#include "base/cleanup.h"
#include "modules/resource/group.h"

DEFINE_CLEANUP(struct idset *, idset_destroy)

#define AGAIN 1. /* seconds */

struct group {
    flux_t *h;
    char *name;
    group_f changed;
    void *arg;
    flux_future_t *f;
    flux_watcher_t *again;
};

static void members_cb(flux_future_t *f, void *arg);

static void follow_again(struct group *g, const char *why)
{
    if (why)
        flux_log(g->h, LOG_ERR, "groups.get %s: %s", g->name, why);
    flux_future_destroy(TAKE(g->f));
    flux_timer_watcher_reset(g->again, AGAIN, 0.);
    flux_watcher_start(g->again);
}

static void follow(struct group *g)
{
    g->f = flux_rpc_pack(g->h, "groups.get", FLUX_NODEID_ANY, FLUX_RPC_STREAMING, "{s:s}",
                         "name", g->name);
    if (!g->f || flux_future_then(g->f, -1., members_cb, g) < 0)
        follow_again(g, strerror(errno));
}

static void again_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    follow(arg);
}

static void members_cb(flux_future_t *f, void *arg)
{
    struct group *g = arg;
    const char *text;

    if (flux_rpc_get_unpack(f, "{s:s}", "members", &text) < 0) {
        follow_again(g, errno == ENODATA ? NULL : flux_future_error_string(f));
        return;
    }
    CLEANUP(idset_destroy_p) struct idset *ids = idset_decode(text);
    if (!ids)
        flux_log(g->h, LOG_ERR, "groups.get %s: '%s' is not a set of ranks", g->name,
                 text);
    flux_future_reset(f);
    if (ids)
        g->changed(ids, g->arg);
}

int group_new(flux_t *h, const char *name, group_f changed, void *arg, struct group **ret)
{
    struct group *g = calloc(1, sizeof(*g));

    if (!g)
        return -ENOMEM;
    g->h = h;
    g->changed = changed;
    g->arg = arg;
    g->name = strdup(name);
    g->again = flux_timer_watcher_create(flux_get_reactor(h), AGAIN, 0., again_cb, g);
    if (!g->name || !g->again) {
        group_free(g);
        return -ENOMEM;
    }
    follow(g);
    *ret = g;
    return 0;
}

void group_free(struct group *g)
{
    if (!g)
        return;
    flux_future_destroy(g->f);
    flux_watcher_destroy(g->again);
    free(g->name);
    free(g);
}

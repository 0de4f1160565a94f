/* Which nodes the instance has. Schedulers hear of them once that is known: at once when
 * they were told or found before; else when all brokers have told what they have, or, once
 * the instance runs, those that are there. Brokers that come later make the set grow.
 */
#include <errno.h>
#include <string.h>
#include <syslog.h>

#include <flux/attr.h>
#include <flux/flog.h>
#include <flux/reactor.h>
#include <flux/rpc.h>
#include <flux/watcher.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "modules/resource/enclosing.h"
#include "modules/resource/resource.h"

DEFINE_CLEANUP(struct idset *, idset_destroy)

#define LATER 1. /* seconds: so often a set that grows is told */

int define_log_ranks(struct resource *res, const char *event, const struct idset *ids)
{
    AUTOFREE char *text = idset_encode(ids, IDSET_FLAG_RANGE);
    AUTOFREE char *hosts = inventory_hosts(&res->inv, ids);

    if (!text || !hosts)
        return -ENOMEM;
    return reslog_add(res->log, event, "{s:s s:s}", "idset", text, "nodelist", hosts);
}

static int make(struct resource *res, const flux_conf_t *conf, const char *path,
                struct inventory *ret, flux_error_t *err)
{
    struct inventory_conf ic = {res->h,      conf,           res->env, res->hosts,
                                res->gather, res->enclosing, path};

    return inventory_make(&ic, ret, err);
}

static bool all_known(const struct resource *res)
{
    for (uint32_t r = 0; r < hosts_size(res->hosts); r++)
        if (!gather_get(res->gather, r))
            return false;
    return true;
}

static bool is_ready(const struct resource *res)
{
    return res->defined || !res->inv.dynamic || all_known(res) ||
           (res->running && !gather_is_busy(res->gather));
}

/* Tell schedulers of the inventory, if it is not what they know. */
static int tell(struct resource *res, cJSON *R)
{
    CLEANUP(idset_destroy_p) struct idset *up = usable_ranks(res);
    int rc =
        up ? reslog_add(res->log, "resource-define", "{s:s}", "method", res->inv.method)
           : -ENOMEM;

    if (rc < 0) {
        json_free(R);
        return rc;
    }
    if (res->inv.dynamic)
        keep_R(res->keep, res->inv.all);
    if ((rc = acquire_define(res->acquire, R, up)) < 0)
        return rc;
    if (!res->defined) {
        res->defined = true;
        request_answer_early(res);
    }
    return 0;
}

/* Fake nodes are always there. */
static struct idset *find_online(const struct resource *res, const struct inventory *inv)
{
    return inv->fake ? idset_copy(inv->ranks) : idset_intersect(res->members, inv->ranks);
}

/* Take a new inventory into use. */
static int adopt(struct resource *res, struct inventory *inv)
{
    struct idset *online = find_online(res, inv);
    cJSON *R = NULL, *old = NULL;
    int rc;

    if (!online || (rc = rset_json(inv->usable, &R)) < 0) {
        idset_destroy(online);
        return -ENOMEM;
    }
    if (res->defined)
        rset_json(res->inv.usable, &old);
    inventory_finish(&res->inv);
    idset_destroy(res->online);
    res->inv = *inv;
    res->online = online;
    *inv = (struct inventory){0};
    drained_limit(res->drained, res->inv.ranks);
    if (is_ready(res) && !(old && json_equal(old, R))) {
        rc = tell(res, R);
    } else {
        json_free(R);
        rc = usable_changed(res);
    }
    json_free(old);
    return rc;
}

/* -- verification -- */

static char *find_missing(const struct rset_node *n, const struct found *f)
{
    CLEANUP(idset_destroy_p) struct idset *lack = idset_difference(n->cores, f->cores);
    AUTOFREE char *ids = lack ? idset_encode(lack, IDSET_FLAG_RANGE) : NULL;
    char *text = NULL;

    if (!ids || !*ids || asprintf(&text, "missing resources: core%s", ids) < 0)
        return NULL;
    return text;
}

/* A host has less than it should: keep jobs away from it. */
static void verify(struct resource *res, const struct rset_node *n, const struct found *f)
{
    CLEANUP(idset_destroy_p) struct idset *ids = idset_create(0, IDSET_FLAG_AUTOGROW);
    AUTOFREE char *missing = find_missing(n, f);
    flux_error_t err = {"out of memory"};

    idset_set(res->verified, n->rank);
    if (!missing)
        return;
    flux_log(res->h, LOG_ERR, "rank %u: %s", n->rank, missing);
    if (!ids || idset_set(ids, n->rank) < 0 ||
        usable_drain(res, ids, missing, DRAIN_UPDATE, NULL, &err) < 0)
        flux_log(res->h, LOG_ERR, "rank %u cannot be drained: %s", n->rank, err.text);
}

static void verify_known(struct resource *res)
{
    for (size_t i = 0; res->inv.verify && i < rset_nnodes(res->inv.all); i++) {
        const struct rset_node *n = rset_node(res->inv.all, i);
        const struct found *f = gather_get(res->gather, n->rank);
        const char *host = hosts_name(res->hosts, n->rank);
        if (f && gather_is_fresh(res->gather, n->rank) && host && n->host &&
            strcmp(host, n->host) == 0 && !idset_test(res->verified, n->rank))
            verify(res, n, f);
    }
}

/* -- growing -- */

static void grow(struct resource *res)
{
    struct inventory inv;
    flux_error_t err = {""};
    int rc;

    if (!res->inv.dynamic)
        return;
    if ((rc = make(res, flux_get_conf(res->h), NULL, &inv, &err)) == 0 &&
        (rc = adopt(res, &inv)) < 0)
        inventory_finish(&inv);
    if (rc < 0)
        flux_log(res->h, LOG_ERR, "%s", err.text[0] ? err.text : strerror(-rc));
}

/* While many brokers answer, not each answer is worth a new set. */
static void gathered_cb(void *arg)
{
    struct resource *res = arg;

    verify_known(res);
    if (!gather_is_busy(res->gather)) {
        flux_watcher_stop(res->later);
        grow(res);
    } else if (!flux_watcher_is_active(res->later)) {
        flux_timer_watcher_reset(res->later, LATER, 0.);
        flux_watcher_start(res->later);
    }
}

static void later_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct resource *res = arg;

    if (res->defined)
        grow(res);
}

static void running_cb(flux_future_t *f, void *arg)
{
    struct resource *res = arg;

    res->running = true;
    flux_future_destroy(TAKE(res->run));
    if (!res->defined)
        grow(res);
}

/* -- the beginning, and again -- */

/* This host's part is known at once; nothing else need be asked on a single host. */
static int look(struct resource *res, const flux_conf_t *conf, const char *path,
                struct inventory *inv, flux_error_t *err)
{
    struct settings set;
    int rc = inventory_settings(conf, &set, err);

    if (rc < 0)
        return rc;
    gather_restart(res->gather, inv->dynamic && !set.norestrict);
    if ((rc = gather_own(res->gather, res->rank, err)) < 0)
        return inv->dynamic ? rc : 0;
    gather_want(res->gather, res->members);
    if (!inv->dynamic)
        return 0;
    inventory_finish(inv);
    return make(res, conf, path, inv, err);
}

static int reload(struct resource *res, const flux_conf_t *conf, const char *path,
                  flux_error_t *err)
{
    struct inventory inv;
    int rc = make(res, conf, path, &inv, err);

    if (rc < 0)
        return rc;
    if ((inv.dynamic || inv.verify) && (rc = look(res, conf, path, &inv, err)) < 0) {
        inventory_finish(&inv);
        return rc;
    }
    if ((rc = adopt(res, &inv)) < 0) {
        inventory_finish(&inv);
        return error_set(err, -rc, "resources: %s", strerror(-rc));
    }
    return 0;
}

int define_reload(struct resource *res, const flux_conf_t *conf, const char *path,
                  flux_error_t *err)
{
    int rc = reload(res, conf, path, err);

    if (rc < 0)
        return rc;
    idset_clear_all(res->verified);
    verify_known(res);
    return 0;
}

static int make_hosts(struct resource *res, uint32_t size, flux_error_t *err)
{
    const char *list = flux_attr_get(res->h, "hostlist");
    const char *own = flux_attr_get(res->h, "hostname");
    int rc = hosts_new(size, list ? list : "", &res->hosts);

    if (rc == 0 && !hosts_name(res->hosts, res->rank))
        rc = hosts_set(res->hosts, res->rank, own ? own : "localhost");
    return rc < 0 ? error_set(err, -rc, "attribute hostlist: %s", strerror(-rc)) : 0;
}

static int make_parts(struct resource *res)
{
    struct gather_conf gc = {res->h, res->env, res->hosts, gathered_cb, res};

    res->later =
        flux_timer_watcher_create(flux_get_reactor(res->h), LATER, 0., later_cb, res);
    res->members = idset_create(0, IDSET_FLAG_AUTOGROW);
    res->torpid = idset_create(0, IDSET_FLAG_AUTOGROW);
    res->verified = idset_create(0, IDSET_FLAG_AUTOGROW);
    if (!res->later || !res->members || !res->torpid || !res->verified)
        return -ENOMEM;
    return gather_new(&gc, &res->gather);
}

/* What an earlier start knew. */
static int load(struct resource *res, cJSON **ret_drain)
{
    struct rset *R;
    int rc = keep_load(res->keep, &R, ret_drain);

    if (rc == 0 && R)
        rc = gather_preload(res->gather, R);
    rset_free(R);
    return rc;
}

int define_start(struct resource *res, flux_error_t *err)
{
    cJSON *drain = NULL;
    uint32_t size;
    int rc;

    if (flux_get_size(res->h, &size) < 0)
        size = 1;
    if ((rc = make_hosts(res, size, err)) < 0 ||
        (rc = enclosing_R(res->h, size, &res->enclosing, err)) < 0)
        return rc;
    if ((rc = make_parts(res)) < 0 || (rc = load(res, &drain)) < 0)
        return error_set(err, -rc, "resources: %s", strerror(-rc));
    if ((rc = reload(res, flux_get_conf(res->h), NULL, err)) < 0) {
        json_free(drain);
        return rc;
    }
    usable_restore(res, drain); /* before anything is drained and recorded anew */
    verify_known(res);
    res->run = flux_rpc(res->h, "state-machine.wait", NULL, FLUX_NODEID_ANY, 0);
    if (!res->run || flux_future_then(res->run, -1., running_cb, res) < 0)
        return error_set(err, errno, "state-machine.wait: %s", strerror(errno));
    return 0;
}

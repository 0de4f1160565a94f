/* Which nodes may be used: those whose broker is there (groups broker.online and
 * broker.torpid), and that are neither excluded nor drained. What runs on the others goes
 * on, and keeps what it has.
 */
#include <errno.h>
#include <string.h>
#include <syslog.h>

#include <flux/flog.h>
#include <flux/hostlist.h>
#include <flux/reactor.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "modules/resource/resource.h"

DEFINE_CLEANUP(struct idset *, idset_destroy)
DEFINE_CLEANUP(struct hostlist *, hostlist_destroy)

struct idset *usable_ranks(const struct resource *res)
{
    struct idset *up = idset_copy(res->online);

    if (up && (idset_subtract(up, res->torpid) < 0 ||
               idset_subtract(up, res->inv.exclude) < 0 ||
               idset_subtract(up, drained_ranks(res->drained)) < 0)) {
        idset_destroy(up);
        return NULL;
    }
    return up;
}

int usable_changed(struct resource *res)
{
    CLEANUP(idset_destroy_p) struct idset *up = usable_ranks(res);

    if (!up)
        return -ENOMEM;
    return res->defined ? acquire_set_up(res->acquire, up) : 0;
}

/* -- brokers come and go -- */

/* Log which ranks are only in a. */
static int log_difference(struct resource *res, const char *event, const struct idset *a,
                          const struct idset *b)
{
    CLEANUP(idset_destroy_p) struct idset *diff = idset_difference(a, b);

    if (!diff)
        return -ENOMEM;
    return idset_empty(diff) ? 0 : define_log_ranks(res, event, diff);
}

/* Replace a set, log its changes, tell the schedulers. */
static void change(struct resource *res, struct idset **set, struct idset *now,
                   const char *joined, const char *left)
{
    struct idset *before = *set;
    int rc = -ENOMEM;

    if (now) {
        *set = now;
        if ((rc = log_difference(res, joined, now, before)) == 0)
            rc = log_difference(res, left, before, now);
        idset_destroy(before);
    }
    if (rc < 0 || (rc = usable_changed(res)) < 0)
        flux_log(res->h, LOG_ERR, "%s: %s", joined, strerror(-rc));
}

static void online_cb(const struct idset *members, void *arg)
{
    struct resource *res = arg;
    struct idset *copy = idset_copy(members);

    if (!copy)
        return;
    idset_destroy(res->members);
    res->members = copy;
    if (!res->inv.fake)
        change(res, &res->online, idset_intersect(members, res->inv.ranks), "online",
               "offline");
    if (res->inv.dynamic || res->inv.verify)
        gather_want(res->gather, members);
}

static void torpid_cb(const struct idset *members, void *arg)
{
    struct resource *res = arg;

    if (!res->inv.fake)
        change(res, &res->torpid, idset_copy(members), "torpid", "lively");
}

int usable_follow(struct resource *res)
{
    int rc = group_new(res->h, "broker.online", online_cb, res, &res->online_group);

    if (rc < 0)
        return rc;
    return group_new(res->h, "broker.torpid", torpid_cb, res, &res->torpid_group);
}

/* -- drained nodes -- */

/* For the record: as resource.status has it, with the hosts' names. */
static cJSON *drain_record(const struct resource *res)
{
    cJSON *all = cJSON_CreateArray(), *drain = drained_json(res->drained);
    const cJSON *d;

    cJSON_ArrayForEach(d, drain)
    {
        CLEANUP(idset_destroy_p) struct idset *ids = idset_decode(d->string);
        AUTOFREE char *hosts = ids ? inventory_hosts(&res->inv, ids) : NULL;
        cJSON *o = hosts ? json_pack("{s:s s:s s:O s:O}", "idset", d->string, "nodelist",
                                     hosts, "timestamp", json_get(d, "timestamp"),
                                     "reason", json_get(d, "reason"))
                         : NULL;
        if (!all || !o || !cJSON_AddItemToArray(all, o)) {
            json_free(o);
            json_free(all);
            all = NULL;
            break;
        }
    }
    if (!drain) {
        json_free(all);
        all = NULL;
    }
    json_free(drain);
    return all;
}

static int record(struct resource *res, const flux_msg_t *msg)
{
    cJSON *o = drain_record(res);

    if (!o)
        return -ENOMEM;
    keep_drain(res->keep, o, msg);
    json_free(o);
    return 0;
}

static int log_drain(struct resource *res, const struct idset *ids, const char *reason,
                     bool overwrite)
{
    AUTOFREE char *text = idset_encode(ids, IDSET_FLAG_RANGE);
    AUTOFREE char *hosts = inventory_hosts(&res->inv, ids);

    if (!text || !hosts)
        return -ENOMEM;
    return reslog_add(res->log, "drain", "{s:s s:s s:s s:i}", "idset", text, "nodelist",
                      hosts, "reason", reason ? reason : "", "overwrite", (int)overwrite);
}

int usable_drain(struct resource *res, const struct idset *ids, const char *reason,
                 enum drain_mode mode, const flux_msg_t *msg, flux_error_t *err)
{
    double now = flux_reactor_now(flux_get_reactor(res->h));
    int rc = drained_add(res->drained, ids, now, reason, mode, err);

    if (rc < 0)
        return rc;
    if ((rc = usable_changed(res)) < 0 ||
        (rc = log_drain(res, ids, reason, mode == DRAIN_OVERWRITE)) < 0 ||
        (rc = record(res, msg)) < 0)
        return error_set(err, -rc, "drain: %s", strerror(-rc));
    return 0;
}

int usable_undrain(struct resource *res, const struct idset *ids, const char *reason,
                   const flux_msg_t *msg, flux_error_t *err)
{
    int rc = drained_del(res->drained, ids, err);

    if (rc < 0)
        return rc;
    if ((rc = usable_changed(res)) < 0 ||
        (rc = define_log_ranks(res, "undrain", ids)) < 0 || (rc = record(res, msg)) < 0)
        return error_set(err, -rc, "undrain: %s", strerror(-rc));
    return 0;
}

/* A node may have another rank now: its name counts where there is one such host. */
static unsigned find_again(const struct resource *res, unsigned rank, const char *host)
{
    CLEANUP(idset_destroy_p) struct idset *ids = NULL;
    const char *now = inventory_host(&res->inv, rank);

    if (!host || !now || strcmp(host, now) == 0)
        return idset_test(res->inv.ranks, rank) ? rank : IDSET_INVALID_ID;
    if (inventory_targets(&res->inv, host, &ids, NULL) < 0 || idset_count(ids) != 1)
        return IDSET_INVALID_ID;
    return idset_first(ids);
}

/* One entry of the record. */
static int restore(struct resource *res, const cJSON *o)
{
    const char *idset, *nodelist = "", *reason = "";
    double timestamp;

    if (json_unpack(o, NULL, "{s:s s:s s:f s:s}", "idset", &idset, "nodelist", &nodelist,
                    "timestamp", &timestamp, "reason", &reason) < 0)
        return -EPROTO;
    CLEANUP(idset_destroy_p) struct idset *old = idset_decode(idset);
    CLEANUP(idset_destroy_p) struct idset *ids = idset_create(0, IDSET_FLAG_AUTOGROW);
    CLEANUP(hostlist_destroy_p) struct hostlist *hl = hostlist_decode(nodelist);
    if (!old || !ids || !hl)
        return -EPROTO;
    const char *host = hostlist_first(hl);
    for (unsigned r = idset_first(old); r != IDSET_INVALID_ID; r = idset_next(old, r)) {
        unsigned again = find_again(res, r, host);
        if (again == IDSET_INVALID_ID)
            flux_log(res->h, LOG_WARNING, "drained node %s (rank %u) is not there now",
                     host ? host : "", r);
        else if (idset_set(ids, again) < 0)
            return -ENOMEM;
        host = host ? hostlist_next(hl) : NULL;
    }
    int rc = drained_add(res->drained, ids, timestamp, reason, DRAIN_OVERWRITE, NULL);
    return rc < 0 || idset_empty(ids) ? rc : log_drain(res, ids, reason, false);
}

void usable_restore(struct resource *res, cJSON *drain)
{
    const cJSON *o;

    cJSON_ArrayForEach(o, drain)
    {
        int rc = restore(res, o);
        if (rc < 0)
            flux_log(res->h, LOG_ERR, "a drained node cannot be restored: %s",
                     strerror(-rc));
    }
    if (drain && usable_changed(res) < 0)
        flux_log(res->h, LOG_ERR, "drained nodes: out of memory");
    json_free(drain);
}

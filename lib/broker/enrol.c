/* How a broker becomes one of the instance:
 *
 *     rundir
 *     place          rank, size and tree: from boot.c (two steps, for addresses are told
 *                    only once they are listened at), or given
 *     store          rank 0 only, with the instance's uuid and the count of its starts
 *     services       router and what the broker itself answers
 *     listener       when there are children
 *     parent         its welcome brings what is the same for all
 *     socket
 *
 * and on with life_init(). Later the parent may be lost; the overlay connects again, and
 * what is here decides how long to wait for that.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/attr.h>
#include <flux/conf.h>
#include <flux/flog.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/strv.h"
#include "broker/broker.h"
#include "broker/facts.h"
#include "broker/identity.h"
#include "broker/life.h"

#define CONNECT_TIMEOUT 30.0 /* seconds */
#define ORPHAN_TIMEOUT 10.0  /* without a statedir at rank 0 */
#define DIAL_AGAIN 2.0       /* after a refusal, when it was one of the instance before */

struct enrol {
    struct broker *broker;
    bool waiting;                    /* for the first welcome */
    struct watcher *deadline;        /* of that */
    struct watcher *orphan, *redial; /* later */
    char *first_rundir;              /* before the statedir was seen */
};

static int open_rundir(struct broker *b, flux_error_t *err)
{
    struct dirs_options opts = {
        .rundir = attrs_get(b->attrs, "rundir"),
        .tmpdir = strv_getenv(b->environment, "TMPDIR"),
    };

    return dirs_open(b->env, &opts, &b->dirs, err);
}

/* ---- services ---- */

static struct endpoint *toward(uint32_t rank, void *arg)
{
    struct broker *b = arg;

    return b->peers ? peers_toward(b->peers, rank) : NULL;
}

static void events_lost(uint32_t first, uint32_t last, void *arg)
{
    struct broker *b = arg;

    if (last - first + 1 >= ROUTER_SEQ_STEP) /* numbers that were left out, see below */
        log_printf(b->log, LOG_WARNING,
                   "rank 0 was started anew: events after %u that it had not passed on "
                   "are lost",
                   (unsigned)first - 1);
    else
        log_printf(b->log, LOG_ERR, "events %u to %u did not come: they are lost here",
                   (unsigned)first, (unsigned)last);
}

static void event_numbered(uint32_t seq, void *arg)
{
    identity_keep_seq(arg, seq);
}

static int start_router(struct broker *b)
{
    struct router_tree tree = {
        .rank = b->rank,
        .size = b->size,
        .toward = toward,
        .numbered = event_numbered,
        .lost = events_lost,
        .arg = b,
    };
    int rc = router_new(b->env, b->owner, &b->router);

    if (rc < 0)
        return rc;
    router_set_tree(b->router, &tree);
    router_set_seq(b->router, b->event_seq);
    identity_keep_seq(b, b->event_seq);
    /* Nobody is to hear of an epoch, or of a number, that could come again. */
    rc = b->store ? store_flush(b->store) : 0;
    return rc == -ENOSPC ? 0 : rc;
}

static void attr_changed(const char *name, const char *value, void *arg)
{
    if (!strncmp(name, "log-", 4))
        facts_apply_log(arg);
}

static void seed_attr(const char *name, const char *value, void *arg)
{
    flux_attr_set_cacheonly(arg, name, value);
}

static int open_port(struct broker *b)
{
    int rc = port_new(b->router, b->reactor, "broker", NULL, NULL, &b->port, &b->h);

    if (rc < 0)
        return rc;
    flux_log_set_appname(b->h, "broker");
    attrs_each_fixed(b->attrs, seed_attr, b->h);
    if (flux_set_conf(b->h, config_get(b->config)) < 0 ||
        flux_set_reactor(b->h, b->reactor) < 0)
        return -errno;
    return 0;
}

static int start_services(struct broker *b)
{
    int rc;

    if ((rc = start_router(b)) < 0 || (rc = core_new(b->router, b->uuid, &b->core)) < 0 ||
        (rc = events_new(b->router, b->core, &b->events)) < 0 ||
        (rc = attrs_serve(b->attrs, b->core)) < 0 ||
        (rc = log_serve(b->log, b->core, b->router)) < 0 ||
        (rc = state_serve(b->state)) < 0 || (rc = groups_new(b, &b->groups)) < 0 ||
        (rc = groups_serve(b->groups)) < 0 || (rc = tree_new(b, &b->tree)) < 0 ||
        (rc = tree_serve(b->tree)) < 0 || (rc = config_serve(b->config, b)) < 0 ||
        (rc = self_serve(b)) < 0 || (rc = modhost_new(b, &b->modhost)) < 0 ||
        (rc = modhost_serve(b->modhost)) < 0 || (rc = rexec_new(b, &b->rexec)) < 0 ||
        (!env_is_sim(b->env) && (rc = rexec_serve(b->rexec)) < 0))
        return rc;
    attrs_on_change(b->attrs, attr_changed, b);
    if (!(b->shutdowns = flux_msglist_create()))
        return -errno;
    return open_port(b);
}

static int open_server(struct broker *b, flux_error_t *err)
{
    struct server_limits limits = server_limits_default;
    int rc;

    if (!b->dirs.socket || env_is_sim(b->env))
        return 0;
    limits.frame_timeout =
        attrs_duration(b->attrs, "local.frame-timeout", limits.frame_timeout);
    rc = server_new(b->loop, b->router, b->log, b->dirs.socket, &limits, &b->server);
    if (rc == -EADDRINUSE)
        return error_set(err, EADDRINUSE,
                         "another broker answers at %s: choose another rundir",
                         b->dirs.socket);
    if (rc < 0)
        return error_set(err, -rc, "socket %s: %s", b->dirs.socket, strerror(-rc));
    config_apply(b->config, b);
    return 0;
}

/* ---- the parent ---- */

static void stop_waiting(struct enrol *j)
{
    j->waiting = false;
    watcher_stop(j->deadline);
}

static void failed(struct broker *b, int rc, const flux_error_t *err)
{
    stop_waiting(b->enrol);
    life_fail(b, -rc, err, "boot-fail");
}

/* It is one of the instance. */
static void joined(struct broker *b)
{
    flux_error_t err = {{0}};
    int rc = facts_join(b);

    if (rc < 0 || (rc = open_server(b, &err)) < 0)
        failed(b, rc, &err);
    else
        life_init(b);
}

static void deadline_cb(struct watcher *w, int revents, void *arg)
{
    struct broker *b = ((struct enrol *)arg)->broker;
    const char *why = peers_complaint(b->peers);
    flux_error_t err;

    error_set(
        &err, ETIMEDOUT,
        "parent broker %u at %s does not answer%s%s: is it started, and is that its "
        "address? (tbon.connect_timeout)",
        (unsigned)topo_parent(b->place->topo, b->rank), b->place->parent,
        *why ? ": " : "", why);
    failed(b, -ETIMEDOUT, &err);
}

bool enrol_cancel(struct broker *b)
{
    bool waiting = b->enrol && b->enrol->waiting;

    if (waiting)
        stop_waiting(b->enrol);
    if (b->booting)
        boot_cancel(b->boot);
    return waiting;
}

void enrol_parent_up(struct broker *b)
{
    struct enrol *j = b->enrol;

    watcher_stop(j->orphan);
    watcher_stop(j->redial);
    b->epoch = overlay_epoch(peers_overlay(b->peers));
    if (j->waiting) {
        stop_waiting(j);
        snprintf(b->instance, sizeof(b->instance), "%s",
                 overlay_instance(peers_overlay(b->peers)));
        joined(b);
    } else
        log_printf(b->log, LOG_NOTICE, "connected to the parent again");
}

static void orphan_cb(struct watcher *w, int revents, void *arg)
{
    struct broker *b = ((struct enrol *)arg)->broker;
    flux_error_t err;

    error_set(&err, EHOSTUNREACH,
              "no parent for %gs (broker.orphan-timeout): broker %u gives up",
              b->orphan_timeout, (unsigned)b->rank);
    log_printf(b->log, LOG_ERR, "%s", err.text);
    life_fail(b, EHOSTUNREACH, &err, "orphaned");
}

void enrol_parent_down(struct broker *b)
{
    struct enrol *j = b->enrol;

    if (j->waiting || b->orphan_timeout < 0 || state_get(b->state) > STATE_RUN)
        return;
    watcher_timer_set(j->orphan, b->orphan_timeout, 0);
    watcher_start(j->orphan);
}

static void redial_cb(struct watcher *w, int revents, void *arg)
{
    struct broker *b = ((struct enrol *)arg)->broker;

    (void)overlay_dial(peers_overlay(b->peers), b->place->parent, NULL);
}

void enrol_refused(struct broker *b, int errnum, const char *why)
{
    struct enrol *j = b->enrol;
    flux_error_t err;

    error_set(&err, errnum, "refused by parent broker %u at %s: %s",
              (unsigned)topo_parent(b->place->topo, b->rank), b->place->parent, why);
    if (j->waiting) {
        failed(b, -errnum, &err);
        return;
    }
    log_printf(b->log, LOG_ERR, "%s", err.text);
    watcher_timer_set(j->redial, DIAL_AGAIN, 0);
    watcher_start(j->redial);
}

/* ---- step by step ---- */

/* Our address is known to others, and the parent's to us. */
static void meet(struct broker *b)
{
    double timeout = attrs_duration(b->attrs, "tbon.connect_timeout", CONNECT_TIMEOUT);
    struct enrol *j = b->enrol;
    flux_error_t err = {{0}};
    int rc = 0;

    if (b->rank == 0) {
        joined(b);
        return;
    }
    if (!b->place->parent)
        rc = error_set(&err, EINVAL, "no address of parent broker %u",
                       (unsigned)topo_parent(b->place->topo, b->rank));
    if (rc < 0 ||
        (rc = attrs_set(b->attrs, "tbon.parent-endpoint", b->place->parent,
                        ATTR_READONLY)) < 0 ||
        (rc = overlay_dial(peers_overlay(b->peers), b->place->parent, &err)) < 0) {
        failed(b, rc, &err);
        return;
    }
    j->waiting = true;
    if (timeout > 0 && timeout < 1e9) {
        watcher_timer_set(j->deadline, timeout, 0);
        watcher_start(j->deadline);
    }
}

/* An address in the rundir that we began with is one in the rundir that we have. */
static int in_rundir(struct broker *b, const char *address, char **ret)
{
    const char *old = b->enrol->first_rundir, *path = address + strlen("ipc://");
    size_t len = old ? strlen(old) : 0;
    int n;

    if (len > 0 && !strncmp(address, "ipc://", 6) && !strncmp(path, old, len))
        n = asprintf(ret, "ipc://%s%s", b->dirs.rundir, path + len);
    else
        n = asprintf(ret, "%s", address);
    if (n < 0)
        *ret = NULL;
    return n < 0 ? -ENOMEM : 0;
}

static int listen_to_children(struct broker *b, flux_error_t *err)
{
    struct overlay *ov = b->peers ? peers_overlay(b->peers) : NULL;
    AUTOFREE char *bind = NULL;
    int rc;

    if (!ov || !topo_has_children(b->place->topo, b->rank))
        return 0;
    if (!b->place->bind)
        return error_set(err, EINVAL, "broker %u has no address to listen at",
                         (unsigned)b->rank);
    if ((rc = in_rundir(b, b->place->bind, &bind)) < 0 ||
        (rc = overlay_listen(ov, bind, err)) < 0)
        return rc;
    return attrs_set(b->attrs, "tbon.endpoint", overlay_address(ov), ATTR_READONLY);
}

static void pause_clients(bool congested, void *arg)
{
    struct broker *b = arg;

    if (b->server)
        server_pause(b->server, congested);
}

static int start_peers(struct broker *b, flux_error_t *err)
{
    int rc;

    if (b->size == 1)
        return 0;
    if ((rc = peers_new(b, &b->peers, err)) < 0)
        return rc;
    peers_on_congestion(b->peers, pause_clients, b);
    return listen_to_children(b, err);
}

/* Rank 0 tells the others how long to wait for it. */
static int read_orphan_timeout(struct broker *b, flux_error_t *err)
{
    const char *s = attrs_get(b->attrs, "broker.orphan-timeout");

    b->orphan_timeout = b->dirs.statedir ? -1 : ORPHAN_TIMEOUT;
    if (!s)
        return 0;
    if (!strcmp(s, "none") || !strcmp(s, "inf"))
        b->orphan_timeout = -1;
    else if ((b->orphan_timeout = attrs_duration(b->attrs, "broker.orphan-timeout", -1)) <
             0)
        return error_set(err, EINVAL,
                         "attribute broker.orphan-timeout: '%s' is no duration, nor none",
                         s);
    return 0;
}

/* The broker knows its place. */
static int settle(struct broker *b, flux_error_t *err)
{
    int rc;

    b->rank = b->place->rank;
    b->size = b->place->size;
    log_set_rank(b->log, b->rank);
    if (b->dirs.rundir && !(b->enrol->first_rundir = strdup(b->dirs.rundir)))
        return -ENOMEM;
    if ((rc = dirs_settle(&b->dirs, b->rank, attrs_get(b->attrs, "statedir"), err)) < 0)
        return rc;
    b->durable = b->dirs.statedir != NULL;
    if (b->rank == 0 &&
        ((rc = identity_open(b, err)) < 0 || (rc = read_orphan_timeout(b, err)) < 0))
        return rc;
    if ((rc = facts_set(b)) < 0 || (rc = facts_check(b, err)) < 0)
        return rc;
    facts_apply_log(b);
    if ((rc = start_services(b)) < 0)
        return rc;
    if (b->rank == 0 && (rc = quorum_new(b, &b->quorum, err)) < 0)
        return rc;
    return start_peers(b, err);
}

static int enrol_new(struct broker *b)
{
    struct enrol *j = calloc(1, sizeof(*j));
    int rc;

    if (!j)
        return -ENOMEM;
    j->broker = b;
    b->enrol = j;
    if ((rc = watcher_new_timer(b->loop, 0, 0, deadline_cb, j, &j->deadline)) < 0 ||
        (rc = watcher_new_timer(b->loop, 0, 0, orphan_cb, j, &j->orphan)) < 0)
        return rc;
    return watcher_new_timer(b->loop, 0, 0, redial_cb, j, &j->redial);
}

void enrol_free(struct broker *b)
{
    struct enrol *j = TAKE(b->enrol);

    if (!j)
        return;
    watcher_free(j->deadline);
    watcher_free(j->orphan);
    watcher_free(j->redial);
    free(j->first_rundir);
    free(j);
}

/* A step of booting is over. False: there is no use in the next one. */
static bool step_over(struct broker *b, int rc, const flux_error_t *err)
{
    b->booting = false;
    if (b->crashing)
        broker_crash(b);
    else if (rc < 0 && !b->stopping)
        failed(b, rc, err);
    else if (b->stopping)
        life_end(b, "shutdown");
    else
        return true;
    return false;
}

static void exchanged(int rc, const flux_error_t *err, void *arg)
{
    struct broker *b = arg;

    if (!step_over(b, rc, err))
        return;
    if ((rc = facts_set_hostlist(b)) < 0)
        failed(b, rc, err);
    else
        meet(b);
}

static void placed(struct broker *b)
{
    struct overlay *ov;
    flux_error_t err = {{0}};
    int rc = settle(b, &err);

    if (rc < 0) {
        failed(b, rc, &err);
        return;
    }
    if (!b->boot) {
        meet(b);
        return;
    }
    ov = b->peers ? peers_overlay(b->peers) : NULL;
    b->booting = true;
    boot_exchange(b->boot, ov ? overlay_address(ov) : NULL, exchanged, b);
}

static void started(int rc, const flux_error_t *err, void *arg)
{
    struct broker *b = arg;

    if (!step_over(b, rc, err))
        return;
    b->place = boot_info(b->boot);
    placed(b);
}

static int find_place(struct broker *b, flux_error_t *err)
{
    struct boot_conf conf = {
        .loop = b->loop,
        .attrs = b->attrs,
        .conf = config_get(b->config),
        .environment = b->environment,
        .hostname = attrs_get(b->attrs, "hostname"),
        .rundir = b->dirs.rundir,
    };

    return boot_new(&conf, &b->boot, err);
}

/* In a simulated world nobody launches brokers. */
static int be_given_place(struct broker *b, flux_error_t *err)
{
    struct broker_place place = {.size = 1, .topo = attrs_get(b->attrs, "tbon.topo")};
    int rc = b->given ? 0 : place_new(&place, &b->given, err);

    if (rc < 0)
        return rc;
    b->place = b->given;
    return 0;
}

void enrol_start(struct broker *b)
{
    bool given = b->given || env_is_sim(b->env);
    flux_error_t err = {{0}};
    int rc;

    if ((rc = enrol_new(b)) < 0 || (rc = facts_set_hostname(b)) < 0 ||
        (rc = open_rundir(b, &err)) < 0 ||
        (rc = given ? be_given_place(b, &err) : find_place(b, &err)) < 0)
        life_fail(b, -rc, &err, "boot-fail");
    else if (given)
        placed(b);
    else {
        b->booting = true;
        boot_start(b->boot, started, b);
    }
}

/* A broker's place in the tree: made, freed, looked at (overlay.h). */
#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "overlay/impl.h"

/* ---- work ---- */

static struct peer *failed_of(struct list *peers)
{
    list_each(p, peers, struct peer, node)
    {
        if (p->failed)
            return p;
    }
    return NULL;
}

static struct peer *next_failed(struct overlay *ov)
{
    struct peer *p = NULL;
    if (ov->parent && ov->parent->failed)
        return ov->parent;
    for (uint32_t i = 0; i < ov->nchildren; i++) {
        p = ov->children[i].peer;
        if (p && p->failed)
            return p;
    }
    p = failed_of(&ov->strangers);
    if (!p)
        p = failed_of(&ov->waiting);
    return p ? p : failed_of(&ov->parted);
}

/* The last thing done: the broker may free us now. */
static void tell_the_end(struct overlay *ov)
{
    if (ov->tell_refused) {
        ov->tell_refused = false;
        overlay_kick(ov);
        ov->conf.cb->refused(ov->refusal.errnum, ov->refusal.reason, ov->conf.arg);
    } else if (leave_is_over(ov)) {
        void (*done)(void *arg) = TAKE(ov->leave_done);
        watcher_unref(ov->work);
        done(ov->leave_arg);
    }
}

static void on_work(struct watcher *w, int revents, void *arg)
{
    struct overlay *ov = arg;
    struct peer *p;
    while ((p = next_failed(ov)))
        peer_end(p, p->failed, p->why ? p->why : strerror(p->failed));
    admit_waiting(ov);
    health_update(ov);
    tell_the_end(ov);
}

void overlay_kick(struct overlay *ov)
{
    watcher_kick(ov->work);
}

/* ---- the log ---- */

static void log_text(struct overlay *ov, int level, const char *fmt, va_list ap)
{
    char text[512];
    if (!ov->conf.cb->log)
        return;
    vsnprintf(text, sizeof(text), fmt, ap);
    ov->conf.cb->log(level, text, ov->conf.arg);
}

void overlay_log(struct overlay *ov, int level, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    log_text(ov, level, fmt, ap);
    va_end(ap);
}

void overlay_log_stranger(struct overlay *ov, const char *fmt, ...)
{
    va_list ap;
    if (ov->log_left == 0) {
        ov->log_skipped++;
        return;
    }
    ov->log_left--;
    va_start(ap, fmt);
    log_text(ov, LOG_WARNING, fmt, ap);
    va_end(ap);
}

/* ---- the beginning and the end ---- */

static double or_default(double given, double otherwise)
{
    return given > 0 ? given : otherwise;
}

static void set_defaults(struct overlay_conf *c)
{
    c->heartbeat = or_default(c->heartbeat, 2);
    c->torpid_min = or_default(c->torpid_min, 5);
    c->torpid_max = or_default(c->torpid_max, 30);
    c->stall_timeout = or_default(c->stall_timeout, 20);
    c->connect_timeout = or_default(c->connect_timeout, 30);
    if (!c->max_message)
        c->max_message = (64u << 20) + (64u << 10);
    if (!c->max_queue)
        c->max_queue = 256u << 20;
}

static bool is_sound(const struct overlay_conf *c)
{
    bool root = c->rank == 0;
    return c->rank < topo_size(c->topo) && strlen(c->uuid) == UUID_SIZE &&
           (c->instance ? strlen(c->instance) == UUID_SIZE : !root) &&
           strlen(c->version) <= VERSION_MAX;
}

static int copy_strings(struct overlay *ov, const struct overlay_conf *conf)
{
    ov->conf.uuid = strdup(conf->uuid);
    ov->conf.version = strdup(conf->version);
    ov->conf.instance = NULL;
    if (conf->instance)
        memcpy(ov->instance, conf->instance, UUID_SIZE);
    memcpy(ov->key, conf->key, OVERLAY_KEY_SIZE);
    ov->conf.key = ov->key;
    return ov->conf.uuid && ov->conf.version ? 0 : -ENOMEM;
}

static int make_watchers(struct overlay *ov)
{
    struct loop *l = ov->conf.loop;
    /* Each tick is a heartbeat; a peer misses two before it is torpid. */
    ov->period = ov->conf.heartbeat;
    if (ov->period > ov->conf.torpid_min / 2)
        ov->period = ov->conf.torpid_min / 2;
    int rc = watcher_new_async(l, on_work, ov, &ov->work);
    if (rc == 0)
        rc = watcher_new_timer(l, ov->period, ov->period, on_tick, ov, &ov->tick);
    if (rc == 0)
        rc = watcher_new_timer(l, 0, 0, on_redial, ov, &ov->redial);
    if (rc < 0)
        return rc;
    watcher_start(ov->work);
    /* Links keep the loop running, not what looks after them. */
    watcher_unref(ov->work);
    watcher_unref(ov->tick);
    return 0;
}

int overlay_new(const struct overlay_conf *conf, struct overlay **ret)
{
    if (!is_sound(conf))
        return -EINVAL;
    if (sodium_init() < 0)
        return -ENOSYS;
    struct overlay *ov = calloc(1, sizeof(*ov));
    if (!ov)
        return -ENOMEM;
    ov->conf = *conf;
    ov->env = loop_env(conf->loop);
    ov->epoch = conf->epoch;
    ov->welcomed = conf->rank == 0;
    list_init(&ov->strangers);
    list_init(&ov->waiting);
    list_init(&ov->parted);
    set_defaults(&ov->conf);
    int rc = copy_strings(ov, conf);
    if (rc == 0)
        rc = health_new(ov);
    if (rc == 0)
        rc = make_watchers(ov);
    if (rc < 0) {
        overlay_free(ov);
        return rc;
    }
    *ret = ov;
    return 0;
}

static void cut(struct peer *p)
{
    if (!p)
        return;
    list_del(&p->node);
    link_close(p->link);
    peer_unref(p);
}

static void cut_all(struct list *peers)
{
    struct peer *p;
    while ((p = list_first(peers, struct peer, node)))
        cut(p);
}

void overlay_free(struct overlay *ov)
{
    if (!ov)
        return;
    link_close(ov->listener);
    cut(ov->parent);
    for (uint32_t i = 0; i < ov->nchildren; i++)
        cut(ov->children[i].peer);
    cut_all(&ov->strangers);
    cut_all(&ov->waiting);
    cut_all(&ov->parted);
    watcher_free(ov->work);
    watcher_free(ov->tick);
    watcher_free(ov->redial);
    health_free(ov);
    buf_free(&ov->head);
    buf_free(&ov->plain);
    buf_free(&ov->sealed);
    buf_free(&ov->opened);
    free(ov->parent_address);
    free(ov->parent_error);
    free((char *)ov->conf.uuid);
    free((char *)ov->conf.version);
    sodium_memzero(ov->key, sizeof(ov->key));
    free(ov);
}

/* ---- looked at ---- */

const char *overlay_instance(const struct overlay *ov)
{
    return ov->instance[0] ? ov->instance : NULL;
}

uint64_t overlay_epoch(const struct overlay *ov)
{
    return ov->epoch;
}

struct peer *overlay_parent(struct overlay *ov)
{
    return ov->parent && ov->parent->state == PEER_UP ? ov->parent : NULL;
}

struct peer *overlay_child(struct overlay *ov, uint32_t rank)
{
    struct child *c = child_find(ov, rank);
    return c ? c->peer : NULL;
}

struct peer *overlay_toward(struct overlay *ov, uint32_t rank)
{
    if (rank >= topo_size(ov->conf.topo) || rank == ov->conf.rank)
        return NULL;
    uint32_t child = topo_toward(ov->conf.topo, ov->conf.rank, rank);
    return child == TOPO_NONE ? overlay_parent(ov) : overlay_child(ov, child);
}

struct peer *overlay_next_child(struct overlay *ov, struct peer *after)
{
    uint32_t i = 0;
    if (after)
        i = (uint32_t)(child_find(ov, after->rank) - ov->children) + 1;
    while (i < ov->nchildren && !ov->children[i].peer)
        i++;
    return i < ov->nchildren ? ov->children[i].peer : NULL;
}

size_t overlay_backlog(const struct overlay *ov)
{
    size_t most = ov->parent ? peer_queued(ov->parent) : 0;
    for (uint32_t i = 0; i < ov->nchildren; i++) {
        const struct peer *p = ov->children[i].peer;
        if (p && peer_queued(p) > most)
            most = peer_queued(p);
    }
    return most;
}

const struct overlay_stats *overlay_stats(const struct overlay *ov)
{
    return &ov->stats;
}

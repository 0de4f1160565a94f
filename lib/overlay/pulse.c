/* Everything that happens because time passes: heartbeats, the judgement on peers that
 * are silent or take nothing, and deadlines. One timer for all; what it finds wrong ends
 * in the work watcher, so that lists stay as they are meanwhile.
 */
#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "overlay/impl.h"

#define LOG_PER_TICK 5 /* lines about strangers */

static void judge_silence(struct peer *p, double now)
{
    struct overlay *ov = p->ov;
    /* Limits are multiples of the period, more often than not. */
    double silent = now - p->last_heard + ov->period / 100;
    char name[64];
    if (silent >= ov->conf.torpid_max) {
        peer_fail(p, ETIMEDOUT, "silent for %.3g s", silent);
    } else if (silent >= ov->conf.torpid_min && !p->torpid) {
        p->torpid = true;
        overlay_log(ov, LOG_WARNING, "%s is torpid: silent for %.3g s",
                    peer_name(p, name), silent);
        if (!p->parent)
            health_dirty(ov);
    }
}

static void judge_stall(struct peer *p, double now)
{
    size_t queued = link_queued(p->link);
    uint64_t left = p->given - queued;
    if (queued == 0 || left != p->progress) {
        p->progress = left;
        p->moved = now;
    } else if (now - p->moved >= p->ov->conf.stall_timeout) {
        peer_fail(p, ETIMEDOUT, "%zu bytes wait, and it took none for %.3g s", queued,
                  now - p->moved);
    }
}

static void pulse(struct peer *p, double now)
{
    if (!p || p->failed || p->state != PEER_UP)
        return;
    if (p->heard)
        p->last_heard = now;
    p->heard = false;
    judge_silence(p, now);
    judge_stall(p, now);
    if (link_queued(p->link) == 0) /* else there is something to hear from us */
        peer_put(p, &(struct iovec){(char[]){NOTE_HEARTBEAT}, 1}, 1);
}

static void check_deadline(struct peer *p, double now)
{
    if (p && p->state != PEER_UP && now >= p->deadline)
        peer_fail(p, ETIMEDOUT, "nothing came of it within %.3g s",
                  p->ov->conf.connect_timeout);
}

static void check_deadlines(struct overlay *ov, struct list *peers, double now)
{
    list_each(p, peers, struct peer, node)
    {
        check_deadline(p, now);
    }
}

/* We did not run for a while (stopped, or starved): no peer is to blame, and what they
 * said may be still unread. */
static void forgive(struct overlay *ov, double late)
{
    for (uint32_t i = 0; i <= ov->nchildren; i++) {
        struct peer *p = i < ov->nchildren ? ov->children[i].peer : ov->parent;
        if (!p)
            continue;
        p->last_heard += late;
        p->moved += late;
        p->deadline += late;
    }
}

static void sweep_log(struct overlay *ov)
{
    if (ov->log_skipped > 0)
        overlay_log(ov, LOG_WARNING, "and %u more bad connections", ov->log_skipped);
    ov->log_skipped = 0;
    ov->log_left = LOG_PER_TICK;
}

static void give_back_room(struct overlay *ov)
{
    buf_free(&ov->head);
    buf_free(&ov->plain);
    buf_free(&ov->sealed);
    buf_free(&ov->opened);
}

void on_tick(struct watcher *w, int revents, void *arg)
{
    struct overlay *ov = arg;
    double now = env_monotonic(ov->env);
    double late = now - ov->last_tick - ov->period;
    ov->last_tick = now;
    if (late > ov->period / 2)
        forgive(ov, late);
    for (uint32_t i = 0; i < ov->nchildren; i++)
        pulse(ov->children[i].peer, now);
    pulse(ov->parent, now);
    check_deadline(ov->parent, now);
    check_deadlines(ov, &ov->strangers, now);
    check_deadlines(ov, &ov->waiting, now);
    check_deadlines(ov, &ov->parted, now);
    if (ov->leaving)
        overlay_kick(ov);
    sweep_log(ov);
    give_back_room(ov);
}

void pulse_start(struct overlay *ov)
{
    if (watcher_is_active(ov->tick))
        return;
    ov->last_tick = env_monotonic(ov->env);
    ov->log_left = LOG_PER_TICK;
    watcher_start(ov->tick);
}

/* Watchers of the simulated loop: timers on virtual time, and the phases of a turn. */
#include <math.h>

#include "env/loop_sim.h"

/* ---- prepare, check, idle ---- */

static struct sim_phase *phase_of(struct watcher *w)
{
    return CONTAINER_OF(w, struct sim_phase, w);
}

static int phase_init(struct watcher *w)
{
    list_init(&phase_of(w)->link);
    list_init(&phase_of(w)->todo);
    return 0;
}

static void phase_stop(struct watcher *w)
{
    sim_loop(w->loop)->active--;
    list_del(&phase_of(w)->link);
    list_del(&phase_of(w)->todo);
}

static void prepare_start(struct watcher *w)
{
    struct sim_loop *l = sim_loop(w->loop);
    l->active++;
    l->prepared = false;
    list_append(&l->prepares, &phase_of(w)->link);
    sim_loop_want(l);
}

static void check_start(struct watcher *w)
{
    struct sim_loop *l = sim_loop(w->loop);
    l->active++;
    list_append(&l->checks, &phase_of(w)->link);
}

static void idle_start(struct watcher *w)
{
    struct sim_loop *l = sim_loop(w->loop);
    l->active++;
    list_append(&l->idles, &phase_of(w)->link);
    sim_loop_want(l);
}

const struct watcher_ops sim_prepare_ops = {
    .size = sizeof(struct sim_phase),
    .init = phase_init,
    .start = prepare_start,
    .stop = phase_stop,
};
const struct watcher_ops sim_check_ops = {
    .size = sizeof(struct sim_phase),
    .init = phase_init,
    .start = check_start,
    .stop = phase_stop,
};
const struct watcher_ops sim_idle_ops = {
    .size = sizeof(struct sim_phase),
    .init = phase_init,
    .start = idle_start,
    .stop = phase_stop,
};

/* ---- timers ---- */

static struct sim_timer *timer_of(struct watcher *w)
{
    return CONTAINER_OF(w, struct sim_timer, w);
}

static struct sim_env *host(const struct sim_timer *t)
{
    return sim_env(t->w.loop->env);
}

static struct sim_world *world(const struct sim_timer *t)
{
    return host(t)->w;
}

static void timer_fire(struct sim_event *ev)
{
    struct sim_timer *t = CONTAINER_OF(ev, struct sim_timer, ev);
    struct sim_loop *l = sim_loop(t->w.loop);
    list_append(&l->due, &t->link);
    sim_loop_want(l);
}

static int timer_init(struct watcher *w)
{
    struct sim_timer *t = timer_of(w);
    list_init(&t->link);
    list_init(&t->all);
    t->ev.what = "timer";
    t->ev.id = sim_loop(w->loop)->id;
    t->ev.fire = timer_fire;
    return 0;
}

static void timer_start(struct watcher *w)
{
    struct sim_timer *t = timer_of(w);
    sim_loop(w->loop)->active++;
    sim_schedule(world(t), &t->ev, world(t)->now + sim_ns(w->timer.after));
}

static void timer_stop(struct watcher *w)
{
    struct sim_timer *t = timer_of(w);
    sim_loop(w->loop)->active--;
    sim_cancel(world(t), &t->ev);
    list_del(&t->link);
    list_del(&t->all);
}

static double timer_next(const struct watcher *w)
{
    const struct sim_timer *t = CONTAINER_OF(w, struct sim_timer, w);
    return sim_wall(host(t)) + (double)(t->ev.time - world(t)->now) * 1e-9;
}

const struct watcher_ops sim_timer_ops = {
    .size = sizeof(struct sim_timer),
    .init = timer_init,
    .start = timer_start,
    .stop = timer_stop,
    .next = timer_next,
};

/* ---- periodics ---- */

/* The next time after now; false when there is none. */
static bool periodic_next_time(struct sim_timer *t, bool first)
{
    struct watcher *w = &t->w;
    double now = sim_wall(host(t));
    double interval = w->periodic.interval, offset = w->periodic.offset;
    if (w->periodic.resched) {
        t->wall = w->periodic.resched(w, now, w->arg);
        if (!(t->wall > now))
            t->wall = now + 1e-3;
        return true;
    }
    t->wall = offset;
    if (interval <= 0)
        return first;
    t->wall += (floor((now - offset) / interval) + 1) * interval;
    if (t->wall <= now + 1e-6) /* rounding must not make it expire twice */
        t->wall += interval;
    return true;
}

static void periodic_schedule(struct sim_timer *t)
{
    struct sim_world *w = world(t);
    sim_schedule(w, &t->ev, w->now + sim_ns(t->wall - sim_wall(host(t))));
}

static void periodic_start(struct watcher *w)
{
    struct sim_timer *t = timer_of(w);
    sim_loop(w->loop)->active++;
    list_append(&sim_loop(w->loop)->periodics, &t->all);
    periodic_next_time(t, true);
    periodic_schedule(t);
}

static double periodic_next(const struct watcher *w)
{
    return CONTAINER_OF(w, struct sim_timer, w)->wall;
}

const struct watcher_ops sim_periodic_ops = {
    .size = sizeof(struct sim_timer),
    .init = timer_init,
    .start = periodic_start,
    .stop = timer_stop,
    .next = periodic_next,
};

/* One that is due stays so; one of a single time keeps that time. */
void sim_loop_clock(struct sim_loop *l)
{
    list_each(t, &l->periodics, struct sim_timer, all)
    {
        if (!sim_is_scheduled(&t->ev))
            continue;
        periodic_next_time(t, true);
        periodic_schedule(t);
    }
}

/* ---- delivery ---- */

static bool set_again(struct sim_timer *t)
{
    if (t->w.kind == WATCHER_PERIODIC) {
        if (!periodic_next_time(t, false))
            return false;
        periodic_schedule(t);
        return true;
    }
    if (t->w.timer.repeat <= 0)
        return false;
    /* From when it was due, not from now, so that the period holds. */
    sim_schedule(world(t), &t->ev, t->ev.time + sim_ns(t->w.timer.repeat));
    return true;
}

void sim_timer_deliver(struct sim_timer *t)
{
    if (!set_again(t)) {
        sim_loop(t->w.loop)->active--;
        list_del(&t->all);
        watcher_expired(&t->w);
    }
    t->w.cb(&t->w, 0, t->w.arg);
}

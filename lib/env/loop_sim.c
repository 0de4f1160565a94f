/* The simulated event loop. All loops of a simulated env are driven together:
 * whoever runs one of them lets the events of all happen, in order, until its own
 * loop is stopped, has had its turn, or has nothing left to wait for. So N brokers
 * in one thread each have a loop, and a program that waits on its own loop finds
 * them alive.
 *
 * A loop acts in turns, like the real one: check watchers, then what became ready
 * (timers, queued calls), idle watchers if nothing was, then the prepare watchers,
 * which the real loop would call before it waits again. A turn comes a few drawn
 * microseconds after its cause, so causes of the same moment may share a turn or
 * not, as the seed has it, and virtual time passes even for a loop that is never
 * idle.
 *
 * A loop whose callback runs another loop is not entered again meanwhile (its
 * thread would be blocked); its turn is made up for later.
 */
#include <errno.h>
#include <stdlib.h>

#include "env/loop_sim.h"

#define TURN_MIN 1000 /* ns from cause to turn */
#define TURN_MAX 10000
#define WORK_MIN 20000 /* ns from loop_work() to the work */
#define WORK_MAX 2000000

static struct sim_world *world(struct sim_loop *l)
{
    return sim_world(l->base.env);
}

/* Not before the host goes on, when it stands still. */
static int64_t soon(struct loop *l, int64_t min, int64_t max)
{
    struct sim_env *host = sim_env(l->env);
    int64_t now = host->w->now > host->stopped ? host->w->now : host->stopped;
    return now + sim_draw(host->w, min, max);
}

static bool stands_still(struct loop *l)
{
    return sim_env(l->env)->stopped > sim_world(l->env)->now;
}

static bool is_dead(struct sim_loop *l)
{
    return sim_env(l->base.env)->dead;
}

void sim_loop_want(struct sim_loop *l)
{
    if (l->busy == 0 && !sim_is_scheduled(&l->turn))
        sim_schedule(world(l), &l->turn, soon(&l->base, TURN_MIN, TURN_MAX));
}

/* ---- a turn ---- */

/* Call the watchers of a list that are active now, in order of starting; those of
 * the check phase with priority from lo to hi, higher ones first. */
static void run_phase(struct list *phase, int lo, int hi)
{
    struct list todo;
    list_init(&todo);
    for (int priority = hi; priority >= lo; priority--) {
        list_each(p, phase, struct sim_phase, link)
        {
            if (p->w.priority == priority)
                list_append(&todo, &p->todo);
        }
    }
    struct sim_phase *p;
    while ((p = list_first(&todo, struct sim_phase, todo))) {
        list_del(&p->todo);
        p->w.cb(&p->w, 0, p->w.arg);
    }
}

static void run_prepares(struct sim_loop *l)
{
    if (!l->prepared) {
        l->prepared = true;
        run_phase(&l->prepares, 0, 0);
    }
}

static bool run_ready(struct sim_loop *l)
{
    bool any = !list_empty(&l->due) || loop_has_queued(&l->base);
    struct list due;
    struct sim_timer *t;
    list_init(&due);
    list_splice(&due, &l->due);
    while ((t = list_first(&due, struct sim_timer, link))) {
        list_del(&t->link);
        sim_timer_deliver(t);
    }
    loop_drain(&l->base);
    return any;
}

static bool has_cause(struct sim_loop *l)
{
    return !list_empty(&l->idles) || !list_empty(&l->due) || loop_has_queued(&l->base) ||
           (!l->prepared && !list_empty(&l->prepares));
}

static void make_turn(struct sim_loop *l)
{
    run_prepares(l);
    l->prepared = false;
    run_phase(&l->checks, 0, 2);
    if (!run_ready(l))
        run_phase(&l->idles, 0, 0);
    run_phase(&l->checks, -2, -1);
    run_prepares(l);
    l->turns++;
}

static void turn_fire(struct sim_event *ev)
{
    struct sim_loop *l = CONTAINER_OF(ev, struct sim_loop, turn);
    if (l->busy > 0 || is_dead(l))
        return;
    if (stands_still(&l->base)) {
        sim_loop_want(l);
        return;
    }
    loop_ref(&l->base);
    l->busy++;
    make_turn(l);
    l->busy--;
    if (has_cause(l))
        sim_loop_want(l);
    loop_unref(&l->base);
}

void sim_loops_resume(struct sim_env *host)
{
    list_each(l, &host->loops, struct sim_loop, host)
    {
        sim_cancel(host->w, &l->turn);
        if (has_cause(l))
            sim_loop_want(l);
    }
}

/* ---- running ---- */

static bool run_over(struct sim_loop *l, int flags, uint64_t turns)
{
    if (l->stopped)
        return true;
    if (flags)
        return l->turns != turns;
    return l->active <= 0 && !loop_has_queued(&l->base);
}

/* The first wait of a run is preceded by the prepare watchers. */
static void begin_run(struct sim_loop *l, int flags)
{
    l->busy++;
    run_prepares(l);
    l->busy--;
    if ((flags & LOOP_NOWAIT) || (flags && l->active <= 0) || has_cause(l))
        sim_loop_want(l);
}

static int sim_run(struct loop *base, int flags)
{
    struct sim_loop *l = sim_loop(base);
    int rc = 0, outer = l->busy;
    uint64_t turns = l->turns;
    l->busy = 0; /* the loop asks for it itself: this nests, as the real one does */
    l->stopped = false;
    begin_run(l, flags);
    while (rc == 0 && !run_over(l, flags, turns))
        rc = !is_dead(l) && sim_step(world(l)) ? 0 : -EDEADLK;
    l->stopped = false; /* was for this run, not for one around it */
    l->busy = outer;
    return rc < 0 ? rc : l->active > 0 ? l->active : 0;
}

static void sim_stop(struct loop *base)
{
    sim_loop(base)->stopped = true;
}

static double sim_now(struct loop *base)
{
    return sim_wall(sim_env(base->env));
}

static void sim_now_update(struct loop *base)
{
}

static int sim_pollfd(struct loop *base)
{
    return -ENOTSUP;
}

static void sim_wake(struct loop *base)
{
    sim_loop_want(sim_loop(base));
}

static void sim_hold(struct loop *base, int delta)
{
    sim_loop(base)->active += delta;
}

/* ---- work ---- */

struct sim_work {
    struct sim_event ev;
    struct work *work;
};

static void work_fire(struct sim_event *ev)
{
    struct sim_work *sw = CONTAINER_OF(ev, struct sim_work, ev);
    struct work *work = sw->work;
    if (stands_still(work->loop)) {
        sim_schedule(sim_world(work->loop->env), ev, soon(work->loop, 0, WORK_MIN));
        return;
    }
    free(sw);
    work_execute(work);
}

static int sim_work(struct loop *base, struct work *work)
{
    struct sim_work *sw = calloc(1, sizeof(*sw));
    if (!sw)
        return -ENOMEM;
    sw->work = work;
    sw->ev.what = "work";
    sw->ev.id = sim_loop(base)->id;
    sw->ev.fire = work_fire;
    sim_schedule(sim_world(base->env), &sw->ev, soon(base, WORK_MIN, WORK_MAX));
    return 0;
}

static void sim_await(struct loop *base)
{
    sim_step(sim_world(base->env));
}

static void sim_loop_destroy(struct loop *base)
{
    struct sim_loop *l = sim_loop(base);
    sim_cancel(world(l), &l->turn);
    list_del(&l->host);
    loop_fini(base);
    free(l);
}

static const struct loop_ops sim_loop_ops = {
    .destroy = sim_loop_destroy,
    .run = sim_run,
    .stop = sim_stop,
    .now = sim_now,
    .now_update = sim_now_update,
    .pollfd = sim_pollfd,
    .wake = sim_wake,
    .await = sim_await,
    .hold = sim_hold,
    .work = sim_work,
    .watchers =
        {
            [WATCHER_TIMER] = &sim_timer_ops,
            [WATCHER_PERIODIC] = &sim_periodic_ops,
            [WATCHER_PREPARE] = &sim_prepare_ops,
            [WATCHER_CHECK] = &sim_check_ops,
            [WATCHER_IDLE] = &sim_idle_ops,
        },
};

int sim_loop_new(struct env *env, struct loop **ret)
{
    struct sim_loop *l = calloc(1, sizeof(*l));
    if (!l)
        return -ENOMEM;
    loop_init(&l->base, &sim_loop_ops, env);
    l->id = ++sim_world(env)->loops;
    l->turn.what = "turn";
    l->turn.id = l->id;
    l->turn.fire = turn_fire;
    list_init(&l->prepares);
    list_init(&l->checks);
    list_init(&l->idles);
    list_init(&l->due);
    list_init(&l->periodics);
    list_append(&sim_env(env)->loops, &l->host);
    *ret = &l->base;
    return 0;
}

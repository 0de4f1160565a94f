/* Steps by turns: an idle watcher keeps the loop turning, a check watcher takes a step. */
#include "modules/kvs/turn.h"

#include <errno.h>
#include <stdlib.h>

struct turns {
    struct list list;
    flux_watcher_t *idle, *check;
};

static void stop_if_empty(struct turns *ts)
{
    if (!list_empty(&ts->list))
        return;
    flux_watcher_stop(ts->idle);
    flux_watcher_stop(ts->check);
}

static void check_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct turns *ts = arg;
    struct turn *first = list_first(&ts->list, struct turn, link);

    /* One step, and to the end of the line. */
    if (first) {
        list_del(&first->link);
        list_append(&ts->list, &first->link);
        first->step(first);
    }
    stop_if_empty(ts);
}

int turns_new(struct kvs *kvs, struct turns **ret)
{
    struct turns *ts = calloc(1, sizeof(*ts));

    if (!ts)
        return -ENOMEM;
    list_init(&ts->list);
    ts->idle = flux_idle_watcher_create(kvs->r, NULL, NULL);
    ts->check = flux_check_watcher_create(kvs->r, check_cb, ts);
    if (!ts->idle || !ts->check) {
        turns_free(ts);
        return -ENOMEM;
    }
    *ret = ts;
    return 0;
}

void turns_free(struct turns *ts)
{
    if (!ts)
        return;
    flux_watcher_destroy(ts->idle);
    flux_watcher_destroy(ts->check);
    free(ts);
}

void turn_add(struct kvs *kvs, struct turn *t)
{
    struct turns *ts = kvs->turns;

    list_append(&ts->list, &t->link);
    flux_watcher_start(ts->idle);
    flux_watcher_start(ts->check);
}

void turn_remove(struct turn *t)
{
    list_del(&t->link);
}

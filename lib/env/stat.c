/* Stat watchers: a timer that looks at a path and calls back when its attributes
 * have changed. They look through env's files, so they work in any world.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "env/impl.h"

#define INTERVAL_DEFAULT 1.0
#define INTERVAL_MIN 0.05

struct stat_watcher {
    struct watcher w;
    struct watcher *timer;
    char *path;
    struct stat now, prev;
};

static struct stat_watcher *stat_of(struct watcher *w)
{
    return CONTAINER_OF(w, struct stat_watcher, w);
}

/* A missing file has st_nlink 0. */
static void look(struct stat_watcher *s, struct stat *ret)
{
    memset(ret, 0, sizeof(*ret));
    if (file_stat(s->w.loop->env, s->path, ret) < 0)
        memset(ret, 0, sizeof(*ret));
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_mode == b->st_mode &&
           a->st_nlink == b->st_nlink && a->st_uid == b->st_uid &&
           a->st_gid == b->st_gid && a->st_rdev == b->st_rdev &&
           a->st_size == b->st_size && same_time(a->st_atim, b->st_atim) &&
           same_time(a->st_mtim, b->st_mtim) && same_time(a->st_ctim, b->st_ctim);
}

static void on_timer(struct watcher *timer, int revents, void *arg)
{
    struct stat_watcher *s = arg;
    struct stat st;
    look(s, &st);
    if (same(&st, &s->now))
        return;
    s->prev = s->now;
    s->now = st;
    s->w.cb(&s->w, 0, s->w.arg);
}

static void stat_start(struct watcher *w)
{
    struct stat_watcher *s = stat_of(w);
    look(s, &s->now);
    s->prev = s->now;
    watcher_start(s->timer);
}

static void stat_stop(struct watcher *w)
{
    watcher_stop(stat_of(w)->timer);
}

static void stat_fini(struct watcher *w)
{
    struct stat_watcher *s = stat_of(w);
    watcher_free(s->timer);
    free(s->path);
}

static const struct watcher_ops stat_ops = {
    .size = sizeof(struct stat_watcher),
    .start = stat_start,
    .stop = stat_stop,
    .fini = stat_fini,
};

int watcher_new_stat(struct loop *l, const char *path, double interval, watcher_f cb,
                     void *arg, struct watcher **ret)
{
    struct watcher proto = {.kind = WATCHER_STAT, .cb = cb, .arg = arg};
    struct watcher *w;
    if (!(interval > 0))
        interval = INTERVAL_DEFAULT;
    if (interval < INTERVAL_MIN)
        interval = INTERVAL_MIN;
    int rc = watcher_new(l, &stat_ops, &proto, &w);
    if (rc < 0)
        return rc;
    struct stat_watcher *s = stat_of(w);
    s->path = strdup(path);
    rc = s->path ? watcher_new_timer(l, interval, interval, on_timer, s, &s->timer)
                 : -ENOMEM;
    if (rc < 0) {
        watcher_free(w);
        return rc;
    }
    *ret = w;
    return 0;
}

void watcher_stat_get(const struct watcher *w, struct stat *now, struct stat *prev)
{
    const struct stat_watcher *s = CONTAINER_OF(w, struct stat_watcher, w);
    *now = s->now;
    *prev = s->prev;
}

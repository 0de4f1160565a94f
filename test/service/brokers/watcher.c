#include "watcher.h"

#include <stdio.h>

static void answer(flux_future_t *f, void *arg)
{
    struct watcher *w = arg;
    const char *dir;
    const void *data;
    size_t len;

    if (flux_future_get(f, NULL) < 0) {
        w->errnum = errno;
        return;
    }
    if (flux_kvs_lookup_get_raw(f, &data, &len) == 0 && len < 100)
        snprintf(w->log + strlen(w->log), sizeof(w->log) - strlen(w->log), "%.*s|",
                 (int)len, data ? (const char *)data : "");
    else if (flux_kvs_lookup_get_raw(f, &data, &len) == 0)
        w->bytes += len;
    else if (flux_kvs_lookup_get_treeobj(f, &dir) == 0)
        strcat(w->log, "dir|");
    w->answers++;
    flux_future_reset(f);
}

void watcher_begin(struct watcher *w, struct cluster *c, flux_future_t *f)
{
    ck_assert_ptr_nonnull(f);
    memset(w, 0, sizeof(*w));
    w->c = c;
    w->f = f;
    ck_assert_int_eq(flux_future_then(f, -1., answer, w), 0);
}

struct expected {
    struct watcher *w;
    const char *log;
};

static bool has_log(struct cluster *c, void *arg)
{
    struct expected *e = arg;

    return e->w->errnum || strlen(e->w->log) >= strlen(e->log);
}

void watcher_expect(struct watcher *w, const char *log)
{
    struct expected e = {w, log};

    cluster_until(w->c, has_log, &e);
    ck_assert_str_eq(w->log, log);
    ck_assert_int_eq(w->errnum, 0);
}

static bool has_ended(struct cluster *c, void *arg)
{
    return ((struct watcher *)arg)->errnum != 0;
}

static void finish(struct watcher *w, int errnum)
{
    cluster_until(w->c, has_ended, w);
    ck_assert_int_eq(w->errnum, errnum);
    flux_future_destroy(w->f);
    w->f = NULL;
}

void watcher_expect_end(struct watcher *w, const char *log, int errnum)
{
    finish(w, errnum);
    ck_assert_str_eq(w->log, log);
}

void watcher_drop(struct watcher *w)
{
    flux_kvs_lookup_cancel(w->f);
    finish(w, ENODATA);
}

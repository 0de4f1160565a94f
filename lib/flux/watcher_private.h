/* What a public watcher is made of. */
#ifndef FLUX_FLUX_WATCHER_PRIVATE_H
#define FLUX_FLUX_WATCHER_PRIVATE_H

#include <flux/watcher.h>

#include "flux/reactor_private.h"

enum flux_watcher_kind {
    WATCHER_KIND_FD,
    WATCHER_KIND_TIMER,
    WATCHER_KIND_PERIODIC,
    WATCHER_KIND_PREPARE,
    WATCHER_KIND_CHECK,
    WATCHER_KIND_IDLE,
    WATCHER_KIND_SIGNAL,
    WATCHER_KIND_STAT,
    WATCHER_KIND_HANDLE,
};

struct flux_watcher {
    flux_reactor_t *r;
    enum flux_watcher_kind kind;
    flux_watcher_f cb;
    void *arg;
    struct watcher *w; /* a handle watcher: of its connection's descriptor */
    int fd;            /* fd, handle */
    bool unreferenced;
    flux_reschedule_f reschedule; /* periodic */
    /* Handle watchers. */
    flux_t *h;
    int events;
    bool started;
    struct watcher *prepare, *check, *idle;
};

flux_watcher_t *watcher_create(flux_reactor_t *r, enum flux_watcher_kind kind,
                               flux_watcher_f cb, void *arg);
void watcher_handle_start(flux_watcher_t *fw);
void watcher_handle_stop(flux_watcher_t *fw);
void watcher_handle_update_ref(flux_watcher_t *fw);
void watcher_handle_destroy(flux_watcher_t *fw);

#endif

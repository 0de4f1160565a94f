/* Opens libev.so.4 and looks up what libev.h lists. */
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "env/libev.h"

static const struct {
    const char *name;
    size_t offset;
} functions[] = {
    {"ev_version_major", offsetof(struct libev, version_major)},
    {"ev_time", offsetof(struct libev, time)},
    {"ev_loop_new", offsetof(struct libev, loop_new)},
    {"ev_loop_destroy", offsetof(struct libev, loop_destroy)},
    {"ev_run", offsetof(struct libev, run)},
    {"ev_break", offsetof(struct libev, break_)},
    {"ev_ref", offsetof(struct libev, ref)},
    {"ev_unref", offsetof(struct libev, unref)},
    {"ev_now", offsetof(struct libev, now)},
    {"ev_now_update", offsetof(struct libev, now_update)},
    {"ev_io_start", offsetof(struct libev, io_start)},
    {"ev_io_stop", offsetof(struct libev, io_stop)},
    {"ev_timer_start", offsetof(struct libev, timer_start)},
    {"ev_timer_stop", offsetof(struct libev, timer_stop)},
    {"ev_timer_remaining", offsetof(struct libev, timer_remaining)},
    {"ev_periodic_start", offsetof(struct libev, periodic_start)},
    {"ev_periodic_stop", offsetof(struct libev, periodic_stop)},
    {"ev_prepare_start", offsetof(struct libev, prepare_start)},
    {"ev_prepare_stop", offsetof(struct libev, prepare_stop)},
    {"ev_check_start", offsetof(struct libev, check_start)},
    {"ev_check_stop", offsetof(struct libev, check_stop)},
    {"ev_idle_start", offsetof(struct libev, idle_start)},
    {"ev_idle_stop", offsetof(struct libev, idle_stop)},
};

int libev_open(struct libev *ev)
{
    memset(ev, 0, sizeof(*ev));
    ev->dl = dlopen("libev.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!ev->dl)
        return -ELIBACC;
    for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
        void *sym = dlsym(ev->dl, functions[i].name);
        if (!sym) {
            libev_close(ev);
            return -ELIBBAD;
        }
        memcpy((char *)ev + functions[i].offset, &sym, sizeof(sym));
    }
    if (ev->version_major() != EV_VERSION_MAJOR) {
        libev_close(ev);
        return -ELIBBAD;
    }
    return 0;
}

void libev_close(struct libev *ev)
{
    if (ev->dl)
        dlclose(ev->dl);
    ev->dl = NULL;
}

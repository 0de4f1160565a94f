/* The shell's connection to its broker: see link.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/flog.h>
#include <flux/handle.h>
#include <flux/rpc.h>
#include <flux/service.h>

#include "base/cleanup.h"
#include "shell/shell_private.h"

#define BACKOFF_MIN 0.02 /* seconds between tries to connect */
#define BACKOFF_MAX 1.0
#define HELLO_RETRY 0.1 /* seconds; job-exec is not loaded (yet), or not reachable ... */
#define HELLO_MAX 2.0   /* ... doubled up to this */
#define LINGER 2.0      /* seconds a shell without jobs waits for a lost broker */

struct link {
    struct shell *sh;
    flux_t *(*connect)(void *arg, flux_error_t *err);
    void *arg;
    flux_t *h;
    flux_msg_handler_t **handlers;
    flux_future_t *service, *hello;
    bool introduced; /* a hello is on its way or answered */
    bool lost;       /* the connection broke; `timer` takes it down */
    double backoff, hello_backoff, down_since;
    struct watcher *timer, *hello_timer, *down_timer;
};

flux_t *link_handle(struct link *l)
{
    return l->introduced && !l->lost ? l->h : NULL;
}

flux_t *link_connection(struct link *l)
{
    return l->lost ? NULL : l->h;
}

static void arm(struct watcher *w, double after)
{
    watcher_stop(w);
    watcher_timer_set(w, after, 0);
    watcher_start(w);
}

static void disconnect(struct link *l)
{
    l->introduced = false;
    watcher_stop(l->hello_timer);
    if (!l->h)
        return;
    follow_drop_all(l->sh);
    pmi_suspend(l->sh);
    outlets_suspend(l->sh->outlets);
    flux_future_destroy(l->service);
    flux_future_destroy(l->hello);
    flux_msg_handler_delvec(l->handlers);
    flux_close(l->h);
    l->service = l->hello = NULL;
    l->handlers = NULL;
    l->h = NULL;
}

/* Without a broker: a shell that has nothing to do goes, one that has jobs lets them run
 * for the time it was given. */
static void on_down(struct watcher *w, int revents, void *arg)
{
    struct link *l = arg;
    struct shell *sh = l->sh;
    double gone = env_monotonic(sh->env) - l->down_since;
    watcher_stop(w);
    if (sh->active == 0 && gone >= LINGER) {
        shell_quit(sh);
        return;
    }
    if (sh->active > 0 && sh->orphan_timeout >= 0 && gone >= sh->orphan_timeout)
        shell_kill_all(sh);
    arm(w, 0.1);
}

static void note_down(struct link *l)
{
    if (watcher_is_active(l->down_timer))
        return;
    l->down_since = env_monotonic(l->sh->env);
    arm(l->down_timer, 0.1);
}

/* Not from inside a callback of the handle: the timer does the rest. */
static void lose(struct link *l)
{
    if (l->lost)
        return;
    l->lost = true;
    l->backoff = BACKOFF_MIN;
    arm(l->timer, 0);
    note_down(l);
}

static int on_error(flux_t *h, void *arg)
{
    lose(arg);
    return -1;
}

/* No job-exec, or it is going, or there is no way to it: say hello again, later and
 * later, and not all shells at once. Meanwhile the hello to come collects what there is
 * to tell. */
static void hello_failed(struct link *l, int errnum)
{
    uint8_t r;
    l->introduced = false;
    if (errnum == EHOSTUNREACH)
        note_down(l);
    if (l->lost)
        return;
    env_random(l->sh->env, &r, sizeof(r));
    arm(l->hello_timer, l->hello_backoff * (0.5 + r / 512.0));
    l->hello_backoff =
        l->hello_backoff * 2 < HELLO_MAX ? l->hello_backoff * 2 : HELLO_MAX;
}

static void on_hello(flux_future_t *f, void *arg)
{
    struct link *l = arg;
    struct shell *sh = l->sh;
    double orphan = -2;
    if (flux_rpc_get_unpack(f, "{s?f s?f}", "kill-timeout", &sh->kill_timeout,
                            "orphan-timeout", &orphan) < 0) {
        int errnum = errno;
        flux_future_destroy(f);
        l->hello = NULL;
        hello_failed(l, errnum);
        return;
    }
    if (orphan >= -1)
        sh->orphan_timeout = orphan;
    watcher_stop(l->down_timer);
    l->hello_backoff = HELLO_RETRY;
    shell_poke(sh);
    flux_future_reset(f);
}

static void say_hello(struct link *l)
{
    AUTOFREE char *payload = results_hello(l->sh);
    if (payload)
        l->hello = flux_rpc(l->h, "job-exec.shell-hello", payload, FLUX_NODEID_ANY,
                            FLUX_RPC_STREAMING);
    if (!l->hello || flux_future_then(l->hello, -1, on_hello, l) < 0) {
        lose(l);
        return;
    }
    l->introduced = true;
    l->sh->results.len = 0; /* the hello has told it */
}

static void on_hello_timer(struct watcher *w, int revents, void *arg)
{
    watcher_stop(w);
    say_hello(arg);
}

static void on_service(flux_future_t *f, void *arg)
{
    struct link *l = arg;
    if (flux_future_get(f, NULL) < 0)
        lose(l); /* EEXIST: an earlier connection is not quite gone */
    else {
        say_hello(l);
        pmi_resume(l->sh);
        outlets_resume(l->sh->outlets);
    }
}

static int introduce(struct link *l)
{
    char name[32];
    snprintf(name, sizeof(name), "%u-shell", l->sh->userid);
    if (flux_set_reactor(l->h, l->sh->reactor) < 0 && errno != EEXIST)
        return -errno;
    flux_log_set_appname(l->h, "flux-shell");
    flux_comms_error_set(l->h, on_error, l);
    int rc = service_register(l->sh, l->h, &l->handlers);
    if (rc < 0)
        return rc;
    l->service = flux_service_register(l->h, name);
    if (!l->service || flux_future_then(l->service, -1, on_service, l) < 0)
        return -errno;
    return 0;
}

/* Take down what is broken, and connect. */
static void on_timer(struct watcher *w, int revents, void *arg)
{
    struct link *l = arg;
    flux_error_t err;
    watcher_stop(w);
    disconnect(l);
    l->lost = false;
    l->h = l->connect(l->arg, &err);
    if (l->h && introduce(l) == 0)
        return;
    disconnect(l);
    arm(w, l->backoff);
    l->backoff = l->backoff * 2 < BACKOFF_MAX ? l->backoff * 2 : BACKOFF_MAX;
}

int link_new(struct shell *sh, flux_t *(*connect)(void *arg, flux_error_t *err),
             void *arg, struct link **ret)
{
    struct link *l = calloc(1, sizeof(*l));
    if (!l)
        return -ENOMEM;
    l->sh = sh;
    l->connect = connect;
    l->arg = arg;
    l->backoff = BACKOFF_MIN;
    l->hello_backoff = HELLO_RETRY;
    if (watcher_new_timer(sh->loop, 0, 0, on_timer, l, &l->timer) < 0 ||
        watcher_new_timer(sh->loop, 0, 0, on_hello_timer, l, &l->hello_timer) < 0 ||
        watcher_new_timer(sh->loop, 0, 0, on_down, l, &l->down_timer) < 0) {
        link_free(l);
        return -ENOMEM;
    }
    *ret = l;
    return 0;
}

void link_start(struct link *l)
{
    l->down_since = env_monotonic(l->sh->env);
    arm(l->down_timer, LINGER);
    on_timer(l->timer, 0, l);
}

void link_free(struct link *l)
{
    if (!l)
        return;
    disconnect(l);
    watcher_free(l->timer);
    watcher_free(l->hello_timer);
    watcher_free(l->down_timer);
    free(l);
}

/* A module of the new kind in a shared object: on a thread, with a stop function that
 * finishes later, and defaults. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/core.h>
#include <flux/module.h>

struct ctx {
    flux_msg_handler_t **handlers;
    flux_watcher_t *timer;
    void (*done)(flux_t *h);
    flux_t *h;
    int argc;
    char **argv;
};

static void args_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct ctx *c = arg;

    flux_respond_pack(h, msg, "{s:i s:s s:s}", "argc", c->argc, "first", c->argv[0],
                      "name", (const char *)flux_aux_get(h, "flux::name"));
}

static const struct flux_msg_handler_spec tab[] = {
    {FLUX_MSGTYPE_REQUEST, "const.args", args_cb, 0},
    FLUX_MSGHANDLER_TABLE_END,
};

static void timer_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct ctx *c = arg;

    c->done(c->h);
}

static int init(flux_t *h, int argc, char **argv, void **ret_ctx)
{
    struct ctx *c = calloc(1, sizeof(*c));

    if (!c)
        return -1;
    c->h = h;
    c->argc = argc;
    c->argv = argv;
    c->timer = flux_timer_watcher_create(flux_get_reactor(h), 0.05, 0, timer_cb, c);
    if (!c->timer || flux_msg_handler_addvec(h, tab, c, &c->handlers) < 0)
        return -1;
    if (argc > 1 && !strcmp(argv[1], "fail")) {
        flux_msg_handler_delvec(c->handlers);
        flux_watcher_destroy(c->timer);
        free(c);
        errno = EXDEV;
        return -1;
    }
    *ret_ctx = c;
    return 0;
}

static void stop(flux_t *h, void *ctx, void (*done)(flux_t *h))
{
    struct ctx *c = ctx;

    c->done = done;
    flux_watcher_start(c->timer);
}

static void fini(flux_t *h, void *ctx)
{
    struct ctx *c = ctx;

    flux_msg_handler_delvec(c->handlers);
    flux_watcher_destroy(c->timer);
    free(c);
}

static const char *const defaults[] = {"default-arg", NULL};

extern const struct flux_module flux_module;
const struct flux_module flux_module = {
    .abi = FLUX_MODULE_ABI,
    .size = sizeof(struct flux_module),
    .name = "const",
    .init = init,
    .fini = fini,
    .stop = stop,
    .defaults = defaults,
    .flags = MODULE_FLAGS,
};

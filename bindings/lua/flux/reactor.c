/* The reactor: f:reactor([mode]) with mode "once" or "nowait". What a callback throws is
 * thrown again from here. A callback that returns a negative number ends it with nil, text.
 */
#include "binding.h"

#include <stdlib.h>
#include <string.h>

/* The interpreter has set a hook because of ctrl-C: any call runs it. */
static int nothing(lua_State *L)
{
    return 0;
}

static void after_wait(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct handle *h = arg;

    lua_pushcfunction(h->running, nothing);
    handle_call(h, 0);
}

static int run(struct handle *h, flux_reactor_t *r, int flags)
{
    flux_watcher_t *check = flux_check_watcher_create(r, after_wait, h);
    int rc, saved_errno;

    if (!check)
        return -1;
    flux_watcher_unref(check);
    flux_watcher_start(check);
    rc = flux_reactor_run(r, flags);
    saved_errno = errno;
    flux_watcher_destroy(check);
    errno = saved_errno;
    return rc;
}

static int mode_of(lua_State *L)
{
    static const char *const names[] = {"default", "once", "nowait", NULL};
    static const int flags[] = {0, FLUX_REACTOR_ONCE, FLUX_REACTOR_NOWAIT};

    return flags[luaL_checkoption(L, 2, "default", names)];
}

static int reactor(lua_State *L)
{
    struct handle *h = handle_check(L, 1);
    int mode = mode_of(L), rc;
    flux_reactor_t *r = flux_get_reactor(h->p);
    lua_State *before = h->running;
    char *reason;

    if (!r)
        return push_error(L, errno, NULL);
    h->running = L;
    rc = run(h, r, mode);
    h->running = before;
    if (h->error != LUA_NOREF) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, h->error);
        luaL_unref(L, LUA_REGISTRYINDEX, h->error);
        h->error = LUA_NOREF;
        return lua_error(L);
    }
    reason = h->reason;
    h->reason = NULL;
    if (rc < 0) {
        push_error(L, errno, reason);
    } else {
        lua_pushinteger(L, rc);
        push_text(L, reason);
        lua_pushnil(L);
    }
    free(reason);
    return 3;
}

static void keep_reason(lua_State *L, struct handle *h)
{
    const char *reason = luaL_optstring(L, 2, NULL);

    free(h->reason);
    h->reason = reason ? strdup(reason) : NULL;
}

static int reactor_stop(lua_State *L)
{
    struct handle *h = handle_check(L, 1);

    keep_reason(L, h);
    flux_reactor_stop(flux_get_reactor(h->p));
    return 0;
}

static int reactor_stop_error(lua_State *L)
{
    struct handle *h = handle_check(L, 1);

    keep_reason(L, h);
    errno = ECANCELED;
    flux_reactor_stop_error(flux_get_reactor(h->p));
    return 0;
}

static const luaL_Reg methods[] = {
    {"reactor", reactor},
    {"reactor_stop", reactor_stop},
    {"reactor_stop_error", reactor_stop_error},
    METHODS_END,
};

static const struct constant constants[] = {
    CONSTANT(POLLIN),
    CONSTANT(POLLOUT),
    CONSTANT(POLLERR),
    CONSTANTS_END,
};

const struct noun noun_reactor = {NULL, methods, constants, NULL};

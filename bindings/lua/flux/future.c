/* Futures: r:get() waits and gives the payload (an empty table when there is none),
 * r:wait_for(seconds), r:is_ready(), r:reset() makes room for the next result of a stream,
 * r:on_ready(function (r)) is called from the reactor for each result.
 */
#include "binding.h"

#include <string.h>
#include <time.h>

struct future {
    flux_future_t *p;
    struct handle *h; /* kept by the user value */
    bool called;      /* on_ready has seen the result */
};

int future_push(lua_State *L, struct handle *h, flux_future_t *f)
{
    struct future *o;

    if (!f)
        return push_error(L, errno, NULL);
    o = lua_newuserdatauv(L, sizeof(*o), 2);
    *o = (struct future){.p = f, .h = h};
    luaL_setmetatable(L, "flux.future");
    handle_push(L, h);
    lua_setiuservalue(L, -2, 1);
    return 1;
}

static struct future *check(lua_State *L, int index)
{
    struct future *o = luaL_checkudata(L, index, "flux.future");

    if (!o->h->p && !flux_future_is_ready(o->p))
        luaL_error(L, "the handle of this future is closed");
    return o;
}

flux_future_t *future_check(lua_State *L, int index)
{
    return check(L, index)->p;
}

static int destroy(lua_State *L)
{
    struct future *o = luaL_checkudata(L, 1, "flux.future");

    flux_future_destroy(o->p);
    o->p = NULL;
    return 0;
}

/* ---- waiting ---- */

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* Seconds to wait before ctrl-C is looked for. */
static double slice_of(double until)
{
    double left = until < 0 ? WAIT_SLICE : until - now();

    return left < 0 ? 0 : left > WAIT_SLICE ? WAIT_SLICE : left;
}

bool future_wait(lua_State *L, flux_future_t *f, double timeout)
{
    double until = timeout < 0 ? -1 : now() + timeout;

    while (flux_future_wait_for(f, slice_of(until)) < 0) {
        if (errno != ETIMEDOUT || (until >= 0 && now() >= until)) {
            push_error(L, errno, NULL);
            return false;
        }
        check_interrupt(L);
    }
    return true;
}

int future_error(lua_State *L, flux_future_t *f)
{
    int errnum = errno;

    return push_error(L, errnum, flux_future_error_string(f));
}

static int get(lua_State *L)
{
    flux_future_t *f = check(L, 1)->p;
    const char *text;

    if (!future_wait(L, f, -1))
        return 3;
    if (flux_rpc_get(f, &text) < 0)
        return future_error(L, f);
    if (!text)
        lua_newtable(L);
    else if (!json_push(L, text, strlen(text)))
        lua_pushstring(L, text);
    return 1;
}

static int wait_for(lua_State *L)
{
    flux_future_t *f = check(L, 1)->p;

    return future_wait(L, f, luaL_optnumber(L, 2, -1)) ? push_result(L, 0) : 3;
}

static int is_ready(lua_State *L)
{
    struct future *o = luaL_checkudata(L, 1, "flux.future");

    lua_pushboolean(L, flux_future_is_ready(o->p));
    return 1;
}

/* ---- continuations ---- */

static void on_result(flux_future_t *f, void *arg)
{
    struct future *o = arg;
    struct handle *h = o->h;
    lua_State *L = h->running;

    if (!L || !lua_checkstack(L, 10))
        return;
    handle_find(L, h, o);
    lua_pushvalue(L, -1); /* it stays while it is called */
    o->called = true;
    lua_getiuservalue(L, -1, 2);
    lua_insert(L, -2);
    handle_call(h, 1);
    if (o->called)
        handle_release(L, h, o);
    lua_pop(L, 1);
}

static int on_ready(lua_State *L)
{
    struct future *o = check(L, 1);

    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, 1, 2);
    lua_pushvalue(L, 1);
    handle_keep(L, o->h, o);
    lua_pop(L, 1);
    o->called = false;
    if (flux_future_then(o->p, luaL_optnumber(L, 3, -1), on_result, o) < 0) {
        handle_release(L, o->h, o);
        return push_error(L, errno, NULL);
    }
    lua_pushvalue(L, 1);
    return 1;
}

static int reset(lua_State *L)
{
    struct future *o = check(L, 1);

    if (o->called) {
        lua_pushvalue(L, 1);
        handle_keep(L, o->h, o);
    }
    o->called = false;
    flux_future_reset(o->p);
    return 0;
}

static const luaL_Reg own_methods[] = {
    {"__gc", destroy},
    {"get", get},
    {"wait_for", wait_for},
    {"is_ready", is_ready},
    {"reset", reset},
    {"on_ready", on_ready},
    METHODS_END,
};

static void open_metatables(lua_State *L)
{
    luaL_newmetatable(L, "flux.future");
    luaL_setfuncs(L, own_methods, 0);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

const struct noun noun_future = {NULL, NULL, NULL, open_metatables};

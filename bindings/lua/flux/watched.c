/* What watchers and message handlers have in common: userdata in front of the table that
 * they were made from, whose fields it shows. The handle keeps them until they are removed.
 */
#include "binding.h"

#include <string.h>

struct watched *watched_new(lua_State *L, struct handle *h, void (*destroy)(void *p),
                            int max)
{
    struct watched *w;

    need_field(L, "handler", LUA_TFUNCTION);
    w = lua_newuserdatauv(L, sizeof(*w) + (size_t)max * sizeof(w->p[0]), 2);
    *w = (struct watched){.h = h, .destroy = destroy};
    luaL_setmetatable(L, "flux.watcher");
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, -2, 1);
    handle_push(L, h);
    lua_setiuservalue(L, -2, 2);
    handle_keep(L, h, w);
    return w;
}

int watched_finish(lua_State *L, struct watched *w, void *p)
{
    int errnum = errno;

    if (p) {
        w->p[w->n++] = p;
        return 1;
    }
    watched_remove(L, w);
    return push_error(L, errnum, NULL);
}

void watched_remove(lua_State *L, struct watched *w)
{
    struct handle *h = w->h;

    while (w->n > 0)
        w->destroy(w->p[--w->n]);
    w->h = NULL;
    if (h)
        handle_release(L, h, w);
}

lua_State *watched_begin(struct watched *w)
{
    lua_State *L = w->h ? w->h->running : NULL;

    if (!L || !lua_checkstack(L, 20))
        return NULL;
    handle_find(L, w->h, w);
    lua_getiuservalue(L, -1, 1);
    lua_getfield(L, -1, "handler");
    lua_remove(L, -2);
    return L;
}

static int index_watched(lua_State *L)
{
    luaL_checkudata(L, 1, "flux.watcher");
    lua_getiuservalue(L, 1, 1);
    lua_pushvalue(L, 2);
    if (lua_gettable(L, -2) != LUA_TNIL)
        return 1;
    lua_getmetatable(L, 1);
    lua_pushvalue(L, 2);
    lua_rawget(L, -2);
    return 1;
}

static int newindex_watched(lua_State *L)
{
    luaL_checkudata(L, 1, "flux.watcher");
    lua_getiuservalue(L, 1, 1);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 3);
    lua_settable(L, -3);
    return 0;
}

static int remove_(lua_State *L)
{
    watched_remove(L, luaL_checkudata(L, 1, "flux.watcher"));
    return 0;
}

/* The handle may be gone already. */
static int collect(lua_State *L)
{
    struct watched *w = luaL_checkudata(L, 1, "flux.watcher");

    while (w->n > 0)
        w->destroy(w->p[--w->n]);
    w->h = NULL;
    return 0;
}

static const luaL_Reg own_methods[] = {
    {"__gc", collect},
    {"__index", index_watched},
    {"__newindex", newindex_watched},
    {"remove", remove_},
    METHODS_END,
};

void watched_open(lua_State *L)
{
    luaL_newmetatable(L, "flux.watcher");
    luaL_setfuncs(L, own_methods, 0);
    lua_pop(L, 1);
}

/* The module: puts the tables of the nouns together. */
#include "binding.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static const struct noun *const nouns[] = {
    &noun_handle, &noun_attr,    &noun_event,   &noun_future,
    &noun_job,    &noun_json,    &noun_message, &noun_msghandler,
    &noun_rpc,    &noun_reactor, &noun_watcher,
};
#define NOUNS (sizeof(nouns) / sizeof(nouns[0]))

int push_error(lua_State *L, int errnum, const char *text)
{
    lua_pushnil(L);
    lua_pushstring(L, text && *text ? text : flux_strerror(errnum));
    lua_pushinteger(L, errnum);
    return 3;
}

int push_result(lua_State *L, int rc)
{
    if (rc < 0)
        return push_error(L, errno, NULL);
    lua_pushinteger(L, rc);
    return 1;
}

void push_text(lua_State *L, const char *s)
{
    if (s)
        lua_pushstring(L, s);
    else
        lua_pushnil(L);
}

void need_field(lua_State *L, const char *name, int type)
{
    luaL_checktype(L, 2, LUA_TTABLE);
    if (lua_getfield(L, 2, name) != type)
        luaL_error(L, "field '%s' must be a %s, not %s", name, lua_typename(L, type),
                   luaL_typename(L, -1));
}

/* How a process ended, by its wait status: "exited", code or "killed", signal. */
static int exitstatus(lua_State *L)
{
    int status = (int)luaL_checkinteger(L, 1);

    if (WIFEXITED(status)) {
        lua_pushliteral(L, "exited");
        lua_pushinteger(L, WEXITSTATUS(status));
        return 2;
    }
    lua_pushstring(L, WIFSIGNALED(status) ? "killed" : "stopped");
    lua_pushinteger(L, WIFSIGNALED(status) ? WTERMSIG(status) : WSTOPSIG(status));
    if (!WIFSIGNALED(status) || !WCOREDUMP(status))
        return 2;
    lua_pushliteral(L, "core dumped");
    return 3;
}

static int strerror_(lua_State *L)
{
    lua_pushstring(L, flux_strerror((int)luaL_checkinteger(L, 1)));
    return 1;
}

static const luaL_Reg functions[] = {
    {"exitstatus", exitstatus},
    {"strerror", strerror_},
    {NULL, NULL},
};

static void add_constants(lua_State *L, const struct constant *c)
{
    for (; c && c->name; c++) {
        lua_pushinteger(L, c->value);
        lua_setfield(L, -2, c->name);
    }
}

__attribute__((visibility("default"))) int luaopen_flux(lua_State *L);

int luaopen_flux(lua_State *L)
{
    luaL_checkversion(L);
    for (size_t i = 0; i < NOUNS; i++) {
        if (nouns[i]->open)
            nouns[i]->open(L);
    }
    luaL_getmetatable(L, "flux.handle");
    lua_getfield(L, -1, "methods");
    for (size_t i = 0; i < NOUNS; i++) {
        if (nouns[i]->methods)
            luaL_setfuncs(L, nouns[i]->methods, 0);
    }
    luaL_newlib(L, functions);
    for (size_t i = 0; i < NOUNS; i++) {
        if (nouns[i]->functions)
            luaL_setfuncs(L, nouns[i]->functions, 0);
        add_constants(L, nouns[i]->constants);
    }
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null");
    lua_pushstring(L, flux_core_version_string());
    lua_setfield(L, -2, "version");
    return 1;
}

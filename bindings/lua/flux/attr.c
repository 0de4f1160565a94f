/* Broker attributes. */
#include "binding.h"

static int getattr(lua_State *L)
{
    struct handle *h = handle_check(L, 1);
    const char *value = flux_attr_get(h->p, luaL_checkstring(L, 2));

    if (!value)
        return push_error(L, errno, NULL);
    lua_pushstring(L, value);
    return 1;
}

static int setattr(lua_State *L)
{
    struct handle *h = handle_check(L, 1);
    flux_error_t error = {{0}};

    if (flux_attr_set_ex(h->p, luaL_checkstring(L, 2), luaL_optstring(L, 3, NULL),
                         lua_toboolean(L, 4), &error) < 0)
        return push_error(L, errno, error.text);
    return push_result(L, 0);
}

static const luaL_Reg methods[] = {
    {"getattr", getattr},
    {"setattr", setattr},
    METHODS_END,
};

const struct noun noun_attr = {NULL, methods, NULL, NULL};

/* Remote procedure calls and services. */
#include "binding.h"

/* f:rpc(topic, table, rank): the payload of the response (an empty table when it has none). */
static int rpc(lua_State *L)
{
    struct handle *h = handle_check(L, 1);
    const char *topic = luaL_checkstring(L, 2);
    uint32_t rank = (uint32_t)luaL_optinteger(L, 4, FLUX_NODEID_ANY);
    const char *payload = json_text(L, 3);

    if (future_push(L, h, flux_rpc(h->p, topic, payload, rank, 0)) != 1)
        return 3;
    lua_getfield(L, -1, "get");
    lua_insert(L, -2);
    lua_call(L, 1, 3);
    return lua_isnil(L, -3) ? 3 : (lua_pop(L, 2), 1);
}

/* f:rpc_begin(topic, table, rank, flags): its future. */
static int rpc_begin(lua_State *L)
{
    struct handle *h = handle_check(L, 1);
    const char *topic = luaL_checkstring(L, 2);
    uint32_t rank = (uint32_t)luaL_optinteger(L, 4, FLUX_NODEID_ANY);
    int flags = (int)luaL_optinteger(L, 5, 0);
    const char *payload = json_text(L, 3);

    return future_push(L, h, flux_rpc(h->p, topic, payload, rank, flags));
}

/* Wait for a future without a result. */
static int finish(lua_State *L, struct handle *h, flux_future_t *made)
{
    flux_future_t *f;

    if (future_push(L, h, made) != 1)
        return 3;
    f = future_check(L, -1);
    if (!future_wait(L, f, -1))
        return 3;
    return flux_future_get(f, NULL) < 0 ? future_error(L, f) : push_result(L, 0);
}

static int service_register(lua_State *L)
{
    struct handle *h = handle_check(L, 1);

    return finish(L, h, flux_service_register(h->p, luaL_checkstring(L, 2)));
}

static int service_unregister(lua_State *L)
{
    struct handle *h = handle_check(L, 1);

    return finish(L, h, flux_service_unregister(h->p, luaL_checkstring(L, 2)));
}

static const luaL_Reg methods[] = {
    {"rpc", rpc},
    {"rpc_begin", rpc_begin},
    {"service_register", service_register},
    {"service_unregister", service_unregister},
    METHODS_END,
};

static const struct constant constants[] = {
    CONSTANT(RPC_NORESPONSE),
    CONSTANT(RPC_STREAMING),
    CONSTANTS_END,
};

const struct noun noun_rpc = {NULL, methods, constants, NULL};

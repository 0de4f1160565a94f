/* The handle: opening, closing, requests and messages without RPC.
 *
 * Fields: f.size, f.rank, f.arity. The handle keeps what the library may call (`live`, its
 * user value), and a table in the registry finds a handle's userdata by its address.
 */
#include "binding.h"

#include <stdlib.h>
#include <string.h>

#define HANDLES "flux.handles"

struct handle *handle_check(lua_State *L, int index)
{
    struct handle *h = luaL_checkudata(L, index, "flux.handle");

    if (!h->p)
        luaL_error(L, "the handle is closed");
    return h;
}

void handle_push(lua_State *L, struct handle *h)
{
    lua_getfield(L, LUA_REGISTRYINDEX, HANDLES);
    lua_rawgetp(L, -1, h);
    lua_remove(L, -2);
}

/* ---- what the library may call ---- */

static void push_live(lua_State *L, struct handle *h)
{
    handle_push(L, h);
    lua_getiuservalue(L, -1, 1);
    lua_remove(L, -2);
}

void handle_keep(lua_State *L, struct handle *h, const void *key)
{
    push_live(L, h);
    lua_pushvalue(L, -2);
    lua_rawsetp(L, -2, key);
    lua_pop(L, 1);
}

void handle_release(lua_State *L, struct handle *h, const void *key)
{
    push_live(L, h);
    if (lua_istable(L, -1)) {
        lua_pushnil(L);
        lua_rawsetp(L, -2, key);
    }
    lua_pop(L, 1);
}

void handle_find(lua_State *L, struct handle *h, const void *key)
{
    push_live(L, h);
    lua_rawgetp(L, -1, key);
    lua_remove(L, -2);
}

static int add_traceback(lua_State *L)
{
    if (lua_isstring(L, 1))
        luaL_traceback(L, L, lua_tostring(L, 1), 1);
    return 1;
}

void handle_call(struct handle *h, int n)
{
    lua_State *L = h->running;
    int base = lua_gettop(L) - n;

    lua_pushcfunction(L, add_traceback);
    lua_insert(L, base);
    if (lua_pcall(L, n, 1, base) != LUA_OK) {
        if (h->error == LUA_NOREF) { /* the first one counts */
            h->error = luaL_ref(L, LUA_REGISTRYINDEX);
            lua_pushnil(L);
        }
        errno = ECANCELED;
        flux_reactor_stop_error(flux_get_reactor(h->p));
    } else if (lua_isnumber(L, -1) && lua_tonumber(L, -1) < 0) {
        errno = ECANCELED;
        flux_reactor_stop_error(flux_get_reactor(h->p));
    }
    lua_settop(L, base - 1);
}

static int nothing(lua_State *L)
{
    return 0;
}

/* The interpreter's signal handler sets a hook, which any call runs. */
void check_interrupt(lua_State *L)
{
    lua_pushcfunction(L, nothing);
    lua_call(L, 0, 0);
}

/* ---- life ---- */

static int new_handle(lua_State *L)
{
    const char *uri = luaL_optstring(L, 1, NULL);
    int flags = (int)luaL_optinteger(L, 2, 0);
    flux_error_t error;
    struct handle *h = lua_newuserdatauv(L, sizeof(*h), 1);

    *h = (struct handle){.error = LUA_NOREF};
    luaL_setmetatable(L, "flux.handle");
    lua_newtable(L);
    lua_setiuservalue(L, -2, 1);
    lua_getfield(L, LUA_REGISTRYINDEX, HANDLES);
    lua_pushvalue(L, -2);
    lua_rawsetp(L, -2, h);
    lua_pop(L, 1);
    if (!(h->p = flux_open_ex(uri, flags, &error)))
        return push_error(L, errno, error.text);
    return 1;
}

static int close_handle(lua_State *L)
{
    struct handle *h = luaL_checkudata(L, 1, "flux.handle");

    if (h->running)
        return luaL_error(L, "the handle is in its reactor");
    flux_close(h->p);
    h->p = NULL;
    free(h->reason);
    h->reason = NULL;
    return 0;
}

static int arity(lua_State *L, struct handle *h)
{
    const char *topo = flux_attr_get(h->p, "tbon.topo");
    const char *colon = topo ? strchr(topo, ':') : NULL;

    if (topo && strncmp(topo, "kary", 4) == 0 && colon)
        lua_pushinteger(L, atoi(colon + 1));
    else
        lua_pushnil(L);
    return 1;
}

static int index_handle(lua_State *L)
{
    const char *name = luaL_checkstring(L, 2);
    uint32_t n;

    lua_getmetatable(L, 1);
    lua_getfield(L, -1, "methods");
    if (lua_getfield(L, -1, name) != LUA_TNIL)
        return 1;
    if (strcmp(name, "size") == 0 && flux_get_size(handle_check(L, 1)->p, &n) == 0)
        lua_pushinteger(L, n);
    else if (strcmp(name, "rank") == 0 && flux_get_rank(handle_check(L, 1)->p, &n) == 0)
        lua_pushinteger(L, n);
    else if (strcmp(name, "arity") == 0)
        return arity(L, handle_check(L, 1));
    else
        lua_pushnil(L);
    return 1;
}

/* ---- messages ---- */

/* f:send(topic, table, rank): the matchtag of the request. */
static int send_request(lua_State *L)
{
    struct handle *h = handle_check(L, 1);
    const char *topic = luaL_checkstring(L, 2);
    uint32_t rank = (uint32_t)luaL_optinteger(L, 4, FLUX_NODEID_ANY);
    const char *payload = json_text(L, 3);
    flux_msg_t *msg = flux_request_encode(topic, payload);
    uint32_t tag = 0;

    if (!msg || !(tag = flux_matchtag_alloc(h->p)))
        goto error;
    if (flux_msg_set_nodeid(msg, rank) < 0 || flux_msg_set_matchtag(msg, tag) < 0 ||
        flux_send_new(h->p, &msg, 0) < 0)
        goto error;
    lua_pushinteger(L, tag);
    return 1;
error:
    push_error(L, errno, NULL);
    flux_msg_destroy(msg);
    if (tag)
        flux_matchtag_free(h->p, tag);
    return 3;
}

flux_msg_t *handle_receive(lua_State *L, struct handle *h, struct flux_match match)
{
    double slice = WAIT_SLICE, none = -1;
    flux_msg_t *msg;

    for (;;) {
        flux_opt_set(h->p, FLUX_OPT_RECV_TIMEOUT, &slice, sizeof(slice));
        msg = flux_recv(h->p, match, 0);
        flux_opt_set(h->p, FLUX_OPT_RECV_TIMEOUT, &none, sizeof(none));
        if (msg || errno != ETIMEDOUT)
            return msg;
        check_interrupt(L);
    }
}

void handle_free_matchtag(struct handle *h, const flux_msg_t *msg)
{
    uint32_t tag;
    int type;

    if (flux_msg_get_type(msg, &type) == 0 && type == FLUX_MSGTYPE_RESPONSE &&
        flux_msg_get_matchtag(msg, &tag) == 0)
        flux_matchtag_free(h->p, tag);
}

/* f:recvmsg(matchtag): a message object. */
static int recvmsg(lua_State *L)
{
    struct handle *h = handle_check(L, 1);
    struct flux_match match = FLUX_MATCH_ANY;
    flux_msg_t *msg;

    match.matchtag = (uint32_t)luaL_optinteger(L, 2, FLUX_MATCHTAG_NONE);
    if (!(msg = handle_receive(L, h, match)))
        return push_error(L, errno, NULL);
    handle_free_matchtag(h, msg);
    return message_push(L, h, msg);
}

/* f:recv(matchtag): payload, topic; or the error that a response carries. */
static int recv_(lua_State *L)
{
    const char *text = NULL, *topic = NULL;
    const flux_msg_t *msg;
    int n = recvmsg(L), errnum = 0;

    if (n != 1)
        return n;
    msg = message_check(L, -1);
    flux_msg_get_topic(msg, &topic);
    if (flux_msg_get_errnum(msg, &errnum) == 0 && errnum) {
        flux_response_decode_error(msg, &text);
        return push_error(L, errnum, text);
    }
    lua_getfield(L, -1, "data");
    push_text(L, topic);
    return 2;
}

static int log_(lua_State *L)
{
    struct handle *h = handle_check(L, 1);
    int level = (int)luaL_checkinteger(L, 2);

    return push_result(L, flux_log(h->p, level, "%s", luaL_checkstring(L, 3)));
}

static int pollfd(lua_State *L)
{
    return push_result(L, flux_pollfd(handle_check(L, 1)->p));
}

static void open_metatables(lua_State *L)
{
    luaL_newmetatable(L, "flux.handle");
    lua_newtable(L);
    lua_setfield(L, -2, "methods");
    lua_pushcfunction(L, index_handle);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, close_handle);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, close_handle);
    lua_setfield(L, -2, "__close");
    lua_pop(L, 1);
    /* Weak: it keeps no handle. */
    lua_newtable(L);
    lua_newtable(L);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_setfield(L, LUA_REGISTRYINDEX, HANDLES);
}

static const luaL_Reg functions[] = {
    {"new", new_handle},
    METHODS_END,
};

static const luaL_Reg methods[] = {
    {"close", close_handle},
    {"send", send_request},
    {"recv", recv_},
    {"recvmsg", recvmsg},
    {"log", log_},
    {"pollfd", pollfd},
    METHODS_END,
};

static const struct constant constants[] = {
    CONSTANT(O_TRACE),         CONSTANT(O_NONBLOCK),     CONSTANT(O_MATCHDEBUG),
    CONSTANT(O_RPCTRACK),      CONSTANT(O_NOREQUEUE),    CONSTANT(NODEID_ANY),
    CONSTANT(NODEID_UPSTREAM), CONSTANT(USERID_UNKNOWN), CONSTANTS_END,
};

const struct noun noun_handle = {functions, methods, constants, open_metatables};

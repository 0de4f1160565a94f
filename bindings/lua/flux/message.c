/* Messages. Fields: data (the payload, from JSON), payload (as text), tag and topic, type,
 * errnum, matchtag, nodeid, seq, userid, rolemask; those a message lacks are nil. Methods:
 * msg:respond(table), msg:respond_error(errnum, text).
 */
#include "binding.h"

#include <string.h>

struct message {
    flux_msg_t *p;
    struct handle *h; /* kept by the user value */
};

int message_push(lua_State *L, struct handle *h, flux_msg_t *msg)
{
    struct message *m = lua_newuserdatauv(L, sizeof(*m), 1);

    m->p = msg;
    m->h = h;
    luaL_setmetatable(L, "flux.message");
    handle_push(L, h);
    lua_setiuservalue(L, -2, 1);
    return 1;
}

flux_msg_t *message_check(lua_State *L, int index)
{
    struct message *m = luaL_checkudata(L, index, "flux.message");

    return m->p;
}

static int destroy(lua_State *L)
{
    struct message *m = luaL_checkudata(L, 1, "flux.message");

    flux_msg_destroy(m->p);
    m->p = NULL;
    return 0;
}

static int get_data(lua_State *L, const flux_msg_t *msg)
{
    const char *s;

    if (flux_msg_get_string(msg, &s) < 0 || !s || !json_push(L, s, strlen(s)))
        lua_pushnil(L);
    return 1;
}

static int get_payload(lua_State *L, const flux_msg_t *msg)
{
    const void *data;
    size_t size;

    if (flux_msg_get_payload(msg, &data, &size) < 0)
        lua_pushnil(L);
    else
        lua_pushlstring(L, data,
                        size > 0 && !((const char *)data)[size - 1] ? size - 1 : size);
    return 1;
}

static int get_topic(lua_State *L, const flux_msg_t *msg)
{
    const char *topic;

    push_text(L, flux_msg_get_topic(msg, &topic) < 0 ? NULL : topic);
    return 1;
}

static int get_type(lua_State *L, const flux_msg_t *msg)
{
    int type;

    if (flux_msg_get_type(msg, &type) < 0)
        lua_pushnil(L);
    else
        lua_pushinteger(L, type);
    return 1;
}

static int get_errnum(lua_State *L, const flux_msg_t *msg)
{
    int errnum;

    if (flux_msg_get_errnum(msg, &errnum) < 0)
        lua_pushnil(L);
    else
        lua_pushinteger(L, errnum);
    return 1;
}

static const struct {
    const char *name;
    int (*get)(lua_State *L, const flux_msg_t *msg);
} fields[] = {
    {"data", get_data},   {"payload", get_payload}, {"tag", get_topic},
    {"topic", get_topic}, {"type", get_type},       {"errnum", get_errnum},
};

static const struct {
    const char *name;
    int (*get)(const flux_msg_t *msg, uint32_t *n);
} numbers[] = {
    {"matchtag", flux_msg_get_matchtag}, {"nodeid", flux_msg_get_nodeid},
    {"seq", flux_msg_get_seq},           {"userid", flux_msg_get_userid},
    {"rolemask", flux_msg_get_rolemask},
};

static int get_number(lua_State *L, const flux_msg_t *msg, const char *name)
{
    uint32_t n;

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (strcmp(numbers[i].name, name) == 0 && numbers[i].get(msg, &n) == 0) {
            lua_pushinteger(L, n);
            return 1;
        }
    }
    lua_pushnil(L);
    return 1;
}

static int index_message(lua_State *L)
{
    struct message *m = luaL_checkudata(L, 1, "flux.message");
    const char *name = luaL_checkstring(L, 2);

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (strcmp(fields[i].name, name) == 0)
            return fields[i].get(L, m->p);
    }
    lua_getmetatable(L, 1);
    if (lua_getfield(L, -1, name) != LUA_TNIL)
        return 1;
    return get_number(L, m->p, name);
}

static int respond(lua_State *L)
{
    struct message *m = luaL_checkudata(L, 1, "flux.message");
    const char *payload = json_text(L, 2);

    if (!m->h->p)
        return luaL_error(L, "the handle is closed");
    return push_result(L, flux_respond(m->h->p, m->p, payload));
}

static int respond_error(lua_State *L)
{
    struct message *m = luaL_checkudata(L, 1, "flux.message");
    int errnum = (int)luaL_checkinteger(L, 2);

    if (!m->h->p)
        return luaL_error(L, "the handle is closed");
    return push_result(
        L, flux_respond_error(m->h->p, m->p, errnum, luaL_optstring(L, 3, NULL)));
}

static const luaL_Reg own_methods[] = {
    {"__gc", destroy},    {"__index", index_message},
    {"respond", respond}, {"respond_error", respond_error},
    METHODS_END,
};

static void open_metatables(lua_State *L)
{
    luaL_newmetatable(L, "flux.message");
    luaL_setfuncs(L, own_methods, 0);
    lua_pop(L, 1);
}

static const struct constant constants[] = {
    CONSTANT(MSGTYPE_REQUEST), CONSTANT(MSGTYPE_RESPONSE),  CONSTANT(MSGTYPE_EVENT),
    CONSTANT(MSGTYPE_CONTROL), CONSTANT(MSGTYPE_ANY),       CONSTANT(MSGFLAG_NORESPONSE),
    CONSTANT(MSGFLAG_PRIVATE), CONSTANT(MSGFLAG_STREAMING), CONSTANT(MATCHTAG_NONE),
    CONSTANT(ROLE_NONE),       CONSTANT(ROLE_OWNER),        CONSTANT(ROLE_USER),
    CONSTANT(ROLE_LOCAL),      CONSTANT(ROLE_ALL),          CONSTANTS_END,
};

const struct noun noun_message = {NULL, NULL, constants, open_metatables};

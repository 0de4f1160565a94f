/* Message handlers: f:msghandler{pattern="topic.*", msgtypes={flux.MSGTYPE_REQUEST},
 * rolemask=flux.ROLE_USER, handler=function (f, msg, handler)}. The handle's own requests made with
 * f:send() are answered to a handler of responses.
 */
#include "binding.h"

static void destroy_handler(void *p)
{
    flux_msg_handler_destroy(p);
}

static void on_message(flux_t *p, flux_msg_handler_t *mh, const flux_msg_t *msg,
                       void *arg)
{
    struct watched *w = arg;
    struct handle *h = w->h;
    lua_State *L = watched_begin(w);

    if (!L)
        return;
    handle_free_matchtag(h, msg);
    handle_push(L, h);
    message_push(L, h, (flux_msg_t *)flux_msg_incref(msg));
    lua_pushvalue(L, -4);
    handle_call(h, 3);
    lua_pop(L, 1);
}

/* A list of types, or all. */
static int typemask(lua_State *L)
{
    int mask = 0;

    if (lua_getfield(L, 2, "msgtypes") == LUA_TNIL)
        return FLUX_MSGTYPE_ANY;
    luaL_checktype(L, -1, LUA_TTABLE);
    for (lua_Integer i = 1; i <= luaL_len(L, -1); i++) {
        lua_rawgeti(L, -1, i);
        mask |= (int)lua_tointeger(L, -1);
        lua_pop(L, 1);
    }
    luaL_argcheck(L, mask > 0 && !(mask & ~FLUX_MSGTYPE_ANY), 2,
                  "msgtypes must list flux.MSGTYPE_x");
    return mask;
}

static int msghandler(lua_State *L)
{
    struct handle *h = handle_check(L, 1);
    struct flux_match match = FLUX_MATCH_ANY;
    flux_msg_handler_t *made;
    uint32_t roles = 0;
    struct watched *w;

    need_field(L, "pattern", LUA_TSTRING);
    match.topic_glob = lua_tostring(L, -1); /* the table holds it */
    match.typemask = typemask(L);
    if (lua_getfield(L, 2, "rolemask") == LUA_TNUMBER)
        roles = (uint32_t)lua_tointeger(L, -1);
    w = watched_new(L, h, destroy_handler, 1);
    if ((made = flux_msg_handler_create(h->p, match, on_message, w))) {
        flux_msg_handler_allow_rolemask(made, roles);
        flux_msg_handler_start(made);
    }
    return watched_finish(L, w, made);
}

static const luaL_Reg methods[] = {
    {"msghandler", msghandler},
    METHODS_END,
};

const struct noun noun_msghandler = {NULL, methods, NULL, NULL};

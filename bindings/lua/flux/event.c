/* Events. Topics may be formats with arguments, as for string.format. */
#include "binding.h"

/* Push string.format of what stands at index and behind it. */
static const char *format(lua_State *L, int index)
{
    int n = lua_gettop(L) - index + 1;

    luaL_checkstring(L, index);
    if (n == 1) {
        lua_pushvalue(L, index);
        return lua_tostring(L, -1);
    }
    lua_getglobal(L, "string");
    lua_getfield(L, -1, "format");
    lua_remove(L, -2);
    for (int i = 0; i < n; i++)
        lua_pushvalue(L, index + i);
    lua_call(L, n, 1);
    return lua_tostring(L, -1);
}

static int subscribe(lua_State *L)
{
    struct handle *h = handle_check(L, 1);

    return push_result(L, flux_event_subscribe(h->p, format(L, 2)));
}

static int unsubscribe(lua_State *L)
{
    struct handle *h = handle_check(L, 1);

    return push_result(L, flux_event_unsubscribe(h->p, format(L, 2)));
}

/* f:sendevent([table,] topic, ...) */
static int sendevent(lua_State *L)
{
    struct handle *h = handle_check(L, 1);
    bool data = lua_istable(L, 2);
    const char *topic = format(L, data ? 3 : 2);
    const char *payload = data ? json_text(L, 2) : NULL;
    flux_msg_t *msg = flux_event_encode(topic, payload);
    int rc = msg ? flux_send_new(h->p, &msg, 0) : -1;
    int n = push_result(L, rc);

    flux_msg_destroy(msg);
    return n;
}

/* f:publish([table,] topic, ...): the sequence number, once it is published. */
static int publish(lua_State *L)
{
    struct handle *h = handle_check(L, 1);
    bool data = lua_istable(L, 2);
    const char *topic = format(L, data ? 3 : 2);
    const char *payload = data ? json_text(L, 2) : NULL;
    flux_future_t *f;
    int seq;

    if (future_push(L, h, flux_event_publish(h->p, topic, 0, payload)) != 1)
        return 3;
    f = future_check(L, -1);
    if (!future_wait(L, f, -1))
        return 3;
    if (flux_event_publish_get_seq(f, &seq) < 0)
        return future_error(L, f);
    return push_result(L, seq);
}

/* f:recv_event(): payload (an empty table when there is none), topic. */
static int recv_event(lua_State *L)
{
    struct handle *h = handle_check(L, 1);
    flux_msg_t *msg = handle_receive(L, h, FLUX_MATCH_EVENT);
    const char *topic;

    if (!msg)
        return push_error(L, errno, NULL);
    message_push(L, h, msg);
    if (lua_getfield(L, -1, "data") == LUA_TNIL) {
        lua_pop(L, 1);
        lua_newtable(L);
    }
    if (flux_msg_get_topic(msg, &topic) < 0)
        return push_error(L, errno, NULL);
    lua_pushstring(L, topic);
    return 2;
}

static const luaL_Reg methods[] = {
    {"subscribe", subscribe}, {"unsubscribe", unsubscribe}, {"sendevent", sendevent},
    {"publish", publish},     {"recv_event", recv_event},   METHODS_END,
};

const struct noun noun_event = {NULL, methods, NULL, NULL};

/* Tables from JSON and back.
 *
 * An object is a table with text keys, an array one with the keys 1..n. Arrays are marked by
 * a metatable, so that an empty one stays an array; flux.array(t) marks one. An unmarked table
 * is an array if it has an element 1, else an object. null is flux.null in arrays, and no
 * member of objects. Integers stay integers, 64 bits wide.
 */
#include "json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 128

static void put_string(luaL_Buffer *b, const char *s, size_t len)
{
    luaL_addchar(b, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        char hex[8];

        if (c == '"' || c == '\\') {
            luaL_addchar(b, '\\');
            luaL_addchar(b, (char)c);
        } else if (c < 0x20) {
            snprintf(hex, sizeof(hex), "\\u%04x", c);
            luaL_addstring(b, hex);
        } else {
            luaL_addchar(b, (char)c);
        }
    }
    luaL_addchar(b, '"');
}

/* The value on the top of the stack becomes its text. Pieces are joined on the stack: a
 * luaL_Buffer may not be open while others come and go. */
static void encode(lua_State *L, int depth);

/* The shortest text that reads as the same number, and as no integer. */
static void print_real(lua_State *L, double d, char *text, size_t size)
{
    if (!isfinite(d))
        luaL_error(L, "JSON has no number %f", d);
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(text, size, "%.*g", precision, d);
        if (strtod(text, NULL) == d)
            break;
    }
    if (!strpbrk(text, ".e"))
        strcat(text, ".0");
}

static void encode_number(lua_State *L)
{
    char text[64];

    if (lua_isinteger(L, -1))
        snprintf(text, sizeof(text), "%lld", (long long)lua_tointeger(L, -1));
    else
        print_real(L, lua_tonumber(L, -1), text, sizeof(text));
    lua_pop(L, 1);
    lua_pushstring(L, text);
}

static void encode_string(lua_State *L)
{
    luaL_Buffer b;
    size_t len;
    const char *s = lua_tolstring(L, -1, &len);

    luaL_buffinit(L, &b);
    put_string(&b, s, len);
    luaL_pushresult(&b);
    lua_remove(L, -2);
}

/* Join the texts of a list that stands at the top: "[a,b]". */
static void join(lua_State *L, char begin, char end)
{
    int list = lua_gettop(L);
    lua_Integer n = luaL_len(L, list);
    luaL_Buffer b;

    luaL_buffinit(L, &b);
    luaL_addchar(&b, begin);
    for (lua_Integer i = 1; i <= n; i++) {
        if (i > 1)
            luaL_addchar(&b, ',');
        lua_rawgeti(L, list, i);
        luaL_addvalue(&b);
    }
    luaL_addchar(&b, end);
    luaL_pushresult(&b);
    lua_remove(L, list);
}

static void encode_array(lua_State *L, int depth)
{
    int t = lua_gettop(L);
    lua_Integer n = luaL_len(L, t);

    lua_newtable(L);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, t, i);
        encode(L, depth);
        lua_rawseti(L, -2, i);
    }
    join(L, '[', ']');
    lua_remove(L, t);
}

static void encode_object(lua_State *L, int depth)
{
    int t = lua_gettop(L);
    lua_Integer n = 0;

    lua_newtable(L);
    lua_pushnil(L);
    while (lua_next(L, t)) { /* list, key, value */
        if (lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L, "a JSON object has text keys only, not a %s",
                       luaL_typename(L, -2));
        lua_pushvalue(L, -2);
        encode_string(L);
        lua_pushliteral(L, ":");
        lua_pushvalue(L, -3);
        encode(L, depth);
        lua_concat(L, 3);
        lua_rawseti(L, -4, ++n);
        lua_pop(L, 1);
    }
    join(L, '{', '}');
    lua_remove(L, t);
}

static bool is_array(lua_State *L)
{
    bool marked = false;

    if (lua_getmetatable(L, -1)) {
        luaL_getmetatable(L, JSON_ARRAY);
        marked = lua_rawequal(L, -1, -2);
        lua_pop(L, 2);
    }
    if (!marked) {
        marked = lua_rawgeti(L, -1, 1) != LUA_TNIL;
        lua_pop(L, 1);
    }
    return marked;
}

static void encode(lua_State *L, int depth)
{
    if (depth > DEPTH_MAX)
        luaL_error(L, "JSON deeper than %d levels", DEPTH_MAX);
    luaL_checkstack(L, 10, "JSON");
    switch (lua_type(L, -1)) {
    case LUA_TNUMBER:
        encode_number(L);
        return;
    case LUA_TSTRING:
        encode_string(L);
        return;
    case LUA_TBOOLEAN:
        lua_pushstring(L, lua_toboolean(L, -1) ? "true" : "false");
        lua_remove(L, -2);
        return;
    case LUA_TTABLE:
        if (is_array(L))
            encode_array(L, depth + 1);
        else
            encode_object(L, depth + 1);
        return;
    case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(L, -1) == NULL) {
            lua_pop(L, 1);
            lua_pushliteral(L, "null");
            return;
        }
        /* fall through */
    default:
        luaL_error(L, "JSON cannot hold a %s", luaL_typename(L, -1));
    }
}

const char *json_text(lua_State *L, int index)
{
    if (lua_isnoneornil(L, index)) {
        lua_pushnil(L);
        return NULL;
    }
    if (lua_type(L, index) == LUA_TSTRING) {
        lua_pushvalue(L, index);
    } else {
        lua_pushvalue(L, index);
        encode(L, 0);
    }
    return lua_tostring(L, -1);
}

/* ---- functions ---- */

static int json_encode(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    if (lua_isnil(L, 1))
        lua_pushliteral(L, "null");
    else
        encode(L, 0);
    return 1;
}

static int json_decode(lua_State *L)
{
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);

    return json_push(L, text, len) ? 1 : push_error(L, EPROTO, "not JSON");
}

static int array(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    luaL_setmetatable(L, JSON_ARRAY);
    return 1;
}

static void open_metatables(lua_State *L)
{
    luaL_newmetatable(L, JSON_ARRAY);
    lua_pop(L, 1);
}

static const luaL_Reg functions[] = {
    {"json_encode", json_encode},
    {"json_decode", json_decode},
    {"array", array},
    METHODS_END,
};

const struct noun noun_json = {functions, NULL, NULL, open_metatables};

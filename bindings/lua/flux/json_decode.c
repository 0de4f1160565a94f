/* JSON text to values, see json.c. */
#include "json.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 128

struct reader {
    lua_State *L;
    const char *p, *end;
    int depth;
};

static bool value(struct reader *r);

static void skip_space(struct reader *r)
{
    while (r->p < r->end && strchr(" \t\r\n", *r->p) && *r->p)
        r->p++;
}

/* Is this the next character? Then take it. */
static bool take(struct reader *r, char c)
{
    skip_space(r);
    if (r->p == r->end || *r->p != c)
        return false;
    r->p++;
    return true;
}

static bool word(struct reader *r, const char *text)
{
    size_t n = strlen(text);

    if ((size_t)(r->end - r->p) < n || memcmp(r->p, text, n) != 0)
        return false;
    r->p += n;
    return true;
}

/* ---- strings ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hex digits, -1 if they are none. */
static int32_t code_unit(struct reader *r)
{
    int32_t code = 0;

    if (r->end - r->p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int d = hex_digit(*r->p++);

        if (d < 0)
            return -1;
        code = code << 4 | d;
    }
    return code;
}

static bool unicode(struct reader *r, luaL_Buffer *b)
{
    int32_t code = code_unit(r), low;
    char utf8[4];
    int n = 0;

    if (code >= 0xD800 && code < 0xDC00) {
        if (!word(r, "\\u") || (low = code_unit(r)) < 0xDC00 || low > 0xDFFF)
            return false;
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code < 0 || (code >= 0xDC00 && code <= 0xDFFF)) {
        return false;
    }
    if (code < 0x80) {
        utf8[n++] = (char)code;
    } else if (code < 0x800) {
        utf8[n++] = (char)(0xC0 | code >> 6);
    } else if (code < 0x10000) {
        utf8[n++] = (char)(0xE0 | code >> 12);
        utf8[n++] = (char)(0x80 | (code >> 6 & 0x3F));
    } else {
        utf8[n++] = (char)(0xF0 | code >> 18);
        utf8[n++] = (char)(0x80 | (code >> 12 & 0x3F));
        utf8[n++] = (char)(0x80 | (code >> 6 & 0x3F));
    }
    if (code >= 0x80)
        utf8[n++] = (char)(0x80 | (code & 0x3F));
    luaL_addlstring(b, utf8, (size_t)n);
    return true;
}

static bool escape(struct reader *r, luaL_Buffer *b)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *at;

    if (r->p == r->end)
        return false;
    if (*r->p == 'u') {
        r->p++;
        return unicode(r, b);
    }
    if (!*r->p || !(at = strchr(from, *r->p)))
        return false;
    r->p++;
    luaL_addchar(b, to[at - from]);
    return true;
}

/* Behind the opening quote. Pushes, also on failure. */
static bool string(struct reader *r)
{
    bool ok = true;
    luaL_Buffer b;

    luaL_buffinit(r->L, &b);
    while (ok && r->p < r->end && *r->p != '"') {
        if ((unsigned char)*r->p < 0x20) {
            ok = false;
        } else if (*r->p == '\\') {
            r->p++;
            ok = escape(r, &b);
        } else {
            luaL_addchar(&b, *r->p++);
        }
    }
    luaL_pushresult(&b);
    if (!ok || r->p == r->end)
        return false;
    r->p++;
    return true;
}

/* ---- the others ---- */

static const char *digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

/* The end of a number as JSON writes it, NULL: it is none. */
static const char *number_end(const char *p, const char *end, bool *integer)
{
    const char *start;

    p += p < end && *p == '-';
    start = p;
    p = digits(p, end);
    if (p == start || (*start == '0' && p > start + 1))
        return NULL;
    *integer = true;
    if (p < end && *p == '.') {
        *integer = false;
        start = ++p;
        if ((p = digits(p, end)) == start)
            return NULL;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        *integer = false;
        p++;
        p += p < end && (*p == '-' || *p == '+');
        start = p;
        if ((p = digits(p, end)) == start)
            return NULL;
    }
    return p;
}

static bool number(struct reader *r)
{
    bool integer;
    const char *end = number_end(r->p, r->end, &integer);
    char text[512];
    size_t n = end ? (size_t)(end - r->p) : 0;

    if (n == 0 || n >= sizeof(text))
        return false;
    memcpy(text, r->p, n);
    text[n] = '\0';
    r->p = end;
    errno = 0;
    if (integer) {
        long long v = strtoll(text, NULL, 10);

        if (errno == 0) {
            lua_pushinteger(r->L, v);
            return true;
        }
    }
    lua_pushnumber(r->L, strtod(text, NULL));
    return true;
}

static bool array(struct reader *r)
{
    lua_Integer n = 0;

    lua_newtable(r->L);
    luaL_setmetatable(r->L, JSON_ARRAY);
    if (take(r, ']'))
        return true;
    do {
        if (!value(r))
            return false;
        lua_rawseti(r->L, -2, ++n);
    } while (take(r, ','));
    return take(r, ']');
}

static bool object(struct reader *r)
{
    lua_newtable(r->L);
    if (take(r, '}'))
        return true;
    do {
        if (!take(r, '"') || !string(r) || !take(r, ':') || !value(r))
            return false;
        if (lua_islightuserdata(r->L, -1)) { /* null: no member */
            lua_pop(r->L, 1);
            lua_pushnil(r->L);
        }
        lua_rawset(r->L, -3);
    } while (take(r, ','));
    return take(r, '}');
}

/* Pushes one value; on failure whatever there is. */
static bool value(struct reader *r)
{
    bool ok = false;

    if (r->depth++ >= DEPTH_MAX || !lua_checkstack(r->L, 10))
        return false;
    skip_space(r);
    if (take(r, '{')) {
        ok = object(r);
    } else if (take(r, '[')) {
        ok = array(r);
    } else if (take(r, '"')) {
        ok = string(r);
    } else if (word(r, "null")) {
        lua_pushlightuserdata(r->L, NULL);
        ok = true;
    } else if (word(r, "true") || word(r, "false")) {
        lua_pushboolean(r->L, r->p[-2] == 'u');
        ok = true;
    } else {
        ok = number(r);
    }
    r->depth--;
    return ok;
}

bool json_push(lua_State *L, const char *text, size_t len)
{
    struct reader r = {.L = L, .p = text, .end = text + len};
    int top = lua_gettop(L);
    bool ok = value(&r);

    skip_space(&r);
    if (ok && r.p == r.end)
        return true;
    lua_settop(L, top);
    return false;
}

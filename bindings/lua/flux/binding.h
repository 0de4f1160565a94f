/* What the files of `require 'flux'` share. One file a noun, each with a table of its
 * functions, methods and constants (struct noun); module.c puts the tables together.
 *
 * Failures are nil, text, errno, as in Lua's own io library; wrong arguments and errors in
 * callbacks are Lua errors. An error cannot be thrown through the library: callbacks run
 * protected, and what they throw is thrown again by the reactor() that they ran in.
 */
#ifndef FLUX_LUA_BINDING_H
#define FLUX_LUA_BINDING_H

#include <errno.h>
#include <stdbool.h>

#include <lauxlib.h>
#include <lua.h>

#include <flux/core.h>
#include <flux/job.h>

struct constant {
    const char *name;
    lua_Integer value;
};

struct noun {
    const luaL_Reg *functions; /* flux.x(...) */
    const luaL_Reg *methods;   /* of the handle: f:x(...) */
    const struct constant *constants;
    void (*open)(lua_State *L); /* make the metatables of its own objects; or NULL */
};

#define METHODS_END                                                                      \
    {                                                                                    \
        NULL, NULL                                                                       \
    }
#define CONSTANT(name)                                                                   \
    {                                                                                    \
#name, FLUX_##name                                                               \
    }
#define CONSTANTS_END                                                                    \
    {                                                                                    \
        NULL, 0                                                                          \
    }

extern const struct noun noun_attr, noun_event, noun_future, noun_handle, noun_job,
    noun_json, noun_message, noun_msghandler, noun_reactor, noun_rpc, noun_watcher;

/* ---- results ---- */

/* nil, text, errnum. text NULL: that of errnum. */
int push_error(lua_State *L, int errnum, const char *text);
/* rc, or the error in errno. */
int push_result(lua_State *L, int rc);
void push_text(lua_State *L, const char *s); /* nil for NULL */

/* ---- the handle ---- */

struct handle {
    flux_t *p;          /* NULL: closed */
    lua_State *running; /* the one in reactor() */
    int error;          /* reference of what a callback threw, LUA_NOREF */
    char *reason;       /* of reactor_stop(reason) */
    lua_Integer last_timer;
};

struct handle *handle_check(lua_State *L, int index);
/* Push the handle's userdata. */
void handle_push(lua_State *L, struct handle *h);
/* The library may call the object on the top of the stack, by `key`: the handle keeps it.
 * release lets it go; find pushes it, or nil. */
void handle_keep(lua_State *L, struct handle *h, const void *key);
void handle_release(lua_State *L, struct handle *h, const void *key);
void handle_find(lua_State *L, struct handle *h, const void *key);
/* Call the function and its n arguments on the top of h->running's stack: an error, or a
 * negative number returned, stops the reactor. */
void handle_call(struct handle *h, int n);
/* The next message that matches, waiting for it; NULL, errno. May throw. */
flux_msg_t *handle_receive(lua_State *L, struct handle *h, struct flux_match match);
/* When msg is the answer to an f:send(), its matchtag can be used again. */
void handle_free_matchtag(struct handle *h, const flux_msg_t *msg);
/* Ctrl-C in the stand-alone interpreter wants to be noticed: call while waiting, every slice
 * of a tenth of a second. May throw. */
#define WAIT_SLICE 0.1
void check_interrupt(lua_State *L);

/* ---- JSON ---- */

/* Push the value of a text; NULL: an empty table. False, and nothing pushed: it is no
 * JSON. */
bool json_push(lua_State *L, const char *text, size_t len);
/* Push the text of the value at index and return it. Throws when there is none. nil and
 * none: NULL, and nil is pushed. */
const char *json_text(lua_State *L, int index);

/* ---- objects ---- */

/* Push a message, which is taken over; of h, for its respond(). */
int message_push(lua_State *L, struct handle *h, flux_msg_t *msg);
flux_msg_t *message_check(lua_State *L, int index);
/* Push a future, which is taken over; NULL: the error in errno. */
int future_push(lua_State *L, struct handle *h, flux_future_t *f);
/* Wait for it. False with nil, text, errno pushed (3 values). */
bool future_wait(lua_State *L, flux_future_t *f, double timeout);
/* nil, text, errno of a future that failed. */
int future_error(lua_State *L, flux_future_t *f);
flux_future_t *future_check(lua_State *L, int index);

/* A watcher of any kind: userdata with the caller's table behind it. */
struct watched {
    struct handle *h; /* NULL: removed */
    void (*destroy)(void *p);
    int n;
    void *p[]; /* the library's objects; sighandlers have one for each signal */
};
/* Make one for the table at index 2 and up to max objects; push it. */
struct watched *watched_new(lua_State *L, struct handle *h, void (*destroy)(void *p),
                            int max);
/* Take over what the library made, NULL: error in errno. Returns the results of the
 * creating function: the object, or nil, text, errno. */
int watched_finish(lua_State *L, struct watched *w, void *p);
/* Begin a callback: push the watcher and its handler. The state, NULL: there is none to call. */
lua_State *watched_begin(struct watched *w);
void watched_remove(lua_State *L, struct watched *w);
void watched_open(lua_State *L);
/* A field of the table at index 2 that must be there: its type is checked. */
void need_field(lua_State *L, const char *name, int type);

#endif

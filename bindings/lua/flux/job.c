/* Jobs: f:job_submit(jobspec, {urgency=n, flags=n}), f:job_wait(id), f:job_result(id),
 * f:job_cancel(id, reason), f:job_kill(id, signum), f:job_raise(id, type, severity, note),
 * f:job_events(id, path); flux.job_id_parse(text), flux.job_id_encode(id, form). An id is a
 * number or text in any form.
 */
#include "binding.h"

#include <signal.h>
#include <string.h>

static flux_jobid_t check_id(lua_State *L, int index)
{
    flux_jobid_t id;

    if (lua_isinteger(L, index))
        return (flux_jobid_t)lua_tointeger(L, index);
    if (flux_job_id_parse(luaL_checkstring(L, index), &id) < 0)
        luaL_error(L, "'%s' is no job id", lua_tostring(L, index));
    return id;
}

/* Push a future and wait for it: NULL with nil, text, errno pushed. */
static flux_future_t *await(lua_State *L, struct handle *h, flux_future_t *made)
{
    flux_future_t *f;

    if (future_push(L, h, made) != 1)
        return NULL;
    f = future_check(L, -1);
    return future_wait(L, f, -1) ? f : NULL;
}

/* Wait for a future without a result. */
static int finish(lua_State *L, struct handle *h, flux_future_t *made)
{
    flux_future_t *f = await(L, h, made);

    if (!f)
        return 3;
    return flux_future_get(f, NULL) < 0 ? future_error(L, f) : push_result(L, 0);
}

static int option(lua_State *L, const char *name, int otherwise)
{
    int value = otherwise;

    if (lua_istable(L, 3)) {
        if (lua_getfield(L, 3, name) != LUA_TNIL)
            value = (int)luaL_checkinteger(L, -1);
        lua_pop(L, 1);
    }
    return value;
}

static int job_submit(lua_State *L)
{
    struct handle *h = handle_check(L, 1);
    int urgency = option(L, "urgency", FLUX_JOB_URGENCY_DEFAULT);
    int flags = option(L, "flags", 0);
    const char *jobspec = json_text(L, 2);
    flux_future_t *f;
    flux_jobid_t id;

    luaL_argcheck(L, jobspec, 2, "a jobspec is needed");
    if (!(f = await(L, h, flux_job_submit(h->p, jobspec, urgency, flags))))
        return 3;
    if (flux_job_submit_get_id(f, &id) < 0)
        return future_error(L, f);
    lua_pushinteger(L, (lua_Integer)id);
    return 1;
}

/* {id=, success=, errstr=} */
static int job_wait(lua_State *L)
{
    struct handle *h = handle_check(L, 1);
    flux_jobid_t id = lua_isnoneornil(L, 2) ? FLUX_JOBID_ANY : check_id(L, 2);
    flux_future_t *f = await(L, h, flux_job_wait(h->p, id));
    const char *errstr;
    bool success;

    if (!f)
        return 3;
    if (flux_job_wait_get_status(f, &success, &errstr) < 0 ||
        flux_job_wait_get_id(f, &id) < 0)
        return future_error(L, f);
    lua_newtable(L);
    lua_pushinteger(L, (lua_Integer)id);
    lua_setfield(L, -2, "id");
    lua_pushboolean(L, success);
    lua_setfield(L, -2, "success");
    lua_pushstring(L, errstr);
    lua_setfield(L, -2, "errstr");
    return 1;
}

/* What flux_job_result(3) tells. */
static int job_result(lua_State *L)
{
    struct handle *h = handle_check(L, 1);
    flux_future_t *f = await(L, h, flux_job_result(h->p, check_id(L, 2), 0));
    const char *text;

    if (!f)
        return 3;
    if (flux_job_result_get(f, &text) < 0)
        return future_error(L, f);
    return json_push(L, text, strlen(text)) ? 1 : push_error(L, EPROTO, NULL);
}

static int job_cancel(lua_State *L)
{
    struct handle *h = handle_check(L, 1);
    flux_jobid_t id = check_id(L, 2);

    return finish(L, h, flux_job_cancel(h->p, id, luaL_optstring(L, 3, NULL)));
}

static int job_kill(lua_State *L)
{
    struct handle *h = handle_check(L, 1);
    flux_jobid_t id = check_id(L, 2);

    return finish(L, h, flux_job_kill(h->p, id, (int)luaL_optinteger(L, 3, SIGTERM)));
}

static int job_raise(lua_State *L)
{
    struct handle *h = handle_check(L, 1);
    flux_jobid_t id = check_id(L, 2);
    const char *type = luaL_checkstring(L, 3);
    int severity = (int)luaL_optinteger(L, 4, 0);

    return finish(L, h,
                  flux_job_raise(h->p, id, type, severity, luaL_optstring(L, 5, NULL)));
}

/* One event after the other; nothing at the end. */
static int next_event(lua_State *L)
{
    flux_future_t *f = future_check(L, lua_upvalueindex(1));
    const char *event;

    if (!future_wait(L, f, -1))
        return luaL_error(L, "%s", lua_tostring(L, -2));
    if (flux_job_event_watch_get(f, &event) < 0) {
        if (errno == ENODATA)
            return 0;
        return luaL_error(L, "%s", flux_future_error_string(f));
    }
    if (!json_push(L, event, strlen(event)))
        return luaL_error(L, "an event that is no JSON");
    flux_future_reset(f);
    return 1;
}

static int job_events(lua_State *L)
{
    struct handle *h = handle_check(L, 1);
    flux_jobid_t id = check_id(L, 2);
    const char *path = luaL_optstring(L, 3, "eventlog");
    int n = future_push(L, h, flux_job_event_watch(h->p, id, path, 0));

    if (n == 1)
        lua_pushcclosure(L, next_event, 1);
    return n;
}

static int job_id_parse(lua_State *L)
{
    const char *text = luaL_checkstring(L, 1);
    flux_jobid_t id;

    if (flux_job_id_parse(text, &id) < 0)
        return push_error(L, errno, NULL);
    lua_pushinteger(L, (lua_Integer)id);
    return 1;
}

static int job_id_encode(lua_State *L)
{
    char buf[128];

    if (flux_job_id_encode(check_id(L, 1), luaL_optstring(L, 2, "f58"), buf,
                           sizeof(buf)) < 0)
        return push_error(L, errno, NULL);
    lua_pushstring(L, buf);
    return 1;
}

static const luaL_Reg functions[] = {
    {"job_id_parse", job_id_parse},
    {"job_id_encode", job_id_encode},
    METHODS_END,
};

static const luaL_Reg methods[] = {
    {"job_submit", job_submit}, {"job_wait", job_wait},
    {"job_result", job_result}, {"job_cancel", job_cancel},
    {"job_kill", job_kill},     {"job_raise", job_raise},
    {"job_events", job_events}, METHODS_END,
};

static const struct constant constants[] = {
    CONSTANT(JOB_WAITABLE),         CONSTANT(JOB_DEBUG),
    CONSTANT(JOB_PRE_SIGNED),       CONSTANT(JOB_NOVALIDATE),
    CONSTANT(JOB_URGENCY_DEFAULT),  CONSTANT(JOB_URGENCY_HOLD),
    CONSTANT(JOB_URGENCY_EXPEDITE), CONSTANT(JOB_RESULT_COMPLETED),
    CONSTANT(JOB_RESULT_FAILED),    CONSTANT(JOB_RESULT_CANCELED),
    CONSTANT(JOB_RESULT_TIMEOUT),   CONSTANTS_END,
};

const struct noun noun_job = {functions, methods, constants, NULL};

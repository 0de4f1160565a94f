/* Watchers: f:timer{}, f:fdwatcher{}, f:iowatcher{}, f:statwatcher{}, f:sighandler{}. Each takes
 * a table and returns an object that shows its fields and can be removed; the table's `handler`
 * is called from f:reactor(). Wrong tables are Lua errors.
 */
#include "binding.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static void destroy_watcher(void *p)
{
    flux_watcher_destroy(p);
}

static int start(lua_State *L, struct watched *w, flux_watcher_t *made)
{
    if (made)
        flux_watcher_start(made);
    return watched_finish(L, w, made);
}

/* ---- timer{timeout=ms, oneshot=true, handler=function (f, timer)} ---- */

static void on_timer(flux_reactor_t *r, flux_watcher_t *fw, int revents, void *arg)
{
    struct watched *w = arg;
    struct handle *h = w->h;
    lua_State *L = watched_begin(w);

    if (!L)
        return;
    handle_push(L, h);
    lua_pushvalue(L, -3);
    handle_call(h, 2);
    if (w->n > 0 && !flux_watcher_is_active(w->p[0]))
        handle_release(L, h, w);
    lua_pop(L, 1);
}

static int timer(lua_State *L)
{
    struct handle *h = handle_check(L, 1);
    struct watched *w;
    double seconds;
    bool oneshot;

    need_field(L, "timeout", LUA_TNUMBER);
    seconds = lua_tonumber(L, -1) / 1000;
    oneshot = lua_getfield(L, 2, "oneshot") == LUA_TNIL || lua_toboolean(L, -1);
    lua_pushinteger(L, ++h->last_timer);
    lua_setfield(L, 2, "id");
    w = watched_new(L, h, destroy_watcher, 1);
    return start(L, w,
                 flux_timer_watcher_create(flux_get_reactor(h->p), seconds,
                                           oneshot ? 0 : seconds, on_timer, w));
}

/* ---- fdwatcher{fd=n, events=mask, handler=function (watcher, revents)} ---- */

static void on_fd(flux_reactor_t *r, flux_watcher_t *fw, int revents, void *arg)
{
    struct watched *w = arg;
    lua_State *L = watched_begin(w);

    if (!L)
        return;
    lua_pushvalue(L, -2);
    lua_pushinteger(L, revents);
    handle_call(w->h, 2);
    lua_pop(L, 1);
}

static int fdwatcher(lua_State *L)
{
    struct handle *h = handle_check(L, 1);
    int fd, events = FLUX_POLLIN | FLUX_POLLOUT | FLUX_POLLERR;
    struct watched *w;

    need_field(L, "fd", LUA_TNUMBER);
    fd = (int)lua_tointeger(L, -1);
    if (lua_getfield(L, 2, "events") != LUA_TNIL)
        events = (int)luaL_checkinteger(L, -1);
    w = watched_new(L, h, destroy_watcher, 1);
    return start(L, w,
                 flux_fd_watcher_create(flux_get_reactor(h->p), fd, events, on_fd, w));
}

/* ---- iowatcher{fd=n, handler=function (watcher, {data=s, eof=b})} ---- */

static void destroy_reader(void *p)
{
    int fd = flux_fd_watcher_get_fd(p);

    flux_watcher_destroy(p);
    close(fd); /* our duplicate */
}

static void push_data(lua_State *L, const char *data, ssize_t n)
{
    lua_newtable(L);
    if (n > 0) {
        lua_pushlstring(L, data, (size_t)n);
        lua_setfield(L, -2, "data");
    } else {
        lua_pushboolean(L, true);
        lua_setfield(L, -2, "eof");
    }
}

static void on_input(flux_reactor_t *r, flux_watcher_t *fw, int revents, void *arg)
{
    struct watched *w = arg;
    struct handle *h = w->h;
    char data[16384];
    ssize_t n = read(flux_fd_watcher_get_fd(fw), data, sizeof(data));
    lua_State *L;

    if ((n < 0 && (errno == EAGAIN || errno == EINTR)) || !(L = watched_begin(w)))
        return;
    lua_pushvalue(L, -2);
    push_data(L, data, n);
    if (n <= 0)
        watched_remove(L, w); /* there will be no more */
    handle_call(h, 2);
    lua_pop(L, 1);
}

static int iowatcher(lua_State *L)
{
    struct handle *h = handle_check(L, 1);
    flux_watcher_t *made;
    struct watched *w;
    int fd;

    need_field(L, "fd", LUA_TNUMBER);
    fd = (int)lua_tointeger(L, -1);
    w = watched_new(L, h, destroy_reader, 1);
    if ((fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)) < 0)
        return watched_finish(L, w, NULL);
    made = flux_fd_watcher_create(flux_get_reactor(h->p), fd, FLUX_POLLIN, on_input, w);
    if (!made)
        close(fd);
    return start(L, w, made);
}

/* ---- statwatcher{path=s, interval=seconds, handler=function (watcher, now, before)} ---- */

static void push_stat(lua_State *L, const struct stat *st)
{
    const struct {
        const char *name;
        lua_Integer value;
    } fields[] = {
        {"st_dev", (lua_Integer)st->st_dev},
        {"st_ino", (lua_Integer)st->st_ino},
        {"st_mode", st->st_mode},
        {"st_nlink", (lua_Integer)st->st_nlink},
        {"st_uid", st->st_uid},
        {"st_gid", st->st_gid},
        {"st_size", st->st_size},
        {"st_atime", st->st_atime},
        {"st_mtime", st->st_mtime},
        {"st_ctime", st->st_ctime},
        {"st_blksize", st->st_blksize},
        {"st_blocks", st->st_blocks},
    };

    lua_newtable(L);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        lua_pushinteger(L, fields[i].value);
        lua_setfield(L, -2, fields[i].name);
    }
}

static void on_stat(flux_reactor_t *r, flux_watcher_t *fw, int revents, void *arg)
{
    struct watched *w = arg;
    struct stat now, before;
    lua_State *L;

    if (flux_stat_watcher_get_rstat(fw, &now, &before) < 0 || !(L = watched_begin(w)))
        return;
    lua_pushvalue(L, -2);
    push_stat(L, &now);
    push_stat(L, &before);
    handle_call(w->h, 3);
    lua_pop(L, 1);
}

static int statwatcher(lua_State *L)
{
    struct handle *h = handle_check(L, 1);
    double interval = 0;
    struct watched *w;
    const char *path;

    need_field(L, "path", LUA_TSTRING);
    path = lua_tostring(L, -1); /* the table holds it */
    if (lua_getfield(L, 2, "interval") == LUA_TNUMBER)
        interval = lua_tonumber(L, -1);
    w = watched_new(L, h, destroy_watcher, 1);
    return start(
        L, w,
        flux_stat_watcher_create(flux_get_reactor(h->p), path, interval, on_stat, w));
}

/* ---- sighandler{sigmask={n, ...}, handler=function (f, watcher, signum)} ---- */

static void on_signal(flux_reactor_t *r, flux_watcher_t *fw, int revents, void *arg)
{
    struct watched *w = arg;
    struct handle *h = w->h;
    int signum = flux_signal_watcher_get_signum(fw);
    lua_State *L = watched_begin(w);

    if (!L)
        return;
    handle_push(L, h);
    lua_pushvalue(L, -3);
    lua_pushinteger(L, signum);
    handle_call(h, 3);
    lua_pop(L, 1);
}

static int sighandler(lua_State *L)
{
    struct handle *h = handle_check(L, 1);
    struct watched *w;
    lua_Integer n;
    int mask, rc = 1;

    need_field(L, "sigmask", LUA_TTABLE);
    mask = lua_gettop(L);
    n = luaL_len(L, mask);
    luaL_argcheck(L, n > 0 && n <= SIGRTMAX, 2, "sigmask must list signals");
    w = watched_new(L, h, destroy_watcher, (int)n);
    for (lua_Integer i = 1; i <= n && rc == 1; i++) {
        lua_rawgeti(L, mask, i);
        int signum = (int)lua_tointeger(L, -1);
        lua_pop(L, 1);
        rc = start(
            L, w,
            flux_signal_watcher_create(flux_get_reactor(h->p), signum, on_signal, w));
    }
    return rc;
}

static const luaL_Reg methods[] = {
    {"timer", timer},           {"fdwatcher", fdwatcher},
    {"iowatcher", iowatcher},   {"statwatcher", statwatcher},
    {"sighandler", sighandler}, METHODS_END,
};

static const struct constant constants[] = {
    {"SIGHUP", SIGHUP},   {"SIGINT", SIGINT},   {"SIGQUIT", SIGQUIT},
    {"SIGTERM", SIGTERM}, {"SIGUSR1", SIGUSR1}, {"SIGUSR2", SIGUSR2},
    {"SIGCHLD", SIGCHLD}, {"SIGALRM", SIGALRM}, {"SIGKILL", SIGKILL},
    CONSTANTS_END,
};

const struct noun noun_watcher = {NULL, methods, constants, watched_open};

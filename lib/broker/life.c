/* The life of a broker:
 *
 *     none -> join      folders, store, services, socket
 *          -> init      modules, one after the other
 *          -> quorum -> run    clients are let in, the initial program runs
 *          -> cleanup   jobs (cleanup.c); not with a statedir: there they go on
 *          -> shutdown  modules, in reverse
 *          -> finalize -> goodbye -> exit    the rest; the loop stops
 *
 * A failure on the way up sets b->failed and takes the same way down.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/conf.h>
#include <flux/flog.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "broker/broker.h"
#include "broker/facts.h"
#include "modules/builtin.h"

#define CLEANUP_TIMEOUT 30.0 /* seconds */

static void load_next(struct broker *b);
static void begin_cleanup(struct broker *b, const char *why);

static void fail(struct broker *b, int errnum, const flux_error_t *err)
{
    b->failed = true;
    b->exit_code = 1;
    b->errnum = errnum;
    if (err && err->text[0])
        b->error = *err;
    else
        error_set(&b->error, errnum, "%s", strerror(errnum));
    log_printf(b->log, LOG_INFO, "%s", b->error.text); /* up() tells it */
}

/* ---- down ---- */

static void finalize(void *arg)
{
    struct broker *b = arg;
    bool keep = b->dirs.statedir != NULL;

    state_set(b->state, STATE_GOODBYE, "modules-gone");
    if (b->shutdowns)
        core_end(b->core, b->shutdowns, ENODATA);
    state_set(b->state, STATE_EXIT, "goodbye");
    cleanup_free(TAKE(b->cleanup));
    program_free(TAKE(b->program));
    rexec_free(TAKE(b->rexec), keep);
    modhost_free(TAKE(b->modhost));
    server_free(TAKE(b->server));
    broker_close_handles(b);
    flux_close(TAKE(b->h));
    port_free(TAKE(b->port), ENOSYS);
    log_serve(b->log, NULL);
    core_free(TAKE(b->core));
    events_free(TAKE(b->events));
    flux_msglist_destroy(TAKE(b->shutdowns));
    router_free(TAKE(b->router));
    store_close(TAKE(b->store));
    dirs_close(&b->dirs);
    b->down = true;
    if (b->failed && b->up)
        b->up(b->errnum, &b->error, b->up_arg);
    loop_stop(b->loop);
}

/* Not from inside a callback of what is about to be freed. */
static void modules_gone(void *arg)
{
    struct broker *b = arg;

    state_set(b->state, STATE_FINALIZE, "modules-unloaded");
    if (loop_post(b->loop, finalize, b) < 0)
        finalize(b);
}

static void cleanup_done(void *arg)
{
    struct broker *b = arg;

    state_set(b->state, STATE_SHUTDOWN, "cleanup-done");
    if (b->modhost)
        modhost_stop(b->modhost, modules_gone, b);
    else
        modules_gone(b);
}

static void begin_cleanup(struct broker *b, const char *why)
{
    double timeout;

    if (state_get(b->state) >= STATE_CLEANUP)
        return;
    b->stopping = true;
    state_set(b->state, STATE_CLEANUP, why);
    timeout = attrs_duration(b->attrs, "broker.cleanup-timeout", CLEANUP_TIMEOUT);
    if (b->failed || b->dirs.statedir || !b->modhost ||
        !modhost_has(b->modhost, "job-manager") ||
        cleanup_start(b, timeout, cleanup_done, b, &b->cleanup) < 0)
        cleanup_done(b);
}

void broker_stop(struct broker *b)
{
    if (b->stopping)
        return;
    b->stopping = true;
    if (state_get(b->state) != STATE_RUN)
        return; /* load_next() sees it */
    if (b->program)
        program_stop(b->program);
    else
        begin_cleanup(b, "shutdown");
}

/* ---- up ---- */

static void program_done(int code, void *arg)
{
    struct broker *b = arg;

    b->exit_code = code;
    begin_cleanup(b, code ? "program-fail" : "program-success");
}

static void run(struct broker *b)
{
    flux_error_t err = {{0}};
    int rc;

    state_set(b->state, STATE_QUORUM, "modules-loaded");
    if (b->server)
        server_open(b->server);
    state_set(b->state, STATE_RUN, "quorum-full");
    if (b->argv && (rc = program_start(b, program_done, b, &b->program, &err)) < 0) {
        fail(b, -rc, &err);
        /* As a shell says it of a command that it cannot run. */
        b->exit_code = rc == -ENOENT ? 127 : 126;
        begin_cleanup(b, "program-fail");
        return;
    }
    if (b->up)
        b->up(0, NULL, b->up_arg);
}

static void module_loaded(int errnum, const flux_error_t *err, void *arg)
{
    struct broker *b = arg;

    if (errnum) {
        fail(b, errnum, err);
        begin_cleanup(b, "module-fail");
    } else
        load_next(b);
}

static bool wanted(struct broker *b, const char *name)
{
    const char *sched = strv_getenv(b->environment, "FLUX_SCHED_MODULE");

    return strcmp(name, "sched") != 0 || !sched || strcmp(sched, "none") != 0;
}

/* The next module's line; NULL: there are no more. */
static const char *next_module(struct broker *b)
{
    if (b->modules)
        return b->modules[b->next_module] ? b->modules[b->next_module++] : NULL;
    while (builtin_modules[b->next_module]) {
        const char *name = builtin_modules[b->next_module++]->name;

        if (wanted(b, name))
            return name;
    }
    return NULL;
}

/* The scheduler's arguments may come from the environment, such as "plugin=sched.fcfs". */
static const char *sched_options(struct broker *b)
{
    const char *s = strv_getenv(b->environment, "FLUX_SCHED_OPTS");

    return s ? s : strv_getenv(b->environment, "FLUX_SCHED_OPTIONS");
}

static void load(struct broker *b, const char *line)
{
    const char *options = strcmp(line, "sched") == 0 ? sched_options(b) : NULL;
    AUTOFREE char *longer = NULL;

    if (options && asprintf(&longer, "%s %s", line, options) < 0)
        longer = NULL;
    modhost_load_line(b->modhost, longer ? longer : line, module_loaded, b);
}

static void load_next(struct broker *b)
{
    const char *line;

    if (b->stopping)
        begin_cleanup(b, "shutdown");
    else if ((line = next_module(b)))
        load(b, line);
    else
        run(b);
}

/* broker.modules=none, or names with commas between them. */
static int take_module_attr(struct broker *b)
{
    const char *s = attrs_get(b->attrs, "broker.modules");
    AUTOFREE char *copy = NULL;
    char *save = NULL;
    size_t n = 0;

    if (!s || b->modules)
        return 0;
    if (!(copy = strdup(s)) || !(b->modules = calloc(strlen(s) + 2, sizeof(char *))))
        return -ENOMEM;
    if (!strcmp(s, "none"))
        return 0;
    for (char *t = strtok_r(copy, ",", &save); t; t = strtok_r(NULL, ",", &save)) {
        if (!(b->modules[n++] = strdup(t)))
            return -ENOMEM;
    }
    return 0;
}

static int open_dirs(struct broker *b, flux_error_t *err)
{
    struct dirs_options opts = {
        .rundir = attrs_get(b->attrs, "rundir"),
        .statedir = attrs_get(b->attrs, "statedir"),
        .tmpdir = strv_getenv(b->environment, "TMPDIR"),
    };

    if (env_is_sim(b->env))
        return 0;
    return dirs_open(b->env, &opts, &b->dirs, err);
}

static int open_store(struct broker *b, flux_error_t *err)
{
    const char *name = attrs_get(b->attrs, "broker.durability");
    AUTOFREE char *path = b->dirs.statedir ? dirs_path(&b->dirs, "store.sqlite") : NULL;
    struct store_options opts = {
        .path = path,
        .durability = path ? STORE_POWER : STORE_NONE,
        .uuid = b->uuid,
    };

    if (name && path && store_durability_parse(name, &opts.durability) < 0)
        return error_set(
            err, EINVAL,
            "attribute broker.durability: '%s' is none of power, process, none", name);
    return store_open(b->loop, &opts, &b->store, err);
}

static int open_server(struct broker *b, flux_error_t *err)
{
    struct server_limits limits = server_limits_default;
    int rc;

    if (!b->dirs.socket)
        return 0;
    limits.frame_timeout =
        attrs_duration(b->attrs, "local.frame-timeout", limits.frame_timeout);
    rc = server_new(b->loop, b->router, b->log, b->dirs.socket, &limits, &b->server);
    if (rc == -EADDRINUSE)
        return error_set(err, EADDRINUSE,
                         "another broker answers at %s: choose another rundir",
                         b->dirs.socket);
    if (rc < 0)
        return error_set(err, -rc, "socket %s: %s", b->dirs.socket, strerror(-rc));
    config_apply(b->config, b);
    return 0;
}

static void attr_changed(const char *name, const char *value, void *arg)
{
    if (!strncmp(name, "log-", 4))
        facts_apply_log(arg);
}

static int start_services(struct broker *b)
{
    int rc;

    if ((rc = router_new(b->env, b->owner, &b->router)) < 0 ||
        (rc = core_new(b->router, b->uuid, &b->core)) < 0 ||
        (rc = events_new(b->router, b->core, &b->events)) < 0 ||
        (rc = attrs_serve(b->attrs, b->core)) < 0 ||
        (rc = log_serve(b->log, b->core)) < 0 || (rc = state_serve(b->state)) < 0 ||
        (rc = config_serve(b->config, b)) < 0 || (rc = self_serve(b)) < 0 ||
        (rc = modhost_new(b, &b->modhost)) < 0 || (rc = modhost_serve(b->modhost)) < 0 ||
        (rc = rexec_new(b, &b->rexec)) < 0 || (rc = rexec_serve(b->rexec)) < 0)
        return rc;
    rc = port_new(b->router, b->reactor, "broker", NULL, NULL, &b->port, &b->h);
    if (rc < 0)
        return rc;
    flux_log_set_appname(b->h, "broker");
    attrs_on_change(b->attrs, attr_changed, b);
    if (flux_set_conf(b->h, config_get(b->config)) < 0 ||
        flux_set_reactor(b->h, b->reactor) < 0 || !(b->shutdowns = flux_msglist_create()))
        return -errno;
    return 0;
}

static int join(struct broker *b, flux_error_t *err)
{
    int rc;

    state_set(b->state, STATE_JOIN, "start");
    if ((rc = take_module_attr(b)) < 0 || (rc = open_dirs(b, err)) < 0 ||
        (rc = open_store(b, err)) < 0 || (rc = facts_set(b)) < 0)
        return rc;
    facts_apply_log(b);
    if ((rc = start_services(b)) < 0)
        return rc;
    return open_server(b, err);
}

void broker_start(struct broker *b, broker_up_f up, void *arg)
{
    flux_error_t err = {{0}};
    int rc;

    b->up = up;
    b->up_arg = arg;
    if ((rc = join(b, &err)) < 0) {
        fail(b, -rc, &err);
        begin_cleanup(b, "boot-fail");
        return;
    }
    state_set(b->state, STATE_INIT, "parent-none");
    load_next(b);
}

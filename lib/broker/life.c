/* The life of a broker:
 *
 *     none -> join      folders, store, services, the parent (enrol.c)
 *          -> init      modules, one after the other (before those that know of jobs, what
 *                       content.restore names); broker.rc1_path
 *          -> quorum    clients are let in; rank 0 waits until enough are online, the
 *                       others until their parent runs
 *          -> run       the initial program, at rank 0
 *          -> cleanup   jobs (cleanup.c); not with a statedir: there they go on
 *          -> shutdown  the children leave, having been told to
 *          -> finalize  what content.dump names; broker.rc3_path; modules, in reverse
 *          -> goodbye   the parent is told
 *          -> exit      the rest; the loop stops
 *
 * A failure on the way up sets b->failed and takes the same way down. The end of rank 0,
 * or of its initial program, is that of all: states go down the tree.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/conf.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/strv.h"
#include "broker/broker.h"
#include "broker/enclosing.h"
#include "broker/life.h"
#include "modules/builtin.h"

#define CLEANUP_TIMEOUT 30.0  /* seconds */
#define SHUTDOWN_TIMEOUT 60.0 /* for children to leave */

static void load_next(struct broker *b);

/* States that children hear of. */
static void enter(struct broker *b, enum broker_state state, const char *why)
{
    state_set(b->state, state, why);
    if (b->peers)
        overlay_tell_state(peers_overlay(b->peers), state);
}

/* ---- down ---- */

static void finish_cb(struct watcher *w, int revents, void *arg)
{
    struct broker *b = arg;

    if (b->shutdowns)
        core_end(b->core, b->shutdowns, ENODATA);
    state_set(b->state, STATE_EXIT, "goodbye");
    broker_release(b, false);
    b->down = true;
    if (b->failed && b->up)
        TAKE(b->up)(b->errnum, &b->error, b->up_arg);
    loop_stop(b->loop);
}

/* Not from inside a callback of what is about to be freed. */
static void finish(void *arg)
{
    struct broker *b = arg;

    watcher_kick(b->finish);
}

static void modules_gone(void *arg)
{
    struct broker *b = arg;

    enter(b, STATE_GOODBYE, "modules-unloaded");
    if (b->peers)
        overlay_leave(peers_overlay(b->peers), finish, b);
    else
        finish(b);
}

static void stop_modules(struct broker *b)
{
    if (b->modhost)
        modhost_stop(b->modhost, modules_gone, b);
    else
        modules_gone(b);
}

static void rc3_done(int code, void *arg)
{
    struct broker *b = arg;

    if (code)
        log_printf(b->log, LOG_ERR, "broker.rc3_path: exit code %d", code);
    if (code && !b->exit_code)
        b->exit_code = code;
    stop_modules(b);
}

/* Run what an attribute names, if it does. False: no, or it does not start. */
static bool run_hook(struct broker *b, const char *attr, program_done_f done, int *ret_rc,
                     flux_error_t *err)
{
    const char *command = attrs_get(b->attrs, attr);
    const char *const argv[] = {"/bin/sh", "-c", command, NULL};

    *ret_rc = 0;
    if (!command || !*command || env_is_sim(b->env))
        return false;
    program_free(TAKE(b->program));
    *ret_rc = program_start(b, argv, done, b, &b->program, err);
    return *ret_rc == 0;
}

/* Run `flux COMMAND OPTION FILE` with the file that an attribute of rank 0 names, if it
 * does. False: no, or it does not start. */
static bool run_archive(struct broker *b, const char *attr, const char *command,
                        const char *option, program_done_f done, int *ret_rc,
                        flux_error_t *err)
{
    const char *file = attrs_get(b->attrs, attr);
    const char *bindir = flux_conf_builtin_get("bindir", FLUX_CONF_AUTO);
    AUTOFREE char *flux = NULL;
    const char *argv[] = {NULL, command, option, file, NULL};

    *ret_rc = 0;
    if (b->rank > 0 || !file || !*file || env_is_sim(b->env))
        return false;
    if (asprintf(&flux, "%s/flux", bindir ? bindir : "") < 0)
        flux = NULL;
    argv[0] = flux;
    program_free(TAKE(b->program));
    *ret_rc = flux ? program_start(b, argv, done, b, &b->program, err) : -ENOMEM;
    return *ret_rc == 0;
}

static void run_rc3(struct broker *b)
{
    flux_error_t err = {{0}};
    int rc;

    if (b->modhost && b->initialized &&
        run_hook(b, "broker.rc3_path", rc3_done, &rc, &err))
        return;
    stop_modules(b);
}

static void dump_done(int code, void *arg)
{
    struct broker *b = arg;

    if (code)
        log_printf(b->log, LOG_ERR, "content.dump: exit code %d", code);
    if (code && !b->exit_code)
        b->exit_code = code;
    run_rc3(b);
}

static void children_gone(struct broker *b, const char *why)
{
    flux_error_t err = {{0}};
    int rc;

    watcher_stop(b->patience);
    state_set(b->state, STATE_FINALIZE, why);
    if (b->modhost && b->initialized &&
        run_archive(b, "content.dump", "dump", "--quiet", dump_done, &rc, &err))
        return;
    run_rc3(b);
}

static void patience_cb(struct watcher *w, int revents, void *arg)
{
    struct broker *b = arg;

    log_printf(b->log, LOG_ERR,
               "brokers below do not leave (broker.shutdown-timeout): going regardless");
    children_gone(b, "shutdown-timeout");
}

void life_child_gone(struct broker *b)
{
    if (state_get(b->state) == STATE_SHUTDOWN && !peers_has_children(b->peers))
        children_gone(b, "children-complete");
}

static void cleanup_done(void *arg)
{
    struct broker *b = arg;
    double timeout =
        attrs_duration(b->attrs, "broker.shutdown-timeout", SHUTDOWN_TIMEOUT);

    if (b->groups)
        (void)groups_set(b->groups, "broker.online", false);
    enter(b, STATE_SHUTDOWN, "cleanup-done");
    if (!peers_has_children(b->peers)) {
        children_gone(b, "children-none");
        return;
    }
    watcher_timer_set(b->patience, timeout, 0);
    watcher_start(b->patience);
}

void life_end(struct broker *b, const char *why)
{
    double timeout;

    if (state_get(b->state) >= STATE_CLEANUP)
        return;
    b->stopping = true;
    if (b->quorum)
        quorum_stop(b->quorum);
    state_set(b->state, STATE_CLEANUP, why);
    timeout = attrs_duration(b->attrs, "broker.cleanup-timeout", CLEANUP_TIMEOUT);
    if (b->rank > 0 || !b->ran || b->dirs.statedir || !b->modhost ||
        !modhost_has(b->modhost, "job-manager") ||
        cleanup_start(b, timeout, cleanup_done, b, &b->cleanup) < 0)
        cleanup_done(b);
}

void broker_stop(struct broker *b)
{
    if (b->stopping)
        return;
    b->stopping = true;
    /* While it makes itself, or loads a module, that step sees it. */
    if (b->program)
        program_stop(b->program);
    else if (state_get(b->state) == STATE_JOIN ? enrol_cancel(b)
                                               : state_get(b->state) >= STATE_QUORUM)
        life_end(b, "shutdown");
}

static void record_failure(struct broker *b, int errnum, const flux_error_t *err)
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

void life_fail(struct broker *b, int errnum, const flux_error_t *err, const char *why)
{
    if (b->failed)
        return;
    record_failure(b, errnum, err);
    if (b->program && !b->stopping) {
        b->stopping = true;
        program_stop(b->program);
    } else
        life_end(b, why);
}

/* ---- up ---- */

static void program_done(int code, void *arg)
{
    struct broker *b = arg;

    if (!b->failed)
        b->exit_code = code;
    life_end(b, code ? "program-fail" : "program-success");
}

static void run(struct broker *b, const char *why)
{
    flux_error_t err = {{0}};
    int rc;

    b->ran = true;
    enter(b, STATE_RUN, why);
    enclosing_tell_uri(b);
    program_free(TAKE(b->program));
    if (b->argv && b->rank == 0 &&
        (rc = program_start(b, (const char *const *)b->argv, program_done, b, &b->program,
                            &err)) < 0) {
        life_fail(b, -rc, &err, "program-fail");
        /* As a shell says it of a command that it cannot run. */
        b->exit_code = rc == -ENOENT ? 127 : 126;
        return;
    }
    if (b->up)
        TAKE(b->up)(0, NULL, b->up_arg);
}

void life_quorum(struct broker *b)
{
    run(b, "quorum-full");
}

void life_parent_state(struct broker *b, int state)
{
    b->parent_state = state;
    if (state >= STATE_SHUTDOWN) {
        if (!b->stopping)
            broker_stop(b);
    } else if (state >= STATE_RUN && state_get(b->state) == STATE_QUORUM)
        run(b, "parent-runs");
}

static void wait_for_others(struct broker *b, const char *why)
{
    program_free(TAKE(b->program));
    if (b->stopping) {
        life_end(b, "shutdown");
        return;
    }
    state_set(b->state, STATE_QUORUM, why);
    if (b->server)
        server_open(b->server);
    (void)groups_set(b->groups, "broker.online", true);
    if (b->quorum)
        quorum_wait(b->quorum);
    else if (b->parent_state)
        life_parent_state(b, b->parent_state);
}

static void rc1_done(int code, void *arg)
{
    struct broker *b = arg;
    flux_error_t err;

    if (code && !b->stopping) {
        error_set(&err, ECANCELED, "broker.rc1_path: exit code %d at rank %u", code,
                  (unsigned)b->rank);
        program_free(TAKE(b->program));
        life_fail(b, ECANCELED, &err, "rc1-fail");
    } else
        wait_for_others(b, "rc1-success");
}

static void modules_loaded(struct broker *b)
{
    flux_error_t err = {{0}};
    int rc;

    b->initialized = true;
    if (b->server && attrs_get(b->attrs, "broker.rc1_path")[0])
        server_open(b->server);
    if (run_hook(b, "broker.rc1_path", rc1_done, &rc, &err))
        return;
    if (rc < 0)
        life_fail(b, -rc, &err, "rc1-fail");
    else
        wait_for_others(b, "rc1-none");
}

static void module_loaded(int errnum, const flux_error_t *err, void *arg)
{
    struct broker *b = arg;

    if (b->crashing)
        return;
    if (errnum && attrs_recovery(b->attrs))
        log_printf(b->log, LOG_ERR, "recovery: %s: it is left out", err->text);
    if (errnum && !attrs_recovery(b->attrs))
        life_fail(b, errnum, err, "module-fail");
    else
        load_next(b);
}

static bool has_place(const struct broker *b, const struct flux_module *desc)
{
    return b->rank == 0 || (desc->flags & FLUX_MODULE_ALL_RANKS);
}

static bool wanted(struct broker *b, const struct flux_module *desc)
{
    const char *sched = strv_getenv(b->environment, "FLUX_SCHED_MODULE");

    if (!has_place(b, desc))
        return false;
    if (attrs_recovery(b->attrs) &&
        (strcmp(desc->name, "sched") == 0 || strcmp(desc->name, "job-exec") == 0))
        return false;
    return strcmp(desc->name, "sched") != 0 || !sched || strcmp(sched, "none") != 0;
}

/* Is what a line names a built-in module that belongs to rank 0? */
static bool misplaced(struct broker *b, const char *line)
{
    size_t len = strcspn(line, " \t");

    for (const struct flux_module *const *d = builtin_modules; *d; d++) {
        if (strlen((*d)->name) == len && !strncmp((*d)->name, line, len))
            return !has_place(b, *d);
    }
    return false;
}

/* The next module's line; NULL: there are no more. */
static const char *next_module(struct broker *b)
{
    while (b->modules && b->modules[b->next_module]) {
        const char *line = b->modules[b->next_module++];

        if (!misplaced(b, line))
            return line;
    }
    while (!b->modules && builtin_modules[b->next_module]) {
        const struct flux_module *desc = builtin_modules[b->next_module++];

        if (wanted(b, desc))
            return desc->name;
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

static void restore_done(int code, void *arg)
{
    struct broker *b = arg;
    flux_error_t err;

    program_free(TAKE(b->program));
    if (code && !b->stopping) {
        error_set(&err, ECANCELED, "content.restore: exit code %d", code);
        life_fail(b, ECANCELED, &err, "restore-fail");
    } else
        load_next(b);
}

/* Who knows of jobs is loaded when they are back. */
static bool restore_first(struct broker *b, const char *line)
{
    flux_error_t err = {{0}};
    int rc;

    if (b->restored || strncmp(line, "job-manager", 11) != 0)
        return false;
    b->restored = true;
    if (!attrs_get(b->attrs, "content.restore")[0] || b->rank > 0)
        return false;
    if (b->epoch > 1) {
        error_set(&err, EEXIST,
                  "content.restore: this instance has state of its own: choose a new "
                  "statedir");
        life_fail(b, EEXIST, &err, "restore-fail");
        return true;
    }
    if (b->server)
        server_open(b->server);
    if (run_archive(b, "content.restore", "restore", "--quiet", restore_done, &rc,
                    &err)) {
        b->next_module--;
        return true;
    }
    if (rc < 0)
        life_fail(b, -rc, &err, "restore-fail");
    return rc < 0;
}

static void load_next(struct broker *b)
{
    const char *line;

    if (b->stopping)
        life_end(b, "shutdown");
    else if ((line = next_module(b))) {
        if (!restore_first(b, line))
            load(b, line);
    } else
        modules_loaded(b);
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

void life_init(struct broker *b)
{
    state_set(b->state, STATE_INIT, b->rank > 0 ? "parent-ready" : "parent-none");
    load_next(b);
}

static int prepare(struct broker *b)
{
    int rc = take_module_attr(b);

    if (rc < 0 || (rc = watcher_new_async(b->loop, finish_cb, b, &b->finish)) < 0)
        return rc;
    watcher_start(b->finish);
    return watcher_new_timer(b->loop, SHUTDOWN_TIMEOUT, 0, patience_cb, b, &b->patience);
}

void broker_start(struct broker *b, broker_up_f up, void *arg)
{
    int rc;

    b->up = up;
    b->up_arg = arg;
    state_set(b->state, STATE_JOIN, "start");
    if ((rc = prepare(b)) < 0)
        life_fail(b, -rc, NULL, "boot-fail");
    else
        enrol_start(b);
}

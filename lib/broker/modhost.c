/* The module host. Loading and removing are asynchronous: a module that runs on a thread
 * tells when it has started or gone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/conf.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "broker/broker.h"
#include "broker/module.h"
#include "modules/builtin.h"

#define ARGS_MAX 64
#define SLOW 10.0 /* seconds after which a module that does not stop is named */

struct modhost {
    struct broker *broker;
    struct list modules; /* in the order of loading */
    struct watcher *slow;
    void (*stopped)(void *arg); /* set while all are being stopped */
    void *stopped_arg;
};

/* Somebody waits for a module's end. */
struct remover {
    struct list link;
    modhost_done_f done;
    void *arg;
};

static void stop_next(struct modhost *mh);

static void slow_cb(struct watcher *w, int revents, void *arg)
{
    struct modhost *mh = arg;

    list_each(m, &mh->modules, struct module, link)
    {
        if (m->stopping)
            log_printf(mh->broker->log, LOG_ERR, "module %s does not stop", m->name);
    }
}

int modhost_new(struct broker *b, struct modhost **ret)
{
    struct modhost *mh = calloc(1, sizeof(*mh));
    int rc;

    if (!mh)
        return -ENOMEM;
    mh->broker = b;
    list_init(&mh->modules);
    if ((rc = watcher_new_timer(b->loop, SLOW, SLOW, slow_cb, mh, &mh->slow)) < 0) {
        free(mh);
        return rc;
    }
    *ret = mh;
    return 0;
}

void modhost_free(struct modhost *mh)
{
    if (!mh)
        return;
    watcher_free(mh->slow);
    free(mh);
}

struct list *modhost_list(struct modhost *mh)
{
    return &mh->modules;
}

struct broker *modhost_broker(struct modhost *mh)
{
    return mh->broker;
}

struct module *modhost_find(const struct modhost *mh, const char *name)
{
    list_each(m, &mh->modules, struct module, link)
    {
        if (!strcmp(m->name, name))
            return m;
    }
    return NULL;
}

bool modhost_has(const struct modhost *mh, const char *name)
{
    return modhost_find(mh, name) != NULL;
}

void modhost_each(const struct modhost *mh, void (*fn)(const char *name, void *arg),
                  void *arg)
{
    list_each(m, &mh->modules, struct module, link)
    {
        if (m->status == MODULE_RUNNING)
            fn(m->name, arg);
    }
}

static void finish_load(struct module *m, int errnum)
{
    modhost_done_f done = m->loaded;

    m->loaded = NULL;
    if (done)
        done(errnum, &m->error, m->loaded_arg);
}

static void finish_removals(struct module *m)
{
    while (!list_empty(&m->removers)) {
        struct remover *r = list_first(&m->removers, struct remover, link);

        list_del(&r->link);
        if (r->done)
            r->done(0, NULL, r->arg);
        free(r);
    }
}

static void gone(struct modhost *mh, struct module *m)
{
    list_del(&m->link);
    if (m->errnum && !m->stopping && !m->loaded)
        log_printf(mh->broker->log, LOG_ERR, "%s", m->error.text);
    else
        log_printf(mh->broker->log, LOG_DEBUG, "rmmod %s", m->name);
    /* Services are free again before anyone is told. */
    port_free(TAKE(m->port), ENOSYS);
    finish_load(m, m->errnum);
    finish_removals(m);
    module_free(m);
    if (mh->stopped)
        stop_next(mh);
}

static void event_cb(struct module *m, enum module_status what, void *arg)
{
    struct modhost *mh = arg;

    if (what == MODULE_EXITED)
        gone(mh, m);
    else if (what == MODULE_RUNNING) {
        log_printf(mh->broker->log, LOG_DEBUG, "insmod %s", m->name);
        finish_load(m, 0);
    }
}

static const struct flux_module *find_builtin(const char *name)
{
    for (const struct flux_module *const *d = builtin_modules; *d; d++) {
        if (!strcmp((*d)->name, name))
            return *d;
    }
    return NULL;
}

static const char *search_path(struct modhost *mh)
{
    char **env = mh->broker->environment;

    for (; env && *env; env++) {
        if (!strncmp(*env, "FLUX_MODULE_PATH=", 17))
            return *env + 17;
    }
    return flux_conf_builtin_get("module_path", FLUX_CONF_AUTO);
}

/* Find the code of `path`: one of *ret_desc and *ret_dso is set. */
static int find_code(struct modhost *mh, const char *path,
                     const struct flux_module **ret_desc, struct dso **ret_dso,
                     flux_error_t *err)
{
    AUTOFREE char *found = NULL;
    size_t len = strlen(path);

    if (strchr(path, '/') || (len > 3 && !strcmp(path + len - 3, ".so")))
        return dso_open(path, ret_dso, err);
    if ((*ret_desc = find_builtin(path)))
        return 0;
    if (!(found = dso_find(search_path(mh), path)))
        return error_set(err, ENOENT,
                         "module '%s': neither built in nor found in FLUX_MODULE_PATH",
                         path);
    return dso_open(found, ret_dso, err);
}

static int load(struct modhost *mh, const char *path, const char *name, int argc,
                const char *const *argv, struct module **ret, flux_error_t *err)
{
    const struct flux_module *desc = NULL;
    struct dso *dso = NULL;
    struct module *m;
    int rc;

    if (mh->stopped)
        return error_set(err, ESHUTDOWN, "module %s: the broker is shutting down", path);
    if ((rc = find_code(mh, path, &desc, &dso, err)) < 0)
        return rc;
    if (!name)
        name = dso ? dso->name : desc->name;
    if (modhost_find(mh, name)) {
        rc = error_set(err, EEXIST, "module %s is already loaded", name);
        dso_close(dso);
        return rc;
    }
    rc = module_new(mh->broker, name, dso ? path : "builtin", desc, dso, argc, argv, &m);
    if (rc < 0) {
        dso_close(dso);
        return rc;
    }
    *ret = m;
    return 0;
}

void modhost_load(struct modhost *mh, const char *path, const char *name, int argc,
                  const char *const *argv, modhost_done_f done, void *arg)
{
    flux_error_t err = {{0}};
    struct module *m = NULL;
    int rc = load(mh, path, name, argc, argv, &m, &err);

    if (rc < 0) {
        done(-rc, &err, arg);
        return;
    }
    list_append(&mh->modules, &m->link);
    m->loaded = done;
    m->loaded_arg = arg;
    if ((rc = module_start(m, event_cb, mh)) < 0) {
        list_del(&m->link);
        m->loaded = NULL;
        err = m->error;
        module_free(m);
        done(-rc, &err, arg);
    }
}

void modhost_load_line(struct modhost *mh, const char *line, modhost_done_f done,
                       void *arg)
{
    AUTOFREE char *copy = strdup(line);
    const char *argv[ARGS_MAX];
    char *save = NULL, *path;
    int argc = 0;

    if (!copy || !(path = strtok_r(copy, " \t", &save))) {
        done(EINVAL, NULL, arg);
        return;
    }
    for (char *s; argc < ARGS_MAX && (s = strtok_r(NULL, " \t", &save));)
        argv[argc++] = s;
    modhost_load(mh, path, NULL, argc, argv, done, arg);
}

static void stop_module(struct modhost *mh, struct module *m)
{
    watcher_timer_set(mh->slow, SLOW, SLOW);
    watcher_start(mh->slow);
    module_stop(m);
}

void modhost_remove(struct modhost *mh, const char *name, modhost_done_f done, void *arg)
{
    struct module *m = modhost_find(mh, name);
    struct remover *r;

    if (!m) {
        done(ENOENT, NULL, arg);
        return;
    }
    if (!(r = calloc(1, sizeof(*r)))) {
        done(ENOMEM, NULL, arg);
        return;
    }
    r->done = done;
    r->arg = arg;
    list_append(&m->removers, &r->link);
    stop_module(mh, m);
}

static void stop_next(struct modhost *mh)
{
    if (list_empty(&mh->modules)) {
        void (*stopped)(void *arg) = mh->stopped;

        watcher_stop(mh->slow);
        mh->stopped = NULL;
        stopped(mh->stopped_arg);
        return;
    }
    stop_module(mh, list_entry(mh->modules.prev, struct module, link));
}

void modhost_stop(struct modhost *mh, void (*done)(void *arg), void *arg)
{
    mh->stopped = done;
    mh->stopped_arg = arg;
    stop_next(mh);
}

void modhost_crash(struct modhost *mh)
{
    mh->stopped = NULL;
    while (!list_empty(&mh->modules)) {
        struct module *m = list_entry(mh->modules.prev, struct module, link);

        finish_load(m, ECANCELED);
        finish_removals(m);
        module_crash(m);
    }
}

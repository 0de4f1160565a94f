/* One module. Its handle is made on the broker's thread; if it runs on a thread of its
 * own, handle, reactor and the module's code belong to that thread until it returns.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/attr.h>
#include <flux/conf.h>
#include <flux/connector.h>
#include <flux/flog.h>
#include <flux/watcher.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "broker/broker.h"
#include "broker/module.h"

static size_t count(const char *const *v)
{
    size_t n = 0;

    while (v && v[n])
        n++;
    return n;
}

static int copy_args(struct module *m, int argc, const char *const *argv)
{
    const char *const *defaults = m->desc ? m->desc->defaults : NULL;
    size_t nd = count(defaults);

    if (!(m->argv = calloc(nd + argc + 1, sizeof(char *))))
        return -ENOMEM;
    for (size_t i = 0; i < nd + argc; i++) {
        if (!(m->argv[i] = strdup(i < nd ? defaults[i] : argv[i - nd])))
            return -ENOMEM;
        m->argc++;
    }
    return 0;
}

int module_new(struct broker *b, const char *name, const char *path,
               const struct flux_module *desc, struct dso *dso, int argc,
               const char *const *argv, struct module **ret)
{
    struct module *m = calloc(1, sizeof(*m));

    if (!m)
        return -ENOMEM;
    list_init(&m->link);
    list_init(&m->removers);
    m->broker = b;
    m->dso = dso;
    m->desc = dso ? dso->desc : desc;
    m->mod_main = dso ? dso->mod_main : NULL;
    if (!(m->name = strdup(name)) || !(m->path = strdup(path)) ||
        copy_args(m, argc, argv) < 0) {
        m->dso = NULL; /* stays the caller's */
        module_free(m);
        return -ENOMEM;
    }
    m->on_thread = !m->desc || (m->desc->flags & FLUX_MODULE_THREAD);
    if (m->desc && env_is_sim(b->env))
        m->on_thread = false;
    *ret = m;
    return 0;
}

void module_free(struct module *m)
{
    if (!m)
        return;
    port_free(m->port, ENOSYS);
    for (int i = 0; i < m->argc; i++)
        free(m->argv[i]);
    free(m->argv);
    free(m->name);
    free(m->path);
    dso_close(m->dso);
    free(m);
}

static void failed(struct module *m, int errnum)
{
    m->errnum = errnum ? errnum : ECANCELED;
    if (!m->error.text[0])
        error_set(&m->error, m->errnum, "module %s: %s", m->name, strerror(m->errnum));
}

static void tell(struct module *m, enum module_status what)
{
    m->status = what;
    m->event(m, what, m->event_arg);
}

void module_set_running(struct module *m)
{
    if (m->status == MODULE_INIT)
        tell(m, MODULE_RUNNING);
}

/* Call fn on the broker's thread; any thread. */
static int post(struct module *m, void (*fn)(void *arg))
{
    int rc;

    atomic_fetch_add(&m->posts, 1);
    if ((rc = loop_post(m->broker->loop, fn, m)) < 0)
        atomic_fetch_sub(&m->posts, 1);
    return rc;
}

/* A posted call begins. False: the broker has crashed meanwhile. */
static bool landed(struct module *m)
{
    bool last = atomic_fetch_sub(&m->posts, 1) == 1, crashed = m->crashed;

    if (crashed && last)
        module_free(m);
    return !crashed;
}

static void on_running(void *arg)
{
    struct module *m = arg;

    if (landed(m))
        module_set_running(m);
}

static void gone(void *arg)
{
    struct module *m = arg;

    if (landed(m))
        tell(m, MODULE_EXITED);
}

/* What it said last (why it failed, for one) is in its port: let that through first. */
static void exited(struct module *m)
{
    if (m->thread)
        env_thread_join(TAKE(m->thread));
    if (m->status == MODULE_INIT && !m->errnum)
        failed(m, 0);
    if (post(m, gone) < 0)
        tell(m, MODULE_EXITED);
}

static void on_exited(void *arg)
{
    struct module *m = arg;

    if (landed(m))
        exited(m);
}

/* On the module's thread. */
static void say_running(struct module *m)
{
    (void)post(m, on_running);
}

/* Run the module's own start, on its thread. */
static int init(struct module *m)
{
    errno = 0;
    if (modmethods_add(m) < 0)
        return -1;
    if (m->desc->init(m->h, m->argc, m->argv, &m->ctx) < 0)
        return -1;
    return 0;
}

static void fini(struct module *m)
{
    if (m->desc && m->desc->fini)
        m->desc->fini(m->h, m->ctx);
    flux_msg_handler_delvec(TAKE(m->methods));
    flux_close(TAKE(m->h));
}

static void finish_inline(struct module *m)
{
    fini(m);
    exited(m);
}

static void on_stopped(void *arg)
{
    struct module *m = arg;

    if (landed(m))
        finish_inline(m);
}

void module_stopped(flux_t *h)
{
    struct module *m = flux_aux_get(h, "flux::module");

    if (m->on_thread)
        flux_reactor_stop(flux_get_reactor(h));
    else
        (void)post(m, on_stopped);
}

static void start_inline(struct module *m)
{
    if (flux_set_reactor(m->h, m->broker->reactor) == 0 && init(m) == 0) {
        tell(m, MODULE_RUNNING);
        return;
    }
    failed(m, errno ? errno : EINVAL);
    m->desc = NULL; /* nothing for fini to undo */
    if (post(m, on_stopped) < 0)
        finish_inline(m);
}

static void entered_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    say_running(arg);
    flux_watcher_stop(w);
}

static void run_module(struct module *m, flux_reactor_t *r)
{
    if (init(m) < 0) {
        failed(m, errno ? errno : EINVAL);
        m->desc = NULL; /* nothing for fini to undo */
        return;
    }
    say_running(m);
    if (flux_reactor_run(r, 0) < 0)
        failed(m, errno);
}

/* A mod_main that enters its reactor has started, whether it says so or not. */
static void run_main(struct module *m, flux_reactor_t *r)
{
    flux_watcher_t *w = flux_prepare_watcher_create(r, entered_cb, m);

    if (w) {
        flux_watcher_unref(w);
        flux_watcher_start(w);
    }
    errno = 0;
    if (modmethods_add(m) < 0 || m->mod_main(m->h, m->argc, m->argv) < 0)
        failed(m, errno ? errno : EINVAL);
    flux_watcher_destroy(w);
}

static void thread_main(void *arg)
{
    struct module *m = arg;
    flux_reactor_t *r = flux_reactor_create_env(m->broker->env);

    if (!r || flux_set_reactor(m->h, r) < 0)
        failed(m, errno);
    else if (m->desc)
        run_module(m, r);
    else
        run_main(m, r);
    fini(m);
    flux_reactor_destroy(r);
    (void)post(m, on_exited);
}

/* Requests are answered by nobody from the moment the handle is closed; on_exited()
 * tells those who wait. */
static void port_closed(struct port *p, void *arg)
{
}

static void seed_attr(const char *name, const char *value, void *arg)
{
    flux_attr_set_cacheonly(arg, name, value);
}

static int make_handle(struct module *m)
{
    struct broker *b = m->broker;
    int rc = port_new(b->router, b->reactor, m->name, port_closed, m, &m->port, &m->h);

    if (rc < 0)
        return rc;
    if (flux_aux_set(m->h, "flux::module", m, NULL) < 0 ||
        (b->store && flux_aux_set(m->h, "flux::store", b->store, NULL) < 0) ||
        flux_aux_set(m->h, "flux::env", b->env, NULL) < 0 ||
        flux_aux_set(m->h, "flux::name", m->name, NULL) < 0 ||
        flux_aux_set(m->h, "flux::uuid", port_endpoint(m->port)->uuid, NULL) < 0 ||
        flux_aux_set(m->h, "flux::debug_flags", &m->debug_flags, NULL) < 0 ||
        flux_aux_set(m->h, "flux::conf", (void *)flux_conf_incref(config_get(b->config)),
                     (flux_free_f)flux_conf_decref) < 0 ||
        flux_set_conf(m->h, config_get(b->config)) < 0)
        return -errno;
    flux_log_set_appname(m->h, m->name);
    attrs_each_fixed(b->attrs, seed_attr, m->h);
    return 0;
}

static int add_service(struct module *m, const char *name)
{
    struct router *r = m->broker->router;
    int rc = router_service_add(r, port_endpoint(m->port), name);

    if (rc == -EEXIST)
        error_set(&m->error, EEXIST, "module %s: service '%s' is taken by %s", m->name,
                  name, router_service_find(r, name)->name);
    else if (rc < 0)
        error_set(&m->error, -rc, "module %s: service '%s': %s", m->name, name,
                  strerror(-rc));
    return rc;
}

static int add_services(struct module *m)
{
    const char *const *names = m->desc ? m->desc->services : NULL;
    int rc = add_service(m, m->name);

    for (; rc == 0 && names && *names; names++)
        rc = add_service(m, *names);
    return rc;
}

int module_start(struct module *m, module_event_f event_fn, void *arg)
{
    int rc;

    m->event = event_fn;
    m->event_arg = arg;
    if ((rc = make_handle(m)) < 0 || (rc = add_services(m)) < 0)
        goto error;
    if (!m->on_thread) {
        start_inline(m);
        return 0;
    }
    rc = env_thread_start(m->broker->env, m->name, thread_main, m, &m->thread);
    if (rc == 0)
        return 0;
error:
    failed(m, -rc);
    flux_close(TAKE(m->h));
    return rc;
}

void module_stop(struct module *m)
{
    struct endpoint *ep = port_endpoint(m->port);
    flux_msg_t *msg;
    char topic[256];

    if (m->stopping)
        return;
    m->stopping = true;
    m->status = MODULE_FINALIZING;
    snprintf(topic, sizeof(topic), "%s.shutdown", m->name);
    if (!(msg = flux_msg_create(FLUX_MSGTYPE_REQUEST)))
        return;
    flux_msg_route_enable(msg);
    if (flux_msg_set_topic(msg, topic) < 0 || flux_msg_set_noresponse(msg) < 0 ||
        flux_msg_set_cred(msg, ep->cred) < 0 ||
        flux_msg_route_push(msg, core_endpoint(m->broker->core)->uuid) < 0) {
        flux_msg_destroy(msg);
        return;
    }
    ep->send(ep, msg);
}

void module_crash(struct module *m)
{
    list_del(&m->link);
    m->crashed = true;
    /* A thread finds its handle dead, and returns. */
    if (m->thread) {
        port_free(TAKE(m->port), EHOSTUNREACH);
        env_thread_join(TAKE(m->thread));
    } else if (m->h)
        fini(m);
    if (atomic_load(&m->posts) == 0) {
        module_free(m);
        return;
    }
    port_free(TAKE(m->port), EHOSTUNREACH);
}

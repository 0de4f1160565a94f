/* The broker object: what it is told, and what it is made of. life.c moves it through its
 * life. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <flux/connector.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/strv.h"
#include "broker/broker.h"
#include "broker/enclosing.h"
#include "broker/life.h"
#include "broker/tidy.h"

/* A handle of the embedding program. */
struct handle {
    struct list link;
    struct port *port;
};

static int take_strings(struct broker *b, const struct flux_instance_options *opts)
{
    const char *const *env = opts->environment;

    if (!(b->environment = strv_copy(env ? env : (const char *const *)environ)))
        return -ENOMEM;
    if (opts->program && opts->program[0] && !(b->argv = strv_copy(opts->program)))
        return -ENOMEM;
    if (opts->modules && !(b->modules = strv_copy(opts->modules)))
        return -ENOMEM;
    return 0;
}

static int take_attrs(struct broker *b, const struct flux_instance_options *opts,
                      flux_error_t *err)
{
    const char *const *a = opts->attrs;
    int rc = attrs_new(&b->attrs);

    for (; rc == 0 && a && *a; a++)
        rc = attrs_set_user(b->attrs, *a, err);
    if (rc == 0 && opts->statedir)
        rc = attrs_set(b->attrs, "statedir", opts->statedir, ATTR_BOOT);
    if (rc == 0 && opts->rundir)
        rc = attrs_set(b->attrs, "rundir", opts->rundir, ATTR_BOOT);
    if (rc == 0 && opts->test_cores < 0)
        rc = error_set(err, EINVAL, "test_cores: %d is no number of cores",
                       opts->test_cores);
    if (rc == 0 && opts->test_cores > 0)
        rc = attrs_setf(b->attrs, "test.cores", ATTR_BOOT, "%d", opts->test_cores);
    return rc;
}

/* An older program knows fewer fields. */
static void read_options(struct flux_instance_options *o,
                         const struct flux_instance_options *given)
{
    size_t size = given ? given->size : 0;

    memset(o, 0, sizeof(*o));
    if (size > 0)
        memcpy(o, given, size < sizeof(*o) ? size : sizeof(*o));
}

int broker_new(struct env *env, flux_reactor_t *reactor,
               const struct flux_instance_options *opts, struct broker **ret,
               flux_error_t *err)
{
    struct broker *b = calloc(1, sizeof(*b));
    struct flux_instance_options o;
    int rc;

    if (!b)
        return error_set(err, ENOMEM, "out of memory");
    read_options(&o, opts);
    list_init(&b->handles);
    b->env = env_ref(env);
    flux_reactor_incref(reactor);
    b->reactor = reactor;
    b->loop = flux_reactor_loop(reactor);
    b->owner = geteuid();
    b->starttime = env_time(env);
    b->size = 1;
    b->orphan_timeout = -1;
    env_uuid(env, b->uuid);
    if ((rc = take_strings(b, &o)) < 0 || (rc = take_attrs(b, &o, err)) < 0 ||
        (rc = config_new(o.config, o.config_keys, &b->config, err)) < 0 ||
        (rc = log_new(env, 1024, &b->log)) < 0 || (rc = state_new(b, &b->state)) < 0 ||
        (rc = tidy_new(b->loop, &b->tidy)) < 0)
        goto error;
    log_set_hook(b->log, o.log, o.log_arg);
    *ret = b;
    return 0;
error:
    if (err && rc == -ENOMEM)
        error_set(err, ENOMEM, "out of memory");
    broker_free(b);
    return rc;
}

void broker_free(struct broker *b)
{
    if (!b)
        return;
    place_free(b->given);
    tidy_free(b->tidy);
    state_free(b->state);
    log_free(b->log);
    config_free(b->config);
    attrs_free(b->attrs);
    strv_free(b->environment);
    strv_free(b->argv);
    strv_free(b->modules);
    flux_reactor_decref(b->reactor);
    env_unref(b->env);
    free(b);
}

bool broker_is_down(const struct broker *b)
{
    return b->down;
}

int broker_exit_code(const struct broker *b)
{
    return b->exit_code;
}

static void handle_closed(struct port *p, void *arg)
{
    struct handle *h = arg;

    list_del(&h->link);
    port_free(p, EHOSTUNREACH);
    free(h);
}

int broker_open(struct broker *b, flux_t **ret)
{
    struct handle *h = calloc(1, sizeof(*h));
    int rc;

    if (!h)
        return -ENOMEM;
    if ((rc = port_new(b->router, b->reactor, "program", handle_closed, h, &h->port,
                       ret)) < 0) {
        free(h);
        return rc;
    }
    list_append(&b->handles, &h->link);
    return 0;
}

static void close_handles(struct broker *b)
{
    list_each(h, &b->handles, struct handle, link)
    {
        list_del(&h->link);
        port_free(h->port, EHOSTUNREACH);
        free(h);
    }
}

void broker_release(struct broker *b, bool crash)
{
    enum rexec_end how = crash ? REXEC_DROP : b->durable ? REXEC_KEEP : REXEC_END;

    b->crashing = crash;
    if (crash) /* nobody hears of what follows */
        peers_free(TAKE(b->peers));
    watcher_free(TAKE(b->finish));
    watcher_free(TAKE(b->patience));
    cleanup_free(TAKE(b->cleanup));
    enclosing_free(TAKE(b->enclosing));
    program_free(TAKE(b->program));
    if (crash && b->modhost)
        modhost_crash(b->modhost);
    rexec_free(TAKE(b->rexec), how);
    modhost_free(TAKE(b->modhost));
    server_free(TAKE(b->server));
    close_handles(b);
    quorum_free(TAKE(b->quorum));
    config_stop(b->config);
    flux_close(TAKE(b->h));
    port_free(TAKE(b->port), ENOSYS);
    peers_free(TAKE(b->peers));
    enrol_free(b);
    log_serve(b->log, NULL, NULL);
    core_free(TAKE(b->core));
    groups_free(TAKE(b->groups));
    tree_free(TAKE(b->tree));
    events_free(TAKE(b->events));
    flux_msglist_destroy(TAKE(b->shutdowns));
    router_free(TAKE(b->router));
    store_close(TAKE(b->store));
    dirs_close(&b->dirs, crash || (b->durable && b->rank > 0));
    b->place = NULL;
    place_free(TAKE(b->given));
    boot_free(TAKE(b->boot));
}

void broker_crash(struct broker *b)
{
    if (!b)
        return;
    if (b->booting) { /* by a thread of its own: it comes back here */
        b->crashing = true;
        b->up = NULL;
        boot_cancel(b->boot);
        return;
    }
    if (!b->down)
        broker_release(b, true);
    broker_free(b);
}

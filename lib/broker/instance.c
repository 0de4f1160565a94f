/* <flux/embed.h>: a broker on a thread of its own, or on the caller's. Calls from other
 * threads are posted to the broker's loop; what they wait for is told under one mutex.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <flux/connector.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "broker/broker.h"

enum phase { NEW, STARTING, RUNNING, DOWN };

/* A handle wanted by another thread. */
struct opening {
    struct list link;
    flux_t *h;
    int rc;
    bool done;
};

struct flux_instance {
    struct env *env;
    flux_reactor_t *reactor;
    struct loop *loop;
    struct broker *broker;
    struct env_thread *thread;

    pthread_mutex_t lock; /* for what follows */
    pthread_cond_t changed;
    enum phase phase;
    pthread_t self; /* the broker's thread, from STARTING on */
    bool stop_asked;
    struct list openings;
    char *uri;
    int errnum, exit_code;
    flux_error_t error;
};

/* Return through a pointer what went wrong. */
static int failed(flux_error_t *error, int errnum, const char *text)
{
    if (!error || text != error->text)
        error_set(error, errnum, "%s", text && *text ? text : strerror(errnum));
    errno = errnum;
    return -1;
}

/* A launcher that started the program did so for the program: the instance in it joins
 * others only when it is told to. */
static int stay_alone(struct broker *b)
{
    static const char *const told[] = {"boot.method", "broker.boot-method",
                                       "boot.config_file"};

    for (size_t i = 0; i < ARRAY_SIZE(told); i++) {
        if (attrs_get(b->attrs, told[i]))
            return 0;
    }
    if (json_get(config_tree(b->config), "bootstrap"))
        return 0;
    return attrs_set(b->attrs, "broker.boot-method", "single", ATTR_BOOT);
}

struct flux_instance *flux_instance_create(const struct flux_instance_options *opts,
                                           flux_error_t *error)
{
    struct flux_instance *in = calloc(1, sizeof(*in));
    pthread_condattr_t attr;
    int rc = -ENOMEM;

    if (error)
        error->text[0] = '\0';
    if (!in) {
        failed(error, ENOMEM, NULL);
        return NULL;
    }
    list_init(&in->openings);
    pthread_mutex_init(&in->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&in->changed, &attr);
    pthread_condattr_destroy(&attr);
    if ((rc = env_new_real(&in->env)) < 0)
        goto error;
    if (!(in->reactor = flux_reactor_create_env(in->env))) {
        rc = -errno;
        goto error;
    }
    in->loop = flux_reactor_loop(in->reactor);
    if ((rc = broker_new(in->env, in->reactor, opts, &in->broker, error)) < 0 ||
        (rc = stay_alone(in->broker)) < 0)
        goto error;
    return in;
error:
    failed(error, -rc, error && error->text[0] ? error->text : NULL);
    rc = errno;
    flux_instance_destroy(in);
    errno = rc;
    return NULL;
}

static void set_phase(struct flux_instance *in, enum phase phase)
{
    pthread_mutex_lock(&in->lock);
    in->phase = phase;
    pthread_cond_broadcast(&in->changed);
    pthread_mutex_unlock(&in->lock);
}

static void up_cb(int errnum, const flux_error_t *err, void *arg)
{
    struct flux_instance *in = arg;

    pthread_mutex_lock(&in->lock);
    if (errnum) {
        in->errnum = errnum;
        in->error = *err;
    } else {
        const char *uri = attrs_get(in->broker->attrs, "local-uri");

        in->uri = uri ? strdup(uri) : NULL;
        in->phase = RUNNING;
        pthread_cond_broadcast(&in->changed);
    }
    pthread_mutex_unlock(&in->lock);
}

/* On the broker's thread: do what other threads asked for. It may run late, when the
 * loop is wound up and the broker has gone. */
static void attend(void *arg)
{
    struct flux_instance *in = arg;
    bool stop;

    if (!in->broker || broker_is_down(in->broker))
        return;
    pthread_mutex_lock(&in->lock);
    stop = in->stop_asked;
    list_each(o, &in->openings, struct opening, link)
    {
        list_del(&o->link);
        o->rc = broker_open(in->broker, &o->h);
        o->done = true;
    }
    pthread_cond_broadcast(&in->changed);
    pthread_mutex_unlock(&in->lock);
    if (stop)
        broker_stop(in->broker);
}

/* The broker's whole life, on this thread. */
static void live(void *arg)
{
    struct flux_instance *in = arg;
    bool stop;

    pthread_mutex_lock(&in->lock);
    in->self = pthread_self();
    stop = in->stop_asked;
    pthread_mutex_unlock(&in->lock);
    if (stop)
        broker_stop(in->broker);
    broker_start(in->broker, up_cb, in);
    while (!broker_is_down(in->broker))
        flux_reactor_run(in->reactor, 0);
    in->exit_code = broker_exit_code(in->broker);
    set_phase(in, DOWN);
}

/* Claim the one life an instance has. */
static int begin(struct flux_instance *in, flux_error_t *error)
{
    int rc = 0;

    if (error)
        error->text[0] = '\0';
    pthread_mutex_lock(&in->lock);
    if (in->phase != NEW)
        rc = -1;
    else
        in->phase = STARTING;
    pthread_mutex_unlock(&in->lock);
    if (rc < 0)
        return failed(error, EALREADY, "an instance runs only once");
    return 0;
}

int flux_instance_start(struct flux_instance *in, flux_error_t *error)
{
    int rc;

    if (begin(in, error) < 0)
        return -1;
    if ((rc = env_thread_start(in->env, "flux-broker", live, in, &in->thread)) < 0) {
        set_phase(in, DOWN);
        return failed(error, -rc, NULL);
    }
    pthread_mutex_lock(&in->lock);
    while (in->phase == STARTING)
        pthread_cond_wait(&in->changed, &in->lock);
    rc = in->errnum;
    pthread_mutex_unlock(&in->lock);
    return rc ? failed(error, rc, in->error.text) : 0;
}

int flux_instance_run(struct flux_instance *in, flux_error_t *error)
{
    if (begin(in, error) < 0)
        return -1;
    live(in);
    if (in->errnum)
        return failed(error, in->errnum, in->error.text);
    return in->exit_code;
}

void flux_instance_stop(struct flux_instance *in)
{
    pthread_mutex_lock(&in->lock);
    in->stop_asked = true;
    if (in->phase == STARTING || in->phase == RUNNING)
        loop_post(in->loop, attend, in);
    pthread_mutex_unlock(&in->lock);
}

static bool own_thread(const struct flux_instance *in)
{
    return pthread_equal(in->self, pthread_self());
}

/* `timeout` seconds from now, on the clock of in->changed. */
static struct timespec deadline(const struct flux_instance *in, double timeout)
{
    double t = env_monotonic(in->env) + timeout;
    struct timespec ts = {.tv_sec = (time_t)t};

    ts.tv_nsec = (long)((t - (double)ts.tv_sec) * 1e9);
    return ts;
}

int flux_instance_wait(struct flux_instance *in, double timeout)
{
    struct timespec until = deadline(in, timeout > 0 ? timeout : 0);
    int rc = 0;

    pthread_mutex_lock(&in->lock);
    if (in->phase == NEW)
        rc = EINVAL;
    else if (in->phase != DOWN && own_thread(in))
        rc = EDEADLK;
    while (rc == 0 && in->phase != DOWN) {
        if (timeout < 0)
            pthread_cond_wait(&in->changed, &in->lock);
        else
            rc = pthread_cond_timedwait(&in->changed, &in->lock, &until);
    }
    pthread_mutex_unlock(&in->lock);
    if (rc) {
        errno = rc;
        return -1;
    }
    return in->exit_code;
}

/* Called with the lock held. */
static void open_there(struct flux_instance *in, struct opening *o)
{
    if (in->phase != RUNNING)
        return;
    list_append(&in->openings, &o->link);
    if (loop_post(in->loop, attend, in) < 0)
        o->rc = -ENOMEM;
    else {
        while (!o->done && in->phase == RUNNING)
            pthread_cond_wait(&in->changed, &in->lock);
    }
    list_del(&o->link);
}

flux_t *flux_instance_open(struct flux_instance *in, int flags, flux_error_t *error)
{
    struct opening o = {.rc = -ENOTCONN};
    bool here;

    if (error)
        error->text[0] = '\0';
    list_init(&o.link);
    pthread_mutex_lock(&in->lock);
    here = in->phase == RUNNING && own_thread(in);
    if (!here)
        open_there(in, &o);
    pthread_mutex_unlock(&in->lock);
    if (here)
        o.rc = broker_open(in->broker, &o.h);
    if (o.rc < 0) {
        failed(error, -o.rc, o.rc == -ENOTCONN ? "the instance does not run" : NULL);
        return NULL;
    }
    if (flags)
        flux_flags_set(o.h, flags);
    return o.h;
}

const char *flux_instance_uri(const struct flux_instance *in)
{
    struct flux_instance *i = (struct flux_instance *)in;
    const char *uri;

    pthread_mutex_lock(&i->lock);
    uri = i->uri;
    pthread_mutex_unlock(&i->lock);
    return uri;
}

void flux_instance_destroy(struct flux_instance *in)
{
    if (!in)
        return;
    if (in->thread) {
        flux_instance_stop(in);
        env_thread_join(in->thread);
    }
    broker_free(TAKE(in->broker));
    flux_reactor_destroy(in->reactor);
    env_unref(in->env);
    pthread_cond_destroy(&in->changed);
    pthread_mutex_destroy(&in->lock);
    free(in->uri);
    free(in);
}

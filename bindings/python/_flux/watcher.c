/* Watchers. A callback is called with the watcher and the conditions that hold; it may stop
 * or destroy it. A started watcher lives without anybody holding it.
 */
#include "binding.h"

static void on_event(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct object *o = arg;
    struct inside in;

    inside_begin(&in, o);
    Py_INCREF(PY(o));
    inside_call(&in, r, (PyObject *)o, PyLong_FromLong(revents));
    if (o->p && !flux_watcher_is_active(o->p)) /* a timer without repetition */
        realm_release(o);
    inside_end(&in);
}

static struct object *prepare(PyObject *module, struct object *reactor,
                              PyObject *callback)
{
    return object_empty(PyModule_GetState(module), KIND_WATCHER, reactor, callback);
}

static PyObject *py_fd_watcher_create(PyObject *module, PyObject *const *args,
                                      Py_ssize_t n)
{
    struct object *r, *o;
    PyObject *callback;
    int fd, events;

    if (!args_get(module, args, n, "flux_fd_watcher_create", "RiiC", &r, &fd, &events,
                  &callback) ||
        !(o = prepare(module, r, callback)))
        return NULL;
    return object_fill(o, flux_fd_watcher_create(r->p, fd, events, on_event, o));
}

static PyObject *py_fd_watcher_get_fd(PyObject *module, PyObject *const *args,
                                      Py_ssize_t n)
{
    struct object *w;
    int fd;

    if (!args_get(module, args, n, "flux_fd_watcher_get_fd", "W", &w))
        return NULL;
    fd = flux_fd_watcher_get_fd(w->p);
    return fd < 0 ? fail(errno, NULL) : PyLong_FromLong(fd);
}

static PyObject *py_timer_watcher_create(PyObject *module, PyObject *const *args,
                                         Py_ssize_t n)
{
    struct object *r, *o;
    double after, repeat;
    PyObject *callback;

    if (!args_get(module, args, n, "flux_timer_watcher_create", "RddC", &r, &after,
                  &repeat, &callback) ||
        !(o = prepare(module, r, callback)))
        return NULL;
    return object_fill(o, flux_timer_watcher_create(r->p, after, repeat, on_event, o));
}

static PyObject *py_timer_watcher_reset(PyObject *module, PyObject *const *args,
                                        Py_ssize_t n)
{
    double after, repeat;
    struct object *w;

    if (!args_get(module, args, n, "flux_timer_watcher_reset", "Wdd", &w, &after,
                  &repeat))
        return NULL;
    flux_timer_watcher_reset(w->p, after, repeat);
    Py_RETURN_NONE;
}

static PyObject *py_signal_watcher_create(PyObject *module, PyObject *const *args,
                                          Py_ssize_t n)
{
    struct object *r, *o;
    PyObject *callback;
    int signum;

    if (!args_get(module, args, n, "flux_signal_watcher_create", "RiC", &r, &signum,
                  &callback) ||
        !(o = prepare(module, r, callback)))
        return NULL;
    return object_fill(o, flux_signal_watcher_create(r->p, signum, on_event, o));
}

static PyObject *py_signal_watcher_get_signum(PyObject *module, PyObject *const *args,
                                              Py_ssize_t n)
{
    struct object *w;
    int signum;

    if (!args_get(module, args, n, "flux_signal_watcher_get_signum", "W", &w))
        return NULL;
    signum = flux_signal_watcher_get_signum(w->p);
    return signum < 0 ? fail(errno, NULL) : PyLong_FromLong(signum);
}

static PyObject *loop_watcher(PyObject *module, PyObject *const *args, Py_ssize_t n,
                              const char *who,
                              flux_watcher_t *(*create)(flux_reactor_t *r,
                                                        flux_watcher_f cb, void *arg))
{
    struct object *r, *o;
    PyObject *callback;

    if (!args_get(module, args, n, who, "RC", &r, &callback) ||
        !(o = prepare(module, r, callback)))
        return NULL;
    return object_fill(o, create(r->p, on_event, o));
}

static PyObject *py_prepare_watcher_create(PyObject *module, PyObject *const *args,
                                           Py_ssize_t n)
{
    return loop_watcher(module, args, n, "flux_prepare_watcher_create",
                        flux_prepare_watcher_create);
}

static PyObject *py_check_watcher_create(PyObject *module, PyObject *const *args,
                                         Py_ssize_t n)
{
    return loop_watcher(module, args, n, "flux_check_watcher_create",
                        flux_check_watcher_create);
}

static PyObject *py_idle_watcher_create(PyObject *module, PyObject *const *args,
                                        Py_ssize_t n)
{
    return loop_watcher(module, args, n, "flux_idle_watcher_create",
                        flux_idle_watcher_create);
}

static PyObject *py_watcher_start(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    PyObject *with = NULL;
    struct object *w;

    if (!args_get(module, args, n, "flux_watcher_start", "W|O", &w, &with) ||
        realm_keep(w, with) < 0)
        return NULL;
    flux_watcher_start(w->p);
    Py_RETURN_NONE;
}

static PyObject *py_watcher_stop(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *w;

    if (!args_get(module, args, n, "flux_watcher_stop", "W", &w))
        return NULL;
    flux_watcher_stop(w->p);
    realm_release(w);
    Py_RETURN_NONE;
}

static PyObject *py_watcher_destroy(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *w;

    if (!args_get(module, args, n, "flux_watcher_destroy", "W", &w))
        return NULL;
    object_destroy(w);
    realm_release(w);
    Py_RETURN_NONE;
}

static PyObject *change(PyObject *module, PyObject *const *args, Py_ssize_t n,
                        const char *who, void (*fn)(flux_watcher_t *w))
{
    struct object *w;

    if (!args_get(module, args, n, who, "W", &w))
        return NULL;
    fn(w->p);
    Py_RETURN_NONE;
}

static PyObject *py_timer_watcher_again(PyObject *module, PyObject *const *args,
                                        Py_ssize_t n)
{
    PyObject *with = NULL;
    struct object *w;

    if (!args_get(module, args, n, "flux_timer_watcher_again", "W|O", &w, &with) ||
        realm_keep(w, with) < 0)
        return NULL;
    flux_timer_watcher_again(w->p);
    if (!flux_watcher_is_active(w->p))
        realm_release(w);
    Py_RETURN_NONE;
}

static PyObject *py_watcher_ref(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    return change(module, args, n, "flux_watcher_ref", flux_watcher_ref);
}

static PyObject *py_watcher_unref(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    return change(module, args, n, "flux_watcher_unref", flux_watcher_unref);
}

static PyObject *py_watcher_is_active(PyObject *module, PyObject *const *args,
                                      Py_ssize_t n)
{
    struct object *w;

    if (!args_get(module, args, n, "flux_watcher_is_active", "W", &w))
        return NULL;
    return PyBool_FromLong(flux_watcher_is_active(w->p));
}

static PyObject *py_watcher_is_referenced(PyObject *module, PyObject *const *args,
                                          Py_ssize_t n)
{
    struct object *w;

    if (!args_get(module, args, n, "flux_watcher_is_referenced", "W", &w))
        return NULL;
    return PyBool_FromLong(flux_watcher_is_referenced(w->p));
}

static PyObject *py_watcher_next_wakeup(PyObject *module, PyObject *const *args,
                                        Py_ssize_t n)
{
    struct object *w;
    double t;

    if (!args_get(module, args, n, "flux_watcher_next_wakeup", "W", &w))
        return NULL;
    t = flux_watcher_next_wakeup(w->p);
    return t < 0 ? fail(errno, NULL) : PyFloat_FromDouble(t);
}

static PyObject *py_watcher_set_priority(PyObject *module, PyObject *const *args,
                                         Py_ssize_t n)
{
    struct object *w;
    int priority;

    if (!args_get(module, args, n, "flux_watcher_set_priority", "Wi", &w, &priority))
        return NULL;
    flux_watcher_set_priority(w->p, priority);
    Py_RETURN_NONE;
}

static const PyMethodDef functions[] = {
    FUNCTION(fd_watcher_create, "(reactor, fd, events, callback) -> watcher"),
    FUNCTION(fd_watcher_get_fd, "(watcher) -> int"),
    FUNCTION(timer_watcher_create, "(reactor, after, repeat, callback) -> watcher"),
    FUNCTION(timer_watcher_reset, "(watcher, after, repeat)"),
    FUNCTION(timer_watcher_again, "(watcher, keep=None)"),
    FUNCTION(signal_watcher_create, "(reactor, signum, callback) -> watcher"),
    FUNCTION(signal_watcher_get_signum, "(watcher) -> int"),
    FUNCTION(prepare_watcher_create, "(reactor, callback) -> watcher"),
    FUNCTION(check_watcher_create, "(reactor, callback) -> watcher"),
    FUNCTION(idle_watcher_create, "(reactor, callback) -> watcher"),
    FUNCTION(watcher_start, "(watcher, keep=None)"),
    FUNCTION(watcher_stop, "(watcher)"),
    FUNCTION(watcher_destroy, "(watcher)"),
    FUNCTION(watcher_ref, "(watcher)"),
    FUNCTION(watcher_unref, "(watcher)"),
    FUNCTION(watcher_is_active, "(watcher) -> bool"),
    FUNCTION(watcher_is_referenced, "(watcher) -> bool"),
    FUNCTION(watcher_next_wakeup, "(watcher) -> float"),
    FUNCTION(watcher_set_priority, "(watcher, priority)"),
    FUNCTIONS_END,
};

const struct noun noun_watcher = {functions, NULL};

/* The reactor. While it runs on Python's main thread, a signal wakes it: Python writes to a
 * pipe that the reactor watches, Python's own handlers are called, and what they raise
 * (KeyboardInterrupt) ends the run.
 */
#include "binding.h"

#include <fcntl.h>
#include <unistd.h>

static PyObject *py_reactor_create(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    int flags = 0;

    if (!args_get(module, args, n, "flux_reactor_create", "|i", &flags))
        return NULL;
    return object_new(PyModule_GetState(module), KIND_REACTOR, flux_reactor_create(flags),
                      NULL);
}

static PyObject *py_get_reactor(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    flux_reactor_t *r;
    struct object *h;

    if (!args_get(module, args, n, "flux_get_reactor", "H", &h))
        return NULL;
    if ((r = flux_get_reactor(h->p)))
        flux_reactor_incref(r);
    return object_new(PyModule_GetState(module), KIND_REACTOR, r, h);
}

static PyObject *py_set_reactor(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *h, *r;

    if (!args_get(module, args, n, "flux_set_reactor", "HR", &h, &r))
        return NULL;
    if (flux_set_reactor(h->p, r->p) < 0)
        return fail(errno, NULL);
    if (realm_join(h->realm, r->realm) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* ---- signals ---- */

struct wakeup {
    struct state *st;
    struct object *reactor; /* borrowed */
    int fd[2];
    PyObject *before; /* the descriptor that Python wrote to until now */
    flux_watcher_t *w;
};

/* Those of the one whose descriptor we took the place of. */
static void pass_on(struct wakeup *wk, const char *signals, ssize_t n)
{
    long fd = PyLong_AsLong(wk->before);

    if (fd >= 0 && write((int)fd, signals, (size_t)n) < 0)
        errno = 0; /* its own business */
}

static void drain(struct wakeup *wk)
{
    char buf[64];
    ssize_t n;

    while ((n = read(wk->fd[0], buf, sizeof(buf))) > 0)
        pass_on(wk, buf, n);
}

static void on_signal(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct wakeup *wk = arg;
    struct inside in;

    inside_begin(&in, wk->reactor);
    drain(wk);
    if (PyErr_CheckSignals() < 0) {
        realm_take_exception(wk->reactor->realm);
        errno = EINTR;
        flux_reactor_stop_error(r);
    }
    inside_end(&in);
}

static void wakeup_end(struct wakeup *wk)
{
    PyObject *type, *value, *traceback;

    PyErr_Fetch(&type, &value, &traceback);
    if (wk->before) {
        PyObject *ours =
            PyObject_CallFunctionObjArgs(wk->st->set_wakeup_fd, wk->before, NULL);

        if (!ours)
            PyErr_WriteUnraisable(NULL);
        Py_XDECREF(ours);
        drain(wk);
    }
    Py_CLEAR(wk->before);
    flux_watcher_destroy(wk->w);
    for (int i = 0; i < 2; i++) {
        if (wk->fd[i] >= 0)
            close(wk->fd[i]);
    }
    PyErr_Restore(type, value, traceback);
}

/* False with an exception. */
static bool wakeup_begin(struct wakeup *wk, struct state *st, struct object *reactor)
{
    *wk = (struct wakeup){.st = st, .reactor = reactor, .fd = {-1, -1}};
    if (pipe2(wk->fd, O_CLOEXEC | O_NONBLOCK) < 0 ||
        !(wk->w = flux_fd_watcher_create(reactor->p, wk->fd[0], FLUX_POLLIN, on_signal,
                                         wk))) {
        fail(errno, NULL);
        wakeup_end(wk);
        return false;
    }
    flux_watcher_unref(wk->w);
    flux_watcher_start(wk->w);
    wk->before = PyObject_CallFunction(st->set_wakeup_fd, "i", wk->fd[1]);
    /* What came before the pipe was there. */
    if (!wk->before || PyErr_CheckSignals() < 0) {
        wakeup_end(wk);
        return false;
    }
    return true;
}

/* ---- running ---- */

static PyObject *run(struct object *r, int flags)
{
    struct outside out;
    int rc;

    outside_begin(&out, r->realm);
    rc = flux_reactor_run(r->p, flags);
    if (!outside_end(&out))
        return NULL;
    return rc < 0 ? fail(errno, NULL) : PyLong_FromLong(rc);
}

static PyObject *py_reactor_run(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct state *st = PyModule_GetState(module);
    struct object *r;
    struct wakeup wk;
    PyObject *result;
    int flags = 0;

    if (!args_get(module, args, n, "flux_reactor_run", "R|i", &r, &flags))
        return NULL;
    if (!is_main_thread(st) || (flags & FLUX_REACTOR_NOWAIT))
        return run(r, flags);
    if (!wakeup_begin(&wk, st, r))
        return NULL;
    result = run(r, flags);
    wakeup_end(&wk);
    return result;
}

static PyObject *py_reactor_stop(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *r;

    if (!args_get(module, args, n, "flux_reactor_stop", "R", &r))
        return NULL;
    flux_reactor_stop(r->p);
    Py_RETURN_NONE;
}

/* C takes errno; here it may be given. */
static PyObject *py_reactor_stop_error(PyObject *module, PyObject *const *args,
                                       Py_ssize_t n)
{
    int errnum = ECANCELED;
    struct object *r;

    if (!args_get(module, args, n, "flux_reactor_stop_error", "R|i", &r, &errnum))
        return NULL;
    errno = errnum;
    flux_reactor_stop_error(r->p);
    Py_RETURN_NONE;
}

static PyObject *py_reactor_now(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *r;

    if (!args_get(module, args, n, "flux_reactor_now", "R", &r))
        return NULL;
    return PyFloat_FromDouble(flux_reactor_now(r->p));
}

static PyObject *py_reactor_now_update(PyObject *module, PyObject *const *args,
                                       Py_ssize_t n)
{
    struct object *r;

    if (!args_get(module, args, n, "flux_reactor_now_update", "R", &r))
        return NULL;
    flux_reactor_now_update(r->p);
    Py_RETURN_NONE;
}

static PyObject *py_reactor_time(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    if (!args_get(module, args, n, "flux_reactor_time", ""))
        return NULL;
    return PyFloat_FromDouble(flux_reactor_time());
}

static PyObject *py_reactor_active_incref(PyObject *module, PyObject *const *args,
                                          Py_ssize_t n)
{
    struct object *r;

    if (!args_get(module, args, n, "flux_reactor_active_incref", "R", &r))
        return NULL;
    flux_reactor_active_incref(r->p);
    Py_RETURN_NONE;
}

static PyObject *py_reactor_active_decref(PyObject *module, PyObject *const *args,
                                          Py_ssize_t n)
{
    struct object *r;

    if (!args_get(module, args, n, "flux_reactor_active_decref", "R", &r))
        return NULL;
    flux_reactor_active_decref(r->p);
    Py_RETURN_NONE;
}

static const PyMethodDef functions[] = {
    FUNCTION(reactor_create, "(flags=0) -> reactor"),
    FUNCTION(get_reactor, "(handle) -> reactor"),
    FUNCTION(set_reactor, "(handle, reactor)"),
    FUNCTION(reactor_run, "(reactor, flags=0) -> int"),
    FUNCTION(reactor_stop, "(reactor)"),
    FUNCTION(reactor_stop_error, "(reactor, errnum=ECANCELED)"),
    FUNCTION(reactor_now, "(reactor) -> float"),
    FUNCTION(reactor_now_update, "(reactor)"),
    FUNCTION(reactor_time, "() -> float"),
    FUNCTION(reactor_active_incref, "(reactor)"),
    FUNCTION(reactor_active_decref, "(reactor)"),
    FUNCTIONS_END,
};

static const struct constant constants[] = {
    CONSTANT(FLUX_POLLIN),
    CONSTANT(FLUX_POLLOUT),
    CONSTANT(FLUX_POLLERR),
    CONSTANT(FLUX_REACTOR_NOWAIT),
    CONSTANT(FLUX_REACTOR_ONCE),
    CONSTANT(FLUX_REACTOR_SIGCHLD),
    CONSTANTS_END,
};

const struct noun noun_reactor = {functions, constants};

/* Futures: waiting, continuations, composites. A continuation is called with the future. A
 * future with a continuation lives until that has seen its last result, without anybody
 * holding it: the last one is that after which the continuation did not reset it.
 */
#include "future.h"

#include <time.h>

PyObject *future_made(PyObject *module, struct outside *out, struct object *h,
                      flux_future_t *f)
{
    if (!outside_end(out)) {
        flux_future_destroy(f);
        return NULL;
    }
    return object_new(PyModule_GetState(module), KIND_FUTURE, f, h);
}

PyObject *future_fail(struct object *f)
{
    int errnum = errno;

    return fail(errnum, f->p ? flux_future_error_string(f->p) : NULL);
}

/* Nothing will come any more on a handle that was closed. */
static bool is_open(struct object *f)
{
    if (!f->origin || f->origin->p || flux_future_is_ready(f->p))
        return true;
    PyErr_SetString(PyExc_ValueError, "the handle of this future is closed");
    return false;
}

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static double slice_of(struct object *f, double until)
{
    double left = until < 0 ? -1 : until - now();

    if (until >= 0 && left < 0)
        left = 0;
    if (is_main_thread(state_of(f)) && (left < 0 || left > SIGNAL_SLICE))
        return SIGNAL_SLICE;
    return left;
}

/* 1: ready, 0: not yet, -1 with an exception. */
static int wait_slice(struct object *f, double until)
{
    struct outside out;
    int rc;

    if (!is_open(f))
        return -1;
    outside_begin(&out, f->realm);
    rc = flux_future_wait_for(f->p, slice_of(f, until));
    if (!outside_end(&out))
        return -1;
    if (rc == 0)
        return 1;
    if (errno != ETIMEDOUT || (until >= 0 && now() >= until)) {
        fail(errno, NULL);
        return -1;
    }
    return PyErr_CheckSignals();
}

bool future_wait(struct object *f, double timeout)
{
    double until = timeout < 0 ? -1 : now() + timeout;
    int rc = 0;

    if (flux_future_is_ready(f->p))
        return true;
    Py_INCREF(PY(f));
    while (rc == 0)
        rc = wait_slice(f, until);
    if (rc > 0 && !f->p) {
        PyErr_SetString(PyExc_ValueError,
                        "the future was destroyed while it was waited for");
        rc = -1;
    }
    Py_DECREF(f);
    return rc > 0;
}

static PyObject *py_future_wait_for(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *f;
    double timeout = -1;

    if (!args_get(module, args, n, "flux_future_wait_for", "F|d", &f, &timeout) ||
        !future_wait(f, timeout))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *py_future_get(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *f;

    if (!args_get(module, args, n, "flux_future_get", "F", &f) || !future_wait(f, -1))
        return NULL;
    if (flux_future_get(f->p, NULL) < 0)
        return future_fail(f);
    Py_RETURN_NONE;
}

/* ---- continuations ---- */

static void on_ready(flux_future_t *f, void *arg)
{
    struct object *o = arg;
    struct inside in;

    inside_begin(&in, o);
    o->called = true;
    Py_INCREF(PY(o));
    Py_INCREF(Py_None);
    inside_call(&in, flux_future_get_reactor(f), (PyObject *)o, Py_None);
    if (o->called)
        realm_release(o);
    inside_end(&in);
}

static PyObject *py_future_then(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    PyObject *callback, *before, *with = NULL;
    struct object *f;
    double timeout;
    int rc;

    if (!args_get(module, args, n, "flux_future_then", "FdC|O", &f, &timeout, &callback,
                  &with))
        return NULL;
    if (f->origin && !f->origin->p) {
        PyErr_SetString(PyExc_ValueError, "the handle of this future is closed");
        return NULL;
    }
    if (realm_keep(f, with) < 0)
        return NULL;
    before = f->callback;
    Py_INCREF(callback);
    f->callback = callback;
    f->called = false;
    rc = flux_future_then(f->p, timeout, on_ready, f);
    Py_XDECREF(PY(before));
    if (rc < 0) {
        fail(errno, NULL);
        realm_release(f);
        return NULL;
    }
    if (realm_raise(f->realm))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *py_future_reset(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    PyObject *with = NULL;
    struct object *f;

    if (!args_get(module, args, n, "flux_future_reset", "F|O", &f, &with))
        return NULL;
    if (f->called && f->callback && realm_keep(f, with) < 0)
        return NULL;
    f->called = false;
    flux_future_reset(f->p);
    Py_RETURN_NONE;
}

static PyObject *py_future_destroy(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *f;

    if (!args_get(module, args, n, "flux_future_destroy", "F", &f))
        return NULL;
    object_destroy(f);
    realm_release(f);
    Py_RETURN_NONE;
}

/* ---- looking at it ---- */

static PyObject *truth(PyObject *module, PyObject *const *args, Py_ssize_t n,
                       const char *who, bool (*get)(flux_future_t *f))
{
    struct object *f;

    if (!args_get(module, args, n, who, "F", &f))
        return NULL;
    return PyBool_FromLong(get(f->p));
}

static PyObject *py_future_is_ready(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    return truth(module, args, n, "flux_future_is_ready", flux_future_is_ready);
}

static PyObject *py_future_has_error(PyObject *module, PyObject *const *args,
                                     Py_ssize_t n)
{
    return truth(module, args, n, "flux_future_has_error", flux_future_has_error);
}

static PyObject *py_future_error_string(PyObject *module, PyObject *const *args,
                                        Py_ssize_t n)
{
    struct object *f;

    if (!args_get(module, args, n, "flux_future_error_string", "F", &f))
        return NULL;
    return text_or_none(flux_future_error_string(f->p));
}

static PyObject *py_future_get_flux(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *f, *h;

    if (!args_get(module, args, n, "flux_future_get_flux", "F", &f))
        return NULL;
    h = f->origin;
    if (!h || h->kind != KIND_HANDLE)
        return fail(EINVAL, NULL);
    Py_INCREF(PY(h));
    return (PyObject *)h;
}

static PyObject *py_future_set_flux(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *f, *h, *before;

    if (!args_get(module, args, n, "flux_future_set_flux", "FH", &f, &h) ||
        realm_join(f->realm, h->realm) < 0)
        return NULL;
    flux_future_set_flux(f->p, h->p);
    before = f->origin;
    Py_INCREF(PY(h));
    f->origin = h;
    Py_XDECREF(PY(before));
    Py_RETURN_NONE;
}

static PyObject *py_future_get_reactor(PyObject *module, PyObject *const *args,
                                       Py_ssize_t n)
{
    flux_reactor_t *r;
    struct object *f;

    if (!args_get(module, args, n, "flux_future_get_reactor", "F", &f) || !is_open(f))
        return NULL;
    if ((r = flux_future_get_reactor(f->p)))
        flux_reactor_incref(r);
    return object_new(PyModule_GetState(module), KIND_REACTOR, r,
                      f->origin ? f->origin : f);
}

/* ---- composites ---- */

static PyObject *py_future_wait_all_create(PyObject *module, PyObject *const *args,
                                           Py_ssize_t n)
{
    if (!args_get(module, args, n, "flux_future_wait_all_create", ""))
        return NULL;
    return object_new(PyModule_GetState(module), KIND_FUTURE,
                      flux_future_wait_all_create(), NULL);
}

static PyObject *py_future_wait_any_create(PyObject *module, PyObject *const *args,
                                           Py_ssize_t n)
{
    if (!args_get(module, args, n, "flux_future_wait_any_create", ""))
        return NULL;
    return object_new(PyModule_GetState(module), KIND_FUTURE,
                      flux_future_wait_any_create(), NULL);
}

/* The composite gets a reference of its own. */
static PyObject *py_future_push(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *cf, *f;
    const char *name;

    if (!args_get(module, args, n, "flux_future_push", "FzF", &cf, &name, &f) ||
        realm_join(cf->realm, f->realm) < 0)
        return NULL;
    flux_future_incref(f->p);
    if (flux_future_push(cf->p, name, f->p) < 0) {
        fail(errno, NULL);
        flux_future_decref(f->p);
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *child_name(PyObject *module, PyObject *const *args, Py_ssize_t n,
                            const char *who, const char *(*get)(flux_future_t *cf))
{
    struct object *cf;

    if (!args_get(module, args, n, who, "F", &cf))
        return NULL;
    return text_or_none(get(cf->p));
}

static PyObject *py_future_first_child(PyObject *module, PyObject *const *args,
                                       Py_ssize_t n)
{
    return child_name(module, args, n, "flux_future_first_child",
                      flux_future_first_child);
}

static PyObject *py_future_next_child(PyObject *module, PyObject *const *args,
                                      Py_ssize_t n)
{
    return child_name(module, args, n, "flux_future_next_child", flux_future_next_child);
}

/* Another object on the same future. */
static PyObject *py_future_get_child(PyObject *module, PyObject *const *args,
                                     Py_ssize_t n)
{
    struct object *cf;
    flux_future_t *f;
    const char *name;

    if (!args_get(module, args, n, "flux_future_get_child", "Fs", &cf, &name))
        return NULL;
    if ((f = flux_future_get_child(cf->p, name)))
        flux_future_incref(f);
    return object_new(PyModule_GetState(module), KIND_FUTURE, f, cf);
}

static const PyMethodDef functions[] = {
    FUNCTION(future_wait_for, "(future, timeout=-1)"),
    FUNCTION(future_get, "(future)"),
    FUNCTION(future_then, "(future, timeout, callback, keep=None)"),
    FUNCTION(future_reset, "(future, keep=None)"),
    FUNCTION(future_destroy, "(future)"),
    FUNCTION(future_is_ready, "(future) -> bool"),
    FUNCTION(future_has_error, "(future) -> bool"),
    FUNCTION(future_error_string, "(future) -> str or None"),
    FUNCTION(future_get_flux, "(future) -> handle"),
    FUNCTION(future_set_flux, "(future, handle)"),
    FUNCTION(future_get_reactor, "(future) -> reactor"),
    FUNCTION(future_wait_all_create, "() -> future"),
    FUNCTION(future_wait_any_create, "() -> future"),
    FUNCTION(future_push, "(composite, name, future)"),
    FUNCTION(future_first_child, "(composite) -> str or None"),
    FUNCTION(future_next_child, "(composite) -> str or None"),
    FUNCTION(future_get_child, "(composite, name) -> future"),
    FUNCTIONS_END,
};

const struct noun noun_future = {functions, NULL};

/* The handle: opening, closing, sending, receiving. */
#include "binding.h"

static PyObject *py_open(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    const char *uri = NULL;
    flux_error_t error;
    struct outside out;
    int flags = 0;
    flux_t *h;

    if (!args_get(module, args, n, "flux_open", "|zi", &uri, &flags))
        return NULL;
    outside_begin(&out, NULL);
    h = flux_open_ex(uri, flags, &error);
    outside_end(&out);
    if (!h)
        return fail(errno, error.text);
    return object_new(PyModule_GetState(module), KIND_HANDLE, h, NULL);
}

static PyObject *py_close(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct outside out;
    struct object *h;
    flux_t *p;

    if (!args_get(module, args, n, "flux_close", "H", &h))
        return NULL;
    p = h->p;
    h->p = NULL;
    outside_begin(&out, h->realm);
    flux_close(p);
    if (!outside_end(&out))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *py_clone(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *h;

    if (!args_get(module, args, n, "flux_clone", "H", &h))
        return NULL;
    return object_new(PyModule_GetState(module), KIND_HANDLE, flux_clone(h->p), h);
}

static PyObject *py_reconnect(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct outside out;
    struct object *h;
    int rc;

    if (!args_get(module, args, n, "flux_reconnect", "H", &h))
        return NULL;
    outside_begin(&out, h->realm);
    rc = flux_reconnect(h->p);
    return outside_end(&out) ? none_or_fail(rc) : NULL;
}

static PyObject *py_flags_set(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *h;
    int flags;

    if (!args_get(module, args, n, "flux_flags_set", "Hi", &h, &flags))
        return NULL;
    flux_flags_set(h->p, flags);
    Py_RETURN_NONE;
}

static PyObject *py_flags_unset(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *h;
    int flags;

    if (!args_get(module, args, n, "flux_flags_unset", "Hi", &h, &flags))
        return NULL;
    flux_flags_unset(h->p, flags);
    Py_RETURN_NONE;
}

static PyObject *py_flags_get(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *h;

    if (!args_get(module, args, n, "flux_flags_get", "H", &h))
        return NULL;
    return PyLong_FromLong(flux_flags_get(h->p));
}

static PyObject *py_opt_set(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    const char *name, *data;
    struct object *h;
    Py_ssize_t size;

    if (!args_get(module, args, n, "flux_opt_set", "Hsy", &h, &name, &data, &size))
        return NULL;
    return none_or_fail(flux_opt_set(h->p, name, data, (size_t)size));
}

static PyObject *py_opt_get(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    char buf[256] = {0};
    struct object *h;
    const char *name;
    int size;

    if (!args_get(module, args, n, "flux_opt_get", "Hsi", &h, &name, &size))
        return NULL;
    if (size < 0 || size > (int)sizeof(buf))
        return fail(EINVAL, NULL);
    if (flux_opt_get(h->p, name, buf, (size_t)size) < 0)
        return fail(errno, NULL);
    return PyBytes_FromStringAndSize(buf, size);
}

static PyObject *py_matchtag_alloc(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *h;
    uint32_t tag;

    if (!args_get(module, args, n, "flux_matchtag_alloc", "H", &h))
        return NULL;
    if ((tag = flux_matchtag_alloc(h->p)) == FLUX_MATCHTAG_NONE)
        return fail(errno, NULL);
    return PyLong_FromUnsignedLong(tag);
}

static PyObject *py_matchtag_free(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *h;
    uint32_t tag;

    if (!args_get(module, args, n, "flux_matchtag_free", "Hu", &h, &tag))
        return NULL;
    flux_matchtag_free(h->p, tag);
    Py_RETURN_NONE;
}

static PyObject *py_matchtag_avail(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *h;

    if (!args_get(module, args, n, "flux_matchtag_avail", "H", &h))
        return NULL;
    return PyLong_FromUnsignedLong(flux_matchtag_avail(h->p));
}

/* A copy goes, so that no other thread can change what is being sent. */
static PyObject *py_send(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *h, *msg;
    struct outside out;
    flux_msg_t *copy;
    int flags = 0, rc;

    if (!args_get(module, args, n, "flux_send", "HM|i", &h, &msg, &flags))
        return NULL;
    if (!(copy = flux_msg_copy(msg->p, true)))
        return fail(errno, NULL);
    outside_begin(&out, h->realm);
    rc = flux_send_new(h->p, &copy, flags);
    flux_msg_destroy(copy);
    return outside_end(&out) ? none_or_fail(rc) : NULL;
}

/* ---- receiving ---- */

static flux_msg_t *recv_watchful(struct object *h, struct flux_match match, int flags)
{
    double slice = SIGNAL_SLICE, before = -1;
    flux_msg_t *msg = NULL;
    struct outside out;
    bool fine;

    flux_opt_set(h->p, FLUX_OPT_RECV_TIMEOUT, &slice, sizeof(slice));
    do {
        outside_begin(&out, h->realm);
        msg = flux_recv(h->p, match, flags);
        fine = outside_end(&out);
    } while (fine && !msg && errno == ETIMEDOUT && (fine = PyErr_CheckSignals() == 0));
    flux_opt_set(h->p, FLUX_OPT_RECV_TIMEOUT, &before, sizeof(before));
    if (fine && !msg)
        fail(errno, NULL);
    if (!fine) {
        flux_msg_destroy(msg);
        msg = NULL;
    }
    return msg;
}

static flux_msg_t *recv_plain(struct object *h, struct flux_match match, int flags)
{
    struct outside out;
    flux_msg_t *msg;

    outside_begin(&out, h->realm);
    msg = flux_recv(h->p, match, flags);
    if (!outside_end(&out)) {
        flux_msg_destroy(msg);
        return NULL;
    }
    if (!msg)
        fail(errno, NULL);
    return msg;
}

/* The main thread is to notice signals, if it may be long. */
static bool must_watch(const struct state *st, struct object *h, int flags)
{
    double timeout = -1;

    if (!is_main_thread(st) || ((flags | flux_flags_get(h->p)) & FLUX_O_NONBLOCK))
        return false;
    flux_opt_get(h->p, FLUX_OPT_RECV_TIMEOUT, &timeout, sizeof(timeout));
    return timeout < 0;
}

static PyObject *py_recv(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct flux_match match = FLUX_MATCH_ANY;
    struct state *st = PyModule_GetState(module);
    struct object *h;
    flux_msg_t *msg;
    int flags = 0;

    if (!args_get(module, args, n, "flux_recv", "H|iuzi", &h, &match.typemask,
                  &match.matchtag, &match.topic_glob, &flags))
        return NULL;
    msg = must_watch(st, h, flags) ? recv_watchful(h, match, flags)
                                   : recv_plain(h, match, flags);
    return msg ? object_new(st, KIND_MESSAGE, msg, NULL) : NULL;
}

static PyObject *py_requeue(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *h, *msg;
    flux_msg_t *copy;
    int flags, rc;

    if (!args_get(module, args, n, "flux_requeue", "HMi", &h, &msg, &flags))
        return NULL;
    if (!(copy = flux_msg_copy(msg->p, true)))
        return fail(errno, NULL);
    rc = flux_requeue(h->p, copy, flags);
    flux_msg_destroy(copy);
    return none_or_fail(rc);
}

static PyObject *py_pollevents(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *h;
    int events;

    if (!args_get(module, args, n, "flux_pollevents", "H", &h))
        return NULL;
    if ((events = flux_pollevents(h->p)) < 0)
        return fail(errno, NULL);
    return PyLong_FromLong(events);
}

static PyObject *py_pollfd(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *h;
    int fd;

    if (!args_get(module, args, n, "flux_pollfd", "H", &h))
        return NULL;
    if ((fd = flux_pollfd(h->p)) < 0)
        return fail(errno, NULL);
    return PyLong_FromLong(fd);
}

static PyObject *py_get_msgcounters(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    flux_msgcounters_t c = {0};
    struct object *h;

    if (!args_get(module, args, n, "flux_get_msgcounters", "H", &h))
        return NULL;
    flux_get_msgcounters(h->p, &c);
    return Py_BuildValue("{s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i}", "request_tx", c.request_tx,
                         "request_rx", c.request_rx, "response_tx", c.response_tx,
                         "response_rx", c.response_rx, "event_tx", c.event_tx, "event_rx",
                         c.event_rx, "control_tx", c.control_tx, "control_rx",
                         c.control_rx);
}

static PyObject *py_clr_msgcounters(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *h;

    if (!args_get(module, args, n, "flux_clr_msgcounters", "H", &h))
        return NULL;
    flux_clr_msgcounters(h->p);
    Py_RETURN_NONE;
}

static const PyMethodDef functions[] = {
    FUNCTION(open, "(uri=None, flags=0) -> handle"),
    FUNCTION(close, "(handle)"),
    FUNCTION(clone, "(handle) -> handle"),
    FUNCTION(reconnect, "(handle)"),
    FUNCTION(flags_set, "(handle, flags)"),
    FUNCTION(flags_unset, "(handle, flags)"),
    FUNCTION(flags_get, "(handle) -> int"),
    FUNCTION(opt_set, "(handle, option, value: bytes)"),
    FUNCTION(opt_get, "(handle, option, size) -> bytes"),
    FUNCTION(matchtag_alloc, "(handle) -> int"),
    FUNCTION(matchtag_free, "(handle, matchtag)"),
    FUNCTION(matchtag_avail, "(handle) -> int"),
    FUNCTION(send, "(handle, message, flags=0)"),
    FUNCTION(recv, "(handle, typemask, matchtag=0, topic_glob=None, flags=0) -> message"),
    FUNCTION(requeue, "(handle, message, flags)"),
    FUNCTION(pollevents, "(handle) -> int"),
    FUNCTION(pollfd, "(handle) -> int"),
    FUNCTION(get_msgcounters, "(handle) -> dict"),
    FUNCTION(clr_msgcounters, "(handle)"),
    FUNCTIONS_END,
};

static const struct constant constants[] = {
    CONSTANT(FLUX_O_TRACE),
    CONSTANT(FLUX_O_CLONE),
    CONSTANT(FLUX_O_NONBLOCK),
    CONSTANT(FLUX_O_MATCHDEBUG),
    CONSTANT(FLUX_O_TEST_NOSUB),
    CONSTANT(FLUX_O_RPCTRACK),
    CONSTANT(FLUX_O_NOREQUEUE),
    CONSTANT(FLUX_RQ_HEAD),
    CONSTANT(FLUX_RQ_TAIL),
    CONSTANT(FLUX_NODEID_ANY),
    CONSTANT(FLUX_NODEID_UPSTREAM),
    CONSTANT(FLUX_USERID_UNKNOWN),
    CONSTANTS_END,
};

const struct noun noun_handle = {functions, constants};

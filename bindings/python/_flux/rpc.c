/* Remote procedure calls. */
#include "future.h"

static PyObject *py_rpc(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    const char *topic, *payload = NULL;
    uint32_t nodeid = FLUX_NODEID_ANY;
    struct outside out;
    struct object *h;
    flux_future_t *f;
    int flags = 0;

    if (!args_get(module, args, n, "flux_rpc", "Hs|zui", &h, &topic, &payload, &nodeid,
                  &flags))
        return NULL;
    outside_begin(&out, h->realm);
    f = flux_rpc(h->p, topic, payload, nodeid, flags);
    return future_made(module, &out, h, f);
}

static PyObject *py_rpc_raw(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    uint32_t nodeid = FLUX_NODEID_ANY;
    const char *topic, *data;
    struct outside out;
    struct object *h;
    flux_future_t *f;
    Py_ssize_t size;
    int flags = 0;

    if (!args_get(module, args, n, "flux_rpc_raw", "Hsy|ui", &h, &topic, &data, &size,
                  &nodeid, &flags))
        return NULL;
    outside_begin(&out, h->realm);
    f = flux_rpc_raw(h->p, topic, data, (size_t)size, nodeid, flags);
    return future_made(module, &out, h, f);
}

static PyObject *py_rpc_message(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    uint32_t nodeid = FLUX_NODEID_ANY;
    struct object *h, *msg;
    struct outside out;
    flux_future_t *f;
    flux_msg_t *copy;
    int flags = 0;

    if (!args_get(module, args, n, "flux_rpc_message", "HM|ui", &h, &msg, &nodeid,
                  &flags))
        return NULL;
    if (!(copy = flux_msg_copy(msg->p, true)))
        return fail(errno, NULL);
    outside_begin(&out, h->realm);
    f = flux_rpc_message(h->p, copy, nodeid, flags);
    flux_msg_destroy(copy);
    return future_made(module, &out, h, f);
}

static PyObject *py_rpc_get(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    const char *payload;
    struct object *f;

    if (!args_get(module, args, n, "flux_rpc_get", "F", &f) || !future_wait(f, -1))
        return NULL;
    if (flux_rpc_get(f->p, &payload) < 0)
        return future_fail(f);
    return text_or_none(payload);
}

static PyObject *py_rpc_get_raw(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    const void *data;
    struct object *f;
    size_t size;

    if (!args_get(module, args, n, "flux_rpc_get_raw", "F", &f) || !future_wait(f, -1))
        return NULL;
    if (flux_rpc_get_raw(f->p, &data, &size) < 0)
        return future_fail(f);
    if (!data)
        Py_RETURN_NONE;
    return PyBytes_FromStringAndSize(data, (Py_ssize_t)size);
}

static PyObject *py_rpc_get_matchtag(PyObject *module, PyObject *const *args,
                                     Py_ssize_t n)
{
    struct object *f;

    if (!args_get(module, args, n, "flux_rpc_get_matchtag", "F", &f))
        return NULL;
    return PyLong_FromUnsignedLong(flux_rpc_get_matchtag(f->p));
}

static PyObject *py_rpc_get_nodeid(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *f;

    if (!args_get(module, args, n, "flux_rpc_get_nodeid", "F", &f))
        return NULL;
    return PyLong_FromUnsignedLong(flux_rpc_get_nodeid(f->p));
}

static const PyMethodDef functions[] = {
    FUNCTION(rpc, "(handle, topic, payload=None, nodeid=ANY, flags=0) -> future"),
    FUNCTION(rpc_raw, "(handle, topic, data: bytes, nodeid=ANY, flags=0) -> future"),
    FUNCTION(rpc_message, "(handle, message, nodeid=ANY, flags=0) -> future"),
    FUNCTION(rpc_get, "(future) -> str or None"),
    FUNCTION(rpc_get_raw, "(future) -> bytes or None"),
    FUNCTION(rpc_get_matchtag, "(future) -> int"),
    FUNCTION(rpc_get_nodeid, "(future) -> int"),
    FUNCTIONS_END,
};

static const struct constant constants[] = {
    CONSTANT(FLUX_RPC_NORESPONSE),
    CONSTANT(FLUX_RPC_STREAMING),
    CONSTANTS_END,
};

const struct noun noun_rpc = {functions, constants};

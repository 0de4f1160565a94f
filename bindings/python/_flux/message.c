/* Messages: making them, their coding, topic, payload, routes. The numbers and flags are in
 * message_fields.c.
 */
#include "binding.h"
#include "message.h"

#include <stdlib.h>

bool message_own(struct object *o)
{
    flux_msg_t *copy;

    if (!o->shared)
        return true;
    if (!(copy = flux_msg_copy(o->p, true))) {
        fail(errno, NULL);
        return false;
    }
    flux_msg_decref(o->p);
    o->p = copy;
    o->shared = false;
    return true;
}

static PyObject *py_msg_create(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    int type;

    if (!args_get(module, args, n, "flux_msg_create", "i", &type))
        return NULL;
    return object_new(PyModule_GetState(module), KIND_MESSAGE, flux_msg_create(type),
                      NULL);
}

static PyObject *py_msg_copy(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *msg;
    bool payload = true;

    if (!args_get(module, args, n, "flux_msg_copy", "M|p", &msg, &payload))
        return NULL;
    return object_new(PyModule_GetState(module), KIND_MESSAGE,
                      flux_msg_copy(msg->p, payload), NULL);
}

static PyObject *py_msg_encode(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *msg;
    PyObject *bytes;
    ssize_t size;

    if (!args_get(module, args, n, "flux_msg_encode", "M", &msg))
        return NULL;
    if ((size = flux_msg_encode_size(msg->p)) < 0)
        return fail(errno, NULL);
    if (!(bytes = PyBytes_FromStringAndSize(NULL, size)))
        return NULL;
    if (flux_msg_encode(msg->p, PyBytes_AsString(bytes), (size_t)size) < 0) {
        Py_DECREF(bytes);
        return fail(errno, NULL);
    }
    return bytes;
}

static PyObject *py_msg_encode_size(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *msg;
    ssize_t size;

    if (!args_get(module, args, n, "flux_msg_encode_size", "M", &msg))
        return NULL;
    size = flux_msg_encode_size(msg->p);
    return size < 0 ? fail(errno, NULL) : PyLong_FromSsize_t(size);
}

static PyObject *py_msg_decode(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    const char *data;
    Py_ssize_t size;

    if (!args_get(module, args, n, "flux_msg_decode", "y", &data, &size))
        return NULL;
    return object_new(PyModule_GetState(module), KIND_MESSAGE,
                      flux_msg_decode(data, (size_t)size), NULL);
}

/* ---- topic and payload ---- */

static PyObject *py_msg_set_topic(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *msg;
    const char *topic;

    if (!args_get(module, args, n, "flux_msg_set_topic", "Mz", &msg, &topic) ||
        !message_own(msg))
        return NULL;
    return none_or_fail(flux_msg_set_topic(msg->p, topic));
}

static PyObject *py_msg_get_topic(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *msg;
    const char *topic;

    if (!args_get(module, args, n, "flux_msg_get_topic", "M", &msg))
        return NULL;
    if (flux_msg_get_topic(msg->p, &topic) < 0)
        return fail(errno, NULL);
    return text_or_none(topic);
}

static PyObject *py_msg_set_payload(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *msg;
    const char *data;
    Py_ssize_t size;

    if (!args_get(module, args, n, "flux_msg_set_payload", "My", &msg, &data, &size) ||
        !message_own(msg))
        return NULL;
    return none_or_fail(flux_msg_set_payload(msg->p, data, (size_t)size));
}

static PyObject *py_msg_get_payload(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *msg;
    const void *data;
    size_t size;

    if (!args_get(module, args, n, "flux_msg_get_payload", "M", &msg))
        return NULL;
    if (flux_msg_get_payload(msg->p, &data, &size) < 0)
        return fail(errno, NULL);
    return PyBytes_FromStringAndSize(data, (Py_ssize_t)size);
}

static PyObject *py_msg_has_payload(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *msg;

    if (!args_get(module, args, n, "flux_msg_has_payload", "M", &msg))
        return NULL;
    return PyBool_FromLong(flux_msg_has_payload(msg->p));
}

static PyObject *py_msg_set_string(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *msg;
    const char *s;

    if (!args_get(module, args, n, "flux_msg_set_string", "Mz", &msg, &s) ||
        !message_own(msg))
        return NULL;
    return none_or_fail(flux_msg_set_string(msg->p, s));
}

static PyObject *py_msg_get_string(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *msg;
    const char *s;

    if (!args_get(module, args, n, "flux_msg_get_string", "M", &msg))
        return NULL;
    if (flux_msg_get_string(msg->p, &s) < 0)
        return fail(errno, NULL);
    return text_or_none(s);
}

/* ---- routes ---- */

static PyObject *py_msg_route_enable(PyObject *module, PyObject *const *args,
                                     Py_ssize_t n)
{
    struct object *msg;

    if (!args_get(module, args, n, "flux_msg_route_enable", "M", &msg) ||
        !message_own(msg))
        return NULL;
    flux_msg_route_enable(msg->p);
    Py_RETURN_NONE;
}

static PyObject *py_msg_route_disable(PyObject *module, PyObject *const *args,
                                      Py_ssize_t n)
{
    struct object *msg;

    if (!args_get(module, args, n, "flux_msg_route_disable", "M", &msg) ||
        !message_own(msg))
        return NULL;
    flux_msg_route_disable(msg->p);
    Py_RETURN_NONE;
}

static PyObject *py_msg_route_clear(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *msg;

    if (!args_get(module, args, n, "flux_msg_route_clear", "M", &msg) ||
        !message_own(msg))
        return NULL;
    flux_msg_route_clear(msg->p);
    Py_RETURN_NONE;
}

static PyObject *py_msg_route_push(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *msg;
    const char *id;

    if (!args_get(module, args, n, "flux_msg_route_push", "Ms", &msg, &id) ||
        !message_own(msg))
        return NULL;
    return none_or_fail(flux_msg_route_push(msg->p, id));
}

static PyObject *py_msg_route_delete_last(PyObject *module, PyObject *const *args,
                                          Py_ssize_t n)
{
    struct object *msg;

    if (!args_get(module, args, n, "flux_msg_route_delete_last", "M", &msg) ||
        !message_own(msg))
        return NULL;
    return none_or_fail(flux_msg_route_delete_last(msg->p));
}

static PyObject *py_msg_route_first(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *msg;

    if (!args_get(module, args, n, "flux_msg_route_first", "M", &msg))
        return NULL;
    return text_or_none(flux_msg_route_first(msg->p));
}

static PyObject *py_msg_route_last(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *msg;

    if (!args_get(module, args, n, "flux_msg_route_last", "M", &msg))
        return NULL;
    return text_or_none(flux_msg_route_last(msg->p));
}

static PyObject *py_msg_route_count(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *msg;
    int count;

    if (!args_get(module, args, n, "flux_msg_route_count", "M", &msg))
        return NULL;
    count = flux_msg_route_count(msg->p);
    return count < 0 ? fail(errno, NULL) : PyLong_FromLong(count);
}

static PyObject *py_msg_route_string(PyObject *module, PyObject *const *args,
                                     Py_ssize_t n)
{
    struct object *msg;
    PyObject *text;
    char *s;

    if (!args_get(module, args, n, "flux_msg_route_string", "M", &msg))
        return NULL;
    if (!(s = flux_msg_route_string(msg->p)))
        return fail(errno, NULL);
    text = text_or_none(s);
    free(s);
    return text;
}

static PyObject *py_msg_route_match_first(PyObject *module, PyObject *const *args,
                                          Py_ssize_t n)
{
    struct object *a, *b;

    if (!args_get(module, args, n, "flux_msg_route_match_first", "MM", &a, &b))
        return NULL;
    return PyBool_FromLong(flux_msg_route_match_first(a->p, b->p));
}

static const PyMethodDef functions[] = {
    FUNCTION(msg_create, "(type) -> message"),
    FUNCTION(msg_copy, "(message, payload=True) -> message"),
    FUNCTION(msg_encode, "(message) -> bytes"),
    FUNCTION(msg_encode_size, "(message) -> int"),
    FUNCTION(msg_decode, "(data: bytes) -> message"),
    FUNCTION(msg_set_topic, "(message, topic)"),
    FUNCTION(msg_get_topic, "(message) -> str"),
    FUNCTION(msg_set_payload, "(message, data: bytes)"),
    FUNCTION(msg_get_payload, "(message) -> bytes"),
    FUNCTION(msg_has_payload, "(message) -> bool"),
    FUNCTION(msg_set_string, "(message, text)"),
    FUNCTION(msg_get_string, "(message) -> str or None"),
    FUNCTION(msg_route_enable, "(message)"),
    FUNCTION(msg_route_disable, "(message)"),
    FUNCTION(msg_route_clear, "(message)"),
    FUNCTION(msg_route_push, "(message, id)"),
    FUNCTION(msg_route_delete_last, "(message)"),
    FUNCTION(msg_route_first, "(message) -> str or None"),
    FUNCTION(msg_route_last, "(message) -> str or None"),
    FUNCTION(msg_route_count, "(message) -> int"),
    FUNCTION(msg_route_string, "(message) -> str"),
    FUNCTION(msg_route_match_first, "(message, message) -> bool"),
    FUNCTIONS_END,
};

const struct noun noun_message = {functions, NULL};

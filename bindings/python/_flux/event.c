/* Events: subscribing, publishing, taking apart. */
#include "future.h"

static PyObject *subscribe(PyObject *module, PyObject *const *args, Py_ssize_t n,
                           const char *who, int (*fn)(flux_t *h, const char *topic))
{
    struct outside out;
    struct object *h;
    const char *topic;
    int rc;

    if (!args_get(module, args, n, who, "Hs", &h, &topic))
        return NULL;
    outside_begin(&out, h->realm);
    rc = fn(h->p, topic);
    return outside_end(&out) ? none_or_fail(rc) : NULL;
}

static PyObject *py_event_subscribe(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    return subscribe(module, args, n, "flux_event_subscribe", flux_event_subscribe);
}

static PyObject *py_event_unsubscribe(PyObject *module, PyObject *const *args,
                                      Py_ssize_t n)
{
    return subscribe(module, args, n, "flux_event_unsubscribe", flux_event_unsubscribe);
}

static PyObject *subscribe_ex(PyObject *module, PyObject *const *args, Py_ssize_t n,
                              const char *who,
                              flux_future_t *(*fn)(flux_t *h, const char *topic,
                                                   int flags))
{
    struct outside out;
    struct object *h;
    flux_future_t *f;
    const char *topic;
    int flags = 0;

    if (!args_get(module, args, n, who, "Hs|i", &h, &topic, &flags))
        return NULL;
    outside_begin(&out, h->realm);
    f = fn(h->p, topic, flags);
    return future_made(module, &out, h, f);
}

static PyObject *py_event_subscribe_ex(PyObject *module, PyObject *const *args,
                                       Py_ssize_t n)
{
    return subscribe_ex(module, args, n, "flux_event_subscribe_ex",
                        flux_event_subscribe_ex);
}

static PyObject *py_event_unsubscribe_ex(PyObject *module, PyObject *const *args,
                                         Py_ssize_t n)
{
    return subscribe_ex(module, args, n, "flux_event_unsubscribe_ex",
                        flux_event_unsubscribe_ex);
}

static PyObject *py_event_encode(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    const char *topic, *s = NULL;

    if (!args_get(module, args, n, "flux_event_encode", "s|z", &topic, &s))
        return NULL;
    return object_new(PyModule_GetState(module), KIND_MESSAGE,
                      flux_event_encode(topic, s), NULL);
}

static PyObject *py_event_encode_raw(PyObject *module, PyObject *const *args,
                                     Py_ssize_t n)
{
    const char *topic, *data = NULL;
    Py_ssize_t size = 0;

    if (!args_get(module, args, n, "flux_event_encode_raw", "s|y", &topic, &data, &size))
        return NULL;
    return object_new(PyModule_GetState(module), KIND_MESSAGE,
                      flux_event_encode_raw(topic, data, (size_t)size), NULL);
}

static PyObject *py_event_decode(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    const char *topic, *s;
    struct object *msg;

    if (!args_get(module, args, n, "flux_event_decode", "M", &msg))
        return NULL;
    if (flux_event_decode(msg->p, &topic, &s) < 0)
        return fail(errno, NULL);
    return Py_BuildValue("(NN)", text_or_none(topic), text_or_none(s));
}

static PyObject *py_event_decode_raw(PyObject *module, PyObject *const *args,
                                     Py_ssize_t n)
{
    struct object *msg;
    const char *topic;
    const void *data;
    size_t size;

    if (!args_get(module, args, n, "flux_event_decode_raw", "M", &msg))
        return NULL;
    if (flux_event_decode_raw(msg->p, &topic, &data, &size) < 0)
        return fail(errno, NULL);
    return Py_BuildValue("(Ny#)", text_or_none(topic), data, (Py_ssize_t)size);
}

static PyObject *py_event_publish(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    const char *topic, *s = NULL;
    struct outside out;
    struct object *h;
    flux_future_t *f;
    int flags = 0;

    if (!args_get(module, args, n, "flux_event_publish", "Hs|iz", &h, &topic, &flags, &s))
        return NULL;
    outside_begin(&out, h->realm);
    f = flux_event_publish(h->p, topic, flags, s);
    return future_made(module, &out, h, f);
}

static PyObject *py_event_publish_raw(PyObject *module, PyObject *const *args,
                                      Py_ssize_t n)
{
    const char *topic, *data;
    struct outside out;
    struct object *h;
    flux_future_t *f;
    Py_ssize_t size;
    int flags;

    if (!args_get(module, args, n, "flux_event_publish_raw", "Hsiy", &h, &topic, &flags,
                  &data, &size))
        return NULL;
    outside_begin(&out, h->realm);
    f = flux_event_publish_raw(h->p, topic, flags, data, (size_t)size);
    return future_made(module, &out, h, f);
}

static PyObject *py_event_publish_get_seq(PyObject *module, PyObject *const *args,
                                          Py_ssize_t n)
{
    struct object *f;
    int seq;

    if (!args_get(module, args, n, "flux_event_publish_get_seq", "F", &f) ||
        !future_wait(f, -1))
        return NULL;
    if (flux_event_publish_get_seq(f->p, &seq) < 0)
        return future_fail(f);
    return PyLong_FromLong(seq);
}

static const PyMethodDef functions[] = {
    FUNCTION(event_subscribe, "(handle, topic)"),
    FUNCTION(event_unsubscribe, "(handle, topic)"),
    FUNCTION(event_subscribe_ex, "(handle, topic, flags=0) -> future"),
    FUNCTION(event_unsubscribe_ex, "(handle, topic, flags=0) -> future"),
    FUNCTION(event_encode, "(topic, payload=None) -> message"),
    FUNCTION(event_encode_raw, "(topic, data=None) -> message"),
    FUNCTION(event_decode, "(message) -> (topic, payload)"),
    FUNCTION(event_decode_raw, "(message) -> (topic, bytes)"),
    FUNCTION(event_publish, "(handle, topic, flags=0, payload=None) -> future"),
    FUNCTION(event_publish_raw, "(handle, topic, flags, data: bytes) -> future"),
    FUNCTION(event_publish_get_seq, "(future) -> int"),
    FUNCTIONS_END,
};

const struct noun noun_event = {functions, NULL};

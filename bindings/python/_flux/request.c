/* Requests and responses: taking them apart, making them, answering. */
#include "binding.h"

/* ---- (topic, payload) of a message ---- */

typedef int (*decode_f)(const flux_msg_t *msg, const char **topic, const char **s);
typedef int (*decode_raw_f)(const flux_msg_t *msg, const char **topic, const void **data,
                            size_t *size);

static PyObject *decode(PyObject *module, PyObject *const *args, Py_ssize_t n,
                        const char *who, decode_f fn)
{
    const char *topic = NULL, *s = NULL, *text = NULL;
    struct object *msg;

    if (!args_get(module, args, n, who, "M", &msg))
        return NULL;
    if (fn(msg->p, &topic, &s) < 0) {
        int errnum = errno;

        flux_response_decode_error(msg->p, &text);
        return fail(errnum, text);
    }
    return Py_BuildValue("(NN)", text_or_none(topic), text_or_none(s));
}

static PyObject *decode_raw(PyObject *module, PyObject *const *args, Py_ssize_t n,
                            const char *who, decode_raw_f fn)
{
    const char *topic = NULL;
    const void *data = NULL;
    struct object *msg;
    size_t size = 0;

    if (!args_get(module, args, n, who, "M", &msg))
        return NULL;
    if (fn(msg->p, &topic, &data, &size) < 0)
        return fail(errno, NULL);
    return Py_BuildValue("(Ny#)", text_or_none(topic), data, (Py_ssize_t)size);
}

static PyObject *py_request_decode(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    return decode(module, args, n, "flux_request_decode", flux_request_decode);
}

static PyObject *py_request_decode_raw(PyObject *module, PyObject *const *args,
                                       Py_ssize_t n)
{
    return decode_raw(module, args, n, "flux_request_decode_raw",
                      flux_request_decode_raw);
}

static PyObject *py_response_decode(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    return decode(module, args, n, "flux_response_decode", flux_response_decode);
}

static PyObject *py_response_decode_raw(PyObject *module, PyObject *const *args,
                                        Py_ssize_t n)
{
    return decode_raw(module, args, n, "flux_response_decode_raw",
                      flux_response_decode_raw);
}

static PyObject *py_response_decode_error(PyObject *module, PyObject *const *args,
                                          Py_ssize_t n)
{
    struct object *msg;
    const char *text;

    if (!args_get(module, args, n, "flux_response_decode_error", "M", &msg))
        return NULL;
    if (flux_response_decode_error(msg->p, &text) < 0)
        return fail(errno, NULL);
    return text_or_none(text);
}

/* ---- making them ---- */

static PyObject *encode(PyObject *module, PyObject *const *args, Py_ssize_t n,
                        const char *who,
                        flux_msg_t *(*fn)(const char *topic, const char *s))
{
    const char *topic, *s = NULL;

    if (!args_get(module, args, n, who, "s|z", &topic, &s))
        return NULL;
    return object_new(PyModule_GetState(module), KIND_MESSAGE, fn(topic, s), NULL);
}

static PyObject *encode_raw(PyObject *module, PyObject *const *args, Py_ssize_t n,
                            const char *who,
                            flux_msg_t *(*fn)(const char *topic, const void *data,
                                              size_t len))
{
    const char *topic, *data = NULL;
    Py_ssize_t size = 0;

    if (!args_get(module, args, n, who, "s|y", &topic, &data, &size))
        return NULL;
    return object_new(PyModule_GetState(module), KIND_MESSAGE,
                      fn(topic, data, (size_t)size), NULL);
}

static PyObject *py_request_encode(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    return encode(module, args, n, "flux_request_encode", flux_request_encode);
}

static PyObject *py_request_encode_raw(PyObject *module, PyObject *const *args,
                                       Py_ssize_t n)
{
    return encode_raw(module, args, n, "flux_request_encode_raw",
                      flux_request_encode_raw);
}

static PyObject *py_response_encode(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    return encode(module, args, n, "flux_response_encode", flux_response_encode);
}

static PyObject *py_response_encode_raw(PyObject *module, PyObject *const *args,
                                        Py_ssize_t n)
{
    return encode_raw(module, args, n, "flux_response_encode_raw",
                      flux_response_encode_raw);
}

static PyObject *py_response_encode_error(PyObject *module, PyObject *const *args,
                                          Py_ssize_t n)
{
    const char *topic, *text = NULL;
    int errnum;

    if (!args_get(module, args, n, "flux_response_encode_error", "si|z", &topic, &errnum,
                  &text))
        return NULL;
    return object_new(PyModule_GetState(module), KIND_MESSAGE,
                      flux_response_encode_error(topic, errnum, text), NULL);
}

static PyObject *py_response_derive(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *request;
    int errnum = 0;

    if (!args_get(module, args, n, "flux_response_derive", "M|i", &request, &errnum))
        return NULL;
    return object_new(PyModule_GetState(module), KIND_MESSAGE,
                      flux_response_derive(request->p, errnum), NULL);
}

/* ---- answering ---- */

/* Who asked, in a copy that no other thread can change meanwhile. */
static flux_msg_t *requester(struct object *request)
{
    flux_msg_t *copy = flux_msg_copy(request->p, false);

    if (!copy)
        fail(errno, NULL);
    return copy;
}

static PyObject *py_respond(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *h, *request;
    const char *payload = NULL;
    struct outside out;
    flux_msg_t *copy;
    int rc;

    if (!args_get(module, args, n, "flux_respond", "HM|z", &h, &request, &payload) ||
        !(copy = requester(request)))
        return NULL;
    outside_begin(&out, h->realm);
    rc = flux_respond(h->p, copy, payload);
    flux_msg_destroy(copy);
    return outside_end(&out) ? none_or_fail(rc) : NULL;
}

static PyObject *py_respond_raw(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *h, *request;
    struct outside out;
    const char *data;
    flux_msg_t *copy;
    Py_ssize_t size;
    int rc;

    if (!args_get(module, args, n, "flux_respond_raw", "HMy", &h, &request, &data,
                  &size) ||
        !(copy = requester(request)))
        return NULL;
    outside_begin(&out, h->realm);
    rc = flux_respond_raw(h->p, copy, data, (size_t)size);
    flux_msg_destroy(copy);
    return outside_end(&out) ? none_or_fail(rc) : NULL;
}

static PyObject *py_respond_error(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *h, *request;
    const char *text = NULL;
    struct outside out;
    flux_msg_t *copy;
    int errnum, rc;

    if (!args_get(module, args, n, "flux_respond_error", "HMi|z", &h, &request, &errnum,
                  &text) ||
        !(copy = requester(request)))
        return NULL;
    outside_begin(&out, h->realm);
    rc = flux_respond_error(h->p, copy, errnum, text);
    flux_msg_destroy(copy);
    return outside_end(&out) ? none_or_fail(rc) : NULL;
}

static const PyMethodDef functions[] = {
    FUNCTION(request_decode, "(message) -> (topic, payload)"),
    FUNCTION(request_decode_raw, "(message) -> (topic, bytes)"),
    FUNCTION(request_encode, "(topic, payload=None) -> message"),
    FUNCTION(request_encode_raw, "(topic, data=None) -> message"),
    FUNCTION(response_decode, "(message) -> (topic, payload)"),
    FUNCTION(response_decode_raw, "(message) -> (topic, bytes)"),
    FUNCTION(response_decode_error, "(message) -> str"),
    FUNCTION(response_encode, "(topic, payload=None) -> message"),
    FUNCTION(response_encode_raw, "(topic, data=None) -> message"),
    FUNCTION(response_encode_error, "(topic, errnum, text=None) -> message"),
    FUNCTION(response_derive, "(request, errnum=0) -> message"),
    FUNCTION(respond, "(handle, request, payload=None)"),
    FUNCTION(respond_raw, "(handle, request, data: bytes)"),
    FUNCTION(respond_error, "(handle, request, errnum, text=None)"),
    FUNCTIONS_END,
};

const struct noun noun_request = {functions, NULL};

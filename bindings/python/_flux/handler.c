/* Message handlers. A callback is called with the handler and the message. */
#include "binding.h"

static void on_message(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                       void *arg)
{
    struct object *o = arg;
    struct inside in;

    inside_begin(&in, o);
    Py_INCREF(PY(o));
    inside_call(&in, flux_get_reactor(h), (PyObject *)o,
                object_message(state_of(o), msg));
    inside_end(&in);
}

static PyObject *py_msg_handler_create(PyObject *module, PyObject *const *args,
                                       Py_ssize_t n)
{
    struct flux_match match = FLUX_MATCH_ANY;
    struct object *h, *o;
    PyObject *callback;

    if (!args_get(module, args, n, "flux_msg_handler_create", "HiuzC", &h,
                  &match.typemask, &match.matchtag, &match.topic_glob, &callback) ||
        !(o = object_empty(PyModule_GetState(module), KIND_HANDLER, h, callback)))
        return NULL;
    return object_fill(o, flux_msg_handler_create(h->p, match, on_message, o));
}

static PyObject *py_msg_handler_start(PyObject *module, PyObject *const *args,
                                      Py_ssize_t n)
{
    PyObject *with = NULL;
    struct object *mh;

    if (!args_get(module, args, n, "flux_msg_handler_start", "X|O", &mh, &with) ||
        realm_keep(mh, with) < 0)
        return NULL;
    flux_msg_handler_start(mh->p);
    Py_RETURN_NONE;
}

static PyObject *py_msg_handler_stop(PyObject *module, PyObject *const *args,
                                     Py_ssize_t n)
{
    struct object *mh;

    if (!args_get(module, args, n, "flux_msg_handler_stop", "X", &mh))
        return NULL;
    flux_msg_handler_stop(mh->p);
    realm_release(mh);
    Py_RETURN_NONE;
}

static PyObject *py_msg_handler_destroy(PyObject *module, PyObject *const *args,
                                        Py_ssize_t n)
{
    struct object *mh;

    if (!args_get(module, args, n, "flux_msg_handler_destroy", "X", &mh))
        return NULL;
    object_destroy(mh);
    realm_release(mh);
    Py_RETURN_NONE;
}

static PyObject *set_roles(PyObject *module, PyObject *const *args, Py_ssize_t n,
                           const char *who,
                           void (*set)(flux_msg_handler_t *mh, uint32_t roles))
{
    struct object *mh;
    uint32_t roles;

    if (!args_get(module, args, n, who, "Xu", &mh, &roles))
        return NULL;
    set(mh->p, roles);
    Py_RETURN_NONE;
}

static PyObject *py_msg_handler_allow_rolemask(PyObject *module, PyObject *const *args,
                                               Py_ssize_t n)
{
    return set_roles(module, args, n, "flux_msg_handler_allow_rolemask",
                     flux_msg_handler_allow_rolemask);
}

static PyObject *py_msg_handler_deny_rolemask(PyObject *module, PyObject *const *args,
                                              Py_ssize_t n)
{
    return set_roles(module, args, n, "flux_msg_handler_deny_rolemask",
                     flux_msg_handler_deny_rolemask);
}

static PyObject *py_dispatch_requeue(PyObject *module, PyObject *const *args,
                                     Py_ssize_t n)
{
    struct object *h;

    if (!args_get(module, args, n, "flux_dispatch_requeue", "H", &h))
        return NULL;
    return none_or_fail(flux_dispatch_requeue(h->p));
}

static const PyMethodDef functions[] = {
    FUNCTION(msg_handler_create,
             "(handle, typemask, matchtag, topic_glob, callback) -> handler"),
    FUNCTION(msg_handler_start, "(handler, keep=None)"),
    FUNCTION(msg_handler_stop, "(handler)"),
    FUNCTION(msg_handler_destroy, "(handler)"),
    FUNCTION(msg_handler_allow_rolemask, "(handler, rolemask)"),
    FUNCTION(msg_handler_deny_rolemask, "(handler, rolemask)"),
    FUNCTION(dispatch_requeue, "(handle)"),
    FUNCTIONS_END,
};

const struct noun noun_handler = {functions, NULL};

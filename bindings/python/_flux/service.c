/* Services under names of the caller's choice. */
#include "future.h"

static PyObject *change(PyObject *module, PyObject *const *args, Py_ssize_t n,
                        const char *who,
                        flux_future_t *(*fn)(flux_t *h, const char *name))
{
    struct outside out;
    struct object *h;
    flux_future_t *f;
    const char *name;

    if (!args_get(module, args, n, who, "Hs", &h, &name))
        return NULL;
    outside_begin(&out, h->realm);
    f = fn(h->p, name);
    return future_made(module, &out, h, f);
}

static PyObject *py_service_register(PyObject *module, PyObject *const *args,
                                     Py_ssize_t n)
{
    return change(module, args, n, "flux_service_register", flux_service_register);
}

static PyObject *py_service_unregister(PyObject *module, PyObject *const *args,
                                       Py_ssize_t n)
{
    return change(module, args, n, "flux_service_unregister", flux_service_unregister);
}

static const PyMethodDef functions[] = {
    FUNCTION(service_register, "(handle, name) -> future"),
    FUNCTION(service_unregister, "(handle, name) -> future"),
    FUNCTIONS_END,
};

const struct noun noun_service = {functions, NULL};

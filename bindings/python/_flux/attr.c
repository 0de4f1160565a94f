/* Broker attributes. */
#include "binding.h"

static PyObject *py_attr_get(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    const char *name, *value;
    struct outside out;
    struct object *h;

    if (!args_get(module, args, n, "flux_attr_get", "Hs", &h, &name))
        return NULL;
    outside_begin(&out, h->realm);
    value = flux_attr_get(h->p, name);
    if (!outside_end(&out))
        return NULL;
    return value ? text_or_none(value) : fail(errno, NULL);
}

static PyObject *set(PyObject *module, PyObject *const *args, Py_ssize_t n,
                     const char *who)
{
    const char *name, *value;
    struct outside out;
    flux_error_t error;
    struct object *h;
    bool force = false;
    int rc;

    if (!args_get(module, args, n, who, "Hsz|p", &h, &name, &value, &force))
        return NULL;
    error.text[0] = '\0';
    outside_begin(&out, h->realm);
    rc = flux_attr_set_ex(h->p, name, value, force, &error);
    if (!outside_end(&out))
        return NULL;
    return rc < 0 ? fail(errno, error.text) : none_or_fail(0);
}

static PyObject *py_attr_set(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    return set(module, args, n, "flux_attr_set");
}

static PyObject *py_attr_set_ex(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    return set(module, args, n, "flux_attr_set_ex");
}

static PyObject *py_attr_set_cacheonly(PyObject *module, PyObject *const *args,
                                       Py_ssize_t n)
{
    const char *name, *value;
    struct object *h;

    if (!args_get(module, args, n, "flux_attr_set_cacheonly", "Hsz", &h, &name, &value))
        return NULL;
    return none_or_fail(flux_attr_set_cacheonly(h->p, name, value));
}

static PyObject *py_attr_cache_first(PyObject *module, PyObject *const *args,
                                     Py_ssize_t n)
{
    struct object *h;

    if (!args_get(module, args, n, "flux_attr_cache_first", "H", &h))
        return NULL;
    return text_or_none(flux_attr_cache_first(h->p));
}

static PyObject *py_attr_cache_next(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *h;

    if (!args_get(module, args, n, "flux_attr_cache_next", "H", &h))
        return NULL;
    return text_or_none(flux_attr_cache_next(h->p));
}

static PyObject *get_number(PyObject *module, PyObject *const *args, Py_ssize_t n,
                            const char *who, int (*get)(flux_t *h, uint32_t *number))
{
    struct outside out;
    struct object *h;
    uint32_t number;
    int rc;

    if (!args_get(module, args, n, who, "H", &h))
        return NULL;
    outside_begin(&out, h->realm);
    rc = get(h->p, &number);
    if (!outside_end(&out))
        return NULL;
    return rc < 0 ? fail(errno, NULL) : PyLong_FromUnsignedLong(number);
}

static PyObject *py_get_size(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    return get_number(module, args, n, "flux_get_size", flux_get_size);
}

static PyObject *py_get_rank(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    return get_number(module, args, n, "flux_get_rank", flux_get_rank);
}

static PyObject *py_get_instance_starttime(PyObject *module, PyObject *const *args,
                                           Py_ssize_t n)
{
    struct outside out;
    struct object *h;
    double t;
    int rc;

    if (!args_get(module, args, n, "flux_get_instance_starttime", "H", &h))
        return NULL;
    outside_begin(&out, h->realm);
    rc = flux_get_instance_starttime(h->p, &t);
    if (!outside_end(&out))
        return NULL;
    return rc < 0 ? fail(errno, NULL) : PyFloat_FromDouble(t);
}

static const PyMethodDef functions[] = {
    FUNCTION(attr_get, "(handle, name) -> str"),
    FUNCTION(attr_set, "(handle, name, value)"),
    FUNCTION(attr_set_ex, "(handle, name, value, force=False)"),
    FUNCTION(attr_set_cacheonly, "(handle, name, value)"),
    FUNCTION(attr_cache_first, "(handle) -> str or None"),
    FUNCTION(attr_cache_next, "(handle) -> str or None"),
    FUNCTION(get_size, "(handle) -> int"),
    FUNCTION(get_rank, "(handle) -> int"),
    FUNCTION(get_instance_starttime, "(handle) -> float"),
    FUNCTIONS_END,
};

const struct noun noun_attr = {functions, NULL};

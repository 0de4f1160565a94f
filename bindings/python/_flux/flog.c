/* Logging. */
#include "binding.h"

static PyObject *py_log(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct outside out;
    struct object *h;
    const char *text;
    int level, rc;

    if (!args_get(module, args, n, "flux_log", "His", &h, &level, &text))
        return NULL;
    outside_begin(&out, h->realm);
    rc = flux_log(h->p, level, "%s", text);
    return outside_end(&out) ? none_or_fail(rc) : NULL;
}

static PyObject *set_part(PyObject *module, PyObject *const *args, Py_ssize_t n,
                          const char *who, void (*set)(flux_t *h, const char *s))
{
    struct object *h;
    const char *text;

    if (!args_get(module, args, n, who, "Hs", &h, &text))
        return NULL;
    set(h->p, text);
    Py_RETURN_NONE;
}

static PyObject *py_log_set_appname(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    return set_part(module, args, n, "flux_log_set_appname", flux_log_set_appname);
}

static PyObject *py_log_set_procid(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    return set_part(module, args, n, "flux_log_set_procid", flux_log_set_procid);
}

static PyObject *py_log_set_hostname(PyObject *module, PyObject *const *args,
                                     Py_ssize_t n)
{
    return set_part(module, args, n, "flux_log_set_hostname", flux_log_set_hostname);
}

static PyObject *py_strerror(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    int errnum;

    if (!args_get(module, args, n, "flux_strerror", "i", &errnum))
        return NULL;
    return text_or_none(flux_strerror(errnum));
}

static const PyMethodDef functions[] = {
    FUNCTION(log, "(handle, level, text)"),
    FUNCTION(log_set_appname, "(handle, name)"),
    FUNCTION(log_set_procid, "(handle, name)"),
    FUNCTION(log_set_hostname, "(handle, name)"),
    FUNCTION(strerror, "(errnum) -> str"),
    FUNCTIONS_END,
};

static const struct constant constants[] = {
    CONSTANT(LOG_EMERG), CONSTANT(LOG_ALERT),   CONSTANT(LOG_CRIT),
    CONSTANT(LOG_ERR),   CONSTANT(LOG_WARNING), CONSTANT(LOG_NOTICE),
    CONSTANT(LOG_INFO),  CONSTANT(LOG_DEBUG),   CONSTANTS_END,
};

const struct noun noun_flog = {functions, constants};

/* The library's version, and where it was installed. */
#include "binding.h"

static PyObject *py_core_version_string(PyObject *module, PyObject *const *args,
                                        Py_ssize_t n)
{
    if (!args_get(module, args, n, "flux_core_version_string", ""))
        return NULL;
    return text_or_none(flux_core_version_string());
}

static PyObject *py_core_version(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    int major, minor, patch;

    if (!args_get(module, args, n, "flux_core_version", ""))
        return NULL;
    flux_core_version(&major, &minor, &patch);
    return Py_BuildValue("(iii)", major, minor, patch);
}

static PyObject *py_conf_builtin_get(PyObject *module, PyObject *const *args,
                                     Py_ssize_t n)
{
    const char *name, *value;
    int flags = FLUX_CONF_AUTO;

    if (!args_get(module, args, n, "flux_conf_builtin_get", "s|i", &name, &flags))
        return NULL;
    if (!(value = flux_conf_builtin_get(name, (enum flux_conf_flags)flags)))
        return fail(errno, NULL);
    return text_or_none(value);
}

static const PyMethodDef functions[] = {
    FUNCTION(core_version_string, "() -> str"),
    FUNCTION(core_version, "() -> (major, minor, patch)"),
    FUNCTION(conf_builtin_get, "(name, flags=FLUX_CONF_AUTO) -> str"),
    FUNCTIONS_END,
};

static const struct constant constants[] = {
    CONSTANT(FLUX_CORE_VERSION_HEX),
    CONSTANT(FLUX_CONF_INSTALLED),
    CONSTANT(FLUX_CONF_INTREE),
    CONSTANT(FLUX_CONF_AUTO),
    CONSTANTS_END,
};

const struct noun noun_version = {functions, constants};

/* Arguments and results of the functions. */
#include "binding.h"

#include <stdarg.h>
#include <string.h>

static const char kind_codes[KINDS + 1] = "HRMFWX";
static const char *const kind_nouns[KINDS] = {"handle", "reactor", "message",
                                              "future", "watcher", "message handler"};

static bool wrong(const char *name, int n, const char *want, PyObject *got)
{
    PyObject *type = PyType_GetName(Py_TYPE(got));

    PyErr_Format(PyExc_TypeError, "%s() argument %d must be %s, not %S", name, n, want,
                 type);
    Py_XDECREF(type);
    return false;
}

/* The wrappers of the package keep theirs in .handle, which holds it for us. */
static struct object *unwrap(struct state *st, PyObject *arg, enum kind kind)
{
    struct object *o = object_of(st, arg, kind);
    PyObject *inner;

    if (o)
        return o;
    if (!(inner = PyObject_GetAttrString(arg, "handle"))) {
        PyErr_Clear();
        return NULL;
    }
    o = object_of(st, inner, kind);
    Py_DECREF(inner);
    return o;
}

static bool get_object(struct state *st, PyObject *arg, enum kind kind, const char *name,
                       int n, struct object **ret)
{
    struct object *o = unwrap(st, arg, kind);

    if (!o)
        return wrong(name, n, kind_nouns[kind], arg);
    if (!o->p) {
        PyErr_Format(PyExc_ValueError, "%s(): the %s is closed", name, kind_nouns[kind]);
        return false;
    }
    *ret = o;
    return realm_check(o->realm);
}

static bool get_text(PyObject *arg, const char *name, int n, const char **ret)
{
    char *s;

    if (PyUnicode_Check(arg)) {
        Py_ssize_t len;
        const char *text = PyUnicode_AsUTF8AndSize(arg, &len);

        if (!text)
            return false;
        if ((Py_ssize_t)strlen(text) != len) {
            PyErr_Format(PyExc_ValueError, "%s() argument %d has a NUL in it", name, n);
            return false;
        }
        *ret = text;
        return true;
    }
    if (!PyBytes_Check(arg))
        return wrong(name, n, "str or bytes", arg);
    if (PyBytes_AsStringAndSize(arg, &s, NULL) < 0)
        return false;
    *ret = s;
    return true;
}

static bool get_bytes(PyObject *arg, const char *name, int n, const char **ret,
                      Py_ssize_t *size)
{
    char *s;

    if (arg == Py_None) {
        *ret = NULL;
        *size = 0;
        return true;
    }
    if (!PyBytes_Check(arg))
        return wrong(name, n, "bytes or None", arg);
    if (PyBytes_AsStringAndSize(arg, &s, size) < 0)
        return false;
    *ret = s;
    return true;
}

static bool get_int(PyObject *arg, int *ret)
{
    long v = PyLong_AsLong(arg);

    if (v == -1 && PyErr_Occurred())
        return false;
    if (v != (int)v) {
        PyErr_SetString(PyExc_OverflowError, "the number is too large");
        return false;
    }
    *ret = (int)v;
    return true;
}

/* Negative numbers count from the top, as -1 for "any" does in C. */
static bool get_unsigned(PyObject *arg, unsigned long long max, unsigned long long *ret)
{
    PyObject *number = PyNumber_Index(arg);
    long long v;
    int overflow;

    if (!number)
        return false;
    v = PyLong_AsLongLongAndOverflow(number, &overflow);
    *ret = overflow > 0 ? PyLong_AsUnsignedLongLong(number) : (unsigned long long)v;
    Py_DECREF(number);
    if (PyErr_Occurred())
        return false;
    if (overflow >= 0 && v < 0 && !overflow && v >= -(long long)(max / 2) - 1) {
        *ret &= max;
        return true;
    }
    if (overflow < 0 || (!overflow && v < 0) || *ret > max) {
        PyErr_SetString(PyExc_OverflowError, "the number is too large");
        return false;
    }
    return true;
}

static bool get_double(PyObject *arg, double *ret)
{
    *ret = PyFloat_AsDouble(arg);
    return *ret != -1 || !PyErr_Occurred();
}

static bool get_one(struct state *st, PyObject *arg, char code, const char *name, int n,
                    va_list *ap)
{
    const char *k = strchr(kind_codes, code);
    unsigned long long v;
    int truth;

    if (k)
        return get_object(st, arg, (enum kind)(k - kind_codes), name, n,
                          va_arg(*ap, struct object **));
    switch (code) {
    case 's':
        return get_text(arg, name, n, va_arg(*ap, const char **));
    case 'z': {
        const char **text = va_arg(*ap, const char **);

        *text = NULL;
        return arg == Py_None || get_text(arg, name, n, text);
    }
    case 'y': {
        const char **data = va_arg(*ap, const char **);

        return get_bytes(arg, name, n, data, va_arg(*ap, Py_ssize_t *));
    }
    case 'i':
        return get_int(arg, va_arg(*ap, int *));
    case 'u':
        if (!get_unsigned(arg, UINT32_MAX, &v))
            return false;
        *va_arg(*ap, uint32_t *) = (uint32_t)v;
        return true;
    case 'U':
        if (!get_unsigned(arg, UINT64_MAX, &v))
            return false;
        *va_arg(*ap, uint64_t *) = v;
        return true;
    case 'd':
        return get_double(arg, va_arg(*ap, double *));
    case 'p':
        if ((truth = PyObject_IsTrue(arg)) < 0)
            return false;
        *va_arg(*ap, bool *) = truth;
        return true;
    case 'C':
        if (!PyCallable_Check(arg))
            return wrong(name, n, "callable", arg);
        *va_arg(*ap, PyObject **) = arg;
        return true;
    default:
        *va_arg(*ap, PyObject **) = arg;
        return true;
    }
}

static bool count_is_wrong(const char *name, const char *fmt, Py_ssize_t n)
{
    const char *bar = strchr(fmt, '|');
    Py_ssize_t max = (Py_ssize_t)strlen(fmt) - (bar != NULL);
    Py_ssize_t min = bar ? bar - fmt : max;

    if (n >= min && n <= max)
        return false;
    if (min == max)
        PyErr_Format(PyExc_TypeError, "%s() takes %zd arguments (%zd given)", name, max,
                     n);
    else
        PyErr_Format(PyExc_TypeError, "%s() takes %zd to %zd arguments (%zd given)", name,
                     min, max, n);
    return true;
}

bool args_get(PyObject *module, PyObject *const *args, Py_ssize_t n, const char *name,
              const char *fmt, ...)
{
    struct state *st = PyModule_GetState(module);
    bool ok = !count_is_wrong(name, fmt, n);
    va_list ap;

    va_start(ap, fmt);
    for (Py_ssize_t i = 0; ok && i < n; i++) {
        fmt += *fmt == '|';
        ok = get_one(st, args[i], *fmt++, name, (int)i + 1, &ap);
    }
    va_end(ap);
    return ok;
}

PyObject *text_or_none(const char *s)
{
    if (!s)
        Py_RETURN_NONE;
    return PyUnicode_DecodeUTF8(s, (Py_ssize_t)strlen(s), "surrogateescape");
}

PyObject *fail(int errnum, const char *text)
{
    PyObject *s = text_or_none(text && *text ? text : flux_strerror(errnum));
    PyObject *args = s ? Py_BuildValue("(iN)", errnum, s) : NULL;

    if (args)
        PyErr_SetObject(PyExc_OSError, args);
    Py_XDECREF(args);
    return NULL;
}

PyObject *none_or_fail(int rc)
{
    if (rc < 0)
        return fail(errno, NULL);
    Py_RETURN_NONE;
}

/* The module: puts the tables of the nouns together. */
#include "binding.h"

static const struct noun *const nouns[] = {
    &noun_attr,    &noun_event,          &noun_flog,    &noun_future,
    &noun_handle,  &noun_handler,        &noun_job,     &noun_job_control,
    &noun_message, &noun_message_fields, &noun_reactor, &noun_request,
    &noun_rpc,     &noun_service,        &noun_version, &noun_watcher,
};

static int add_constants(PyObject *module, const struct constant *c)
{
    for (; c && c->name; c++) {
        PyObject *value = PyLong_FromUnsignedLongLong(c->value);
        int rc = value ? PyModule_AddObjectRef(module, c->name, value) : -1;

        Py_XDECREF(value);
        if (rc < 0)
            return -1;
    }
    return 0;
}

static int add_noun(PyObject *module, const struct noun *noun)
{
    if (PyModule_AddFunctions(module, (PyMethodDef *)noun->functions) < 0)
        return -1;
    return add_constants(module, noun->constants);
}

/* What Python says about its main thread, and how to be woken by a signal. */
static int find_signals(struct state *st)
{
    PyObject *signal = PyImport_ImportModule("signal");
    PyObject *threading = PyImport_ImportModule("threading");
    PyObject *thread = NULL, *ident = NULL;

    if (signal)
        st->set_wakeup_fd = PyObject_GetAttrString(signal, "set_wakeup_fd");
    if (threading && (thread = PyObject_CallMethod(threading, "main_thread", NULL)) &&
        (ident = PyObject_GetAttrString(thread, "ident")))
        st->main_thread = PyLong_AsUnsignedLong(ident);
    Py_XDECREF(ident);
    Py_XDECREF(thread);
    Py_XDECREF(threading);
    Py_XDECREF(signal);
    return PyErr_Occurred() ? -1 : 0;
}

static int module_exec(PyObject *module)
{
    struct state *st = PyModule_GetState(module);

    if (object_types(module, st) < 0 || realm_type(module, st) < 0 ||
        find_signals(st) < 0)
        return -1;
    for (size_t i = 0; i < sizeof(nouns) / sizeof(nouns[0]); i++) {
        if (add_noun(module, nouns[i]) < 0)
            return -1;
    }
    return 0;
}

static int module_traverse(PyObject *module, visitproc visit, void *arg)
{
    struct state *st = PyModule_GetState(module);

    for (int k = 0; k < KINDS; k++)
        Py_VISIT(st->types[k]);
    Py_VISIT(st->realm_type);
    Py_VISIT(st->set_wakeup_fd);
    return 0;
}

static int module_clear(PyObject *module)
{
    struct state *st = PyModule_GetState(module);

    for (int k = 0; k < KINDS; k++)
        Py_CLEAR(st->types[k]);
    Py_CLEAR(st->realm_type);
    Py_CLEAR(st->set_wakeup_fd);
    return 0;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    {0, NULL},
};

static struct PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_flux",
    .m_doc = "libflux, function by function; `import flux` is what programs use",
    .m_size = sizeof(struct state),
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
};

PyMODINIT_FUNC PyInit__flux(void);
PyMODINIT_FUNC PyInit__flux(void)
{
    return PyModuleDef_Init(&module_def);
}

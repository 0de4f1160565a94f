/* Realms: a handle, its reactor, and all that is made on them belong to one thread at a
 * time, and share a realm that knows which.
 *
 * While a call waits in the library with Python released, only its thread may use the
 * realm's objects; others get a RuntimeError. Other threads may still drop their last
 * reference to one: what is inside is then destroyed by the thread that waits, when it
 * next comes back to Python.
 *
 * `live` holds what the library may call, and what wraps it, so that
 * handle.msg_watcher_create(...).start() needs no variable. The wrappers' callbacks refer to
 * them weakly: what nobody can call any more is freed at once, without the collector.
 *
 * An exception in a callback stops the reactor that called, waits here, and is raised
 * where Python called the library.
 */
#include "binding.h"

struct grave {
    struct grave *next;
    enum kind kind;
    void *p;
};

struct realm {
    PyObject_HEAD int depth;            /* calls that wait in the library */
    unsigned long owner;                /* the thread they are on */
    PyObject *live;                     /* dict: object -> its wrapper */
    PyObject *type, *value, *traceback; /* the exception */
    struct grave *graves;
    struct realm *joined; /* it is this one now */
};

static int realm_traverse(PyObject *self, visitproc visit, void *arg)
{
    struct realm *r = (struct realm *)self;

    Py_VISIT(Py_TYPE(self));
    Py_VISIT(r->live);
    Py_VISIT(r->joined);
    Py_VISIT(r->type);
    Py_VISIT(r->value);
    Py_VISIT(r->traceback);
    return 0;
}

static int realm_clear(PyObject *self)
{
    struct realm *r = (struct realm *)self;

    Py_CLEAR(r->live);
    Py_CLEAR(r->type);
    Py_CLEAR(r->value);
    Py_CLEAR(r->traceback);
    return 0; /* `joined` stays: things may have to be destroyed through it */
}

static void bury(struct realm *r)
{
    struct grave *g;

    while ((g = r->graves)) {
        r->graves = g->next;
        kind_destroy(g->kind, g->p);
        PyMem_Free(g);
    }
}

static void realm_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    bury((struct realm *)self);
    realm_clear(self);
    Py_CLEAR(((struct realm *)self)->joined);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyType_Slot realm_slots[] = {
    {Py_tp_dealloc, realm_dealloc},
    {Py_tp_traverse, realm_traverse},
    {Py_tp_clear, realm_clear},
    {0, NULL},
};

int realm_type(PyObject *module, struct state *st)
{
    PyType_Spec spec = {
        .name = "_flux.Realm",
        .basicsize = sizeof(struct realm),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC |
                 Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
        .slots = realm_slots,
    };

    st->realm_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &spec, NULL);
    return st->realm_type ? 0 : -1;
}

struct realm *realm_new(struct state *st)
{
    struct realm *r = (struct realm *)PyType_GenericAlloc(st->realm_type, 0);

    if (r && !(r->live = PyDict_New()))
        Py_CLEAR(r);
    return r;
}

static struct realm *top(struct realm *r)
{
    while (r && r->joined)
        r = r->joined;
    return r;
}

static bool is_elsewhere(const struct realm *r)
{
    return r->depth > 0 && r->owner != PyThread_get_thread_ident();
}

bool realm_check(struct realm *r)
{
    r = top(r);
    if (!r || !is_elsewhere(r))
        return true;
    PyErr_SetString(
        PyExc_RuntimeError,
        "this Flux handle is in use by another thread: open one for each thread");
    return false;
}

int realm_join(struct realm *r, struct realm *to)
{
    r = top(r);
    to = top(to);
    if (r == to)
        return 0;
    if (PyDict_Update(to->live, r->live) < 0)
        return -1;
    PyDict_Clear(r->live);
    Py_INCREF(PY(to));
    r->joined = to;
    return 0;
}

int realm_keep(struct object *o, PyObject *with)
{
    struct realm *r = top(o->realm);

    return r && r->live ? PyDict_SetItem(r->live, PY(o), with ? with : Py_None) : 0;
}

void realm_release(struct object *o)
{
    struct realm *r = top(o->realm);

    if (r && r->live && PyDict_Contains(r->live, PY(o)) > 0)
        PyDict_DelItem(r->live, PY(o));
}

void realm_take_exception(struct realm *r)
{
    r = top(r);
    if (!r || r->type) { /* the first one counts */
        PyErr_WriteUnraisable(NULL);
        return;
    }
    PyErr_Fetch(&r->type, &r->value, &r->traceback);
}

bool realm_raise(struct realm *r)
{
    r = top(r);
    if (!r || !r->type)
        return false;
    PyErr_Restore(r->type, r->value, r->traceback);
    r->type = r->value = r->traceback = NULL;
    return true;
}

bool realm_defer_destroy(struct realm *r, enum kind kind, void *p)
{
    struct grave *g;

    r = top(r);
    if (!is_elsewhere(r))
        return false;
    if ((g = PyMem_Malloc(sizeof(*g)))) { /* no memory: leaked rather than torn */
        g->kind = kind;
        g->p = p;
        g->next = r->graves;
        r->graves = g;
    }
    return true;
}

void outside_begin(struct outside *out, struct realm *realm)
{
    int saved_errno = errno;

    realm = top(realm);
    Py_XINCREF(PY(realm));
    out->realm = realm;
    if (realm) {
        realm->depth++;
        realm->owner = PyThread_get_thread_ident();
    }
    out->thread = PyEval_SaveThread();
    errno = saved_errno;
}

bool outside_end(struct outside *out)
{
    int saved_errno = errno;
    struct realm *r = out->realm;
    bool raised = false;

    PyEval_RestoreThread(out->thread);
    if (r) {
        r->depth--;
        bury(r);
        raised = realm_raise(r);
        Py_DECREF(r);
    }
    errno = saved_errno;
    return !raised;
}

void inside_begin(struct inside *in, struct object *o)
{
    in->gil = PyGILState_Ensure();
    in->o = o;
    Py_INCREF(PY(o));
    if (o->realm)
        bury(top(o->realm));
}

void inside_call(struct inside *in, flux_reactor_t *r, PyObject *a, PyObject *b)
{
    PyObject *callback = in->o->callback, *result = NULL;

    if (a && b && callback) {
        Py_INCREF(callback);
        result = PyObject_CallFunctionObjArgs(callback, a, b, NULL);
        Py_DECREF(callback);
    }
    Py_XDECREF(a);
    Py_XDECREF(b);
    Py_XDECREF(result);
    if (!PyErr_Occurred())
        return;
    realm_take_exception(in->o->realm);
    errno = ECANCELED;
    if (r)
        flux_reactor_stop_error(r);
}

void inside_end(struct inside *in)
{
    Py_DECREF(in->o);
    PyGILState_Release(in->gil);
}

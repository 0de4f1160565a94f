/* The objects: all kinds share one layout and one life, and differ in what destroys what is
 * inside.
 *
 * Watchers, message handlers and futures hold what they were made on (origin), so a handle
 * stays open while there is something on it. Python's cycle collector sees all references,
 * those of callbacks too.
 */
#include "binding.h"

struct kind_info {
    const char *name;
    void (*destroy)(void *p);
};

static void close_handle(void *p)
{
    flux_close(p);
}

static void drop_reactor(void *p)
{
    flux_reactor_decref(p);
}

static void drop_message(void *p)
{
    flux_msg_decref(p);
}

static void destroy_future(void *p)
{
    flux_future_destroy(p);
}

static void destroy_watcher(void *p)
{
    flux_watcher_destroy(p);
}

static void destroy_handler(void *p)
{
    flux_msg_handler_destroy(p);
}

static const struct kind_info kinds[KINDS] = {
    [KIND_HANDLE] = {"_flux.Handle", close_handle},
    [KIND_REACTOR] = {"_flux.Reactor", drop_reactor},
    [KIND_MESSAGE] = {"_flux.Message", drop_message},
    [KIND_FUTURE] = {"_flux.Future", destroy_future},
    [KIND_WATCHER] = {"_flux.Watcher", destroy_watcher},
    [KIND_HANDLER] = {"_flux.MsgHandler", destroy_handler},
};

void kind_destroy(enum kind kind, void *p)
{
    if (p)
        kinds[kind].destroy(p);
}

void object_destroy(struct object *o)
{
    void *p = o->p;

    o->p = NULL;
    if (!p || (o->realm && realm_defer_destroy(o->realm, o->kind, p)))
        return;
    kind_destroy(o->kind, p);
}

static int object_traverse(PyObject *self, visitproc visit, void *arg)
{
    struct object *o = (struct object *)self;

    Py_VISIT(Py_TYPE(self));
    Py_VISIT(o->realm);
    Py_VISIT(o->origin);
    Py_VISIT(o->callback);
    return 0;
}

/* The realm stays: what is inside may have to be destroyed through it. */
static int object_clear(PyObject *self)
{
    struct object *o = (struct object *)self;

    Py_CLEAR(o->callback);
    Py_CLEAR(o->origin);
    return 0;
}

static void object_dealloc(PyObject *self)
{
    struct object *o = (struct object *)self;
    PyTypeObject *type = Py_TYPE(self);
    int saved_errno = errno;

    PyObject_GC_UnTrack(self);
    object_destroy(o); /* before its origin */
    object_clear(self);
    Py_CLEAR(o->realm);
    PyObject_GC_Del(self);
    Py_DECREF(type);
    errno = saved_errno;
}

static PyType_Slot object_slots[] = {
    {Py_tp_dealloc, object_dealloc},
    {Py_tp_traverse, object_traverse},
    {Py_tp_clear, object_clear},
    {0, NULL},
};

int object_types(PyObject *module, struct state *st)
{
    for (int k = 0; k < KINDS; k++) {
        PyType_Spec spec = {
            .name = kinds[k].name,
            .basicsize = sizeof(struct object),
            .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC |
                     Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
            .slots = object_slots,
        };
        PyObject *type = PyType_FromModuleAndSpec(module, &spec, NULL);

        if (!type)
            return -1;
        st->types[k] = (PyTypeObject *)type;
        if (PyModule_AddType(module, st->types[k]) < 0)
            return -1;
    }
    return 0;
}

static struct object *object_alloc(struct state *st, enum kind kind)
{
    struct object *o = (struct object *)PyType_GenericAlloc(st->types[kind], 0);

    if (o)
        o->kind = kind;
    return o;
}

/* A realm of its own, or that of what it was made on. */
static bool settle(struct state *st, struct object *o, struct object *origin)
{
    if (!origin)
        return (o->realm = realm_new(st)) != NULL;
    o->origin = origin;
    o->realm = origin->realm;
    Py_INCREF(PY(origin));
    Py_XINCREF(PY(o->realm));
    return true;
}

struct object *object_empty(struct state *st, enum kind kind, struct object *origin,
                            PyObject *callback)
{
    struct object *o = object_alloc(st, kind);

    if (!o)
        return NULL;
    if (kind != KIND_MESSAGE && !settle(st, o, origin)) {
        Py_DECREF(o);
        return NULL;
    }
    Py_XINCREF(callback);
    o->callback = callback;
    return o;
}

PyObject *object_fill(struct object *o, void *p)
{
    if ((o->p = p))
        return (PyObject *)o;
    fail(errno, NULL);
    Py_DECREF(o);
    return NULL;
}

PyObject *object_new(struct state *st, enum kind kind, void *p, struct object *origin)
{
    struct object *o;

    if (!p)
        return fail(errno, NULL);
    if (!(o = object_empty(st, kind, origin, NULL))) {
        kind_destroy(kind, p);
        return NULL;
    }
    return object_fill(o, p);
}

PyObject *object_message(struct state *st, const flux_msg_t *msg)
{
    PyObject *self = object_new(st, KIND_MESSAGE, (void *)flux_msg_incref(msg), NULL);

    if (self)
        ((struct object *)self)->shared = true;
    return self;
}

struct object *object_of(struct state *st, PyObject *any, enum kind kind)
{
    return Py_TYPE(any) == st->types[kind] ? (struct object *)any : NULL;
}

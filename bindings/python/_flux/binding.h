/* _flux, the C side of `import flux`: every function of libflux under its own name, as a
 * Python function on opaque objects. The package flux/ makes it pleasant.
 *
 * One file a noun, each with a table of its functions and constants (struct noun); module.c
 * puts the tables together. object.c has the objects, args.c takes arguments apart,
 * realm.c knows which thread may do what and where exceptions of callbacks go.
 *
 * Only the stable part of Python's C interface is used: one build serves every
 * interpreter from 3.11 on.
 */
#ifndef FLUX_PYTHON_BINDING_H
#define FLUX_PYTHON_BINDING_H

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000
#include <Python.h>

#include <errno.h>
#include <stdbool.h>

#include <flux/core.h>
#include <flux/job.h>

/* ---- tables ---- */

struct constant {
    const char *name;
    unsigned long long value;
};

struct noun {
    const PyMethodDef *functions;
    const struct constant *constants; /* NULL: none */
};

#define FUNCTION(name, doc)                                                              \
    {                                                                                    \
        "flux_" #name, (PyCFunction)(void (*)(void))py_##name, METH_FASTCALL,            \
            "flux_" #name doc                                                            \
    }
#define FUNCTIONS_END                                                                    \
    {                                                                                    \
        NULL, NULL, 0, NULL                                                              \
    }
#define CONSTANT(name)                                                                   \
    {                                                                                    \
#name, name                                                                      \
    }
#define CONSTANTS_END                                                                    \
    {                                                                                    \
        NULL, 0                                                                          \
    }

extern const struct noun noun_attr, noun_event, noun_flog, noun_future, noun_handle,
    noun_handler, noun_job, noun_job_control, noun_message, noun_message_fields,
    noun_reactor, noun_request, noun_rpc, noun_service, noun_version, noun_watcher;

/* ---- objects ---- */

enum kind {
    KIND_HANDLE,
    KIND_REACTOR,
    KIND_MESSAGE,
    KIND_FUTURE,
    KIND_WATCHER,
    KIND_HANDLER,
    KINDS,
};

struct realm;

#define PY(o) ((PyObject *)(o))

/* Something of the library's in Python's hands. */
struct object {
    PyObject_HEAD enum kind kind;
    void *p;               /* owned; NULL once destroyed */
    struct realm *realm;   /* NULL: a message, which belongs to nobody */
    struct object *origin; /* what it was made on, kept alive; or NULL */
    PyObject *callback;    /* or NULL */
    bool shared;           /* message: others hold it too, so it must not be changed */
    bool called;           /* future: its continuation has seen the result */
};

struct state {
    PyTypeObject *types[KINDS];
    PyTypeObject *realm_type;
    PyObject *set_wakeup_fd; /* of Python's signal module */
    unsigned long main_thread;
};

int object_types(PyObject *module, struct state *st);
static inline struct state *state_of(struct object *o)
{
    return PyType_GetModuleState(Py_TYPE((PyObject *)o));
}
/* An object around p, which it takes over; NULL (p is destroyed) with an exception: p NULL
 * gives OSError of errno. It belongs to the realm of `origin`; without one it gets its
 * own. */
PyObject *object_new(struct state *st, enum kind kind, void *p, struct object *origin);
/* The same in two steps, for what calls back with the object as argument. fill gives the object,
 * or fails as above and drops it. */
struct object *object_empty(struct state *st, enum kind kind, struct object *origin,
                            PyObject *callback);
PyObject *object_fill(struct object *o, void *p);
/* Destroy what is inside, now or when the realm's thread lets us. */
void object_destroy(struct object *o);
void kind_destroy(enum kind kind, void *p);
/* A message that somebody else holds; takes a reference. */
PyObject *object_message(struct state *st, const flux_msg_t *msg);
/* Is it an object of this kind? */
struct object *object_of(struct state *st, PyObject *any, enum kind kind);

/* ---- arguments and results ---- */

/* Take the arguments of `name` apart; false with an exception. Codes and targets:
 *   H R M F W X  an object of a kind, or something with one in .handle: struct object **
 *   s text (str or bytes): const char **      z the same, or None (NULL)
 *   y bytes, or None: const char **, Py_ssize_t *
 *   i int *   u uint32_t *   U uint64_t *   d double *   p bool *
 *   C a callable, O anything: PyObject **
 *   | what follows may be missing, its targets stay as they are
 * All targets are borrowed from the arguments. Objects are not closed, and no other thread is
 * inside the library with them. */
bool args_get(PyObject *module, PyObject *const *args, Py_ssize_t n, const char *name,
              const char *fmt, ...);

PyObject *text_or_none(const char *s);
/* OSError of an errno, with a text of the library's (NULL, "": that of the errno). */
PyObject *fail(int errnum, const char *text);
/* None if rc >= 0, else OSError of errno. */
PyObject *none_or_fail(int rc);

/* ---- realms ---- */

struct realm *realm_new(struct state *st);
int realm_type(PyObject *module, struct state *st);
/* May this thread use it now? False with an exception. */
bool realm_check(struct realm *r);
/* Two realms become one, that of `to`. -1 with an exception. */
int realm_join(struct realm *r, struct realm *to);
/* Keep an object alive while the library may call it, and `with` (may be NULL), which wraps it;
 * let them go. -1 with an exception. */
int realm_keep(struct object *o, PyObject *with);
void realm_release(struct object *o);
/* A callback has raised: the exception waits here for Python to be reached again. */
void realm_take_exception(struct realm *r);
/* True when there was one; it is set now. */
bool realm_raise(struct realm *r);
/* p cannot be destroyed now, another thread is in the library: do it later. */
bool realm_defer_destroy(struct realm *r, enum kind kind, void *p);

/* Time outside Python: other Python threads run while the library waits, and none but this
 * one may use the realm. begin and end keep errno; end is false when a callback raised (that
 * exception is set). realm may be NULL. */
struct outside {
    PyThreadState *thread;
    struct realm *realm;
};
void outside_begin(struct outside *out, struct realm *realm);
bool outside_end(struct outside *out);

/* A callback from the library into Python. */
struct inside {
    PyGILState_STATE gil;
    struct object *o;
};
void inside_begin(struct inside *in, struct object *o);
/* Call o's callback; steals the references. r (may be NULL) is stopped if it raises. */
void inside_call(struct inside *in, flux_reactor_t *r, PyObject *a, PyObject *b);
void inside_end(struct inside *in);

/* Longest time, in seconds, that the main thread waits before it looks for signals. Where the
 * library can be woken, it is woken instead. */
#define SIGNAL_SLICE 0.1
static inline bool is_main_thread(const struct state *st)
{
    return PyThread_get_thread_ident() == st->main_thread;
}

#endif

/* Jobs: control, lists, pieces, event logs. */
#include "future.h"

static PyObject *py_job_raise(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    const char *type, *note = NULL;
    struct outside out;
    int severity = 0;
    struct object *h;
    flux_future_t *f;
    flux_jobid_t id;

    if (!args_get(module, args, n, "flux_job_raise", "HUs|iz", &h, &id, &type, &severity,
                  &note))
        return NULL;
    outside_begin(&out, h->realm);
    f = flux_job_raise(h->p, id, type, severity, note);
    return future_made(module, &out, h, f);
}

static PyObject *py_job_cancel(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    const char *reason = NULL;
    struct outside out;
    struct object *h;
    flux_future_t *f;
    flux_jobid_t id;

    if (!args_get(module, args, n, "flux_job_cancel", "HU|z", &h, &id, &reason))
        return NULL;
    outside_begin(&out, h->realm);
    f = flux_job_cancel(h->p, id, reason);
    return future_made(module, &out, h, f);
}

static PyObject *send_number(PyObject *module, PyObject *const *args, Py_ssize_t n,
                             const char *who,
                             flux_future_t *(*fn)(flux_t *h, flux_jobid_t id, int number))
{
    struct outside out;
    struct object *h;
    flux_future_t *f;
    flux_jobid_t id;
    int number;

    if (!args_get(module, args, n, who, "HUi", &h, &id, &number))
        return NULL;
    outside_begin(&out, h->realm);
    f = fn(h->p, id, number);
    return future_made(module, &out, h, f);
}

static PyObject *py_job_kill(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    return send_number(module, args, n, "flux_job_kill", flux_job_kill);
}

static PyObject *py_job_set_urgency(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    return send_number(module, args, n, "flux_job_set_urgency", flux_job_set_urgency);
}

/* ---- lists ---- */

static PyObject *py_job_list(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    uint32_t userid = FLUX_USERID_UNKNOWN;
    int max_entries = 0, states = 0;
    const char *attrs = NULL;
    struct outside out;
    struct object *h;
    flux_future_t *f;

    if (!args_get(module, args, n, "flux_job_list", "H|izui", &h, &max_entries, &attrs,
                  &userid, &states))
        return NULL;
    outside_begin(&out, h->realm);
    f = flux_job_list(h->p, max_entries, attrs, userid, states);
    return future_made(module, &out, h, f);
}

static PyObject *py_job_list_inactive(PyObject *module, PyObject *const *args,
                                      Py_ssize_t n)
{
    const char *attrs = NULL;
    struct outside out;
    int max_entries = 0;
    struct object *h;
    flux_future_t *f;
    double since = 0;

    if (!args_get(module, args, n, "flux_job_list_inactive", "H|idz", &h, &max_entries,
                  &since, &attrs))
        return NULL;
    outside_begin(&out, h->realm);
    f = flux_job_list_inactive(h->p, max_entries, since, attrs);
    return future_made(module, &out, h, f);
}

static PyObject *py_job_list_id(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    const char *attrs = NULL;
    struct outside out;
    struct object *h;
    flux_future_t *f;
    flux_jobid_t id;

    if (!args_get(module, args, n, "flux_job_list_id", "HU|z", &h, &id, &attrs))
        return NULL;
    outside_begin(&out, h->realm);
    f = flux_job_list_id(h->p, id, attrs);
    return future_made(module, &out, h, f);
}

/* ---- pieces ---- */

static PyObject *py_job_info_lookup(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct outside out;
    struct object *h;
    flux_future_t *f;
    const char *key;
    flux_jobid_t id;

    if (!args_get(module, args, n, "flux_job_info_lookup", "HUs", &h, &id, &key))
        return NULL;
    outside_begin(&out, h->realm);
    f = flux_job_info_lookup(h->p, id, key);
    return future_made(module, &out, h, f);
}

static PyObject *py_job_info_lookup_get(PyObject *module, PyObject *const *args,
                                        Py_ssize_t n)
{
    const char *key, *text;
    struct object *f;

    if (!args_get(module, args, n, "flux_job_info_lookup_get", "Fs", &f, &key) ||
        !future_wait(f, -1))
        return NULL;
    return flux_job_info_lookup_get(f->p, key, &text) < 0 ? future_fail(f)
                                                          : text_or_none(text);
}

static PyObject *key_of(PyObject *module, PyObject *const *args, Py_ssize_t n,
                        const char *who,
                        int (*fn)(char *buf, int size, flux_jobid_t id, const char *key))
{
    const char *key = NULL;
    flux_jobid_t id;
    char buf[512];

    if (!args_get(module, args, n, who, "U|z", &id, &key))
        return NULL;
    return fn(buf, sizeof(buf), id, key) < 0 ? fail(errno, NULL) : text_or_none(buf);
}

static PyObject *py_job_kvs_key(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    return key_of(module, args, n, "flux_job_kvs_key", flux_job_kvs_key);
}

static PyObject *py_job_kvs_guest_key(PyObject *module, PyObject *const *args,
                                      Py_ssize_t n)
{
    return key_of(module, args, n, "flux_job_kvs_guest_key", flux_job_kvs_guest_key);
}

static PyObject *py_job_kvs_namespace(PyObject *module, PyObject *const *args,
                                      Py_ssize_t n)
{
    flux_jobid_t id;
    char buf[128];

    if (!args_get(module, args, n, "flux_job_kvs_namespace", "U", &id))
        return NULL;
    return flux_job_kvs_namespace(buf, sizeof(buf), id) < 0 ? fail(errno, NULL)
                                                            : text_or_none(buf);
}

/* ---- event logs ---- */

static PyObject *py_job_event_watch(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    const char *path = "eventlog";
    struct outside out;
    struct object *h;
    flux_future_t *f;
    flux_jobid_t id;
    int flags = 0;

    if (!args_get(module, args, n, "flux_job_event_watch", "HU|si", &h, &id, &path,
                  &flags))
        return NULL;
    outside_begin(&out, h->realm);
    f = flux_job_event_watch(h->p, id, path, flags);
    return future_made(module, &out, h, f);
}

static PyObject *py_job_event_watch_get(PyObject *module, PyObject *const *args,
                                        Py_ssize_t n)
{
    struct object *f;
    const char *event;

    if (!args_get(module, args, n, "flux_job_event_watch_get", "F", &f) ||
        !future_wait(f, -1))
        return NULL;
    return flux_job_event_watch_get(f->p, &event) < 0 ? future_fail(f)
                                                      : text_or_none(event);
}

static PyObject *py_job_event_watch_cancel(PyObject *module, PyObject *const *args,
                                           Py_ssize_t n)
{
    struct outside out;
    struct object *f;
    int rc;

    if (!args_get(module, args, n, "flux_job_event_watch_cancel", "F", &f))
        return NULL;
    if (f->origin && !f->origin->p) /* its handle is closed: nothing to cancel */
        Py_RETURN_NONE;
    outside_begin(&out, f->realm);
    rc = flux_job_event_watch_cancel(f->p);
    return outside_end(&out) ? none_or_fail(rc) : NULL;
}

static const PyMethodDef functions[] = {
    FUNCTION(job_raise, "(handle, id, type, severity=0, note=None) -> future"),
    FUNCTION(job_cancel, "(handle, id, reason=None) -> future"),
    FUNCTION(job_kill, "(handle, id, signum) -> future"),
    FUNCTION(job_set_urgency, "(handle, id, urgency) -> future"),
    FUNCTION(job_list,
             "(handle, max_entries=0, attrs=None, userid=-1, states=0) -> future"),
    FUNCTION(job_list_inactive, "(handle, max_entries=0, since=0, attrs=None) -> future"),
    FUNCTION(job_list_id, "(handle, id, attrs=None) -> future"),
    FUNCTION(job_info_lookup, "(handle, id, key) -> future"),
    FUNCTION(job_info_lookup_get, "(future, key) -> str"),
    FUNCTION(job_kvs_key, "(id, key=None) -> str"),
    FUNCTION(job_kvs_guest_key, "(id, key=None) -> str"),
    FUNCTION(job_kvs_namespace, "(id) -> str"),
    FUNCTION(job_event_watch, "(handle, id, path='eventlog', flags=0) -> future"),
    FUNCTION(job_event_watch_get, "(future) -> str"),
    FUNCTION(job_event_watch_cancel, "(future)"),
    FUNCTIONS_END,
};

static const struct constant constants[] = {
    CONSTANT(FLUX_JOB_EVENT_WATCH_WAITCREATE),
    CONSTANTS_END,
};

const struct noun noun_job_control = {functions, constants};

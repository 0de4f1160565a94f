/* Jobs: ids, names of states, submitting, waiting, results. Control, lists and event
 * logs are in job_control.c.
 */
#include "future.h"

static PyObject *py_job_id_parse(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    flux_jobid_t id;
    const char *s;

    if (!args_get(module, args, n, "flux_job_id_parse", "s", &s))
        return NULL;
    if (flux_job_id_parse(s, &id) < 0)
        return fail(errno, NULL);
    return PyLong_FromUnsignedLongLong(id);
}

static PyObject *py_job_id_encode(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    const char *type = "f58";
    char buf[256];
    flux_jobid_t id;

    if (!args_get(module, args, n, "flux_job_id_encode", "U|s", &id, &type))
        return NULL;
    if (flux_job_id_encode(id, type, buf, sizeof(buf)) < 0)
        return fail(errno, NULL);
    return text_or_none(buf);
}

static PyObject *py_job_statetostr(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    const char *format = "L";
    int state;

    if (!args_get(module, args, n, "flux_job_statetostr", "i|s", &state, &format))
        return NULL;
    return text_or_none(flux_job_statetostr((flux_job_state_t)state, format));
}

static PyObject *py_job_strtostate(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    flux_job_state_t state;
    const char *s;

    if (!args_get(module, args, n, "flux_job_strtostate", "s", &s))
        return NULL;
    return flux_job_strtostate(s, &state) < 0 ? fail(errno, NULL)
                                              : PyLong_FromLong(state);
}

static PyObject *py_job_resulttostr(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    const char *format = "L";
    int result;

    if (!args_get(module, args, n, "flux_job_resulttostr", "i|s", &result, &format))
        return NULL;
    return text_or_none(flux_job_resulttostr((flux_job_result_t)result, format));
}

static PyObject *py_job_strtoresult(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    flux_job_result_t result;
    const char *s;

    if (!args_get(module, args, n, "flux_job_strtoresult", "s", &s))
        return NULL;
    return flux_job_strtoresult(s, &result) < 0 ? fail(errno, NULL)
                                                : PyLong_FromLong(result);
}

/* ---- submit, wait, result ---- */

static PyObject *py_job_submit(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    int urgency = FLUX_JOB_URGENCY_DEFAULT, flags = 0;
    const char *jobspec, *nonce = NULL;
    struct outside out;
    struct object *h;
    flux_future_t *f;

    if (!args_get(module, args, n, "flux_job_submit", "Hs|iiz", &h, &jobspec, &urgency,
                  &flags, &nonce))
        return NULL;
    outside_begin(&out, h->realm);
    f = flux_job_submit_once(h->p, jobspec, urgency, flags, nonce);
    return future_made(module, &out, h, f);
}

static PyObject *get_id(PyObject *module, PyObject *const *args, Py_ssize_t n,
                        const char *who, int (*fn)(flux_future_t *f, flux_jobid_t *id))
{
    struct object *f;
    flux_jobid_t id;

    if (!args_get(module, args, n, who, "F", &f) || !future_wait(f, -1))
        return NULL;
    return fn(f->p, &id) < 0 ? future_fail(f) : PyLong_FromUnsignedLongLong(id);
}

static PyObject *py_job_submit_get_id(PyObject *module, PyObject *const *args,
                                      Py_ssize_t n)
{
    return get_id(module, args, n, "flux_job_submit_get_id", flux_job_submit_get_id);
}

static PyObject *py_job_wait(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    flux_jobid_t id = FLUX_JOBID_ANY;
    struct outside out;
    struct object *h;
    flux_future_t *f;

    if (!args_get(module, args, n, "flux_job_wait", "H|U", &h, &id))
        return NULL;
    outside_begin(&out, h->realm);
    f = flux_job_wait(h->p, id);
    return future_made(module, &out, h, f);
}

static PyObject *py_job_wait_get_id(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    return get_id(module, args, n, "flux_job_wait_get_id", flux_job_wait_get_id);
}

static PyObject *py_job_wait_get_status(PyObject *module, PyObject *const *args,
                                        Py_ssize_t n)
{
    const char *text = NULL;
    struct object *f;
    bool success;

    if (!args_get(module, args, n, "flux_job_wait_get_status", "F", &f) ||
        !future_wait(f, -1))
        return NULL;
    if (flux_job_wait_get_status(f->p, &success, &text) < 0)
        return future_fail(f);
    return Py_BuildValue("(NN)", PyBool_FromLong(success), text_or_none(text));
}

static PyObject *py_job_result(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct outside out;
    struct object *h;
    flux_future_t *f;
    flux_jobid_t id;
    int flags = 0;

    if (!args_get(module, args, n, "flux_job_result", "HU|i", &h, &id, &flags))
        return NULL;
    outside_begin(&out, h->realm);
    f = flux_job_result(h->p, id, flags);
    return future_made(module, &out, h, f);
}

static PyObject *py_job_result_get(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *f;
    const char *text;

    if (!args_get(module, args, n, "flux_job_result_get", "F", &f) || !future_wait(f, -1))
        return NULL;
    return flux_job_result_get(f->p, &text) < 0 ? future_fail(f) : text_or_none(text);
}

static PyObject *py_job_waitstatus_to_exitcode(PyObject *module, PyObject *const *args,
                                               Py_ssize_t n)
{
    flux_error_t error = {{0}};
    int status, code;

    if (!args_get(module, args, n, "flux_job_waitstatus_to_exitcode", "i", &status))
        return NULL;
    code = flux_job_waitstatus_to_exitcode(status, &error);
    return code < 0 ? fail(errno, error.text)
                    : Py_BuildValue("(iN)", code, text_or_none(error.text));
}

static PyObject *py_job_timeleft(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    flux_error_t error = {{0}};
    struct outside out;
    struct object *h;
    double left;
    int rc;

    if (!args_get(module, args, n, "flux_job_timeleft", "H", &h))
        return NULL;
    outside_begin(&out, h->realm);
    rc = flux_job_timeleft(h->p, &error, &left);
    if (!outside_end(&out))
        return NULL;
    return rc < 0 ? fail(errno, error.text) : PyFloat_FromDouble(left);
}

static const PyMethodDef functions[] = {
    FUNCTION(job_id_parse, "(text) -> int"),
    FUNCTION(job_id_encode, "(id, type='f58') -> str"),
    FUNCTION(job_statetostr, "(state, format='L') -> str"),
    FUNCTION(job_strtostate, "(text) -> int"),
    FUNCTION(job_resulttostr, "(result, format='L') -> str"),
    FUNCTION(job_strtoresult, "(text) -> int"),
    FUNCTION(job_submit, "(handle, jobspec, urgency=16, flags=0, nonce=None) -> future"),
    FUNCTION(job_submit_get_id, "(future) -> int"),
    FUNCTION(job_wait, "(handle, id=ANY) -> future"),
    FUNCTION(job_wait_get_id, "(future) -> int"),
    FUNCTION(job_wait_get_status, "(future) -> (success, text)"),
    FUNCTION(job_result, "(handle, id, flags=0) -> future"),
    FUNCTION(job_result_get, "(future) -> str"),
    FUNCTION(job_waitstatus_to_exitcode, "(status) -> (code, text)"),
    FUNCTION(job_timeleft, "(handle) -> float"),
    FUNCTIONS_END,
};

static const struct constant constants[] = {
    CONSTANT(FLUX_JOBID_ANY),
    CONSTANT(FLUX_JOB_PRE_SIGNED),
    CONSTANT(FLUX_JOB_DEBUG),
    CONSTANT(FLUX_JOB_WAITABLE),
    CONSTANT(FLUX_JOB_NOVALIDATE),
    CONSTANT(FLUX_JOB_URGENCY_MIN),
    CONSTANT(FLUX_JOB_URGENCY_HOLD),
    CONSTANT(FLUX_JOB_URGENCY_DEFAULT),
    CONSTANT(FLUX_JOB_URGENCY_MAX),
    CONSTANT(FLUX_JOB_URGENCY_EXPEDITE),
    CONSTANT(FLUX_JOB_PRIORITY_MIN),
    CONSTANT(FLUX_JOB_PRIORITY_MAX),
    CONSTANT(FLUX_JOB_STATE_NEW),
    CONSTANT(FLUX_JOB_STATE_DEPEND),
    CONSTANT(FLUX_JOB_STATE_PRIORITY),
    CONSTANT(FLUX_JOB_STATE_SCHED),
    CONSTANT(FLUX_JOB_STATE_RUN),
    CONSTANT(FLUX_JOB_STATE_CLEANUP),
    CONSTANT(FLUX_JOB_STATE_INACTIVE),
    CONSTANT(FLUX_JOB_STATE_PENDING),
    CONSTANT(FLUX_JOB_STATE_RUNNING),
    CONSTANT(FLUX_JOB_STATE_ACTIVE),
    CONSTANT(FLUX_JOB_NR_STATES),
    CONSTANT(FLUX_JOB_RESULT_COMPLETED),
    CONSTANT(FLUX_JOB_RESULT_FAILED),
    CONSTANT(FLUX_JOB_RESULT_CANCELED),
    CONSTANT(FLUX_JOB_RESULT_TIMEOUT),
    CONSTANT(FLUX_JOB_NR_RESULTS),
    CONSTANTS_END,
};

const struct noun noun_job = {functions, constants};

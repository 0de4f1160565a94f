/* The numbers, flags and credentials of a message. Most functions have one of a few
 * shapes, and there is one function for each shape.
 */
#include "binding.h"
#include "message.h"

static PyObject *set_nothing(PyObject *module, PyObject *const *args, Py_ssize_t n,
                             const char *who, int (*set)(flux_msg_t *msg))
{
    struct object *msg;

    if (!args_get(module, args, n, who, "M", &msg) || !message_own(msg))
        return NULL;
    return none_or_fail(set(msg->p));
}

static PyObject *set_int(PyObject *module, PyObject *const *args, Py_ssize_t n,
                         const char *who, int (*set)(flux_msg_t *msg, int value))
{
    struct object *msg;
    int value;

    if (!args_get(module, args, n, who, "Mi", &msg, &value) || !message_own(msg))
        return NULL;
    return none_or_fail(set(msg->p, value));
}

static PyObject *set_number(PyObject *module, PyObject *const *args, Py_ssize_t n,
                            const char *who, int (*set)(flux_msg_t *msg, uint32_t value))
{
    struct object *msg;
    uint32_t value;

    if (!args_get(module, args, n, who, "Mu", &msg, &value) || !message_own(msg))
        return NULL;
    return none_or_fail(set(msg->p, value));
}

static PyObject *get_int(PyObject *module, PyObject *const *args, Py_ssize_t n,
                         const char *who, int (*get)(const flux_msg_t *msg, int *value))
{
    struct object *msg;
    int value;

    if (!args_get(module, args, n, who, "M", &msg))
        return NULL;
    return get(msg->p, &value) < 0 ? fail(errno, NULL) : PyLong_FromLong(value);
}

static PyObject *get_number(PyObject *module, PyObject *const *args, Py_ssize_t n,
                            const char *who,
                            int (*get)(const flux_msg_t *msg, uint32_t *value))
{
    struct object *msg;
    uint32_t value;

    if (!args_get(module, args, n, who, "M", &msg))
        return NULL;
    return get(msg->p, &value) < 0 ? fail(errno, NULL) : PyLong_FromUnsignedLong(value);
}

static PyObject *get_truth(PyObject *module, PyObject *const *args, Py_ssize_t n,
                           const char *who, bool (*get)(const flux_msg_t *msg))
{
    struct object *msg;

    if (!args_get(module, args, n, who, "M", &msg))
        return NULL;
    return PyBool_FromLong(get(msg->p));
}

#define SHAPED(shape, name)                                                              \
    static PyObject *py_msg_##name(PyObject *module, PyObject *const *args,              \
                                   Py_ssize_t n)                                         \
    {                                                                                    \
        return shape(module, args, n, "flux_msg_" #name, flux_msg_##name);               \
    }

SHAPED(set_int, set_type)
SHAPED(get_int, get_type)
SHAPED(set_nothing, set_private)
SHAPED(get_truth, is_private)
SHAPED(set_nothing, set_streaming)
SHAPED(get_truth, is_streaming)
SHAPED(set_nothing, set_noresponse)
SHAPED(get_truth, is_noresponse)
SHAPED(set_nothing, set_upstream)
SHAPED(get_truth, is_upstream)
SHAPED(set_nothing, set_user1)
SHAPED(get_truth, is_user1)
SHAPED(get_truth, is_local)
SHAPED(set_int, set_flag)
SHAPED(set_int, clear_flag)
SHAPED(set_number, set_nodeid)
SHAPED(get_number, get_nodeid)
SHAPED(set_int, set_errnum)
SHAPED(get_int, get_errnum)
SHAPED(set_number, set_seq)
SHAPED(get_number, get_seq)
SHAPED(set_number, set_matchtag)
SHAPED(get_number, get_matchtag)
SHAPED(set_number, set_userid)
SHAPED(get_number, get_userid)
SHAPED(set_number, set_rolemask)
SHAPED(get_number, get_rolemask)

static PyObject *py_msg_has_flag(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *msg;
    int flag;

    if (!args_get(module, args, n, "flux_msg_has_flag", "Mi", &msg, &flag))
        return NULL;
    return PyBool_FromLong(flux_msg_has_flag(msg->p, flag));
}

static PyObject *py_msg_get_flags(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *msg;
    uint8_t flags;

    if (!args_get(module, args, n, "flux_msg_get_flags", "M", &msg))
        return NULL;
    return flux_msg_get_flags(msg->p, &flags) < 0 ? fail(errno, NULL)
                                                  : PyLong_FromLong(flags);
}

static PyObject *py_msg_set_control(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *msg;
    int type, status;

    if (!args_get(module, args, n, "flux_msg_set_control", "Mii", &msg, &type, &status) ||
        !message_own(msg))
        return NULL;
    return none_or_fail(flux_msg_set_control(msg->p, type, status));
}

static PyObject *py_msg_get_control(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *msg;
    int type, status;

    if (!args_get(module, args, n, "flux_msg_get_control", "M", &msg))
        return NULL;
    if (flux_msg_get_control(msg->p, &type, &status) < 0)
        return fail(errno, NULL);
    return Py_BuildValue("(ii)", type, status);
}

static PyObject *py_msg_cmp_matchtag(PyObject *module, PyObject *const *args,
                                     Py_ssize_t n)
{
    struct object *msg;
    uint32_t tag;

    if (!args_get(module, args, n, "flux_msg_cmp_matchtag", "Mu", &msg, &tag))
        return NULL;
    return PyBool_FromLong(flux_msg_cmp_matchtag(msg->p, tag));
}

static PyObject *py_msg_set_cred(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct flux_msg_cred cred;
    struct object *msg;

    if (!args_get(module, args, n, "flux_msg_set_cred", "Muu", &msg, &cred.userid,
                  &cred.rolemask) ||
        !message_own(msg))
        return NULL;
    return none_or_fail(flux_msg_set_cred(msg->p, cred));
}

static PyObject *py_msg_get_cred(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct flux_msg_cred cred;
    struct object *msg;

    if (!args_get(module, args, n, "flux_msg_get_cred", "M", &msg))
        return NULL;
    if (flux_msg_get_cred(msg->p, &cred) < 0)
        return fail(errno, NULL);
    return Py_BuildValue("(II)", cred.userid, cred.rolemask);
}

static PyObject *py_msg_authorize(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct object *msg;
    uint32_t userid;

    if (!args_get(module, args, n, "flux_msg_authorize", "Mu", &msg, &userid))
        return NULL;
    return none_or_fail(flux_msg_authorize(msg->p, userid));
}

static PyObject *py_msg_cred_authorize(PyObject *module, PyObject *const *args,
                                       Py_ssize_t n)
{
    struct flux_msg_cred cred;
    uint32_t userid;

    if (!args_get(module, args, n, "flux_msg_cred_authorize", "uuu", &cred.userid,
                  &cred.rolemask, &userid))
        return NULL;
    return none_or_fail(flux_msg_cred_authorize(cred, userid));
}

static PyObject *py_msg_cmp(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct flux_match match = FLUX_MATCH_ANY;
    struct object *msg;

    if (!args_get(module, args, n, "flux_msg_cmp", "Mi|uz", &msg, &match.typemask,
                  &match.matchtag, &match.topic_glob))
        return NULL;
    return PyBool_FromLong(flux_msg_cmp(msg->p, match));
}

static PyObject *py_msg_typestr(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    int type;

    if (!args_get(module, args, n, "flux_msg_typestr", "i", &type))
        return NULL;
    return text_or_none(flux_msg_typestr(type));
}

static const PyMethodDef functions[] = {
    FUNCTION(msg_set_type, "(message, type)"),
    FUNCTION(msg_get_type, "(message) -> int"),
    FUNCTION(msg_set_private, "(message)"),
    FUNCTION(msg_is_private, "(message) -> bool"),
    FUNCTION(msg_set_streaming, "(message)"),
    FUNCTION(msg_is_streaming, "(message) -> bool"),
    FUNCTION(msg_set_noresponse, "(message)"),
    FUNCTION(msg_is_noresponse, "(message) -> bool"),
    FUNCTION(msg_set_upstream, "(message)"),
    FUNCTION(msg_is_upstream, "(message) -> bool"),
    FUNCTION(msg_set_user1, "(message)"),
    FUNCTION(msg_is_user1, "(message) -> bool"),
    FUNCTION(msg_is_local, "(message) -> bool"),
    FUNCTION(msg_set_flag, "(message, flag)"),
    FUNCTION(msg_clear_flag, "(message, flag)"),
    FUNCTION(msg_has_flag, "(message, flag) -> bool"),
    FUNCTION(msg_get_flags, "(message) -> int"),
    FUNCTION(msg_set_nodeid, "(message, nodeid)"),
    FUNCTION(msg_get_nodeid, "(message) -> int"),
    FUNCTION(msg_set_errnum, "(message, errnum)"),
    FUNCTION(msg_get_errnum, "(message) -> int"),
    FUNCTION(msg_set_seq, "(message, seq)"),
    FUNCTION(msg_get_seq, "(message) -> int"),
    FUNCTION(msg_set_control, "(message, type, status)"),
    FUNCTION(msg_get_control, "(message) -> (type, status)"),
    FUNCTION(msg_set_matchtag, "(message, matchtag)"),
    FUNCTION(msg_get_matchtag, "(message) -> int"),
    FUNCTION(msg_cmp_matchtag, "(message, matchtag) -> bool"),
    FUNCTION(msg_set_userid, "(message, userid)"),
    FUNCTION(msg_get_userid, "(message) -> int"),
    FUNCTION(msg_set_rolemask, "(message, rolemask)"),
    FUNCTION(msg_get_rolemask, "(message) -> int"),
    FUNCTION(msg_set_cred, "(message, userid, rolemask)"),
    FUNCTION(msg_get_cred, "(message) -> (userid, rolemask)"),
    FUNCTION(msg_authorize, "(message, userid)"),
    FUNCTION(msg_cred_authorize, "(userid, rolemask, userid)"),
    FUNCTION(msg_cmp, "(message, typemask, matchtag=0, topic_glob=None) -> bool"),
    FUNCTION(msg_typestr, "(type) -> str"),
    FUNCTIONS_END,
};

static const struct constant constants[] = {
    CONSTANT(FLUX_MSGTYPE_REQUEST),    CONSTANT(FLUX_MSGTYPE_RESPONSE),
    CONSTANT(FLUX_MSGTYPE_EVENT),      CONSTANT(FLUX_MSGTYPE_CONTROL),
    CONSTANT(FLUX_MSGTYPE_ANY),        CONSTANT(FLUX_MSGTYPE_MASK),
    CONSTANT(FLUX_MSGFLAG_TOPIC),      CONSTANT(FLUX_MSGFLAG_PAYLOAD),
    CONSTANT(FLUX_MSGFLAG_NORESPONSE), CONSTANT(FLUX_MSGFLAG_ROUTE),
    CONSTANT(FLUX_MSGFLAG_UPSTREAM),   CONSTANT(FLUX_MSGFLAG_PRIVATE),
    CONSTANT(FLUX_MSGFLAG_STREAMING),  CONSTANT(FLUX_MSGFLAG_USER1),
    CONSTANT(FLUX_MATCHTAG_NONE),      CONSTANT(FLUX_ROLE_NONE),
    CONSTANT(FLUX_ROLE_OWNER),         CONSTANT(FLUX_ROLE_USER),
    CONSTANT(FLUX_ROLE_LOCAL),         CONSTANT(FLUX_ROLE_ADMIN),
    CONSTANT(FLUX_ROLE_ALL),           CONSTANTS_END,
};

const struct noun noun_message_fields = {functions, constants};

/* Messages: the numbers of the header that depend on the type, and credentials. */
#include "proto/msg_private.h"

#include <errno.h>

static int fail(int errnum)
{
    errno = errnum;
    return -1;
}

/* Setting a field that this type does not have is the caller's error; reading one is
 * the sender's. */
static int check_set(const flux_msg_t *msg, int types)
{
    return msg && (msg->type & types) && msg->type != FLUX_MSGTYPE_ANY ? 0 : fail(EINVAL);
}

static int check_get(const flux_msg_t *msg, const void *ret, int types)
{
    if (!msg || !ret)
        return fail(EINVAL);
    return (msg->type & types) && msg->type != FLUX_MSGTYPE_ANY ? 0 : fail(EPROTO);
}

int flux_msg_set_nodeid(flux_msg_t *msg, uint32_t nodeid)
{
    if (nodeid == FLUX_NODEID_UPSTREAM)
        return fail(EINVAL);
    if (check_set(msg, FLUX_MSGTYPE_REQUEST) < 0)
        return -1;
    msg->aux1 = nodeid;
    return 0;
}

int flux_msg_get_nodeid(const flux_msg_t *msg, uint32_t *nodeid)
{
    if (check_get(msg, nodeid, FLUX_MSGTYPE_REQUEST) < 0)
        return -1;
    *nodeid = msg->aux1;
    return 0;
}

int flux_msg_set_errnum(flux_msg_t *msg, int errnum)
{
    if (check_set(msg, FLUX_MSGTYPE_RESPONSE) < 0)
        return -1;
    msg->aux1 = errnum;
    return 0;
}

int flux_msg_get_errnum(const flux_msg_t *msg, int *errnum)
{
    if (check_get(msg, errnum, FLUX_MSGTYPE_RESPONSE) < 0)
        return -1;
    *errnum = msg->aux1;
    return 0;
}

int flux_msg_set_seq(flux_msg_t *msg, uint32_t seq)
{
    if (check_set(msg, FLUX_MSGTYPE_EVENT) < 0)
        return -1;
    msg->aux1 = seq;
    return 0;
}

int flux_msg_get_seq(const flux_msg_t *msg, uint32_t *seq)
{
    if (check_get(msg, seq, FLUX_MSGTYPE_EVENT) < 0)
        return -1;
    *seq = msg->aux1;
    return 0;
}

int flux_msg_set_control(flux_msg_t *msg, int type, int status)
{
    if (check_set(msg, FLUX_MSGTYPE_CONTROL) < 0)
        return -1;
    msg->aux1 = type;
    msg->aux2 = status;
    return 0;
}

int flux_msg_get_control(const flux_msg_t *msg, int *type, int *status)
{
    if (check_get(msg, msg, FLUX_MSGTYPE_CONTROL) < 0)
        return -1;
    if (type)
        *type = msg->aux1;
    if (status)
        *status = msg->aux2;
    return 0;
}

int flux_msg_set_matchtag(flux_msg_t *msg, uint32_t matchtag)
{
    if (check_set(msg, FLUX_MSGTYPE_REQUEST | FLUX_MSGTYPE_RESPONSE) < 0)
        return -1;
    msg->aux2 = matchtag;
    return 0;
}

int flux_msg_get_matchtag(const flux_msg_t *msg, uint32_t *matchtag)
{
    if (check_get(msg, matchtag, FLUX_MSGTYPE_REQUEST | FLUX_MSGTYPE_RESPONSE) < 0)
        return -1;
    *matchtag = msg->aux2;
    return 0;
}

bool flux_msg_cmp_matchtag(const flux_msg_t *msg, uint32_t matchtag)
{
    return msg && msg->nroutes == 0 && msg->aux2 == matchtag &&
           (msg->type == FLUX_MSGTYPE_REQUEST || msg->type == FLUX_MSGTYPE_RESPONSE);
}

int flux_msg_set_userid(flux_msg_t *msg, uint32_t userid)
{
    if (!msg)
        return fail(EINVAL);
    msg->userid = userid;
    return 0;
}

int flux_msg_get_userid(const flux_msg_t *msg, uint32_t *userid)
{
    if (!msg || !userid)
        return fail(EINVAL);
    *userid = msg->userid;
    return 0;
}

int flux_msg_set_rolemask(flux_msg_t *msg, uint32_t rolemask)
{
    if (!msg)
        return fail(EINVAL);
    msg->rolemask = rolemask;
    return 0;
}

int flux_msg_get_rolemask(const flux_msg_t *msg, uint32_t *rolemask)
{
    if (!msg || !rolemask)
        return fail(EINVAL);
    *rolemask = msg->rolemask;
    return 0;
}

int flux_msg_set_cred(flux_msg_t *msg, struct flux_msg_cred cred)
{
    if (!msg)
        return fail(EINVAL);
    msg->userid = cred.userid;
    msg->rolemask = cred.rolemask;
    return 0;
}

int flux_msg_get_cred(const flux_msg_t *msg, struct flux_msg_cred *cred)
{
    if (!msg || !cred)
        return fail(EINVAL);
    cred->userid = msg->userid;
    cred->rolemask = msg->rolemask;
    return 0;
}

bool flux_msg_is_local(const flux_msg_t *msg)
{
    return msg && (msg->rolemask & FLUX_ROLE_LOCAL);
}

int flux_msg_cred_authorize(struct flux_msg_cred cred, uint32_t userid)
{
    if (cred.rolemask & FLUX_ROLE_OWNER)
        return 0;
    if ((cred.rolemask & FLUX_ROLE_USER) && cred.userid != FLUX_USERID_UNKNOWN &&
        cred.userid == userid)
        return 0;
    return fail(EPERM);
}

int flux_msg_authorize(const flux_msg_t *msg, uint32_t userid)
{
    struct flux_msg_cred cred;

    if (flux_msg_get_cred(msg, &cred) < 0)
        return -1;
    return flux_msg_cred_authorize(cred, userid);
}

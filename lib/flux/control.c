/* Control messages. */
#include <flux/control.h>

#include <errno.h>

flux_msg_t *flux_control_encode(int type, int status)
{
    flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_CONTROL);

    if (msg && flux_msg_set_control(msg, type, status) < 0) {
        flux_msg_destroy(msg);
        return NULL;
    }
    return msg;
}

int flux_control_decode(const flux_msg_t *msg, int *type, int *status)
{
    int kind, t, s;

    if (flux_msg_get_type(msg, &kind) < 0)
        return -1;
    if (kind != FLUX_MSGTYPE_CONTROL) {
        errno = EPROTO;
        return -1;
    }
    if (flux_msg_get_control(msg, &t, &s) < 0)
        return -1;
    if (type)
        *type = t;
    if (status)
        *status = s;
    return 0;
}

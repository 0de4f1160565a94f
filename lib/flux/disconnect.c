/* What cancel and disconnect requests mean for requests that a service holds. */
#include <flux/disconnect.h>

#include <errno.h>

#include <flux/response.h>

#include "proto/msg_private.h"

/* Is msg1's sender one that may speak for msg2? */
static bool authorized(const flux_msg_t *msg1, const flux_msg_t *msg2)
{
    struct flux_msg_cred cred;
    uint32_t userid;

    return flux_msg_get_cred(msg1, &cred) == 0 &&
           flux_msg_get_userid(msg2, &userid) == 0 &&
           flux_msg_cred_authorize(cred, userid) == 0;
}

bool flux_disconnect_match(const flux_msg_t *msg1, const flux_msg_t *msg2)
{
    return msg1 && msg2 && msg_route_ends_with(msg2, msg1) && authorized(msg1, msg2);
}

bool flux_cancel_match(const flux_msg_t *msg1, const flux_msg_t *msg2)
{
    uint32_t matchtag;
    int64_t wanted;

    return flux_disconnect_match(msg1, msg2) &&
           flux_msg_unpack(msg1, "{s:I}", "matchtag", &wanted) == 0 &&
           flux_msg_get_matchtag(msg2, &matchtag) == 0 && matchtag == wanted;
}

int flux_msglist_disconnect(struct flux_msglist *l, const flux_msg_t *msg)
{
    const flux_msg_t *req;
    int count = 0;

    for (req = flux_msglist_first(l); req; req = flux_msglist_next(l)) {
        if (!flux_disconnect_match(msg, req))
            continue;
        flux_msglist_delete(l);
        count++;
    }
    return count;
}

int flux_msglist_cancel(flux_t *h, struct flux_msglist *l, const flux_msg_t *msg)
{
    const flux_msg_t *req;
    int rc;

    for (req = flux_msglist_first(l); req; req = flux_msglist_next(l)) {
        if (!flux_cancel_match(msg, req))
            continue;
        rc = flux_respond_error(h, req, ENODATA, NULL);
        flux_msglist_delete(l);
        return rc;
    }
    return 0;
}

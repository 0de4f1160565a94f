/* How many watches users may hold, other than the instance owner: each costs memory, and
 * work when something changes.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "modules/kvs/watch_private.h"

struct watch_holder {
    uint32_t userid;
    int64_t n; /* watches */
};

int kvs_watch_admit(struct watch *w, flux_error_t *err)
{
    struct watches *ws = w->ws;
    struct watch_holder *holder;
    struct flux_msg_cred cred;

    if (flux_msg_get_cred(w->msg, &cred) < 0)
        return -EPROTO;
    if (cred.rolemask & FLUX_ROLE_OWNER)
        return 0;
    holder = umap_get(ws->holders, cred.userid);
    if (ws->limit >= 0 && (holder ? holder->n : 0) >= ws->limit)
        return error_set(err, EDQUOT,
                         "user %u has %lld watches, and may have no more "
                         "(kvs.guest-watch-limit): end some",
                         cred.userid, (long long)(holder ? holder->n : 0));
    if (!holder && (!(holder = calloc(1, sizeof(*holder))) ||
                    umap_add(ws->holders, cred.userid, holder) < 0)) {
        free(holder);
        return -ENOMEM;
    }
    holder->userid = cred.userid;
    holder->n++;
    w->holder = holder;
    return 0;
}

void kvs_watch_discharge(struct watch *w)
{
    struct watch_holder *holder = w->holder;

    w->holder = NULL;
    if (holder && --holder->n == 0)
        umap_del(w->ws->holders, holder->userid);
}

void kvs_watches_set_limit(struct watches *ws, int64_t limit)
{
    ws->limit = limit;
}

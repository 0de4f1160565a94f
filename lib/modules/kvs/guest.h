/* Jobs' own namespaces (RFC 16's guest): job-ID belongs to the job's user. It is made at
 * the first write of an active job, and others see it below job.ID.guest. When the job has
 * ended, nobody writes to it any more, its root becomes a directory of the primary tree,
 * at the place where it was seen, and it goes. When the job is purged, so is that.
 *
 * Who a job belongs to, and whether it is active, job-info tells; that it has ended, the
 * job manager's journal, which is followed as long as there is such a namespace. At the
 * leader only.
 */
#ifndef FLUX_MODULE_KVS_GUEST_H
#define FLUX_MODULE_KVS_GUEST_H

#include "modules/kvs/ns.h"

struct guests;
int guests_new(struct kvs *kvs, struct guests **ret);
void guests_free(struct guests *gs); /* accepts NULL */
/* Take care of the namespaces that were there when the service started. */
int guests_start(struct guests *gs);

/* A request for a namespace that is not there. If it can be a job's, and the job is active
 * and the sender may, fn gets the request when the namespace has been made, or if make is
 * false, at once; else it is answered. False: it is no such name. */
typedef void (*guest_f)(struct kvs *kvs, const flux_msg_t *msg);
bool guest_open(struct guests *gs, const char *name, const flux_msg_t *msg, guest_f fn,
                bool make);
/* A namespace is there, or could not be made (errno). */
void guest_made(struct guests *gs, struct ns *ns, int error);

/* Event job-purge-inactive: these jobs are no more. */
void guests_purge(struct guests *gs, const flux_msg_t *event);

#endif

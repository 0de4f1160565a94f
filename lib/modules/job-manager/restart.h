/* The jobs of the last run, read back from the store when the module is loaded, and
 * the ids that were given.
 *
 * Jobs that waited for resources get a flux-restart event and ask for priority and
 * allocation again, some thousands a commit; those that held resources are offered to
 * the scheduler and the execution service when they say hello. A row that cannot be
 * read is set aside with a message; its job stays in the store.
 */
#ifndef FLUX_JOB_MANAGER_RESTART_H
#define FLUX_JOB_MANAGER_RESTART_H

#include "modules/job-manager/manager.h"

/* Read what jm's other parts are made from: ids given, number of ended jobs. */
int restart_new(struct job_manager *jm, struct restart **ret);
void restart_free(struct restart *r);
bool restart_store_was_empty(const struct restart *r);
/* All parts are there: make the jobs. */
int restart_load(struct restart *r);
/* Once a turn: post some of the events that are due. */
void restart_step(struct restart *r);
/* Can jobs be given ids? If not (true comes soon), the request is kept and cb called
 * for it later. */
bool restart_ready(struct restart *r, const flux_msg_t *msg, flux_msg_handler_f cb);

#endif

/* The journal: every event of every job, once it is on disk, to those who listen.
 *
 * job-manager.events-journal (owner, stream) {"full":b?,"allow":{name:1..}?,
 *   "deny":{name:1..}?,"batch":b?,"backlog":b?} ->
 *     {"id":I,"events":[..],"seq":i,"jobspec":{}?,"R":{}?}
 * seq is the place of the first event in the job's log (before filters); jobspec comes
 * with submit, R with alloc. First the events so far of active jobs; with "full" those
 * of ended ones too, and {"id":-1,"events":[]} to mark the end of it; then what happens.
 * "backlog":false leaves out all but the last.
 * "batch": a message a commit, {"jobs":[{the same but jobspec and R}..]}.
 * Ends with events-journal-cancel {"matchtag":i}.
 */
#ifndef FLUX_JOB_MANAGER_JOURNAL_H
#define FLUX_JOB_MANAGER_JOURNAL_H

#include "modules/job-manager/batch.h"

int journal_new(struct job_manager *jm, struct journal **ret);
void journal_free(struct journal *j);
/* Events that are on disk now. */
void journal_publish(struct journal *j, struct change **changes, size_t n);
unsigned journal_listeners(const struct journal *j);
uint64_t journal_events(const struct journal *j);

void journal_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);
void journal_cancel_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                       void *arg);
void journal_disconnect(struct journal *j, const flux_msg_t *msg);

#endif

/* Submissions that may come twice: a client that lost the answer sends the same nonce
 * again and gets the first one's job id, also after a restart. Nonces of stored jobs
 * are looked up in the store; here are only those on their way there, and a filter that
 * knows of most new ones that they cannot be in the store.
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_JOB_MANAGER_NONCE_H
#define FLUX_JOB_MANAGER_NONCE_H

#include "modules/job-manager/manager.h"

#define NONCE_MAX 64

int nonces_new(struct job_manager *jm, bool store_empty, struct nonces **ret);
void nonces_free(struct nonces *n);

/* The id a nonce was given; 0: none that is known here. */
flux_jobid_t nonces_find(struct nonces *n, uint32_t userid, struct slice nonce);
/* Might the store know it? */
bool nonces_in_doubt(struct nonces *n, uint32_t userid, struct slice nonce);
/* A new job has it; the job is on disk; it was refused. */
int nonces_add(struct nonces *n, const struct job *job);
void nonces_stored(struct nonces *n, const struct job *job);
void nonces_forget(struct nonces *n, const struct job *job);

/* Look the nonces of a submission up in the store, then call again(jm, msg), during
 * which nonces_find() knows them. */
typedef void (*nonces_again_f)(struct job_manager *jm, const flux_msg_t *msg);
int nonces_resolve(struct nonces *n, const flux_msg_t *msg, nonces_again_f again);

#endif

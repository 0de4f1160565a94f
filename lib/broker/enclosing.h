/* The instance around this one, when this one is a job of another. */
#ifndef FLUX_BROKER_ENCLOSING_H
#define FLUX_BROKER_ENCLOSING_H

struct broker;
struct enclosing;

/* The attributes parent-uri, parent-kvs-namespace, jobid, jobid-path, instance-level: from
 * the environment and, at rank 0, from the broker around; other ranks hear the last three
 * from rank 0 (welcome.c). -errno. */
int enclosing_facts(struct broker *b);
/* The instance runs: tell the job its URI (job-manager.memo), so that it is found by the
 * job's id. Failure is only logged. */
void enclosing_tell_uri(struct broker *b);
void enclosing_free(struct enclosing *e); /* accepts NULL */

#endif

/* The KVS on the disk that loses power, beside the jobs of cutjobs.h: a client puts ever
 * higher numbers under some keys, several keys in one transaction, makes and removes
 * namespaces, takes snapshots, asks for checkpoints and garbage collection; after a cut
 * what it was told is there, whole and in order.
 */
#ifndef TEST_SYSTEM_CUTKVS_H
#define TEST_SYSTEM_CUTKVS_H

#include "cutjobs.h"

struct cutkvs;

/* NULL: this run goes without; all others accept that. */
struct cutkvs *cutkvs_new(struct cutrun *r);
void cutkvs_free(struct cutkvs *k);

/* In a life: the service starts, and what it has is looked at; then it has work; then its
 * disk is gone, and so is it. */
int cutkvs_start(struct cutkvs *k); /* 0, or an errno that there may be */
void cutkvs_load(struct cutkvs *k);
void cutkvs_stop(struct cutkvs *k);

/* One commit of the load's; requests under way; read what the KVS has, which must be whole. */
void cutkvs_commit(struct cutkvs *k);
unsigned cutkvs_waiting(const struct cutkvs *k);
void cutkvs_read(struct cutkvs *k);

#endif

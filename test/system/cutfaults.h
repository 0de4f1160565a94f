/* One fault of the disk under KVS and jobs: the same work each time (it is drawn from the
 * seed), with the disk full at its n-th write, or for some writes from there on, or with
 * its n-th sync failed. What a client is told meanwhile names the cause; the services go
 * on, by themselves when there is space again; and on the same disk the next instance
 * has everything that was acknowledged, and nothing by half.
 */
#ifndef TEST_SYSTEM_CUTFAULTS_H
#define TEST_SYSTEM_CUTFAULTS_H

#include "cutjobs.h"

enum cutfault_kind {
    CUTFAULT_NONE, /* to count writes and syncs */
    CUTFAULT_FULL_ONCE,
    CUTFAULT_FULL_WHILE,
    CUTFAULT_SYNC,
};

struct cutfault {
    enum cutfault_kind kind;
    long at;             /* write or sync, from 1 */
    bool second;         /* in the life after the first, counted from its start */
    enum cutrun_end end; /* of the first */

    /* Set by the run. */
    long writes, syncs; /* of the life with the fault */
    bool came;          /* it took place */
};

/* Run one and add to p's sums. */
void cutfaults_run(struct cutjobs *p, struct cutfault *f);

#endif

/* The power-cut test: a store on a disk that loses power, a random load, and a model of
 * what was acknowledged.
 */
#ifndef TEST_UNIT_STORE_POWERCUT_H
#define TEST_UNIT_STORE_POWERCUT_H

#include "store/store.h"

struct powercut {
    uint64_t seed;
    bool simulated; /* one thread, the same seed gives the same run */
    int lives;      /* power cuts, one after another on the same disk */
    enum store_durability durability;

    /* Sums; start as 0. */
    long cuts;
    long acked;   /* transactions that were acknowledged */
    long lost;    /* of those, the ones that were gone afterwards */
    long corrupt; /* disks that did not open, or that held what was never written */
};

/* Run one seed and add to the sums. `why` gets the first corruption's description. */
void powercut_run(struct powercut *p, char *why, size_t why_size);

/* Is the database "pwr.db" of this VFS in order? NULL, or what is wrong. */
const char *powercut_check_file(const char *vfs);

#endif

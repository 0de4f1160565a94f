/* `power_cut_jobs [--kvs] [--weak[=off]] [CUTS [SEED]]`: cut the power under an instance's job
 * services, start them again on what is left, and see whether a client was lied to.
 *
 * In a third of the lives the disk is full for a while, too: then submissions may be
 * refused, but nothing else is lost.
 *
 * With --kvs the KVS has its work on the same store, too: commits, namespaces, snapshots,
 * checkpoints and garbage collection.
 *
 * Prints cuts, acknowledged, refused, visible, lost, corrupt, seconds and the last seed. Of eight
 * runs seven are in the simulated world (the same seed gives the same run), one has the
 * store's real threads. Fails when something is lost or corrupt. With --weak the store
 * syncs less than it says (`off`: not at all), and it fails when nothing is lost: the
 * test has teeth.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cutjobs.h"

#define LIVES 5

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
    struct cutjobs p = {.lives = LIVES, .durability = STORE_POWER};
    double start = now();
    long numbers[2] = {2000, 1};
    int given = 0;
    bool weak = false;

    for (int i = 1; i < argc; i++) {
        weak = weak || strncmp(argv[i], "--weak", 6) == 0;
        if (strcmp(argv[i], "--weak") == 0)
            p.durability = STORE_PROCESS;
        else if (strcmp(argv[i], "--weak=off") == 0)
            p.durability = STORE_NONE;
        else if (strcmp(argv[i], "--kvs") == 0)
            p.with_kvs = true;
        else if (given == 2 || (numbers[given++] = atol(argv[i])) <= 0) {
            fprintf(stderr,
                    "usage: power_cut_jobs [--kvs] [--weak[=off]] [CUTS [SEED]]\n");
            return 2;
        }
    }
    for (p.seed = (uint64_t)numbers[1]; p.cuts < numbers[0]; p.seed++) {
        p.simulated = p.seed % 8 != 0;
        cutjobs_run(&p);
    }
    printf("cuts %ld acknowledged %ld refused %ld visible %ld lost %ld corrupt %ld "
           "seconds %.1f "
           "seed %ju\n",
           p.cuts, p.acked, p.refused, p.visible, p.lost, p.corrupt, now() - start,
           (uintmax_t)p.seed - 1);
    if (*p.why)
        printf("%s\n", p.why);
    if (weak)
        return p.lost > 0 || p.corrupt > 0 ? 0 : 1;
    return p.lost > 0 || p.corrupt > 0 ? 1 : 0;
}

/* `power_cut [--weak[=off]] [CUTS]`: cut the power under the store, look what is left.
 *
 * Prints cuts, acked, lost, corrupt. Half of the runs are in the simulated world (the
 * same seed gives the same run), half with the store's real threads. Fails when
 * something acknowledged is lost or a disk is corrupt. With --weak the store syncs less
 * than it says (`off`: not at all), and it fails when nothing is lost: the test has
 * teeth.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "powercut.h"

#define LIVES 4

int main(int argc, char **argv)
{
    struct powercut p = {.lives = LIVES, .durability = STORE_POWER};
    char why[200] = "";
    long cuts = 2000;
    bool weak = false;

    for (int i = 1; i < argc; i++) {
        weak = weak || strncmp(argv[i], "--weak", 6) == 0;
        if (strcmp(argv[i], "--weak") == 0)
            p.durability = STORE_PROCESS;
        else if (strcmp(argv[i], "--weak=off") == 0)
            p.durability = STORE_NONE;
        else if ((cuts = atol(argv[i])) <= 0) {
            fprintf(stderr, "usage: power_cut [--weak[=off]] [CUTS]\n");
            return 2;
        }
    }
    while (p.cuts < cuts) {
        p.seed++;
        p.simulated = p.seed % 2;
        powercut_run(&p, why, sizeof(why));
    }
    printf("cuts %ld acked %ld lost %ld corrupt %ld\n", p.cuts, p.acked, p.lost,
           p.corrupt);
    if (*why)
        printf("%s\n", why);
    if (weak)
        return p.lost > 0 || p.corrupt > 0 ? 0 : 1;
    return p.lost > 0 || p.corrupt > 0 ? 1 : 0;
}

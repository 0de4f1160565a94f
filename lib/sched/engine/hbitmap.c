/* Storage of the summarised bitmap; see hbitmap.h. */
#include <errno.h>
#include <stdlib.h>

#include "sched/engine/hbitmap.h"

int hbitmap_init(struct hbitmap *h, uint32_t size)
{
    uint32_t words[HBITMAP_LEVELS], total = 0, n = size ? size : 1;
    uint32_t nlevels = 0;

    do {
        n = (n + 63) / 64;
        words[nlevels++] = n;
        total += n;
    } while (n > 1 && nlevels < HBITMAP_LEVELS);
    uint64_t *mem = calloc(total, sizeof(*mem));
    if (!mem)
        return -ENOMEM;
    *h = (struct hbitmap){.nlevels = nlevels, .size = size};
    for (uint32_t k = 0; k < nlevels; k++) {
        h->level[k] = mem;
        mem += words[k];
    }
    return 0;
}

void hbitmap_finish(struct hbitmap *h)
{
    free(h->level[0]);
    *h = (struct hbitmap){0};
}

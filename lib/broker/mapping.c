/* The task map of the brokers: hosts are numbered as they first appear. */
#include <errno.h>
#include <string.h>

#include <flux/hostlist.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "broker/mapping.h"

/* Nodes `first` to first + nnodes - 1, each with ppn ranks; all that `repeat` times. */
struct block {
    unsigned first, nnodes, ppn, repeat;
};

static void print(const struct block *b, struct buf *out)
{
    if (b->repeat > 0)
        buf_addf(out, "%s[%u,%u,%u,%u]", out->data[out->len - 1] == '[' ? "" : ",",
                 b->first, b->nnodes, b->ppn, b->repeat);
}

/* A block is complete: the same again, or another one. */
static void end_block(struct block *before, const struct block *b, struct buf *out)
{
    if (b->nnodes == 0)
        return;
    if (before->repeat > 0 && before->first == b->first && before->nnodes == b->nnodes &&
        before->ppn == b->ppn) {
        before->repeat++;
        return;
    }
    print(before, out);
    *before = *b;
}

/* `n` ranks in a row are on one node. */
static void add_run(struct block *before, struct block *b, unsigned node, unsigned n,
                    struct buf *out)
{
    if (b->nnodes > 0 && b->first + b->nnodes == node && b->ppn == n) {
        b->nnodes++;
        return;
    }
    end_block(before, b, out);
    *b = (struct block){node, 1, n, 1};
}

static int number_of(struct map *nodes, const char *host, unsigned *ret)
{
    void *known = map_get(nodes, host);
    size_t n = map_count(nodes);

    if (!known) {
        if (map_add(nodes, host, known = (void *)(n + 1)) < 0)
            return -ENOMEM;
    }
    *ret = (unsigned)((size_t)known - 1);
    return 0;
}

int mapping_encode(const char *hostlist, struct buf *out)
{
    struct block before = {0}, b = {0};
    struct hostlist *hl = hostlist_decode(hostlist);
    struct map *nodes = map_new(NULL);
    unsigned node, last = 0, run = 0;
    int rc = hl && nodes ? 0 : -ENOMEM;

    buf_addc(out, '[');
    for (const char *h = hl ? hostlist_first(hl) : NULL; rc == 0 && h;
         h = hostlist_next(hl)) {
        if ((rc = number_of(nodes, h, &node)) < 0)
            break;
        if (run > 0 && node != last) {
            add_run(&before, &b, last, run, out);
            run = 0;
        }
        last = node;
        run++;
    }
    if (run > 0)
        add_run(&before, &b, last, run, out);
    end_block(&before, &b, out);
    print(&before, out);
    buf_addc(out, ']');
    hostlist_destroy(hl);
    map_free(nodes);
    return rc < 0 ? rc : out->failed ? -ENOMEM : 0;
}

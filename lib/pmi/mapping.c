/* PMI_process_mapping. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pmi/mapping.h"

#define NUMBER_MAX 10000000

struct block {
    int first, nodes, ranks;
};

static const char *skip(const char *p, char c)
{
    while (isspace((unsigned char)*p))
        p++;
    return *p == c ? p + 1 : NULL;
}

static const char *number(const char *p, int *ret)
{
    char *end;
    long v;

    if (!isdigit((unsigned char)*p))
        return NULL;
    v = strtol(p, &end, 10);
    if (v > NUMBER_MAX)
        return NULL;
    *ret = (int)v;
    return end;
}

/* "(a,b,c)" */
static const char *read_block(const char *p, struct block *b)
{
    int *parts[] = {&b->first, &b->nodes, &b->ranks};

    if (!(p = skip(p, '(')))
        return NULL;
    for (int i = 0; i < 3; i++) {
        if ((i > 0 && !(p = skip(p, ','))) || !(p = number(p, parts[i])))
            return NULL;
    }
    return skip(p, ')');
}

static void place(const struct block *b, int size, int *node, int *n)
{
    for (int i = 0; i < b->nodes; i++) {
        for (int j = 0; j < b->ranks && *n < size; j++)
            node[(*n)++] = b->first + i;
    }
}

/* One walk over the blocks; how many ranks are placed then, or -EPROTO. */
static int place_all(const char *p, int size, int *node, int n)
{
    struct block b;

    while ((p = skip(p, ','))) {
        const char *next = read_block(p, &b);

        if (!next)
            return -EPROTO;
        place(&b, size, node, &n);
        p = next;
        if (skip(p, ')'))
            return *skip(p, ')') ? -EPROTO : n;
    }
    return -EPROTO;
}

int pmi_mapping_decode(const char *text, int size, int *node)
{
    const char *p = skip(text, '(');
    int n = 0;

    if (!p || strncmp(p, "vector", 6) != 0)
        return -EPROTO;
    for (p += 6; n < size;) {
        int was = n;

        if ((n = place_all(p, size, node, n)) < 0)
            return n;
        if (n == was)
            return -EPROTO; /* places nobody: would never end */
    }
    return 0;
}

/* How many ranks from r on are on the node of r. */
static int run_length(const int *node, int size, int r)
{
    int n = 1;

    while (r + n < size && node[r + n] == node[r])
        n++;
    return n;
}

int pmi_mapping_encode(struct buf *out, const int *node, int size)
{
    buf_adds(out, "(vector");
    for (int r = 0; r < size;) {
        struct block b = {node[r], 0, run_length(node, size, r)};

        do {
            b.nodes++;
            r += b.ranks;
        } while (r < size && node[r] == b.first + b.nodes &&
                 run_length(node, size, r) == b.ranks);
        buf_addf(out, ",(%d,%d,%d)", b.first, b.nodes, b.ranks);
    }
    return buf_adds(out, ")");
}

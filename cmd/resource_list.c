/* flux resource list, info - what is free, allocated and down, as the scheduler sees it. */

#include <errno.h>
#include <stdlib.h>

#include "resource.h"

#define FORMAT "{state:>10} {nnodes:>6} {ncores:>6} {ngpus:>5} {nodelist}"
#define STATES "free,allocated,down"

/* all, allocated, down as told; up and free are the rest. */
struct sets {
    struct rcount all, up, allocated, down, free;
};

static void clear_sets(struct sets *s)
{
    rcount_clear(&s->all);
    rcount_clear(&s->up);
    rcount_clear(&s->allocated);
    rcount_clear(&s->down);
    rcount_clear(&s->free);
}

static int read_sets(const cJSON *all, const cJSON *down, const cJSON *allocated,
                     struct sets *s)
{
    if (rcount_read(all, &s->all) < 0 || rcount_read(all, &s->free) < 0 ||
        rcount_read(all, &s->up) < 0 || rcount_read(down, &s->down) < 0 ||
        rcount_read(allocated, &s->allocated) < 0)
        return -1;
    if (rcount_subtract(&s->free, &s->allocated) < 0 ||
        rcount_subtract(&s->free, &s->down) < 0)
        return -1;
    return rcount_subtract(&s->up, &s->down);
}

static int get_sets(struct cli *c, flux_t *h, struct sets *s)
{
    flux_future_t *f = flux_rpc(h, "resource.sched-status", NULL, 0, 0);
    const cJSON *all, *down, *allocated;
    int rc = 0;

    *s = (struct sets){0};
    if (!f || flux_rpc_get_unpack(f, "{s:o s:o s:o}", "all", &all, "down", &down,
                                  "allocated", &allocated) < 0)
        rc = cli_fail(c, "ERROR: resource.sched-status: %s", cli_why(f));
    else if (read_sets(all, down, allocated, s) < 0)
        rc = cli_fail(c, "ERROR: resource.sched-status: bad resource set");
    flux_future_destroy(f);
    return rc;
}

static int limit(const struct table *t, struct sets *s)
{
    struct rcount *sets[] = {&s->all, &s->up, &s->allocated, &s->down, &s->free};

    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
        if (table_limit(t, sets[i]) < 0)
            return cli_fail(t->c, "out of memory");
    return 0;
}

static void print_sets(struct table *t, const struct sets *s)
{
    const struct {
        const char *state;
        const struct rcount *rc;
    } all[] = {{"all", &s->all},
               {"up", &s->up},
               {"free", &s->free},
               {"allocated", &s->allocated},
               {"down", &s->down}};
    struct row rows[5];
    size_t n = 0;

    for (size_t i = 0; i < 5; i++)
        if (table_wants(t, all[i].state, STATES))
            rows[n++] = (struct row){.state = all[i].state,
                                     .nnodes = all[i].rc->n,
                                     .ncores = rcount_cores(all[i].rc),
                                     .ngpus = rcount_gpus(all[i].rc),
                                     .ranks = rcount_ranks(all[i].rc),
                                     .nodelist = rcount_nodelist(all[i].rc)};
    table_print(t, rows, n);
}

static int list(struct cli *c, flux_t *h)
{
    struct sets s = {0};
    struct table t;
    int rc = table_open(c, h, FORMAT, &t);

    if (rc)
        return rc;
    if ((rc = get_sets(c, h, &s)) == 0 && (rc = table_include(&t, &s.all)) == 0 &&
        (rc = limit(&t, &s)) == 0)
        print_sets(&t, &s);
    clear_sets(&s);
    table_close(&t);
    return rc;
}

static int run_list(struct cli *c)
{
    return cli_with_handle(c, list);
}

static int info(struct cli *c, flux_t *h)
{
    struct sets s;
    int rc = get_sets(c, h, &s);

    if (rc == 0)
        printf("%zu Nodes, %zu Cores, %zu GPUs\n", s.all.n, rcount_cores(&s.all),
               rcount_gpus(&s.all));
    clear_sets(&s);
    return rc;
}

static int run_info(struct cli *c)
{
    return cli_with_handle(c, info);
}

const struct cli_command resource_list = {
    "list", "", "Show free, allocated and down resources",
    (const struct cli_option *const[]){resource_table_options, NULL}, run_list};
const struct cli_command resource_info = {"info", "", "Show how much there is", NULL,
                                          run_info};

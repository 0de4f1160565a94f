/* flux resource status, and what `flux resource drain` prints without arguments: which nodes
 * are available, and why the others are not.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "resource.h"

#define FORMAT "{state:>12} {up:>2} {nnodes:>6} {nodelist}"
#define DRAIN_FORMAT "{timestamp!d:<20} {state:<8.8} {ranks:<10} {nodelist:<20} {reason}"
#define STATES "avail,torpid,exclude,draining,drained,offline"

struct nodes {
    struct rcount all, allocated;
    struct idset *online, *offline, *exclude, *torpid, *drained, *draining;
    const cJSON *drain;
    flux_future_t *f; /* holds it */
};

static void clear(struct nodes *n)
{
    rcount_clear(&n->all);
    rcount_clear(&n->allocated);
    idset_destroy(n->online);
    idset_destroy(n->offline);
    idset_destroy(n->exclude);
    idset_destroy(n->torpid);
    idset_destroy(n->drained);
    idset_destroy(n->draining);
    flux_future_destroy(n->f);
}

/* Drained nodes on which jobs still run. */
static int find_draining(struct nodes *n, flux_t *h)
{
    flux_future_t *f = flux_rpc(h, "resource.sched-status", NULL, 0, 0);
    const cJSON *allocated;
    const cJSON *d;

    n->drained = idset_create(0, IDSET_FLAG_AUTOGROW);
    n->draining = idset_create(0, IDSET_FLAG_AUTOGROW);
    if (!n->drained || !n->draining)
        return -1;
    cJSON_ArrayForEach(d, n->drain)
    {
        if (idset_decode_add(n->drained, d->string, -1, NULL) < 0)
            return -1;
    }
    /* Without a scheduler nothing is allocated. */
    if (f && flux_rpc_get_unpack(f, "{s:o}", "allocated", &allocated) == 0)
        rcount_read(allocated, &n->allocated);
    flux_future_destroy(f);
    for (size_t i = 0; i < n->allocated.n; i++)
        if (idset_test(n->drained, n->allocated.nodes[i].rank))
            idset_set(n->draining, n->allocated.nodes[i].rank);
    return idset_subtract(n->drained, n->draining);
}

static int get_nodes(struct cli *c, flux_t *h, struct nodes *n)
{
    const char *online, *offline, *exclude, *torpid;
    const cJSON *R;

    *n = (struct nodes){.f = flux_rpc(h, "resource.status", NULL, 0, 0)};
    if (!n->f || flux_rpc_get_unpack(n->f, "{s:o s:o s:s s:s s:s s:s}", "R", &R, "drain",
                                     &n->drain, "online", &online, "offline", &offline,
                                     "exclude", &exclude, "torpid", &torpid) < 0)
        return cli_fail(c, "ERROR: resource.status: %s", cli_why(n->f));
    n->online = idset_decode(online);
    n->offline = idset_decode(offline);
    n->exclude = idset_decode(exclude);
    n->torpid = idset_decode(torpid);
    if (!n->online || !n->offline || !n->exclude || !n->torpid ||
        rcount_read(R, &n->all) < 0 || find_draining(n, h) < 0)
        return cli_fail(c, "ERROR: resource.status: bad answer");
    return 0;
}

static struct row make_row(const struct table *t, const struct nodes *n,
                           const char *state, const char *up, struct idset *ranks)
{
    table_limit_ranks(t, ranks);
    return (struct row){.state = state,
                        .up = up,
                        .nnodes = idset_count(ranks),
                        .ranks = idset_encode(ranks, IDSET_FLAG_RANGE),
                        .nodelist = table_hosts(t, &n->all, ranks)};
}

/* Online, and nothing speaks against it. */
static struct idset *find_available(const struct nodes *n)
{
    struct idset *ids = idset_copy(n->online);

    if (ids) {
        idset_subtract(ids, n->torpid);
        idset_subtract(ids, n->exclude);
        idset_subtract(ids, n->drained);
        idset_subtract(ids, n->draining);
    }
    return ids;
}

static struct idset *find_all(const struct nodes *n)
{
    return idset_union(n->online, n->offline);
}

/* States without nodes are shown when they were asked for, and `avail` always. */
static bool is_shown(const struct table *t, const char *state, const struct idset *ranks)
{
    if (!table_wants(t, state, STATES))
        return false;
    return !idset_empty(ranks) || cli_str(t->c, "states", NULL) ||
           !strcmp(state, "avail");
}

static void print_states(struct table *t, struct nodes *n)
{
    struct idset *avail = find_available(n), *all = find_all(n);
    const struct {
        const char *state, *up;
        struct idset *ranks;
    } sets[] = {
        {"all", "", all},
        {"online", "✔", n->online},
        {"avail", "✔", avail},
        {"torpid", "✗", n->torpid},
        {"exclude", "✗", n->exclude},
        {"draining", "✗", n->draining},
        {"drained", "✗", n->drained},
        {"offline", "✗", n->offline},
    };
    struct row rows[8];
    size_t nrows = 0;

    for (size_t i = 0; i < 8; i++)
        if (sets[i].ranks && is_shown(t, sets[i].state, sets[i].ranks))
            rows[nrows++] = make_row(t, n, sets[i].state, sets[i].up, sets[i].ranks);
    table_print(t, rows, nrows);
    idset_destroy(avail);
    idset_destroy(all);
}

/* -- drained nodes -- */

static size_t add_drained(const struct table *t, const struct nodes *n, const cJSON *d,
                          const struct idset *in, const char *state, struct row *row)
{
    const cJSON *time = cJSON_GetObjectItem(d, "timestamp");
    struct idset *ids = idset_decode(d->string),
                 *these = ids ? idset_intersect(ids, in) : NULL;
    size_t added = 0;

    if (these && table_limit_ranks(t, these) == 0 && !idset_empty(these)) {
        *row = make_row(t, n, state, "", these);
        row->reason = cJSON_GetStringValue(cJSON_GetObjectItem(d, "reason"));
        /* A number with a fraction keeps its text, but has its value too. */
        row->timestamp = time ? time->valuedouble : 0.;
        added = 1;
    }
    idset_destroy(ids);
    idset_destroy(these);
    return added;
}

static void print_drained(struct table *t, const struct nodes *n)
{
    int count = cJSON_GetArraySize(n->drain);
    struct row *rows = calloc(2 * (size_t)count + 1, sizeof(*rows));
    size_t nrows = 0;
    const cJSON *d;

    if (!rows)
        return;
    cJSON_ArrayForEach(d, n->drain)
    {
        nrows += add_drained(t, n, d, n->draining, "draining", &rows[nrows]);
        nrows += add_drained(t, n, d, n->drained, "drained", &rows[nrows]);
    }
    table_print(t, rows, nrows);
    free(rows);
}

/* -- the commands -- */

static int print(struct cli *c, flux_t *h, const char *format,
                 void (*fn)(struct table *t, struct nodes *n))
{
    struct nodes n = {0};
    struct table t;
    int rc = table_open(c, h, format, &t);

    if (rc)
        return rc;
    if ((rc = get_nodes(c, h, &n)) == 0 && (rc = table_include(&t, &n.all)) == 0)
        fn(&t, &n);
    clear(&n);
    table_close(&t);
    return rc;
}

static void print_drained_only(struct table *t, struct nodes *n)
{
    print_drained(t, n);
}

/* The states, and unless columns were asked for, the reasons. */
static void print_status(struct table *t, struct nodes *n)
{
    print_states(t, n);
    if (cJSON_GetArraySize(n->drain) == 0 || cli_count(t->c, "format") ||
        cli_count(t->c, "no-header"))
        return;
    format_free(t->format);
    if ((t->format = format_new(DRAIN_FORMAT, NULL))) {
        printf("\n");
        print_drained(t, n);
    }
}

int resource_print_drained(struct cli *c, flux_t *h)
{
    return print(c, h, DRAIN_FORMAT, print_drained_only);
}

static int status(struct cli *c, flux_t *h)
{
    return print(c, h, FORMAT, print_status);
}

static int run_status(struct cli *c)
{
    return cli_with_handle(c, status);
}

const struct cli_command resource_status = {
    "status", "", "Show which nodes are available, drained or offline",
    (const struct cli_option *const[]){resource_table_options, NULL}, run_status};

/* Tables of nodes by state; see resource.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "resource.h"

const struct cli_option resource_table_options[] = {
    {"states", 's', CLI_REQUIRED, "STATES", "Only these states, comma-separated"},
    {"include", 'i', CLI_REQUIRED, "TARGETS", "Only these ranks or hosts"},
    {"format", 'o', CLI_REQUIRED, "FORMAT", "The columns, as of flux-jobs"},
    {"no-header", 'n', CLI_NONE, NULL, "Do not print the header"},
    {"skip-empty", 0, CLI_NONE, NULL, "Leave out states that no node is in"},
    {0},
};

static const struct {
    const char *field, *title;
} fields[] = {
    {"state", "STATE"},       {"up", "UP"},         {"nnodes", "NNODES"},
    {"ncores", "NCORES"},     {"ngpus", "NGPUS"},   {"ranks", "RANKS"},
    {"nodelist", "NODELIST"}, {"reason", "REASON"}, {"timestamp", "TIME"},
};

static void add_time(struct buf *out, double t, char conversion)
{
    time_t sec = (time_t)t;
    char text[64];

    if (t == 0.)
        return;
    if (conversion == 'd' || conversion == 'D') {
        strftime(text, sizeof(text), "%FT%T", localtime(&sec));
        buf_adds(out, text);
    } else {
        buf_addf(out, "%.3f", t);
    }
}

static bool row_value(const void *row, const char *field, char conversion,
                      struct buf *out, void *arg)
{
    const struct row *r = row;

    if (!strcmp(field, "state"))
        buf_adds(out, r->state);
    else if (!strcmp(field, "up"))
        buf_adds(out, r->up ? r->up : "");
    else if (!strcmp(field, "nnodes"))
        buf_addf(out, "%zu", r->nnodes);
    else if (!strcmp(field, "ncores"))
        buf_addf(out, "%zu", r->ncores);
    else if (!strcmp(field, "ngpus"))
        buf_addf(out, "%zu", r->ngpus);
    else if (!strcmp(field, "ranks"))
        buf_adds(out, r->ranks ? r->ranks : "");
    else if (!strcmp(field, "nodelist"))
        buf_adds(out, r->nodelist ? r->nodelist : "");
    else if (!strcmp(field, "reason"))
        buf_adds(out, r->reason ? r->reason : "");
    else if (!strcmp(field, "timestamp"))
        add_time(out, r->timestamp, conversion);
    else
        return false;
    return true;
}

static const char *title_of(const char *field, void *arg)
{
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (!strcmp(field, fields[i].field))
            return fields[i].title;
    return field;
}

/* -- opening -- */

static int check_fields(struct table *t)
{
    const char *field;
    struct row row = {.state = ""};
    struct buf out = {0};
    int rc = 0;

    for (size_t i = 0; rc == 0 && (field = format_field(t->format, i)); i++)
        if (!row_value(&row, field, 0, &out, NULL))
            rc = cli_fail(t->c, "--format: there is no field '%s'", field);
    buf_free(&out);
    return rc;
}

int table_open(struct cli *c, flux_t *h, const char *dflt, struct table *t)
{
    const char *list = flux_attr_get(h, "hostlist");
    flux_error_t err = {{0}};
    int rc = 0;

    *t = (struct table){.c = c};
    if (!(t->format = format_new(cli_str(c, "format", dflt), &err)))
        rc = cli_fail(c, "--format: %s", err.text);
    else if (!(t->hosts = hostlist_decode(list ? list : "")))
        rc = cli_fail(c, "attribute hostlist: %s", strerror(errno));
    if (rc || (rc = check_fields(t)))
        table_close(t);
    return rc;
}

void table_close(struct table *t)
{
    format_free(t->format);
    hostlist_destroy(t->hosts);
    idset_destroy(t->only);
    *t = (struct table){0};
}

/* -- what is asked for -- */

/* The ranks of a host: by the resource set, and by where brokers are. */
static bool add_host(struct table *t, const struct rcount *all, const char *host)
{
    unsigned rank = 0;
    bool found = false;

    for (size_t i = 0; i < all->n; i++) {
        if (all->nodes[i].host && !strcmp(all->nodes[i].host, host)) {
            idset_set(t->only, all->nodes[i].rank);
            found = true;
        }
    }
    for (const char *h = found ? NULL : hostlist_first(t->hosts); h;
         h = hostlist_next(t->hosts), rank++) {
        if (!strcmp(h, host)) {
            idset_set(t->only, rank);
            found = true;
        }
    }
    return found;
}

int table_include(struct table *t, const struct rcount *all)
{
    const char *s = cli_str(t->c, "include", NULL);
    struct hostlist *names;
    int rc = 0;

    if (!s || (t->only = idset_decode(s)))
        return 0;
    names = hostlist_decode(s);
    t->only = idset_create(0, IDSET_FLAG_AUTOGROW);
    if (!names || !t->only)
        rc = cli_usage(t->c, "--include: '%s' is neither ranks nor hosts", s);
    for (const char *h = rc ? NULL : hostlist_first(names); h && !rc;
         h = hostlist_next(names))
        if (!add_host(t, all, h))
            rc = cli_fail(t->c, "--include: %s: no such host", h);
    hostlist_destroy(names);
    return rc;
}

static bool in_list(const char *list, const char *name)
{
    size_t n = strlen(name);

    for (const char *p = list; p && *p;) {
        size_t len = strcspn(p, ",");

        if (len == n && !strncmp(p, name, n))
            return true;
        p += len + (p[len] == ',');
    }
    return false;
}

bool table_wants(const struct table *t, const char *state, const char *dflt)
{
    const char *list = cli_str(t->c, "states", dflt);

    if (in_list(list, state))
        return true;
    return in_list(list, "drain") &&
           (!strcmp(state, "draining") || !strcmp(state, "drained"));
}

int table_limit(const struct table *t, struct rcount *rc)
{
    return t->only ? rcount_select(rc, t->only) : 0;
}

int table_limit_ranks(const struct table *t, struct idset *ranks)
{
    struct idset *out = t->only ? idset_difference(ranks, t->only) : NULL;
    int rc = out ? idset_subtract(ranks, out) : 0;

    idset_destroy(out);
    return rc;
}

/* -- printing -- */

static const char *host_of(const struct rcount *all, unsigned rank)
{
    for (size_t lo = 0, hi = all->n; lo < hi;) {
        size_t mid = lo + (hi - lo) / 2;

        if (all->nodes[mid].rank == rank)
            return all->nodes[mid].host;
        if (all->nodes[mid].rank < rank)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

char *table_hosts(const struct table *t, const struct rcount *all,
                  const struct idset *ranks)
{
    struct hostlist *hl = hostlist_create();
    char *s;

    for (unsigned r = idset_first(ranks); hl && r != IDSET_INVALID_ID;
         r = idset_next(ranks, r)) {
        const char *host = host_of(all, r);

        if (host || (host = hostlist_nth(t->hosts, (int)r)))
            hostlist_append(hl, host);
    }
    s = hl ? hostlist_encode(hl) : NULL;
    hostlist_destroy(hl);
    return s;
}

void table_print(struct table *t, struct row *rows, size_t n)
{
    bool skip = cli_count(t->c, "skip-empty") > 0;

    if (format_needs_scan(t->format))
        for (size_t i = 0; i < n; i++)
            format_scan(t->format, &rows[i], row_value, NULL);
    if (!cli_count(t->c, "no-header"))
        format_header(t->format, stdout, title_of, NULL);
    for (size_t i = 0; i < n; i++) {
        if (!skip || rows[i].nnodes > 0)
            format_print(t->format, stdout, &rows[i], row_value, NULL);
        free(rows[i].ranks);
        free(rows[i].nodelist);
    }
}

/* flux overlay status - how the brokers are, as a tree. Each broker tells the status of its
 * children; those below one that is gone can only be presumed.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "overlay.h"

#define RPC_TIMEOUT 0.5 /* seconds */

static const struct cli_option status_options[] = {
    {"rank", 'r', CLI_REQUIRED, "RANK", "Of this broker and those below it (default: 0)"},
    {"verbose", 'v', CLI_NONE, NULL, "Show for how long; twice: the round trips too"},
    {"timeout", 't', CLI_REQUIRED, "FSD",
     "Wait so long for an answer (0.5s; 0: for ever)"},
    {"summary", 0, CLI_NONE, NULL, "Only the status of the whole"},
    {"down", 0, CLI_NONE, NULL, "Only what is not full"},
    {"no-pretty", 0, CLI_NONE, NULL, "Without lines and indentation"},
    {"no-ghost", 0, CLI_NONE, NULL, "Leave out brokers of which nothing is heard"},
    {"highlight", 'H', CLI_REQUIRED, "TARGETS", "Mark these ranks or hosts"},
    {"color", 0, CLI_OPTIONAL, "WHEN", "Use colour: auto (default), always, never"},
    {"wait", 'w', CLI_REQUIRED, "STATUS",
     "Wait for this: full, partial, degraded, lost, offline"},
    {0},
};

static const char *const statuses[] = {"full", "partial", "degraded", "lost", "offline"};
static const char *const colors[] = {"", "\033[33m", "\033[31m", "\033[31m", "\033[90m"};

struct tree {
    struct cli *c;
    flux_t *h;
    struct hostlist *hosts;
    struct idset *marked;
    double timeout;
    bool color;
    char lead[512]; /* what stands before a line's own connector */
};

/* One broker as its parent, or itself, says. */
struct node {
    unsigned rank;
    const char *status;
    double duration; /* < 0: presumed */
    double rtt;      /* < 0: it was not asked */
};

static int status_index(const char *s)
{
    for (int i = 0; i < 5; i++)
        if (!strcmp(statuses[i], s))
            return i;
    return -1;
}

static bool is_gone(const struct node *n)
{
    return !strcmp(n->status, "lost") || !strcmp(n->status, "offline");
}

static bool is_marked(const struct tree *t, unsigned rank)
{
    return t->marked && idset_test(t->marked, rank);
}

static void print_name(const struct tree *t, const struct node *n)
{
    const char *host = overlay_host(t->hosts, n->rank);

    if (!is_marked(t, n->rank))
        printf("%u %s", n->rank, host);
    else if (t->color)
        printf("\033[1;34m%u %s\033[0m", n->rank, host);
    else
        printf("<<%u %s>>", n->rank, host);
}

static void print_node(const struct tree *t, const struct node *n, const char *connector)
{
    int i = status_index(n->status);
    const char *color = t->color && i > 0 ? colors[i] : "";

    if (!cli_count(t->c, "no-pretty"))
        printf("%s%s", t->lead, connector);
    print_name(t, n);
    printf(": %s%s%s", color, n->status, *color ? "\033[0m" : "");
    if (cli_count(t->c, "verbose") && n->duration >= 0)
        printf(" for %.3fs", n->duration);
    if (cli_count(t->c, "verbose") > 1 && n->rtt >= 0)
        printf(" (%.3f ms)", n->rtt * 1e3);
    printf("\n");
}

static double now(flux_t *h)
{
    flux_reactor_t *r = flux_get_reactor(h);

    flux_reactor_now_update(r);
    return flux_reactor_now(r);
}

/* Ask a broker about itself and its children; NULL: no answer (errno). */
static flux_future_t *ask(const struct tree *t, unsigned rank, struct node *ret,
                          const cJSON **children)
{
    double start = now(t->h);
    flux_future_t *f = flux_rpc(t->h, "overlay.health", NULL, rank, 0);

    if (!f || flux_future_wait_for(f, t->timeout) < 0 ||
        flux_rpc_get_unpack(f, "{s:s s:f s:o}", "status", &ret->status, "duration",
                            &ret->duration, "children", children) < 0) {
        int saved_errno = errno;
        flux_future_destroy(f);
        errno = saved_errno;
        return NULL;
    }
    ret->rank = rank;
    ret->rtt = now(t->h) - start;
    return f;
}

static const cJSON *children_of(const cJSON *node)
{
    return cJSON_GetObjectItemCaseSensitive(node, "children");
}

static const cJSON *find_rank(const cJSON *list, unsigned rank)
{
    const cJSON *o;

    cJSON_ArrayForEach(o, list)
    {
        if (overlay_rank_of(o) == rank)
            return o;
    }
    return NULL;
}

static void show(struct tree *t, const struct node *n, const cJSON *topo,
                 const char *connector, bool last);

/* The child of which the parent says `told`; without that, all is as with the parent. */
static void show_child(struct tree *t, const struct node *parent, const cJSON *topo,
                       const cJSON *told, bool last)
{
    struct node n = {overlay_rank_of(topo), parent->status, -1., -1.};
    const cJSON *d = cJSON_GetObjectItemCaseSensitive(told, "duration");

    if (told) {
        n.status = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(told, "status"));
        n.duration = d ? d->valuedouble : 0.; /* one with a fraction keeps its text */
        if (!n.status)
            n.status = "lost";
    } else if (cli_count(t->c, "no-ghost")) {
        return;
    }
    if (!cli_count(t->c, "down") || strcmp(n.status, "full") != 0)
        show(t, &n, topo, last ? "└─ " : "├─ ", last);
}

/* A node, and below it what is known of its children. */
static void show(struct tree *t, const struct node *n, const cJSON *topo,
                 const char *connector, bool last)
{
    bool leaf = cJSON_GetArraySize(children_of(topo)) == 0;
    size_t len = strlen(t->lead);
    struct node self = *n;
    const cJSON *told = NULL, *child;
    flux_future_t *f = leaf || is_gone(n) ? NULL : ask(t, n->rank, &self, &told);

    print_node(t, n->rtt >= 0 || !f ? n : &self, connector);
    if (!leaf && !is_gone(n) && !f) {
        fflush(stdout);
        cli_fail(t->c, "rank %u does not tell of those below it: %s", n->rank,
                 strerror(errno));
    }
    snprintf(t->lead + len, sizeof(t->lead) - len, "%s",
             !*connector ? ""
             : last      ? "   "
                         : "│  ");
    cJSON_ArrayForEach(child, children_of(topo))
        show_child(t, n, child, find_rank(told, overlay_rank_of(child)), !child->next);
    t->lead[len] = '\0';
    flux_future_destroy(f);
}

/* -- waiting -- */

static int await(struct tree *t, unsigned rank, const char *want)
{
    flux_future_t *f = flux_rpc(t->h, "overlay.monitor", NULL, rank, FLUX_RPC_STREAMING);
    double left = cli_count(t->c, "timeout") ? t->timeout : -1.;
    const char *status = "";
    int rc = 0;

    if (status_index(want) < 0)
        return cli_usage(t->c,
                         "--wait: '%s' is none of full, partial, degraded, lost, "
                         "offline",
                         want);
    for (;;) {
        if (!f || flux_future_wait_for(f, left) < 0 ||
            flux_rpc_get_unpack(f, "{s:s}", "status", &status) < 0) {
            rc = cli_fail(t->c, "waiting for %s: %s", want,
                          errno == ETIMEDOUT ? "it takes too long" : cli_why(f));
            break;
        }
        if (!strcmp(status, want))
            break;
        flux_future_reset(f);
    }
    flux_future_destroy(f);
    return rc;
}

/* -- the command -- */

static int print_all(struct tree *t, unsigned rank)
{
    flux_future_t *f, *topo_f = NULL;
    const cJSON *topo, *children;
    struct node n;

    if (!(f = ask(t, rank, &n, &children)))
        return cli_fail(t->c, "rank %u: %s", rank, strerror(errno));
    if (cli_count(t->c, "summary")) {
        printf("%s\n", n.status);
    } else if ((topo = overlay_topology(t->c, t->h, rank, t->timeout, &topo_f))) {
        show(t, &n, topo, "", true);
    }
    bool ok = cli_count(t->c, "summary") || topo_f;
    flux_future_destroy(topo_f);
    flux_future_destroy(f);
    return ok ? 0 : 1;
}

static bool wants_color(struct cli *c)
{
    const char *when = cli_str(c, "color", "auto");

    return !strcmp(when, "always") || (!strcmp(when, "auto") && isatty(STDOUT_FILENO));
}

static int status(struct cli *c, flux_t *h)
{
    struct tree t = {.c = c, .h = h, .timeout = RPC_TIMEOUT, .color = wants_color(c)};
    const char *mark = cli_str(c, "highlight", NULL), *want = cli_str(c, "wait", NULL);
    long rank = 0;
    int rc = 1;

    if (!cli_int(c, "rank", 0, INT32_MAX, &rank) ||
        !cli_duration(c, "timeout", &t.timeout))
        return CLI_EXIT_USAGE;
    if (t.timeout == 0.)
        t.timeout = -1.;
    if ((t.hosts = overlay_hosts(c, h)) &&
        (!mark || (t.marked = overlay_targets(c, t.hosts, mark))) &&
        (!want || (rc = await(&t, (unsigned)rank, want)) == 0))
        rc = print_all(&t, (unsigned)rank);
    idset_destroy(t.marked);
    hostlist_destroy(t.hosts);
    return rc;
}

static int run_status(struct cli *c)
{
    if (cli_argc(c) != 0)
        return cli_usage(c, "no argument is expected");
    return cli_with_handle(c, status);
}

const struct cli_command overlay_status = {
    "status", "", "Show the status of the brokers as a tree",
    (const struct cli_option *const[]){status_options, NULL}, run_status};

/* flux overlay errors - why brokers are not connected, as their parents know it. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay.h"

static const struct cli_option errors_options[] = {
    {"timeout", 't', CLI_REQUIRED, "FSD",
     "Wait so long for an answer (0.5s; 0: for ever)"},
    {0},
};

/* Ranks that have one error, by its text. */
struct group {
    char *text;
    struct idset *ranks;
};

struct errors {
    struct cli *c;
    flux_t *h;
    double timeout;
    struct group *group;
    size_t n;
};

static void add(struct errors *e, unsigned rank, const char *text)
{
    size_t i = 0;
    struct group *p;

    while (i < e->n && strcmp(e->group[i].text, text) != 0)
        i++;
    if (i == e->n) {
        if (!(p = realloc(e->group, (e->n + 1) * sizeof(*p))))
            return;
        e->group = p;
        p[e->n++] = (struct group){strdup(text), idset_create(0, IDSET_FLAG_AUTOGROW)};
    }
    idset_set(e->group[i].ranks, rank);
}

static bool has_children(const cJSON *node)
{
    return cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(node, "children")) > 0;
}

/* The errors that one broker knows; what it has none for, is looked at below. */
static void walk(struct errors *e, const cJSON *node)
{
    unsigned rank = overlay_rank_of(node);
    flux_future_t *f = flux_rpc(e->h, "overlay.errors", NULL, rank, 0);
    const cJSON *errors, *child;
    char key[16];

    if (!f || flux_future_wait_for(f, e->timeout) < 0 ||
        flux_rpc_get_unpack(f, "{s:o}", "errors", &errors) < 0) {
        add(e, rank, cli_why(f));
        flux_future_destroy(f);
        return;
    }
    cJSON_ArrayForEach(child, cJSON_GetObjectItemCaseSensitive(node, "children"))
    {
        snprintf(key, sizeof(key), "%u", overlay_rank_of(child));
        const cJSON *text = cJSON_GetObjectItemCaseSensitive(errors, key);

        if (text && cJSON_GetStringValue(text)[0])
            add(e, overlay_rank_of(child), cJSON_GetStringValue(text));
        else if (!text && has_children(child))
            walk(e, child);
    }
    flux_future_destroy(f);
}

static void print_group(struct hostlist *all, const struct group *g)
{
    struct hostlist *hosts = hostlist_create();
    char *text, *ranks = idset_encode(g->ranks, IDSET_FLAG_RANGE);

    for (unsigned r = idset_first(g->ranks); hosts && r != IDSET_INVALID_ID;
         r = idset_next(g->ranks, r))
        hostlist_append(hosts, overlay_host(all, r));
    text = hosts ? hostlist_encode(hosts) : NULL;
    printf("%s (rank %s): ", text ? text : "", ranks ? ranks : "");
    cli_print_safe(stdout, g->text);
    printf("\n");
    free(text);
    free(ranks);
    hostlist_destroy(hosts);
}

static int errors(struct cli *c, flux_t *h)
{
    struct errors e = {.c = c, .h = h, .timeout = 0.5};
    struct hostlist *hosts;
    flux_future_t *f = NULL;
    const cJSON *topo;
    int rc = 1;

    if (!cli_duration(c, "timeout", &e.timeout))
        return CLI_EXIT_USAGE;
    if (e.timeout == 0.)
        e.timeout = -1.;
    if ((hosts = overlay_hosts(c, h)) &&
        (topo = overlay_topology(c, h, 0, e.timeout, &f))) {
        walk(&e, topo);
        rc = 0;
    }
    for (size_t i = 0; i < e.n; i++) {
        print_group(hosts, &e.group[i]);
        free(e.group[i].text);
        idset_destroy(e.group[i].ranks);
    }
    free(e.group);
    hostlist_destroy(hosts);
    flux_future_destroy(f);
    return rc;
}

static int run_errors(struct cli *c)
{
    if (cli_argc(c) != 0)
        return cli_usage(c, "no argument is expected");
    return cli_with_handle(c, errors);
}

const struct cli_command overlay_errors = {
    "errors", "", "Show why brokers are not connected",
    (const struct cli_option *const[]){errors_options, NULL}, run_errors};

/* flux pstree - jobs, and the jobs of those that are instances, as a tree. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <flux/core.h>
#include <flux/job.h>

#include "cli/format.h"
#include "cli/jobfield.h"
#include "cli/uri.h"
#include "cmds.h"

#define LABEL "{name}"
#define LONG_LABEL "{id.f58} {name} [{username}] {status_abbrev} {ntasks} {runtime!F}"
#define DETAILS                                                                          \
    "{id.f58:>12} {username:<8.8} {name:<12.12} {status_abbrev:>2} {ntasks:>6} "         \
    "{nnodes:>6} {runtime!F:>8} {nodelist}"

static const struct cli_option pstree_options[] = {
    {"all", 'a', CLI_NONE, NULL, "Jobs in all states"},
    {"count", 'c', CLI_REQUIRED, "N", "At most N jobs of an instance (default 1000)"},
    {"filter", 'f', CLI_REQUIRED, "STATE", "Jobs in this state: pending, running, ..."},
    {"level", 'L', CLI_REQUIRED, "N", "Not deeper than N levels"},
    {"long", 'l', CLI_NONE, NULL, "Show more of each job"},
    {"label", 'o', CLI_REQUIRED, "FORMAT", "What to show of a job, as of flux-jobs"},
    {"parent-ids", 'p', CLI_NONE, NULL, "Show the ids of instances"},
    {"no-combine", 'C', CLI_NONE, NULL, "Do not count equal jobs together"},
    {"skip-root", 'X', CLI_NONE, NULL, "Leave the root out"},
    {"extended", 'x', CLI_NONE, NULL, "Show a table of the instances first"},
    {"details", 'd', CLI_REQUIRED, "FORMAT", "The columns of that table"},
    {"no-header", 'n', CLI_NONE, NULL, "Without its header"},
    {0},
};

struct node {
    char *label;
    struct node *child; /* of an instance */
    size_t n, count;    /* children; how many alike it stands for */
};

struct pstree {
    struct cli *c;
    struct format *label, *details;
    struct jobfield_context fields;
    int states;
    long count, level;
    char lead[1024];
};

static void grow(struct pstree *t, flux_t *h, struct node *parent, long level);

static void node_clear(struct node *n)
{
    for (size_t i = 0; i < n->n; i++)
        node_clear(&n->child[i]);
    free(n->child);
    free(n->label);
}

/* -- from jobs to nodes -- */

static char *make_label(struct pstree *t, const cJSON *job, bool instance)
{
    char *text = NULL, id[64] = "";
    size_t size;
    FILE *out = open_memstream(&text, &size);
    const cJSON *v = cJSON_GetObjectItem(job, "id");

    if (!out)
        return NULL;
    if (instance && v && cli_count(t->c, "parent-ids") &&
        flux_job_id_encode((flux_jobid_t)v->valuedouble, "f58", id, sizeof(id)) >= 0)
        fprintf(out, "%s ", id);
    format_print(t->label, out, job, jobfield_value, &t->fields);
    fclose(out);
    if (text)
        text[strcspn(text, "\n")] = '\0';
    return text;
}

/* The URI of a job that runs as an instance; NULL. */
static const char *uri_of(const cJSON *job)
{
    const cJSON *state = cJSON_GetObjectItem(job, "state");
    const cJSON *o = cJSON_GetObjectItem(job, "annotations");

    o = cJSON_GetObjectItem(o, "user");
    return state && (state->valueint & FLUX_JOB_STATE_RUNNING)
               ? cJSON_GetStringValue(cJSON_GetObjectItem(o, "uri"))
               : NULL;
}

/* A job like one that is there already is only counted. */
static bool combine(struct pstree *t, struct node *parent, const char *label)
{
    if (cli_count(t->c, "no-combine"))
        return false;
    for (size_t i = 0; i < parent->n; i++) {
        struct node *n = &parent->child[i];

        if (n->n == 0 && !strcmp(n->label, label)) {
            n->count++;
            return true;
        }
    }
    return false;
}

static struct node *add_child(struct node *parent, char *label)
{
    struct node *p = realloc(parent->child, (parent->n + 1) * sizeof(*p));

    if (!p)
        return NULL;
    parent->child = p;
    p[parent->n] = (struct node){.label = label, .count = 1};
    return &p[parent->n++];
}

static void grow_instance(struct pstree *t, struct node *n, const char *uri, long level)
{
    flux_error_t err = {{0}};
    char *near = uri_transform(uri, URI_NEAR);
    flux_t *h = near ? flux_open_ex(near, 0, &err) : NULL;

    if (h)
        grow(t, h, n, level);
    else
        cli_fail(t->c, "%s", err.text);
    flux_close(h);
    free(near);
}

static void take_job(struct pstree *t, const cJSON *job, struct node *parent, long level)
{
    const char *uri = uri_of(job);
    char *label = make_label(t, job, uri != NULL);
    struct node *n;

    if (uri && t->details && cli_count(t->c, "extended"))
        format_print(t->details, stdout, job, jobfield_value, &t->fields);
    if (!label || (!uri && combine(t, parent, label)) ||
        !(n = add_child(parent, label))) {
        free(label);
        return;
    }
    if (uri && level < t->level)
        grow_instance(t, n, uri, level + 1);
}

static flux_future_t *ask(struct pstree *t, flux_t *h)
{
    return flux_rpc_pack(h, "job-list.list", FLUX_NODEID_ANY, FLUX_RPC_STREAMING,
                         "{s:i s:[s] s:{s:[{s:[i]} {s:[i]}]}}", "max_entries",
                         (int)t->count, "attrs", "all", "constraint", "and", "userid",
                         (int)getuid(), "states", t->states);
}

/* The jobs of an instance below its node; the latest come first in the list. */
static void grow(struct pstree *t, flux_t *h, struct node *parent, long level)
{
    flux_future_t *f = ask(t, h);
    const cJSON *jobs, *job;

    while (f && flux_rpc_get_unpack(f, "{s:o}", "jobs", &jobs) == 0) {
        cJSON_ArrayForEach(job, jobs) take_job(t, job, parent, level);
        flux_future_reset(f);
    }
    if (!f || errno != ENODATA)
        cli_fail(t->c, "job-list.list: %s", cli_why(f));
    flux_future_destroy(f);
}

/* -- printing -- */

static void print_children(struct pstree *t, const struct node *parent);

static void print_node(struct pstree *t, const struct node *n, const char *connector,
                       const char *lead)
{
    size_t len = strlen(t->lead);

    printf("%s%s", t->lead, connector);
    if (n->count > 1)
        printf("%zu*[", n->count);
    cli_print_safe(stdout, n->label);
    printf("%s\n", n->count > 1 ? "]" : "");
    snprintf(t->lead + len, sizeof(t->lead) - len, "%s", lead);
    print_children(t, n);
    t->lead[len] = '\0';
}

static void print_children(struct pstree *t, const struct node *parent)
{
    for (size_t i = 0; i < parent->n; i++) {
        bool last = i + 1 == parent->n;

        print_node(t, &parent->child[i], last ? "└── " : "├── ", last ? "    " : "│   ");
    }
}

static void print_tree(struct pstree *t, const struct node *root)
{
    if (!cli_count(t->c, "skip-root")) {
        print_node(t, root, "", "");
        return;
    }
    for (size_t i = 0; i < root->n; i++)
        print_node(t, &root->child[i], "", "");
}

/* -- the command -- */

static int parse_states(struct pstree *t)
{
    const char *s = cli_str(t->c, "filter", NULL);
    flux_job_state_t state;

    t->states = cli_count(t->c, "all") ? FLUX_JOB_STATE_ACTIVE | FLUX_JOB_STATE_INACTIVE
                                       : FLUX_JOB_STATE_RUNNING;
    if (!s)
        return 0;
    if (flux_job_strtostate(s, &state) < 0)
        return cli_usage(t->c, "--filter: '%s' is not a state", s);
    t->states = (int)state;
    return 0;
}

static struct format *read_format(struct cli *c, const char *option, const char *dflt)
{
    flux_error_t err = {{0}};
    struct format *f = format_new(cli_str(c, option, dflt), &err);
    const char *field;

    if (!f)
        cli_usage(c, "--%s: %s", option, err.text);
    for (size_t i = 0; f && (field = format_field(f, i)); i++) {
        if (!jobfield_title(field, NULL)) {
            cli_usage(c, "--%s: unknown field '%s'", option, field);
            format_free(f);
            f = NULL;
        }
    }
    return f;
}

/* One instance that was named by the id of its job. */
static int show_job(struct pstree *t, flux_t *h, const char *name)
{
    struct node root = {.count = 1};
    flux_future_t *f = NULL;
    flux_jobid_t id;
    const cJSON *job;
    int rc = 0;

    if (flux_job_id_parse(name, &id) < 0)
        return cli_fail(t->c, "'%s' is not a job id", name);
    f = flux_job_list_id(h, id, NULL);
    if (!f || flux_rpc_get_unpack(f, "{s:o}", "job", &job) < 0) {
        rc = cli_fail(t->c, "job %s: %s", name, cli_why(f));
    } else {
        take_job(t, job, &root, 0);
        for (size_t i = 0; i < root.n; i++)
            print_tree(t, &root.child[i]);
    }
    node_clear(&root);
    flux_future_destroy(f);
    return rc;
}

static int show(struct pstree *t, flux_t *h)
{
    struct node root = {.label = strdup("."), .count = 1};
    int rc = 0;

    if (cli_count(t->c, "extended") && !cli_count(t->c, "no-header"))
        format_header(t->details, stdout, jobfield_title, NULL);
    for (int i = 0; i < cli_argc(t->c) && rc == 0; i++)
        rc = show_job(t, h, cli_arg(t->c, i));
    if (cli_argc(t->c) == 0) {
        grow(t, h, &root, 1);
        if (cli_count(t->c, "extended"))
            printf("\n");
        print_tree(t, &root);
    }
    node_clear(&root);
    return rc;
}

static int pstree(struct cli *c, flux_t *h)
{
    struct pstree t = {.c = c, .count = 1000, .level = 1000};
    int rc = 1;

    t.fields.now = (double)time(NULL);
    if (!cli_int(c, "count", 0, INT32_MAX, &t.count) ||
        !cli_int(c, "level", 1, 1000, &t.level) || parse_states(&t))
        return CLI_EXIT_USAGE;
    t.label = read_format(c, "label", cli_count(c, "long") ? LONG_LABEL : LABEL);
    t.details = read_format(c, "details", DETAILS);
    if (t.label && t.details)
        rc = show(&t, h);
    format_free(t.label);
    format_free(t.details);
    return rc;
}

static int run_pstree(struct cli *c)
{
    return cli_with_handle(c, pstree);
}

const struct cli_command cmd_pstree = {
    .name = "pstree",
    .args = "[JOBID...]",
    .help = "Show jobs, and those of instances within, as a tree",
    .options = (const struct cli_option *const[]){pstree_options, NULL},
    .run = run_pstree,
};

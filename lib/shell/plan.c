/* What a job asks of the shell: see plan.h. */
#include <errno.h>
#include <signal.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "proto/rset.h"
#include "shell/plan.h"
#include "shell/strvec.h"

#define OUTPUT_LIMIT ((uint64_t)1 << 30)
#define EXIT_TIMEOUT 30.0 /* seconds */
#define WARN_LEFT 60.0    /* seconds */

static const struct {
    const char *name;
    int resource;
} limit_names[] = {
    {"cpu", RLIMIT_CPU},
    {"fsize", RLIMIT_FSIZE},
    {"data", RLIMIT_DATA},
    {"stack", RLIMIT_STACK},
    {"core", RLIMIT_CORE},
    {"nofile", RLIMIT_NOFILE},
    {"ofile", RLIMIT_NOFILE},
    {"as", RLIMIT_AS},
    {"rss", RLIMIT_RSS},
    {"nproc", RLIMIT_NPROC},
    {"memlock", RLIMIT_MEMLOCK},
    {"locks", RLIMIT_LOCKS},
    {"sigpending", RLIMIT_SIGPENDING},
    {"msgqueue", RLIMIT_MSGQUEUE},
    {"nice", RLIMIT_NICE},
    {"rtprio", RLIMIT_RTPRIO},
    {"rttime", RLIMIT_RTTIME},
};

static int read_rlimit(struct plan *p, const cJSON *o, flux_error_t *err)
{
    int64_t value;
    if (json_int64(o, &value) < 0)
        return error_set(err, EINVAL, "rlimit.%s is not a number", o->string);
    for (size_t i = 0; i < ARRAY_SIZE(limit_names); i++) {
        if (strcmp(o->string, limit_names[i].name) != 0)
            continue;
        if (p->nrlimits == PLAN_MAX_RLIMITS)
            return error_set(err, EINVAL, "rlimit: too many entries");
        p->rlimits[p->nrlimits++] = (struct proc_rlimit){
            .resource = limit_names[i].resource,
            .soft = value < 0 ? RLIM_INFINITY : (rlim_t)value,
            .hard = RLIM_INFINITY,
        };
        return 0;
    }
    return error_set(err, EINVAL, "rlimit: no such limit '%s'", o->string);
}

static int read_rlimits(struct plan *p, const cJSON *options, flux_error_t *err)
{
    const cJSON *o = json_get(options, "rlimit");
    for (o = o ? o->child : NULL; o; o = o->next) {
        int rc = o->string ? read_rlimit(p, o, err) : -EINVAL;
        if (rc < 0)
            return rc;
    }
    return 0;
}

static bool is_true(const cJSON *o)
{
    int64_t n;
    return o && (json_int64(o, &n) == 0 ? n != 0 : (o->type & 0xff) == cJSON_True);
}

static int read_exit(struct plan *p, const cJSON *options, flux_error_t *err)
{
    const cJSON *o = json_get(options, "exit-timeout");
    const char *s = json_str(o);
    p->exit_timeout = EXIT_TIMEOUT;
    p->exit_on_error = is_true(json_get(options, "exit-on-error"));
    p->own_group = !is_true(json_get(options, "nosetpgrp"));
    if (s && !strcmp(s, "none"))
        p->exit_timeout = -1;
    else if (o && json_seconds(o, &p->exit_timeout) < 0)
        return error_set(err, EINVAL, "exit-timeout: not a duration, nor 'none'");
    if (isinf(p->exit_timeout))
        p->exit_timeout = -1;
    return 0;
}

static int read_signal(struct plan *p, const cJSON *options, flux_error_t *err)
{
    const cJSON *o = json_get(options, "signal"), *v;
    int64_t n;
    if (!o)
        return 0;
    p->warn_signum = SIGUSR1;
    p->warn_left = WARN_LEFT;
    if ((v = json_get(o, "signum"))) {
        if (json_int64(v, &n) < 0 || n < 1 || n > SIGRTMAX)
            return error_set(err, EINVAL, "signal.signum: not a signal");
        p->warn_signum = (int)n;
    }
    if ((v = json_get(o, "timeleft")) && json_seconds(v, &p->warn_left) < 0)
        return error_set(err, EINVAL, "signal.timeleft: not a duration");
    return 0;
}

/* "10M": a number and an optional K, M or G; or a plain number. */
static int read_size(const cJSON *o, uint64_t *ret)
{
    const char *s = json_str(o);
    int64_t n;
    if (!s) {
        int rc = json_int64(o, &n);
        *ret = rc < 0 || n < 0 ? 0 : (uint64_t)n;
        return rc < 0 || n < 0 ? -EINVAL : 0;
    }
    char unit = 0, rest = 0;
    double x;
    int fields = sscanf(s, "%lf%c%c", &x, &unit, &rest);
    const char *units = "KMG", *u = strchr(units, unit & ~0x20);
    if (fields < 1 || fields > 2 || !(x >= 0 && x < 1e15) || (fields == 2 && (!u || !*u)))
        return -EINVAL;
    for (int i = fields == 2 ? (int)(u - units) + 1 : 0; i > 0; i--)
        x *= 1024;
    *ret = (uint64_t)x;
    return 0;
}

static void read_stream(struct plan *p, const cJSON *output, int which)
{
    struct plan_stream *s = &p->stream[which];
    const cJSON *o = json_get(output, which ? "stderr" : "stdout");
    const char *type = json_str(json_get(o, "type"));
    const char *path = json_str(json_get(o, "path"));
    const char *mode = json_str(json_get(o, "mode"));
    const char *buffer = json_str(json_get_path(o, "buffer.type"));
    if (!mode)
        mode = json_str(json_get(output, "mode"));
    if (which == 1 && !type && !path) {
        s->path = p->stream[0].path; /* stderr follows stdout */
        s->label = p->stream[0].label;
    } else if (path && (!type || !strcmp(type, "file"))) {
        s->path = path;
    }
    if (json_get(o, "label"))
        s->label = is_true(json_get(o, "label"));
    s->append = mode && !strcmp(mode, "append");
    s->unbuffered = buffer && !strcmp(buffer, "none");
}

static int read_io(struct plan *p, const cJSON *options, flux_error_t *err)
{
    const cJSON *output = json_get(options, "output");
    const cJSON *limit = json_get(output, "limit");
    const cJSON *in = json_get_path(options, "input.stdin");
    const char *type = json_str(json_get(in, "type"));
    read_stream(p, output, 0);
    read_stream(p, output, 1);
    p->output_limit = OUTPUT_LIMIT;
    if (limit && read_size(limit, &p->output_limit) < 0)
        return error_set(err, EINVAL, "output.limit: not a size such as 10M");
    if (!type || !strcmp(type, "file"))
        p->input = json_str(json_get(in, "path"));
    return 0;
}

/* "simple" is all there is; "off" and "none" turn it off. */
static void read_pmi(struct plan *p, const cJSON *options)
{
    const char *s = json_str(json_get(options, "pmi"));
    p->pmi = !s || (strcmp(s, "off") != 0 && strcmp(s, "none") != 0);
}

static int read_options(struct plan *p, flux_error_t *err)
{
    const cJSON *options = json_get_path(p->info.system, "shell.options");
    int rc = read_rlimits(p, options, err);
    read_pmi(p, options);
    if (rc == 0)
        rc = read_exit(p, options, err);
    if (rc == 0)
        rc = read_signal(p, options, err);
    if (rc == 0)
        rc = read_io(p, options, err);
    return rc;
}

static char *ids_text(const struct idset *ids)
{
    return ids && idset_count(ids) > 0 ? idset_encode(ids, IDSET_FLAG_RANGE) : strdup("");
}

/* Our place among the nodes of R. */
static int find_node(struct plan *p, const struct rset *rs, unsigned broker_rank,
                     flux_error_t *err)
{
    unsigned n = (unsigned)rset_nnodes(rs);
    while (p->node < n && rset_node(rs, p->node)->rank != broker_rank)
        p->node++;
    if (n > 0 && p->node == n)
        return error_set(err, EINVAL, "R has nothing on rank %u", broker_rank);
    p->leader = n > 0 ? rset_node(rs, 0)->rank : broker_rank;
    return 0;
}

static int set_node(struct plan *p, const struct rset_node *node)
{
    p->vars.ncores = node && node->cores ? (unsigned)idset_count(node->cores) : 0;
    p->vars.ngpus = node && node->gpus ? (unsigned)idset_count(node->gpus) : 0;
    p->node_name = strdup(node && node->host ? node->host : "");
    p->cores = ids_text(node ? node->cores : NULL);
    p->gpus = ids_text(node ? node->gpus : NULL);
    return p->node_name && p->cores && p->gpus ? 0 : -ENOMEM;
}

static int read_place(struct plan *p, const struct rset *rs, unsigned broker_rank,
                      flux_error_t *err)
{
    double start = rs ? rset_starttime(rs) : 0;
    int rc = rs ? find_node(p, rs, broker_rank, err) : 0;
    if (rc == 0)
        rc = layout_make(rs, &p->info.shape, &p->layout);
    if (rc == 0)
        rc = set_node(p, rs ? rset_node(rs, p->node) : NULL);
    if (rc < 0)
        return rc;
    p->expiration = rs ? rset_expiration(rs) : 0;
    if (p->expiration == 0 && p->info.duration > 0 && start > 0)
        p->expiration = start + p->info.duration;
    p->ntasks = p->layout.ntasks;
    p->nlocal = p->layout.first[p->node + 1] - p->layout.first[p->node];
    p->vars.nnodes = p->layout.nnodes;
    p->vars.ntasks = p->ntasks;
    p->vars.node_id = p->node;
    p->vars.broker_rank = broker_rank;
    for (int i = 0; i < 2; i++)
        p->stream[i].shared = p->stream[i].path && p->layout.nnodes > 1 &&
                              !template_names_node(p->stream[i].path);
    return 0;
}

static int read_r(struct plan *p, unsigned broker_rank, flux_error_t *err)
{
    struct rset *rs = NULL;
    int rc = p->r ? rset_decode(p->r, &rs, err) : 0;
    if (rc == 0)
        rc = read_place(p, rs, broker_rank, err);
    rset_free(rs);
    return rc;
}

static int read_all(struct plan *p, unsigned broker_rank, flux_error_t *err)
{
    int rc = jobspec_read(p->jobspec, &p->info, err);
    if (rc == 0)
        rc = read_options(p, err);
    if (rc == 0)
        rc = read_r(p, broker_rank, err);
    if (rc < 0)
        return rc;
    if (p->info.name)
        snprintf(p->name, sizeof(p->name), "%s", p->info.name);
    else
        jobspec_default_name(p->jobspec, p->name, sizeof(p->name));
    for (const cJSON *o = p->info.command ? p->info.command->child : NULL; o; o = o->next)
        p->argc++;
    p->vars.id = p->id;
    p->vars.name = p->name;
    p->vars.node_name = p->node_name;
    p->vars.cores = p->cores;
    p->vars.gpus = p->gpus;
    return p->argc > 0 ? 0 : error_set(err, EINVAL, "the command is empty");
}

int plan_new(flux_jobid_t id, unsigned broker_rank, cJSON *jobspec, cJSON *r,
             struct plan **ret, flux_error_t *err)
{
    struct plan *p = calloc(1, sizeof(*p));
    if (!p) {
        json_free(jobspec);
        json_free(r);
        return error_set(err, ENOMEM, "out of memory");
    }
    p->id = id;
    p->jobspec = jobspec;
    p->r = r;
    int rc = read_all(p, broker_rank, err);
    if (rc < 0) {
        plan_free(p);
        return rc;
    }
    *ret = p;
    return 0;
}

void plan_free(struct plan *p)
{
    if (!p)
        return;
    json_free(p->jobspec);
    json_free(p->r);
    free(p->node_name);
    free(p->cores);
    free(p->gpus);
    layout_clear(&p->layout);
    free(p);
}

bool plan_is_leaders(const struct plan *p, int which)
{
    return p->stream[which].shared && p->node != 0;
}

bool plan_writes_for_others(const struct plan *p)
{
    return p->node == 0 && (p->stream[0].shared || p->stream[1].shared);
}

/* -- what differs by task -- */

unsigned plan_task_rank(const struct plan *p, unsigned index)
{
    return p->layout.first[p->node] + index;
}

static struct template_vars vars_of(const struct plan *p, unsigned index)
{
    struct template_vars v = p->vars;
    v.rank = plan_task_rank(p, index);
    v.local_id = index;
    return v;
}

int plan_argv(const struct plan *p, unsigned index, char ***ret)
{
    struct template_vars v = vars_of(p, index);
    struct strvec sv = {0};
    for (const cJSON *o = p->info.command->child; o; o = o->next) {
        template_expand(json_str(o) ? json_str(o) : "", &v, &sv.text);
        strvec_end(&sv);
    }
    return strvec_take(&sv, ret);
}

int plan_path(const struct plan *p, const char *tmpl, unsigned index, char **ret)
{
    struct template_vars v = vars_of(p, index);
    struct buf out = {0};
    if (tmpl[0] != '/' && p->info.cwd) {
        buf_adds(&out, p->info.cwd);
        buf_addc(&out, '/');
    }
    template_expand(tmpl, &v, &out);
    *ret = buf_take(&out, NULL);
    return *ret ? 0 : -ENOMEM;
}

/* Jobspecs of jobs that are about to start, see specs.h. When the cache is full, what
 * is in it stays: jobs start in about the order they came.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "modules/job-manager/manager.h"
#include "modules/job-manager/specs.h"
#include "proto/submit.h"

#define RECENT 4 /* environments of the last submissions */

struct specs {
    struct job_manager *jm;
    struct umap *cache; /* id -> struct spec */
    struct spec_text *recent[RECENT];
    unsigned next_recent;
    size_t bytes; /* of all living texts */
};

static void spec_unref_cb(void *arg)
{
    spec_unref(arg);
}

int specs_new(struct job_manager *jm, struct specs **ret)
{
    struct specs *s = calloc(1, sizeof(*s));

    if (!s || !(s->cache = umap_new(spec_unref_cb))) {
        free(s);
        return -ENOMEM;
    }
    s->jm = jm;
    *ret = s;
    return 0;
}

static int text_new(struct specs *s, struct slice from, struct spec_text **ret)
{
    struct spec_text *t = malloc(sizeof(*t) + from.len + 1);

    if (!t)
        return -ENOMEM;
    *t = (struct spec_text){.specs = s, .refs = 1, .len = from.len};
    memcpy(t->data, from.p, from.len);
    t->data[from.len] = '\0';
    s->bytes += from.len;
    *ret = t;
    return 0;
}

static void text_unref(struct spec_text *t)
{
    if (t && --t->refs == 0) {
        t->specs->bytes -= t->len;
        free(t);
    }
}

void specs_free(struct specs *s)
{
    if (!s)
        return;
    umap_free(s->cache);
    for (unsigned i = 0; i < RECENT; i++)
        text_unref(s->recent[i]);
    free(s);
}

static int env_new(struct specs *s, struct slice env, struct spec_text **ret)
{
    struct spec_text **slot = &s->recent[s->next_recent];
    int rc;

    for (unsigned i = 0; i < RECENT; i++) {
        struct spec_text *t = s->recent[i];

        if (t && t->len == env.len && memcmp(t->data, env.p, env.len) == 0) {
            t->refs++;
            *ret = t;
            return 0;
        }
    }
    if ((rc = text_new(s, env, ret)) < 0)
        return rc;
    text_unref(*slot);
    *slot = *ret;
    (*slot)->refs++;
    s->next_recent = (s->next_recent + 1) % RECENT;
    return 0;
}

int spec_new(struct specs *s, struct slice jobspec, struct slice env, struct spec **ret)
{
    struct spec *spec = calloc(1, sizeof(*spec));
    int rc;

    if (!spec)
        return -ENOMEM;
    spec->refs = 1;
    if ((rc = text_new(s, jobspec, &spec->jobspec)) < 0 ||
        (env.p && (rc = env_new(s, env, &spec->env)) < 0)) {
        spec_unref(spec);
        return rc;
    }
    *ret = spec;
    return 0;
}

struct spec *spec_ref(struct spec *spec)
{
    spec->refs++;
    return spec;
}

void spec_unref(struct spec *spec)
{
    if (!spec || --spec->refs > 0)
        return;
    text_unref(spec->jobspec);
    text_unref(spec->env);
    free(spec);
}

void specs_keep(struct specs *s, flux_jobid_t id, struct spec *spec)
{
    if (s->bytes <= SPECS_CACHE_BYTES && umap_set(s->cache, id, spec) == 0)
        spec_ref(spec);
}

void specs_forget(struct specs *s, flux_jobid_t id)
{
    umap_del(s->cache, id);
}

struct spec *specs_find(struct specs *s, flux_jobid_t id)
{
    return umap_get(s->cache, id);
}

/* Reading: the texts of one job, as they are in the store. */
struct loaded {
    flux_jobid_t id;
    char *jobspec, *env;
    size_t jobspec_len, env_len;
    int error;
};

struct load {
    struct specs *specs;
    specs_done_f done;
    void *arg;
    size_t n;
    struct loaded jobs[];
};

struct piece {
    char **data;
    size_t *len;
};

static int copy_piece(uint64_t seq, const void *data, size_t len, void *arg)
{
    struct piece *p = arg;

    free(*p->data);
    if (!(*p->data = strndup(data, len)))
        return -ENOMEM;
    *p->len = len;
    return 0;
}

static void load_one(struct store_reader *r, struct loaded *l)
{
    struct piece jobspec = {&l->jobspec, &l->jobspec_len};
    struct piece env = {&l->env, &l->env_len};
    int rc;

    l->error = store_reader_jobdata(r, l->id, "jobspec", copy_piece, &jobspec);
    if (l->error == 0) {
        rc = store_reader_jobdata(r, l->id, "env", copy_piece, &env);
        if (rc < 0 && rc != -ENOENT)
            l->error = rc;
    }
}

static int load_read(struct store_reader *r, void *arg)
{
    struct load *load = arg;

    for (size_t i = 0; i < load->n; i++)
        load_one(r, &load->jobs[i]);
    return 0;
}

static int loaded_spec(struct specs *s, struct loaded *l, struct spec **ret)
{
    if (l->error < 0)
        return l->error;
    return spec_new(s, (struct slice){l->jobspec, l->jobspec_len},
                    (struct slice){l->env, l->env_len}, ret);
}

static void load_drop(void *arg)
{
    struct load *load = arg;

    for (size_t i = 0; i < load->n; i++) {
        free(load->jobs[i].jobspec);
        free(load->jobs[i].env);
    }
    free(load);
}

static void load_done(struct job_manager *jm, int rc, void *arg)
{
    struct load *load = arg;

    for (size_t i = 0; i < load->n; i++) {
        struct loaded *l = &load->jobs[i];
        struct spec *spec = NULL;
        int error = rc < 0 ? rc : loaded_spec(load->specs, l, &spec);

        load->done(jm, l->id, spec, error, load->arg);
        spec_unref(spec);
    }
    load->done(jm, 0, NULL, 0, load->arg);
    load_drop(load);
}

int specs_load(struct specs *s, const flux_jobid_t *ids, size_t n, specs_done_f done,
               void *arg)
{
    struct load *load = calloc(1, sizeof(*load) + n * sizeof(load->jobs[0]));
    int rc;

    if (!load)
        return -ENOMEM;
    *load = (struct load){.specs = s, .done = done, .arg = arg, .n = n};
    for (size_t i = 0; i < n; i++)
        load->jobs[i].id = ids[i];
    if ((rc = manager_read(s->jm, load_read, load_done, load_drop, load)) < 0)
        free(load);
    return rc;
}

static int get_read(struct store_reader *r, void *arg)
{
    load_one(r, arg);
    return 0;
}

int specs_get(struct specs *s, flux_jobid_t id, struct spec **ret)
{
    struct loaded l = {.id = id};
    struct spec *spec = specs_find(s, id);
    int rc;

    if (spec) {
        *ret = spec_ref(spec);
        return 0;
    }
    if ((rc = store_read_now(s->jm->store, get_read, &l)) == 0)
        rc = loaded_spec(s, &l, ret);
    free(l.jobspec);
    free(l.env);
    return rc;
}

static int print_updated(const struct spec *spec, const char *updates, bool with_env,
                         struct buf *out)
{
    cJSON *jobspec = NULL, *changes = NULL, *env = NULL, *c, *copy;
    int rc;

    if ((rc = json_parse(spec->jobspec->data, spec->jobspec->len, NULL, &jobspec, NULL)) <
            0 ||
        (rc = json_parse(updates, strlen(updates), NULL, &changes, NULL)) < 0)
        goto out;
    cJSON_ArrayForEach(c, changes)
    {
        if (!(copy = json_copy(c))) {
            rc = -ENOMEM;
            goto out;
        }
        if ((rc = json_set_path(jobspec, c->string, copy)) < 0)
            goto out;
    }
    if (with_env && spec->env) {
        if ((rc = json_parse(spec->env->data, spec->env->len, NULL, &env, NULL)) < 0 ||
            (rc = json_set_path(jobspec, "attributes.system.environment", TAKE(env))) < 0)
            goto out;
    }
    rc = json_print_buf(jobspec, out);
out:
    json_free(jobspec);
    json_free(changes);
    return rc;
}

int spec_print(const struct spec *spec, const char *updates, bool with_env,
               struct buf *out)
{
    struct slice text = {spec->jobspec->data, spec->jobspec->len};

    if (updates)
        return print_updated(spec, updates, with_env, out);
    if (with_env && spec->env)
        return submit_splice(out, text, "environment",
                             (struct slice){spec->env->data, spec->env->len});
    return buf_add(out, text.p, text.len);
}

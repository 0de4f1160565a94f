/* The environment of a task: see taskenv.h. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jobid.h"
#include "shell/pmi.h"
#include "shell/strvec.h"
#include "shell/taskenv.h"

/* Never taken from the job's environment: they describe another job. */
static const char *const dropped[] = {
    "FLUX_URI",          "FLUX_JOB_ID*",  "FLUX_JOB_SIZE",         "FLUX_JOB_NNODES",
    "FLUX_JOB_TMPDIR",   "FLUX_JOB_UUID", "FLUX_TASK_*",           "FLUX_KVS_NAMESPACE",
    "FLUX_PROXY_REMOTE", "PMI_*",         "FLUX_PMI_LIBRARY_PATH",
};

static bool is_dropped(const char *name)
{
    if (name[0] != 'F' && name[0] != 'P')
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(dropped); i++) {
        size_t n = strlen(dropped[i]);
        if (dropped[i][n - 1] == '*' ? !strncmp(name, dropped[i], n - 1)
                                     : !strcmp(name, dropped[i]))
            return true;
    }
    return false;
}

static void add(struct strvec *sv, const char *name, const char *value)
{
    buf_adds(&sv->text, name);
    buf_addc(&sv->text, '=');
    buf_adds(&sv->text, value);
    strvec_end(sv);
}

static void add_number(struct strvec *sv, const char *name, unsigned value)
{
    buf_addf(&sv->text, "%s=%u", name, value);
    strvec_end(sv);
}

/* Open MPI gives its shared memory the same name in all jobs of a node: it needs a folder
 * of the job's own to put it in. */
#define VADER "OMPI_MCA_btl_vader_backing_directory"

static void add_tmpdir(struct strvec *sv, const struct plan *p)
{
    if (!p->vars.tmpdir)
        return;
    add(sv, "FLUX_JOB_TMPDIR", p->vars.tmpdir);
    if (p->nlocal > 1 && !json_get(p->info.environment, VADER))
        add(sv, VADER, p->vars.tmpdir);
}

static void add_own(struct strvec *sv, const struct plan *p,
                    const struct taskenv_opts *opts, unsigned index)
{
    char id[JOBID_SIZE];
    jobid_encode(p->id, "f58", id, sizeof(id));
    add(sv, "FLUX_URI", opts->uri);
    add(sv, "FLUX_JOB_ID", id);
    buf_addf(&sv->text, "FLUX_KVS_NAMESPACE=job-%" PRIu64, p->id);
    strvec_end(sv);
    if (opts->pmi_library)
        add(sv, "FLUX_PMI_LIBRARY_PATH", opts->pmi_library);
    add_tmpdir(sv, p);
    if (p->pmi) {
        add_number(sv, "PMI_FD", PMI_CHILD_FD);
        add_number(sv, "PMI_RANK", plan_task_rank(p, index));
        add_number(sv, "PMI_SIZE", p->ntasks);
    }
    add_number(sv, "FLUX_JOB_SIZE", p->ntasks);
    add_number(sv, "FLUX_JOB_NNODES", p->vars.nnodes);
    add_number(sv, "FLUX_TASK_RANK", plan_task_rank(p, index));
    add_number(sv, "FLUX_TASK_LOCAL_ID", index);
    buf_addf(&sv->text, "%s=%s.%" PRIu64, TASKENV_MARK, opts->uuid, p->id);
    strvec_end(sv);
}

int taskenv_make(const struct plan *p, const struct taskenv_opts *opts, unsigned index,
                 char ***ret)
{
    struct strvec sv = {0};
    const cJSON *o = p->info.environment;
    for (o = o ? o->child : NULL; o; o = o->next)
        if (o->string && json_str(o) && !is_dropped(o->string))
            add(&sv, o->string, json_str(o));
    add_own(&sv, p, opts, index);
    return strvec_take(&sv, ret);
}

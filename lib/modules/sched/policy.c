/* Finding a policy by name, or loading a user's own. */
#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "modules/sched/sched.h"
#include "sched/policy/policy.h"

/* "hybrid, fcfs" */
static void list_policies(char *buf, size_t size)
{
    const struct flux_sched_policy *p;
    size_t n = 0;

    buf[0] = '\0';
    for (unsigned i = 0; (p = sched_policy_get(i)) && n < size; i++)
        n += (size_t)snprintf(buf + n, size - n, "%s%s", i ? ", " : "", p->name);
}

static int open_dso(const char *path, const struct flux_sched_policy **ret, void **dso,
                    flux_error_t *err)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (!handle)
        return error_set(err, ENOENT, "policy %s", dlerror());
    const struct flux_sched_policy *p = dlsym(handle, "flux_sched_policy");
    const char *why = NULL;
    if (!p)
        why = "exports no flux_sched_policy";
    else if (p->abi != FLUX_SCHED_ABI || p->size < sizeof(*p))
        why = "was built for another version";
    if (why) {
        dlclose(handle);
        return error_set(err, EINVAL, "policy %s: %s", path, why);
    }
    *ret = p;
    *dso = handle;
    return 0;
}

int sched_policy_open(const char *name, const struct flux_sched_policy **ret, void **dso,
                      flux_error_t *err)
{
    char known[100];

    *dso = NULL;
    if (strchr(name, '/'))
        return open_dso(name, ret, dso, err);
    if ((*ret = sched_policy_find(name)))
        return 0;
    list_policies(known, sizeof(known));
    return error_set(err, ENOENT, "no such policy '%.40s' (policies: %s)", name, known);
}

void sched_policy_close(void *dso)
{
    if (dso)
        dlclose(dso);
}

/* Jobspec V1: the document, its task and its attributes. */
#include "proto/jobspec_private.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

static const char *const top_keys[] = {"version", "resources", "tasks", "attributes",
                                       NULL};
static const char *const task_keys[] = {"command",      "slot",       "count",
                                        "distribution", "attributes", NULL};
static const char *const attribute_keys[] = {"system", "user", NULL};

static int check_version(const cJSON *jobspec, flux_error_t *err)
{
    const cJSON *item = json_get(jobspec, "version");
    int64_t version;

    if (!item)
        return error_set(err, EINVAL, "jobspec: missing key 'version'");
    if (json_int64(item, &version) < 0)
        return error_set(err, EINVAL, "jobspec: version is not an integer");
    if (version != 1)
        return error_set(err, EINVAL, "jobspec: version %jd is not supported (known: 1)",
                         (intmax_t)version);
    return 0;
}

static int read_command(const cJSON *task, const cJSON **ret, flux_error_t *err)
{
    const cJSON *command = json_get(task, "command"), *arg;

    if (!cJSON_IsArray(command) || cJSON_GetArraySize(command) == 0)
        return error_set(err, EINVAL,
                         "jobspec: tasks[0].command is not an array of words");
    cJSON_ArrayForEach(arg, command)
    {
        if (!json_str(arg))
            return error_set(err, EINVAL,
                             "jobspec: a word of tasks[0].command is not a "
                             "string");
    }
    if (!*json_str(cJSON_GetArrayItem(command, 0)))
        return error_set(err, EINVAL, "jobspec: tasks[0].command has an empty name");
    *ret = command;
    return 0;
}

static int read_ntasks(const cJSON *task, struct jobspec_shape *shape, flux_error_t *err)
{
    const cJSON *count = json_get(task, "count");
    unsigned n;
    int rc;

    if (!cJSON_IsObject(count) || cJSON_GetArraySize(count) != 1)
        return error_set(err, EINVAL,
                         "jobspec: tasks[0].count needs one of per_slot and total");
    if (json_get(count, "total"))
        return jobspec_count(count, "total", "tasks[0].count", &shape->ntasks, err);
    if ((rc = jobspec_count(count, "per_slot", "tasks[0].count", &n, err)) < 0)
        return rc;
    if ((uint64_t)n * shape->nslots > JOBSPEC_COUNT_MAX)
        return error_set(err, EINVAL, "jobspec: more than %u tasks", JOBSPEC_COUNT_MAX);
    shape->ntasks = n * shape->nslots;
    return 0;
}

static int read_task(const cJSON *tasks, const char *label, struct jobspec_info *info,
                     flux_error_t *err)
{
    const cJSON *task;
    const char *slot;
    int rc;

    if (!cJSON_IsArray(tasks) || cJSON_GetArraySize(tasks) != 1)
        return error_set(err, EINVAL, "jobspec: tasks is not an array of one");
    task = cJSON_GetArrayItem(tasks, 0);
    if ((rc = jobspec_check_keys(task, task_keys, "tasks[0]", err)) < 0)
        return rc;
    if (!(slot = json_str(json_get(task, "slot"))))
        return error_set(err, EINVAL, "jobspec: missing key 'slot' in tasks[0]");
    if (strcmp(slot, label) != 0)
        return error_set(err, EINVAL,
                         "jobspec: tasks[0].slot '%.40s' is not the slot "
                         "'%.40s' of resources",
                         slot, label);
    if ((rc = read_command(task, &info->command, err)) < 0)
        return rc;
    return read_ntasks(task, &info->shape, err);
}

static int read_duration(const cJSON *system, double *ret, flux_error_t *err)
{
    const cJSON *item = json_get(system, "duration");
    double d;

    if (!item)
        return error_set(err, EINVAL,
                         "jobspec: missing key 'duration' in "
                         "attributes.system");
    if (json_real(item, &d) < 0 || !isfinite(d) || d < 0)
        return error_set(err, EINVAL,
                         "jobspec: attributes.system.duration is not a number "
                         "of seconds >= 0");
    *ret = d;
    return 0;
}

static int read_environment(const cJSON *system, const cJSON **ret, flux_error_t *err)
{
    const cJSON *env = json_get(system, "environment"), *var;

    if (!env)
        return 0;
    if (!cJSON_IsObject(env))
        return error_set(err, EINVAL,
                         "jobspec: attributes.system.environment is not an "
                         "object");
    cJSON_ArrayForEach(var, env)
    {
        if (!*var->string || strchr(var->string, '='))
            return error_set(err, EINVAL, "jobspec: bad name '%.40s' in environment",
                             var->string);
        if (!json_str(var))
            return error_set(err, EINVAL,
                             "jobspec: environment variable '%.40s' is not a "
                             "string",
                             var->string);
    }
    *ret = env;
    return 0;
}

static int read_dependencies(const cJSON *system, const cJSON **ret, flux_error_t *err)
{
    const cJSON *list = json_get(system, "dependencies"), *dep;

    if (!list)
        return 0;
    if (!cJSON_IsArray(list))
        return error_set(err, EINVAL,
                         "jobspec: attributes.system.dependencies is not an "
                         "array");
    cJSON_ArrayForEach(dep, list)
    {
        if (!json_str(json_get(dep, "scheme")) || !json_str(json_get(dep, "value")))
            return error_set(err, EINVAL,
                             "jobspec: a dependency needs the strings "
                             "'scheme' and 'value'");
    }
    *ret = list;
    return 0;
}

static int read_string(const cJSON *o, const char *key, const char *where,
                       const char **ret, flux_error_t *err)
{
    const cJSON *item = json_get(o, key);

    if (!item)
        return 0;
    if (!(*ret = json_str(item)))
        return error_set(err, EINVAL, "jobspec: %s.%s is not a string", where, key);
    return 0;
}

static int read_strings(const cJSON *system, struct jobspec_info *info, flux_error_t *err)
{
    const char *where = "attributes.system";
    int rc;

    if ((rc = read_string(system, "queue", where, &info->queue, err)) < 0 ||
        (rc = read_string(system, "project", where, &info->project, err)) < 0 ||
        (rc = read_string(system, "bank", where, &info->bank, err)) < 0 ||
        (rc = read_string(system, "cwd", where, &info->cwd, err)) < 0)
        return rc;
    return read_string(json_get(system, "job"), "name", "attributes.system.job",
                       &info->name, err);
}

static int read_system(const cJSON *system, struct jobspec_info *info, flux_error_t *err)
{
    int rc;

    if ((rc = read_duration(system, &info->duration, err)) < 0 ||
        (rc = read_environment(system, &info->environment, err)) < 0 ||
        (rc = read_dependencies(system, &info->dependencies, err)) < 0 ||
        (rc = read_strings(system, info, err)) < 0)
        return rc;
    info->constraints = json_get(system, "constraints");
    if (info->constraints && !cJSON_IsObject(info->constraints))
        return error_set(err, EINVAL,
                         "jobspec: attributes.system.constraints is not an "
                         "object");
    info->system = system;
    return 0;
}

static int read_attributes(const cJSON *attributes, struct jobspec_info *info,
                           flux_error_t *err)
{
    const cJSON *system, *user;
    int rc = jobspec_check_keys(attributes, attribute_keys, "attributes", err);

    if (rc < 0)
        return rc;
    if (!(system = json_get(attributes, "system")))
        return error_set(err, EINVAL, "jobspec: missing key 'system' in attributes");
    user = json_get(attributes, "user");
    if (!cJSON_IsObject(system) || (user && !cJSON_IsObject(user)))
        return error_set(err, EINVAL, "jobspec: attributes.%s is not an object",
                         cJSON_IsObject(system) ? "user" : "system");
    return read_system(system, info, err);
}

/* The last part of the command's name, without a path. */
static const char *command_name(const cJSON *command)
{
    const char *name = json_str(cJSON_GetArrayItem(command, 0));
    const char *slash = name ? strrchr(name, '/') : NULL;

    return slash && slash[1] ? slash + 1 : name;
}

int jobspec_read(const cJSON *jobspec, struct jobspec_info *ret, flux_error_t *err)
{
    struct jobspec_info info = {0};
    const char *label = NULL;
    int rc;

    if ((rc = jobspec_check_keys(jobspec, top_keys, "the document", err)) < 0 ||
        (rc = check_version(jobspec, err)) < 0)
        return rc;
    for (int i = 1; top_keys[i]; i++)
        if (!json_get(jobspec, top_keys[i]))
            return error_set(err, EINVAL, "jobspec: missing key '%s'", top_keys[i]);
    if ((rc = jobspec_read_resources(json_get(jobspec, "resources"), &info.shape, &label,
                                     err)) < 0 ||
        (rc = read_task(json_get(jobspec, "tasks"), label, &info, err)) < 0 ||
        (rc = read_attributes(json_get(jobspec, "attributes"), &info, err)) < 0)
        return rc;
    if (!info.name)
        info.name = command_name(info.command);
    *ret = info;
    return 0;
}

int jobspec_default_name(const cJSON *jobspec, char *buf, size_t size)
{
    const cJSON *task = cJSON_GetArrayItem(json_get(jobspec, "tasks"), 0);
    const char *name = json_str(json_get_path(jobspec, "attributes.system.job.name"));

    if (!name)
        name = command_name(json_get(task, "command"));
    if (!name)
        return -EINVAL;
    return snprintf(buf, size, "%s", name);
}

/* The resources of a jobspec V1: slot>core, slot>(core,gpu), with or without a node
 * around the slot. */
#include "proto/jobspec_private.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"

static const char *const vertex_keys[] = {"type",  "count",     "unit", "with",
                                          "label", "exclusive", NULL};

int jobspec_check_keys(const cJSON *o, const char *const keys[], const char *where,
                       flux_error_t *err)
{
    const cJSON *item;

    if (!cJSON_IsObject(o))
        return error_set(err, EINVAL, "jobspec: %s is not an object", where);
    cJSON_ArrayForEach(item, o)
    {
        size_t i = 0;

        while (keys[i] && strcmp(keys[i], item->string) != 0)
            i++;
        if (!keys[i])
            return error_set(err, EINVAL, "jobspec: %s has an unknown key '%.40s'", where,
                             item->string);
    }
    return 0;
}

int jobspec_count(const cJSON *o, const char *key, const char *where, unsigned *ret,
                  flux_error_t *err)
{
    const cJSON *item = json_get(o, key);
    int64_t n;

    if (!item)
        return error_set(err, EINVAL, "jobspec: missing key '%s' in %s", key, where);
    if (!json_is_integer(item) || json_int64(item, &n) < 0)
        return error_set(err, EINVAL, "jobspec: %s.%s is not an integer", where, key);
    if (n < 1 || n > JOBSPEC_COUNT_MAX)
        return error_set(err, EINVAL, "jobspec: %s.%s is not in 1 to %u", where, key,
                         JOBSPEC_COUNT_MAX);
    *ret = n;
    return 0;
}

/* A vertex of the resource tree: its type and count. */
static int read_vertex(const cJSON *v, const char *where, const char **ret_type,
                       unsigned *ret_count, flux_error_t *err)
{
    const char *type;
    int rc;

    if ((rc = jobspec_check_keys(v, vertex_keys, where, err)) < 0)
        return rc;
    if (!(type = json_str(json_get(v, "type"))))
        return error_set(err, EINVAL, "jobspec: missing key 'type' in %s", where);
    if ((rc = jobspec_count(v, "count", where, ret_count, err)) < 0)
        return rc;
    *ret_type = type;
    return 0;
}

static int read_leaf(const cJSON *v, struct jobspec_shape *shape, flux_error_t *err)
{
    const char *type;
    unsigned count, *field;
    int rc;

    if ((rc = read_vertex(v, "resource in a slot", &type, &count, err)) < 0)
        return rc;
    if (strcmp(type, "core") == 0)
        field = &shape->cores_per_slot;
    else if (strcmp(type, "gpu") == 0)
        field = &shape->gpus_per_slot;
    else
        return error_set(err, EINVAL,
                         "jobspec: resource type '%.40s' in a slot (known: core, gpu)",
                         type);
    if (*field)
        return error_set(err, EINVAL, "jobspec: '%s' twice in a slot", type);
    if (json_get(v, "with"))
        return error_set(err, EINVAL, "jobspec: '%s' cannot have resources in it", type);
    *field = count;
    return 0;
}

static int read_slot(const cJSON *slot, struct jobspec_shape *shape,
                     const char **ret_label, flux_error_t *err)
{
    const cJSON *with = json_get(slot, "with"), *leaf;
    const char *label = json_str(json_get(slot, "label"));
    int rc;

    if (!label || !*label)
        return error_set(err, EINVAL, "jobspec: missing key 'label' in slot");
    if (!cJSON_IsArray(with))
        return error_set(err, EINVAL, "jobspec: slot.with is not an array");
    cJSON_ArrayForEach(leaf, with)
    {
        if ((rc = read_leaf(leaf, shape, err)) < 0)
            return rc;
    }
    if (!shape->cores_per_slot)
        return error_set(err, EINVAL, "jobspec: slot needs a core");
    *ret_label = label;
    return 0;
}

static int read_node(const cJSON *node, struct jobspec_shape *shape,
                     const char **ret_label, flux_error_t *err)
{
    const cJSON *with = json_get(node, "with");
    const cJSON *exclusive = json_get(node, "exclusive");
    const cJSON *slot = cJSON_IsArray(with) ? cJSON_GetArrayItem(with, 0) : NULL;
    const char *type;
    int rc;

    if (exclusive && !cJSON_IsBool(exclusive))
        return error_set(err, EINVAL, "jobspec: node.exclusive is not true or false");
    shape->exclusive = cJSON_IsTrue(exclusive);
    if (!slot || cJSON_GetArraySize(with) != 1)
        return error_set(err, EINVAL, "jobspec: node needs exactly one slot in it");
    if ((rc = read_vertex(slot, "slot", &type, &shape->slots_per_node, err)) < 0)
        return rc;
    if (strcmp(type, "slot") != 0)
        return error_set(err, EINVAL,
                         "jobspec: resource type '%.40s' in a node, not slot", type);
    return read_slot(slot, shape, ret_label, err);
}

/* Sums, so that nobody after us multiplies past an unsigned. */
static int check_totals(struct jobspec_shape *shape, flux_error_t *err)
{
    uint64_t slots =
        shape->nnodes ? (uint64_t)shape->nnodes * shape->slots_per_node : shape->nslots;
    uint64_t most = shape->cores_per_slot > shape->gpus_per_slot ? shape->cores_per_slot
                                                                 : shape->gpus_per_slot;

    if (slots > JOBSPEC_COUNT_MAX || slots * most > INT32_MAX)
        return error_set(err, EINVAL, "jobspec: too many resources: %ju slots of %ju",
                         (uintmax_t)slots, (uintmax_t)most);
    shape->nslots = slots;
    return 0;
}

int jobspec_read_resources(const cJSON *resources, struct jobspec_shape *ret,
                           const char **ret_label, flux_error_t *err)
{
    struct jobspec_shape shape = {0};
    const cJSON *top;
    const char *type;
    unsigned count;
    int rc;

    if (!cJSON_IsArray(resources) || cJSON_GetArraySize(resources) != 1)
        return error_set(err, EINVAL, "jobspec: resources is not an array of one");
    top = cJSON_GetArrayItem(resources, 0);
    if ((rc = read_vertex(top, "resources[0]", &type, &count, err)) < 0)
        return rc;
    if (strcmp(type, "node") == 0) {
        shape.nnodes = count;
        rc = read_node(top, &shape, ret_label, err);
    } else if (strcmp(type, "slot") == 0) {
        shape.nslots = count;
        rc = read_slot(top, &shape, ret_label, err);
    } else
        rc = error_set(err, EINVAL,
                       "jobspec: resources[0] is of type '%.40s' (known: node, slot)",
                       type);
    if (rc < 0 || (rc = check_totals(&shape, err)) < 0)
        return rc;
    *ret = shape;
    return 0;
}

/* Discovery of this host's resources; see discover.h.
 *
 * Only cores and the processing units below them are asked of hwloc: no caches, no
 * devices, no plug-ins, which is what makes hwloc slow and big. The topology is freed
 * at once.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hwloc.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "env/file.h"
#include "modules/resource/discover.h"

/* Leave out the parts of hwloc that bind to every processor in turn, or that look for
 * devices. */
static void leave_out(hwloc_topology_t topo)
{
#if HWLOC_API_VERSION >= 0x00020100
    static const char *const parts[] = {"x86",  "pci",  "opencl",    "cuda",
                                        "nvml", "rsmi", "levelzero", "gl"};

    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        hwloc_topology_set_components(topo, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST,
                                      parts[i]);
#endif
}

static int load_topology(hwloc_topology_t *topo, bool restrict_to_binding)
{
    hwloc_bitmap_t bound;
    int rc = 0;

    if (hwloc_topology_init(topo) < 0)
        return -ENOMEM;
    leave_out(*topo);
    if (hwloc_topology_set_all_types_filter(*topo, HWLOC_TYPE_FILTER_KEEP_NONE) < 0 ||
        hwloc_topology_set_type_filter(*topo, HWLOC_OBJ_CORE,
                                       HWLOC_TYPE_FILTER_KEEP_ALL) < 0 ||
        hwloc_topology_load(*topo) < 0) {
        rc = errno ? -errno : -EIO;
        hwloc_topology_destroy(*topo);
        return rc;
    }
    if (!restrict_to_binding || !(bound = hwloc_bitmap_alloc()))
        return 0;
    /* A binding that cannot be read is none. */
    if (hwloc_get_cpubind(*topo, bound, HWLOC_CPUBIND_PROCESS) == 0 &&
        !hwloc_bitmap_iszero(bound))
        hwloc_topology_restrict(*topo, bound, 0);
    hwloc_bitmap_free(bound);
    return 0;
}

static int find_cores(bool restrict_to_binding, struct idset *cores)
{
    hwloc_topology_t topo;
    int rc = load_topology(&topo, restrict_to_binding);

    if (rc < 0)
        return rc;
    int n = hwloc_get_nbobjs_by_type(topo, HWLOC_OBJ_CORE);
    if (n <= 0) /* machines that do not say what a core is */
        n = hwloc_get_nbobjs_by_type(topo, HWLOC_OBJ_PU);
    hwloc_topology_destroy(topo);
    if (n <= 0)
        return -ENODEV;
    return idset_range_set(cores, 0, (unsigned)n - 1) < 0 ? -errno : 0;
}

/* -- gpus -- */

struct gpu_count {
    struct env *env;
    unsigned n;
};

static int count_nvidia(const char *name, void *arg)
{
    struct gpu_count *c = arg;

    c->n++;
    return 0;
}

/* A node of the AMD driver's topology is a gpu when it has SIMD units. */
static int count_amd(const char *name, void *arg)
{
    struct gpu_count *c = arg;
    AUTOFREE char *text = NULL;
    char path[256];
    size_t len;

    snprintf(path, sizeof(path), "/sys/class/kfd/kfd/topology/nodes/%.32s/properties",
             name);
    if (file_read(c->env, path, 65536, &text, &len) < 0)
        return 0;
    const char *simd = strstr(text, "simd_count ");
    if (simd && atoi(simd + strlen("simd_count ")) > 0)
        c->n++;
    return 0;
}

static unsigned count_gpus(struct env *env)
{
    struct gpu_count c = {env, 0};

    dir_each(env, "/proc/driver/nvidia/gpus", count_nvidia, &c);
    dir_each(env, "/sys/class/kfd/kfd/topology/nodes", count_amd, &c);
    return c.n;
}

int discover_host(struct env *env, bool restrict_to_binding, struct idset **ret_cores,
                  struct idset **ret_gpus, flux_error_t *err)
{
    struct idset *cores = idset_create(0, IDSET_FLAG_AUTOGROW), *gpus = NULL;
    unsigned ngpus = count_gpus(env);
    int rc = -ENOMEM;

    if (cores && (rc = find_cores(restrict_to_binding, cores)) == 0 && ngpus > 0) {
        gpus = idset_create(0, IDSET_FLAG_AUTOGROW);
        if (!gpus || idset_range_set(gpus, 0, ngpus - 1) < 0)
            rc = -ENOMEM;
    }
    if (rc < 0) {
        idset_destroy(cores);
        idset_destroy(gpus);
        return error_set(err, -rc, "this host's cores cannot be found: %s",
                         strerror(-rc));
    }
    *ret_cores = cores;
    *ret_gpus = gpus;
    return 0;
}

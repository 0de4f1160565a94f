/* Discovery of this host's resources; see discover.h.
 *
 * Only cores and the processing units below them are asked of hwloc: no caches, no
 * devices, no plug-ins, which is what makes hwloc slow and big. The topology is freed
 * at once.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <flux/attr.h>
#include <flux/request.h>
#include <flux/response.h>
#include <hwloc.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "env/file.h"
#include "modules/resource/discover.h"

DEFINE_CLEANUP(struct found *, found_unref)
DEFINE_CLEANUP(struct idset *, idset_destroy)

#define MAX_CPUS 8192
#define SIM_CORES 4

/* -- what was found -- */

struct found *found_ref(struct found *f)
{
    f->refs++;
    return f;
}

void found_unref(struct found *f)
{
    if (!f || --f->refs > 0)
        return;
    idset_destroy(f->cores);
    idset_destroy(f->gpus);
    free(f->cpus);
    free(f);
}

int found_new(const struct idset *cores, const struct idset *gpus, struct found **ret)
{
    CLEANUP(found_unref_p) struct found *f = calloc(1, sizeof(*f));

    if (!f)
        return -ENOMEM;
    f->refs = 1;
    f->cores = cores ? idset_copy(cores) : idset_create(0, IDSET_FLAG_AUTOGROW);
    f->cpus = strdup("");
    if (!f->cores || !f->cpus || (gpus && !(f->gpus = idset_copy(gpus))))
        return -ENOMEM;
    *ret = TAKE(f);
    return 0;
}

int found_decode(const cJSON *o, struct found **ret, const char **ret_host)
{
    const char *cores, *gpus = "", *cpus, *host;
    int bound, rc;

    if (json_unpack(o, NULL, "{s:s s?s s:s s:s s:b}", "cores", &cores, "gpus", &gpus,
                    "cpus", &cpus, "host", &host, "bound", &bound) < 0)
        return -EPROTO;
    CLEANUP(idset_destroy_p) struct idset *c = idset_decode(cores);
    CLEANUP(idset_destroy_p) struct idset *g = idset_decode(gpus);
    CLEANUP(found_unref_p) struct found *f = NULL;
    AUTOFREE char *copy = strdup(cpus);
    if (!c || !g || idset_empty(c))
        return -EPROTO;
    if (!copy || (rc = found_new(c, idset_empty(g) ? NULL : g, &f)) < 0)
        return -ENOMEM;
    free(f->cpus);
    f->cpus = TAKE(copy);
    f->bound = bound;
    *ret_host = host;
    *ret = TAKE(f);
    return 0;
}

/* -- hwloc -- */

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

/* The cpus that this process may run on. One that cannot tell may run everywhere. */
static struct idset *own_cpus(void)
{
    size_t size = CPU_ALLOC_SIZE(MAX_CPUS);
    cpu_set_t *set = CPU_ALLOC(MAX_CPUS);
    struct idset *ids = idset_create(0, IDSET_FLAG_AUTOGROW);

    if (set && ids && sched_getaffinity(0, size, set) == 0)
        for (unsigned i = 0; i < MAX_CPUS; i++)
            if (CPU_ISSET_S(i, size, set))
                idset_set(ids, i);
    CPU_FREE(set);
    return ids;
}

static bool is_bound(const struct idset *cpus)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);

    return !idset_empty(cpus) && online > 0 && idset_count(cpus) < (size_t)online;
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

/* Hosts of a simulated world are all alike. */
static int imagine(struct found *f)
{
    return idset_range_set(f->cores, 0, SIM_CORES - 1) < 0 ? -errno : 0;
}

static int look(struct env *env, bool restrict_to_binding, struct found *f)
{
    CLEANUP(idset_destroy_p) struct idset *cpus = own_cpus();
    unsigned ngpus = count_gpus(env);
    int rc = cpus ? find_cores(restrict_to_binding, f->cores) : -ENOMEM;

    if (rc == 0 && ngpus > 0 &&
        (!(f->gpus = idset_create(0, IDSET_FLAG_AUTOGROW)) ||
         idset_range_set(f->gpus, 0, ngpus - 1) < 0))
        rc = -ENOMEM;
    if (rc < 0)
        return rc;
    free(f->cpus);
    f->cpus = idset_encode(cpus, IDSET_FLAG_RANGE);
    f->bound = restrict_to_binding && is_bound(cpus);
    return f->cpus ? 0 : -ENOMEM;
}

int discover_host(struct env *env, bool restrict_to_binding, struct found **ret,
                  flux_error_t *err)
{
    CLEANUP(found_unref_p) struct found *f = NULL;
    int rc = found_new(NULL, NULL, &f);

    if (rc == 0)
        rc = env_is_sim(env) ? imagine(f) : look(env, restrict_to_binding, f);
    if (rc < 0)
        return error_set(err, -rc, "this host's cores cannot be found: %s",
                         strerror(-rc));
    *ret = TAKE(f);
    return 0;
}

/* -- for others -- */

static bool same_cpus(const char *theirs)
{
    CLEANUP(idset_destroy_p) struct idset *ours = own_cpus();
    AUTOFREE char *text = ours ? idset_encode(ours, IDSET_FLAG_RANGE) : NULL;

    return text && *text && strcmp(text, theirs) == 0;
}

static int respond_found(flux_t *h, const flux_msg_t *msg, const struct found *f)
{
    AUTOFREE char *cores = idset_encode(f->cores, IDSET_FLAG_RANGE);
    AUTOFREE char *gpus = f->gpus ? idset_encode(f->gpus, IDSET_FLAG_RANGE) : strdup("");
    const char *host = flux_attr_get(h, "hostname");

    if (!cores || !gpus)
        return -ENOMEM;
    return flux_respond_pack(h, msg, "{s:s s:s s:s s:s s:b}", "cores", cores, "gpus",
                             gpus, "host", host ? host : "localhost", "cpus", f->cpus,
                             "bound", (int)f->bound) < 0
               ? -errno
               : 0;
}

void discover_answer(flux_t *h, struct env *env, const flux_msg_t *msg)
{
    CLEANUP(found_unref_p) struct found *f = NULL;
    const char *cpus = NULL;
    flux_error_t err = {""};
    int restrict_to_binding = 1, rc;

    if (flux_msg_has_payload(msg) &&
        flux_request_unpack(msg, NULL, "{s?b s?s}", "restrict", &restrict_to_binding,
                            "cpus", &cpus) < 0) {
        flux_respond_error(h, msg, errno, NULL);
        return;
    }
    if (cpus && !env_is_sim(env) && same_cpus(cpus)) {
        flux_respond_pack(h, msg, "{s:b}", "same", 1);
        return;
    }
    if ((rc = discover_host(env, restrict_to_binding, &f, &err)) == 0)
        rc = respond_found(h, msg, f);
    if (rc < 0)
        flux_respond_error(h, msg, -rc, err.text[0] ? err.text : NULL);
}

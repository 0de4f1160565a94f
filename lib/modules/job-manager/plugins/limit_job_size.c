/* [policy] limits.job-size.{min,max}.{nnodes,ncores,ngpus}: how small and how large a
 * job may be; -1 is no limit.
 */
#include <stdlib.h>

#include <flux/jobtap.h>

#include "base/cleanup.h"
#include "modules/job-manager/plugins/builtin.h"

struct size {
    int nnodes, ncores, ngpus;
};

struct limits {
    struct size min, max;
    bool any;
};

static const struct size no_limit = {-1, -1, -1};

static bool is_limit(const struct size *s)
{
    return s->nnodes >= 0 || s->ncores >= 0 || s->ngpus >= 0;
}

static int conf_cb(flux_plugin_t *p, const char *topic, flux_plugin_arg_t *args,
                   void *arg)
{
    struct limits *l = arg;
    struct size min = no_limit, max = no_limit;

    if (flux_plugin_arg_unpack(
            args, FLUX_PLUGIN_ARG_IN, "{s?{s?{s?{s?{s?{s?i s?i s?i} s?{s?i s?i s?i}}}}}}",
            "conf", "policy", "limits", "job-size", "min", "nnodes", &min.nnodes,
            "ncores", &min.ncores, "ngpus", &min.ngpus, "max", "nnodes", &max.nnodes,
            "ncores", &max.ncores, "ngpus", &max.ngpus) < 0)
        return flux_jobtap_error(p, args, "policy.limits.job-size: %s",
                                 flux_plugin_arg_strerror(args));
    *l = (struct limits){min, max, is_limit(&min) || is_limit(&max)};
    return 0;
}

static int validate_cb(flux_plugin_t *p, const char *topic, flux_plugin_arg_t *args,
                       void *arg)
{
    const struct limits *l = arg;
    struct size s;

    if (!l->any)
        return 0;
    if (flux_plugin_arg_unpack(args, FLUX_PLUGIN_ARG_IN, "{s:i s:i s:i}", "nnodes",
                               &s.nnodes, "ncores", &s.ncores, "ngpus", &s.ngpus) < 0)
        return flux_jobtap_reject_job(p, args, "%s", flux_plugin_arg_strerror(args));
    const struct {
        const char *name;
        int value, min, max;
    } checks[] = {
        {"nnodes", s.nnodes, l->min.nnodes, l->max.nnodes},
        {"ncores", s.ncores, l->min.ncores, l->max.ncores},
        {"ngpus", s.ngpus, l->min.ngpus, l->max.ngpus},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(checks); i++) {
        if (checks[i].max >= 0 && checks[i].value > checks[i].max)
            return flux_jobtap_reject_job(p, args,
                                          "requested %s (%d) exceeds policy limit of %d",
                                          checks[i].name, checks[i].value, checks[i].max);
        if (checks[i].min >= 0 && checks[i].value < checks[i].min)
            return flux_jobtap_reject_job(p, args,
                                          "requested %s (%d) is below policy limit of %d",
                                          checks[i].name, checks[i].value, checks[i].min);
    }
    return 0;
}

int plugin_limit_job_size(flux_plugin_t *p)
{
    struct limits *l = calloc(1, sizeof(*l));

    if (!l || flux_plugin_aux_set(p, "limits", l, free) < 0) {
        free(l);
        return -1;
    }
    *l = (struct limits){no_limit, no_limit, false};
    if (flux_plugin_add_handler(p, "conf.update", conf_cb, l) < 0)
        return -1;
    return flux_plugin_add_handler(p, "job.validate", validate_cb, l);
}

/* [policy] limits.duration: the longest time limit a job may ask for, a duration
 * ("1h") or seconds. A job without a limit of its own exceeds any.
 */
#include <stdio.h>
#include <stdlib.h>

#include <flux/jobtap.h>

#include "base/fsd.h"
#include "base/json.h"
#include "modules/job-manager/plugins/builtin.h"

struct limit {
    double max; /* 0: none */
};

static int conf_cb(flux_plugin_t *p, const char *topic, flux_plugin_arg_t *args,
                   void *arg)
{
    struct limit *l = arg;
    cJSON *o = NULL;
    double max = 0;

    if (flux_plugin_arg_unpack(args, FLUX_PLUGIN_ARG_IN, "{s?{s?{s?{s?o}}}}", "conf",
                               "policy", "limits", "duration", &o) < 0)
        return flux_jobtap_error(p, args, "policy.limits: %s",
                                 flux_plugin_arg_strerror(args));
    if (o && json_seconds(o, &max) < 0)
        return flux_jobtap_error(p, args, "policy.limits.duration is not a duration");
    l->max = max > 1e15 ? 0 : max;
    return 0;
}

static int validate_cb(flux_plugin_t *p, const char *topic, flux_plugin_arg_t *args,
                       void *arg)
{
    const struct limit *l = arg;
    char text[64];
    double duration;

    if (l->max <= 0)
        return 0;
    /* A change that is asked for, or what the job has. */
    if (flux_plugin_arg_unpack(args, FLUX_PLUGIN_ARG_IN, "{s:{s:f}}", "updates",
                               "attributes.system.duration", &duration) < 0 &&
        flux_plugin_arg_unpack(args, FLUX_PLUGIN_ARG_IN, "{s:f}", "duration", &duration) <
            0)
        return flux_jobtap_reject_job(p, args, "%s", flux_plugin_arg_strerror(args));
    if (duration > 0 && duration <= l->max)
        return 0;
    fsd_format(l->max, text, sizeof(text));
    return flux_jobtap_reject_job(p, args,
                                  "requested duration exceeds policy limit of %s", text);
}

int plugin_limit_duration(flux_plugin_t *p)
{
    struct limit *l = calloc(1, sizeof(*l));

    if (!l || flux_plugin_aux_set(p, "limit", l, free) < 0) {
        free(l);
        return -1;
    }
    if (flux_plugin_add_handler(p, "conf.update", conf_cb, l) < 0)
        return -1;
    return flux_plugin_add_handler(p, "job.validate", validate_cb, l);
}

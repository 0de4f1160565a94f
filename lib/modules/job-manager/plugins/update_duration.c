/* Changing a job's duration: the owner of the instance may set any, others are held to
 * the same limits as a new job.
 */
#include <flux/jobtap.h>

#include "modules/job-manager/plugins/builtin.h"

static int update_cb(flux_plugin_t *p, const char *topic, flux_plugin_arg_t *args,
                     void *arg)
{
    double duration;
    int rolemask = 0;

    if (flux_plugin_arg_unpack(args, FLUX_PLUGIN_ARG_IN, "{s:f}", "value", &duration) < 0)
        return flux_jobtap_error(p, args, "duration is not a number");
    if (!(duration >= 0))
        return flux_jobtap_error(p, args, "duration must not be negative");
    flux_plugin_arg_unpack(args, FLUX_PLUGIN_ARG_IN, "{s:i}", "rolemask", &rolemask);
    if (!(rolemask & FLUX_ROLE_OWNER))
        return 0;
    return flux_plugin_arg_pack(args, FLUX_PLUGIN_ARG_OUT, "{s:b}", "validated", 1);
}

int plugin_update_duration(flux_plugin_t *p)
{
    return flux_plugin_add_handler(p, "job.update.attributes.system.duration", update_cb,
                                   NULL);
}

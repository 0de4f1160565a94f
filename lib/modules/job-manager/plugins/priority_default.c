/* Priority from urgency: 0 (hold) stays 0, which is not scheduled; 31 (expedite) is the
 * highest there is; others are taken as they are. A plug-in loaded later overrides it.
 */
#include <flux/jobtap.h>

#include "modules/job-manager/plugins/builtin.h"

static int priority_cb(flux_plugin_t *p, const char *topic, flux_plugin_arg_t *args,
                       void *arg)
{
    int64_t priority;
    int urgency;

    if (flux_plugin_arg_unpack(args, FLUX_PLUGIN_ARG_IN, "{s:i}", "urgency", &urgency) <
        0)
        return flux_jobtap_error(p, args, "priority: job without urgency");
    priority = urgency == FLUX_JOB_URGENCY_EXPEDITE ? FLUX_JOB_PRIORITY_MAX : urgency;
    return flux_plugin_arg_pack(args, FLUX_PLUGIN_ARG_OUT, "{s:I}", "priority", priority);
}

int plugin_priority_default(flux_plugin_t *p)
{
    return flux_plugin_add_handler(p, "job.priority.get", priority_cb, NULL);
}

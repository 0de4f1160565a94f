/* Table of the plug-ins that are always there. */
#include "modules/job-manager/jobtap_private.h"
#include "modules/job-manager/plugins/builtin.h"

const struct tap_builtin tap_builtins[] = {
    {".priority-default", plugin_priority_default},
    {".limit-job-size", plugin_limit_job_size},
    {".limit-duration", plugin_limit_duration},
    {".validate-duration", plugin_validate_duration},
    {".update-duration", plugin_update_duration},
    {".dependency-after", plugin_dependency_after},
    {".begin-time", plugin_begin_time},
    {NULL, NULL},
};

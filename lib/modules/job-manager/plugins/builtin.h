/* The plug-ins that are always there. Their names begin with a dot: they are not listed
 * unless asked for, and go only when they are named.
 */
#ifndef FLUX_JOB_MANAGER_PLUGINS_BUILTIN_H
#define FLUX_JOB_MANAGER_PLUGINS_BUILTIN_H

#include <flux/plugin.h>

int plugin_priority_default(flux_plugin_t *p);
int plugin_dependency_after(flux_plugin_t *p);
int plugin_begin_time(flux_plugin_t *p);
int plugin_limit_job_size(flux_plugin_t *p);
int plugin_limit_duration(flux_plugin_t *p);
int plugin_validate_duration(flux_plugin_t *p);
int plugin_update_duration(flux_plugin_t *p);

#endif

/* No process outlives its job: children of tasks that became the shell's (it is their
 * subreaper) are known by the mark in their environment and killed when the tasks are
 * gone. One that scrubbed its environment is killed when every job that ran when it was
 * first seen is over.
 */
#ifndef FLUX_SHELL_REAPER_H
#define FLUX_SHELL_REAPER_H

#include <stdbool.h>

struct shell;
struct reaper;

int reaper_new(struct shell *sh, struct reaper **ret);
void reaper_free(struct reaper *r); /* accepts NULL */
/* Look at the orphans; finish the ending jobs that have none. */
void reaper_turn(struct reaper *r);

#endif

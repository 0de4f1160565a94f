/* A folder for the temporary files of each job, FLUX_JOB_TMPDIR. Most jobs leave theirs
 * empty: such a folder serves the next job. One that is not empty is removed with all that
 * is in it.
 */
#ifndef FLUX_SHELL_TMPDIR_H
#define FLUX_SHELL_TMPDIR_H

#include "env/loop.h"

struct tmpdir;
struct tmpdirs;

/* base: a folder, made when it is needed; what an earlier shell left in it goes. */
int tmpdirs_new(struct loop *loop, const char *base, struct tmpdirs **ret);
/* Give the folders back first. Removes all. Accepts NULL. */
void tmpdirs_free(struct tmpdirs *t);

/* One for a job; NULL: there is none to be had. */
struct tmpdir *tmpdir_take(struct tmpdirs *t);
const char *tmpdir_path(const struct tmpdir *d);
/* Make it, if it is not there. Any thread. */
int tmpdir_make(struct tmpdir *d);
/* The job is over. Accepts NULL. */
void tmpdir_give_back(struct tmpdir *d);

#endif

/* The broker's two folders. rundir holds the socket: a new one in TMPDIR, or as given.
 * statedir, when there is one, holds what must survive; it is locked, and it remembers
 * the rundir, so that FLUX_URI stays good over a restart. Both belong to the owner alone.
 */
#ifndef FLUX_BROKER_DIRS_H
#define FLUX_BROKER_DIRS_H

#include <flux/types.h>

#include "env/file.h"

struct dirs {
    struct env *env;
    char *rundir, *statedir;      /* absolute; statedir may be NULL */
    char *socket;                 /* rundir/local-RANK */
    bool rundir_made, rundir_new; /* by us; under a name that nobody knew before */
    bool rundir_old;              /* as the statedir remembers it */
    struct file *lock;
};

struct dirs_options {
    const char *rundir; /* NULL: not given */
    const char *tmpdir; /* NULL: /tmp */
};

/* Find or make the rundir: as given, or a new one. -errno;
 * err names the folder, what is wrong with it, and the way out. On failure nothing is
 * left behind, here and below. */
int dirs_open(struct env *env, const struct dirs_options *opts, struct dirs *d,
              flux_error_t *err);
/* Once the rank is known: make and lock the statedir (NULL: none), which for all ranks but 0
 * is a folder rank-RANK in it; go on in the rundir that it remembers; name the socket. On
 * failure, dirs_close(). */
int dirs_settle(struct dirs *d, unsigned rank, const char *statedir, flux_error_t *err);
/* Unlock; remove the rundir if it was made here, or what a throw-away instance left in
 * it. keep: leave everything where it is. */
void dirs_close(struct dirs *d, bool keep);
/* "DIR/name" in statedir, or in rundir when there is none; yours to free. */
char *dirs_path(const struct dirs *d, const char *name);

#endif

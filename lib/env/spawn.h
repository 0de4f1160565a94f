/* The child's half of proc_spawn(). Private to lib/env. */
#ifndef FLUX_ENV_SPAWN_H
#define FLUX_ENV_SPAWN_H

#include "env/children.h"
#include "env/proc.h"

/* Everything that the child needs, prepared by the parent. The child runs in the
 * parent's memory, so `error` and `where` come back. */
struct spawn {
    const struct proc_spec *spec;
    char *const *envp;
    char **paths;   /* programs to try, NULL-terminated */
    char **sh_argv; /* sh_argv[1] is for the program; for scripts without #! */
    int *sources;   /* working copy of fdmap */
    int error;      /* errno of the child's failure */
    const char *where;
};

/* Start the child and wait until it has exec'd or failed. Returns its pid, or
 * -errno when there is none; the child's failure is in s->error. */
pid_t spawn_child(struct spawn *s, struct birth *birth, int *ret_pidfd);

#endif

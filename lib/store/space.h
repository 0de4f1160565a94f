/* Two small files beside the database: the lock that keeps a second instance out, and
 * the reserve that is given up when the disk is full. Private to lib/store. */
#ifndef FLUX_STORE_SPACE_H
#define FLUX_STORE_SPACE_H

#include <stdbool.h>

#include <flux/types.h>
#include "env/file.h"

struct space {
    struct env *env;
    struct file *lock;
    char *reserve; /* path; NULL: a database that is not in the file system */
};

/* Lock DIR/lock, where DIR is the database's folder. -EWOULDBLOCK: err names the file
 * and the process that holds it. path NULL: nothing to do. */
int space_init(struct space *sp, struct env *env, const char *path, flux_error_t *err);
void space_fini(struct space *sp);
/* Make the reserve unless it is there. -ENOSPC. */
int space_reserve(struct space *sp);
void space_release(struct space *sp);

#endif

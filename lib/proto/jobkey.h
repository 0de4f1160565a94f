/* Keys of jobs in the KVS (RFC 16): "job.0123.4567.89ab.cdef.rest", 16 bits of the id in
 * each name, so that no directory has more than 65,536 entries.
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_PROTO_JOBKEY_H
#define FLUX_PROTO_JOBKEY_H

#include <stdint.h>

#include "base/slice.h"

#define JOBKEY_DIR "job"
#define JOBKEY_GUEST "guest"
#define JOBKEY_GROUPS 4
#define JOBKEY_SIZE 32 /* of the key of a job's directory, with its NUL */

struct jobkey {
    unsigned groups;   /* names of the id that are there: 4, all of it */
    uint64_t id;       /* what is not there is zero */
    struct slice rest; /* behind the id, without the dot before it; len 0: nothing */
};

/* A key in normal form, as it stands behind "job." ("": the directory itself). -ENOENT:
 * it cannot be one of a job. */
int jobkey_parse(struct slice key, struct jobkey *ret);
/* "job.0123.4567.89ab.cdef" */
void jobkey_print(uint64_t id, char text[JOBKEY_SIZE]);
/* The same for a whole key: 1, and *guest is what is behind "job.ID.guest" ("": the
 * directory itself); 0: it is not in there. */
int jobkey_guest(struct slice key, uint64_t *id, struct slice *guest);

/* The name of a job's own namespace: "job-81985529216486895". */
#define JOBKEY_NAMESPACE_SIZE 32
void jobkey_namespace(uint64_t id, char text[JOBKEY_NAMESPACE_SIZE]);
/* -ENOENT: it is no such name. */
int jobkey_namespace_parse(const char *name, uint64_t *id);

#endif

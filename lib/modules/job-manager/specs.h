/* Jobspecs of jobs that are about to start. The texts of a new job are held until
 * they are on disk, and then in a cache of limited size; a job whose jobspec is not
 * there has it read back from the store.
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_JOB_MANAGER_SPECS_H
#define FLUX_JOB_MANAGER_SPECS_H

#include <flux/types.h>

#include "base/buf.h"
#include "base/slice.h"

struct job_manager;
struct specs;

#define SPECS_CACHE_BYTES (4u << 20)

/* A text that several jobs may share, counted. */
struct spec_text {
    struct specs *specs; /* whose account it is on */
    unsigned refs;
    size_t len;
    char data[];
};

/* A job's jobspec without environment, and its environment (NULL: none). */
struct spec {
    unsigned refs;
    struct spec_text *jobspec;
    struct spec_text *env;
};

int specs_new(struct job_manager *jm, struct specs **ret);
void specs_free(struct specs *s);

/* Make one; the environment is shared with recent ones that are equal. env.p may be
 * NULL. */
int spec_new(struct specs *s, struct slice jobspec, struct slice env, struct spec **ret);
struct spec *spec_ref(struct spec *spec);
void spec_unref(struct spec *spec); /* accepts NULL */

/* Keep a job's spec if there is room (takes a reference). Forget it. Look it up:
 * borrowed, NULL when it is not here. */
void specs_keep(struct specs *s, flux_jobid_t id, struct spec *spec);
void specs_forget(struct specs *s, flux_jobid_t id);
struct spec *specs_find(struct specs *s, flux_jobid_t id);

/* Read the specs of n jobs from the store; done is called for each (spec NULL: error
 * says why), then once with id 0. */
typedef void (*specs_done_f)(struct job_manager *jm, flux_jobid_t id, struct spec *spec,
                             int error, void *arg);
int specs_load(struct specs *s, const flux_jobid_t *ids, size_t n, specs_done_f done,
               void *arg);
/* At once, from the cache or the store. The reference is yours. */
int specs_get(struct specs *s, flux_jobid_t id, struct spec **ret);

/* Append the whole jobspec: environment put back, updates (JSON object of dotted keys,
 * or NULL) made. */
int spec_print(const struct spec *spec, const char *updates, bool with_env,
               struct buf *out);

#endif

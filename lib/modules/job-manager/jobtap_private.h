/* Shared by the files of the plug-in host. */
#ifndef FLUX_JOB_MANAGER_JOBTAP_PRIVATE_H
#define FLUX_JOB_MANAGER_JOBTAP_PRIVATE_H

#include <flux/jobtap.h>

#include "base/json.h"
#include "modules/job-manager/jobtap.h"

/* A plug-in that is loaded. */
struct tap {
    struct list link;
    flux_plugin_t *p;
    struct jobtap *host;
    bool builtin;
    struct list services; /* struct tap_service */
};

/* A call under way: the current job, and what its arguments are made of. */
struct tap_call {
    struct jobtap *host;
    struct tap_call *outer;
    struct job *job; /* NULL: it was removed */
    flux_job_state_t prev_state;
    const char *entry; /* line of the event being handled; NULL: none */
    size_t entry_len;
    const cJSON *more; /* further members of the arguments; NULL: none */
    int filled;        /* steps done */
    cJSON *updates;    /* asked for with flux_jobtap_jobspec_update_pack() */
};

struct jobtap {
    struct job_manager *jm;
    struct list taps;
    /* For each topic the plug-ins that handle it, NULL-terminated. */
    flux_plugin_t **callees[JOBTAP_COUNT];
    struct tap_call *call; /* innermost one */
    bool has_event_handlers;
};

struct tap_builtin {
    const char *name;
    flux_plugin_init_f init;
};
/* Table of built-ins, in plugins/builtin.c; a NULL name ends it. */
extern const struct tap_builtin tap_builtins[];

/* The host of a plug-in; the job of an id (FLUX_JOBTAP_CURRENT_JOB too). NULL, errno. */
struct jobtap *jobtap_host(flux_plugin_t *p);
struct job *jobtap_find_job(flux_plugin_t *p, flux_jobid_t id);
struct tap *jobtap_find(struct jobtap *t, flux_plugin_t *p);

/* Arguments made on demand for a call. */
flux_plugin_arg_t *jobtap_args(struct jobtap *t, struct tap_call *call);
int jobtap_fill(flux_plugin_arg_t *args, void *call);
void jobtap_begin(struct jobtap *t, struct tap_call *call);
/* Also posts the updates that were asked for. */
void jobtap_end(struct jobtap *t, struct tap_call *call);
/* All plug-ins with a handler for any topic. -1: one failed. Stops at the first. */
int jobtap_call_topic(struct jobtap *t, const char *topic, flux_plugin_arg_t *args,
                      bool *called);
/* "errstr" of the answer, or a text that names the plug-in. */
void jobtap_reason(flux_plugin_t *p, flux_plugin_arg_t *args, flux_error_t *err);
/* Remove by glob; how many. */
int jobtap_remove(struct jobtap *t, const char *glob);
void jobtap_services_free(struct tap *tap);

#endif

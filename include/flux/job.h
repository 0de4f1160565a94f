/* Jobs: submit, wait, watch, control. */
#ifndef FLUX_JOB_H
#define FLUX_JOB_H

#include <flux/types.h>
#include <flux/future.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FLUX_JOBID_ANY 0xFFFFFFFFFFFFFFFFull

enum job_submit_flags {
    FLUX_JOB_PRE_SIGNED = 1, /* the jobspec argument is a signed request (RFC 39) */
    FLUX_JOB_DEBUG = 2,
    FLUX_JOB_WAITABLE = 4, /* flux_job_wait() may be used on it */
    FLUX_JOB_NOVALIDATE = 8,
};

enum job_urgency {
    FLUX_JOB_URGENCY_MIN = 0,
    FLUX_JOB_URGENCY_HOLD = 0,
    FLUX_JOB_URGENCY_DEFAULT = 16,
    FLUX_JOB_URGENCY_MAX = 31,
    FLUX_JOB_URGENCY_EXPEDITE = 31,
};

#define FLUX_JOB_PRIORITY_MIN 0
#define FLUX_JOB_PRIORITY_MAX 4294967295ll

/* RFC 21 states, as bits. */
typedef enum {
    FLUX_JOB_STATE_NEW = 1,
    FLUX_JOB_STATE_DEPEND = 2,
    FLUX_JOB_STATE_PRIORITY = 4,
    FLUX_JOB_STATE_SCHED = 8,
    FLUX_JOB_STATE_RUN = 16,
    FLUX_JOB_STATE_CLEANUP = 32,
    FLUX_JOB_STATE_INACTIVE = 64,
} flux_job_state_t;

enum {
    FLUX_JOB_STATE_PENDING = 14,
    FLUX_JOB_STATE_RUNNING = 48,
    FLUX_JOB_STATE_ACTIVE = 62,
};
#define FLUX_JOB_NR_STATES 7

typedef enum {
    FLUX_JOB_RESULT_COMPLETED = 1,
    FLUX_JOB_RESULT_FAILED = 2,
    FLUX_JOB_RESULT_CANCELED = 4,
    FLUX_JOB_RESULT_TIMEOUT = 8,
} flux_job_result_t;
#define FLUX_JOB_NR_RESULTS 4

/* Job ids in any RFC 19 form. encode: type is one of "dec", "hex", "f58", "f58plain",
 * "dothex", "kvs", "words", "emoji". 0, or -1 with errno (EINVAL, EPROTO for an unknown type, EOVERFLOW). */
int flux_job_id_parse(const char *s, flux_jobid_t *id);
int flux_job_id_encode(flux_jobid_t id, const char *type, char *buf, size_t bufsz);

/* Names of states and results; fmt "L" long ("SCHED"), "l" lower case, "S" and "s" one
 * letter (results: two). "(unknown)" for others. */
const char *flux_job_statetostr(flux_job_state_t state, const char *fmt);
int flux_job_strtostate(const char *s, flux_job_state_t *state);
const char *flux_job_resulttostr(flux_job_result_t result, const char *fmt);
int flux_job_strtoresult(const char *s, flux_job_result_t *result);

/* Submit a jobspec (JSON text). The future is fulfilled when the job is stored. */
flux_future_t *flux_job_submit(flux_t *h, const char *jobspec, int urgency, int flags);
/* The same with a key of the caller's choice, at most 64 characters: a second request
 * of the same user and key gives the first one's id, so a lost answer can be retried. */
flux_future_t *flux_job_submit_once(flux_t *h, const char *jobspec, int urgency, int flags,
                                    const char *nonce);
int flux_job_submit_get_id(flux_future_t *f, flux_jobid_t *id);

/* Wait for a waitable job, or FLUX_JOBID_ANY. errno of the answer: ECHILD when there is
 * none. errstr is borrowed from the future. */
flux_future_t *flux_job_wait(flux_t *h, flux_jobid_t id);
int flux_job_wait_get_status(flux_future_t *f, bool *success, const char **errstr);
int flux_job_wait_get_id(flux_future_t *f, flux_jobid_t *id);

/* Job records: attrs is a JSON array of names, NULL for all. The answer is
 * {"jobs":[...]} (list: a stream that ends with ENODATA) or {"job":{}}. */
flux_future_t *flux_job_list(flux_t *h, int max_entries, const char *attrs,
                             uint32_t userid, int states);
flux_future_t *flux_job_list_inactive(flux_t *h, int max_entries, double since,
                                      const char *attrs);
flux_future_t *flux_job_list_id(flux_t *h, flux_jobid_t id, const char *attrs);

/* Control. The futures carry no result. */
flux_future_t *flux_job_raise(flux_t *h, flux_jobid_t id, const char *type, int severity,
                              const char *note);
flux_future_t *flux_job_cancel(flux_t *h, flux_jobid_t id, const char *reason);
flux_future_t *flux_job_kill(flux_t *h, flux_jobid_t id, int signum);
flux_future_t *flux_job_set_urgency(flux_t *h, flux_jobid_t id, int urgency);

/* Pieces of a job: key "jobspec", "R", "eventlog", "J". The text is borrowed from the
 * future. */
flux_future_t *flux_job_info_lookup(flux_t *h, flux_jobid_t id, const char *key);
int flux_job_info_lookup_get(flux_future_t *f, const char *key, const char **text);

/* KVS keys of a job: "job.<id>.key"; of its own namespace as others see it
 * "job.<id>.guest.key", which inside a job (FLUX_KVS_NAMESPACE is set) is "key"; and the
 * name of that namespace. key NULL: the directory. The length, or -1 with errno
 * (EOVERFLOW). */
int flux_job_kvs_key(char *buf, int bufsz, flux_jobid_t id, const char *key);
int flux_job_kvs_guest_key(char *buf, int bufsz, flux_jobid_t id, const char *key);
int flux_job_kvs_namespace(char *buf, int bufsz, flux_jobid_t id);

/* Events of a job's log ("eventlog", "guest.exec.eventlog", "guest.output"), past ones
 * first, one a fulfilment: get, then flux_future_reset(). ENODATA ends it. The event is one
 * line of JSON, borrowed. */
enum {
    FLUX_JOB_EVENT_WATCH_WAITCREATE = 1, /* wait for the log to exist */
};
flux_future_t *flux_job_event_watch(flux_t *h, flux_jobid_t id, const char *path, int flags);
int flux_job_event_watch_get(flux_future_t *f, const char **event);
int flux_job_event_watch_cancel(flux_future_t *f);

/* Wait for the end of any job: {"id":I,"result":i,"t_submit":f,"t_run":f,"t_cleanup":f,
 * "waitstatus":i,"exception_occurred":b,"exception_type":s,"exception_severity":i,
 * "exception_note":s}; keys that do not apply are absent. */
flux_future_t *flux_job_result(flux_t *h, flux_jobid_t id, int flags);
int flux_job_result_get(flux_future_t *f, const char **json_str);
int flux_job_result_get_unpack(flux_future_t *f, const char *fmt, ...);

/* Seconds left of the job that this program runs in (FLUX_JOB_ID); INFINITY without a limit. */
int flux_job_timeleft(flux_t *h, flux_error_t *error, double *timeleft);

/* 128 + signal, or the exit code; error says which in words. */
int flux_job_waitstatus_to_exitcode(int waitstatus, flux_error_t *error);

#ifdef __cplusplus
}
#endif
#endif

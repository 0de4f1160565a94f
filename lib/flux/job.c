/* Job ids, names of states and results, keys, exit codes: what needs no instance. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>

#include <flux/core.h>
#include <flux/job.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/jobid.h"

struct name {
    int value;
    const char *text; /* long, upper case */
    const char *abbrev;
};

static const struct name states[] = {
    {FLUX_JOB_STATE_NEW, "NEW", "N"},           {FLUX_JOB_STATE_DEPEND, "DEPEND", "D"},
    {FLUX_JOB_STATE_PRIORITY, "PRIORITY", "P"}, {FLUX_JOB_STATE_SCHED, "SCHED", "S"},
    {FLUX_JOB_STATE_RUN, "RUN", "R"},           {FLUX_JOB_STATE_CLEANUP, "CLEANUP", "C"},
    {FLUX_JOB_STATE_INACTIVE, "INACTIVE", "I"}, {FLUX_JOB_STATE_PENDING, "PENDING", "PD"},
    {FLUX_JOB_STATE_RUNNING, "RUNNING", "RU"},  {FLUX_JOB_STATE_ACTIVE, "ACTIVE", "A"},
};
static const char *const states_lower[] = {"new",     "depend",  "priority", "sched",
                                           "run",     "cleanup", "inactive", "pending",
                                           "running", "active"};
static const char *const states_short_lower[] = {"n", "d", "p",  "s",  "r",
                                                 "c", "i", "pd", "ru", "a"};

static const struct name results[] = {
    {FLUX_JOB_RESULT_COMPLETED, "COMPLETED", "CD"},
    {FLUX_JOB_RESULT_FAILED, "FAILED", "F"},
    {FLUX_JOB_RESULT_CANCELED, "CANCELED", "CA"},
    {FLUX_JOB_RESULT_TIMEOUT, "TIMEOUT", "TO"},
};
static const char *const results_lower[] = {"completed", "failed", "canceled", "timeout"};
static const char *const results_short_lower[] = {"cd", "f", "ca", "to"};

static const char *to_name(const struct name *names, const char *const *lower,
                           const char *const *abbrev_lower, size_t n, int value,
                           const char *fmt)
{
    for (size_t i = 0; i < n; i++) {
        if (names[i].value != value)
            continue;
        switch (fmt ? *fmt : 'L') {
        case 'l':
            return lower[i];
        case 'S':
            return names[i].abbrev;
        case 's':
            return abbrev_lower[i];
        default:
            return names[i].text;
        }
    }
    return fmt && (*fmt == 'S' || *fmt == 's') ? "?" : "(unknown)";
}

static int from_name(const struct name *names, size_t n, const char *s)
{
    for (size_t i = 0; s && i < n; i++) {
        if (!strcasecmp(names[i].text, s) || !strcasecmp(names[i].abbrev, s))
            return names[i].value;
    }
    if (s && names == results && !strcasecmp(s, "cancelled"))
        return FLUX_JOB_RESULT_CANCELED;
    errno = EINVAL;
    return -1;
}

const char *flux_job_statetostr(flux_job_state_t state, const char *fmt)
{
    return to_name(states, states_lower, states_short_lower, ARRAY_SIZE(states), state,
                   fmt);
}

int flux_job_strtostate(const char *s, flux_job_state_t *state)
{
    int v = from_name(states, ARRAY_SIZE(states), s);

    if (v < 0 || !state) {
        errno = EINVAL;
        return -1;
    }
    *state = (flux_job_state_t)v;
    return 0;
}

const char *flux_job_resulttostr(flux_job_result_t result, const char *fmt)
{
    return to_name(results, results_lower, results_short_lower, ARRAY_SIZE(results),
                   result, fmt);
}

int flux_job_strtoresult(const char *s, flux_job_result_t *result)
{
    int v = from_name(results, ARRAY_SIZE(results), s);

    if (v < 0 || !result) {
        errno = EINVAL;
        return -1;
    }
    *result = (flux_job_result_t)v;
    return 0;
}

/* -errno to -1 with errno. */
static int border(int rc)
{
    if (rc < 0) {
        errno = -rc;
        return -1;
    }
    return rc;
}

int flux_job_id_parse(const char *s, flux_jobid_t *id)
{
    return s && id ? border(jobid_parse(s, id, NULL)) : border(-EINVAL);
}

int flux_job_id_encode(flux_jobid_t id, const char *type, char *buf, size_t bufsz)
{
    return buf ? border(jobid_encode(id, type ? type : "dec", buf, bufsz))
               : border(-EINVAL);
}

static int kvs_key(char *buf, int bufsz, flux_jobid_t id, const char *mid,
                   const char *key)
{
    char base[64];
    int n;

    if (!buf || bufsz <= 0)
        return border(-EINVAL);
    n = jobid_encode(id, "kvs", base, sizeof(base));
    if (n < 0)
        return border(n);
    n = snprintf(buf, bufsz, "%s%s%s%s", base, mid, key ? "." : "", key ? key : "");
    return n < bufsz ? n : border(-EOVERFLOW);
}

int flux_job_kvs_key(char *buf, int bufsz, flux_jobid_t id, const char *key)
{
    return kvs_key(buf, bufsz, id, "", key);
}

/* In a job, its namespace is the one that keys without another are looked for in. */
int flux_job_kvs_guest_key(char *buf, int bufsz, flux_jobid_t id, const char *key)
{
    int n;

    if (!getenv("FLUX_KVS_NAMESPACE"))
        return kvs_key(buf, bufsz, id, ".guest", key);
    if (!buf || bufsz <= 0)
        return border(-EINVAL);
    n = snprintf(buf, bufsz, "%s", key ? key : ".");
    return n < bufsz ? n : border(-EOVERFLOW);
}

int flux_job_kvs_namespace(char *buf, int bufsz, flux_jobid_t id)
{
    int n;

    if (!buf || bufsz <= 0)
        return border(-EINVAL);
    n = snprintf(buf, bufsz, "job-%ju", (uintmax_t)id);
    return n < bufsz ? n : border(-EOVERFLOW);
}

int flux_job_waitstatus_to_exitcode(int waitstatus, flux_error_t *error)
{
    if (WIFSIGNALED(waitstatus)) {
        int sig = WTERMSIG(waitstatus);

        error_set(error, 0, "task(s) %s", strsignal(sig));
        return 128 + sig;
    }
    if (WIFEXITED(waitstatus)) {
        int code = WEXITSTATUS(waitstatus);

        if (code > 128 && code < 128 + 65)
            error_set(error, 0, "task(s) %s", strsignal(code - 128));
        else if (code != 0)
            error_set(error, 0, "task(s) exited with exit code %d", code);
        else if (error)
            error->text[0] = '\0';
        return code;
    }
    error_set(error, EINVAL, "unexpected wait status 0x%x", (unsigned)waitstatus);
    errno = EINVAL;
    return -1;
}

/* job-list.job-stats: active jobs by state from the job manager, inactive ones by result
 * from the store.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/core.h>
#include <flux/job.h>

#include "modules/job-list/stats.h"

struct stats {
    struct list link;
    struct job_list *jl;
    const flux_msg_t *msg;
    int64_t states[FLUX_JOB_NR_STATES]; /* by bit number */
    uint64_t results[STORE_NRESULTS];
    int64_t purged;
    flux_future_t *f;
};

static void stats_free(struct stats *s)
{
    list_del(&s->link);
    flux_future_destroy(s->f);
    flux_msg_decref(s->msg);
    free(s);
}

static void answer(struct stats *s)
{
    int64_t inactive = 0, total = 0;
    struct buf b = {0};

    for (int i = 0; i < STORE_NRESULTS; i++)
        inactive += (int64_t)s->results[i];
    s->states[6] = inactive;
    buf_adds(&b, "{\"job_states\":{");
    for (int i = 1; i < FLUX_JOB_NR_STATES; i++) {
        total += s->states[i];
        buf_addf(&b, "\"%s\":%lld,", flux_job_statetostr(1 << i, "l"),
                 (long long)s->states[i]);
    }
    buf_addf(&b, "\"total\":%lld},", (long long)total);
    buf_addf(&b,
             "\"successful\":%llu,\"failed\":%llu,\"canceled\":%llu,\"timeout\":%llu,",
             (unsigned long long)s->results[FLUX_JOB_RESULT_COMPLETED],
             (unsigned long long)s->results[FLUX_JOB_RESULT_FAILED],
             (unsigned long long)s->results[FLUX_JOB_RESULT_CANCELED],
             (unsigned long long)s->results[FLUX_JOB_RESULT_TIMEOUT]);
    buf_addf(&b, "\"inactive_purged\":%lld,\"queues\":[]}", (long long)s->purged);
    flux_respond(s->jl->h, s->msg, b.data);
    buf_free(&b);
}

static int count_results(struct store_reader *reader, void *arg)
{
    struct stats *s = arg;

    return store_reader_results(reader, s->results);
}

static void counted(int rc, void *arg)
{
    struct stats *s = arg;

    if (rc < 0)
        flux_respond_error(s->jl->h, s->msg, -rc, NULL);
    else
        answer(s);
    stats_free(s);
}

static void got_states(flux_future_t *f, void *arg)
{
    struct stats *s = arg;
    const cJSON *states;
    int rc;

    if (flux_rpc_get_unpack(f, "{s:o s?I}", "states", &states, "purged_jobs",
                            &s->purged) == 0) {
        for (int i = 1; i < FLUX_JOB_NR_STATES - 1; i++)
            json_int64(json_get(states, flux_job_statetostr(1 << i, "l")), &s->states[i]);
    }
    rc = s->jl->store ? store_read(s->jl->store, count_results, counted, s) : 0;
    if (rc < 0 || !s->jl->store)
        counted(rc, s);
}

void stats_stop(struct job_list *jl)
{
    list_each(s, &jl->stats, struct stats, link) stats_free(s);
}

void stats_start(struct job_list *jl, const flux_msg_t *msg)
{
    struct stats *s = calloc(1, sizeof(*s));

    if (!s) {
        flux_respond_error(jl->h, msg, ENOMEM, NULL);
        return;
    }
    s->jl = jl;
    list_init(&s->link);
    list_append(&jl->stats, &s->link);
    s->msg = flux_msg_incref(msg);
    s->f = flux_rpc(jl->h, "job-manager.stats-get", NULL, FLUX_NODEID_ANY, 0);
    if (!s->f || flux_future_then(s->f, -1., got_states, s) < 0) {
        flux_respond_error(jl->h, msg, errno, NULL);
        stats_free(s);
    }
}

/* Telling plug-ins of jobs that are purged (job.inactive-remove). These are no more in
 * memory: each is made again from its row for as long as the callbacks run. */
#include <errno.h>
#include <syslog.h>

#include "modules/job-manager/jobtap.h"
#include "modules/job-manager/purge_tell.h"
#include "modules/job-manager/record.h"

static int take_row(const struct store_job *row, void *arg)
{
    return buf_add(arg, row->rec, row->rec_len);
}

int purge_rows_read(struct purge_rows *rows, struct store_reader *r,
                    const flux_jobid_t *ids, size_t n)
{
    int rc = 0;

    rows->text.len = 0;
    for (size_t i = 0; i < n && rc >= 0; i++) {
        rc = store_reader_job(r, ids[i], take_row, &rows->text);
        rc = rc == -ENOENT ? 0 : rc;
        rows->end[i] = rows->text.len;
    }
    return rows->text.failed ? -ENOMEM : rc;
}

void purge_rows_tell(const struct purge_rows *rows, size_t i, struct job_manager *jm,
                     flux_jobid_t id)
{
    size_t start = i > 0 ? rows->end[i - 1] : 0;
    flux_error_t err = {""};
    struct job *job;

    if (rows->end[i] == start)
        return;
    if (record_parse(rows->text.data + start, rows->end[i] - start, jm->strings, &job,
                     &err) < 0) {
        flux_log(jm->h, LOG_ERR, "job %ju: plug-ins are not told of its purge: %s",
                 (uintmax_t)id, err.text);
        return;
    }
    job->ended = true;
    jobtap_call(jm->jobtap, job, JOBTAP_INACTIVE_REMOVE);
    job_free(job, jm->strings);
}

void purge_rows_clear(struct purge_rows *rows)
{
    buf_free(&rows->text);
}

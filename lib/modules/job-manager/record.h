/* A job as a JSON object: as job-list shows it, and as a row of the store keeps it,
 * which has one more key, "x", with what only the job manager needs after a restart.
 */
#ifndef FLUX_JOB_MANAGER_RECORD_H
#define FLUX_JOB_MANAGER_RECORD_H

#include "modules/job-manager/job.h"

#define RECORD_ALL UINT64_MAX

/* Bits for the names in a JSON array; unknown names are left out. RECORD_ALL for NULL
 * and for a list that has "all". */
uint64_t record_mask(const cJSON *attrs);

/* Append the attributes in mask. Failures show in out->failed. */
void record_print(const struct job *job, uint64_t mask, struct buf *out);
/* The row. */
void record_print_row(const struct job *job, struct buf *out);

/* A job from its row; R is read elsewhere. -EPROTO with a reason, -ENOMEM. */
int record_parse(const char *text, size_t len, struct intern *strings, struct job **ret,
                 flux_error_t *err);

#endif

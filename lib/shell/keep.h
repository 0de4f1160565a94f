/* Where the output of jobs on several nodes, or on other nodes than this one, is kept: by
 * the shell of rank 0. The stream of a job stays open until job-exec says that the job is
 * over (UID-shell.output-end); then it is a file like any other.
 */
#ifndef FLUX_SHELL_KEEP_H
#define FLUX_SHELL_KEEP_H

#include "base/list.h"
#include "shell/stream.h"

#include <flux/types.h>
#include <flux/message.h>

struct shell;

struct keep {
    flux_jobid_t id;
    struct stream *stream;
    struct list dirty; /* in shell.dirty_keeps */
};

/* The one of a job, or NULL; the same, opened if need be. ntasks 0, limit 0: not known. */
struct keep *keep_find(const struct shell *sh, flux_jobid_t id);
int keep_need(struct shell *sh, flux_jobid_t id, unsigned ntasks, uint64_t limit,
              struct keep **ret);
/* There will be no more. */
void keep_end(struct shell *sh, flux_jobid_t id);
/* It was written to: flush it at the end of the turn. */
void keep_mark(struct shell *sh, struct keep *k);
void keep_free(void *keep);

/* A request output-put: answered once all of it is in files. */
void keep_put(struct shell *sh, flux_t *h, const flux_msg_t *msg);
/* At the end of a turn: flush, and answer. */
void keep_turn(struct shell *sh);

#endif

/* What the shell must not forget when it dies: which jobs it began, the processes of
 * their tasks, and how they ended. A text file of one record a line:
 *
 *   J 1 UUID                         header; UUID marks the processes of this shell's jobs
 *   k BOOT                           a shell opened it while the kernel BOOT ran
 *   b ID                             began: written before the first task is spawned
 *   t ID RANK PID START              a task that has lived for a while
 *   x ID SEVERITY TYPE NOTE...       an exception
 *   e ID STATUS UTIME STIME MAXRSS   ended (wait status, seconds, seconds, KiB)
 *   a ID                             the end was acknowledged: the job can be forgotten
 *
 * Records are collected and written once a turn of the loop. A last line that was torn
 * by a crash is ignored. One process at a time holds the journal, by a lock beside it.
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_SHELL_JOURNAL_H
#define FLUX_SHELL_JOURNAL_H

#include <flux/types.h>

#include "base/map.h"
#include "env/file.h"

struct journal;

struct journal_task {
    unsigned rank;
    pid_t pid;
    uint64_t start; /* as proc_start_time() */
};

struct journal_end {
    int status;
    double utime, stime; /* seconds */
    long maxrss;         /* KiB */
};

/* What a journal says of one job. */
struct journal_job {
    flux_jobid_t id;
    struct journal_task *tasks;
    unsigned ntasks;
    bool ended;
    struct journal_end end; /* when ended */
    int severity;           /* of the exception */
    char *type, *note;      /* NULL: there was none */
};

struct journal_log {
    char uuid[37];     /* "" when the header is missing */
    char boot[37];     /* the last one; tasks of earlier ones are left out */
    struct umap *jobs; /* id -> struct journal_job, acknowledged ones left out */
};

/* Pure: read a journal's text. Lines that make no sense are skipped. -ENOMEM. */
int journal_parse(const char *text, size_t len, struct journal_log *ret);
void journal_log_clear(struct journal_log *log);

/* Open dir/journal (both are made when missing), lock it, and read what an earlier
 * shell left. -EBUSY: another one holds it. Free *ret_log with journal_log_clear(). */
int journal_open(struct env *env, const char *dir, struct journal **ret,
                 struct journal_log *ret_log);
void journal_close(struct journal *j); /* flushes; accepts NULL */
const char *journal_uuid(const struct journal *j);

/* Records, written by the next journal_flush(). */
void journal_begin(struct journal *j, flux_jobid_t id);
void journal_task(struct journal *j, flux_jobid_t id, const struct journal_task *t);
void journal_exception(struct journal *j, flux_jobid_t id, int severity, const char *type,
                       const char *note);
void journal_end(struct journal *j, flux_jobid_t id, const struct journal_end *end);
void journal_ack(struct journal *j, flux_jobid_t id);
int journal_flush(struct journal *j);

/* Has the file grown enough to be worth rewriting? idle: no job runs. */
bool journal_is_large(const struct journal *j, bool idle);
/* Replace the file by a header and the records that fn adds. */
int journal_rewrite(struct journal *j, void (*fn)(struct journal *j, void *arg),
                    void *arg);

#endif

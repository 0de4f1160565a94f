/* The shell's journal: see journal.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "shell/journal.h"

#define MAX_BYTES (1u << 30)
#define LARGE_IDLE (64 << 10)
#define LARGE_BUSY (8 << 20)

struct journal {
    struct env *env;
    struct file *lock, *file;
    char *path;
    char uuid[37];
    char boot[37];
    struct buf pending;
    off_t size;
};

/* -- reading -- */

static void job_free(void *arg)
{
    struct journal_job *job = arg;
    free(job->tasks);
    free(job->type);
    free(job->note);
    free(job);
}

static int add_task(struct journal_job *job, const struct journal_task *t)
{
    struct journal_task *tasks =
        realloc(job->tasks, (job->ntasks + 1) * sizeof(*job->tasks));
    if (!tasks)
        return -ENOMEM;
    job->tasks = tasks;
    job->tasks[job->ntasks++] = *t;
    return 0;
}

static int parse_begin(struct umap *jobs, flux_jobid_t id)
{
    if (umap_get(jobs, id))
        return 0;
    struct journal_job *job = calloc(1, sizeof(*job));
    if (!job)
        return -ENOMEM;
    job->id = id;
    int rc = umap_add(jobs, id, job);
    if (rc < 0)
        job_free(job);
    return rc;
}

static int parse_task(struct journal_job *job, const char *rest)
{
    struct journal_task t = {0};
    int pid;
    if (sscanf(rest, "%u %d %" SCNu64, &t.rank, &pid, &t.start) != 3 || pid <= 1)
        return 0;
    t.pid = pid;
    return add_task(job, &t);
}

static int parse_exception(struct journal_job *job, const char *rest)
{
    int severity, used = 0;
    char type[64];
    if (sscanf(rest, "%d %63s %n", &severity, type, &used) != 2 || used == 0)
        return 0;
    char *t = strdup(type), *n = strdup(rest + used);
    if (!t || !n) {
        free(t);
        free(n);
        return -ENOMEM;
    }
    free(job->type);
    free(job->note);
    job->severity = severity;
    job->type = t;
    job->note = n;
    return 0;
}

static void parse_end(struct journal_job *job, const char *rest)
{
    struct journal_end e;
    if (sscanf(rest, "%d %lf %lf %ld", &e.status, &e.utime, &e.stime, &e.maxrss) != 4)
        return;
    job->ended = true;
    job->end = e;
}

/* Process numbers mean nothing after a boot. */
static void parse_boot(struct journal_log *log, const char *rest)
{
    char boot[37] = "";
    size_t it = 0;
    uint64_t id;
    void *job;
    sscanf(rest, " %36s", boot);
    if (strcmp(boot, log->boot) != 0)
        while (umap_next(log->jobs, &it, &id, &job))
            ((struct journal_job *)job)->ntasks = 0;
    memcpy(log->boot, boot, sizeof(boot));
}

static int parse_line(struct journal_log *log, char *line)
{
    flux_jobid_t id;
    int used = 0;
    if (line[0] == 'J') {
        sscanf(line, "J 1 %36s", log->uuid);
        return 0;
    }
    if (line[0] == 'k') {
        parse_boot(log, line + 1);
        return 0;
    }
    if (sscanf(line + 1, " %" SCNu64 "%n", &id, &used) != 1)
        return 0;
    if (line[0] == 'b')
        return parse_begin(log->jobs, id);
    struct journal_job *job = umap_get(log->jobs, id);
    const char *rest = line + 1 + used;
    if (!job)
        return 0;
    switch (line[0]) {
    case 't':
        return parse_task(job, rest);
    case 'x':
        return parse_exception(job, rest);
    case 'e':
        parse_end(job, rest);
        return 0;
    case 'a':
        umap_del(log->jobs, id);
        return 0;
    }
    return 0;
}

int journal_parse(const char *text, size_t len, struct journal_log *ret)
{
    struct journal_log log = {.jobs = umap_new(job_free)};
    if (!log.jobs)
        return -ENOMEM;
    int rc = 0;
    const char *end = text + len, *nl;
    while (rc == 0 && text < end && (nl = memchr(text, '\n', (size_t)(end - text)))) {
        AUTOFREE char *line = strndup(text, (size_t)(nl - text));
        rc = line ? (*line ? parse_line(&log, line) : 0) : -ENOMEM;
        text = nl + 1;
    }
    if (rc < 0) {
        journal_log_clear(&log);
        return rc;
    }
    *ret = log;
    return 0;
}

void journal_log_clear(struct journal_log *log)
{
    umap_free(log->jobs);
    log->jobs = NULL;
}

/* -- writing -- */

static void header_write(struct journal *j)
{
    buf_addf(&j->pending, "J 1 %s\n", j->uuid);
    if (j->boot[0])
        buf_addf(&j->pending, "k %s\n", j->boot);
}

void journal_begin(struct journal *j, flux_jobid_t id)
{
    buf_addf(&j->pending, "b %" PRIu64 "\n", id);
}

void journal_task(struct journal *j, flux_jobid_t id, const struct journal_task *t)
{
    buf_addf(&j->pending, "t %" PRIu64 " %u %d %" PRIu64 "\n", id, t->rank, (int)t->pid,
             t->start);
}

void journal_exception(struct journal *j, flux_jobid_t id, int severity, const char *type,
                       const char *note)
{
    buf_addf(&j->pending, "x %" PRIu64 " %d %s ", id, severity, type);
    for (; *note; note++)
        buf_addc(&j->pending, *note == '\n' ? ' ' : *note);
    buf_addc(&j->pending, '\n');
}

void journal_end(struct journal *j, flux_jobid_t id, const struct journal_end *end)
{
    buf_addf(&j->pending, "e %" PRIu64 " %d %.6f %.6f %ld\n", id, end->status, end->utime,
             end->stime, end->maxrss);
}

void journal_ack(struct journal *j, flux_jobid_t id)
{
    buf_addf(&j->pending, "a %" PRIu64 "\n", id);
}

int journal_flush(struct journal *j)
{
    if (j->pending.len == 0)
        return 0;
    int rc = j->pending.failed ? -ENOMEM
                               : file_append(j->file, j->pending.data, j->pending.len);
    if (rc < 0)
        return rc; /* kept: the next turn tries again */
    j->size += (off_t)j->pending.len;
    j->pending.len = 0;
    return 0;
}

bool journal_is_large(const struct journal *j, bool idle)
{
    return j->size > (idle ? LARGE_IDLE : LARGE_BUSY);
}

static int reopen(struct journal *j)
{
    struct file *f;
    int rc = file_open(j->env, j->path, O_RDWR | O_CREAT | O_APPEND, 0600, &f);
    if (rc < 0)
        return rc;
    file_close(j->file);
    j->file = f;
    j->size = file_size(f);
    return 0;
}

int journal_rewrite(struct journal *j, void (*fn)(struct journal *j, void *arg),
                    void *arg)
{
    int rc = journal_flush(j);
    if (rc < 0)
        return rc;
    header_write(j);
    fn(j, arg);
    rc = j->pending.failed
             ? -ENOMEM
             : file_replace(j->env, j->path, j->pending.data, j->pending.len, 0600);
    j->pending.len = 0;
    return rc < 0 ? rc : reopen(j);
}

/* -- opening -- */

static int lock_dir(struct journal *j, const char *dir)
{
    AUTOFREE char *path = NULL;
    int rc = dir_make(j->env, dir, 0700);
    if (rc < 0 && rc != -EEXIST)
        return rc;
    if (asprintf(&path, "%s/lock", dir) < 0 || asprintf(&j->path, "%s/journal", dir) < 0)
        return -ENOMEM;
    rc = file_open(j->env, path, O_RDWR | O_CREAT, 0600, &j->lock);
    if (rc < 0)
        return rc;
    rc = file_lock(j->lock);
    return rc == -EWOULDBLOCK ? -EBUSY : rc;
}

static int read_log(struct journal *j, struct journal_log *log)
{
    AUTOFREE char *text = NULL;
    size_t len = 0;
    int rc = file_read(j->env, j->path, MAX_BYTES, &text, &len);
    if (rc < 0 && rc != -ENOENT)
        return rc;
    return journal_parse(rc < 0 ? "" : text, len, log);
}

static void read_boot(struct journal *j)
{
    AUTOFREE char *text = NULL;
    size_t len;
    if (file_read(j->env, "/proc/sys/kernel/random/boot_id", 100, &text, &len) == 0)
        sscanf(text, "%36s", j->boot);
}

/* The header; as if in the old text, so that tasks of an earlier boot go. */
static int begin(struct journal *j, struct journal_log *log)
{
    read_boot(j);
    parse_boot(log, j->boot);
    if (!log->uuid[0])
        env_uuid(j->env, log->uuid);
    memcpy(j->uuid, log->uuid, sizeof(j->uuid));
    /* A newline first: a torn last line must not swallow ours. */
    if (j->size > 0)
        buf_addc(&j->pending, '\n');
    header_write(j);
    return journal_flush(j);
}

int journal_open(struct env *env, const char *dir, struct journal **ret,
                 struct journal_log *ret_log)
{
    struct journal_log log = {0};
    struct journal *j = calloc(1, sizeof(*j));
    if (!j)
        return -ENOMEM;
    j->env = env_ref(env);
    int rc = lock_dir(j, dir);
    if (rc == 0)
        rc = read_log(j, &log);
    if (rc == 0)
        rc = reopen(j);
    if (rc == 0)
        rc = begin(j, &log);
    if (rc < 0) {
        journal_log_clear(&log);
        j->pending.len = 0;
        journal_close(j);
        return rc;
    }
    *ret = j;
    *ret_log = log;
    return 0;
}

void journal_close(struct journal *j)
{
    if (!j)
        return;
    if (j->file)
        (void)journal_flush(j);
    file_close(j->file);
    file_close(j->lock);
    buf_free(&j->pending);
    free(j->path);
    env_unref(j->env);
    free(j);
}

const char *journal_uuid(const struct journal *j)
{
    return j->uuid;
}

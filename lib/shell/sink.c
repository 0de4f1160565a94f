/* Where the output of a job on this node goes: see sink.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "shell/segment.h"
#include "shell/shell_private.h"
#include "shell/sink.h"

#define BUFFER_MAX (8 << 20)               /* bytes that may wait to be taken */
#define RESTORED_LIMIT ((uint64_t)1 << 30) /* the keeper knows better */

/* -- passing on -- */

/* "ID.NODE", the job's stream, or "ID.NODE.LEADER", what shared files get. */
struct spool {
    flux_jobid_t id;
    unsigned node, leader;
    bool files;
};

static char *spool_path(const struct shell *sh, const struct spool *s)
{
    char *path;
    int n = s->files
                ? asprintf(&path, "%s/%" PRIu64 ".%u.%u", sh->output_dir, s->id, s->node,
                           s->leader)
                : asprintf(&path, "%s/%" PRIu64 ".%u", sh->output_dir, s->id, s->node);
    return n < 0 ? NULL : path;
}

static void pause_tasks(struct job *job, bool pause)
{
    if (job->paused == pause)
        return;
    job->paused = pause;
    for (unsigned i = 0; i < job->ntasks; i++)
        for (int which = 0; which < 2; which++)
            if (job->tasks[i].capture[which])
                capture_pause(job->tasks[i].capture[which], pause);
}

static bool is_full(const struct stream *s)
{
    return s && stream_size(s) >= BUFFER_MAX;
}

static void on_drained(void *arg)
{
    struct job *job = arg;
    if (!is_full(job->to_keeper ? job->stream : NULL) && !is_full(job->files))
        pause_tasks(job, false);
    if (job->state == JOB_DONE && !sink_is_draining(job))
        job_told(job);
}

static int make_forward(struct job *job, const struct spool *s, struct stream *stream,
                        unsigned ntasks, uint64_t limit, struct forward **ret)
{
    struct forward_conf conf = {
        .rank = s->files ? s->leader : 0,
        .head = {.id = job->id,
                 .kind = s->files ? BLOCK_FILES : BLOCK_STREAM,
                 .node = s->node,
                 .ntasks = ntasks,
                 .limit = limit},
        .stream = stream,
        .drained = on_drained,
        .arg = job,
    };
    return forward_new(job->sh, &conf, ret);
}

/* -- making -- */

static int open_spool(struct job *job, bool files, struct stream **stream,
                      struct forward **forward)
{
    const struct plan *p = job->plan;
    struct spool s = {
        .id = job->id, .node = p->node, .leader = p->leader, .files = files};
    AUTOFREE char *path = spool_path(job->sh, &s);
    if (!path)
        return -ENOMEM;
    int rc = stream_new(job->sh->env, path, p->ntasks, p->output_limit, stream);
    return rc < 0 ? rc
                  : make_forward(job, &s, *stream, p->ntasks, p->output_limit, forward);
}

static int open_kept(struct job *job)
{
    struct keep *k;
    int rc = keep_need(job->sh, job->id, job->plan->ntasks, job->plan->output_limit, &k);
    if (rc == 0)
        job->stream = stream_ref(k->stream);
    return rc;
}

static int open_own(struct job *job)
{
    AUTOFREE char *path = shell_output_path(job->sh, job->id);
    return path ? stream_new(job->sh->env, path, job->plan->ntasks,
                             job->plan->output_limit, &job->stream)
                : -ENOMEM;
}

int sink_open(struct job *job)
{
    const struct plan *p = job->plan;
    int rc = job->sh->rank != 0 ? open_spool(job, false, &job->stream, &job->to_keeper)
             : p->layout.nnodes > 1 ? open_kept(job)
                                    : open_own(job);
    if (rc == 0 && (plan_is_leaders(p, 0) || plan_is_leaders(p, 1)))
        rc = open_spool(job, true, &job->files, &job->to_leader);
    return rc;
}

void sink_free(struct job *job)
{
    forward_free(job->to_keeper);
    forward_free(job->to_leader);
    job->to_keeper = job->to_leader = NULL;
    stream_unref(job->stream);
    stream_unref(job->files);
    job->stream = job->files = NULL;
    free(job->files_next);
    job->files_next = NULL;
}

/* -- after the death of a shell -- */

static bool parse_spool(const char *name, struct spool *s)
{
    int used = 0, all = (int)strlen(name);
    *s = (struct spool){0};
    if (sscanf(name, "%" SCNu64 ".%u%n", &s->id, &s->node, &used) != 2 || used == 0)
        return false;
    if (used == all)
        return true;
    s->files = sscanf(name + used, ".%u%n", &s->leader, &all) == 1;
    return s->files && name[used + all] == '\0';
}

static int restore_spool(struct job *job, const struct spool *s, const char *path)
{
    struct stream **stream = s->files ? &job->files : &job->stream;
    struct forward **forward = s->files ? &job->to_leader : &job->to_keeper;
    int rc = stream_resume(job->sh->env, path, 1, RESTORED_LIMIT, stream);
    if (rc == 0)
        rc = make_forward(job, s, *stream, stream_ntasks(*stream), RESTORED_LIMIT,
                          forward);
    if (rc == 0)
        forward_poke(*forward);
    return rc;
}

/* What no job needs any more goes. */
static int look_at(const char *name, void *arg)
{
    struct shell *sh = arg;
    struct spool s;
    if (!parse_spool(name, &s))
        return 0;
    AUTOFREE char *path = spool_path(sh, &s);
    struct job *job = shell_job(sh, s.id);
    if (!path)
        return -ENOMEM;
    if (job)
        return restore_spool(job, &s, path);
    (void)file_unlink(sh->env, path);
    return 0;
}

int sink_restore(struct shell *sh)
{
    return dir_each(sh->env, sh->output_dir, look_at, sh);
}

/* -- writing -- */

static void mark_dirty(struct job *job)
{
    if (list_empty(&job->dirty) &&
        (stream_is_dirty(job->stream) || (job->files && stream_is_dirty(job->files))))
        list_append(&job->sh->dirty, &job->dirty);
}

void sink_put(struct task *t, int which, const char *data, size_t len)
{
    struct job *job = t->job;
    if (job->files && plan_is_leaders(job->plan, which))
        stream_data(job->files, t->rank, (unsigned)which, data, len);
    else
        output_put(job->output, job->stream, t->index, which, data, len);
    mark_dirty(job);
}

void sink_flush(struct job *job)
{
    stream_flush(job->stream);
    if (job->files)
        stream_flush(job->files);
    if (job->to_keeper)
        forward_poke(job->to_keeper);
    if (job->to_leader)
        forward_poke(job->to_leader);
    if (is_full(job->to_keeper ? job->stream : NULL) || is_full(job->files))
        pause_tasks(job, true);
}

bool sink_is_draining(const struct job *job)
{
    return (job->to_keeper && !forward_is_drained(job->to_keeper)) ||
           (job->to_leader && !forward_is_drained(job->to_leader));
}

/* A segment file is opened again for readers to come; only a stream without one is kept,
 * for the redirections it tells of. */
static void end_own(struct job *job)
{
    stream_end(job->stream);
    if (stream_is_kept(job->stream)) {
        stream_unref(job->stream);
        job->stream = NULL;
    }
}

void sink_end(struct job *job)
{
    if (!job->stream)
        return;
    list_del(&job->dirty);
    if (job->to_keeper || job->to_leader || keep_find(job->sh, job->id))
        sink_flush(job);
    else
        end_own(job);
}

void sink_give_up_files(struct job *job)
{
    if (job->to_leader)
        forward_give_up(job->to_leader);
}

/* -- the leader -- */

static int write_records(struct job *job, const struct block *b)
{
    struct segment_record r;
    size_t need, pos = 0;
    for (uint64_t seq = b->seq; pos < b->len; seq++) {
        ssize_t n = segment_read(b->records + pos, b->len - pos, &r, &need);
        if (n <= 0)
            return -EPROTO;
        if (seq >= job->files_next[b->node]) {
            job->files_next[b->node] = seq + 1;
            if (r.kind == SEGMENT_DATA && r.stream < 2)
                output_write(job->output, r.rank, r.stream, r.data, r.len);
        }
        pos += (size_t)n;
    }
    return 0;
}

int sink_put_files(struct job *job, const struct block *b)
{
    if (job->state < JOB_RUNNING)
        return -EAGAIN;
    if (!job->output)
        return 0; /* it failed, or a dead shell had it: the job is at its end */
    if (b->node >= job->plan->layout.nnodes)
        return -EPROTO;
    if (!job->files_next)
        job->files_next = calloc(job->plan->layout.nnodes, sizeof(*job->files_next));
    return job->files_next ? write_records(job, b) : -ENOMEM;
}

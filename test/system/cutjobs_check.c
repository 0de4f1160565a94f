/* What a power cut left of the jobs, see cutjobs.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "cutjobs.h"
#include "powercut.h"
#include "rfc21.h"

struct found {
    int state;
    bool row;
    char name[32];
};

static int read_row(const struct store_job *job, void *arg)
{
    struct found *f = arg;

    f->row = true;
    f->state = job->state;
    snprintf(f->name, sizeof(f->name), "%s", job->name ? job->name : "");
    return 0;
}

struct pieces {
    struct buf text;
    uint64_t next; /* number of the next event */
    bool counted, gap;
};

static int join(uint64_t seq, const void *data, size_t len, void *arg)
{
    struct pieces *p = arg;

    p->gap |= seq != p->next;
    if (p->counted)
        for (size_t i = 0; i < len; i++)
            p->next += ((const char *)data)[i] == '\n';
    else
        p->next++;
    return buf_add(&p->text, data, len);
}

/* A job's data under a key (yours); NULL: none. */
static char *read_key(struct cutrun *r, struct store_reader *reader, flux_jobid_t id,
                      const char *key)
{
    struct pieces p = {.counted = strcmp(key, "eventlog") == 0};
    int rc = store_reader_jobdata(reader, id, key, join, &p);

    if (rc < 0 && rc != -ENOENT)
        cutrun_corrupt(r, id, "%s cannot be read", key);
    if (p.gap)
        cutrun_corrupt(r, id, "a piece of %s is missing", key);
    if (rc < 0) {
        buf_free(&p.text);
        return NULL;
    }
    buf_adds(&p.text, "");
    return buf_take(&p.text, NULL);
}

static void check_json(struct cutrun *r, struct store_reader *reader, flux_jobid_t id,
                       const char *key, cJSON *want)
{
    AUTOFREE char *text = read_key(r, reader, id, key);
    cJSON *o = NULL;

    if (!text)
        cutrun_corrupt(r, id, "has no %s", key);
    else if (json_parse(text, strlen(text), NULL, &o, NULL) < 0)
        cutrun_corrupt(r, id, "%s is not JSON: %.100s", key, text);
    else if (want && !cJSON_Compare(o, want, true))
        cutrun_corrupt(r, id, "%s is not what was submitted: %.200s", key, text);
    json_free(o);
    json_free(want);
}

/* Every event that a watcher saw is in the log, where it was. */
static void check_visible(struct cutrun *r, flux_jobid_t id, const char *log)
{
    struct cutjobs_job *job = &r->jobs[id];
    const char *line = log;

    for (size_t i = 0; i < job->nevents; i++) {
        size_t len = strcspn(line, "\n");

        if (job->events[i] && !*line)
            cutrun_lost(r, id, "lost event %.100s", job->events[i]);
        else if (job->events[i] && (strlen(job->events[i]) != len ||
                                    memcmp(job->events[i], line, len) != 0))
            cutrun_corrupt(r, id, "event %zu was %.100s", i, job->events[i]);
        line += len + (line[len] == '\n');
    }
}

static void check_log(struct cutrun *r, struct store_reader *reader, flux_jobid_t id,
                      const struct found *f)
{
    AUTOFREE char *log = read_key(r, reader, id, "eventlog");
    struct task *task = world_task(r->w, id);
    struct rfc21 rules;

    if (!log || rfc21_check(log, strlen(log), &rules) < 0 || rules.nevents == 0) {
        cutrun_corrupt(r, id, "log: %s", log ? rules.why : "none");
        return;
    }
    if (rules.state != f->state)
        cutrun_corrupt(r, id, "row says state %d, log %d", f->state, rules.state);
    check_visible(r, id, log);
    if (r->jobs[id].cancelled && !strstr(log, "\"type\":\"cancel\""))
        cutrun_lost(r, id, "the cancel is not there");
    if (task && task->acked && !rules.finished)
        cutrun_lost(r, id, "the finish that was taken is not there");
    if (r->jobs[id].ran && !strstr(log, "\"alloc\""))
        cutrun_lost(r, id, "it ran, but there is no alloc");
    r->jobs[id].started = rules.started;
    if (strstr(log, "\"alloc\""))
        check_json(r, reader, id, "R", NULL);
}

/* Whose job is it? */
static void check_owner(struct cutrun *r, flux_jobid_t id, const struct found *f)
{
    struct cutjobs_job *job = &r->jobs[id];
    struct cutjobs_sub *s;
    long k = -1;

    if (sscanf(f->name, "n%ld", &k) != 1 || k < 0 || k >= r->nsubs) {
        cutrun_corrupt(r, id, "a job that nobody submitted: %s", f->name);
        return;
    }
    s = &r->subs[k];
    if (job->sub && job->sub != k + 1)
        cutrun_corrupt(r, id, "was submission %ld, is %ld", job->sub - 1, k);
    if (s->id && s->id != id)
        cutrun_corrupt(r, id, "submission %ld is job %ju, too", k, (uintmax_t)s->id);
    if (s->refused)
        cutrun_corrupt(r, id, "submission %ld was refused, and is there", k);
    job->sub = k + 1;
    s->id = id;
}

static void check_gone(struct cutrun *r, flux_jobid_t id)
{
    struct cutjobs_job *job = &r->jobs[id];
    struct cutjobs_sub *s = job->sub ? &r->subs[job->sub - 1] : NULL;

    if (job->purging) {
        job->purged = true;
        return;
    }
    if ((s && s->acked) || job->nevents > 0 || job->ran)
        cutrun_lost(r, id, "it is lost");
}

static void check_job(struct cutrun *r, struct store_reader *reader, flux_jobid_t id)
{
    struct found f = {0};
    int rc = store_reader_job(reader, id, read_row, &f);

    if (rc < 0 && rc != -ENOENT)
        cutrun_corrupt(r, id, "its row cannot be read");
    if (!f.row) {
        AUTOFREE char *log = read_key(r, reader, id, "eventlog");

        if (log)
            cutrun_corrupt(r, id, "has a log, but no row");
        check_gone(r, id);
        return;
    }
    if (r->jobs[id].purged)
        cutrun_corrupt(r, id, "was removed, and is back");
    if (r->max_id < id)
        r->max_id = id;
    check_owner(r, id, &f);
    if (!r->jobs[id].sub)
        return;
    check_json(r, reader, id, "jobspec", cutrun_jobspec(r->jobs[id].sub - 1));
    check_json(r, reader, id, "env", cutrun_env(r->jobs[id].sub - 1));
    check_log(r, reader, id, &f);
}

static int check_jobs(struct store_reader *reader, void *arg)
{
    struct cutrun *r = arg;
    uint64_t active, inactive, max_id = 0;
    int rc = store_reader_stats(reader, &active, &inactive, &max_id);

    if (rc < 0)
        return rc;
    if (max_id < r->max_id)
        max_id = r->max_id;
    for (flux_jobid_t id = 1; id <= max_id && id < CUTJOBS_MAX; id++)
        check_job(r, reader, id);
    /* A removal that did not get through may be tried again. */
    for (flux_jobid_t id = 1; id <= r->max_id; id++)
        r->jobs[id].purging = r->jobs[id].purged;
    return 0;
}

void cutrun_check(struct cutrun *r)
{
    const char *why;

    if (store_read_now(r->w->store, check_jobs, r) < 0)
        cutrun_corrupt(r, 0, "the store cannot be read");
    if ((why = powercut_check_file(r->vfs)))
        cutrun_corrupt(r, 0, "%s", why);
}

/* What the hello of a flux-shell tells: the jobs that it has. Those that we do not know
 * are strays: of an earlier job-exec, whose job manager will hand them over in a moment,
 * or long over for everybody else. The job manager is asked; it answers the latter with
 * an ack, and they are ended.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "modules/job-exec/part.h"
#include "modules/job-exec/relay.h"
#include "modules/job-exec/shellctl_private.h"

struct stray {
    bool finished; /* the shell said so */
    bool doomed;   /* it is over for the job manager */
};

/* -- strays -- */

static void report_stray(struct shellctl *s, flux_jobid_t id)
{
    exec_report(s->x, id, "stray", SLICE_NONE);
}

static struct stray *add_stray(struct shellctl *s, flux_jobid_t id)
{
    struct stray *stray = s->strays ? umap_get(s->strays, id) : NULL;
    if (stray)
        return stray;
    if (!s->strays)
        s->strays = umap_new(free);
    stray = calloc(1, sizeof(*stray));
    if (!s->strays || !stray || umap_add(s->strays, id, stray) < 0) {
        free(stray);
        return NULL;
    }
    report_stray(s, id);
    return stray;
}

void shellctl_drop_stray(struct shellctl *s, flux_jobid_t id)
{
    if (!s->strays)
        return;
    umap_del(s->strays, id);
    if (umap_count(s->strays) > 0)
        return;
    umap_free(s->strays);
    s->strays = NULL;
}

/* A doomed one goes when it has finished. */
static void end_stray(struct shellctl *s, flux_jobid_t id, struct stray *stray)
{
    if (!stray->finished) {
        shellctl_cancel(s, id);
        return;
    }
    shellctl_ack(s, id);
    shellctl_drop_stray(s, id);
}

void shellctl_stray_result(struct shellctl *s, flux_jobid_t id, bool finished)
{
    struct stray *stray = add_stray(s, id);
    if (!stray || !finished)
        return;
    stray->finished = true;
    if (stray->doomed)
        end_stray(s, id, stray);
}

void shellctl_ack_stray(struct shellctl *s, flux_jobid_t id)
{
    struct stray *stray = s->strays ? umap_get(s->strays, id) : NULL;
    if (!stray)
        return;
    stray->doomed = true;
    end_stray(s, id, stray);
}

void shellctl_report_strays(struct shellctl *s)
{
    uint64_t id;
    for (size_t it = 0; s->strays && umap_next(s->strays, &it, &id, NULL);)
        report_stray(s, id);
}

/* -- jobs -- */

void shellctl_take_ntasks(struct exec_job *job, struct slice o)
{
    struct slice v;
    int64_t n;
    if (o.p && slice_get(o, "ntasks", &v) == 0 && slice_int(v, &n) == 0)
        job->ntasks = (unsigned)n;
}

/* What it says of a part. It may have ended for us while the shell could not be reached. */
static void hello_part(struct exec_part *p, struct slice state, struct slice o)
{
    struct shellctl *s = p->shell;
    struct slice data;
    bool finished = slice_is(state, "finished");
    if (p->state == PART_FINISHED) {
        if (!finished)
            shellctl_cancel(s, p->job->id);
        return;
    }
    if (p->state == PART_WAITING) {
        list_del(&p->link);
        list_append(&s->told, &p->link);
        p->state = PART_SENT;
    }
    shellctl_take_ntasks(p->job, o);
    if (!slice_is(state, "starting"))
        part_started(p, p->was_running);
    if (slice_get(o, "exception", &data) == 0)
        part_exception(p, data);
    if (slice_get(o, "exit-timeout", &data) == 0)
        part_exited(p, o);
    if (finished && slice_get(o, "data", &data) == 0)
        part_finished(p, data);
    else if (p->job->doomed)
        shellctl_cancel(s, p->job->id);
}

static int hello_job(struct shellctl *s, struct slice o)
{
    struct slice v, state = SLICE_NONE;
    int64_t id;
    if (slice_get(o, "id", &v) < 0 || slice_int(v, &id) < 0 ||
        slice_get(o, "state", &v) < 0 || slice_str(v, &state) < 0)
        return -EPROTO;
    struct exec_job *job = exec_job(s->x, (flux_jobid_t)id);
    struct exec_part *p = job ? part_of(job, s->rank) : NULL;
    if (p)
        hello_part(p, state, o);
    else
        shellctl_stray_result(s, (flux_jobid_t)id, slice_is(state, "finished"));
    return 0;
}

static int hello_jobs(struct shellctl *s, struct slice text)
{
    struct slice v, o;
    size_t pos = 0;
    int rc;
    if (slice_get(text, "jobs", &v) < 0)
        return -EPROTO;
    while ((rc = slice_element(v, &pos, &o)) > 0)
        if ((rc = hello_job(s, o)) < 0)
            break;
    return rc;
}

/* The name of its service. */
static int read_service(const flux_msg_t *msg, struct slice *text, char **ret)
{
    const char *payload;
    struct slice v;
    int64_t userid;
    if (flux_request_decode(msg, NULL, &payload) < 0 || !payload ||
        slice_get(slice_of(payload), "userid", &v) < 0 || slice_int(v, &userid) < 0 ||
        !flux_msg_is_streaming(msg))
        return -EPROTO;
    *text = slice_of(payload);
    return asprintf(ret, "%u-shell", (unsigned)userid) < 0 ? -ENOMEM : 0;
}

static void answer(struct shellctl *s, const flux_msg_t *msg)
{
    struct exec *x = s->x;
    int rc =
        x->orphan_timeout < -1
            ? flux_respond_pack(x->h, msg, "{s:f}", "kill-timeout", x->kill_timeout)
            : flux_respond_pack(x->h, msg, "{s:f s:f}", "kill-timeout", x->kill_timeout,
                                "orphan-timeout", x->orphan_timeout);
    if (rc < 0)
        flux_log_error(x->h, "shell-hello: respond");
}

/* An expiration that was changed while it could not be told. */
static void tell_expirations(struct shellctl *s)
{
    list_each(p, &s->told, struct exec_part, link) if (p->job->has_expiration)
        shellctl_expiration(s, p->job);
}

void shellctl_hello(struct shellctl *s, const flux_msg_t *msg)
{
    struct slice text;
    char *service = NULL;
    if (s->hello)
        shellctl_put_back(s); /* its disconnect has not come (yet) */
    int rc = read_service(msg, &text, &service);
    if (rc < 0) {
        flux_respond_error(s->x->h, msg, -rc, NULL);
        return;
    }
    shellctl_up(s, msg, service);
    answer(s, msg);
    if (hello_jobs(s, text) < 0)
        flux_log(s->x->h, LOG_ERR, "shell-hello of rank %u: malformed", s->rank);
    list_each(p, &s->waiting, struct exec_part, link) part_unknown(p);
    shellctl_turn(s); /* jobs first: readers may ask for theirs */
    tell_expirations(s);
    if (s->rank == 0)
        relays_resume(s->x->relays, s->service);
    exec_poke(s->x);
}

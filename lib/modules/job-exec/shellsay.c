/* What a resident flux-shell is told: see shellctl.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "modules/job-exec/part.h"
#include "modules/job-exec/relay.h"
#include "modules/job-exec/shellctl_private.h"

#define START_BYTES (1 << 20) /* about, of a start message */

/* -- parts -- */

void shellctl_add(struct shellctl *s, struct exec_part *p)
{
    s->nparts++;
    list_append(&s->waiting, &p->link);
    shellctl_drop_stray(s, p->job->id);
    shells_mark(s->x->shells, s);
}

void shellctl_done(struct shellctl *s, struct exec_part *p)
{
    list_del(&p->link);
    s->nparts--;
}

void shellctl_remove(struct shellctl *s, struct exec_part *p)
{
    list_del(&p->link);
    if (p->state != PART_FINISHED)
        s->nparts--;
}

static void add_id(struct shellctl *s, struct buf *list, flux_jobid_t id)
{
    if (s->state != SHELL_UP)
        return;
    buf_addf(list, "%s%ju", list->len == 0 ? "{\"ids\":[" : ",", (uintmax_t)id);
    shells_mark(s->x->shells, s);
}

void shellctl_cancel(struct shellctl *s, flux_jobid_t id)
{
    add_id(s, &s->cancels, id);
}

void shellctl_ack(struct shellctl *s, flux_jobid_t id)
{
    add_id(s, &s->acks, id);
}

void shellctl_output_end(struct shellctl *s, flux_jobid_t id)
{
    add_id(s, &s->ends, id);
}

/* -- sending -- */

int shellctl_send(struct shellctl *s, const char *method, const char *payload)
{
    char topic[64];
    if (s->state != SHELL_UP)
        return -ENOTCONN;
    snprintf(topic, sizeof(topic), "%s.%s", s->service, method);
    flux_future_t *f = flux_rpc(s->x->h, topic, payload, s->rank, FLUX_RPC_NORESPONSE);
    int rc = f ? 0 : -errno;
    flux_future_destroy(f);
    return rc;
}

flux_future_t *shellctl_rpc(struct shellctl *s, const char *method, const char *payload)
{
    char topic[64];
    if (s->state != SHELL_UP) {
        errno = ENOTCONN;
        return NULL;
    }
    snprintf(topic, sizeof(topic), "%s.%s", s->service, method);
    return flux_rpc(s->x->h, topic, payload, s->rank, 0);
}

void shellctl_expiration(struct shellctl *s, const struct exec_job *job)
{
    struct buf b = {0};
    buf_addf(&b, "{\"id\":%ju,\"expiration\":", (uintmax_t)job->id);
    json_buf_real(&b, job->expiration);
    buf_addc(&b, '}');
    if (!b.failed)
        (void)shellctl_send(s, "expiration", b.data);
    buf_free(&b);
}

static void send_list(struct shellctl *s, const char *method, struct buf *list)
{
    if (list->len == 0)
        return;
    buf_adds(list, "]}");
    if (list->failed || shellctl_send(s, method, list->data) < 0)
        flux_log(s->x->h, LOG_ERR, "cannot tell flux-shell of rank %u: %s", s->rank,
                 method);
    if (list->failed)
        buf_free(list);
    list->len = 0;
}

/* What has run is known to the shell, or must not run again. */
static void add_start(struct buf *out, const struct exec_part *p)
{
    const struct exec_job *job = p->job;
    buf_adds(out, out->len == 0 ? "{\"jobs\":[" : ",");
    if (job->entry && !p->was_running)
        buf_add(out, job->entry, job->entry_len);
    else
        buf_addf(out, "{\"id\":%ju,\"reattach\":true}", (uintmax_t)job->id);
}

static void send_starts(struct shellctl *s)
{
    struct buf out = {0};
    list_each(p, &s->waiting, struct exec_part, link)
    {
        p->state = PART_SENT;
        p->maybe_told = true;
        add_start(&out, p);
        if (out.len > START_BYTES)
            send_list(s, "start", &out);
    }
    list_splice(&s->told, &s->waiting);
    send_list(s, "start", &out);
    buf_free(&out);
}

void shellctl_turn(struct shellctl *s)
{
    s->was_busy |= s->nparts > 0;
    if (s->state == SHELL_NONE && !flux_watcher_is_active(s->retry) &&
        shellctl_is_needed(s))
        shellctl_need(s);
    if (s->state != SHELL_UP)
        return;
    send_starts(s);
    send_list(s, "cancel", &s->cancels); /* of jobs that it knows by now */
    send_list(s, "ack", &s->acks);
    send_list(s, "output-end", &s->ends);
}

struct list *shellctl_dirty(struct shellctl *s)
{
    return &s->dirty;
}

struct shellctl *shellctl_of_dirty(struct list *link)
{
    return list_entry(link, struct shellctl, dirty);
}

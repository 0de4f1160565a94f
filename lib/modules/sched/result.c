/* What became of jobs: collected while the policy decides, then sent to the job manager in
 * one message. Jobs that came in the single form of RFC 27 are answered one by one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <flux/flog.h>
#include <flux/request.h>
#include <flux/response.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "modules/sched/sched.h"

#define ANNOTATED_JOBS 64 /* the first ones of the queue */

static void begin(struct buf *out, uint64_t id, int type)
{
    buf_adds(out, "{\"id\":");
    json_buf_int(out, (int64_t)id);
    buf_addf(out, ",\"type\":%d", type);
}

/* Where the result of a job goes: a response, or the batch. */
static struct buf *open_result(struct sched *sc, uint64_t id, int type, struct buf *one)
{
    struct buf *out = &sc->results;

    if (umap_get(sc->single, id)) {
        out = one;
    } else {
        buf_adds(out, out->len ? "," : "{\"results\":[");
    }
    begin(out, id, type);
    return out;
}

static void close_result(struct sched *sc, uint64_t id, bool final, struct buf *out)
{
    const flux_msg_t *msg;

    buf_addc(out, '}');
    if (out == &sc->results)
        return;
    msg = umap_get(sc->single, id);
    if (out->failed || flux_respond(sc->h, msg, out->data) < 0)
        flux_log(sc->h, LOG_CRIT, "job %ju: the answer to sched.alloc is lost",
                 (uintmax_t)id);
    if (final)
        umap_del(sc->single, id);
    buf_free(out);
}

void sched_result_started(struct sched *sc, const struct entry *e)
{
    struct buf one = {0}, *out = open_result(sc, e->id, RESULT_ALLOC, &one);

    buf_adds(out, ",\"R\":");
    if (machine_write_R(&sc->machine, sc->engine, e, out) < 0)
        out->failed = true;
    if (e->told)
        buf_adds(out, ",\"annotations\":{\"sched\":{\"t_estimate\":null,"
                      "\"reason_pending\":null}}");
    close_result(sc, e->id, true, out);
    sc->nallocs++;
}

void sched_result_denied(struct sched *sc, uint64_t id, const char *note)
{
    struct buf one = {0}, *out = open_result(sc, id, RESULT_DENY, &one);

    buf_adds(out, ",\"note\":");
    json_buf_str(out, note, strlen(note));
    close_result(sc, id, true, out);
}

void sched_result_cancelled(struct sched *sc, uint64_t id)
{
    struct buf one = {0}, *out = open_result(sc, id, RESULT_CANCEL, &one);

    close_result(sc, id, true, out);
}

/* -- estimates -- */

static const char *reason_of(const struct entry *e)
{
    if (e->start == FLUX_SCHED_NEVER)
        return "the resources it needs are down or drained";
    if (e->start >= FLUX_SCHED_HORIZON)
        return "insufficient resources, held by jobs without a time limit";
    return "insufficient resources";
}

static void print_estimate(struct sched *sc, const struct entry *e, struct buf *out)
{
    const char *why = engine_reason(sc->engine, e);

    buf_adds(out, "{\"sched\":{\"t_estimate\":");
    if (e->start < FLUX_SCHED_HORIZON)
        json_buf_time(out, to_sec(e->start));
    else
        buf_adds(out, "null");
    buf_adds(out, ",\"reason_pending\":");
    if (!why)
        why = reason_of(e);
    json_buf_str(out, why, strlen(why));
    buf_adds(out, "}}");
}

void sched_result_annotate(struct sched *sc)
{
    const struct entry *e = NULL;
    struct buf text = {0};

    for (int i = 0; i < ANNOTATED_JOBS && (e = engine_next_pending(sc->engine, e)); i++) {
        text.len = 0;
        print_estimate(sc, e, &text);
        if (text.failed)
            break;
        uint32_t told = (uint32_t)hash_bytes(text.data, text.len, 1) | 1;
        if (told == e->told)
            continue;
        engine_told(sc->engine, e, told);
        struct buf one = {0}, *out = open_result(sc, e->id, RESULT_ANNOTATE, &one);
        buf_adds(out, ",\"annotations\":");
        buf_add(out, text.data, text.len);
        close_result(sc, e->id, false, out);
    }
    buf_free(&text);
}

void sched_result_flush(struct sched *sc)
{
    flux_msg_t *msg = NULL;

    if (sc->results.len == 0)
        return;
    buf_adds(&sc->results, "]}");
    if (sc->results.failed)
        errno = ENOMEM;
    else
        msg = flux_request_encode("job-manager.sched-results", sc->results.data);
    if (!msg || flux_msg_set_noresponse(msg) < 0 || flux_send_new(sc->h, &msg, 0) < 0)
        flux_log_error(sc->h, "job-manager.sched-results");
    flux_msg_destroy(msg);
    sc->results.len = 0;
    sc->results.failed = false;
    if (sc->results.size > 1u << 20) /* a burst is over */
        buf_free(&sc->results);
}

/* job-info.eventlog-watch.
 *
 * Past events are in the store, coming ones in the job manager's journal, which is asked for
 * while there are watchers. The store is read only after the job manager has the journal request (a
 * second request that was sent after it has been answered), so that no event falls between;
 * events that are in both are told apart by their index in the job's log.
 *
 * guest.exec.eventlog is made from the main log (exec_log.c). guest.output comes from job-exec once the
 * job has started (output.c).
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/core.h>

#include "modules/job-info/access.h"
#include "modules/job-info/exec_log.h"
#include "modules/job-info/watch.h"
#include "modules/job-info/watch_private.h"
#include "proto/eventlog.h"

#define TAKE_BUF(b)                                                                      \
    ({                                                                                   \
        struct buf take_b_ = (b);                                                        \
        (b) = (struct buf){0};                                                           \
        take_b_;                                                                         \
    })

static void stop_journal(struct watches *ws)
{
    flux_future_t *f;

    flux_future_destroy(ws->fence);
    ws->fence = NULL;
    if (!ws->journal)
        return;
    f = flux_rpc_pack(ws->h, "job-manager.events-journal-cancel", FLUX_NODEID_ANY,
                      FLUX_RPC_NORESPONSE, "{s:i}", "matchtag",
                      (int)flux_rpc_get_matchtag(ws->journal));
    flux_future_destroy(f);
    flux_future_destroy(ws->journal);
    ws->journal = NULL;
    ws->journal_ready = false;
}

void watch_free(struct watch *w)
{
    struct watches *ws = w->ws;

    list_del(&w->link);
    flux_future_destroy(w->output);
    flux_msg_decref(w->msg);
    buf_free(&w->past);
    buf_free(&w->pending);
    free(w);
    if (list_empty(&ws->list))
        stop_journal(ws);
}

/* A read under way still needs the watch: it frees it when it comes back. */
static void drop(struct watch *w)
{
    if (w->reading)
        w->dead = true;
    else
        watch_free(w);
}

void watch_finish(struct watch *w, int err, const char *text)
{
    flux_respond_error(w->ws->h, w->msg, err, text);
    drop(w);
}

void watch_send(struct watch *w, const char *line, size_t len)
{
    struct buf b = {0};

    buf_adds(&b, "{\"event\":");
    json_buf_str(&b, line, len);
    buf_addc(&b, '}');
    if (!b.failed)
        flux_respond(w->ws->h, w->msg, b.data);
    buf_free(&b);
}

/* What an event of the main log means for the execution. */
static void send_exec(struct watch *w, const struct event *e)
{
    struct buf lines = {0};
    const char *line;
    size_t pos = 0, len;

    exec_log_add(&lines, w->id, w->userid, e);
    while (!lines.failed && eventlog_next(lines.data, lines.len, &pos, &line, &len) > 0)
        watch_send(w, line, len);
    buf_free(&lines);
}

/* One event of the main log, whatever path is watched. True when the watch has ended. */
static bool take_event(struct watch *w, const char *line, size_t len)
{
    struct event e;
    bool clean = false;

    if (event_parse(line, len, &e, NULL) < 0)
        return false;
    clean = !strcmp(e.name, "clean");
    if (w->path == WATCH_EVENTLOG)
        watch_send(w, line, len);
    else if (w->path == WATCH_EXEC)
        send_exec(w, &e);
    else if (!strcmp(e.name, "start"))
        watch_output_start(w);
    event_free(&e);
    if (w->path == WATCH_OUTPUT)
        clean = clean && !w->output && !w->output_done;
    if (clean)
        watch_finish(w, ENODATA, NULL);
    return clean;
}

static int append_piece(uint64_t seq, const void *data, size_t len, void *arg)
{
    return buf_add(arg, data, len);
}

static int take_userid(const struct store_job *job, void *arg)
{
    *(uint32_t *)arg = job->userid;
    return 0;
}

static int read_past(struct store_reader *r, void *arg)
{
    struct watch *w = arg;
    int rc = store_reader_job(r, w->id, take_userid, &w->userid);

    if (rc == 0)
        rc = access_check(w->msg, w->userid);
    return rc < 0 ? rc
                  : store_reader_jobdata(r, w->id, "eventlog", append_piece, &w->past);
}

/* Lines of a log from index `first`: those not seen yet. True when the watch has ended. */
static bool take_lines(struct watch *w, const struct buf *log, uint64_t first)
{
    const char *line;
    size_t pos = 0, len;

    for (; eventlog_next(log->data, log->len, &pos, &line, &len) > 0; first++) {
        if (first != w->next)
            continue;
        w->next++;
        if (take_event(w, line, len))
            return true;
    }
    return false;
}

static void past_done(int rc, void *arg)
{
    struct watch *w = arg;
    struct buf past, pending;

    w->reading = false;
    if (w->dead) {
        watch_free(w);
        return;
    }
    if (rc < 0) {
        watch_finish(w, -rc,
                     rc == -EPERM    ? access_denied
                     : rc == -ENOENT ? "invalid job id"
                                     : NULL);
        return;
    }
    past = TAKE_BUF(w->past);
    pending = TAKE_BUF(w->pending);
    w->live = true;
    if (!take_lines(w, &past, 0))
        take_lines(w, &pending, w->pending_first);
    buf_free(&past);
    buf_free(&pending);
}

static void start_read(struct watch *w)
{
    int rc;

    w->reading = true;
    rc = store_read(w->ws->store, read_past, past_done, w);
    if (rc < 0)
        past_done(rc, w);
}

/* Journal entries: {"id":I,"events":[...],"seq":i}. While the past is being read they are kept:
 * the read may or may not see them. */
static void keep_entry(struct watch *w, uint64_t index, const char *line, size_t len)
{
    if (w->pending.len == 0)
        w->pending_first = index;
    buf_add(&w->pending, line, len);
}

/* True when the watch has ended. */
static bool take_entry(struct watch *w, uint64_t index, const char *line, size_t len)
{
    if (w->reading) {
        keep_entry(w, index, line, len);
        return false;
    }
    if (!w->live || index != w->next)
        return false;
    w->next++;
    return take_event(w, line, len);
}

/* A job's first event is its submission. */
static void tell_submit(struct watch *w, const cJSON *event)
{
    int64_t userid = -1;

    json_int64(json_get_path(event, "context.userid"), &userid);
    if (w->userid == FLUX_USERID_UNKNOWN || w->userid == userid)
        flux_respond(w->ws->h, w->msg, "{}");
}

static void take_entries(struct watches *ws, uint64_t id, const cJSON *events,
                         uint64_t seq)
{
    list_each(w, &ws->list, struct watch, link)
    {
        const cJSON *e;
        uint64_t index = seq;

        if (w->path == WATCH_JOBS && seq == 0)
            tell_submit(w, cJSON_GetArrayItem(events, 0));
        if (w->path == WATCH_JOBS || w->id != id || w->dead)
            continue;
        cJSON_ArrayForEach(e, events)
        {
            struct buf line = {0};
            bool ended;

            json_print_buf(e, &line);
            buf_addc(&line, '\n');
            ended = take_entry(w, index++, line.data, line.len);
            buf_free(&line);
            if (ended)
                break;
        }
    }
}

static void got_journal(flux_future_t *f, void *arg)
{
    struct watches *ws = arg;
    const cJSON *events;
    int64_t id, seq = 0;

    if (flux_rpc_get_unpack(f, "{s:I s:o s?I}", "id", &id, "events", &events, "seq",
                            &seq) < 0) {
        int err = errno;

        flux_future_destroy(ws->journal);
        ws->journal = NULL;
        ws->journal_ready = false;
        list_each(w, &ws->list, struct watch, link)
        {
            if (w->path != WATCH_OUTPUT || !w->output)
                watch_finish(w, err == ENODATA ? EHOSTUNREACH : err,
                             "the job manager is not available");
        }
        return;
    }
    if (id >= 0)
        take_entries(ws, (uint64_t)id, events, (uint64_t)seq);
    if (ws->journal == f) /* the last watch may have ended */
        flux_future_reset(f);
}

static void fence_passed(flux_future_t *f, void *arg)
{
    struct watches *ws = arg;

    flux_future_destroy(f);
    ws->fence = NULL;
    ws->journal_ready = true;
    list_each(w, &ws->list, struct watch, link)
    {
        if (w->path == WATCH_JOBS)
            flux_respond(ws->h, w->msg, "{}"); /* those that came meanwhile */
        else if (!w->live && !w->reading)
            start_read(w);
    }
}

static int start_journal(struct watches *ws)
{
    if (ws->journal)
        return 0;
    ws->journal_ready = false;
    ws->journal = flux_rpc_pack(ws->h, "job-manager.events-journal", FLUX_NODEID_ANY,
                                FLUX_RPC_STREAMING, "{s:b s:b}", "full", 0, "backlog", 0);
    ws->fence = flux_rpc(ws->h, "job-manager.getinfo", NULL, FLUX_NODEID_ANY, 0);
    if (!ws->journal || !ws->fence ||
        flux_future_then(ws->journal, -1., got_journal, ws) < 0 ||
        flux_future_then(ws->fence, -1., fence_passed, ws) < 0) {
        stop_journal(ws);
        return -errno;
    }
    return 0;
}

static int parse_path(const char *path)
{
    if (!strcmp(path, "eventlog"))
        return WATCH_EVENTLOG;
    if (!strcmp(path, "guest.exec.eventlog"))
        return WATCH_EXEC;
    if (!strcmp(path, "guest.output"))
        return WATCH_OUTPUT;
    return -1;
}

void watch_start(struct watches *ws, const flux_msg_t *msg)
{
    struct watch *w;
    const char *path;
    int64_t id;
    int flags, which, rc;

    if (flux_request_unpack(msg, NULL, "{s:I s:s s:i}", "id", &id, "path", &path, "flags",
                            &flags) < 0 ||
        !flux_msg_is_streaming(msg)) {
        flux_respond_error(ws->h, msg, EPROTO, NULL);
        return;
    }
    which = parse_path(path);
    w = which < 0 ? NULL : calloc(1, sizeof(*w));
    if (!w) {
        flux_respond_error(ws->h, msg, which < 0 ? ENOENT : ENOMEM,
                           which < 0
                               ? "no such event log (eventlog, guest.exec.eventlog, "
                                 "guest.output)"
                               : NULL);
        return;
    }
    w->ws = ws;
    w->id = (uint64_t)id;
    w->path = (enum watch_path)which;
    w->msg = flux_msg_incref(msg);
    list_append(&ws->list, &w->link);
    rc = start_journal(ws);
    if (rc < 0)
        watch_finish(w, -rc, NULL);
    else if (ws->journal_ready)
        start_read(w);
}

void watch_jobs_start(struct watches *ws, const flux_msg_t *msg)
{
    struct watch *w = flux_msg_is_streaming(msg) ? calloc(1, sizeof(*w)) : NULL;
    struct flux_msg_cred cred;
    int rc;

    if (!w || flux_msg_get_cred(msg, &cred) < 0) {
        flux_respond_error(ws->h, msg, flux_msg_is_streaming(msg) ? ENOMEM : EPROTO,
                           NULL);
        free(w);
        return;
    }
    w->ws = ws;
    w->path = WATCH_JOBS;
    w->live = true;
    w->userid = cred.rolemask & FLUX_ROLE_OWNER ? FLUX_USERID_UNKNOWN : cred.userid;
    w->msg = flux_msg_incref(msg);
    list_append(&ws->list, &w->link);
    if ((rc = start_journal(ws)) < 0)
        watch_finish(w, -rc, NULL);
}

void watch_cancel(struct watches *ws, const flux_msg_t *msg)
{
    list_each(w, &ws->list, struct watch, link)
    {
        if (flux_cancel_match(msg, w->msg))
            watch_finish(w, ENODATA, NULL);
    }
}

void watch_disconnect(struct watches *ws, const flux_msg_t *msg)
{
    list_each(w, &ws->list, struct watch, link)
    {
        if (flux_disconnect_match(msg, w->msg))
            drop(w);
    }
}

void watches_init(struct watches *ws, flux_t *h, struct store *store)
{
    *ws = (struct watches){.h = h, .store = store};
    list_init(&ws->list);
}

void watches_clear(struct watches *ws)
{
    list_each(w, &ws->list, struct watch, link) drop(w);
    stop_journal(ws);
}

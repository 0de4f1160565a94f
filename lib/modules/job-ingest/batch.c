/* A turn's submissions, handed to the job manager together and answered one by one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "modules/job-ingest/ingest.h"

/* A turn's requests, on their way. */
struct flight {
    struct list link;
    flux_future_t *f;
    struct flux_msglist *requests;
};

static void fail_all(flux_t *h, struct flux_msglist *requests, int errnum,
                     const char *text)
{
    const flux_msg_t *msg;

    while ((msg = flux_msglist_pop(requests))) {
        flux_respond_error(h, msg, errnum, text);
        flux_msg_decref(msg);
    }
}

/* An element of "ids": an id, or {"errnum":i,"errstr":s}. */
static void answer(flux_t *h, const flux_msg_t *msg, struct slice result)
{
    AUTOFREE char *text = NULL;
    struct slice errnum, errstr;
    int64_t id, code = EPROTO;
    char buf[48];

    if (slice_int(result, &id) == 0) {
        snprintf(buf, sizeof(buf), "{\"id\":%jd}", (intmax_t)id);
        flux_respond(h, msg, buf);
        return;
    }
    if (*result.p == '{' && slice_get(result, "errnum", &errnum) == 0)
        slice_int(errnum, &code);
    if (*result.p == '{' && slice_get(result, "errstr", &errstr) == 0)
        text = slice_strdup(errstr);
    flux_respond_error(h, msg, (int)code, text);
}

static void answer_all(flux_t *h, struct flux_msglist *requests, const char *payload)
{
    struct slice all, ids, one;
    const flux_msg_t *msg;
    size_t pos = 0;

    if (payload && slice_value(payload, strlen(payload), &all) == 0 &&
        slice_get(all, "ids", &ids) == 0) {
        while (slice_element(ids, &pos, &one) > 0 && (msg = flux_msglist_pop(requests))) {
            answer(h, msg, one);
            flux_msg_decref(msg);
        }
    }
    fail_all(h, requests, EPROTO, "job-manager gave too few answers");
}

static void flight_free(struct flight *fl)
{
    list_del(&fl->link);
    flux_future_destroy(fl->f);
    flux_msglist_destroy(fl->requests);
    free(fl);
}

static void submit_done(flux_future_t *f, void *arg)
{
    struct flight *fl = arg;
    flux_t *h = flux_future_get_flux(f);
    const char *payload;

    if (flux_rpc_get(f, &payload) == 0)
        answer_all(h, fl->requests, payload);
    else if (errno == ENOSYS)
        fail_all(h, fl->requests, ENOSYS, "job-manager is not loaded");
    else
        fail_all(h, fl->requests, errno, flux_future_error_string(f));
    flight_free(fl);
}

void ingest_give_up(struct ingest *in)
{
    list_each(fl, &in->flights, struct flight, link)
    {
        fail_all(in->h, fl->requests, ENOSYS, "job-ingest is unloading");
        flight_free(fl);
    }
}

void ingest_flush(struct ingest *in)
{
    AUTOFREE char *payload = NULL;
    struct flight *fl;

    if (in->batch.njobs == 0)
        return;
    payload = submit_batch_take(&in->batch, NULL);
    if (!payload || !(fl = calloc(1, sizeof(*fl)))) {
        fail_all(in->h, in->requests, ENOMEM, "out of memory");
        return;
    }
    /* The next turn's list; this one's goes with the flight. */
    fl->requests = in->requests;
    list_append(&in->flights, &fl->link);
    if (!(in->requests = flux_msglist_create())) {
        in->requests = fl->requests;
        fl->requests = NULL;
        flight_free(fl);
        fail_all(in->h, in->requests, ENOMEM, "out of memory");
        return;
    }
    if (!(fl->f = flux_rpc(in->h, "job-manager.submit", payload, FLUX_NODEID_ANY, 0)) ||
        flux_future_then(fl->f, -1., submit_done, fl) < 0) {
        fail_all(in->h, fl->requests, errno, strerror(errno));
        flight_free(fl);
    }
}

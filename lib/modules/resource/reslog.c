/* The resource event log; see reslog.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/disconnect.h>
#include <flux/flog.h>
#include <flux/msglist.h>
#include <flux/reactor.h>
#include <flux/response.h>

#include "base/cleanup.h"
#include "modules/resource/reslog.h"
#include "proto/eventlog.h"

#define KEEP 10000 /* events */

struct reslog {
    flux_t *h;
    char **event; /* JSON objects, the oldest at `first` */
    size_t first, n;
    struct flux_msglist *followers;
};

int reslog_new(flux_t *h, struct reslog **ret)
{
    struct reslog *l = calloc(1, sizeof(*l));

    if (!l || !(l->followers = flux_msglist_create())) {
        free(l);
        return -ENOMEM;
    }
    l->h = h;
    *ret = l;
    return 0;
}

void reslog_free(struct reslog *l)
{
    const flux_msg_t *msg;

    if (!l)
        return;
    while ((msg = flux_msglist_pop(l->followers))) {
        flux_respond_error(l->h, msg, ENODATA, NULL);
        flux_msg_decref(msg);
    }
    flux_msglist_destroy(l->followers);
    for (size_t i = 0; i < l->n; i++)
        free(l->event[(l->first + i) % KEEP]);
    free(l->event);
    free(l);
}

static int keep(struct reslog *l, char *event)
{
    if (!l->event && !(l->event = calloc(KEEP, sizeof(*l->event))))
        return -ENOMEM;
    if (l->n == KEEP) {
        free(l->event[l->first]);
        l->first = (l->first + 1) % KEEP;
        l->n--;
    }
    l->event[(l->first + l->n++) % KEEP] = event;
    return 0;
}

static void tell(struct reslog *l, const char *event)
{
    struct buf out = {0};
    const flux_msg_t *msg;

    if (flux_msglist_count(l->followers) == 0)
        return;
    buf_addf(&out, "{\"events\":[%s]}", event);
    for (msg = flux_msglist_first(l->followers); msg && !out.failed;
         msg = flux_msglist_next(l->followers))
        if (flux_respond(l->h, msg, out.data) < 0)
            flux_log_error(l->h, "resource.journal");
    buf_free(&out);
}

int reslog_add(struct reslog *l, const char *name, const char *context_fmt, ...)
{
    AUTOFREE char *text = NULL;
    struct buf line = {0};
    va_list ap;

    va_start(ap, context_fmt);
    cJSON *context = json_vpack(context_fmt, ap);
    va_end(ap);
    if (!context || !(text = json_print(context))) {
        json_free(context);
        return -ENOMEM;
    }
    json_free(context);
    int rc = eventlog_add_json(&line, flux_reactor_now(flux_get_reactor(l->h)), name,
                               text, strlen(text));
    char *event = buf_take(&line, NULL);
    if (rc < 0 || !event) {
        free(event);
        return rc < 0 ? rc : -ENOMEM;
    }
    event[strcspn(event, "\n")] = '\0';
    if ((rc = keep(l, event)) < 0)
        free(event);
    else
        tell(l, event);
    return rc;
}

static int respond_all(struct reslog *l, const flux_msg_t *msg)
{
    struct buf out = {0};

    buf_adds(&out, "{\"events\":[");
    for (size_t i = 0; i < l->n; i++) {
        if (i)
            buf_addc(&out, ',');
        buf_adds(&out, l->event[(l->first + i) % KEEP]);
    }
    buf_adds(&out, "]}");
    int rc = out.failed ? -ENOMEM : 0;
    if (rc == 0 && (flux_respond(l->h, msg, out.data) < 0 ||
                    flux_respond(l->h, msg, "{\"events\":[]}") < 0))
        rc = -errno;
    buf_free(&out);
    return rc;
}

void reslog_journal(struct reslog *l, const flux_msg_t *msg)
{
    int rc;

    if (!flux_msg_is_streaming(msg)) {
        flux_respond_error(l->h, msg, EPROTO, "resource.journal is a streaming request");
        return;
    }
    if ((rc = respond_all(l, msg)) < 0 || flux_msglist_append(l->followers, msg) < 0)
        flux_respond_error(l->h, msg, rc < 0 ? -rc : errno, NULL);
}

void reslog_cancel(struct reslog *l, const flux_msg_t *msg)
{
    flux_msglist_cancel(l->h, l->followers, msg);
}

void reslog_disconnect(struct reslog *l, const flux_msg_t *msg)
{
    flux_msglist_disconnect(l->followers, msg);
}

void reslog_text(const struct reslog *l, struct buf *out)
{
    for (size_t i = 0; i < l->n; i++)
        buf_addf(out, "%s\n", l->event[(l->first + i) % KEEP]);
}

void reslog_get(struct reslog *l, const flux_msg_t *msg)
{
    struct buf out = {0};

    reslog_text(l, &out);
    if (out.failed)
        flux_respond_error(l->h, msg, ENOMEM, NULL);
    else
        flux_respond_pack(l->h, msg, "{s:s}", "eventlog", out.data ? out.data : "");
    buf_free(&out);
}

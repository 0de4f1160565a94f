/* Streams of resources to schedulers; see acquire.h. */
#include <errno.h>
#include <stdlib.h>

#include <flux/disconnect.h>
#include <flux/flog.h>
#include <flux/msglist.h>
#include <flux/response.h>

#include "base/cleanup.h"
#include "modules/resource/acquire.h"

DEFINE_CLEANUP(struct idset *, idset_destroy)

struct acquire {
    flux_t *h;
    struct flux_msglist *streams;
    cJSON *R;         /* NULL: not known yet */
    struct idset *up; /* as last told */
};

int acquire_new(flux_t *h, struct acquire **ret)
{
    struct acquire *a = calloc(1, sizeof(*a));

    if (!a || !(a->streams = flux_msglist_create())) {
        free(a);
        return -ENOMEM;
    }
    a->h = h;
    *ret = a;
    return 0;
}

void acquire_free(struct acquire *a)
{
    const flux_msg_t *msg;

    if (!a)
        return;
    while ((msg = flux_msglist_pop(a->streams))) {
        flux_respond_error(a->h, msg, ENODATA, NULL);
        flux_msg_decref(msg);
    }
    flux_msglist_destroy(a->streams);
    json_free(a->R);
    idset_destroy(a->up);
    free(a);
}

static void tell_all(struct acquire *a, const char *payload)
{
    const flux_msg_t *msg;

    for (msg = flux_msglist_first(a->streams); msg; msg = flux_msglist_next(a->streams))
        if (flux_respond(a->h, msg, payload) < 0)
            flux_log_error(a->h, "resource.acquire");
}

/* {"resources":R,"up":ranks}; yours, NULL on ENOMEM. */
static char *print_all(const struct acquire *a)
{
    AUTOFREE char *up = idset_encode(a->up, IDSET_FLAG_RANGE);
    struct buf out = {0};

    if (!up)
        return NULL;
    buf_adds(&out, "{\"resources\":");
    if (json_print_buf(a->R, &out) < 0)
        out.failed = true;
    buf_addf(&out, ",\"up\":\"%s\"}", up);
    return buf_take(&out, NULL);
}

int acquire_define(struct acquire *a, cJSON *R, const struct idset *up)
{
    struct idset *copy = idset_copy(up);

    if (!copy) {
        json_free(R);
        return -ENOMEM;
    }
    json_free(a->R);
    idset_destroy(a->up);
    a->R = R;
    a->up = copy;
    AUTOFREE char *payload = print_all(a);
    if (!payload)
        return -ENOMEM;
    tell_all(a, payload);
    return 0;
}

static int tell_change(struct acquire *a, const char *what, const struct idset *now,
                       const struct idset *before)
{
    CLEANUP(idset_destroy_p) struct idset *diff = idset_difference(now, before);
    struct buf out = {0};

    if (!diff)
        return -ENOMEM;
    if (idset_empty(diff))
        return 0;
    AUTOFREE char *ids = idset_encode(diff, IDSET_FLAG_RANGE);
    buf_addf(&out, "{\"%s\":\"%s\"}", what, ids ? ids : "");
    int rc = ids && !out.failed ? 0 : -ENOMEM;
    if (rc == 0)
        tell_all(a, out.data);
    buf_free(&out);
    return rc;
}

int acquire_set_up(struct acquire *a, const struct idset *up)
{
    struct idset *copy = idset_copy(up);
    int rc = copy ? 0 : -ENOMEM;

    if (rc == 0)
        rc = tell_change(a, "up", up, a->up);
    if (rc == 0)
        rc = tell_change(a, "down", a->up, up);
    if (rc < 0) {
        idset_destroy(copy);
        return rc;
    }
    idset_destroy(a->up);
    a->up = copy;
    return 0;
}

void acquire_request(struct acquire *a, const flux_msg_t *msg)
{
    AUTOFREE char *payload = NULL;

    if (!flux_msg_is_streaming(msg)) {
        flux_respond_error(a->h, msg, EPROTO, "resource.acquire is a streaming request");
        return;
    }
    if (flux_msglist_append(a->streams, msg) < 0 ||
        (a->R && (!(payload = print_all(a)) || flux_respond(a->h, msg, payload) < 0)))
        flux_respond_error(a->h, msg, ENOMEM, NULL);
}

void acquire_cancel(struct acquire *a, const flux_msg_t *msg)
{
    flux_msglist_cancel(a->h, a->streams, msg);
}

void acquire_disconnect(struct acquire *a, const flux_msg_t *msg)
{
    flux_msglist_disconnect(a->streams, msg);
}

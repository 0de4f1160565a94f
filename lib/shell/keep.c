/* Where output is kept: see keep.h. */
#include <errno.h>
#include <stdlib.h>

#include <flux/msglist.h>
#include <flux/request.h>
#include <flux/response.h>

#include "base/cleanup.h"
#include "shell/block.h"
#include "shell/shell_private.h"
#include "shell/sink.h"

struct keep *keep_find(const struct shell *sh, flux_jobid_t id)
{
    return umap_get(sh->keeps, id);
}

void keep_free(void *arg)
{
    struct keep *k = arg;
    list_del(&k->dirty);
    stream_unref(k->stream);
    free(k);
}

int keep_need(struct shell *sh, flux_jobid_t id, unsigned ntasks, uint64_t limit,
              struct keep **ret)
{
    struct keep *k = umap_get(sh->keeps, id);
    if (k) {
        stream_set(k->stream, ntasks, limit);
        *ret = k;
        return 0;
    }
    AUTOFREE char *path = shell_output_path(sh, id);
    k = calloc(1, sizeof(*k));
    if (!path || !k) {
        free(k);
        return -ENOMEM;
    }
    k->id = id;
    list_init(&k->dirty);
    int rc = stream_resume(sh->env, path, ntasks, limit, &k->stream);
    if (rc == 0 && (rc = umap_add(sh->keeps, id, k)) < 0)
        stream_unref(k->stream);
    if (rc < 0) {
        free(k);
        return rc;
    }
    *ret = k;
    return 0;
}

void keep_end(struct shell *sh, flux_jobid_t id)
{
    struct keep *k = umap_get(sh->keeps, id);
    if (!k)
        return;
    stream_end(k->stream);
    umap_del(sh->keeps, id);
    shell_poke(sh);
}

void keep_mark(struct shell *sh, struct keep *k)
{
    if (list_empty(&k->dirty) && stream_is_dirty(k->stream))
        list_append(&sh->dirty_keeps, &k->dirty);
    shell_poke(sh);
}

static int put_stream(struct shell *sh, const struct block *b)
{
    struct keep *k;
    int rc = keep_need(sh, b->id, b->ntasks, b->limit, &k);
    if (rc == 0)
        rc = stream_import(k->stream, b->node, b->seq, b->records, b->len);
    if (rc == 0)
        keep_mark(sh, k);
    return rc;
}

static int put_block(struct shell *sh, const struct block *b)
{
    struct job *job;
    switch (b->kind) {
    case BLOCK_STREAM:
        return put_stream(sh, b);
    case BLOCK_FILES:
        job = shell_job(sh, b->id);
        return job ? sink_put_files(job, b) : -EAGAIN;
    default:
        return -EPROTO;
    }
}

void keep_put(struct shell *sh, flux_t *h, const flux_msg_t *msg)
{
    const void *data;
    size_t len, pos = 0;
    struct block b;
    int more = -EPROTO, rc = 0;
    if (flux_request_decode_raw(msg, NULL, &data, &len) == 0 && data)
        while ((more = block_next(data, len, &pos, &b)) > 0) {
            int err = put_block(sh, &b);
            rc = err < 0 ? err : rc; /* those that were taken do no harm again */
        }
    rc = more < 0 ? more : rc;
    if (rc == 0 && flux_msglist_append(sh->puts, msg) < 0)
        rc = -errno;
    if (rc < 0)
        (void)flux_respond_error(h, msg, -rc, NULL);
    shell_poke(sh);
}

void keep_turn(struct shell *sh)
{
    flux_t *h = link_connection(sh->link);
    const flux_msg_t *msg;
    list_each(k, &sh->dirty_keeps, struct keep, dirty)
    {
        list_del(&k->dirty);
        stream_flush(k->stream);
    }
    while ((msg = flux_msglist_pop(sh->puts))) {
        if (h)
            (void)flux_respond(h, msg, NULL);
        flux_msg_decref(msg);
    }
}

/* Output that belongs elsewhere: see forward.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <flux/flog.h>
#include <flux/rpc.h>

#include "base/cleanup.h"
#include "shell/segment.h"
#include "shell/shell_private.h"

#define MESSAGE (128 << 10) /* bytes, about, of a request */
#define CHUNK (256 << 10)   /* bytes read at a time: any record fits */
#define RETRY_MIN 0.02      /* seconds */
#define RETRY_MAX 1.0
#define DEAF 60.0 /* seconds that nobody takes output, though it could be asked */

struct outlets {
    struct shell *sh;
    struct umap *ranks; /* rank -> struct outlet */
    char *chunk;
};

/* To one rank. */
struct outlet {
    struct outlets *all;
    unsigned rank;
    struct list todo;   /* forwards with records to send */
    struct list flying; /* that have some in the request */
    flux_future_t *asked;
    struct watcher *retry;
    double backoff;
    double deaf_since; /* monotonic; 0: it is not */
};

struct forward {
    struct forward_conf conf;
    struct outlet *out;
    struct list link;          /* in todo or flying */
    uint64_t pos, seq;         /* of what was not taken yet */
    uint64_t fly_pos, fly_seq; /* the same once the request was answered */
};

/* -- forwards -- */

static void outlet_free(void *arg)
{
    struct outlet *out = arg;
    flux_future_destroy(out->asked);
    watcher_free(out->retry);
    free(out);
}

static void on_retry(struct watcher *w, int revents, void *arg)
{
    struct outlet *out = arg;
    watcher_stop(w);
    shell_poke(out->all->sh);
}

static struct outlet *get_outlet(struct outlets *all, unsigned rank)
{
    struct outlet *out = umap_get(all->ranks, rank);
    if (out)
        return out;
    out = calloc(1, sizeof(*out));
    if (!out)
        return NULL;
    out->all = all;
    out->rank = rank;
    out->backoff = RETRY_MIN;
    list_init(&out->todo);
    list_init(&out->flying);
    if (watcher_new_timer(all->sh->loop, 0, 0, on_retry, out, &out->retry) < 0 ||
        umap_add(all->ranks, rank, out) < 0) {
        outlet_free(out);
        return NULL;
    }
    return out;
}

int forward_new(struct shell *sh, const struct forward_conf *conf, struct forward **ret)
{
    struct forward *f = calloc(1, sizeof(*f));
    if (!f)
        return -ENOMEM;
    f->conf = *conf;
    f->out = get_outlet(sh->outlets, conf->rank);
    list_init(&f->link);
    f->seq = stream_base(conf->stream);
    if (!f->out) {
        free(f);
        return -ENOMEM;
    }
    *ret = f;
    return 0;
}

void forward_free(struct forward *f)
{
    if (!f)
        return;
    list_del(&f->link);
    free(f);
}

bool forward_is_drained(const struct forward *f)
{
    return !stream_has_data(f->conf.stream) || f->pos >= stream_size(f->conf.stream);
}

void forward_poke(struct forward *f)
{
    if (forward_is_drained(f) || !list_empty(&f->link))
        return;
    list_append(&f->out->todo, &f->link);
    shell_poke(f->out->all->sh);
}

/* All of it is somewhere else: the stream begins anew. */
static void drained(struct forward *f)
{
    stream_forget(f->conf.stream);
    f->pos = 0;
    f->seq = stream_base(f->conf.stream);
    f->conf.drained(f->conf.arg);
}

void forward_give_up(struct forward *f)
{
    list_del(&f->link);
    if (!forward_is_drained(f))
        drained(f);
}

/* -- sending -- */

/* Whole records from where it is. Their number, or -errno. */
static int whole_records(const char *data, size_t len, size_t max, size_t *ret_len)
{
    struct segment_record r;
    size_t used = 0, need;
    int count = 0;
    while (used < len && (used == 0 || used < max)) {
        ssize_t n = segment_read(data + used, len - used, &r, &need);
        if (n < 0)
            return (int)n;
        if (n == 0)
            break;
        used += (size_t)n;
        count++;
    }
    *ret_len = used;
    return count;
}

static int add_records(struct forward *f, char *chunk, struct buf *out)
{
    struct block b = f->conf.head;
    ssize_t got = stream_read(f->conf.stream, f->pos, chunk, CHUNK);
    if (got <= 0)
        return got < 0 ? (int)got : -EIO;
    int n = whole_records(chunk, (size_t)got, MESSAGE - out->len, &b.len);
    if (n <= 0)
        return n < 0 ? n : -EFBIG;
    b.records = chunk;
    b.seq = f->seq;
    f->fly_pos = f->pos + b.len;
    f->fly_seq = f->seq + (uint64_t)n;
    return block_add(out, &b);
}

static void lost(struct forward *f, const char *why)
{
    flux_t *h = link_connection(f->out->all->sh->link);
    if (h)
        flux_log(h, LOG_ERR, "job %ju: output was lost: %s", (uintmax_t)f->conf.head.id,
                 why);
    forward_give_up(f);
}

static void fill(struct outlet *out, struct buf *msg)
{
    list_each(f, &out->todo, struct forward, link)
    {
        int rc = add_records(f, out->all->chunk, msg);
        list_del(&f->link);
        if (rc == 0)
            list_append(&out->flying, &f->link);
        else
            lost(f, strerror(-rc));
        if (msg->len >= MESSAGE)
            break;
    }
}

/* Back to where they were, for another try. */
static void land(struct outlet *out)
{
    list_splice(&out->flying, &out->todo);
    list_splice(&out->todo, &out->flying);
}

static void taken(struct outlet *out)
{
    struct list all;
    list_init(&all);
    list_splice(&all, &out->flying);
    out->backoff = RETRY_MIN;
    out->deaf_since = 0;
    while (!list_empty(&all)) {
        struct forward *f = list_first(&all, struct forward, link);
        list_del(&f->link);
        f->pos = f->fly_pos;
        f->seq = f->fly_seq;
        if (forward_is_drained(f))
            drained(f);
        else
            list_append(&out->todo, &f->link);
    }
    shell_poke(out->all->sh);
}

/* It can be asked, and does not take it: for so long, and no longer. */
static void refused(struct outlet *out, int errnum)
{
    double now = env_monotonic(out->all->sh->env);
    if (errnum == EHOSTUNREACH) {
        out->deaf_since = 0;
        return;
    }
    if (out->deaf_since == 0)
        out->deaf_since = now;
    if (now - out->deaf_since < DEAF)
        return;
    out->deaf_since = 0;
    list_each(f, &out->todo, struct forward, link) lost(f, "nobody takes it");
}

static void on_answer(flux_future_t *future, void *arg)
{
    struct outlet *out = arg;
    int err = flux_rpc_get(future, NULL) < 0 ? errno : 0;
    out->asked = NULL;
    flux_future_destroy(future);
    if (err == 0) {
        taken(out);
        return;
    }
    land(out);
    refused(out, err);
    watcher_timer_set(out->retry, out->backoff, 0);
    watcher_start(out->retry);
    out->backoff = out->backoff * 2 < RETRY_MAX ? out->backoff * 2 : RETRY_MAX;
}

static void send(struct outlet *out, flux_t *h)
{
    struct buf msg = {0};
    char topic[64];
    fill(out, &msg);
    if (msg.len == 0)
        return;
    snprintf(topic, sizeof(topic), "%u-shell.output-put", out->all->sh->userid);
    if (!msg.failed)
        out->asked = flux_rpc_raw(h, topic, msg.data, msg.len, out->rank, 0);
    buf_free(&msg);
    if (out->asked && flux_future_then(out->asked, -1, on_answer, out) == 0)
        return;
    flux_future_destroy(TAKE(out->asked));
    land(out);
}

void outlets_turn(struct outlets *all)
{
    flux_t *h = link_connection(all->sh->link);
    void *value;
    for (size_t it = 0; h && umap_next(all->ranks, &it, NULL, &value);) {
        struct outlet *out = value;
        if (!out->asked && !list_empty(&out->todo) && !watcher_is_active(out->retry))
            send(out, h);
    }
}

void outlets_suspend(struct outlets *all)
{
    void *value;
    for (size_t it = 0; umap_next(all->ranks, &it, NULL, &value);) {
        struct outlet *out = value;
        flux_future_destroy(TAKE(out->asked));
        watcher_stop(out->retry);
        land(out);
    }
}

void outlets_resume(struct outlets *all)
{
    void *value;
    for (size_t it = 0; umap_next(all->ranks, &it, NULL, &value);)
        ((struct outlet *)value)->backoff = RETRY_MIN;
    shell_poke(all->sh);
}

int outlets_new(struct shell *sh, struct outlets **ret)
{
    struct outlets *all = calloc(1, sizeof(*all));
    if (!all)
        return -ENOMEM;
    all->sh = sh;
    all->ranks = umap_new(outlet_free);
    all->chunk = malloc(CHUNK);
    if (!all->ranks || !all->chunk) {
        outlets_free(all);
        return -ENOMEM;
    }
    *ret = all;
    return 0;
}

void outlets_free(struct outlets *all)
{
    if (!all)
        return;
    umap_free(all->ranks);
    free(all->chunk);
    free(all);
}

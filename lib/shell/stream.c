/* The output stream of one job: see stream.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "shell/stream_private.h"

static int stream_alloc(struct env *env, const char *path, struct stream **ret)
{
    struct stream *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->refs = 1;
    s->env = env_ref(env);
    s->time = env_time(env);
    s->path = strdup(path);
    if (!s->path) {
        stream_unref(s);
        return -ENOMEM;
    }
    *ret = s;
    return 0;
}

int stream_new(struct env *env, const char *path, unsigned ntasks, uint64_t limit,
               struct stream **ret)
{
    struct stream *s;
    int rc = stream_alloc(env, path, &s);
    if (rc < 0)
        return rc;
    s->ntasks = ntasks;
    s->limit = limit;
    *ret = s;
    return 0;
}

/* Note a record that is in the file. */
static int count(struct stream *s, const struct segment_record *r)
{
    s->seq += r->origin == 0;
    if (r->kind == SEGMENT_DATA && r->stream < 2)
        s->used[r->stream] += r->len;
    return r->origin ? stream_note_origin(s, r) : 0;
}

/* One record; -EPROTO at what is none. */
static int scan_record(struct stream *s, uint64_t end, bool writing)
{
    char rec[SEGMENT_RECORD_SIZE + sizeof(uint64_t)]; /* all of a SEGMENT_SEQ */
    struct segment_record r = {0};
    size_t need;
    ssize_t n =
        file_pread(s->file, rec, sizeof(rec), (off_t)(s->size + SEGMENT_HEADER_SIZE));
    if (n < SEGMENT_RECORD_SIZE || segment_read(rec, (size_t)n, &r, &need) < 0 ||
        s->size + need > end)
        return -EPROTO;
    s->size += need;
    return writing ? count(s, &r) : 0;
}

/* Find where the whole records of the file end; a torn one is cut off by that. */
static int scan(struct stream *s, bool writing)
{
    char text[SEGMENT_HEADER_SIZE];
    struct segment_header h;
    ssize_t n = file_pread(s->file, text, sizeof(text), 0);
    if (n < 0)
        return (int)n;
    int rc = segment_read_header(text, (size_t)n, &h);
    if (rc < 0)
        return rc;
    s->ntasks = h.ntasks;
    s->base = s->seq = h.base;
    s->has_data = true;
    off_t size = file_size(s->file);
    uint64_t end = size > (off_t)sizeof(text) ? (uint64_t)size - sizeof(text) : 0;
    while (rc == 0 && s->size < end)
        rc = scan_record(s, end, writing);
    return rc == -EPROTO ? 0 : rc;
}

int stream_open(struct env *env, const char *path, struct stream **ret)
{
    struct stream *s;
    int rc = stream_alloc(env, path, &s);
    if (rc < 0)
        return rc;
    s->ntasks = 1;
    rc = file_open(env, path, O_RDONLY | O_NOFOLLOW, 0, &s->file);
    if (rc == 0)
        rc = scan(s, false);
    if (rc < 0 && rc != -ENOENT && rc != -EPROTO) {
        stream_unref(s);
        return rc;
    }
    s->ended = true;
    *ret = s;
    return 0;
}

int stream_resume(struct env *env, const char *path, unsigned ntasks, uint64_t limit,
                  struct stream **ret)
{
    struct stream *s;
    int rc = stream_alloc(env, path, &s);
    if (rc < 0)
        return rc;
    rc = file_open(env, path, O_RDWR | O_NOFOLLOW, 0, &s->file);
    if (rc == 0)
        rc = scan(s, true);
    if (rc == -EPROTO) { /* no header: as good as none */
        file_close(s->file);
        s->file = NULL;
    } else if (rc < 0 && rc != -ENOENT) {
        stream_unref(s);
        return rc;
    }
    stream_set(s, ntasks, limit);
    *ret = s;
    return 0;
}

struct stream *stream_ref(struct stream *s)
{
    s->refs++;
    return s;
}

void stream_unref(struct stream *s)
{
    if (!s || --s->refs > 0)
        return;
    file_close(s->file);
    buf_free(&s->pending);
    umap_free(s->origins);
    free(s->path);
    env_unref(s->env);
    free(s);
}

static void add(struct stream *s, int kind, unsigned rank, unsigned stream,
                const char *data, size_t len)
{
    struct segment_record r = {.kind = (uint8_t)kind,
                               .stream = (uint8_t)stream,
                               .rank = rank,
                               .time = env_time(s->env),
                               .data = data,
                               .len = (uint32_t)len};
    segment_add(&s->pending, &r);
    s->seq++;
}

static void note_full(struct stream *s, unsigned stream)
{
    char text[120];
    snprintf(text, sizeof(text), "%s: truncated after %llu bytes (output.limit)",
             stream ? "stderr" : "stdout", (unsigned long long)s->limit);
    s->full[stream] = true;
    stream_log(s, LOG_WARNING, text);
}

size_t stream_take_room(struct stream *s, unsigned stream, size_t len)
{
    uint64_t room = s->limit > s->used[stream] ? s->limit - s->used[stream] : 0;
    size_t n = len > room ? (size_t)room : len;
    s->used[stream] += n;
    s->has_data = true;
    return n;
}

void stream_check_full(struct stream *s, unsigned stream, bool cut)
{
    if (cut && !s->full[stream])
        note_full(s, stream);
}

void stream_data(struct stream *s, unsigned rank, unsigned stream, const char *data,
                 size_t len)
{
    if (s->full[stream] || len == 0)
        return;
    size_t n = stream_take_room(s, stream, len);
    if (n > 0)
        add(s, SEGMENT_DATA, rank, stream, data, n);
    stream_check_full(s, stream, n < len);
}

void stream_redirect(struct stream *s, unsigned rank, unsigned stream, const char *path)
{
    add(s, SEGMENT_REDIRECT, rank, stream, path, strlen(path));
}

void stream_log(struct stream *s, int level, const char *text)
{
    add(s, SEGMENT_LOG, 0, (unsigned)level, text, strlen(text));
    s->has_data = true;
}

static int create(struct stream *s)
{
    struct buf head = {0};
    int rc = file_open(s->env, s->path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600,
                       &s->file);
    if (rc < 0)
        return rc;
    segment_add_header(&head, &(struct segment_header){s->ntasks, (uint32_t)s->base});
    ssize_t n = head.failed ? -ENOMEM : file_pwrite(s->file, head.data, head.len, 0);
    bool whole = n == (ssize_t)head.len;
    buf_free(&head);
    if (!whole) {
        file_close(s->file);
        s->file = NULL;
        return n < 0 ? (int)n : -ENOSPC;
    }
    return 0;
}

/* Write at a place that we keep, not at the end of the file: a write that was cut short
 * is overwritten by the next one. */
static int write_pending(struct stream *s)
{
    int rc = s->file ? 0 : create(s);
    size_t done = 0;
    while (rc == 0 && done < s->pending.len) {
        ssize_t n = file_pwrite(s->file, s->pending.data + done, s->pending.len - done,
                                (off_t)(SEGMENT_HEADER_SIZE + s->size + done));
        if (n <= 0)
            rc = n < 0 ? (int)n : -ENOSPC;
        else
            done += (size_t)n;
    }
    return rc;
}

void stream_flush(struct stream *s)
{
    if (!s->has_data || s->pending.len == 0)
        return;
    bool lost = s->pending.failed;
    if (!lost && write_pending(s) == 0) {
        s->size += s->pending.len;
        s->pending.len = 0;
        return;
    }
    buf_free(&s->pending); /* also clears `failed` */
    stream_log(s, LOG_ERR, "output was lost: it could not be written");
}

void stream_forget(struct stream *s)
{
    if (s->file) {
        file_close(s->file);
        s->file = NULL;
        (void)file_unlink(s->env, s->path);
    }
    s->pending.len = 0;
    s->size = 0;
    s->base = s->seq;
    s->has_data = false;
}

void stream_set(struct stream *s, unsigned ntasks, uint64_t limit)
{
    if (s->ntasks == 0)
        s->ntasks = ntasks;
    if (s->limit == 0)
        s->limit = limit;
}

void stream_end(struct stream *s)
{
    stream_flush(s);
    s->ended = true;
}

unsigned stream_ntasks(const struct stream *s)
{
    return s->ntasks;
}

uint64_t stream_base(const struct stream *s)
{
    return s->base;
}

double stream_time(const struct stream *s)
{
    return s->time;
}

bool stream_is_dirty(const struct stream *s)
{
    return s->has_data && s->pending.len > 0;
}

bool stream_has_ended(const struct stream *s)
{
    return s->ended;
}

bool stream_has_data(const struct stream *s)
{
    return s->has_data;
}

bool stream_is_kept(const struct stream *s)
{
    return s->file && s->pending.len == 0;
}

uint64_t stream_size(const struct stream *s)
{
    return s->size + s->pending.len;
}

ssize_t stream_read(struct stream *s, uint64_t pos, void *buf, size_t size)
{
    if (pos < s->size) {
        uint64_t left = s->size - pos;
        size_t n = size < left ? size : (size_t)left;
        return file_pread(s->file, buf, n, (off_t)(SEGMENT_HEADER_SIZE + pos));
    }
    uint64_t off = pos - s->size;
    if (off >= s->pending.len)
        return 0;
    size_t n = s->pending.len - (size_t)off;
    n = n < size ? n : size;
    memcpy(buf, s->pending.data + off, n);
    return (ssize_t)n;
}

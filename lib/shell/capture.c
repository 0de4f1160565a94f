/* Reading one pipe: see capture.h. */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "env/pipe.h"
#include "shell/capture.h"

#define CHUNK 65536    /* bytes of one read, and of a kept line */
#define READS_A_TURN 4 /* so that one writer cannot starve the others */

struct capture {
    int fd;
    bool by_line, ended;
    struct watcher *w;
    struct buf line; /* an unfinished one */
    capture_f fn;
    unsigned tag;
    void *arg;
};

static void pass_on(struct capture *c, const char *data, size_t len)
{
    if (len > 0)
        c->fn(c->tag, data, len, c->arg);
}

static void flush_line(struct capture *c)
{
    pass_on(c, c->line.data, c->line.len);
    c->line.len = 0;
}

static void split(struct capture *c, const char *data, size_t len)
{
    const char *nl = memrchr(data, '\n', len);
    size_t whole = nl ? (size_t)(nl - data) + 1 : 0;
    if (whole > 0) {
        if (c->line.len > 0) {
            const char *first = (const char *)memchr(data, '\n', len) + 1;
            buf_add(&c->line, data, (size_t)(first - data));
            flush_line(c);
            whole -= (size_t)(first - data);
            len -= (size_t)(first - data);
            data = first;
        }
        pass_on(c, data, whole);
    }
    if (len > whole)
        buf_add(&c->line, data + whole, len - whole);
    if (c->line.len >= CHUNK)
        flush_line(c);
}

static void end(struct capture *c)
{
    if (c->ended)
        return;
    c->ended = true;
    watcher_free(c->w);
    c->w = NULL;
    pipe_close(c->fd);
    c->fd = -1;
    flush_line(c);
    buf_free(&c->line);
    c->fn(c->tag, NULL, 0, c->arg);
}

/* 1: there may be more; 0: the pipe is empty; -1: it has ended. */
static int read_once(struct capture *c)
{
    char data[CHUNK];
    ssize_t n = pipe_read(c->fd, data, sizeof(data));
    if (n == -EAGAIN)
        return 0;
    if (n <= 0)
        return -1;
    if (c->by_line)
        split(c, data, (size_t)n);
    else
        pass_on(c, data, (size_t)n);
    return (size_t)n == sizeof(data);
}

static void readable(struct watcher *w, int revents, void *arg)
{
    struct capture *c = arg;
    int rc = 1;
    for (int i = 0; i < READS_A_TURN && rc > 0; i++)
        rc = read_once(c);
    if (rc < 0)
        end(c);
}

int capture_new(struct loop *loop, int fd, bool by_line, capture_f fn, unsigned tag,
                void *arg, struct capture **ret)
{
    struct capture *c = calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    c->fd = fd;
    c->by_line = by_line;
    c->fn = fn;
    c->tag = tag;
    c->arg = arg;
    int rc = watcher_new_fd(loop, fd, LOOP_IN, readable, c, &c->w);
    if (rc < 0) {
        free(c);
        return rc;
    }
    watcher_start(c->w);
    *ret = c;
    return 0;
}

void capture_finish(struct capture *c)
{
    /* A pipe holds a megabyte at most; who still fills it is none of the job's. */
    for (int i = 0; i < 32 && !c->ended; i++) {
        int rc = read_once(c);
        if (rc == 0 || rc < 0)
            break;
    }
    end(c);
}

void capture_pause(struct capture *c, bool pause)
{
    if (!c->w)
        return;
    if (pause)
        watcher_stop(c->w);
    else
        watcher_start(c->w);
}

void capture_free(struct capture *c)
{
    if (!c)
        return;
    watcher_free(c->w);
    if (!c->ended)
        pipe_close(c->fd);
    buf_free(&c->line);
    free(c);
}

/* Lines as they come; see lines.h. */
#include "cli/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <flux/watcher.h>

#include "base/buf.h"
#include "base/list.h"

#define PIECE 65536u
#define LINE_MAX_BYTES (1u << 20)

struct file {
    struct list link; /* ls->files, the one that is read first */
    char *path;
    int fd;
    unsigned number; /* of the last line given out */
    struct buf data;
    size_t at; /* of the next line in it */
    bool ended;
};

struct lines {
    struct cli *c;
    flux_reactor_t *r;
    void (*more)(void *arg);
    void *arg;
    struct list files;
    flux_watcher_t *ready;
    struct file *awaited; /* the one that `ready` watches */
};

struct lines *lines_new(struct cli *c, flux_reactor_t *r, void (*more)(void *arg),
                        void *arg)
{
    struct lines *ls = calloc(1, sizeof(*ls));

    if (!ls)
        return NULL;
    *ls = (struct lines){.c = c, .r = r, .more = more, .arg = arg};
    list_init(&ls->files);
    return ls;
}

static void stop_waiting(struct lines *ls)
{
    flux_watcher_destroy(ls->ready);
    ls->ready = NULL;
    ls->awaited = NULL;
}

static void close_file(struct lines *ls, struct file *f)
{
    if (ls->awaited == f)
        stop_waiting(ls);
    list_del(&f->link);
    if (f->fd > STDIN_FILENO)
        close(f->fd);
    buf_free(&f->data);
    free(f->path);
    free(f);
}

void lines_free(struct lines *ls)
{
    if (!ls)
        return;
    list_each(f, &ls->files, struct file, link)
    {
        close_file(ls, f);
    }
    stop_waiting(ls);
    free(ls);
}

bool lines_push(struct lines *ls, const char *path)
{
    bool is_stdin = !strcmp(path, "-");
    struct file *f = calloc(1, sizeof(*f));

    if (!f || !(f->path = strdup(is_stdin ? "standard input" : path))) {
        free(f);
        cli_fail(ls->c, "%s: out of memory", path);
        return false;
    }
    list_init(&f->link);
    f->fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (f->fd < 0) {
        cli_fail(ls->c, "%s: %s", path, strerror(errno));
        close_file(ls, f);
        return false;
    }
    list_prepend(&ls->files, &f->link);
    return true;
}

static void on_ready(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct lines *ls = arg;

    stop_waiting(ls);
    ls->more(ls->arg);
}

/* Nothing can be read now: say when it can. */
static bool wait_for(struct lines *ls, struct file *f)
{
    if (ls->awaited == f)
        return true;
    stop_waiting(ls);
    if (!(ls->ready = flux_fd_watcher_create(ls->r, f->fd, FLUX_POLLIN, on_ready, ls)))
        return false;
    ls->awaited = f;
    flux_watcher_start(ls->ready);
    return true;
}

/* LINES_ONE: there is more data, or its end. */
static enum lines_result read_piece(struct lines *ls, struct file *f)
{
    struct pollfd p = {.fd = f->fd, .events = POLLIN};
    ssize_t n;

    if (poll(&p, 1, 0) == 0)
        return wait_for(ls, f) ? LINES_NONE_YET : LINES_FAILED;
    buf_consume(&f->data, f->at);
    f->at = 0;
    if (buf_reserve(&f->data, PIECE) < 0) {
        cli_fail(ls->c, "%s: out of memory", f->path);
        return LINES_FAILED;
    }
    do
        n = read(f->fd, f->data.data + f->data.len, PIECE);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        cli_fail(ls->c, "%s: %s", f->path, strerror(errno));
        return LINES_FAILED;
    }
    f->data.len += (size_t)n;
    f->ended = n == 0;
    return LINES_ONE;
}

/* The next line that is there as a whole, or what is left at the end of the file. */
static bool take_line(struct file *f, struct line *ret)
{
    const char *p = f->data.data + f->at;
    size_t left = f->data.len - f->at;
    const char *end = left ? memchr(p, '\n', left) : NULL;

    if (!end && !(f->ended && left))
        return false;
    *ret = (struct line){.text = p,
                         .len = end ? (size_t)(end - p) : left,
                         .file = f->path,
                         .number = ++f->number};
    f->at += ret->len + (end ? 1 : 0);
    return true;
}

enum lines_result lines_next(struct lines *ls, struct line *ret)
{
    struct file *f;
    enum lines_result rc;

    while ((f = list_first(&ls->files, struct file, link))) {
        if (take_line(f, ret))
            return LINES_ONE;
        if (f->data.len - f->at > LINE_MAX_BYTES) {
            cli_fail(ls->c, "%s:%u: a line of more than 1 MiB", f->path, f->number + 1);
            return LINES_FAILED;
        }
        if (f->ended)
            close_file(ls, f);
        else if ((rc = read_piece(ls, f)) != LINES_ONE)
            return rc;
    }
    return LINES_END;
}

/* Where output goes: see output.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/list.h"
#include "shell/output.h"

struct outfile {
    struct list link;
    char *path;
    struct file *file;
};

struct output {
    struct env *env;
    const struct plan *plan;
    struct list files;
    /* By task, or one for all when the path names no task; NULL: the stream. */
    struct outfile **sink[2];
    bool by_task[2];
};

static void outfile_free(struct outfile *f)
{
    list_del(&f->link);
    file_close(f->file);
    free(f->path);
    free(f);
}

static struct outfile *find(struct output *o, const char *path)
{
    list_each(f, &o->files, struct outfile, link) if (!strcmp(f->path, path)) return f;
    return NULL;
}

static int open_file(struct env *env, const char *path, bool append, struct file **ret)
{
    struct stat st;
    int flags = O_WRONLY | O_CREAT | O_APPEND | (append ? 0 : O_TRUNC);
    /* Opening a named pipe would wait for its reader, and hold up all jobs. */
    if (file_stat(env, path, &st) == 0 && S_ISFIFO(st.st_mode))
        flags = O_RDWR | O_APPEND;
    return file_open(env, path, flags, 0666, ret);
}

/* Takes path over. */
static int add_file(struct output *o, char *path, bool append, struct outfile **ret,
                    flux_error_t *err)
{
    struct outfile *f = find(o, path);
    if (f) {
        free(path);
        *ret = f;
        return 0;
    }
    f = calloc(1, sizeof(*f));
    if (!f) {
        free(path);
        return -ENOMEM;
    }
    list_init(&f->link);
    f->path = path;
    int rc = open_file(o->env, path, append, &f->file);
    if (rc < 0) {
        error_set(err, -rc, "cannot open output file '%s': %s", path, strerror(-rc));
        outfile_free(f);
        return rc;
    }
    list_append(&o->files, &f->link);
    *ret = f;
    return 0;
}

static int open_stream(struct output *o, int which, flux_error_t *err)
{
    const struct plan_stream *s = &o->plan->stream[which];
    if (!s->path || plan_is_leaders(o->plan, which))
        return 0;
    o->by_task[which] = template_names_task(s->path);
    unsigned n = o->by_task[which] ? o->plan->nlocal : 1;
    o->sink[which] = calloc(n, sizeof(*o->sink[which]));
    if (!o->sink[which])
        return -ENOMEM;
    for (unsigned i = 0; i < n; i++) {
        char *path;
        int rc = plan_path(o->plan, s->path, i, &path);
        if (rc == 0)
            rc = add_file(o, path, s->append, &o->sink[which][i], err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int output_new(struct env *env, const struct plan *p, struct output **ret,
               flux_error_t *err)
{
    struct output *o = calloc(1, sizeof(*o));
    error_set(err, ENOMEM, "out of memory");
    if (!o)
        return -ENOMEM;
    o->env = env_ref(env);
    o->plan = p;
    list_init(&o->files);
    int rc = open_stream(o, 0, err);
    if (rc == 0)
        rc = open_stream(o, 1, err);
    if (rc < 0) {
        output_free(o);
        return rc;
    }
    *ret = o;
    return 0;
}

void output_free(struct output *o)
{
    if (!o)
        return;
    list_each(f, &o->files, struct outfile, link) outfile_free(f);
    free(o->sink[0]);
    free(o->sink[1]);
    env_unref(o->env);
    free(o);
}

static struct outfile *sink_of(const struct output *o, unsigned index, int which)
{
    return o->sink[which] ? o->sink[which][o->by_task[which] ? index : 0] : NULL;
}

int output_fd(const struct output *o, unsigned index, int which)
{
    struct outfile *f = sink_of(o, index, which);
    return f && !o->plan->stream[which].label ? file_fd(f->file) : -1;
}

static void put_lines(struct file *file, unsigned rank, const char *data, size_t len)
{
    struct buf out = {0};
    while (len > 0) {
        const char *nl = memchr(data, '\n', len);
        size_t n = nl ? (size_t)(nl - data) + 1 : len;
        buf_addf(&out, "%u: ", rank);
        buf_add(&out, data, n);
        data += n;
        len -= n;
    }
    if (!out.failed)
        (void)file_append(file, out.data, out.len);
    buf_free(&out);
}

static void write_file(const struct output *o, struct outfile *f, unsigned rank,
                       int which, const char *data, size_t len)
{
    if (o->plan->stream[which].label)
        put_lines(f->file, rank, data, len);
    else
        (void)file_append(f->file, data, len);
}

void output_put(struct output *o, struct stream *s, unsigned index, int which,
                const char *data, size_t len)
{
    struct outfile *f = o ? sink_of(o, index, which) : NULL;
    unsigned rank = o ? plan_task_rank(o->plan, index) : 0;
    if (f)
        write_file(o, f, rank, which, data, len);
    else
        stream_data(s, rank, (unsigned)which, data, len);
}

void output_write(struct output *o, unsigned rank, int which, const char *data,
                  size_t len)
{
    if (o->sink[which] && !o->by_task[which])
        write_file(o, o->sink[which][0], rank, which, data, len);
}

void output_announce(const struct output *o, struct stream *s)
{
    for (int which = 0; which < 2; which++)
        for (unsigned i = 0; i < o->plan->nlocal; i++)
            if (sink_of(o, i, which))
                stream_redirect(s, plan_task_rank(o->plan, i), (unsigned)which,
                                sink_of(o, i, which)->path);
}

/* Files and folders, the part that both worlds share: whole-file reads and
 * replacement, temporary folders. The rest is behind struct file_ops (impl.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "env/impl.h"

int file_open(struct env *env, const char *path, int flags, mode_t mode,
              struct file **ret)
{
    return env->ops->file->open(env, path, flags, mode, ret);
}

int file_fd(const struct file *f)
{
    return f->ops->fd(f);
}

ssize_t file_pread(struct file *f, void *buf, size_t len, off_t off)
{
    return f->ops->pread(f, buf, len, off);
}

ssize_t file_pwrite(struct file *f, const void *buf, size_t len, off_t off)
{
    return f->ops->pwrite(f, buf, len, off);
}

/* Half a record at the end is worse than none. */
static int append_failed(struct file *f, size_t done, ssize_t error)
{
    off_t size = done > 0 ? file_size(f) : -1;
    if (size >= (off_t)done)
        (void)f->ops->truncate(f, size - (off_t)done);
    return (int)error;
}

int file_append(struct file *f, const void *buf, size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = f->ops->write_end(f, (const char *)buf + done, len - done);
        if (n < 0)
            return append_failed(f, done, n);
        done += (size_t)n;
    }
    return 0;
}

int file_truncate(struct file *f, off_t size)
{
    return f->ops->truncate(f, size);
}

int file_sync(struct file *f)
{
    return f->ops->sync(f);
}

off_t file_size(struct file *f)
{
    return f->ops->size(f);
}

int file_lock(struct file *f)
{
    return f->ops->lock(f);
}

void file_close(struct file *f)
{
    if (f)
        f->ops->close(f);
}

DEFINE_CLEANUP(struct file *, file_close)

/* Sizes are not believed: files under /proc have none. */
static int read_all(struct file *f, size_t max, struct buf *out)
{
    for (;;) {
        size_t room = out->len <= max ? max - out->len + 1 : 1;
        room = room < 65536 ? room : 65536;
        if (buf_reserve(out, room + 1) < 0)
            return -ENOMEM;
        ssize_t n = file_pread(f, out->data + out->len, room, (off_t)out->len);
        if (n < 0)
            return (int)n;
        out->len += (size_t)n;
        out->data[out->len] = '\0';
        if (out->len > max)
            return -EFBIG;
        if (n == 0)
            return 0;
    }
}

int file_read(struct env *env, const char *path, size_t max, char **ret, size_t *ret_len)
{
    CLEANUP(file_close_p) struct file *f = NULL;
    struct buf buf = {0};
    int rc = file_open(env, path, O_RDONLY, 0, &f);
    if (rc == 0)
        rc = read_all(f, max, &buf);
    if (rc < 0) {
        buf_free(&buf);
        return rc;
    }
    size_t len;
    *ret = buf_take(&buf, &len);
    if (ret_len)
        *ret_len = len;
    return 0;
}

/* Fill the X's that end a template, which begin at `x`. */
static void draw_name(struct env *env, char *x)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    unsigned char b[6];
    env_random(env, b, sizeof(b));
    for (int i = 0; i < 6; i++)
        x[i] = letters[b[i] % 36];
}

static int write_new(struct env *env, const char *path, const void *buf, size_t len,
                     mode_t mode)
{
    CLEANUP(file_close_p) struct file *f = NULL;
    int rc = file_open(env, path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW,
                       mode, &f);
    if (rc < 0)
        return rc;
    rc = file_append(f, buf, len);
    if (rc == 0)
        rc = file_sync(f);
    if (rc < 0)
        file_unlink(env, path);
    return rc;
}

/* The folder that holds path, yours to free(). */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

int file_replace(struct env *env, const char *path, const void *buf, size_t len,
                 mode_t mode)
{
    AUTOFREE char *folder = folder_of(path);
    AUTOFREE char *temp = NULL;
    if (!folder || asprintf(&temp, "%s.XXXXXX", path) < 0) {
        temp = NULL;
        return -ENOMEM;
    }
    int rc;
    do {
        draw_name(env, temp + strlen(path) + 1);
        rc = write_new(env, temp, buf, len, mode);
    } while (rc == -EEXIST);
    if (rc < 0)
        return rc;
    rc = env->ops->file->rename(env, temp, path);
    if (rc < 0) {
        file_unlink(env, temp);
        return rc;
    }
    return dir_sync(env, folder);
}

int file_stat(struct env *env, const char *path, struct stat *ret)
{
    return env->ops->file->stat(env, path, ret);
}

int file_unlink(struct env *env, const char *path)
{
    return env->ops->file->unlink(env, path);
}

int file_symlink(struct env *env, const char *target, const char *path)
{
    return env->ops->file->symlink(env, target, path);
}

int file_readlink(struct env *env, const char *path, char *buf, size_t size)
{
    return env->ops->file->readlink(env, path, buf, size);
}

/* ---- folders ---- */

int dir_make(struct env *env, const char *path, mode_t mode)
{
    return env->ops->file->mkdir(env, path, mode);
}

int dir_make_temp(struct env *env, char *tmpl)
{
    size_t len = strlen(tmpl);
    if (len < 6 || strcmp(tmpl + len - 6, "XXXXXX") != 0)
        return -EINVAL;
    int rc;
    do {
        draw_name(env, tmpl + len - 6);
        rc = dir_make(env, tmpl, 0700);
    } while (rc == -EEXIST);
    return rc;
}

int dir_each(struct env *env, const char *path, int (*fn)(const char *name, void *arg),
             void *arg)
{
    return env->ops->file->each(env, path, fn, arg);
}

int dir_sync(struct env *env, const char *path)
{
    return env->ops->file->sync_dir(env, path);
}

int dir_remove(struct env *env, const char *path)
{
    return env->ops->file->remove_tree(env, path);
}

int64_t dir_space(struct env *env, const char *path)
{
    return env->ops->file->space(env, path);
}

/* Files of the real world: system calls. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "env/impl.h"
#include "env/real.h"

struct real_file {
    struct file base;
    int fd;
};

static int fd_of(const struct file *f)
{
    return CONTAINER_OF(f, struct real_file, base)->fd;
}

static int result(int rc)
{
    return rc < 0 ? -errno : 0;
}

static int real_open(struct env *env, const char *path, int flags, mode_t mode,
                     struct file **ret)
{
    struct real_file *f = calloc(1, sizeof(*f));
    if (!f)
        return -ENOMEM;
    do {
        f->fd = open(path, flags | O_CLOEXEC, mode);
    } while (f->fd < 0 && errno == EINTR);
    if (f->fd < 0) {
        int rc = -errno;
        free(f);
        return rc;
    }
    f->base.ops = &real_file_ops;
    *ret = &f->base;
    return 0;
}

static void real_close(struct file *base)
{
    close(fd_of(base));
    free(CONTAINER_OF(base, struct real_file, base));
}

static int real_fd(const struct file *f)
{
    return fd_of(f);
}

static ssize_t real_pread(struct file *f, void *buf, size_t len, off_t off)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = pread(fd_of(f), (char *)buf + done, len - done, off + (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

static ssize_t real_pwrite(struct file *f, const void *buf, size_t len, off_t off)
{
    ssize_t n;
    do {
        n = pwrite(fd_of(f), buf, len, off);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static ssize_t real_write_end(struct file *f, const void *buf, size_t len)
{
    ssize_t n;
    do {
        n = write(fd_of(f), buf, len);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static int real_truncate(struct file *f, off_t size)
{
    return result(ftruncate(fd_of(f), size));
}

static int real_sync(struct file *f)
{
    return result(fdatasync(fd_of(f)));
}

static off_t real_size(struct file *f)
{
    struct stat st;
    return fstat(fd_of(f), &st) < 0 ? -errno : st.st_size;
}

static int real_lock(struct file *f)
{
    int rc;
    do {
        rc = flock(fd_of(f), LOCK_EX | LOCK_NB);
    } while (rc < 0 && errno == EINTR);
    return result(rc);
}

static int real_stat(struct env *env, const char *path, struct stat *ret)
{
    return result(lstat(path, ret));
}

static int real_unlink(struct env *env, const char *path)
{
    return result(unlink(path));
}

static int real_rename(struct env *env, const char *from, const char *to)
{
    return result(rename(from, to));
}

static int real_symlink(struct env *env, const char *target, const char *path)
{
    return result(symlink(target, path));
}

static int real_readlink(struct env *env, const char *path, char *buf, size_t size)
{
    if (size == 0)
        return -EINVAL;
    ssize_t n = readlink(path, buf, size);
    if (n < 0)
        return -errno;
    if ((size_t)n == size)
        return -ENAMETOOLONG;
    buf[n] = '\0';
    return (int)n;
}

static int real_mkdir(struct env *env, const char *path, mode_t mode)
{
    return result(mkdir(path, mode));
}

static DIR *open_dir(int at, const char *path, int flags)
{
    int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir && fd >= 0)
        close(fd);
    return dir;
}

/* Next entry but . and .. ; NULL at the end, or with errno. */
static const char *next_name(DIR *dir)
{
    struct dirent *e;
    do {
        errno = 0;
        e = readdir(dir);
    } while (e && (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0));
    return e ? e->d_name : NULL;
}

static int remove_at(int at, const char *name);

static int empty_at(int at, const char *name)
{
    DIR *dir = open_dir(at, name, O_NOFOLLOW);
    if (!dir)
        return -errno;
    int rc = 0;
    const char *entry;
    while (rc == 0 && (entry = next_name(dir)))
        rc = remove_at(dirfd(dir), entry);
    closedir(dir);
    return rc;
}

static int remove_dir_at(int at, const char *name)
{
    /* Removing entries may hide others from the same pass; a few must do. */
    for (int pass = 0; pass < 8; pass++) {
        int rc = empty_at(at, name);
        if (rc < 0)
            return rc;
        if (unlinkat(at, name, AT_REMOVEDIR) == 0)
            return 0;
        if (errno != ENOTEMPTY && errno != EEXIST)
            break;
    }
    return -errno;
}

static int remove_at(int at, const char *name)
{
    if (unlinkat(at, name, 0) == 0 || errno == ENOENT)
        return 0;
    return errno == EISDIR || errno == EPERM ? remove_dir_at(at, name) : -errno;
}

static int real_remove_tree(struct env *env, const char *path)
{
    return remove_dir_at(AT_FDCWD, path);
}

static int real_each(struct env *env, const char *path,
                     int (*fn)(const char *name, void *arg), void *arg)
{
    DIR *dir = open_dir(AT_FDCWD, path, 0);
    if (!dir)
        return -errno;
    int rc = 0;
    const char *name;
    while (rc == 0 && (name = next_name(dir)))
        rc = fn(name, arg);
    if (rc == 0)
        rc = -errno;
    closedir(dir);
    return rc;
}

static int real_sync_dir(struct env *env, const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int rc = result(fsync(fd));
    close(fd);
    return rc == -EINVAL ? 0 : rc; /* file systems that cannot have nothing to lose */
}

static int64_t real_space(struct env *env, const char *path)
{
    struct statvfs st;
    if (statvfs(path, &st) < 0)
        return -errno;
    return (int64_t)st.f_bavail * (int64_t)st.f_frsize;
}

const struct file_ops real_file_ops = {
    .open = real_open,
    .stat = real_stat,
    .unlink = real_unlink,
    .rename = real_rename,
    .symlink = real_symlink,
    .readlink = real_readlink,
    .mkdir = real_mkdir,
    .remove_tree = real_remove_tree,
    .each = real_each,
    .sync_dir = real_sync_dir,
    .space = real_space,
    .fd = real_fd,
    .pread = real_pread,
    .pwrite = real_pwrite,
    .write_end = real_write_end,
    .truncate = real_truncate,
    .sync = real_sync,
    .size = real_size,
    .lock = real_lock,
    .close = real_close,
};

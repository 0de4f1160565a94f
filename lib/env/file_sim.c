/* Files of a simulated host: paths and open files, over the disk of disk_sim.h. It starts
 * with /tmp. Permissions are stored but not checked. "." is the root. A file that was
 * removed lives on while it is open.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "env/sim.h"

#define NAME_MAX_BYTES 255
#define LINKS_MAX 40
#define SPACE_BYTES (1ll << 40)

struct sim_file {
    struct file base;
    struct sim_inode *node;
    int flags;
};

/* Where a path leads: the folder and name of its last part, and what is there. */
struct place {
    struct sim_inode *folder;
    char name[NAME_MAX_BYTES + 1];
    struct sim_inode *node; /* NULL: nothing */
};

/* Put a node there (NULL: remove what is). */
static int place_set(struct sim_env *s, const struct place *at, struct sim_inode *n)
{
    int rc = disk_admit(s, DISK_WRITE);
    return rc < 0 ? rc : disk_link(s, at->folder, at->name, n, false);
}

/* The same with a new one; takes the reference to n, also on failure. */
static int place_add(struct sim_env *s, const struct place *at, struct sim_inode *n)
{
    int rc = place_set(s, at, n);
    inode_unref(n);
    return rc;
}

/* ---- paths ---- */

/* The next part of *path, which moves on; 0 at the end. */
static int next_part(const char **path, char name[NAME_MAX_BYTES + 1])
{
    *path += strspn(*path, "/");
    size_t n = strcspn(*path, "/");
    if (n > NAME_MAX_BYTES)
        return -ENAMETOOLONG;
    memcpy(name, *path, n);
    name[n] = '\0';
    *path += n;
    return n > 0;
}

static bool is_last(const char *path)
{
    return path[strspn(path, "/")] == '\0';
}

static int walk(struct sim_env *s, struct sim_inode *from, const char *path, bool follow,
                int links, struct place *at);

/* The part just found is a link: go where it leads. */
static int walk_link(struct sim_env *s, const char *rest, int links, struct place *at)
{
    char target[4096];
    if (links == 0)
        return -ELOOP;
    snprintf(target, sizeof(target), "%s", at->node->target);
    int rc = walk(s, at->folder, target, true, links - 1, at);
    return rc == 0 && !at->node && !is_last(rest) ? -ENOENT : rc;
}

/* One part further down from at->node. */
static int walk_part(struct sim_env *s, const char *rest, bool follow, int links,
                     const char *name, struct place *at)
{
    struct sim_inode *cur = at->node;
    if (!S_ISDIR(cur->mode))
        return -ENOTDIR;
    if (strcmp(name, ".") == 0)
        return 0;
    if (strcmp(name, "..") == 0) {
        at->node = cur->parent;
        return 0;
    }
    at->folder = cur;
    strcpy(at->name, name);
    at->node = map_get(cur->entries, name);
    if (!at->node)
        return is_last(rest) ? 0 : -ENOENT;
    if (S_ISLNK(at->node->mode) && (follow || !is_last(rest)))
        return walk_link(s, rest, links, at);
    return 0;
}

static int walk(struct sim_env *s, struct sim_inode *from, const char *path, bool follow,
                int links, struct place *at)
{
    char name[NAME_MAX_BYTES + 1];
    int rc;
    if (!path[0])
        return -ENOENT;
    at->folder = at->node = path[0] == '/' ? s->disk.root : from;
    at->name[0] = '\0';
    while ((rc = next_part(&path, name)) > 0) {
        rc = walk_part(s, path, follow, links, name, at);
        if (rc < 0 || !at->node)
            return rc;
    }
    return rc;
}

static int find(struct env *env, const char *path, bool follow, struct place *at)
{
    struct sim_env *s = sim_env(env);
    return walk(s, s->disk.root, path, follow, LINKS_MAX, at);
}

static int find_existing(struct env *env, const char *path, bool follow, struct place *at)
{
    int rc = find(env, path, follow, at);
    return rc == 0 && !at->node ? -ENOENT : rc;
}

/* A place where something new may be put. */
static int find_free(struct env *env, const char *path, struct place *at)
{
    int rc = find(env, path, false, at);
    return rc == 0 && at->node ? -EEXIST : rc;
}

/* ---- open files ---- */

static struct sim_file *file_of(const struct file *f)
{
    return CONTAINER_OF(f, struct sim_file, base);
}

static int sim_fd(const struct file *f)
{
    return -ENOTSUP;
}

static ssize_t sim_pread(struct file *f, void *buf, size_t len, off_t off)
{
    struct sim_inode *n = file_of(f)->node;
    int rc = disk_admit(n->host, DISK_READ);
    if ((file_of(f)->flags & O_ACCMODE) == O_WRONLY)
        return -EBADF;
    if (S_ISDIR(n->mode))
        return -EISDIR;
    if (rc < 0 || off < 0)
        return rc < 0 ? rc : -EINVAL;
    if ((size_t)off >= n->view.len || len == 0)
        return 0;
    if (len > n->view.len - (size_t)off)
        len = n->view.len - (size_t)off;
    memcpy(buf, n->view.data + off, len);
    return (ssize_t)len;
}

static ssize_t write_at(struct sim_file *f, const void *buf, size_t len, size_t off)
{
    if ((f->flags & O_ACCMODE) == O_RDONLY)
        return -EBADF;
    if (len > SPACE_BYTES || off > SPACE_BYTES)
        return -EFBIG;
    return len == 0 ? 0 : inode_write(f->node, buf, len, off);
}

static ssize_t sim_pwrite(struct file *f, const void *buf, size_t len, off_t off)
{
    return off < 0 ? -EINVAL : write_at(file_of(f), buf, len, (size_t)off);
}

static ssize_t sim_write_end(struct file *f, const void *buf, size_t len)
{
    return write_at(file_of(f), buf, len, file_of(f)->node->view.len);
}

static int sim_truncate(struct file *f, off_t size)
{
    return size < 0 ? -EINVAL : inode_truncate(file_of(f)->node, (size_t)size);
}

static int sim_sync(struct file *f)
{
    return inode_sync(file_of(f)->node);
}

static off_t sim_size(struct file *f)
{
    return (off_t)file_of(f)->node->view.len;
}

static int sim_lock(struct file *f)
{
    struct sim_inode *n = file_of(f)->node;
    if (n->locker && n->locker != file_of(f))
        return -EWOULDBLOCK;
    n->locker = file_of(f);
    return 0;
}

static void sim_close(struct file *base)
{
    struct sim_file *f = file_of(base);
    if (f->node->locker == f)
        f->node->locker = NULL;
    inode_unref(f->node);
    free(f);
}

/* ---- path operations ---- */

static int open_node(struct env *env, const char *path, int flags, mode_t mode,
                     struct place *at)
{
    bool follow = !(flags & O_NOFOLLOW) && !((flags & O_CREAT) && (flags & O_EXCL));
    bool writes = (flags & O_ACCMODE) != O_RDONLY;
    int rc = find(env, path, follow, at);
    if (rc < 0)
        return rc;
    if (!at->node) {
        if (!(flags & O_CREAT))
            return -ENOENT;
        at->node = inode_new(sim_env(env), S_IFREG | (mode & 07777));
        return at->node ? place_add(sim_env(env), at, at->node) : -ENOMEM;
    }
    if ((flags & O_CREAT) && (flags & O_EXCL))
        return -EEXIST;
    if (S_ISLNK(at->node->mode))
        return -ELOOP;
    if ((flags & O_DIRECTORY) && !S_ISDIR(at->node->mode))
        return -ENOTDIR;
    return S_ISDIR(at->node->mode) && writes ? -EISDIR : 0;
}

static int sim_open(struct env *env, const char *path, int flags, mode_t mode,
                    struct file **ret)
{
    struct place at;
    int rc = open_node(env, path, flags, mode, &at);
    if (rc < 0)
        return rc;
    struct sim_file *f = calloc(1, sizeof(*f));
    if (!f)
        return -ENOMEM;
    f->base.ops = &sim_file_ops;
    f->node = inode_ref(at.node);
    f->flags = flags;
    if ((flags & O_TRUNC) && S_ISREG(f->node->mode))
        rc = inode_truncate(f->node, 0);
    if (rc < 0)
        sim_close(&f->base);
    else
        *ret = &f->base;
    return rc;
}

static struct timespec to_timespec(double t)
{
    struct timespec ts = {.tv_sec = (time_t)t};
    ts.tv_nsec = (long)((t - (double)ts.tv_sec) * 1e9);
    return ts;
}

static int sim_stat(struct env *env, const char *path, struct stat *ret)
{
    struct place at;
    int rc = find_existing(env, path, false, &at);
    if (rc < 0)
        return rc;
    struct sim_inode *n = at.node;
    memset(ret, 0, sizeof(*ret));
    ret->st_dev = 1;
    ret->st_ino = n->ino;
    ret->st_mode = n->mode;
    ret->st_nlink = S_ISDIR(n->mode) ? 2 : 1;
    ret->st_size = (off_t)(S_ISLNK(n->mode) ? strlen(n->target) : n->view.len);
    ret->st_mtim = ret->st_atim = to_timespec(n->mtime);
    ret->st_ctim = to_timespec(n->ctime);
    return 0;
}

static int sim_unlink(struct env *env, const char *path)
{
    struct place at;
    int rc = find_existing(env, path, false, &at);
    if (rc < 0)
        return rc;
    if (S_ISDIR(at.node->mode))
        return -EISDIR;
    return place_set(sim_env(env), &at, NULL);
}

static bool is_within(const struct sim_inode *n, const struct sim_inode *folder)
{
    while (n != folder && n->parent != n)
        n = n->parent;
    return n == folder;
}

static int check_rename(const struct place *from, const struct place *to)
{
    bool dir = S_ISDIR(from->node->mode);
    if (dir && is_within(to->folder, from->node))
        return -EINVAL;
    if (!to->node || to->node == from->node)
        return 0;
    if (S_ISDIR(to->node->mode) != dir)
        return dir ? -ENOTDIR : -EISDIR;
    return dir && map_count(to->node->entries) > 0 ? -ENOTEMPTY : 0;
}

static int sim_rename(struct env *env, const char *from_path, const char *to_path)
{
    struct place from, to;
    int rc = find_existing(env, from_path, false, &from);
    if (rc == 0)
        rc = find(env, to_path, false, &to);
    if (rc == 0)
        rc = check_rename(&from, &to);
    if (rc < 0 || to.node == from.node)
        return rc;
    struct sim_env *s = sim_env(env);
    rc = disk_admit(s, DISK_WRITE);
    if (rc == 0)
        rc = disk_link(s, to.folder, to.name, from.node, true);
    return rc < 0 ? rc : disk_link(s, from.folder, from.name, NULL, false);
}

static int sim_symlink(struct env *env, const char *target, const char *path)
{
    struct place at;
    int rc = find_free(env, path, &at);
    if (rc < 0)
        return rc;
    struct sim_inode *n = inode_new(sim_env(env), S_IFLNK | 0777);
    if (!n || !(n->target = strdup(target))) {
        inode_unref(n);
        return -ENOMEM;
    }
    return place_add(sim_env(env), &at, n);
}

static int sim_readlink(struct env *env, const char *path, char *buf, size_t size)
{
    struct place at;
    int rc = find_existing(env, path, false, &at);
    if (rc < 0)
        return rc;
    if (!S_ISLNK(at.node->mode))
        return -EINVAL;
    size_t len = strlen(at.node->target);
    if (len >= size)
        return -ENAMETOOLONG;
    memcpy(buf, at.node->target, len + 1);
    return (int)len;
}

static int sim_mkdir(struct env *env, const char *path, mode_t mode)
{
    struct place at;
    int rc = find_free(env, path, &at);
    if (rc < 0)
        return rc;
    struct sim_inode *n = inode_new(sim_env(env), S_IFDIR | (mode & 07777));
    return n ? place_add(sim_env(env), &at, n) : -ENOMEM;
}

static int sim_remove_tree(struct env *env, const char *path)
{
    struct place at;
    int rc = find_existing(env, path, false, &at);
    if (rc < 0)
        return rc;
    if (!S_ISDIR(at.node->mode))
        return -ENOTDIR;
    if (at.node->parent == at.node)
        return -EBUSY;
    if (!map_get(at.folder->entries, at.name))
        return -EINVAL; /* "." or ".." */
    return place_set(sim_env(env), &at, NULL);
}

/* The folder may change under way, as far as fn removes what it is called with. */
static int sim_each(struct env *env, const char *path,
                    int (*fn)(const char *name, void *arg), void *arg)
{
    struct place at;
    const char *name;
    void *value;
    int rc = find_existing(env, path, true, &at);
    if (rc < 0)
        return rc;
    if (!S_ISDIR(at.node->mode))
        return -ENOTDIR;
    struct sim_inode *folder = at.node;
    inode_ref(folder);
    for (size_t it = 0; rc == 0 && map_next(folder->entries, &it, &name, &value);) {
        snprintf(at.name, sizeof(at.name), "%s", name);
        rc = fn(at.name, arg);
    }
    inode_unref(folder);
    return rc;
}

static int sim_sync_dir(struct env *env, const char *path)
{
    struct place at;
    int rc = find_existing(env, path, true, &at);
    if (rc == 0 && (rc = disk_admit(sim_env(env), DISK_SYNC)) == 0)
        disk_sync_names(sim_env(env), at.node);
    return rc;
}

static int64_t sim_space(struct env *env, const char *path)
{
    struct sim_disk *d = &sim_env(env)->disk;
    struct place at;
    int rc = find_existing(env, path, true, &at);
    if (rc < 0)
        return rc;
    if (d->limit == 0)
        return SPACE_BYTES;
    return d->limit > d->used ? d->limit - d->used : 0;
}

const struct file_ops sim_file_ops = {
    .open = sim_open,
    .stat = sim_stat,
    .unlink = sim_unlink,
    .rename = sim_rename,
    .symlink = sim_symlink,
    .readlink = sim_readlink,
    .mkdir = sim_mkdir,
    .remove_tree = sim_remove_tree,
    .each = sim_each,
    .sync_dir = sim_sync_dir,
    .space = sim_space,
    .fd = sim_fd,
    .pread = sim_pread,
    .pwrite = sim_pwrite,
    .write_end = sim_write_end,
    .truncate = sim_truncate,
    .sync = sim_sync,
    .size = sim_size,
    .lock = sim_lock,
    .close = sim_close,
};

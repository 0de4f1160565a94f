/* The disk of a simulated host, see disk_sim.h. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "env/loop_sim.h"

#define SECTOR 512

/* A change of names. */
struct sim_change {
    struct list link;
    struct sim_inode *folder, *before;
    char *name;
    bool joined;
};

static struct sim_disk *disk_of(const struct sim_inode *n)
{
    return &n->host->disk;
}

static void count(struct sim_env *host, enum sim_fault fault)
{
    host->w->counts[fault]++;
}

/* ---- when it fails ---- */

static bool is_due(long *countdown)
{
    return *countdown >= 0 && (*countdown)-- == 0;
}

static bool is_drawn(struct sim_env *host, unsigned every)
{
    return every > 0 && sim_draw(host->w, 1, every) == 1;
}

int disk_admit(struct sim_env *host, enum disk_op op)
{
    struct sim_disk *d = &host->disk;
    if (op != DISK_READ && is_due(&d->cut))
        d->off = host->dead = true;
    if (d->off)
        return -EIO;
    if (op != DISK_READ && is_due(&d->fail)) {
        count(host, d->fail_error == -ENOSPC ? SIM_ENOSPC : SIM_EIO);
        return d->fail_error;
    }
    if (is_drawn(host, d->errors[op])) {
        count(host, SIM_EIO);
        return -EIO;
    }
    return 0;
}

/* ---- images ---- */

static int image_reserve(struct sim_image *im, size_t len)
{
    if (len <= im->size)
        return 0;
    size_t size = len < 4096 ? 4096 : len + len / 2;
    char *data = realloc(im->data, size);
    if (!data)
        return -ENOSPC;
    im->data = data;
    im->size = size;
    return 0;
}

/* Make it at least so long; new bytes are zero. */
static int image_extend(struct sim_image *im, size_t len)
{
    int rc = image_reserve(im, len);
    if (rc == 0 && len > im->len) {
        memset(im->data + im->len, 0, len - im->len);
        im->len = len;
    }
    return rc;
}

static void image_write(struct sim_image *im, const void *buf, size_t len, size_t off)
{
    int rc = image_extend(im, off + len);
    assert(rc == 0);
    memcpy(im->data + off, buf, len);
}

static int image_truncate(struct sim_image *im, size_t len)
{
    if (len > im->len)
        return image_extend(im, len);
    im->len = len;
    return 0;
}

/* ---- inodes ---- */

struct sim_inode *inode_ref(struct sim_inode *n)
{
    if (n)
        n->refcount++;
    return n;
}

static void drop_pending(struct sim_inode *n)
{
    for (size_t i = 0; i < n->npending; i++)
        free(n->pending[i].data);
    n->npending = 0;
}

void inode_unref(void *arg)
{
    struct sim_inode *n = arg;
    if (!n || --n->refcount > 0)
        return;
    disk_of(n)->used -= (int64_t)n->view.len;
    map_free(n->entries);
    drop_pending(n);
    free(n->pending);
    free(n->target);
    free(n->view.data);
    free(n->durable.data);
    free(n);
}

struct sim_inode *inode_new(struct sim_env *host, mode_t mode)
{
    struct sim_inode *n = calloc(1, sizeof(*n));
    if (!n)
        return NULL;
    n->refcount = 1;
    n->host = host;
    n->ino = ++host->disk.inodes;
    n->mode = mode;
    n->mtime = n->ctime = sim_wall(host);
    if (S_ISDIR(mode) && !(n->entries = map_new(inode_unref))) {
        free(n);
        return NULL;
    }
    return n;
}

/* A file that was there before its disk was tracked is durable as it is. */
static void remember(struct sim_inode *n, const void *buf, size_t len, size_t off)
{
    if (!disk_of(n)->track)
        return;
    if (n->npending == n->pending_size) {
        n->pending_size = n->pending_size ? n->pending_size * 2 : 16;
        n->pending = reallocarray(n->pending, n->pending_size, sizeof(*n->pending));
        assert(n->pending);
    }
    struct sim_pending *p = &n->pending[n->npending++];
    *p = (struct sim_pending){off, len, malloc(len)};
    assert(p->data);
    memcpy(p->data, buf, len);
}

/* How many of the bytes there is room for. */
static size_t room(const struct sim_inode *n, size_t len, size_t off)
{
    const struct sim_disk *d = disk_of(n);
    size_t end = off + len;
    if (d->limit == 0 || end <= n->view.len)
        return len;
    int64_t left = d->limit > d->used ? d->limit - d->used : 0;
    if ((int64_t)(end - n->view.len) <= left)
        return len;
    size_t most = n->view.len + (size_t)left;
    return most > off ? most - off : 0;
}

static void touch(struct sim_inode *n)
{
    n->mtime = n->ctime = sim_wall(n->host);
}

/* As much as there is room for; returns how much that was. */
static size_t write_data(struct sim_inode *n, const void *buf, size_t len, size_t off)
{
    size_t before = n->view.len;
    len = room(n, len, off);
    if (len == 0 || image_extend(&n->view, off + len) < 0)
        return 0;
    disk_of(n)->used += (int64_t)(n->view.len - before);
    memcpy(n->view.data + off, buf, len);
    remember(n, buf, len, off);
    touch(n);
    return len;
}

ssize_t inode_write(struct sim_inode *n, const void *buf, size_t len, size_t off)
{
    struct sim_disk *d = disk_of(n);
    bool was_off = d->off;
    int rc = disk_admit(n->host, DISK_WRITE);
    if (rc < 0) {
        if (d->off && !was_off) /* the program dies in it: it may be half done */
            write_data(n, buf, (size_t)sim_draw(n->host->w, 0, (int64_t)len), off);
        return rc;
    }
    if ((len = write_data(n, buf, len, off)) > 0)
        return (ssize_t)len;
    count(n->host, SIM_ENOSPC);
    return -ENOSPC;
}

/* Durable at once: what SQLite asks for is not about the order of truncations. */
int inode_truncate(struct sim_inode *n, size_t len)
{
    int rc = disk_admit(n->host, DISK_WRITE);
    if (rc < 0)
        return rc;
    size_t before = n->view.len;
    if ((rc = image_truncate(&n->view, len)) < 0)
        return rc;
    disk_of(n)->used += (int64_t)len - (int64_t)before;
    touch(n);
    if (!disk_of(n)->track)
        return 0;
    size_t kept = 0;
    for (size_t i = 0; i < n->npending; i++) {
        if (n->pending[i].off + n->pending[i].len <= len)
            n->pending[kept++] = n->pending[i];
        else
            free(n->pending[i].data);
    }
    n->npending = kept;
    return image_truncate(&n->durable, len);
}

static void apply_pending(struct sim_inode *n)
{
    for (size_t i = 0; i < n->npending; i++)
        image_write(&n->durable, n->pending[i].data, n->pending[i].len,
                    n->pending[i].off);
    drop_pending(n);
}

/* One that fails may leave writes that will never be durable, though they can be read,
 * and though the next one succeeds: so it is on real systems. */
int inode_sync(struct sim_inode *n)
{
    struct sim_disk *d = disk_of(n);
    bool was_off = d->off;
    int rc = disk_admit(n->host, DISK_SYNC);
    if (rc == 0)
        apply_pending(n);
    else if (!d->off && !was_off && sim_draw(n->host->w, 0, 1))
        drop_pending(n);
    return rc;
}

/* ---- names ---- */

static void change_free(struct sim_change *c)
{
    list_del(&c->link);
    inode_unref(c->folder);
    inode_unref(c->before);
    free(c->name);
    free(c);
}

static struct sim_change *change_new(struct sim_inode *folder, const char *name,
                                     bool joined)
{
    struct sim_change *c = calloc(1, sizeof(*c));
    if (!c || !(c->name = strdup(name))) {
        free(c);
        return NULL;
    }
    list_init(&c->link);
    c->folder = inode_ref(folder);
    c->before = inode_ref(map_get(folder->entries, name));
    c->joined = joined;
    return c;
}

static int set_name(struct sim_inode *folder, const char *name, struct sim_inode *n)
{
    int rc = 0;
    map_del(folder->entries, name);
    if (n && (rc = map_add(folder->entries, name, n)) == 0) {
        inode_ref(n);
        n->parent = folder;
    }
    return rc;
}

int disk_link(struct sim_env *host, struct sim_inode *folder, const char *name,
              struct sim_inode *n, bool joined)
{
    if (host->disk.track) {
        struct sim_change *c = change_new(folder, name, joined);
        if (!c)
            return -ENOMEM;
        list_append(&host->disk.changes, &c->link);
    }
    touch(folder);
    return set_name(folder, name, n);
}

void disk_sync_names(struct sim_env *host, const struct sim_inode *folder)
{
    struct sim_change *last = NULL, *c;
    list_each(change, &host->disk.changes, struct sim_change, link)
    {
        if (change->folder == folder)
            last = change;
    }
    if (!last)
        return;
    do {
        c = list_first(&host->disk.changes, struct sim_change, link);
        change_free(c);
    } while (c != last);
}

/* ---- the power is gone ---- */

static void undo(struct sim_change *c)
{
    int rc = set_name(c->folder, c->name, c->before);
    assert(rc == 0);
    change_free(c);
}

/* The later changes of names are not there. */
static void lose_names(struct sim_env *host)
{
    struct list *changes = &host->disk.changes;
    bool losing = false;
    int64_t n = 0, kept = 0;
    list_each(c, changes, struct sim_change, link)
    {
        n += !c->joined;
    }
    kept = sim_draw(host->w, 0, n);
    while (!list_empty(changes)) {
        struct sim_change *c = list_entry(changes->prev, struct sim_change, link);
        if (!c->joined)
            losing = n-- > kept;
        if (losing)
            undo(c);
        else
            change_free(c);
    }
}

static void lose_sectors(struct sim_inode *n, const struct sim_pending *p,
                         int64_t percent)
{
    struct sim_world *w = n->host->w;
    for (size_t at = 0; at < p->len;) {
        size_t len = SECTOR - (p->off + at) % SECTOR;
        if (len > p->len - at)
            len = p->len - at;
        if (sim_draw(w, 0, 99) < percent)
            image_write(&n->durable, p->data + at, len, p->off + at);
        else
            w->counts[SIM_LOST]++;
        at += len;
    }
}

static void lose_data(struct sim_inode *n)
{
    int64_t percent = n->npending ? sim_draw(n->host->w, 0, 100) : 0;
    size_t before = n->view.len;
    for (size_t i = 0; i < n->npending; i++)
        lose_sectors(n, &n->pending[i], percent);
    drop_pending(n);
    n->view.len = 0;
    if (n->durable.len > 0)
        image_write(&n->view, n->durable.data, n->durable.len, 0);
    disk_of(n)->used += (int64_t)n->view.len - (int64_t)before;
}

/* Of everything below n: fn for each file. */
static void each_file(struct sim_inode *n, void (*fn)(struct sim_inode *file))
{
    const char *name;
    void *value;
    if (S_ISREG(n->mode))
        fn(n);
    if (!S_ISDIR(n->mode))
        return;
    for (size_t it = 0; map_next(n->entries, &it, &name, &value);)
        each_file(value, fn);
}

static void make_durable(struct sim_inode *n)
{
    n->durable.len = 0;
    if (n->view.len > 0)
        image_write(&n->durable, n->view.data, n->view.len, 0);
}

void sim_disk_track(struct env *env)
{
    struct sim_disk *d = &sim_env(env)->disk;
    if (d->track)
        return;
    d->track = true;
    each_file(d->root, make_durable);
}

void sim_disk_restart(struct env *env, bool lose)
{
    struct sim_env *host = sim_env(env);
    if (lose && host->disk.track) {
        lose_names(host);
        each_file(host->disk.root, lose_data);
    }
    host->disk.off = host->dead = false;
    sim_loops_resume(host);
    host->disk.cut = host->disk.fail = -1;
}

void sim_disk_limit(struct env *env, int64_t bytes)
{
    sim_env(env)->disk.limit = bytes;
}

int64_t sim_disk_used(struct env *env)
{
    return sim_env(env)->disk.used;
}

void sim_disk_errors(struct env *env, unsigned reads, unsigned writes, unsigned syncs)
{
    struct sim_disk *d = &sim_env(env)->disk;
    d->errors[DISK_READ] = reads;
    d->errors[DISK_WRITE] = writes;
    d->errors[DISK_SYNC] = syncs;
}

void sim_disk_fail(struct env *env, long n, int error)
{
    sim_env(env)->disk.fail = n;
    sim_env(env)->disk.fail_error = error;
}

void sim_disk_cut(struct env *env, long n)
{
    sim_env(env)->disk.cut = n;
}

bool sim_disk_is_cut(const struct env *env)
{
    return CONTAINER_OF(env, const struct sim_env, base)->disk.off;
}

/* ---- its life ---- */

int disk_init(struct sim_env *host)
{
    struct sim_disk *d = &host->disk;
    list_init(&d->changes);
    d->cut = d->fail = -1;
    if (!(d->root = inode_new(host, S_IFDIR | 0755)))
        return -ENOMEM;
    d->root->parent = d->root;
    struct sim_inode *tmp = inode_new(host, S_IFDIR | 01777);
    int rc = tmp ? disk_link(host, d->root, "tmp", tmp, false) : -ENOMEM;
    inode_unref(tmp);
    return rc;
}

void disk_fini(struct sim_env *host)
{
    while (!list_empty(&host->disk.changes))
        change_free(list_first(&host->disk.changes, struct sim_change, link));
    inode_unref(host->disk.root);
}

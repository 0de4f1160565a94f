/* Lock and reserve. */
#include "store/space.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"

#define RESERVE_BYTES (1u << 20)
#define CHUNK_BYTES (64u << 10)

static char *sibling(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    char *s;

    if (asprintf(&s, "%.*s%s", slash ? (int)(slash + 1 - path) : 0, path, name) < 0)
        return NULL;
    return s;
}

static int held(struct file *f, const char *path, flux_error_t *err)
{
    char pid[24] = "";
    ssize_t n = file_pread(f, pid, sizeof(pid) - 1, 0);

    pid[n > 0 ? strcspn(pid, " \n") : 0] = '\0';
    return error_set(err, EWOULDBLOCK,
                     "%s: held by another instance%s%s; stop that one, or choose another "
                     "statedir",
                     path, *pid ? ", pid " : "", pid);
}

static int lock(struct space *sp, const char *path, flux_error_t *err)
{
    char pid[24];
    int rc;

    rc = file_open(sp->env, path, O_RDWR | O_CREAT, 0600, &sp->lock);
    if (rc < 0)
        return error_set(err, -rc, "%s: %s", path, strerror(-rc));
    if ((rc = file_lock(sp->lock)) == -EWOULDBLOCK)
        return held(sp->lock, path, err);
    if (rc < 0)
        return error_set(err, -rc, "%s: %s", path, strerror(-rc));
    /* Of fixed length, for a shorter number must cover a longer one. A full disk only
     * takes the pid out of a later message. */
    snprintf(pid, sizeof(pid), "%-15jd\n", (intmax_t)getpid());
    file_pwrite(sp->lock, pid, strlen(pid), 0);
    return 0;
}

int space_init(struct space *sp, struct env *env, const char *path, flux_error_t *err)
{
    AUTOFREE char *lock_path = NULL;
    int rc;

    *sp = (struct space){.env = env};
    if (!path)
        return 0;
    if (!(lock_path = sibling(path, "lock")) ||
        asprintf(&sp->reserve, "%s-reserve", path) < 0) {
        sp->reserve = NULL;
        return -ENOMEM;
    }
    if ((rc = lock(sp, lock_path, err)) < 0)
        space_fini(sp);
    return rc;
}

void space_fini(struct space *sp)
{
    file_close(sp->lock);
    free(sp->reserve);
    *sp = (struct space){0};
}

static bool reserve_there(struct space *sp)
{
    struct stat st;

    return file_stat(sp->env, sp->reserve, &st) == 0 && st.st_size >= RESERVE_BYTES;
}

static int fill(struct file *f)
{
    AUTOFREE char *zeros = calloc(1, CHUNK_BYTES);
    ssize_t n;

    if (!zeros)
        return -ENOMEM;
    for (off_t off = 0; off < RESERVE_BYTES; off += n)
        if ((n = file_pwrite(f, zeros, CHUNK_BYTES, off)) <= 0)
            return n < 0 ? n : -ENOSPC;
    return 0;
}

int space_reserve(struct space *sp)
{
    struct file *f;
    int rc;

    if (!sp->reserve || reserve_there(sp))
        return 0;
    if ((rc = file_open(sp->env, sp->reserve, O_RDWR | O_CREAT, 0600, &f)) < 0)
        return rc;
    rc = fill(f);
    file_close(f);
    if (rc < 0)
        space_release(sp);
    return rc;
}

void space_release(struct space *sp)
{
    if (sp->reserve)
        file_unlink(sp->env, sp->reserve);
}

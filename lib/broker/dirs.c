/* Making and checking rundir and statedir. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "broker/dirs.h"

DEFINE_CLEANUP(struct file *, file_close)

/* A folder that exists must be a real one, the owner's, and not writable for others. */
static int check_dir(struct env *env, const char *what, const char *path, bool tighten,
                     flux_error_t *err)
{
    CLEANUP(file_close_p) struct file *f = NULL;
    struct stat st;
    int rc = file_open(env, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &f);

    if (rc == -ENOTDIR || rc == -ELOOP)
        return error_set(err, ENOTDIR, "%s %s is not a folder: choose another path", what,
                         path);
    if (rc < 0)
        return error_set(err, -rc, "%s %s: %s", what, path, strerror(-rc));
    rc = file_fd(f) >= 0 ? (fstat(file_fd(f), &st) < 0 ? -errno : 0)
                         : file_stat(env, path, &st);
    if (rc < 0)
        return error_set(err, -rc, "%s %s: %s", what, path, strerror(-rc));
    if (file_fd(f) < 0)
        return 0;
    if (st.st_uid != geteuid())
        return error_set(err, EPERM,
                         "%s %s belongs to user %u, not to you: choose another path",
                         what, path, (unsigned)st.st_uid);
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        return error_set(err, EPERM, "others may write to %s %s: chmod 700 %s", what,
                         path, path);
    if ((st.st_mode & S_IRWXU) != S_IRWXU)
        return error_set(err, EPERM, "%s %s: you lack permissions: chmod 700 %s", what,
                         path, path);
    if (tighten && (st.st_mode & (S_IRWXG | S_IRWXO)) && fchmod(file_fd(f), 0700) < 0)
        return error_set(err, errno, "%s %s: chmod: %s", what, path, strerror(errno));
    return 0;
}

/* Make `path`, or check it when it is there. *ret_made tells which. */
static int make_dir(struct env *env, const char *what, const char *path, bool tighten,
                    bool *ret_made, flux_error_t *err)
{
    int rc = dir_make(env, path, 0700);

    *ret_made = rc == 0;
    if (rc == -EEXIST)
        return check_dir(env, what, path, tighten, err);
    if (rc == -ENOENT)
        return error_set(err, ENOENT,
                         "%s %s: the folder above it does not exist: make it", what,
                         path);
    if (rc < 0)
        return error_set(err, -rc, "%s %s: %s", what, path, strerror(-rc));
    return 0;
}

static char *absolute(struct env *env, const char *path)
{
    return env_is_sim(env) ? strdup(path) : realpath(path, NULL);
}

/* ---- statedir ---- */

static int in_use(struct env *env, const char *dir, const char *lock, flux_error_t *err)
{
    AUTOFREE char *pid = NULL;

    if (file_read(env, lock, 64, &pid, NULL) < 0 || !*pid)
        return error_set(err, EWOULDBLOCK, "statedir %s is in use by another broker",
                         dir);
    pid[strcspn(pid, " \n")] = '\0';
    return error_set(err, EWOULDBLOCK,
                     "statedir %s is in use by the broker with process id %s: stop that "
                     "one, or choose another folder",
                     dir, pid);
}

static int lock_statedir(struct dirs *d, flux_error_t *err)
{
    AUTOFREE char *path = NULL;
    char pid[32];
    int rc;

    if (asprintf(&path, "%s/broker.lock", d->statedir) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    rc = file_open(d->env, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600, &d->lock);
    if (rc < 0)
        return error_set(err, -rc, "%s: %s", path, strerror(-rc));
    if ((rc = file_lock(d->lock)) < 0) {
        file_close(TAKE(d->lock));
        if (rc == -EWOULDBLOCK)
            return in_use(d->env, d->statedir, path, err);
        return error_set(err, -rc, "%s: %s", path, strerror(-rc));
    }
    snprintf(pid, sizeof(pid), "%-15d\n", (int)getpid());
    (void)file_pwrite(d->lock, pid, strlen(pid), 0);
    return 0;
}

static int open_statedir(struct dirs *d, const char *path, flux_error_t *err)
{
    bool made;
    int rc = make_dir(d->env, "statedir", path, true, &made, err);

    if (rc < 0)
        return rc;
    if (!(d->statedir = absolute(d->env, path)))
        return error_set(err, errno, "statedir %s: %s", path, strerror(errno));
    return lock_statedir(d, err);
}

/* ---- rundir ---- */

static int given_rundir(struct dirs *d, const char *path, flux_error_t *err)
{
    int rc = make_dir(d->env, "rundir", path, false, &d->rundir_made, err);

    if (rc < 0)
        return rc;
    if (!(d->rundir = absolute(d->env, path)))
        return error_set(err, errno, "rundir %s: %s", path, strerror(errno));
    return 0;
}

static int new_rundir(struct dirs *d, const char *tmpdir, flux_error_t *err)
{
    AUTOFREE char *path = NULL;
    int rc;

    if (asprintf(&path, "%s/flux-XXXXXX", tmpdir ? tmpdir : "/tmp") < 0) {
        path = NULL;
        return -ENOMEM;
    }
    if ((rc = dir_make_temp(d->env, path)) < 0)
        return error_set(err, -rc,
                         "rundir in %s: %s: set TMPDIR, or the attribute rundir",
                         tmpdir ? tmpdir : "/tmp", strerror(-rc));
    d->rundir_made = d->rundir_new = true;
    if (!(d->rundir = absolute(d->env, path)))
        return -ENOMEM;
    return 0;
}

/* The path that the last broker on this statedir used, made again if need be. False:
 * there is none, or it is not ours any more. */
static bool old_rundir(struct dirs *d, const char *statedir)
{
    char link[PATH_MAX], path[PATH_MAX];
    bool made;
    int n;

    if (snprintf(link, sizeof(link), "%s/rundir", statedir) >= (int)sizeof(link))
        return false;
    n = file_readlink(d->env, link, path, sizeof(path));
    if (n < 0 || path[0] != '/')
        return false;
    if (make_dir(d->env, "rundir", path, false, &made, NULL) < 0)
        return false;
    d->rundir = strdup(path);
    d->rundir_old = true;
    return d->rundir != NULL;
}

int dirs_open(struct env *env, const struct dirs_options *opts, struct dirs *d,
              flux_error_t *err)
{
    int rc = 0;

    *d = (struct dirs){.env = env};
    if (opts->rundir)
        rc = given_rundir(d, opts->rundir, err);
    else
        rc = new_rundir(d, opts->tmpdir, err);
    if (rc < 0)
        dirs_close(d, false);
    return rc;
}

static int remember_rundir(struct dirs *d, flux_error_t *err)
{
    AUTOFREE char *link = NULL;
    int rc;

    if (asprintf(&link, "%s/rundir", d->statedir) < 0) {
        link = NULL;
        return -ENOMEM;
    }
    file_unlink(d->env, link);
    if ((rc = file_symlink(d->env, d->rundir, link)) < 0)
        return error_set(err, -rc, "%s: %s", link, strerror(-rc));
    return 0;
}

/* Brokers that share a statedir's name may share the folder: rank 0 has it, the others a
 * folder of their own in it. */
static char *statedir_of(struct dirs *d, unsigned rank, const char *statedir,
                         flux_error_t *err)
{
    char *path;
    bool made;

    if (rank == 0)
        return strdup(statedir);
    if (make_dir(d->env, "statedir", statedir, true, &made, err) < 0 ||
        asprintf(&path, "%s/rank-%u", statedir, rank) < 0)
        return NULL;
    return path;
}

/* Only now is it known whose rundir to look for: give up the new one for the old. */
static void take_old_rundir(struct dirs *d)
{
    char *new = TAKE(d->rundir);

    if (old_rundir(d, d->statedir)) {
        dir_remove(d->env, new);
        free(new);
    } else
        d->rundir = new;
}

static int settle_statedir(struct dirs *d, unsigned rank, const char *statedir,
                           flux_error_t *err)
{
    AUTOFREE char *path = statedir_of(d, rank, statedir, err);
    int rc;

    if (!path)
        return err && err->text[0] ? -EINVAL : -ENOMEM;
    if ((rc = open_statedir(d, path, err)) < 0 || !d->rundir)
        return rc;
    if (d->rundir_new)
        take_old_rundir(d);
    if (d->rundir_old)
        d->rundir_made = true; /* by us, or by one before us */
    else
        rc = remember_rundir(d, err);
    return rc;
}

int dirs_settle(struct dirs *d, unsigned rank, const char *statedir, flux_error_t *err)
{
    int rc = statedir ? settle_statedir(d, rank, statedir, err) : 0;

    if (rc == 0 && d->rundir &&
        asprintf(&d->socket, "%s/local-%u", d->rundir, rank) < 0) {
        d->socket = NULL;
        return -ENOMEM;
    }
    return rc;
}

/* What a throw-away instance kept in a rundir that was there before it. */
static void tidy_rundir(struct dirs *d)
{
    static const char *const names[] = {"output", "shell", "rexec.log"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        AUTOFREE char *path = dirs_path(d, names[i]);

        if (path && dir_remove(d->env, path) == -ENOTDIR)
            file_unlink(d->env, path);
    }
}

void dirs_close(struct dirs *d, bool keep)
{
    if (keep)
        ;
    else if (d->rundir && d->rundir_made)
        dir_remove(d->env, d->rundir);
    else if (d->rundir && !d->statedir)
        tidy_rundir(d);
    file_close(d->lock);
    free(d->rundir);
    free(d->statedir);
    free(d->socket);
    *d = (struct dirs){0};
}

char *dirs_path(const struct dirs *d, const char *name)
{
    char *path;

    if (asprintf(&path, "%s/%s", d->statedir ? d->statedir : d->rundir, name) < 0)
        return NULL;
    return path;
}

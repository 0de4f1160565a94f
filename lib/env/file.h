/* Files and folders. The simulated world keeps them in memory, so that faults
 * can be injected; the real one is the file system.
 *
 * Functions return 0 or more, or -errno. All descriptors are close-on-exec.
 */
#ifndef FLUX_ENV_FILE_H
#define FLUX_ENV_FILE_H

#include <sys/types.h>
#include <sys/stat.h>

#include "env/env.h"

struct file; /* an open file */

int file_open(struct env *env, const char *path, int flags, mode_t mode,
              struct file **ret);
int file_fd(const struct file *f); /* real only, borrowed; -ENOTSUP */
ssize_t file_pread(struct file *f, void *buf, size_t len, off_t off);
ssize_t file_pwrite(struct file *f, const void *buf, size_t len, off_t off);
/* Write all of it at the end (opened with O_APPEND). */
int file_append(struct file *f, const void *buf, size_t len);
int file_truncate(struct file *f, off_t size);
int file_sync(struct file *f); /* fdatasync */
off_t file_size(struct file *f);
/* Exclusive advisory lock; -EWOULDBLOCK when another process holds it. */
int file_lock(struct file *f);
void file_close(struct file *f); /* accepts NULL */

/* Read a whole file, NUL added. -EFBIG above max bytes. */
int file_read(struct env *env, const char *path, size_t max, char **ret, size_t *ret_len);
/* Replace a file's contents in one step (temporary file, sync, rename). */
int file_replace(struct env *env, const char *path, const void *buf, size_t len,
                 mode_t mode);
int file_stat(struct env *env, const char *path, struct stat *ret); /* lstat */
int file_unlink(struct env *env, const char *path);
int file_symlink(struct env *env, const char *target, const char *path);
int file_readlink(struct env *env, const char *path, char *buf, size_t size);

/* Make a folder (-EEXIST passed on), or one with a random name from a template
 * that ends in XXXXXX (written into it). */
int dir_make(struct env *env, const char *path, mode_t mode);
int dir_make_temp(struct env *env, char *tmpl);
/* Call fn with each name but . and .. ; a non-zero return stops and is returned. */
int dir_each(struct env *env, const char *path, int (*fn)(const char *name, void *arg),
             void *arg);
/* What was created, renamed and removed in it is durable (fsync of the folder). */
int dir_sync(struct env *env, const char *path);
/* Remove a folder and all below it; does not follow links. */
int dir_remove(struct env *env, const char *path);
/* Bytes free on the file system of path. */
int64_t dir_space(struct env *env, const char *path);

#endif

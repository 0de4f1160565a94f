/* The output stream of one job: what its tasks wrote, kept in a segment file that is
 * made when the first byte comes, and is bounded. Writes are collected and go to the
 * file once a turn of the loop. Readers read at any place, also behind what is in the
 * file already. A stream that could not be written (disk full) loses data, says so in its
 * log, and goes on.
 *
 * Records have numbers, from 0. Those that come from another node's stream keep the
 * numbers that they have there: one that comes twice is taken once.
 */
#ifndef FLUX_SHELL_STREAM_H
#define FLUX_SHELL_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "env/file.h"

struct stream;

/* A stream to be written. limit: most bytes of stdout, and of stderr. One reference is
 * yours. 0, -ENOMEM. */
int stream_new(struct env *env, const char *path, unsigned ntasks, uint64_t limit,
               struct stream **ret);
/* The stream of a job that is over; empty when there is no such file. */
int stream_open(struct env *env, const char *path, struct stream **ret);
/* A stream to be written on from where its file ends, if there is one. ntasks 0: not
 * known yet. */
int stream_resume(struct env *env, const char *path, unsigned ntasks, uint64_t limit,
                  struct stream **ret);
struct stream *stream_ref(struct stream *s);
void stream_unref(struct stream *s); /* accepts NULL */

/* Bytes that a task wrote; stream: 0 stdout, 1 stderr. */
void stream_data(struct stream *s, unsigned rank, unsigned stream, const char *data,
                 size_t len);
/* The task's stream goes to a file. */
void stream_redirect(struct stream *s, unsigned rank, unsigned stream, const char *path);
/* A line of the shell's own; level as of syslog(3). */
void stream_log(struct stream *s, int level, const char *text);
/* Records of node `node`'s stream, the first of number seq. -EPROTO: they are none. */
int stream_import(struct stream *s, unsigned node, uint64_t seq, const char *records,
                  size_t len);
/* Number of tasks and limit, when stream_resume() did not know. */
void stream_set(struct stream *s, unsigned ntasks, uint64_t limit);
/* Write what was collected to the file. */
void stream_flush(struct stream *s);
/* All of it was passed on: forget it, and remove the file. Numbers go on. */
void stream_forget(struct stream *s);
/* There will be no more. */
void stream_end(struct stream *s);

unsigned stream_ntasks(const struct stream *s); /* 0: not known yet */
uint64_t stream_base(const struct stream *s);   /* number of the first record */
double stream_time(const struct stream *s);     /* when it was made or opened */
bool stream_is_dirty(const struct stream *s);
bool stream_has_ended(const struct stream *s);
/* Something that is worth a file was written. */
bool stream_has_data(const struct stream *s);
/* It has a file, from which all of it can be read again. */
bool stream_is_kept(const struct stream *s);
/* Bytes of records so far, and bytes at `pos` (how many: 0 at the end; -errno). */
uint64_t stream_size(const struct stream *s);
ssize_t stream_read(struct stream *s, uint64_t pos, void *buf, size_t size);

#endif

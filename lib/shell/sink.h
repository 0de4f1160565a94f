/* Where the output of a job on this node goes. On rank 0 its stream is a file, or what
 * keep.h has of the whole job. On other ranks it is passed on to rank 0; the file is the
 * buffer, of limited size: when it is full, nothing is read from the tasks until all of it
 * has been taken. What goes to files that all nodes share is passed on likewise, to the
 * job's leader.
 *
 * A job that is DONE is not told to have finished before everything was taken.
 */
#ifndef FLUX_SHELL_SINK_H
#define FLUX_SHELL_SINK_H

#include "shell/block.h"
#include "shell/job.h"

/* Make the streams. */
int sink_open(struct job *job);
/* The same for a job from a journal, by the files that its shell left. */
int sink_restore(struct shell *sh);
/* Bytes of a task. */
void sink_put(struct task *t, int which, const char *data, size_t len);
/* At the end of a turn in which it was put to. */
void sink_flush(struct job *job);
/* Its tasks are over. */
void sink_end(struct job *job);
/* Is there something that was not taken yet? */
bool sink_is_draining(const struct job *job);
/* What waits for the leader is lost: the job has to end. */
void sink_give_up_files(struct job *job);
void sink_free(struct job *job);

/* The leader: what tasks of other nodes wrote. -EAGAIN: not yet. */
int sink_put_files(struct job *job, const struct block *b);

#endif

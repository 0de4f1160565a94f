/* Where the output of a job's tasks goes: into its output stream, or to files. A task
 * writes to a file itself (it inherits the descriptor, open for appending), unless its
 * lines want labels; what else is written passes through the shell.
 */
#ifndef FLUX_SHELL_OUTPUT_H
#define FLUX_SHELL_OUTPUT_H

#include "shell/plan.h"
#include "shell/stream.h"

struct output;

/* Open the files that the plan names. Any thread. On failure err names the file. */
int output_new(struct env *env, const struct plan *p, struct output **ret,
               flux_error_t *err);
void output_free(struct output *o); /* accepts NULL; closes the files */

/* The descriptor to give to a task, borrowed, or -1: give it a pipe.
 * which: 0 stdout, 1 stderr. */
int output_fd(const struct output *o, unsigned index, int which);
/* What came through the pipe, or what the shell itself has to say to the user. */
void output_put(struct output *o, struct stream *s, unsigned index, int which,
                const char *data, size_t len);
/* What a task of another node wrote, by its rank in the job, to a file that all share. */
void output_write(struct output *o, unsigned rank, int which, const char *data,
                  size_t len);
/* Tell the stream's readers which outputs they will not see. */
void output_announce(const struct output *o, struct stream *s);

#endif

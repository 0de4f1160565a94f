/* Reading one pipe that a task writes to, by whole lines or as bytes come.
 */
#ifndef FLUX_SHELL_CAPTURE_H
#define FLUX_SHELL_CAPTURE_H

#include <stdbool.h>

#include "env/loop.h"

struct capture;

/* Something was read; len 0: the end, and the last call. The capture must not be freed
 * in here. */
typedef void (*capture_f)(unsigned tag, const char *data, size_t len, void *arg);

/* Read fd, which is non-blocking and taken over (on success). by_line: keep an
 * unfinished line until its end comes, at most 64 KiB of it. tag: for the caller. */
int capture_new(struct loop *loop, int fd, bool by_line, capture_f fn, unsigned tag,
                void *arg, struct capture **ret);
/* Take what is in the pipe and end, whoever else has it open. */
void capture_finish(struct capture *c);
/* Read nothing for a while. */
void capture_pause(struct capture *c, bool pause);
void capture_free(struct capture *c); /* accepts NULL */

#endif

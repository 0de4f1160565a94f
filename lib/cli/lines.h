/* Lines of files and of a pipe, for commands that work while they read. No more is read than
 * is asked for, so that whatever writes to our pipe waits for us. */
#ifndef FLUX_CLI_LINES_H
#define FLUX_CLI_LINES_H

#include <flux/types.h>
#include <flux/reactor.h>

#include "cli/cli.h"

struct lines;

/* One line without its end; valid until the next call. */
struct line {
    const char *text;
    size_t len;
    const char *file;
    unsigned number; /* from 1 */
};

/* `more` is called when lines_next() should be asked again. NULL: no memory. */
struct lines *lines_new(struct cli *c, flux_reactor_t *r, void (*more)(void *arg),
                        void *arg);
void lines_free(struct lines *ls); /* accepts NULL */
/* Read this file ("-": standard input) before the rest of what is being read. False after
 * a message. */
bool lines_push(struct lines *ls, const char *path);

enum lines_result { LINES_ONE, LINES_NONE_YET, LINES_END, LINES_FAILED };
/* LINES_FAILED: after a message; there will be no more. */
enum lines_result lines_next(struct lines *ls, struct line *ret);

#endif

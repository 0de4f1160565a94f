/* A NULL-terminated vector of strings, in one block of memory: argv and envp of a
 * process. Append a string's parts to `text`, then call strvec_end().
 */
#ifndef FLUX_SHELL_STRVEC_H
#define FLUX_SHELL_STRVEC_H

#include "base/buf.h"

struct strvec {
    struct buf text; /* the strings, each with its NUL */
    size_t count;
};

void strvec_end(struct strvec *sv);
/* The vector, one block to free(). -ENOMEM. sv is empty afterwards. */
int strvec_take(struct strvec *sv, char ***ret);

#endif

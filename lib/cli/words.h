/* A line of words as a shell reads it: blanks divide, quotes and backslashes keep, a '#' at the
 * beginning of a word ends the line. Nothing is expanded. */
#ifndef FLUX_CLI_WORDS_H
#define FLUX_CLI_WORDS_H

#include <stddef.h>

/* The words of a line, NULL-terminated, in one block that free() takes; *ret_n (may be NULL) is
 * how many. NULL, errno: EINVAL a quote is not closed, ENOMEM. */
char **words_split(const char *line, size_t len, size_t *ret_n);

#endif

/* Reading all of a stream. */

#include <errno.h>
#include <stdlib.h>

#include "cli/cli.h"

#define FIRST_SIZE 16384

char *cli_read_all(FILE *f, size_t *len)
{
    size_t size = FIRST_SIZE, used = 0, n;
    char *text = malloc(size), *more;
    int error;

    while (text && (n = fread(text + used, 1, size - used - 1, f)) > 0) {
        used += n;
        if (used + 1 < size)
            continue;
        if (!(more = realloc(text, size *= 2)))
            free(text);
        text = more;
    }
    if (!text)
        return NULL;
    if (ferror(f)) {
        error = errno;
        free(text);
        errno = error;
        return NULL;
    }
    text[used] = '\0';
    if (len)
        *len = used;
    return text;
}

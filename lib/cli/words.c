/* Splitting a line into words; see words.h. The rules are POSIX's (Shell Command Language, 2.2
 * Quoting and 2.3 Token Recognition), without operators and expansions. */
#include "cli/words.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    const char *p, *end;
    char *out;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Up to the closing quote. False: there is none. */
static bool take_single(struct reader *r)
{
    for (; r->p < r->end; r->p++) {
        if (*r->p == '\'') {
            r->p++;
            return true;
        }
        *r->out++ = *r->p;
    }
    return false;
}

static bool take_double(struct reader *r)
{
    for (; r->p < r->end; r->p++) {
        if (*r->p == '"') {
            r->p++;
            return true;
        }
        if (*r->p == '\\' && r->p + 1 < r->end && strchr("$`\"\\", r->p[1]))
            r->p++;
        *r->out++ = *r->p;
    }
    return false;
}

static bool take_word(struct reader *r)
{
    while (r->p < r->end && !is_blank(*r->p)) {
        char c = *r->p++;

        if ((c == '\'' && !take_single(r)) || (c == '"' && !take_double(r)))
            return false;
        if (c == '\'' || c == '"')
            continue;
        if (c == '\\') {
            if (r->p == r->end)
                return false;
            c = *r->p++;
        }
        *r->out++ = c;
    }
    *r->out++ = '\0';
    return true;
}

char **words_split(const char *line, size_t len, size_t *ret_n)
{
    size_t most = len / 2 + 2, n = 0; /* a word and the blank behind it */
    char **words = malloc(most * sizeof(*words) + len + 1);
    struct reader r = {line, line + len, (char *)(words + most)};

    if (!words)
        return NULL;
    for (;;) {
        while (r.p < r.end && is_blank(*r.p))
            r.p++;
        if (r.p == r.end || *r.p == '#')
            break;
        words[n++] = r.out;
        if (!take_word(&r)) {
            free(words);
            errno = EINVAL;
            return NULL;
        }
    }
    words[n] = NULL;
    if (ret_n)
        *ret_n = n;
    return words;
}

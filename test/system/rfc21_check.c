/* Are these the event logs of possible jobs? Reads `ID` lines, each followed by that job's
 * event log and an empty line; prints what is wrong and a summary.
 *
 *     rfc21-check [--inactive] <LOGS      --inactive: each must have come to its end
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "rfc21.h"

#define INACTIVE 64

struct count {
    unsigned logs, bad;
    bool inactive;
};

static void check(struct count *c, const char *id, const struct buf *log)
{
    struct rfc21 r;

    c->logs++;
    if (rfc21_check(log->len ? log->data : "", log->len, &r) < 0)
        printf("%s: %s\n", id, r.why);
    else if (c->inactive && r.state != INACTIVE)
        printf("%s: its log ends in state %d, not inactive\n", id, r.state);
    else
        return;
    c->bad++;
}

int main(int argc, char **argv)
{
    struct count c = {.inactive = argc > 1 && !strcmp(argv[1], "--inactive")};
    struct buf log = {0};
    char *line = NULL, id[64] = "";
    size_t size = 0;
    ssize_t n;

    while ((n = getline(&line, &size, stdin)) > 0) {
        if (*line == '{') {
            buf_add(&log, line, n);
        } else if (*line == '\n') {
            check(&c, id, &log);
            log.len = 0;
        } else {
            line[strcspn(line, "\n")] = '\0';
            snprintf(id, sizeof(id), "%s", line);
        }
    }
    printf("%u event logs, %u invalid\n", c.logs, c.bad);
    buf_free(&log);
    free(line);
    return c.bad > 0 || c.logs == 0;
}

/* What a job prints, as events of its `guest.output` (RFC 24), on our stdout and stderr. */
#ifndef FLUX_CLI_JOBOUTPUT_H
#define FLUX_CLI_JOBOUTPUT_H

#include <stdbool.h>

struct joboutput {
    bool label;         /* put the task's rank before each line ... */
    const char *prefix; /* ... and this before the rank; may be NULL */
    bool in_line[2];    /* of stdout, stderr: something stands on the line already */
};

/* Print one event; others than data and log are passed over. */
void joboutput_print(struct joboutput *out, const char *event);

#endif

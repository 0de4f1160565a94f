/* Between the files that answer an eventlog-watch. */
#ifndef FLUX_JOB_INFO_WATCH_PRIVATE_H
#define FLUX_JOB_INFO_WATCH_PRIVATE_H

#include "modules/job-info/watch.h"

enum watch_path { WATCH_EVENTLOG, WATCH_EXEC, WATCH_OUTPUT, WATCH_JOBS };

struct watch {
    struct list link;
    struct watches *ws;
    const flux_msg_t *msg;
    uint64_t id; /* WATCH_JOBS: 0, and the userid is the reader's or unknown: all */
    uint32_t userid;
    enum watch_path path;
    uint64_t next;      /* index of the next event of the main log */
    bool reading;       /* a store read is under way */
    bool live;          /* the past was sent */
    bool dead;          /* to be freed when the read comes back */
    struct buf past;    /* what the read found */
    struct buf pending; /* journal entries that came meanwhile, the first of index ... */
    uint64_t pending_first;
    flux_future_t *output; /* WATCH_OUTPUT: the stream of job-exec */
    bool output_done;
};

void watch_free(struct watch *w);
/* Answer with an error (ENODATA: the end) and let go of the watch. */
void watch_finish(struct watch *w, int err, const char *text);
/* One event, a line of JSON. */
void watch_send(struct watch *w, const char *line, size_t len);
/* output.c: follow the job's output; ends the watch when it ends. */
void watch_output_start(struct watch *w);

#endif

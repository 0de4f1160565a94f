/* Shared by journal.c and journal_backlog.c. */
#ifndef FLUX_JOB_MANAGER_JOURNAL_PRIVATE_H
#define FLUX_JOB_MANAGER_JOURNAL_PRIVATE_H

#include "base/json.h"
#include "modules/job-manager/journal.h"

struct held {
    flux_jobid_t id;
    uint32_t seq;
    char *events;
    size_t len;
    char *extra;
};

struct listener {
    struct list link;
    unsigned refs;
    const flux_msg_t *msg;
    bool batch;
    bool allow; /* filter names what to send, not what to leave out */
    bool gone;
    cJSON *filter; /* NULL: all */
    /* While the events so far are read: what happened since, and how many events of
     * each job were sent. */
    bool catching_up;
    struct held *held;
    size_t nheld, held_size;
    struct umap *sent;
};

struct journal {
    struct job_manager *jm;
    struct list listeners;
    uint64_t events; /* published */
};

void listener_unref(struct listener *l);
/* Append {"id",..} for lines of a log; false if none of them is wanted. extra (may be
 * NULL) is text behind the events. */
bool listener_print(const struct listener *l, flux_jobid_t id, uint32_t seq,
                    const char *lines, size_t len, const char *extra, struct buf *out);
void listener_send(struct journal *j, struct listener *l, const struct buf *out);
/* Read the events so far and send them. */
int backlog_start(struct journal *j, struct listener *l, bool full);

#endif

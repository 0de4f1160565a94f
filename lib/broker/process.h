/* One process of the rexec service and its streams. Used by rexec*.c only. */
#ifndef FLUX_BROKER_PROCESS_H
#define FLUX_BROKER_PROCESS_H

#include "base/buf.h"
#include "base/json.h"
#include "base/list.h"
#include "broker/core.h"
#include "env/proc.h"

enum { /* flags of an exec request */
       REXEC_STDOUT = 1,
       REXEC_STDERR = 2,
       REXEC_CREDIT = 8,
       REXEC_WAITABLE = 16,
};

struct stream {
    struct process *process;
    const char *name;
    int fd;
    struct watcher *w;
};

struct process {
    struct list link;
    struct broker *broker;
    const flux_msg_t *msg; /* the request; NULL in the background */
    uint32_t matchtag;
    int flags;
    pid_t pid;
    int pidfd;
    char *label, *cmd;
    bool background, exited;
    int status;
    struct watcher *exit;
    struct watcher *again; /* the client reads too slowly: look again later */
    struct stream out, err;
    struct stream in;
    struct buf input; /* for stdin, not written yet */
    bool input_eof;
    struct flux_msglist *waiters;
    /* Nothing more will happen: take it off the list. */
    void (*done)(struct process *p, void *arg);
    void *done_arg;
};

/* Start what an exec request describes. -errno, err. */
int process_new(struct broker *b, const flux_msg_t *msg, const cJSON *cmd, int flags,
                bool background, struct process **ret, flux_error_t *err);
/* After "started" was said. */
void process_watch(struct process *p, void (*done)(struct process *p, void *arg),
                   void *arg);
void process_free(struct process *p); /* accepts NULL */
/* Signal it and its process group. -ESRCH. */
int process_kill(struct process *p, int signum);
/* An RFC 24-like io object for stdin. -errno. */
int process_write(struct process *p, const cJSON *io);
/* Answer those who wait for its end. True if there was anyone. */
bool process_answer_waiters(struct process *p);

#endif

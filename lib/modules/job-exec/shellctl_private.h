/* Between the files that make up shellctl: its life (shellctl.c), what is said (shellsay.c),
 * what its hello tells (shellhello.c).
 *
 *   NONE -> STARTING (rexec.exec, then its hello) -> UP -> NONE (it died, or its
 *   connection did), or UP -> LEAVING (idle; it was told to go) -> NONE; STARTING -> AWAY
 *   (its broker cannot be reached) -> STARTING, or UP by the hello of one that lives
 */
#ifndef FLUX_JOB_EXEC_SHELLCTL_PRIVATE_H
#define FLUX_JOB_EXEC_SHELLCTL_PRIVATE_H

#include "modules/job-exec/shellctl.h"
#include "modules/job-exec/shells.h"

enum shell_state { SHELL_NONE, SHELL_STARTING, SHELL_UP, SHELL_LEAVING, SHELL_AWAY };

struct shellctl {
    struct exec *x;
    unsigned rank;
    char *host; /* NULL: not known */
    enum shell_state state;
    char *service;           /* "UID-shell", while UP or LEAVING */
    const flux_msg_t *hello; /* held while UP or LEAVING */
    /* Where it is started: attributes of its broker, asked for once. */
    char *uri, *dir;
    flux_future_t *attrs, *wait;
    flux_future_t *exec; /* rexec.exec, or the shell's exit */
    unsigned failures;
    double busy;    /* seconds that another one has lived and said nothing */
    double backoff; /* seconds to the next try */
    flux_watcher_t *retry, *idle;
    flux_watcher_t *lost; /* runs while its broker is not there; NULL: it always was */
    bool was_busy;        /* since the last tick of `idle` */
    unsigned nparts;      /* that are not finished */
    struct list waiting;  /* parts, to be sent */
    struct list told;     /* parts SENT and RUNNING */
    struct umap *strays;  /* id -> struct stray; NULL: there are none */
    /* For the end of the turn, without the closing bracket. */
    struct buf cancels, acks, ends;
    struct list dirty;
};

/* Somebody wants a shell, if there is none. */
void shellctl_need(struct shellctl *s);
bool shellctl_is_needed(const struct shellctl *s);
/* "HOST (rank N)". */
void shellctl_name(const struct shellctl *s, char *buf, size_t size);
/* It has said hello. */
void shellctl_up(struct shellctl *s, const flux_msg_t *hello, char *service);
/* What it was told waits for the next one. */
void shellctl_put_back(struct shellctl *s);
/* No stray (any more). Tell the job manager of the strays, again. */
void shellctl_drop_stray(struct shellctl *s, flux_jobid_t id);
void shellctl_report_strays(struct shellctl *s);

#endif

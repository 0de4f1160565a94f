/* Output that belongs elsewhere: a stream whose records are sent to the shell of another
 * rank, in order, each until it was taken there. One request at a time goes to a rank, with
 * what all jobs have for it.
 *
 *   UID-shell.output-put (raw, see block.h) -> {} once everything is in files
 *                        EAGAIN: not yet; the same comes again
 *
 * While a rank cannot be reached the stream is the buffer.
 */
#ifndef FLUX_SHELL_FORWARD_H
#define FLUX_SHELL_FORWARD_H

#include "shell/block.h"
#include "shell/stream.h"

struct forward;
struct outlets;
struct shell;

struct forward_conf {
    unsigned rank;              /* where to */
    struct block head;          /* id, kind, node, ntasks, limit */
    struct stream *stream;      /* borrowed */
    void (*drained)(void *arg); /* all there is was taken; the forward may be freed */
    void *arg;
};

int forward_new(struct shell *sh, const struct forward_conf *conf, struct forward **ret);
void forward_free(struct forward *f); /* accepts NULL */
/* There may be more in the stream. */
void forward_poke(struct forward *f);
bool forward_is_drained(const struct forward *f);
/* What was not taken is lost. */
void forward_give_up(struct forward *f);

int outlets_new(struct shell *sh, struct outlets **ret);
void outlets_free(struct outlets *o); /* accepts NULL; free the forwards first */
/* At the end of a turn: send. */
void outlets_turn(struct outlets *o);
/* The connection goes; there is one again. */
void outlets_suspend(struct outlets *o);
void outlets_resume(struct outlets *o);

#endif

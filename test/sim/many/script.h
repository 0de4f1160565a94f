/* A shell whose tasks are scripts. It speaks the protocol of lib/shell/shell.h, for one
 * rank: it outlives the broker, connects and says hello again, holds finishes until they
 * are acknowledged, and reads its journal when an earlier one was killed.
 *
 * The command of a job is "sim K DURATION CODE": its task lives so many seconds, or until
 * it is signalled, and ends with that exit code.
 */
#ifndef TEST_SIM_SCRIPT_H
#define TEST_SIM_SCRIPT_H

#include <flux/core.h>

struct node;
struct shell;

/* What a shell must not forget when it dies; the host's, as its disk is. */
struct notes {
    struct note {
        flux_jobid_t id;
        bool end;
        int status; /* wait status, of an end */
        bool lost;  /* by an earlier shell */
    } * notes;
    int n, size;
};

struct shell *shell_begin(struct node *n, flux_reactor_t *r);
/* kill -9: its tasks die with it. */
void shell_free(struct shell *sh);
/* It was told to go. */
bool shell_is_done(const struct shell *sh);
void notes_free(struct notes *j);

#endif

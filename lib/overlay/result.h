/* nng's results as -errno, and the door through which nng is first called. */
#ifndef FLUX_OVERLAY_RESULT_H
#define FLUX_OVERLAY_RESULT_H

#include <signal.h>

/* -errno for an nng result; 0 for 0. */
int result_error(int rv);
/* The same for the end of a stream: 0 when the peer closed it. */
int result_of_end(int rv);
/* The same for a dial that failed. */
int result_of_dial(int rv);

/* nng starts its threads at the first call, and they inherit the mask: hold all signals
 * back around calls that may be the first. */
void signals_hold(sigset_t *saved);
void signals_release(const sigset_t *saved);

#endif

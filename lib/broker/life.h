/* How the parts of a broker's life hand over to each other: enrol.c, from nothing to being
 * one of the instance; life.c, the rest. */
#ifndef FLUX_BROKER_LIFE_H
#define FLUX_BROKER_LIFE_H

#include <flux/types.h>

struct broker;

/* ---- enrol.c ---- */

/* Folders, place, store, services, socket, connection to the parent; then life_init(). */
void enrol_start(struct broker *b);
/* Stop waiting for the parent, if that is what it does. */
bool enrol_cancel(struct broker *b);
void enrol_parent_up(struct broker *b);
void enrol_parent_down(struct broker *b);
void enrol_refused(struct broker *b, int errnum, const char *why);
void enrol_free(struct broker *b);

/* ---- life.c ---- */

void life_init(struct broker *b);
/* It cannot go on, for the reason in err: down, with exit code 1. */
void life_fail(struct broker *b, int errnum, const flux_error_t *err, const char *why);
/* Down, in good order, whatever it does now. */
void life_end(struct broker *b, const char *why);
/* The state of the parent broker, as it tells it. */
void life_parent_state(struct broker *b, int state);
void life_child_gone(struct broker *b);
/* Enough brokers are online (rank 0). */
void life_quorum(struct broker *b);

#endif

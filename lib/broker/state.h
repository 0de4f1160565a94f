/* Where the broker is in its life; the services state-machine.get, wait, monitor. */
#ifndef FLUX_BROKER_STATE_H
#define FLUX_BROKER_STATE_H

#include "broker/core.h"

enum broker_state { /* bits, as monitors get them */
                    STATE_NONE = 1,
                    STATE_JOIN = 2,
                    STATE_INIT = 4,
                    STATE_QUORUM = 8,
                    STATE_RUN = 16,
                    STATE_CLEANUP = 32,
                    STATE_SHUTDOWN = 64,
                    STATE_FINALIZE = 128,
                    STATE_GOODBYE = 256,
                    STATE_EXIT = 512,
};

struct broker;
struct state;

int state_new(struct broker *b, struct state **ret);
void state_free(struct state *s); /* accepts NULL */
int state_serve(struct state *s);
/* Go on to `to`, for the reason `why` (for the log). */
void state_set(struct state *s, enum broker_state to, const char *why);
enum broker_state state_get(const struct state *s);
const char *broker_state_name(enum broker_state s);

#endif

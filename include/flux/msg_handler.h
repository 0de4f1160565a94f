/* Message handlers: functions called, on the handle's reactor, for messages that
 * match. A response goes to the handler that waits for its matchtag; a request to the
 * handler of its topic, exact topics first, then globs, the latest made first; an
 * event to all handlers that match. A request nobody handles is answered ENOSYS.
 */
#ifndef FLUX_MSG_HANDLER_H
#define FLUX_MSG_HANDLER_H

#include <flux/types.h>
#include <flux/message.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct flux_msg_handler flux_msg_handler_t;

/* msg is borrowed for the call; take a reference to keep it. */
typedef void (*flux_msg_handler_f)(flux_t *h, flux_msg_handler_t *mh,
                                   const flux_msg_t *msg, void *arg);

/* A handler, stopped. match.topic_glob is copied. Fails with EINVAL for a request
 * glob that is too long. NULL, errno. */
flux_msg_handler_t *flux_msg_handler_create(flux_t *h, const struct flux_match match,
                                            flux_msg_handler_f cb, void *arg);
/* Accepts NULL; allowed inside the handler. */
void flux_msg_handler_destroy(flux_msg_handler_t *mh);
void flux_msg_handler_start(flux_msg_handler_t *mh);
void flux_msg_handler_stop(flux_msg_handler_t *mh);

/* Who may send it. At first only FLUX_ROLE_OWNER, which cannot be denied. A request
 * from others is answered EPERM; other messages of theirs are dropped. */
void flux_msg_handler_allow_rolemask(flux_msg_handler_t *mh, uint32_t rolemask);
void flux_msg_handler_deny_rolemask(flux_msg_handler_t *mh, uint32_t rolemask);

struct flux_msg_handler_spec {
    int typemask;
    const char *topic_glob;
    flux_msg_handler_f cb;
    uint32_t rolemask; /* allowed besides the owner */
};
#define FLUX_MSGHANDLER_TABLE_END {0, NULL, NULL, 0}

/* Create and start handlers for a table, which ends with FLUX_MSGHANDLER_TABLE_END.
 * *msg_handlers is an array for _delvec. _ex: topics of the table are methods,
 * "name." is put before them. -1, errno. */
int flux_msg_handler_addvec(flux_t *h, const struct flux_msg_handler_spec tab[],
                            void *arg, flux_msg_handler_t **msg_handlers[]);
int flux_msg_handler_addvec_ex(flux_t *h, const char *name,
                               const struct flux_msg_handler_spec tab[], void *arg,
                               flux_msg_handler_t **msg_handlers[]);
void flux_msg_handler_delvec(flux_msg_handler_t *msg_handlers[]); /* accepts NULL */

/* Give the messages that a clone received and nobody on it wanted back to the handle
 * it was made from. -1, errno. */
int flux_dispatch_requeue(flux_t *h);

#ifdef __cplusplus
}
#endif
#endif

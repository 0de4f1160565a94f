/* The services that the broker itself answers (attr, event, log, module, ...): const
 * tables of {topic, who may call, handler}. Handlers run at once, inside router_recv()
 * of the request, so that a module on the broker's own thread may call them and wait.
 */
#ifndef FLUX_BROKER_CORE_H
#define FLUX_BROKER_CORE_H

#include <flux/message.h>
#include <flux/msglist.h>

#include "broker/router.h"

struct core;

struct core_method {
    const char *topic;
    uint32_t roles; /* who may call besides the owner: FLUX_ROLE_USER, or 0 */
    void (*fn)(void *arg, struct endpoint *from, const flux_msg_t *msg);
    bool leader; /* rank 0 answers; other ranks pass it on */
};

int core_new(struct router *r, const char *uuid, struct core **ret);
void core_free(struct core *c); /* accepts NULL */
struct endpoint *core_endpoint(struct core *c);
/* Add a table, which must outlive c; registers the services that its topics name. */
int core_add(struct core *c, const struct core_method *table, size_t n, void *arg);

/* Answers. One that cannot be made for lack of memory is lost. A request that wants no
 * response gets none. fmt NULL: no payload. */
void core_respond(struct core *c, const flux_msg_t *req, const char *fmt, ...);
void core_respond_str(struct core *c, const flux_msg_t *req, const char *s);
/* errnum may also be given as -errnum; text NULL: none. */
void core_error(struct core *c, const flux_msg_t *req, int errnum, const char *text);
void core_errorf(struct core *c, const flux_msg_t *req, int errnum, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Answer as the connection that the request came through does: without anyone's
 * credentials. */
void core_ack(struct core *c, struct endpoint *from, const flux_msg_t *req, int errnum);

/* Bytes of answers that the sender of a request has not read yet. */
size_t core_backlog(struct core *c, const flux_msg_t *req);

/* Requests that are held to be answered later. */
void core_drop(struct flux_msglist *held, const flux_msg_t *disconnect);
void core_cancel(struct core *c, struct flux_msglist *held, const flux_msg_t *cancel);
/* Answer all with an error, e.g. ENODATA, and forget them. */
void core_end(struct core *c, struct flux_msglist *held, int errnum);

#endif

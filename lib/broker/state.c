/* state-machine.get {} -> {"state","duration"}; wait: answered in state run;
 * monitor {"final"} (stream): {"state":bit} now and at each change, up to `final`; post
 * {"event":"shutdown"}: this broker ends, and those below it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "broker/broker.h"

struct state {
    struct broker *broker;
    enum broker_state now;
    double since; /* monotonic */
    struct flux_msglist *waiters, *monitors;
};

static const char *const names[] = {"none",    "join",     "init",     "quorum",  "run",
                                    "cleanup", "shutdown", "finalize", "goodbye", "exit"};

const char *broker_state_name(enum broker_state s)
{
    return names[__builtin_ctz(s)];
}

int state_new(struct broker *b, struct state **ret)
{
    struct state *s = calloc(1, sizeof(*s));

    if (!s)
        return -ENOMEM;
    s->broker = b;
    s->now = STATE_NONE;
    s->since = env_monotonic(b->env);
    if (!(s->waiters = flux_msglist_create()) || !(s->monitors = flux_msglist_create())) {
        state_free(s);
        return -ENOMEM;
    }
    *ret = s;
    return 0;
}

void state_free(struct state *s)
{
    if (!s)
        return;
    flux_msglist_destroy(s->waiters);
    flux_msglist_destroy(s->monitors);
    free(s);
}

enum broker_state state_get(const struct state *s)
{
    return s->now;
}

/* Tell one monitor; true when that was the last it wants to hear. */
static bool tell(struct state *s, const flux_msg_t *req)
{
    int final = STATE_EXIT;

    (void)flux_msg_unpack(req, "{s?i}", "final", &final);
    core_respond(s->broker->core, req, "{s:i}", "state", (int)s->now);
    if ((int)s->now < final)
        return false;
    core_error(s->broker->core, req, ENODATA, NULL);
    return true;
}

static void tell_all(struct state *s)
{
    const flux_msg_t *req = flux_msglist_first(s->monitors);

    for (; req; req = flux_msglist_next(s->monitors)) {
        if (tell(s, req))
            flux_msglist_delete(s->monitors);
    }
}

void state_set(struct state *s, enum broker_state to, const char *why)
{
    struct broker *b = s->broker;
    double now = env_monotonic(b->env);
    const flux_msg_t *req;

    if (to == s->now)
        return;
    log_printf(b->log, LOG_INFO, "%s: %s->%s %.3fms", why, broker_state_name(s->now),
               broker_state_name(to), (now - s->since) * 1e3);
    s->now = to;
    s->since = now;
    if (!b->core)
        return;
    if (to == STATE_RUN) {
        while ((req = flux_msglist_pop(s->waiters))) {
            core_respond(b->core, req, NULL);
            flux_msg_decref(req);
        }
    } else if (to > STATE_RUN)
        core_end(b->core, s->waiters, ENODATA);
    tell_all(s);
}

static void get_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct state *s = arg;

    core_respond(s->broker->core, msg, "{s:s s:f}", "state", broker_state_name(s->now),
                 "duration", env_monotonic(s->broker->env) - s->since);
}

static void wait_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct state *s = arg;

    if (s->now == STATE_RUN)
        core_respond(s->broker->core, msg, NULL);
    else if (s->now > STATE_RUN)
        core_error(s->broker->core, msg, ENOENT, "the instance is shutting down");
    else if (flux_msglist_append(s->waiters, msg) < 0)
        core_error(s->broker->core, msg, errno, NULL);
}

static void monitor_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct state *s = arg;

    if (!flux_msg_is_streaming(msg))
        core_error(s->broker->core, msg, EPROTO, NULL);
    else if (!tell(s, msg) && flux_msglist_append(s->monitors, msg) < 0)
        core_error(s->broker->core, msg, errno, NULL);
}

static void post_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct state *s = arg;
    const char *event;

    if (flux_msg_unpack(msg, "{s:s}", "event", &event) < 0)
        core_error(s->broker->core, msg, errno, NULL);
    else if (strcmp(event, "shutdown") != 0)
        core_errorf(s->broker->core, msg, EINVAL, "no such event '%s' (shutdown)", event);
    else {
        core_respond(s->broker->core, msg, NULL);
        broker_stop(s->broker);
    }
}

static void cancel_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct state *s = arg;

    core_cancel(s->broker->core, s->monitors, msg);
}

static void disconnect_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct state *s = arg;

    core_drop(s->waiters, msg);
    core_drop(s->monitors, msg);
}

static const struct core_method methods[] = {
    {"state-machine.get", FLUX_ROLE_USER, get_cb},
    {"state-machine.wait", FLUX_ROLE_USER, wait_cb},
    {"state-machine.monitor", 0, monitor_cb},
    {"state-machine.post", 0, post_cb},
    {"state-machine.cancel", FLUX_ROLE_USER, cancel_cb},
    {"state-machine.disconnect", FLUX_ROLE_USER, disconnect_cb},
};

int state_serve(struct state *s)
{
    return core_add(s->broker->core, methods, ARRAY_SIZE(methods), s);
}

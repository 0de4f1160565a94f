/* The rules of RFC 21, see rfc21.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "proto/eventlog.h"
#include "rfc21.h"

enum {
    NEW = 1,
    DEPEND = 2,
    PRIORITY = 4,
    SCHED = 8,
    RUN = 16,
    CLEANUP = 32,
    INACTIVE = 64,
    ANY = 63,
};

struct reader {
    struct rfc21 *r;
    double t;
    bool submitted, allocated, released;
    /* Open dependencies, prologs and epilogs, by description. */
    cJSON *deps, *prologs, *epilogs;
};

static int wrong(struct reader *rd, const char *name, const char *fmt, ...)
{
    va_list ap;
    int n =
        snprintf(rd->r->why, sizeof(rd->r->why), "event %u (%s): ", rd->r->nevents, name);

    va_start(ap, fmt);
    vsnprintf(rd->r->why + n, sizeof(rd->r->why) - (size_t)n, fmt, ap);
    va_end(ap);
    return -1;
}

#define CHECK_RULE(cond, ...)                                                            \
    do {                                                                                 \
        if (!(cond))                                                                     \
            return wrong(rd, e->name, __VA_ARGS__);                                      \
    } while (0)

static int get_int(const struct event *e, const char *key, int64_t *ret)
{
    return json_int64(json_get(e->context, key), ret);
}

static const char *get_str(const struct event *e, const char *key)
{
    return json_str(json_get(e->context, key));
}

static int on_submit(struct reader *rd, const struct event *e)
{
    int64_t urgency, userid, flags, version;

    CHECK_RULE(rd->r->nevents == 0, "not the first event");
    CHECK_RULE(get_int(e, "urgency", &urgency) == 0 && urgency >= 0 && urgency <= 31,
               "urgency");
    CHECK_RULE(get_int(e, "userid", &userid) == 0 && userid >= 0, "userid");
    CHECK_RULE(get_int(e, "flags", &flags) == 0, "flags");
    CHECK_RULE(get_int(e, "version", &version) == 0 && version == 1, "version");
    rd->r->state = NEW;
    return 0;
}

/* An event that opens something with a description, or closes it. */
static int on_open(struct reader *rd, const struct event *e, cJSON *set)
{
    const char *what = get_str(e, "description");

    CHECK_RULE(what, "no description");
    CHECK_RULE(!json_get(set, what), "%s is open already", what);
    cJSON_AddTrueToObject(set, what);
    return 0;
}

static int on_close(struct reader *rd, const struct event *e, cJSON *set)
{
    const char *what = get_str(e, "description");

    CHECK_RULE(what && json_get(set, what), "%s is not open", what ? what : "?");
    cJSON_DeleteItemFromObjectCaseSensitive(set, what);
    return 0;
}

static int on_depend(struct reader *rd, const struct event *e)
{
    CHECK_RULE(rd->r->state == DEPEND, "state %d", rd->r->state);
    CHECK_RULE(!rd->deps->child, "%s is open", rd->deps->child->string);
    rd->r->state = PRIORITY;
    return 0;
}

static int on_priority(struct reader *rd, const struct event *e)
{
    int64_t priority;

    CHECK_RULE(rd->r->state & (PRIORITY | SCHED), "state %d", rd->r->state);
    CHECK_RULE(get_int(e, "priority", &priority) == 0 && priority >= 0 &&
                   priority <= 4294967295,
               "priority");
    rd->r->priority = priority;
    rd->r->state = SCHED;
    return 0;
}

static int on_alloc(struct reader *rd, const struct event *e)
{
    CHECK_RULE(rd->r->state == SCHED, "state %d", rd->r->state);
    CHECK_RULE(rd->r->priority > 0, "the job is held");
    CHECK_RULE(!rd->allocated, "allocated twice");
    rd->allocated = true;
    rd->r->state = RUN;
    return 0;
}

static int on_start(struct reader *rd, const struct event *e)
{
    CHECK_RULE(rd->r->state & (RUN | CLEANUP), "state %d", rd->r->state);
    CHECK_RULE(rd->allocated && !rd->r->freed, "without resources");
    CHECK_RULE(!rd->r->started, "started twice");
    CHECK_RULE(!rd->prologs->child, "%s is open", rd->prologs->child->string);
    rd->r->started = true;
    return 0;
}

static int on_finish(struct reader *rd, const struct event *e)
{
    int64_t status;

    CHECK_RULE(rd->r->state & (RUN | CLEANUP), "state %d", rd->r->state);
    CHECK_RULE(rd->allocated, "without resources");
    CHECK_RULE(!rd->r->finished, "finished twice");
    CHECK_RULE(get_int(e, "status", &status) == 0, "status");
    rd->r->finished = true;
    rd->r->status = (int)status;
    rd->r->state = CLEANUP;
    return 0;
}

static int on_release(struct reader *rd, const struct event *e)
{
    const cJSON *final = json_get(e->context, "final");

    CHECK_RULE(rd->r->state == CLEANUP, "state %d", rd->r->state);
    CHECK_RULE(get_str(e, "ranks") && cJSON_IsBool(final), "ranks and final");
    CHECK_RULE(!rd->released, "after the final release");
    rd->released = cJSON_IsTrue(final);
    return 0;
}

static int on_free(struct reader *rd, const struct event *e)
{
    CHECK_RULE(rd->r->state == CLEANUP, "state %d", rd->r->state);
    CHECK_RULE(rd->allocated && !rd->r->freed, "nothing to free");
    CHECK_RULE(!rd->r->started || rd->released, "before the final release");
    CHECK_RULE(!rd->epilogs->child, "%s is open", rd->epilogs->child->string);
    rd->r->freed = true;
    return 0;
}

static int on_clean(struct reader *rd, const struct event *e)
{
    CHECK_RULE(rd->r->state == CLEANUP, "state %d", rd->r->state);
    CHECK_RULE(rd->allocated == rd->r->freed, "resources are not free");
    CHECK_RULE(!rd->prologs->child && !rd->epilogs->child, "prolog or epilog is open");
    rd->r->state = INACTIVE;
    return 0;
}

static int on_exception(struct reader *rd, const struct event *e)
{
    const char *type = get_str(e, "type");
    int64_t severity;

    CHECK_RULE(type && *type, "type");
    CHECK_RULE(get_int(e, "severity", &severity) == 0 && severity >= 0 && severity <= 7,
               "severity");
    CHECK_RULE(get_str(e, "note"), "note");
    if (severity > 0)
        return 0;
    if (!rd->r->doomed)
        snprintf(rd->r->exception, sizeof(rd->r->exception), "%s", type);
    rd->r->doomed = true;
    rd->r->state = CLEANUP;
    return 0;
}

static int on_other(struct reader *rd, const struct event *e)
{
    if (strcmp(e->name, "flux-restart") == 0 || strcmp(e->name, "jobspec-update") == 0)
        if (rd->r->state == SCHED)
            rd->r->state = PRIORITY;
    return 0;
}

static int on_event(struct reader *rd, const struct event *e)
{
    static const struct {
        const char *name;
        int (*fn)(struct reader *rd, const struct event *e);
    } handlers[] = {
        {"depend", on_depend}, {"priority", on_priority}, {"alloc", on_alloc},
        {"start", on_start},   {"finish", on_finish},     {"release", on_release},
        {"free", on_free},     {"clean", on_clean},       {"exception", on_exception},
    };

    CHECK_RULE(rd->r->state != INACTIVE, "after clean");
    CHECK_RULE(e->timestamp >= rd->t, "earlier than the one before");
    rd->t = e->timestamp;
    if (strcmp(e->name, "submit") == 0)
        return on_submit(rd, e);
    CHECK_RULE(rd->r->nevents > 0, "before submit");
    if (strcmp(e->name, "validate") == 0) {
        CHECK_RULE(rd->r->state == NEW, "state %d", rd->r->state);
        rd->r->state = DEPEND;
        return 0;
    }
    if (strcmp(e->name, "dependency-add") == 0) {
        CHECK_RULE(rd->r->state == DEPEND, "state %d", rd->r->state);
        return on_open(rd, e, rd->deps);
    }
    if (strcmp(e->name, "dependency-remove") == 0)
        return on_close(rd, e, rd->deps);
    if (strcmp(e->name, "prolog-start") == 0)
        return on_open(rd, e, rd->prologs);
    if (strcmp(e->name, "prolog-finish") == 0)
        return on_close(rd, e, rd->prologs);
    if (strcmp(e->name, "epilog-start") == 0)
        return on_open(rd, e, rd->epilogs);
    if (strcmp(e->name, "epilog-finish") == 0)
        return on_close(rd, e, rd->epilogs);
    for (unsigned i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++)
        if (strcmp(e->name, handlers[i].name) == 0)
            return handlers[i].fn(rd, e);
    return on_other(rd, e);
}

int rfc21_check(const char *log, size_t len, struct rfc21 *ret)
{
    struct reader rd = {.r = ret,
                        .deps = cJSON_CreateObject(),
                        .prologs = cJSON_CreateObject(),
                        .epilogs = cJSON_CreateObject()};
    const char *line;
    size_t pos = 0, n;
    struct event e;
    flux_error_t err;
    int rc;

    *ret = (struct rfc21){.status = -1, .priority = -1};
    while ((rc = eventlog_next(log, len, &pos, &line, &n)) > 0) {
        if ((rc = event_parse(line, n, &e, &err)) < 0) {
            wrong(&rd, "?", "%s", err.text);
            break;
        }
        rc = on_event(&rd, &e);
        event_free(&e);
        if (rc < 0)
            break;
        ret->nevents++;
    }
    if (rc < 0 && !ret->why[0])
        wrong(&rd, "?", "not a line");
    json_free(rd.deps);
    json_free(rd.prologs);
    json_free(rd.epilogs);
    return rc < 0 ? -1 : 0;
}

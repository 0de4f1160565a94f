/* Quorum and critical ranks, by the group broker.online. A critical rank that is lost may
 * come back within a moment: brokers above it that restart take it away and bring it back.
 */
#include <errno.h>
#include <stdlib.h>

#include <flux/idset.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "broker/broker.h"
#include "broker/life.h"
#include "broker/quorum.h"

#define ONLINE "broker.online"
#define GRACE 3.0       /* seconds that a critical rank may be away */
#define WARN_AFTER 60.0 /* seconds without a quorum */

struct quorum {
    struct broker *broker;
    size_t needed;
    struct idset *critical;
    struct idset *seen; /* critical ranks that were online */
    bool waiting, stopped;
    struct watcher *warn, *grace;
};

/* Ranks of `ids` that are not online; yours to destroy. */
static struct idset *missing(const struct quorum *q, const struct idset *ids)
{
    const struct idset *online = groups_members(q->broker->groups, ONLINE);

    return online ? idset_difference(ids, online) : idset_copy(ids);
}

static char *print(struct idset *ids)
{
    char *s = ids ? idset_encode(ids, IDSET_FLAG_RANGE) : NULL;

    idset_destroy(ids);
    return s;
}

static void warn_cb(struct watcher *w, int revents, void *arg)
{
    struct quorum *q = arg;
    struct idset *all = idset_create(q->broker->size, IDSET_FLAG_INITFULL);
    AUTOFREE char *s = all ? print(missing(q, all)) : NULL;

    log_printf(q->broker->log, LOG_ERR,
               "quorum of %zu brokers not reached: waiting for %s", q->needed,
               s ? s : "?");
    idset_destroy(all);
}

/* The critical ranks that are away. */
static void grace_cb(struct watcher *w, int revents, void *arg)
{
    struct quorum *q = arg;
    struct idset *gone = missing(q, q->seen);
    flux_error_t err;

    if (gone && !idset_empty(gone)) {
        AUTOFREE char *s = idset_encode(gone, IDSET_FLAG_RANGE);

        error_set(&err, EHOSTDOWN, "critical rank %s is lost (broker.critical-ranks)",
                  s ? s : "?");
        log_printf(q->broker->log, LOG_CRIT, "%s", err.text);
        q->stopped = true;
        idset_destroy(gone);
        life_fail(q->broker, EHOSTDOWN, &err, "critical-rank-lost");
        return;
    }
    idset_destroy(gone);
}

static void look_at_critical(struct quorum *q)
{
    const struct idset *online = groups_members(q->broker->groups, ONLINE);
    struct idset *here = online ? idset_intersect(q->critical, online) : NULL;
    struct idset *gone;

    if (here)
        (void)idset_add(q->seen, here);
    idset_destroy(here);
    gone = missing(q, q->seen);
    if (gone && !idset_empty(gone)) {
        if (!watcher_is_active(q->grace)) {
            watcher_timer_set(q->grace, GRACE, 0);
            watcher_start(q->grace);
        }
    } else
        watcher_stop(q->grace);
    idset_destroy(gone);
}

static void look(void *arg)
{
    struct quorum *q = arg;

    if (q->stopped)
        return;
    look_at_critical(q);
    if (q->waiting &&
        idset_count(groups_members(q->broker->groups, ONLINE)) >= q->needed) {
        q->waiting = false;
        watcher_stop(q->warn);
        life_quorum(q->broker);
    }
}

void quorum_wait(struct quorum *q)
{
    double period = attrs_duration(q->broker->attrs, "broker.quorum-warn", WARN_AFTER);

    q->waiting = true;
    if (period > 0 && period < 1e9) {
        watcher_timer_set(q->warn, period, period);
        watcher_start(q->warn);
    }
    look(q);
}

void quorum_stop(struct quorum *q)
{
    q->stopped = true;
    watcher_stop(q->warn);
    watcher_stop(q->grace);
}

static int read_attrs(struct quorum *q, flux_error_t *err)
{
    struct broker *b = q->broker;
    const char *s = attrs_get(b->attrs, "broker.critical-ranks");
    long n = attrs_int(b->attrs, "broker.quorum", -1);
    unsigned last;

    if (n < 1 || n > (long)b->size)
        return error_set(err, EINVAL,
                         "attribute broker.quorum: '%s' is no number from 1 to the size, "
                         "%u",
                         attrs_get(b->attrs, "broker.quorum"), (unsigned)b->size);
    q->needed = (size_t)n;
    if (!(q->critical = idset_decode(s ? s : "")))
        return error_set(err, EINVAL,
                         "attribute broker.critical-ranks: '%s' is not a set of ranks",
                         s);
    last = idset_last(q->critical);
    if (last != IDSET_INVALID_ID && last >= b->size)
        return error_set(err, EINVAL,
                         "attribute broker.critical-ranks: there is no rank %u in an "
                         "instance of %u",
                         last, (unsigned)b->size);
    if (!(q->seen = idset_create(0, IDSET_FLAG_AUTOGROW)))
        return -ENOMEM;
    return 0;
}

int quorum_new(struct broker *b, struct quorum **ret, flux_error_t *err)
{
    struct quorum *q = calloc(1, sizeof(*q));
    int rc;

    if (!q)
        return -ENOMEM;
    q->broker = b;
    if ((rc = read_attrs(q, err)) < 0 ||
        (rc = watcher_new_timer(b->loop, WARN_AFTER, WARN_AFTER, warn_cb, q, &q->warn)) <
            0 ||
        (rc = watcher_new_timer(b->loop, GRACE, 0, grace_cb, q, &q->grace)) < 0) {
        quorum_free(q);
        return rc;
    }
    groups_on_change(b->groups, look, q);
    *ret = q;
    return 0;
}

void quorum_free(struct quorum *q)
{
    if (!q)
        return;
    watcher_free(q->warn);
    watcher_free(q->grace);
    idset_destroy(q->critical);
    idset_destroy(q->seen);
    free(q);
}

/* Goodbyes. Who leaves says GOODBYE and keeps the link until the answer comes: all that
 * was sent before has then arrived. Who is told so answers, forgets the peer at once, and
 * leaves it to the other to close the link. Two goodbyes that cross answer each other.
 */
#include <errno.h>
#include <syslog.h>

#include "overlay/impl.h"

static void say(struct peer *p, enum note_kind kind)
{
    peer_put(p, &(struct iovec){(char[]){(char)kind}, 1}, 1);
}

void leave_say_goodbye(struct peer *p)
{
    p->parting = true;
    say(p, NOTE_GOODBYE);
}

void overlay_leave(struct overlay *ov, void (*done)(void *arg), void *arg)
{
    if (ov->leaving)
        return;
    ov->leaving = true;
    ov->leave_done = done;
    ov->leave_arg = arg;
    ov->leave_deadline = env_monotonic(ov->env) + ov->conf.connect_timeout;
    admit_close(ov);
    join_cancel(ov);
    if (overlay_parent(ov))
        leave_say_goodbye(ov->parent);
    for (struct peer *p = NULL; (p = overlay_next_child(ov, p));)
        leave_say_goodbye(p);
    watcher_ref(ov->work); /* done is to run, whatever else there is */
    overlay_kick(ov);
}

bool leave_is_over(const struct overlay *ov)
{
    if (!ov->leaving || !ov->leave_done)
        return false;
    if (env_monotonic(ov->env) >= ov->leave_deadline)
        return true;
    return !ov->parent && !overlay_next_child((struct overlay *)ov, NULL);
}

/* Keep the link for a moment, until the other closes it. */
static void linger(struct peer *p)
{
    struct overlay *ov = p->ov;
    struct peer *rest;
    if (peer_new(ov, PEER_PARTED, &rest) < 0)
        return;
    list_append(&ov->parted, &rest->node);
    rest->rank = p->rank;
    rest->link = p->link;
    link_set_arg(rest->link, NULL, rest);
    p->link = NULL; /* p ends without it */
}

void leave_goodbye(struct peer *p)
{
    if (!p->parting) {
        say(p, NOTE_GOODBYE_ACK);
        linger(p);
    }
    peer_end(p, 0, "it said goodbye");
}

void leave_goodbye_ack(struct peer *p)
{
    if (p->parting)
        peer_end(p, 0, "goodbye");
    else
        peer_fail(p, EPROTO, "it does not speak our language");
}

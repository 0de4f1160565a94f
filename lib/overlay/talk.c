/* What peers that are up say to each other. */
#include <errno.h>
#include <string.h>

#include "overlay/impl.h"
#include "proto/msg_private.h"

static void got_message(struct peer *p, const void *data, size_t len)
{
    struct overlay *ov = p->ov;
    flux_msg_t *msg;
    int rc = msg_parts_decode((const char *)data + 1, len - 1, &msg);
    if (rc < 0) {
        peer_fail(p, -rc, "what it sent is no message");
        return;
    }
    ov->stats.received++;
    ov->conf.cb->message(p, msg, ov->conf.arg);
}

static void got_health(struct peer *p, uint64_t status)
{
    struct overlay *ov = p->ov;
    if (p->parent || status > OVERLAY_DEGRADED) {
        peer_fail(p, EPROTO, "its health report cannot be read");
        return;
    }
    child_set(child_find(ov, p->rank), (enum overlay_status)status,
              env_monotonic(ov->env));
    health_dirty(ov);
}

static void got_epoch(struct peer *p, uint64_t epoch)
{
    struct overlay *ov = p->ov;
    if (epoch <= ov->epoch)
        return;
    ov->epoch = epoch;
    talk_epoch(ov);
}

static void got_state(struct peer *p, uint64_t state)
{
    struct overlay *ov = p->ov;
    if (ov->conf.cb->parent_state)
        ov->conf.cb->parent_state((int)(int64_t)state, ov->conf.arg);
}

static void got_number(struct peer *p, unsigned kind, const void *data, size_t len)
{
    uint64_t n;
    bool down = kind == NOTE_STATE || kind == NOTE_EPOCH;
    if (number_decode(data, len, &n) < 0 || (down && !p->parent))
        peer_fail(p, EPROTO, "it does not speak our language");
    else if (kind == NOTE_HEALTH)
        got_health(p, n);
    else if (kind == NOTE_STATE)
        got_state(p, n);
    else
        got_epoch(p, n);
}

void talk_read(struct peer *p, const void *data, size_t len)
{
    unsigned kind = *(const unsigned char *)data;
    switch (kind) {
    case NOTE_MESSAGE:
        got_message(p, data, len);
        break;
    case NOTE_HEARTBEAT:
        break;
    case NOTE_HEALTH:
    case NOTE_STATE:
    case NOTE_EPOCH:
        got_number(p, kind, data, len);
        break;
    case NOTE_GOODBYE:
        leave_goodbye(p);
        break;
    case NOTE_GOODBYE_ACK:
        leave_goodbye_ack(p);
        break;
    default:
        peer_fail(p, EPROTO, "it does not speak our language");
    }
}

static void tell_children(struct overlay *ov, enum note_kind kind, uint64_t n)
{
    for (uint32_t i = 0; i < ov->nchildren; i++) {
        if (ov->children[i].peer)
            peer_put_number(ov->children[i].peer, kind, n);
    }
}

void talk_epoch(struct overlay *ov)
{
    tell_children(ov, NOTE_EPOCH, ov->epoch);
}

void overlay_tell_state(struct overlay *ov, int state)
{
    ov->has_state = true;
    ov->state = state;
    tell_children(ov, NOTE_STATE, (uint64_t)(int64_t)state);
}

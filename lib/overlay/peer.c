/* A link to another broker, and how it ends. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "overlay/impl.h"
#include "proto/msg_private.h"

int peer_new(struct overlay *ov, enum peer_state state, struct peer **ret)
{
    struct peer *p = calloc(1, sizeof(*p));
    if (!p)
        return -ENOMEM;
    p->ov = ov;
    p->state = state;
    p->parent = state == PEER_DIALLED;
    p->refs = 1;
    p->rank = TOPO_NONE;
    p->deadline = env_monotonic(ov->env) + ov->conf.connect_timeout;
    list_init(&p->node);
    *ret = p;
    return 0;
}

void peer_unref(struct peer *p)
{
    if (--p->refs > 0)
        return;
    seal_free(p->seal);
    handshake_free(p->handshake);
    json_free(p->hello);
    free(p->why);
    free(p);
}

const char *peer_name(const struct peer *p, char buf[64])
{
    if (p->parent)
        snprintf(buf, 64, "parent (rank %u)",
                 topo_parent(p->ov->conf.topo, p->ov->conf.rank));
    else if (p->rank != TOPO_NONE)
        snprintf(buf, 64, "child (rank %u)", p->rank);
    else
        snprintf(buf, 64, "%s", p->link ? link_address(p->link) : "");
    return buf;
}

/* ---- sending ---- */

struct link_conf peer_link_conf(struct overlay *ov, size_t max_message, void *arg)
{
    return (struct link_conf){.cb = &peer_link_cb,
                              .arg = arg,
                              .max_message = max_message,
                              .max_queue = ov->conf.max_queue};
}

void peer_trust(struct peer *p)
{
    link_set_max_message(p->link, p->ov->conf.max_message + SEAL_ROOM + 1);
}

int peer_put(struct peer *p, const struct iovec *parts, int n)
{
    struct overlay *ov = p->ov;
    struct iovec sealed;
    int rc = 0;
    if (p->ended || p->failed)
        return -EPIPE;
    if (p->seal) {
        rc = seal_close(p->seal, parts, n, &ov->plain, &ov->sealed);
        sealed = (struct iovec){ov->sealed.data, ov->sealed.len};
        parts = &sealed;
        n = 1;
    }
    if (rc == 0)
        rc = link_send(p->link, parts, n);
    for (int i = 0; rc == 0 && i < n; i++)
        p->given += parts[i].iov_len;
    /* What was not sent is missing: nothing may come after it. Of -EPIPE the link tells
     * more, soon. */
    if (rc == -ENOBUFS)
        peer_fail(p, ENOBUFS, "%zu bytes wait to be sent to it", link_queued(p->link));
    else if (rc < 0 && rc != -EPIPE)
        peer_fail(p, -rc, "cannot send: %s", strerror(-rc));
    return rc;
}

int peer_put_buf(struct peer *p, const struct buf *note)
{
    return peer_put(p, &(struct iovec){note->data, note->len}, 1);
}

int peer_put_number(struct peer *p, enum note_kind kind, uint64_t n)
{
    unsigned char note[NOTE_NUMBER_SIZE];
    number_encode(kind, n, note);
    return peer_put(p, &(struct iovec){note, sizeof(note)}, 1);
}

int peer_send(struct peer *p, const flux_msg_t *msg)
{
    struct overlay *ov = p->ov;
    char tail[MSG_TAIL_SIZE];
    size_t head = 1 + msg_head_size(msg);
    size_t payload = msg->flags & FLUX_MSGFLAG_PAYLOAD ? msg->payload_len : 0;
    if (msg->type == FLUX_MSGTYPE_ANY)
        return -EINVAL;
    if (p->state != PEER_UP || p->parting)
        return -EPIPE;
    if (head + payload + sizeof(tail) > ov->conf.max_message)
        return -EMSGSIZE;
    ov->head.len = 0;
    if (buf_reserve(&ov->head, head) < 0)
        return -ENOMEM;
    ov->head.data[0] = NOTE_MESSAGE;
    msg_head_encode(msg, ov->head.data + 1);
    msg_tail_encode(msg, tail);
    const struct iovec parts[] = {
        {ov->head.data, head}, {msg->payload, payload}, {tail, sizeof(tail)}};
    int rc = peer_put(p, parts, 3);
    ov->stats.sent += rc == 0;
    return rc;
}

/* ---- the end ---- */

void peer_fail(struct peer *p, int errnum, const char *fmt, ...)
{
    va_list ap;
    if (p->failed || p->ended)
        return;
    p->failed = errnum ? errnum : ECONNRESET;
    va_start(ap, fmt);
    if (vasprintf(&p->why, fmt, ap) < 0)
        p->why = NULL;
    va_end(ap);
    overlay_kick(p->ov);
}

void peer_drop(struct peer *p, int errnum, const char *why)
{
    peer_fail(p, errnum < 0 ? -errnum : errnum, "%s", why);
}

static void leave_lists(struct peer *p)
{
    struct overlay *ov = p->ov;
    if (p->state == PEER_STRANGER || p->state == PEER_CHALLENGED)
        ov->nstrangers--;
    list_del(&p->node);
    if (ov->parent == p)
        ov->parent = NULL;
}

static void child_gone(struct peer *p, int errnum, const char *why)
{
    struct overlay *ov = p->ov;
    struct child *c = child_find(ov, p->rank);
    c->peer = NULL;
    child_set(c, errnum ? OVERLAY_LOST : OVERLAY_OFFLINE, env_monotonic(ov->env));
    child_set_error(c, why);
    health_dirty(ov);
}

static void log_end(struct peer *p, bool was_up, int errnum, const char *why)
{
    struct overlay *ov = p->ov;
    char name[64];
    if (was_up)
        overlay_log(ov, errnum ? LOG_WARNING : LOG_INFO, "%s is gone: %s",
                    peer_name(p, name), why);
    else if (p->parent)
        join_trouble(ov, why);
    else if (errnum && p->state != PEER_PARTED) {
        ov->stats.bad_links++;
        overlay_log_stranger(ov, "connection of %s: %s", peer_name(p, name), why);
    }
}

void peer_end(struct peer *p, int errnum, const char *why)
{
    struct overlay *ov = p->ov;
    bool was_up = p->state == PEER_UP;
    double lasted = env_monotonic(ov->env) - p->up_since;
    if (p->ended)
        return;
    p->ended = true;
    log_end(p, was_up, errnum, why);
    leave_lists(p);
    link_close(TAKE(p->link));
    if (p->parent)
        join_again(ov, was_up && lasted > 2);
    else if (was_up)
        child_gone(p, errnum, why);
    if (ov->leaving)
        overlay_kick(ov);
    if (was_up)
        ov->conf.cb->peer_down(p, errnum, why, ov->conf.arg);
    peer_unref(p);
}

/* ---- what the link says ---- */

void peer_set_up(struct peer *p)
{
    double now = env_monotonic(p->ov->env);
    p->state = PEER_UP;
    p->up_since = p->last_heard = p->moved = now;
    handshake_free(TAKE(p->handshake));
    if (p->seal && !seal_encrypts(p->seal))
        seal_free(TAKE(p->seal));
}

static void read_note(struct peer *p, const void *data, size_t len)
{
    if (p->state == PEER_UP)
        talk_read(p, data, len);
    else if (p->parent)
        join_read(p, data, len);
    else if (p->state != PEER_PARTED)
        admit_read(p, data, len);
}

static void awake(struct peer *p)
{
    char name[64];
    p->torpid = false;
    overlay_log(p->ov, LOG_INFO, "%s is no longer torpid", peer_name(p, name));
    if (!p->parent)
        health_dirty(p->ov);
}

static void on_message(struct link *link, const void *data, size_t len, void *arg)
{
    struct peer *p = arg;
    int rc = 0;
    if (p->failed)
        return;
    p->heard = true;
    if (p->torpid)
        awake(p);
    if (p->seal)
        rc = seal_open(p->seal, data, len, &p->ov->opened, &data, &len);
    if (rc == -EBADMSG)
        peer_fail(p, EBADMSG, "what it sent was not sealed with our key");
    else if (rc < 0 || len < 1)
        peer_fail(p, rc < 0 ? -rc : EPROTO, "%s", strerror(rc < 0 ? -rc : EPROTO));
    else
        read_note(p, data, len);
}

static void on_closed(struct link *link, int error, void *arg)
{
    struct peer *p = arg;
    if (p->failed)
        peer_end(p, p->failed, p->why ? p->why : strerror(p->failed));
    else if (error == 0)
        peer_end(p, ECONNRESET, "it closed the connection");
    else
        peer_end(p, -error, strerror(-error));
}

const struct link_cb peer_link_cb = {.message = on_message, .closed = on_closed};

/* ---- looked at by the broker ---- */

uint32_t peer_rank(const struct peer *p)
{
    return p->rank;
}

const char *peer_uuid(const struct peer *p)
{
    return p->uuid;
}

bool peer_is_parent(const struct peer *p)
{
    return p->parent;
}

bool peer_is_torpid(const struct peer *p)
{
    return p->torpid;
}

size_t peer_queued(const struct peer *p)
{
    return p->link ? link_queued(p->link) : 0;
}

void *peer_aux(const struct peer *p)
{
    return p->aux;
}

void peer_set_aux(struct peer *p, void *aux)
{
    p->aux = aux;
}

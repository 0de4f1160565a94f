/* The parent's side: strangers connect; those that prove themselves, and belong there,
 * become children. Strangers are few at a time: when another one comes, the oldest goes.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/error.h"
#include "overlay/impl.h"

#define STRANGERS_MAX 64 /* besides as many as there are children */

static void accepted(struct link *listener, struct link *link, void *arg)
{
    struct overlay *ov = arg;
    struct peer *p;
    ov->stats.accepted++;
    if (peer_new(ov, PEER_STRANGER, &p) < 0) {
        link_close(link);
        return;
    }
    p->link = link;
    link_set_arg(link, &peer_link_cb, p);
    list_append(&ov->strangers, &p->node);
    if (++ov->nstrangers > STRANGERS_MAX + ov->nchildren)
        peer_end(list_first(&ov->strangers, struct peer, node), EBUSY,
                 "too many connect and do not prove who they are");
}

static void never(struct link *link, const void *data, size_t len, void *arg)
{
}

static void listener_closed(struct link *link, int error, void *arg)
{
}

static const struct link_cb listener_cb = {
    .accepted = accepted, .message = never, .closed = listener_closed};

int overlay_listen(struct overlay *ov, const char *address, flux_error_t *err)
{
    struct link_conf conf = peer_link_conf(ov, HELLO_MAX, ov);
    if (ov->listener || ov->leaving)
        return error_set(err, EINVAL, "%s: listening already", address);
    conf.cb = &listener_cb;
    int rc = transport_listen(ov->conf.loop, address, &conf, &ov->listener);
    if (rc < 0)
        return error_set(err, -rc, "%s: %s", address, strerror(-rc));
    pulse_start(ov);
    return 0;
}

const char *overlay_address(const struct overlay *ov)
{
    return ov->listener ? link_address(ov->listener) : NULL;
}

static void end_all(struct list *peers)
{
    struct peer *p;
    while ((p = list_first(peers, struct peer, node)))
        peer_end(p, 0, "leaving");
}

void admit_close(struct overlay *ov)
{
    link_close(TAKE(ov->listener));
    end_all(&ov->strangers);
    end_all(&ov->waiting);
}

/* ---- refusing ---- */

static void send_refusal(struct peer *p, const struct refusal *r)
{
    CLEANUP(buf_free) struct buf note = {0};
    int rc =
        p->seal ? refusal_encode(r, &note) : handshake_refuse(p->handshake, r, &note);
    if (rc == 0)
        peer_put_buf(p, &note);
}

__attribute__((format(printf, 4, 5))) static void refuse(struct peer *p, bool forever,
                                                         int errnum, const char *fmt, ...)
{
    struct overlay *ov = p->ov;
    struct refusal r = {.forever = forever, .errnum = errnum};
    struct child *c = child_find(ov, p->rank);
    char name[64];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(r.reason, sizeof(r.reason), fmt, ap);
    va_end(ap);
    ov->stats.refused++;
    overlay_log_stranger(ov, "%s is refused: %s", peer_name(p, name), r.reason);
    if (c && !c->peer)
        child_set_error(c, r.reason);
    send_refusal(p, &r);
    peer_end(p, 0, r.reason);
}

/* ---- admitting ---- */

static int send_welcome(struct peer *p, cJSON *welcome)
{
    struct overlay *ov = p->ov;
    struct identity id = {.rank = ov->conf.rank,
                          .size = topo_size(ov->conf.topo),
                          .status = ov->status,
                          .epoch = ov->epoch};
    CLEANUP(buf_free) struct buf note = {0};
    AUTOFREE char *text = welcome ? json_print(welcome) : strdup("{}");
    if (!text)
        return -ENOMEM;
    id.json = text;
    id.json_len = strlen(text);
    snprintf(id.uuid, sizeof(id.uuid), "%s", ov->conf.uuid);
    snprintf(id.instance, sizeof(id.instance), "%s", ov->instance);
    int rc = identity_encode(NOTE_WELCOME, &id, &note);
    return rc < 0 ? rc : peer_put_buf(p, &note);
}

static void up(struct peer *p, struct child *c)
{
    struct overlay *ov = p->ov;
    list_del(&p->node);
    c->peer = p;
    child_set(c, (enum overlay_status)p->claim.status, env_monotonic(ov->env));
    child_set_error(c, NULL);
    peer_set_up(p);
    overlay_log(ov, LOG_DEBUG, "child (rank %u) at %s is up", p->rank,
                link_address(p->link));
    if (ov->has_state)
        peer_put_number(p, NOTE_STATE, (uint64_t)(int64_t)ov->state);
    health_dirty(ov);
    ov->conf.cb->peer_up(p, ov->conf.arg);
}

/* Is there room for a child of that rank? Makes it if it may. */
static bool make_room(struct peer *p, struct child *c)
{
    struct peer *old = c->peer;
    if (!old)
        return true;
    if (old->failed)
        peer_end(old, old->failed, old->why ? old->why : strerror(old->failed));
    else if (strcmp(old->uuid, p->uuid) == 0)
        peer_end(old, ECONNRESET, "it connected again");
    else if (old->torpid)
        peer_end(old, ETIMEDOUT, "it was torpid, and another one took its place");
    else
        refuse(p, false, EEXIST, "rank %u is here already, with uuid %s", p->rank,
               old->uuid);
    return !p->ended && !c->peer;
}

static void ask_broker(struct peer *p, struct child *c)
{
    struct overlay *ov = p->ov;
    flux_error_t err = {.text = ""};
    cJSON *welcome = NULL;
    int rc = 0;
    if (ov->conf.cb->admit)
        rc = ov->conf.cb->admit(p->rank, p->hello, &welcome, &err, ov->conf.arg);
    json_free(TAKE(p->hello));
    if (!p->ended && rc < 0)
        refuse(p, false, -rc, "%s", err.text[0] ? err.text : strerror(-rc));
    else if (!p->ended && !c->peer && send_welcome(p, welcome) == 0)
        up(p, c);
    json_free(welcome);
}

static void admit(struct peer *p)
{
    struct overlay *ov = p->ov;
    const struct identity *id = &p->claim;
    struct child *c = child_find(ov, p->rank);
    if (id->instance[0] && strcmp(id->instance, ov->instance) != 0) {
        refuse(p, true, ESTALE, "it is of instance %s, this is %s", id->instance,
               ov->instance);
        return;
    }
    if (id->epoch > ov->epoch) {
        refuse(p, true, ESTALE, "it has seen epoch %ju of the instance, this is %ju",
               (uintmax_t)id->epoch, (uintmax_t)ov->epoch);
        return;
    }
    p->refs++;
    p->state = PEER_ASKING;
    if (make_room(p, c))
        ask_broker(p, c);
    if (p->state == PEER_ASKING)
        peer_fail(p, EAGAIN, c->peer ? "another one came first" : "it is gone already");
    peer_unref(p);
}

static struct peer *next_waiting(struct overlay *ov)
{
    list_each(p, &ov->waiting, struct peer, node)
    {
        if (p->state == PEER_WAITING && !p->failed)
            return p;
    }
    return NULL;
}

void admit_waiting(struct overlay *ov)
{
    struct peer *p;
    while (ov->welcomed && (p = next_waiting(ov)))
        admit(p);
}

/* ---- the handshake ---- */

/* "1.2" of "1.2.3" */
static size_t major_minor(const char *version)
{
    size_t n = strcspn(version, ".");
    return version[n] ? n + 1 + strcspn(version + n + 1, ".-+") : n;
}

static bool same_version(const char *a, const char *b)
{
    size_t n = major_minor(a);
    return n == major_minor(b) && memcmp(a, b, n) == 0;
}

static void challenge(struct peer *p)
{
    CLEANUP(buf_free) struct buf note = {0};
    struct seal *seal = NULL;
    int rc = handshake_challenge(p->handshake, &note, &seal);
    if (rc == 0)
        rc = peer_put_buf(p, &note); /* before it there is nothing to seal with */
    p->seal = seal;
    p->state = PEER_CHALLENGED;
    link_set_max_message(p->link, PROOF_MAX + SEAL_ROOM);
    if (rc < 0)
        peer_fail(p, -rc, "%s", strerror(-rc));
}

static int begin(struct peer *p)
{
    struct overlay *ov = p->ov;
    unsigned char random[HANDSHAKE_RANDOM];
    bool encrypt = ov->conf.encrypt && strncmp(link_address(p->link), "tcp:", 4) == 0;
    env_random(ov->env, random, sizeof(random));
    return handshake_new(ov->key, encrypt, random, &p->handshake);
}

static void read_hello(struct peer *p, const void *data, size_t len)
{
    struct overlay *ov = p->ov;
    struct hello hello;
    int rc = begin(p);
    if (rc == 0)
        rc = handshake_read_hello(p->handshake, data, len, &hello);
    if (rc == -EACCES)
        refuse(p, false, EACCES, "wrong key");
    else if (rc == -EPROTONOSUPPORT)
        refuse(p, true, EPROTO, "this is version %s", ov->conf.version);
    else if (rc == -EOPNOTSUPP)
        refuse(p, false, EPROTO, "only one of us wants the link encrypted");
    else if (rc < 0)
        peer_fail(p, -rc, "what it says is no hello");
    else if (!same_version(hello.version, ov->conf.version))
        refuse(p, true, EPROTO, "it has version %s, this is %s", hello.version,
               ov->conf.version);
    else
        challenge(p);
}

/* What does not depend on our knowing the instance. */
static void place(struct peer *p)
{
    struct overlay *ov = p->ov;
    const struct identity *id = &p->claim;
    p->ov->nstrangers--;
    list_del(&p->node);
    list_append(&ov->waiting, &p->node);
    p->state = PEER_WAITING;
    if (id->size != topo_size(ov->conf.topo)) {
        refuse(p, true, EINVAL, "rank %u of %u: this instance has %u", id->rank, id->size,
               topo_size(ov->conf.topo));
        return;
    }
    if (topo_parent(ov->conf.topo, id->rank) != ov->conf.rank) {
        refuse(p, true, EINVAL, "rank %u is no child of rank %u", id->rank,
               ov->conf.rank);
        return;
    }
    p->rank = id->rank;
    memcpy(p->uuid, id->uuid, sizeof(p->uuid));
    peer_trust(p);
    admit_waiting(ov);
}

static void read_proof(struct peer *p, const void *data, size_t len)
{
    struct identity *id = &p->claim;
    int rc = identity_decode(NOTE_PROOF, data, len, id);
    if (rc == 0 && id->status > OVERLAY_DEGRADED)
        rc = -EPROTO;
    if (rc == 0)
        rc = json_parse(id->json, id->json_len, NULL, &p->hello, NULL);
    id->json = NULL;
    if (rc < 0)
        peer_fail(p, -rc, "its proof cannot be read");
    else
        place(p);
}

void admit_read(struct peer *p, const void *data, size_t len)
{
    unsigned kind = *(const unsigned char *)data;
    if (p->state == PEER_STRANGER && kind == NOTE_HELLO)
        read_hello(p, data, len);
    else if (p->state == PEER_CHALLENGED && kind == NOTE_PROOF)
        read_proof(p, data, len);
    else
        peer_fail(p, EPROTO, "it does not speak our language");
}

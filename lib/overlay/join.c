/* The child's side: dials its parent, shows that it belongs there, and after the end of
 * a link dials again, a little later each time.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/error.h"
#include "overlay/impl.h"

#define BACKOFF_MIN 0.05 /* s */
#define BACKOFF_MAX 2.0

/* ---- dialling ---- */

static bool wants_encryption(const struct overlay *ov, const char *address)
{
    return ov->conf.encrypt && strncmp(address, "tcp:", 4) == 0;
}

static int say_hello(struct peer *p)
{
    struct overlay *ov = p->ov;
    unsigned char random[HANDSHAKE_RANDOM];
    CLEANUP(buf_free) struct buf note = {0};
    env_random(ov->env, random, sizeof(random));
    int rc = handshake_new(ov->key, wants_encryption(ov, ov->parent_address), random,
                           &p->handshake);
    if (rc == 0)
        rc = handshake_hello(p->handshake, ov->conf.version, &note);
    if (rc == 0)
        peer_put_buf(p, &note); /* if it cannot be sent, the link says so */
    return rc;
}

static int dial(struct overlay *ov)
{
    struct peer *p;
    int rc = peer_new(ov, PEER_DIALLED, &p);
    if (rc < 0)
        return rc;
    struct link_conf conf = peer_link_conf(ov, HELLO_MAX, p);
    p->rank = topo_parent(ov->conf.topo, ov->conf.rank);
    rc = transport_dial(ov->conf.loop, ov->parent_address, &conf, &p->link);
    if (rc == 0)
        rc = say_hello(p);
    if (rc < 0) {
        link_close(TAKE(p->link));
        peer_unref(p);
        return rc;
    }
    ov->parent = p;
    return 0;
}

int overlay_dial(struct overlay *ov, const char *address, flux_error_t *err)
{
    if (ov->refused && !ov->tell_refused && !ov->parent) {
        ov->refused = false;
        free(TAKE(ov->parent_address));
    }
    if (ov->parent_address || ov->conf.rank == 0 || ov->leaving)
        return error_set(err, EINVAL, "rank %u has no parent to connect to",
                         ov->conf.rank);
    if (!(ov->parent_address = strdup(address)))
        return error_set(err, ENOMEM, "out of memory");
    int rc = dial(ov);
    if (rc < 0) {
        free(TAKE(ov->parent_address));
        return error_set(err, -rc, "%s: %s", address, strerror(-rc));
    }
    pulse_start(ov);
    return 0;
}

void on_redial(struct watcher *w, int revents, void *arg)
{
    struct overlay *ov = arg;
    ov->stats.reconnects++;
    int rc = dial(ov);
    if (rc < 0) {
        join_trouble(ov, strerror(-rc));
        join_again(ov, false);
    }
}

/* A drawn time: half of the limit to all of it; the limit doubles with each failure. */
static double backoff(struct overlay *ov)
{
    uint32_t draw;
    double limit = 2 * BACKOFF_MIN;
    for (unsigned i = 0; i < ov->failures && limit < BACKOFF_MAX; i++)
        limit *= 2;
    if (limit > BACKOFF_MAX)
        limit = BACKOFF_MAX;
    env_random(ov->env, &draw, sizeof(draw));
    return limit * (0.5 + draw / (2.0 * UINT32_MAX));
}

void join_again(struct overlay *ov, bool was_up)
{
    if (ov->leaving || ov->refused)
        return;
    if (was_up)
        ov->failures = 0;
    watcher_timer_set(ov->redial, backoff(ov), 0);
    watcher_start(ov->redial);
    ov->failures++;
}

void join_cancel(struct overlay *ov)
{
    watcher_stop(ov->redial);
    if (ov->parent && ov->parent->state == PEER_DIALLED)
        peer_end(ov->parent, ECANCELED, "leaving");
}

/* The log has each trouble once, not at each attempt. */
void join_trouble(struct overlay *ov, const char *why)
{
    if (ov->leaving || (ov->parent_error && strcmp(ov->parent_error, why) == 0))
        return;
    overlay_log(ov, LOG_WARNING, "parent (rank %u) at %s: %s",
                topo_parent(ov->conf.topo, ov->conf.rank), ov->parent_address, why);
    free(ov->parent_error);
    ov->parent_error = strdup(why);
}

/* ---- the handshake ---- */

static void refused(struct peer *p, const struct refusal *r)
{
    struct overlay *ov = p->ov;
    if (r->forever) {
        ov->refused = ov->tell_refused = true;
        ov->refusal = *r;
    }
    peer_fail(p, r->errnum, "it refuses us: %s", r->reason);
}

/* Nothing shows who says so: whoever it is, he does not have our key. */
static void refused_early(struct peer *p, const void *data, size_t len)
{
    struct refusal r;
    int rc = handshake_read_refusal(p->handshake, data, len, &r);
    if (rc == 0)
        refused(p, &r);
    else if (rc == -EACCES)
        peer_fail(p, EACCES, "it refuses us, and its key is not ours: %s", r.reason);
    else
        peer_fail(p, EPROTO, "it does not speak our language");
}

/* Numbers and strings that only rank 0 or the parent decide are left empty. */
static int send_proof(struct peer *p)
{
    struct overlay *ov = p->ov;
    struct identity id = {.rank = ov->conf.rank,
                          .size = topo_size(ov->conf.topo),
                          .status = ov->status,
                          .epoch = ov->epoch};
    CLEANUP(buf_free) struct buf note = {0};
    cJSON *hello = ov->conf.cb->hello ? ov->conf.cb->hello(ov->conf.arg) : NULL;
    AUTOFREE char *text = hello ? json_print(hello) : strdup("{}");
    json_free(hello);
    if (!text)
        return -ENOMEM;
    id.json = text;
    id.json_len = strlen(text);
    snprintf(id.uuid, sizeof(id.uuid), "%s", ov->conf.uuid);
    snprintf(id.instance, sizeof(id.instance), "%s", ov->instance);
    int rc = identity_encode(NOTE_PROOF, &id, &note);
    if (rc == 0 && note.len > PROOF_MAX)
        rc = -EMSGSIZE;
    ov->reported = ov->status;
    if (rc == 0)
        peer_put_buf(p, &note);
    return rc;
}

static void challenged(struct peer *p, const void *data, size_t len)
{
    int rc = handshake_read_challenge(p->handshake, data, len, &p->seal);
    if (rc == 0) {
        p->state = PEER_PROVING;
        peer_trust(p);
        rc = send_proof(p);
    }
    if (rc == -EACCES)
        peer_fail(p, EACCES, "it does not have our key");
    else if (rc == -EOPNOTSUPP)
        peer_fail(p, EPROTO, "only one of us wants the link encrypted");
    else if (rc < 0)
        peer_fail(p, -rc, "%s", strerror(-rc));
}

static int check_welcome(struct overlay *ov, const struct identity *id,
                         struct refusal *ret)
{
    uint32_t rank = topo_parent(ov->conf.topo, ov->conf.rank);
    ret->errnum = ESTALE;
    if (id->rank != rank) {
        snprintf(ret->reason, sizeof(ret->reason), "it is rank %u, not %u", id->rank,
                 rank);
        return -ESTALE;
    }
    ret->forever = true;
    if (ov->instance[0] && strcmp(id->instance, ov->instance) != 0) {
        snprintf(ret->reason, sizeof(ret->reason), "it is of instance %s, we are of %s",
                 id->instance, ov->instance);
        return -ESTALE;
    }
    if (id->epoch < ov->epoch) {
        snprintf(ret->reason, sizeof(ret->reason),
                 "it is in epoch %ju of the instance, we have seen %ju",
                 (uintmax_t)id->epoch, (uintmax_t)ov->epoch);
        return -ESTALE;
    }
    return 0;
}

/* Takes over what the parent says of the instance. */
static void learn(struct peer *p, const struct identity *id)
{
    struct overlay *ov = p->ov;
    bool news = ov->epoch != id->epoch;
    memcpy(p->uuid, id->uuid, sizeof(p->uuid));
    memcpy(ov->instance, id->instance, sizeof(ov->instance));
    ov->epoch = id->epoch;
    ov->welcomed = true;
    if (news)
        talk_epoch(ov);
}

static void up(struct peer *p)
{
    struct overlay *ov = p->ov;
    peer_set_up(p);
    free(TAKE(ov->parent_error));
    overlay_log(ov, LOG_DEBUG, "parent (rank %u) at %s is up", p->rank,
                ov->parent_address);
    if (ov->reported != ov->status)
        peer_put_number(p, NOTE_HEALTH, ov->reported = ov->status);
    if (ov->leaving)
        leave_say_goodbye(p);
    overlay_kick(ov); /* children may wait for that */
    ov->conf.cb->peer_up(p, ov->conf.arg);
}

static void tell_welcome(struct peer *p, const cJSON *welcome)
{
    struct overlay *ov = p->ov;
    flux_error_t err = {.text = ""};
    int rc = 0;
    p->refs++;
    if (ov->conf.cb->welcome)
        rc = ov->conf.cb->welcome(welcome, &err, ov->conf.arg);
    if (rc < 0)
        peer_fail(p, -rc, "its welcome: %s", err.text[0] ? err.text : strerror(-rc));
    else if (!p->ended && !p->failed)
        up(p);
    peer_unref(p);
}

static void welcomed(struct peer *p, const void *data, size_t len)
{
    static const struct json_limits limits = {
        .bytes = SIZE_MAX, .depth = 64, .nodes = 4000000};
    struct identity id;
    struct refusal no = {0};
    cJSON *welcome = NULL;
    int rc = identity_decode(NOTE_WELCOME, data, len, &id);
    if (rc == 0)
        rc = json_parse(id.json, id.json_len, &limits, &welcome, NULL);
    if (rc < 0) {
        peer_fail(p, -rc, "its welcome cannot be read");
        return;
    }
    if (check_welcome(p->ov, &id, &no) < 0) {
        refused(p, &no);
    } else {
        learn(p, &id);
        tell_welcome(p, welcome);
    }
    json_free(welcome);
}

static void refused_late(struct peer *p, const void *data, size_t len)
{
    struct refusal r;
    if (refusal_decode(data, len, &r) == 0)
        refused(p, &r);
    else
        peer_fail(p, EPROTO, "it does not speak our language");
}

void join_read(struct peer *p, const void *data, size_t len)
{
    unsigned kind = *(const unsigned char *)data;
    if (p->state == PEER_DIALLED && kind == NOTE_CHALLENGE)
        challenged(p, data, len);
    else if (p->state == PEER_DIALLED && kind == NOTE_REFUSED)
        refused_early(p, data, len);
    else if (p->state == PEER_PROVING && kind == NOTE_WELCOME)
        welcomed(p, data, len);
    else if (p->state == PEER_PROVING && kind == NOTE_REFUSED)
        refused_late(p, data, len);
    else
        peer_fail(p, EPROTO, "it does not speak our language");
}

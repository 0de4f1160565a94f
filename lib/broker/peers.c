/* Other brokers as endpoints. What is sent to one that is too far behind is not waited
 * for here: clients of this broker are read no further until it has caught up. Answers,
 * events and other brokers' requests go on; a link with too much waiting is cut.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/idset.h>
#include <flux/response.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "broker/broker.h"
#include "broker/groups.h"
#include "broker/life.h"
#include "broker/peers.h"
#include "broker/welcome.h"
#include "overlay/transport.h"
#include "proto/msg_private.h"

/* Bytes waiting on one link: clients stop; they go on. */
#define HIGH_WATER (16u << 20)
#define LOW_WATER (4u << 20)
#define LOOK_AGAIN 0.005 /* seconds */

struct neighbour {
    struct endpoint ep; /* first */
    struct peers *peers;
    struct peer *peer; /* NULL: it has gone */
    uint32_t rank;
    struct list link;
#ifdef MUTANT_LOST_ROUTE
    bool again;
#endif
};

struct peers {
    struct broker *broker;
    struct overlay *overlay;
    struct list neighbours;
    struct umap *seqs; /* rank of a child that was admitted -> its latest event */
#ifdef MUTANT_LOST_ROUTE
    unsigned long been; /* ranks of children, bits */
#endif
    char complaint[sizeof(((flux_error_t *)0)->text)];
    struct watcher *look;
    bool congested;
    void (*congestion)(bool congested, void *arg);
    void *congestion_arg;
};

/* ---- sending ---- */

/* A response without what makes it too big. */
static void send_short(struct neighbour *n, const flux_msg_t *msg, int errnum)
{
    flux_msg_t *rsp = flux_msg_copy(msg, false);

    if (rsp && flux_msg_set_errnum(rsp, errnum) == 0)
        (void)peer_send(n->peer, rsp);
    flux_msg_destroy(rsp);
}

static void undeliverable(struct neighbour *n, const flux_msg_t *msg, int errnum)
{
    struct broker *b = n->peers->broker;
    flux_msg_t *rsp;

    if (msg->type == FLUX_MSGTYPE_RESPONSE && errnum == EMSGSIZE)
        send_short(n, msg, errnum);
    if (msg->type != FLUX_MSGTYPE_REQUEST || flux_msg_is_noresponse(msg) ||
        !(rsp = flux_response_derive(msg, errnum)))
        return;
    (void)flux_msg_set_cred(rsp, n->ep.cred);
    router_respond(b->router, &n->ep, rsp);
}

static void set_congested(struct peers *p, bool congested)
{
    p->congested = congested;
    if (congested)
        watcher_start(p->look);
    else
        watcher_stop(p->look);
    if (p->congestion)
        p->congestion(congested, p->congestion_arg);
}

static void look_cb(struct watcher *w, int revents, void *arg)
{
    struct peers *p = arg;

    if (overlay_backlog(p->overlay) < LOW_WATER)
        set_congested(p, false);
}

static void neighbour_send(struct endpoint *ep, flux_msg_t *msg)
{
    struct neighbour *n = (struct neighbour *)ep;
    int rc = n->peer ? peer_send(n->peer, msg) : -EPIPE;

    if (rc < 0)
        undeliverable(n, msg, rc == -EMSGSIZE ? EMSGSIZE : EHOSTUNREACH);
    else if (!n->peers->congested && peer_queued(n->peer) > HIGH_WATER)
        set_congested(n->peers, true);
    flux_msg_destroy(msg);
}

static size_t neighbour_queued(const struct endpoint *ep)
{
    const struct neighbour *n = (const struct neighbour *)ep;

    return n->peer ? peer_queued(n->peer) : 0;
}

/* ---- coming and going ---- */

static cJSON *hello_cb(void *arg)
{
    struct peers *p = arg;

    return welcome_hello(p->broker);
}

static int admit_cb(uint32_t rank, const cJSON *hello, cJSON **ret_welcome,
                    flux_error_t *err, void *arg)
{
    struct peers *p = arg;
    struct broker *b = p->broker;
    int64_t seq = 0;

    if (state_get(b->state) >= STATE_SHUTDOWN)
        return error_set(err, ESHUTDOWN, "broker %u is shutting down", (unsigned)b->rank);
    if (b->booting) /* what a welcome says is not known yet */
        return error_set(err, EAGAIN, "broker %u is still booting", (unsigned)b->rank);
    (void)json_int64(json_get(hello, "seq"), &seq);
    if (umap_set(p->seqs, rank, (void *)(uintptr_t)seq) < 0 ||
        !(*ret_welcome = welcome_make(b)))
        return -ENOMEM;
    return 0;
}

static int welcome_cb(const cJSON *welcome, flux_error_t *err, void *arg)
{
    struct peers *p = arg;

    return welcome_take(p->broker, welcome, err);
}

static struct neighbour *neighbour_new(struct peers *p, struct peer *peer)
{
    struct broker *b = p->broker;
    struct neighbour *n = calloc(1, sizeof(*n));

    if (!n)
        return NULL;
    n->peers = p;
    n->peer = peer;
    n->rank = peer_rank(peer);
    n->ep.send = neighbour_send;
    n->ep.queued = neighbour_queued;
    n->ep.name = "broker";
    n->ep.kind = peer_is_parent(peer) ? ENDPOINT_PARENT : ENDPOINT_CHILD;
    n->ep.cred.userid = b->owner;
    n->ep.cred.rolemask = FLUX_ROLE_OWNER;
    if (router_attach(b->router, &n->ep, NULL) < 0) {
        free(n);
        return NULL;
    }
    list_append(&p->neighbours, &n->link);
#ifdef MUTANT_LOST_ROUTE
    n->again = p->been & (1ul << n->rank);
    p->been |= 1ul << n->rank;
#endif
    peer_set_aux(peer, n);
    return n;
}

static void replay(struct peers *p, struct neighbour *n)
{
    struct broker *b = p->broker;
    uint32_t seq = (uint32_t)(uintptr_t)umap_take(p->seqs, n->rank);
    uint32_t missed = router_replay(b->router, &n->ep, seq);

    if (missed > 0 && missed < ROUTER_SEQ_STEP)
        log_printf(b->log, LOG_ERR,
                   "broker %u was away for long: %u events, from number %u on, are lost "
                   "to it",
                   (unsigned)n->rank, (unsigned)missed, (unsigned)seq + 1);
}

static void peer_up_cb(struct peer *peer, void *arg)
{
    struct peers *p = arg;
    struct broker *b = p->broker;
    struct neighbour *n = neighbour_new(p, peer);

    if (!n) {
        peer_drop(peer, ENOMEM, "out of memory");
        return;
    }
    if (n->ep.kind == ENDPOINT_PARENT) {
        p->complaint[0] = '\0';
        groups_parent_up(b->groups);
        enrol_parent_up(b);
        return;
    }
    replay(p, n);
}

static void peer_down_cb(struct peer *peer, int errnum, const char *why, void *arg)
{
    struct peers *p = arg;
    struct broker *b = p->broker;
    struct neighbour *n = peer_aux(peer);
    bool parent = peer_is_parent(peer);

    if (errnum)
        log_printf(b->log, LOG_ERR, "%s %u is lost: %s", parent ? "parent, rank" : "rank",
                   (unsigned)peer_rank(peer), why);
    if (n) {
        n->peer = NULL;
        list_del(&n->link);
        router_detach(b->router, &n->ep, EHOSTUNREACH);
        if (!parent)
            groups_child_gone(b->groups, n->rank);
        free(n);
    }
    if (parent)
        enrol_parent_down(b);
    else
        life_child_gone(b);
}

static void message_cb(struct peer *peer, flux_msg_t *msg, void *arg)
{
    struct peers *p = arg;
    struct neighbour *n = peer_aux(peer);

    if (n)
        router_recv(p->broker->router, &n->ep, msg);
    else
        flux_msg_destroy(msg);
}

static void parent_state_cb(int state, void *arg)
{
    struct peers *p = arg;

    life_parent_state(p->broker, state);
}

static void changed_cb(void *arg)
{
    struct peers *p = arg;

    groups_tree_changed(p->broker->groups);
    tree_changed(p->broker->tree);
}

static void refused_cb(int errnum, const char *why, void *arg)
{
    struct peers *p = arg;

    enrol_refused(p->broker, errnum, why);
}

static void log_cb(int level, const char *text, void *arg)
{
    struct peers *p = arg;

    if (level <= LOG_WARNING)
        snprintf(p->complaint, sizeof(p->complaint), "%s", text);
    log_printf(p->broker->log, level, "%s", text);
}

static const struct overlay_cb callbacks = {
    .hello = hello_cb,
    .admit = admit_cb,
    .welcome = welcome_cb,
    .peer_up = peer_up_cb,
    .peer_down = peer_down_cb,
    .message = message_cb,
    .parent_state = parent_state_cb,
    .changed = changed_cb,
    .refused = refused_cb,
    .log = log_cb,
};

/* ---- as a whole ---- */

static int make_overlay(struct peers *p, flux_error_t *err)
{
    struct broker *b = p->broker;
    const struct boot_info *place = b->place;
    struct overlay_conf conf = {
        .loop = b->loop,
        .topo = place->topo,
        .rank = place->rank,
        .uuid = b->uuid,
        .instance = place->rank == 0 ? b->instance : NULL,
        .epoch = b->epoch,
        .version = PROJECT_VERSION,
        .key = place->key,
        .encrypt = place->encrypt,
        .torpid_min = attrs_duration(b->attrs, "tbon.torpid_min", 0),
        .torpid_max = attrs_duration(b->attrs, "tbon.torpid_max", 0),
        .stall_timeout = attrs_duration(b->attrs, "tbon.tcp_user_timeout", 0),
        .connect_timeout = attrs_duration(b->attrs, "tbon.connect_timeout", 0),
        .heartbeat = attrs_duration(b->attrs, "tbon.heartbeat", 0),
        .cb = &callbacks,
        .arg = p,
    };
    int rc;

    if (!env_is_sim(b->env)) /* -EBUSY: another broker of this process did it */
        (void)env_set_transport(b->env, &nng_transport);
    rc = overlay_new(&conf, &p->overlay);
    return rc < 0 ? error_set(err, -rc, "tree of brokers: %s", strerror(-rc)) : 0;
}

int peers_new(struct broker *b, struct peers **ret, flux_error_t *err)
{
    struct peers *p = calloc(1, sizeof(*p));
    int rc = -ENOMEM;

    if (!p)
        return -ENOMEM;
    p->broker = b;
    list_init(&p->neighbours);
    if (!(p->seqs = umap_new(NULL)) ||
        (rc = watcher_new_timer(b->loop, LOOK_AGAIN, LOOK_AGAIN, look_cb, p, &p->look)) <
            0 ||
        (rc = make_overlay(p, err)) < 0) {
        peers_free(p);
        return rc;
    }
    *ret = p;
    return 0;
}

void peers_free(struct peers *p)
{
    if (!p)
        return;
    list_each(n, &p->neighbours, struct neighbour, link) n->peer = NULL;
    overlay_free(p->overlay);
    list_each(n, &p->neighbours, struct neighbour, link)
    {
        router_detach(p->broker->router, &n->ep, EHOSTUNREACH);
        free(n);
    }
    watcher_free(p->look);
    umap_free(p->seqs);
    free(p);
}

struct overlay *peers_overlay(struct peers *p)
{
    return p->overlay;
}

struct idset *peers_torpid(struct peers *p)
{
    struct idset *torpid = idset_create(0, IDSET_FLAG_AUTOGROW);
    struct peer *child = NULL;

    while (torpid && (child = overlay_next_child(p->overlay, child))) {
        if (peer_is_torpid(child))
            (void)idset_set(torpid, peer_rank(child));
    }
    return torpid;
}

struct endpoint *peers_toward(struct peers *p, uint32_t rank)
{
    struct peer *peer = overlay_toward(p->overlay, rank);
    struct neighbour *n = peer ? peer_aux(peer) : NULL;

#ifdef MUTANT_LOST_ROUTE /* for test/sim/many: one that was there before is not found */
    if (n && n->again && n->ep.kind == ENDPOINT_CHILD)
        return NULL;
#endif
    return n ? &n->ep : NULL;
}

bool peers_child_rank(const struct endpoint *ep, uint32_t *ret_rank)
{
    if (!ep || ep->kind != ENDPOINT_CHILD)
        return false;
    *ret_rank = ((const struct neighbour *)ep)->rank;
    return true;
}

bool peers_has_children(struct peers *p)
{
    return p && overlay_next_child(p->overlay, NULL) != NULL;
}

const char *peers_complaint(const struct peers *p)
{
    return p->complaint;
}

void peers_on_congestion(struct peers *p, void (*fn)(bool congested, void *arg),
                         void *arg)
{
    p->congestion = fn;
    p->congestion_arg = arg;
}

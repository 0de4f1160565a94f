/* Trees for tests (tree.h). */
#include "tree.h"

#include <stdio.h>
#include <unistd.h>

#include "overlay/transport.h"

uint64_t tree_seed = 1;
static char dir[] = "/tmp/overlay-XXXXXX";

#ifdef __SANITIZE_THREAD__
/* nng counts references with atomics that are not instrumented: see real_net.c. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race_top:pthread_mutex_destroy\n";
}
#endif

/* ---- callbacks ---- */

static cJSON *greeting(const struct node *n)
{
    char text[64];
    snprintf(text, sizeof(text), "rank %u", n->rank);
    return json_pack("{s:s}", "from", text);
}

static void note_greeting(struct node *n, const cJSON *o)
{
    const char *from = json_str(json_get(o, "from"));
    snprintf(n->greeting, sizeof(n->greeting), "%s", from ? from : "");
}

static cJSON *cb_hello(void *arg)
{
    return greeting(arg);
}

static int cb_admit(uint32_t rank, const cJSON *hello, cJSON **ret_welcome,
                    flux_error_t *err, void *arg)
{
    struct node *n = arg;
    n->admits++;
    note_greeting(n, hello);
    if (n->admit_rc < 0)
        snprintf(err->text, sizeof(err->text), "not today");
    else
        *ret_welcome = greeting(n);
    return n->admit_rc;
}

static int cb_welcome(const cJSON *welcome, flux_error_t *err, void *arg)
{
    struct node *n = arg;
    n->welcomes++;
    note_greeting(n, welcome);
    return 0;
}

static void cb_up(struct peer *p, void *arg)
{
    struct node *n = arg;
    n->ups++;
    peer_set_aux(p, n);
}

static void cb_down(struct peer *p, int errnum, const char *why, void *arg)
{
    struct node *n = arg;
    ck_assert_ptr_eq(peer_aux(p), n);
    n->downs++;
    n->errnum = errnum;
    snprintf(n->why, sizeof(n->why), "%s", why);
}

static void cb_message(struct peer *p, flux_msg_t *msg, void *arg)
{
    struct node *n = arg;
    const void *data;
    size_t len;
    uint32_t seq;
    ck_assert_int_eq(flux_msg_get_payload(msg, &data, &len), 0);
    ck_assert_uint_ge(len, sizeof(seq));
    memcpy(&seq, data, sizeof(seq));
    for (size_t i = sizeof(seq); i < len; i++) {
        if (((const unsigned char *)data)[i] != (unsigned char)(seq + i))
            ck_abort_msg("byte %zu of message %u is wrong", i, seq);
    }
    if (n->n < 4096)
        n->seqs[n->n] = seq;
    n->n++;
    n->bytes += len;
    n->from = peer_rank(p);
    if (n->echo)
        ck_assert_int_eq(peer_send(p, msg), 0);
    flux_msg_decref(msg);
}

static void cb_state(int state, void *arg)
{
    ((struct node *)arg)->state = state;
}

static void cb_changed(void *arg)
{
    ((struct node *)arg)->changes++;
}

static void cb_refused(int errnum, const char *why, void *arg)
{
    struct node *n = arg;
    n->refused = errnum;
    snprintf(n->refusal, sizeof(n->refusal), "%s", why);
}

static void cb_log(int level, const char *text, void *arg)
{
    struct node *n = arg;
    size_t len = strlen(n->log);
    snprintf(n->log + len, sizeof(n->log) - len, "%s\n", text);
    if (getenv("OVERLAY_TEST_LOG"))
        fprintf(stderr, "[%u] %s\n", n->rank, text);
}

static const struct overlay_cb callbacks = {.hello = cb_hello,
                                            .admit = cb_admit,
                                            .welcome = cb_welcome,
                                            .peer_up = cb_up,
                                            .peer_down = cb_down,
                                            .message = cb_message,
                                            .parent_state = cb_state,
                                            .changed = cb_changed,
                                            .refused = cb_refused,
                                            .log = cb_log};

/* ---- trees ---- */

void tree_init(struct tree *t, int net, const char *topo, uint32_t size)
{
    memset(t, 0, sizeof(*t));
    t->net = net;
    if (net == NET_SIM) {
        ck_assert_int_eq(env_new_sim(tree_seed, &t->env), 0);
    } else {
        ck_assert_int_eq(env_new_real(&t->env), 0);
        ck_assert_int_eq(env_set_transport(t->env, &nng_transport), 0);
    }
    ck_assert_int_eq(loop_new(t->env, &t->loop), 0);
    ck_assert_int_eq(topo_new(topo, size, &t->topo, NULL), 0);
    t->conf = (struct overlay_conf){.loop = t->loop,
                                    .topo = t->topo,
                                    .instance = INSTANCE,
                                    .epoch = 1,
                                    .version = "1.2.3",
                                    .key = KEY,
                                    .encrypt = net == NET_TCP_ENCRYPTED,
                                    .cb = &callbacks};
}

void tree_fini(struct tree *t)
{
    for (int i = 0; i < NODES_MAX; i++)
        overlay_free(t->nodes[i].ov);
    loop_unref(t->loop);
    topo_free(t->topo);
    env_unref(t->env);
}

const char *tree_address(struct tree *t, uint32_t rank)
{
    static char address[128];
    if (t->net == NET_SIM)
        snprintf(address, sizeof(address), "sim://%u", rank);
    else if (t->net == NET_IPC)
        snprintf(address, sizeof(address), "ipc://%s/%u", dir, rank);
    else
        snprintf(address, sizeof(address), "tcp://127.0.0.1:0");
    return address;
}

struct node *node_start(struct tree *t, uint32_t rank)
{
    struct node *n = &t->nodes[rank];
    struct overlay_conf conf = t->conf;
    flux_error_t err = {.text = ""};
    uint32_t parent = topo_parent(t->topo, rank);
    memset(n, 0, sizeof(*n));
    n->tree = t;
    n->rank = rank;
    n->state = -1;
    env_uuid(t->env, n->uuid);
    conf.rank = rank;
    conf.uuid = n->uuid;
    conf.arg = n;
    if (rank > 0 && conf.instance && strcmp(conf.instance, INSTANCE) == 0) {
        conf.instance = NULL;
        conf.epoch = 0;
    }
    ck_assert_int_eq(overlay_new(&conf, &n->ov), 0);
    if (topo_has_children(t->topo, rank)) {
        int rc = overlay_listen(n->ov, tree_address(t, rank), &err);
        ck_assert_msg(rc == 0, "%s", err.text);
        snprintf(n->address, sizeof(n->address), "%s", overlay_address(n->ov));
    }
    if (rank > 0)
        ck_assert_int_eq(overlay_dial(n->ov, t->nodes[parent].address, &err), 0);
    return n;
}

void node_stop(struct node *n)
{
    overlay_free(n->ov);
    n->ov = NULL;
}

void tree_start(struct tree *t)
{
    for (uint32_t r = 0; r < topo_size(t->topo); r++)
        node_start(t, r);
    UNTIL(t, overlay_status(t->nodes[0].ov) == OVERLAY_FULL);
}

void tree_turn(struct tree *t)
{
    ck_assert_int_ge(loop_run(t->loop, LOOP_ONCE), 0);
}

double tree_now(struct tree *t)
{
    return env_monotonic(t->env);
}

int node_send(struct node *n, struct peer *p, uint32_t seq, size_t size)
{
    unsigned char *data = malloc(size);
    flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_EVENT);
    for (size_t i = 0; i < size; i++)
        data[i] = (unsigned char)(seq + i);
    memcpy(data, &seq, sizeof(seq));
    ck_assert_int_eq(flux_msg_set_topic(msg, "test.topic"), 0);
    ck_assert_int_eq(flux_msg_set_payload(msg, data, size), 0);
    int rc = peer_send(p, msg);
    flux_msg_destroy(msg);
    free(data);
    return rc;
}

int tree_main(Suite *s)
{
    if (!mkdtemp(dir))
        return EXIT_FAILURE;
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    rmdir(dir);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The KVS of several brokers in a simulated world that delays messages, resets connections
 * and kills brokers, the leader too. Clients on all of them commit, read and watch. What
 * must hold at each broker, for as long as it has an address, is that no answer is older
 * than what an answer, an event or a watch there has told before; what must hold of all
 * answers together is that they fit one history. SEED=n in the environment repeats one.
 */
#include <inttypes.h>
#include <unistd.h>

#include "cluster.h"
#include "env/sim_faults.h"

#define SEEDS 60
#define STEPS 250
#define BROKERS_MAX 7
#define KEYS 6
#define SPACES 2

static struct cluster c;
static uint64_t choices;

static const char *const spaces[SPACES] = {"primary", "other"};

static int pick(int lo, int hi)
{
    return (int)sim_choose(&choices, lo, hi);
}

/* ---- what is known ---- */

/* A commit that was acknowledged, or a value that was read. */
struct fact {
    int space, key, version; /* of the namespace */
    int value;               /* 0: it was not there */
    int key_version;
    bool read;
};
static struct fact *facts;
static int nfacts, sfacts;

static int seen[BROKERS_MAX][SPACES]; /* the newest version that was told at a broker */
static int acked[SPACES];             /* ... that was told anywhere */
static int values;                    /* each is committed once */
static int done[8], failed;           /* by kind */

static void add_fact(const struct fact *f)
{
    if (nfacts == sfacts) {
        sfacts = sfacts ? sfacts * 2 : 1024;
        facts = realloc(facts, sfacts * sizeof(*facts));
        ck_assert_ptr_nonnull(facts);
    }
    facts[nfacts++] = *f;
}

static void learn(int rank, int space, int version)
{
    if (seen[rank][space] < version)
        seen[rank][space] = version;
    if (acked[space] < version)
        acked[space] = version;
}

/* A read saw this commit, or a later one of the key, if it was of a version that has it. */
static void check_pair(const struct fact *read, const struct fact *commit)
{
    if (commit->version <= read->version)
        ck_assert_msg(read->key_version >= commit->version,
                      "%s k%d as of version %d was last changed in %d, but was in %d",
                      spaces[read->space], read->key, read->version, read->key_version,
                      commit->version);
    if (commit->value == read->value)
        ck_assert_msg(read->key_version == commit->version,
                      "%s k%d: value %d is of version %d, not %d", spaces[read->space],
                      read->key, read->value, commit->version, read->key_version);
}

static void check_history(void)
{
    for (int i = 0; i < nfacts; i++)
        for (int k = 0; facts[i].read && k < nfacts; k++)
            if (!facts[k].read && facts[k].space == facts[i].space &&
                facts[k].key == facts[i].key)
                check_pair(&facts[i], &facts[k]);
}

/* ---- requests ---- */

enum kind {
    COMMIT,
    READ,
    LINEARIZABLE,
    CAUSAL,
    WAIT,
    ROOT,
    WATCH,
};

struct op {
    struct list link;
    flux_future_t *f;
    enum kind kind;
    int rank, space, key, value;
    int floor; /* no older version may be told */
};
static struct list ops;
static flux_msg_handler_t *handlers[BROKERS_MAX];

static void op_free(struct op *op)
{
    list_del(&op->link);
    flux_future_destroy(op->f);
    free(op);
}

static bool is_cut_off(int e)
{
    return e == EHOSTUNREACH || e == ECONNRESET || e == EPIPE || e == ENOSYS;
}

static void told(struct op *op, int version)
{
    ck_assert_msg(version >= op->floor,
                  "rank %d: %s as of version %d, after version %d was told there (%d)",
                  op->rank, spaces[op->space], version, op->floor, op->kind);
    learn(op->rank, op->space, version);
    done[op->kind]++;
}

static void take_read(struct op *op)
{
    struct fact fact = {.space = op->space, .key = op->key, .read = true};
    const char *s;

    if (flux_kvs_lookup_get(op->f, &s) < 0 ||
        flux_kvs_lookup_get_version(op->f, &fact.version, &fact.key_version) < 0) {
        ck_assert_msg(errno == ENOENT || is_cut_off(errno), "read: %s", strerror(errno));
        failed += errno != ENOENT;
        return;
    }
    fact.value = atoi(s);
    told(op, fact.version);
    if (op->kind == WATCH) /* what a watch tells may be old, but it goes forward */
        op->floor = fact.version + 1;
    add_fact(&fact);
}

static void take_commit(struct op *op)
{
    struct fact fact = {.space = op->space, .key = op->key, .value = op->value};

    if (flux_kvs_commit_get_sequence(op->f, &fact.version) < 0) {
        ck_assert_msg(is_cut_off(errno), "commit: %s", strerror(errno));
        failed++;
        return;
    }
    told(op, fact.version);
    add_fact(&fact);
}

static void take_root(struct op *op)
{
    int version;

    if (flux_rpc_get_unpack(op->f, "{s:i}", "rootseq", &version) < 0) {
        ck_assert_msg(is_cut_off(errno), "root: %s", strerror(errno));
        failed++;
    } else
        told(op, version);
}

static void answer_cb(flux_future_t *f, void *arg)
{
    struct op *op = arg;

    if (op->kind == COMMIT)
        take_commit(op);
    else if (op->kind == ROOT || op->kind == WAIT)
        take_root(op);
    else
        take_read(op);
    if (op->kind == WATCH && !flux_future_has_error(f)) {
        flux_future_reset(f);
    } else
        op_free(op);
}

static flux_future_t *send_commit(flux_t *h, const char *ns, const char *key, int value)
{
    flux_kvs_txn_t *txn = flux_kvs_txn_create();
    flux_future_t *f;

    ck_assert_int_eq(flux_kvs_txn_pack(txn, 0, key, "i", value), 0);
    f = flux_kvs_commit(h, ns, pick(0, 3) ? 0 : FLUX_KVS_NO_MERGE, txn);
    flux_kvs_txn_destroy(txn);
    return f;
}

static flux_future_t *send_op(flux_t *h, struct op *op)
{
    const char *ns = spaces[op->space];
    char key[32];

    snprintf(key, sizeof(key), "d%d.k%d", op->key % 2, op->key);
    switch (op->kind) {
    case COMMIT:
        op->value = ++values;
        return send_commit(h, ns, key, op->value);
    case LINEARIZABLE:
        op->floor = acked[op->space];
        return flux_kvs_lookup_min(h, ns, FLUX_KVS_LINEARIZABLE, key, 0);
    case CAUSAL: /* somebody else has told us */
        op->floor = acked[op->space];
        return flux_kvs_lookup_min(h, ns, 0, key, acked[op->space]);
    case WAIT:
        op->floor = acked[op->space];
        return flux_rpc_pack(h, "kvs.wait-version", FLUX_NODEID_ANY, 0, "{s:i s:s}",
                             "rootseq", acked[op->space], "namespace", ns);
    case ROOT:
        return flux_rpc_pack(h, "kvs.getroot", FLUX_NODEID_ANY, 0, "{s:s}", "namespace",
                             ns);
    case WATCH:
        op->floor = 0; /* the first answer may have been under way */
        return flux_kvs_lookup_min(h, ns, FLUX_KVS_WATCH, key, 0);
    default:
        return flux_kvs_lookup_min(h, ns, 0, key, 0);
    }
}

static void event_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    int rank = (int)(intptr_t)arg, version;
    const char *ns;

    if (flux_event_unpack(msg, NULL, "{s:s s:i}", "namespace", &ns, "rootseq",
                          &version) == 0)
        learn(rank, strcmp(ns, spaces[0]) != 0, version);
}

/* A client that hears of versions by events, too. */
static flux_t *client(int rank)
{
    flux_future_t *f;
    flux_t *h;

    if (c.m[rank].h)
        return c.m[rank].h;
    h = cluster_handle(&c, rank);
    if (rank % 2) {
        struct flux_match m = FLUX_MATCH_EVENT;

        m.topic_glob = "kvs.namespace-*-setroot";
        f = flux_event_subscribe_ex(h, "kvs.namespace-", 0);
        flux_future_destroy(f);
        handlers[rank] = flux_msg_handler_create(h, m, event_cb, (void *)(intptr_t)rank);
        flux_msg_handler_start(handlers[rank]);
    }
    return h;
}

static void act(int rank)
{
    static const enum kind kinds[] = {COMMIT, COMMIT, COMMIT,       READ, READ,
                                      READ,   READ,   READ,         READ, CAUSAL,
                                      WAIT,   ROOT,   LINEARIZABLE, WATCH};
    struct op *op = calloc(1, sizeof(*op));

    op->kind = kinds[pick(0, (int)(sizeof(kinds) / sizeof(kinds[0])) - 1)];
    op->rank = rank;
    op->space = pick(0, SPACES - 1);
    op->key = pick(0, KEYS - 1);
    op->floor = seen[rank][op->space];
    list_append(&ops, &op->link);
    op->f = send_op(client(rank), op);
    ck_assert_ptr_nonnull(op->f);
    ck_assert_int_eq(flux_future_then(op->f, -1., answer_cb, op), 0);
}

/* ---- the world ---- */

static void kill_broker(int rank)
{
    list_each(op, &ops, struct op, link)
    {
        if (op->rank == rank)
            op_free(op);
    }
    flux_msg_handler_destroy(handlers[rank]);
    handlers[rank] = NULL;
    cluster_crash(&c, rank);
}

static void harm(void)
{
    int rank = pick(0, 1) * pick(0, c.size - 1);

    if (pick(0, 2) == 0)
        sim_net_reset(c.env, c.env);
    else if (c.m[rank].b)
        kill_broker(rank);
}

static void step(bool peace)
{
    int rank = pick(0, c.size - 1);

    if (!c.m[rank].b)
        cluster_add(&c, rank);
    else if (c.m[rank].ups)
        for (int n = pick(1, 6); n > 0; n--)
            act(rank);
    if (!c.m[0].b && pick(0, 2))
        cluster_add(&c, 0);
    if (!peace && pick(0, 9) == 0)
        harm();
    cluster_run(&c, pick(0, 3) ? 0.0005 * pick(0, 20) : 0.1 * pick(0, 10));
}

static bool nothing_waits(struct cluster *cl, void *arg)
{
    list_each(op, &ops, struct op, link)
    {
        if (op->kind != WATCH)
            return false;
    }
    return true;
}

static void make_other(void)
{
    flux_future_t *f = flux_kvs_namespace_create(client(0), "other", getuid(), 0);

    cluster_wait(&c, f);
    ck_assert_int_eq(flux_future_get(f, NULL), 0);
    flux_future_destroy(f);
}

static void begin(int64_t seed)
{
    static const char *const attrs[] = {"broker.orphan-timeout=none",
                                        "tbon.connect_timeout=inf", NULL};
    static const char *const modules[] = {"kvs", NULL};
    static const char *const topos[] = {"kary:1", "kary:2", "kary:3"};

    choices = (uint64_t)seed;
    list_init(&ops);
    memset(seen, 0, sizeof(seen));
    memset(acked, 0, sizeof(acked));
    memset(done, 0, sizeof(done));
    nfacts = values = failed = 0;
    cluster_init(&c, pick(3, BROKERS_MAX), topos[pick(0, 2)], seed);
    c.attrs = attrs;
    c.modules = modules;
    c.durable = true;
    cluster_add_all(&c);
    cluster_until_up(&c);
    make_other();
    if (pick(0, 1))
        sim_net_delay(c.env, c.env, 0.0001, 0.05);
}

static void end(void)
{
    for (int i = 0; i < c.size; i++)
        if (!c.m[i].b)
            cluster_add(&c, i);
    cluster_until_up(&c);
    for (int i = 0; i < 30; i++)
        step(true);
    cluster_until(&c, nothing_waits, NULL);
    list_each(op, &ops, struct op, link)
    {
        op_free(op);
    }
    for (int i = 0; i < c.size; i++)
        flux_msg_handler_destroy(handlers[i]);
    memset(handlers, 0, sizeof(handlers));
    check_history();
    cluster_stop(&c);
    cluster_fini(&c);
}

START_TEST(no_follower_answers_with_less_than_it_has_told)
{
    const char *s = getenv("SEED");
    int64_t seed = s ? strtoll(s, NULL, 0) : _i + 1;

    printf("seed %" PRId64 "\n", seed);
    begin(seed);
    for (int i = 0; i < STEPS; i++)
        step(false);
    end();
    printf("  %d commits, %d reads, %d linearizable, %d causal, %d waits, %d roots, "
           "%d watches, %d cut off\n",
           done[COMMIT], done[READ], done[LINEARIZABLE], done[CAUSAL], done[WAIT],
           done[ROOT], done[WATCH], failed);
    ck_assert_int_gt(done[COMMIT], 20);
    ck_assert_int_gt(done[READ], 50);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("followers");
    TCase *tc = tcase_create("followers");
    SRunner *sr;
    int bad;

    setvbuf(stdout, NULL, _IOLBF, 0);
    tcase_set_timeout(tc, 240);
    tcase_add_loop_test(tc, no_follower_answers_with_less_than_it_has_told, 0,
                        getenv("SEED") ? 1 : SEEDS);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    bad = srunner_ntests_failed(sr);
    srunner_free(sr);
    free(facts);
    return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}

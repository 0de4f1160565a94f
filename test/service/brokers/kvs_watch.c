/* Watches of the key-value store, by clients of another broker than that of its leader. */
#include "watcher.h"

#include <stdio.h>

static struct cluster c;

static void begin(int64_t world)
{
    static const char *const modules[] = {"kvs", NULL};

    cluster_init(&c, 2, NULL, world);
    c.modules = modules;
    cluster_add_all(&c);
    cluster_until_up(&c);
}

static void end(void)
{
    cluster_stop(&c);
    cluster_fini(&c);
}

/* ---- commits ---- */

static void finish(flux_future_t *f, int errnum)
{
    cluster_wait(&c, f);
    ck_assert_int_eq(flux_future_get(f, NULL) < 0 ? errno : 0, errnum);
    flux_future_destroy(f);
}

/* What is done: "a.b=1 log+=x gone- dir/ link>target", in one transaction. */
static flux_kvs_txn_t *txn_of(const char *what)
{
    flux_kvs_txn_t *txn = flux_kvs_txn_create();
    char key[64], value[64];
    char op;

    ck_assert_ptr_nonnull(txn);
    while (sscanf(what, " %63[a-z0-9._]%c", key, &op) == 2) {
        what = strstr(what, key) + strlen(key) + 1 + (op == '+');
        value[0] = '\0';
        if (op != '-' && op != '/')
            sscanf(what, "%63[^ ]", value);
        what += strlen(value);
        if (op == '=')
            ck_assert_int_eq(flux_kvs_txn_put(txn, 0, key, value), 0);
        else if (op == '+')
            ck_assert_int_eq(flux_kvs_txn_put(txn, FLUX_KVS_APPEND, key, value), 0);
        else if (op == '-')
            ck_assert_int_eq(flux_kvs_txn_unlink(txn, 0, key), 0);
        else if (op == '/')
            ck_assert_int_eq(flux_kvs_txn_mkdir(txn, 0, key), 0);
        else
            ck_assert_int_eq(flux_kvs_txn_symlink(txn, 0, key,
                                                  strchr(value, ':') ? "other" : NULL,
                                                  strchr(value, ':') ? value + 1 : value),
                             0);
    }
    return txn;
}

static flux_future_t *send_commit(int rank, const char *ns, const char *what)
{
    flux_kvs_txn_t *txn = txn_of(what);
    flux_future_t *f = flux_kvs_commit(cluster_handle(&c, rank), ns, 0, txn);

    flux_kvs_txn_destroy(txn);
    return f;
}

static void commit_in(const char *ns, const char *what)
{
    finish(send_commit(0, ns, what), 0);
}

static void commit(const char *what)
{
    commit_in(NULL, what);
}

static void create(const char *ns)
{
    finish(flux_kvs_namespace_create(cluster_handle(&c, 0), ns, FLUX_USERID_UNKNOWN, 0),
           0);
}

static void remove_ns(const char *ns)
{
    finish(flux_kvs_namespace_remove(cluster_handle(&c, 0), ns), 0);
}

/* ---- watchers ---- */

static void watch_min(struct watcher *w, const char *ns, int flags, const char *key,
                      int min)
{
    flux_t *h = cluster_handle(&c, 1);

    watcher_begin(w, &c,
                  min < 0 ? flux_kvs_lookup(h, ns, flags, key)
                          : flux_kvs_lookup_min(h, ns, flags, key, min));
}

static void watch(struct watcher *w, const char *ns, int flags, const char *key)
{
    watch_min(w, ns, flags, key, -1);
}

/* How many the leader has. */
static int watches(void)
{
    const char *s;

    ck_assert_int_eq(cluster_rpc(&c, 1, "kvs.stats-get", NULL, 0, &s), 0);
    ck_assert_ptr_nonnull(s = strstr(s, "\"watches\":"));
    return atoi(s + 10);
}

struct number {
    int n;
};

static bool has_watches(struct cluster *cl, void *arg)
{
    return watches() == ((struct number *)arg)->n;
}

static void until_watches(int n)
{
    struct number number = {n};

    cluster_until(&c, has_watches, &number);
}

/* ---- tests ---- */

START_TEST(each_commit_that_names_the_key_is_told)
{
    struct watcher w;

    begin(WORLD);
    commit("a.b=1 a.c=1");
    watch(&w, NULL, FLUX_KVS_WATCH, "a.b");
    watcher_expect(&w, "1|");
    commit("a.b=1");
    commit("a.c=9");
    commit("a.b=2");
    commit("a.b.=3");
    watcher_expect(&w, "1|1|2|3|");
    commit("a-");
    commit("a.b=4");
    watcher_expect(&w, "1|1|2|3|4|");
    commit("a.b-");
    watcher_expect_end(&w, "1|1|2|3|4|", ENOENT);
    watch(&w, NULL, FLUX_KVS_WATCH, "no.such");
    watcher_expect_end(&w, "", ENOENT);
    end();
}
END_TEST

/* Commits that wait together become one version; what is told never goes back. */
START_TEST(versions_are_told_in_order_and_once)
{
    enum { N = 300 };
    static flux_future_t *f[N];
    struct watcher w;
    char what[64], all[16384] = "x|";
    int last = -1, n;

    begin(WORLD);
    commit("k=x");
    watch(&w, NULL, FLUX_KVS_WATCH, "k");
    watcher_expect(&w, "x|");
    for (int i = 0; i < N; i++) {
        flux_kvs_txn_t *txn;

        snprintf(what, sizeof(what), "k=%d", i);
        txn = txn_of(what);
        f[i] = flux_kvs_commit(cluster_handle(&c, 0), NULL, FLUX_KVS_NO_MERGE, txn);
        flux_kvs_txn_destroy(txn);
        sprintf(all + strlen(all), "%d|", i);
    }
    for (int i = 0; i < N; i++)
        finish(f[i], 0);
    watcher_expect(&w, all);
    for (int i = 0; i < N; i++) {
        snprintf(what, sizeof(what), "k=%d", N + i);
        f[i] = send_commit(1, NULL, what);
    }
    for (int i = 0; i < N; i++)
        finish(f[i], 0);
    commit("k=end");
    watcher_drop(&w);
    for (const char *p = w.log + 2; sscanf(p, "%d|", &n) == 1; p = strchr(p, '|') + 1) {
        ck_assert_int_gt(n, last);
        last = n;
    }
    ck_assert_int_eq(last, 2 * N - 1);
    ck_assert_ptr_nonnull(strstr(w.log, "|end|"));
    end();
}
END_TEST

START_TEST(uniq_tells_values_that_differ)
{
    struct watcher w;

    begin(WORLD);
    commit("k=1");
    watch(&w, NULL, FLUX_KVS_WATCH | FLUX_KVS_WATCH_UNIQ, "k");
    watcher_expect(&w, "1|");
    commit("k=1");
    commit("k=2");
    commit("k=2");
    commit("k=1");
    watcher_expect(&w, "1|2|1|");
    watcher_drop(&w);
    end();
}
END_TEST

START_TEST(full_follows_whatever_leads_to_the_key)
{
    struct watcher w, dir;

    begin(WORLD);
    create("other");
    commit_in("other", "x.k=far");
    commit("d.k=1 e.k=2 l>d");
    watch(&w, NULL, FLUX_KVS_WATCH | FLUX_KVS_WATCH_FULL, "l.k");
    watch(&dir, NULL, FLUX_KVS_WATCH | FLUX_KVS_WATCH_FULL | FLUX_KVS_READDIR, "d");
    watcher_expect(&w, "1|");
    watcher_expect(&dir, "dir|");
    commit("e.z=1");
    commit("d.k=1"); /* no other value */
    commit("l>e");
    watcher_expect(&w, "1|2|");
    commit("d.n.m=3"); /* not on the way any more */
    watcher_expect(&dir, "dir|dir|");
    commit("e.k=3");
    commit("l>:x");
    watcher_expect(&w, "1|2|3|far|");
    commit_in("other", "x.y=1");
    commit_in("other", "x.k=near");
    watcher_expect(&w, "1|2|3|far|near|");
    commit_in("other", "x-");
    watcher_expect_end(&w, "1|2|3|far|near|", ENOENT);
    watcher_drop(&dir);
    end();
}
END_TEST

START_TEST(append_tells_what_was_appended)
{
    const int flags = FLUX_KVS_WATCH | FLUX_KVS_WATCH_APPEND;
    struct watcher w, s, over, gone;

    begin(WORLD);
    commit("log=a d.log=q");
    watch(&w, NULL, flags, "log");
    watch(&s, NULL, flags | FLUX_KVS_WATCH_INITIAL_SENTINEL, "log");
    watch(&gone, NULL, flags, "d.log");
    watcher_expect(&w, "a|");
    watcher_expect(&s, "a||");
    commit("log+=bc");
    commit("log+=d log+=e");
    commit("z=1");
    watcher_expect(&w, "a|bc|de|");
    watcher_expect(&s, "a||bc|de|");
    watch(&over, NULL, flags, "log");
    watcher_expect(&over, "abcde|");
    commit("log=abcdefgh"); /* longer, and yet another value */
    watcher_expect_end(&w, "a|bc|de|", EINVAL);
    watcher_expect_end(&s, "a||bc|de|", EINVAL);
    watcher_expect_end(&over, "abcde|", EINVAL);
    watcher_expect(&gone, "q|");
    commit("d-");
    commit("d.log+=qrs"); /* not what it follows */
    watcher_expect_end(&gone, "q|", EINVAL);
    end();
}
END_TEST

START_TEST(waitcreate_waits_for_the_key)
{
    struct watcher w, once, by_dir, by_link, log;

    begin(WORLD);
    commit("src.c=5");
    watch(&w, NULL, FLUX_KVS_WATCH | FLUX_KVS_WAITCREATE, "a.b.c");
    watch(&once, NULL, FLUX_KVS_WAITCREATE, "a.b.c");
    watch(&by_dir, NULL, FLUX_KVS_WAITCREATE, "copy.c");
    watch(&by_link, NULL, FLUX_KVS_WAITCREATE, "lnk.c");
    watch(&log, NULL, FLUX_KVS_WATCH | FLUX_KVS_WAITCREATE | FLUX_KVS_WATCH_APPEND,
          "log");
    until_watches(5);
    commit("a/");
    commit("a.b.d=1");
    commit("a.b.c=1");
    watcher_expect(&w, "1|");
    watcher_expect(&once, "1|");
    commit("a.b.x=1"); /* it waits no more: only the key counts */
    commit("a.b.c=2");
    watcher_expect(&w, "1|2|");
    commit("log+=x");
    commit("log+=y");
    watcher_expect(&log, "x|y|");
    finish(flux_kvs_copy(cluster_handle(&c, 0), NULL, "src", NULL, "copy", 0), 0);
    watcher_expect(&by_dir, "5|");
    commit("lnk>a.b");
    watcher_expect(&by_link, "2|");
    commit("a.b.c-");
    watcher_expect_end(&w, "1|2|", ENOENT);
    watcher_drop(&log);
    flux_future_destroy(once.f);
    flux_future_destroy(by_dir.f);
    flux_future_destroy(by_link.f);
    ck_assert_int_eq(watches(), 0);
    end();
}
END_TEST

START_TEST(namespaces_come_and_go)
{
    struct watcher w, wait, full, none;

    begin(WORLD);
    watch(&none, "later", FLUX_KVS_WATCH, "k");
    watcher_expect_end(&none, "", ENOTSUP);
    watch(&w, "later", FLUX_KVS_WATCH | FLUX_KVS_WAITCREATE, "k");
    watch(&wait, "later", FLUX_KVS_WAITCREATE, "never");
    until_watches(2);
    create("other");
    create("later");
    commit_in("other", "k=0");
    commit_in("later", "k=1");
    watcher_expect(&w, "1|");
    commit("far>:k");
    watch(&full, NULL, FLUX_KVS_WATCH | FLUX_KVS_WATCH_FULL, "far");
    watcher_expect(&full, "0|");
    commit_in("later", "k=2");
    remove_ns("later");
    watcher_expect_end(&w, "1|2|", ENOTSUP);
    watcher_expect_end(&wait, "", ENOTSUP);
    remove_ns("other");
    watcher_expect_end(&full, "0|", ENOTSUP);
    end();
}
END_TEST

START_TEST(a_version_can_be_waited_for)
{
    struct watcher w;

    begin(WORLD);
    commit("k=1");
    watch_min(&w, NULL, FLUX_KVS_WATCH, "k", 3);
    until_watches(1);
    commit("k=2");
    commit("k=3");
    commit("k=4");
    watcher_expect(&w, "3|4|");
    watcher_drop(&w);
    end();
}
END_TEST

START_TEST(they_end_with_their_client)
{
    struct watcher w, other;
    flux_t *h;

    begin(WORLD);
    commit("k=1");
    watch(&w, NULL, FLUX_KVS_WATCH, "k");
    watcher_expect(&w, "1|");
    ck_assert_int_eq(broker_open(c.m[1].b, &h), 0);
    ck_assert_int_eq(flux_set_reactor(h, c.r), 0);
    other.f = flux_kvs_lookup(h, NULL, FLUX_KVS_WAITCREATE, "never");
    until_watches(2);
    flux_future_destroy(other.f);
    flux_close(h);
    until_watches(1);
    watcher_drop(&w);
    ck_assert_int_eq(watches(), 0);
    end();
}
END_TEST

START_TEST(long_values_come_in_pieces)
{
    enum { LEN = 1000000 };
    char *value = malloc(LEN);
    flux_kvs_txn_t *txn = flux_kvs_txn_create();
    struct watcher w;

    begin(WORLD);
    memset(value, 'v', LEN);
    watch(&w, NULL, FLUX_KVS_STREAM | FLUX_KVS_WAITCREATE, "long");
    until_watches(1);
    ck_assert_int_eq(flux_kvs_txn_put_raw(txn, 0, "long", value, LEN), 0);
    finish(flux_kvs_commit(cluster_handle(&c, 0), NULL, 0, txn), 0);
    watcher_expect_end(&w, "", ENODATA);
    ck_assert_uint_eq(w.bytes, LEN);
    ck_assert_uint_gt(w.answers, 3);
    commit("short=s");
    watch(&w, NULL, FLUX_KVS_STREAM, "short");
    watcher_expect_end(&w, "s|", ENODATA);
    flux_kvs_txn_destroy(txn);
    free(value);
    end();
}
END_TEST

/* What is not in memory has to be read first; commits go on meanwhile. */
START_TEST(cold_objects_delay_but_lose_nothing)
{
    enum { N = 20 };
    flux_kvs_txn_t *sync = flux_kvs_txn_create();
    char what[64], all[1024] = "x|";
    flux_future_t *f[N];
    struct watcher w;

    begin(WORLD);
    commit("d.e.k=x d.z=1");
    ck_assert_int_eq(flux_kvs_txn_put(sync, 0, "y", "1"), 0);
    finish(flux_kvs_commit(cluster_handle(&c, 0), NULL, FLUX_KVS_SYNC, sync), 0);
    flux_kvs_txn_destroy(sync);
    ck_assert_int_eq(cluster_rpc(&c, 0, "kvs.dropcache", NULL, 0, NULL), 0);
    watch(&w, NULL, FLUX_KVS_WATCH | FLUX_KVS_WATCH_FULL, "d.e.k");
    until_watches(1);
    for (int i = 0; i < N; i++) {
        flux_kvs_txn_t *txn;

        snprintf(what, sizeof(what), "d.e.k=%d", i);
        txn = txn_of(what);
        f[i] = flux_kvs_commit(cluster_handle(&c, 0), NULL, FLUX_KVS_NO_MERGE, txn);
        flux_kvs_txn_destroy(txn);
        sprintf(all + strlen(all), "%d|", i);
    }
    for (int i = 0; i < N; i++)
        finish(f[i], 0);
    watcher_expect(&w, all);
    watcher_drop(&w);
    end();
}
END_TEST

/* A look that is under way in a namespace does not see that it ends; one behind it does. */
START_TEST(a_namespace_that_ends_during_a_cold_look_is_told)
{
    flux_kvs_txn_t *sync = flux_kvs_txn_create();
    struct watcher w;
    flux_t *h;

    begin(WORLD);
    create("other");
    commit_in("other", "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p=x");
    commit("far>:a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p");
    ck_assert_int_eq(flux_kvs_txn_put(sync, 0, "y", "1"), 0);
    h = cluster_handle(&c, 0);
    finish(flux_kvs_commit(h, NULL, FLUX_KVS_SYNC, sync), 0);
    flux_kvs_txn_destroy(sync);
    ck_assert_int_eq(cluster_rpc(&c, 0, "kvs.dropcache", NULL, 0, NULL), 0);
    watch(&w, NULL, FLUX_KVS_WATCH | FLUX_KVS_WATCH_FULL, "far");
    until_watches(1);
    remove_ns("other");
    watcher_expect_end(&w, "x|", ENOTSUP);
    end();
}
END_TEST

static void refuse(const char *payload, int rpc_flags, int errnum)
{
    flux_future_t *f = flux_rpc(cluster_handle(&c, 1), "kvs-watch.lookup", payload,
                                FLUX_NODEID_ANY, rpc_flags);

    finish(f, errnum);
}

START_TEST(bad_requests_are_refused)
{
    begin(WORLD);
    refuse("{\"namespace\":\"primary\",\"key\":\"a\",\"flags\":4}", 0, EPROTO);
    refuse("{\"namespace\":\"primary\",\"key\":\"a\",\"flags\":0}", FLUX_RPC_STREAMING,
           EPROTO);
    refuse("{\"namespace\":\"primary\",\"key\":\"a\",\"flags\":64}", FLUX_RPC_STREAMING,
           EPROTO);
    refuse("{\"namespace\":\"primary\",\"key\":\"a\",\"flags\":516}", FLUX_RPC_STREAMING,
           EPROTO);
    refuse("{\"namespace\":\"primary\",\"key\":\"a\",\"flags\":261}", FLUX_RPC_STREAMING,
           EPROTO);
    refuse("{\"key\":\"a\",\"flags\":4}", FLUX_RPC_STREAMING, EPROTO);
    refuse("{\"namespace\":\"primary\",\"flags\":4}", FLUX_RPC_STREAMING, EPROTO);
    refuse("{\"namespace\":\"primary\",\"key\":\"\",\"flags\":4}", FLUX_RPC_STREAMING,
           EINVAL);
    refuse("{\"namespace\":\"a b\",\"key\":\"a\",\"flags\":12}", FLUX_RPC_STREAMING,
           ENOTSUP);
    ck_assert_int_eq(watches(), 0);
    end();
}
END_TEST

CLUSTER_MAIN("brokers/kvs_watch", each_commit_that_names_the_key_is_told,
             versions_are_told_in_order_and_once, uniq_tells_values_that_differ,
             full_follows_whatever_leads_to_the_key, append_tells_what_was_appended,
             waitcreate_waits_for_the_key, namespaces_come_and_go,
             a_version_can_be_waited_for, they_end_with_their_client,
             long_values_come_in_pieces, cold_objects_delay_but_lose_nothing,
             a_namespace_that_ends_during_a_cold_look_is_told, bad_requests_are_refused)

/* Namespaces of the key-value store that end, and come again, while there is work for them.
 */
#include "cluster.h"

#include <stdio.h>

#include "store/store_private.h"

#define COMMITS 8

static struct cluster c;

static void begin(int64_t world)
{
    static const char *const modules[] = {"kvs", NULL};

    cluster_init(&c, 1, NULL, world);
    c.modules = modules;
    c.durable = true;
    cluster_add_all(&c);
    cluster_until_up(&c);
}

static int errnum_of(flux_future_t *f)
{
    int errnum;

    cluster_wait(&c, f);
    errnum = flux_future_get(f, NULL) < 0 ? errno : 0;
    flux_future_destroy(f);
    return errnum;
}

static void arrived(flux_future_t *f, void *arg)
{
}

static flux_future_t *create(void)
{
    return flux_kvs_namespace_create(cluster_handle(&c, 0), "s", FLUX_USERID_UNKNOWN, 0);
}

static flux_future_t *commit(const char *ns, const char *key, int flags)
{
    flux_kvs_txn_t *txn = flux_kvs_txn_create();
    flux_future_t *f;

    ck_assert_int_eq(flux_kvs_txn_put(txn, 0, key, "old"), 0);
    f = flux_kvs_commit(cluster_handle(&c, 0), ns, flags, txn);
    flux_kvs_txn_destroy(txn);
    return f;
}

static int names(void)
{
    flux_future_t *f = flux_kvs_lookup(cluster_handle(&c, 0), "s", FLUX_KVS_READDIR, ".");
    const flux_kvsdir_t *dir;
    int n;

    cluster_wait(&c, f);
    ck_assert_int_eq(flux_kvs_lookup_get_dir(f, &dir), 0);
    n = flux_kvsdir_get_size(dir);
    flux_future_destroy(f);
    return n;
}

/* Until it has its answer there is always something else to do. */
static bool has_answer(struct cluster *cl, void *arg)
{
    if (!flux_future_is_ready(arg))
        flux_future_destroy(commit(NULL, "x", 0));
    return flux_future_is_ready(arg);
}

/* The log knows namespaces by their names. The first commit has objects to read, and the
 * others wait behind it, when the namespace is removed. */
START_TEST(what_was_meant_for_one_that_is_removed_does_not_come_to_the_next_one)
{
    flux_future_t *commits[COMMITS], *removed, *created;
    bool gone = false;
    char key[16];

    begin(WORLD);
    ck_assert_int_eq(errnum_of(create()), 0);
    ck_assert_int_eq(errnum_of(commit("s", "a.b.c.d.e.f", FLUX_KVS_SYNC)), 0);
    ck_assert_int_eq(cluster_rpc(&c, 0, "kvs.dropcache", NULL, 0, NULL), 0);
    for (int i = 0; i < COMMITS; i++) {
        sprintf(key, "%s%d", i ? "k" : "a.b.c.d.e.g", i);
        commits[i] = commit("s", key, FLUX_KVS_NO_MERGE);
    }
    removed = flux_kvs_namespace_remove(cluster_handle(&c, 0), "s");
    created = create();
    ck_assert_int_eq(flux_future_then(removed, -1., arrived, NULL), 0);
    cluster_until(&c, has_answer, removed);
    for (int i = 0; i < COMMITS; i++) {
        int errnum = errnum_of(commits[i]);

        ck_assert(errnum == ENOTSUP || (errnum == 0 && !gone)); /* in order */
        gone = errnum != 0;
    }
    ck_assert_int_eq(errnum_of(removed), 0);
    ck_assert_int_eq(errnum_of(created), 0);
    ck_assert_int_eq(names(), 0);
    cluster_crash(&c, 0);
    cluster_add(&c, 0);
    cluster_until_up(&c);
    ck_assert_int_eq(names(), 0);
    cluster_stop(&c);
    cluster_fini(&c);
}
END_TEST

/* As on a full disk, until the store looks for space. */
static void fill_disk(void)
{
    struct store *s = c.m[0].b->store;

    pthread_mutex_lock(&s->lock);
    s->state = STORE_FULL;
    pthread_mutex_unlock(&s->lock);
}

static bool has_space(struct cluster *cl, void *arg)
{
    return !store_is_readonly(c.m[0].b->store);
}

START_TEST(one_whose_end_is_refused_stays_though_its_name_was_to_be_used_again)
{
    flux_future_t *removed, *created;

    begin(WORLD);
    ck_assert_int_eq(errnum_of(create()), 0);
    ck_assert_int_eq(errnum_of(commit("s", "k", 0)), 0);
    fill_disk();
    removed = flux_kvs_namespace_remove(cluster_handle(&c, 0), "s");
    created = create();
    ck_assert_int_eq(errnum_of(removed), ENOSPC);
    ck_assert_int_eq(errnum_of(created), ENOSPC);
    ck_assert_int_eq(names(), 1);
    cluster_until(&c, has_space, NULL);
    ck_assert_int_eq(errnum_of(commit("s", "l", 0)), 0);
    ck_assert_int_eq(names(), 2);
    cluster_stop(&c);
    cluster_fini(&c);
}
END_TEST

CLUSTER_MAIN("brokers/kvs_namespace",
             what_was_meant_for_one_that_is_removed_does_not_come_to_the_next_one,
             one_whose_end_is_refused_stays_though_its_name_was_to_be_used_again)

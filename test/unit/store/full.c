/* A disk that is full for a while, and one that fails. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pwrvfs.h"
#include "store/kvs.h"
#include "store/store.h"
#include "suite.h"

struct world {
    struct pwrvfs *disk;
    struct env *env;
    struct loop *loop;
    struct store *store;
    int changes;
    bool writable;
};

static void changed(bool writable, void *arg)
{
    struct world *w = arg;

    w->changes++;
    w->writable = writable;
    loop_stop(w->loop);
}

static void world_open(struct world *w, bool simulated)
{
    struct store_options opts = {
        .path = "s.db", .vfs = "full", .durability = STORE_POWER};

    *w = (struct world){.disk = pwrvfs_new("full", 1), .writable = true};
    ck_assert_int_eq(simulated ? env_new_sim(1, &w->env) : env_new_real(&w->env), 0);
    ck_assert_int_eq(loop_new(w->env, &w->loop), 0);
    ck_assert_int_eq(store_open(w->loop, &opts, &w->store, NULL), 0);
    store_on_writable(w->store, changed, w);
}

static void world_close(struct world *w)
{
    store_close(w->store);
    loop_unref(w->loop);
    env_unref(w->env);
    pwrvfs_free(w->disk);
}

static void keep(int error, void *arg)
{
    *(int *)arg = error;
}

static void put(struct world *w, uint64_t id, size_t size, bool must, int *error)
{
    struct store_txn *t = store_txn_new(w->store);
    char *data = calloc(1, size);

    *error = 1;
    store_txn_jobdata(t, id, "jobspec", 0, data, size);
    if (must)
        store_txn_must(t);
    ck_assert_int_eq(store_commit(w->store, t, keep, error), 0);
    free(data);
}

static int count_pieces(uint64_t seq, const void *data, size_t len, void *arg)
{
    ++*(int *)arg;
    return 0;
}

static int read_pieces(struct store_reader *r, void *arg)
{
    int n = 0;

    for (uint64_t id = 1; id <= 3; id++)
        store_reader_jobdata(r, id, "jobspec", count_pieces, &n);
    *(int *)arg = n;
    return 0;
}

/* Let the store's own timer see that there is room again. */
static void wait_writable(struct world *w)
{
    while (!w->writable)
        ck_assert_int_ge(loop_run(w->loop, LOOP_ONCE), 0);
}

START_TEST(a_full_disk_refuses_new_work_and_keeps_the_old)
{
    struct world w;
    int first, refused, must, after, pieces;

    world_open(&w, _i);
    put(&w, 1, 5000, false, &first);
    ck_assert_int_eq(store_flush(w.store), 0);
    ck_assert_int_eq(first, 0);
    ck_assert(!store_is_readonly(w.store));

    pwrvfs_set_space(w.disk, pwrvfs_used(w.disk) + 4096);
    put(&w, 2, 200000, false, &refused);
    put(&w, 3, 200000, true, &must);
    ck_assert_int_eq(store_flush(w.store), -ENOSPC);
    ck_assert_int_eq(refused, -ENOSPC);
    ck_assert_int_eq(must, 1);
    ck_assert(store_is_readonly(w.store));
    ck_assert_int_eq(w.changes, 1);
    ck_assert(!w.writable);
    ck_assert_int_eq(store_read_now(w.store, read_pieces, &pieces), 0);
    ck_assert_int_eq(pieces, 1);

    pwrvfs_set_space(w.disk, 0);
    wait_writable(&w);
    ck_assert_int_eq(must, 0);
    put(&w, 2, 200000, false, &after);
    ck_assert_int_eq(store_flush(w.store), 0);
    ck_assert_int_eq(after, 0);
    ck_assert_int_eq(w.changes, 2);
    ck_assert_int_eq(store_read_now(w.store, read_pieces, &pieces), 0);
    ck_assert_int_eq(pieces, 3);
    world_close(&w);
}
END_TEST

static void put_log(struct world *w, uint64_t seq, size_t size, int *error)
{
    struct store_txn *t = store_txn_new(w->store);
    char *data = calloc(1, size);

    *error = 1;
    store_txn_log(t, seq, data, size);
    ck_assert_int_eq(store_commit(w->store, t, keep, error), 0);
    free(data);
}

/* Record 7 was refused: with space again, 8 is not taken before it. */
static void log_goes_on_with_7(struct world *w)
{
    int behind, again;

    pwrvfs_set_space(w->disk, 0);
    wait_writable(w);
    put_log(w, 8, 10, &behind);
    ck_assert_int_eq(store_flush(w->store), 0);
    ck_assert_int_eq(behind, -ESTALE);
    put_log(w, 7, 10, &again);
    put_log(w, 8, 10, &behind);
    ck_assert_int_eq(store_flush(w->store), 0);
    ck_assert_int_eq(again, 0);
    ck_assert_int_eq(behind, 0);
}

/* Also when the one that was refused is the first of all. */
START_TEST(a_record_behind_a_refused_one_is_refused)
{
    struct world w;
    int first;

    world_open(&w, _i);
    pwrvfs_set_space(w.disk, pwrvfs_used(w.disk) + 4096);
    put_log(&w, 7, 200000, &first);
    ck_assert_int_eq(store_flush(w.store), -ENOSPC);
    ck_assert_int_eq(first, -ENOSPC);
    log_goes_on_with_7(&w);
    world_close(&w);
}
END_TEST

/* It is not even tried then. */
START_TEST(the_first_record_may_be_refused_by_a_disk_that_is_full_already)
{
    struct world w;
    int other, first;

    world_open(&w, _i);
    pwrvfs_set_space(w.disk, pwrvfs_used(w.disk) + 4096);
    put(&w, 1, 200000, false, &other);
    ck_assert_int_eq(store_flush(w.store), -ENOSPC);
    put_log(&w, 7, 10, &first);
    ck_assert_int_eq(store_flush(w.store), -ENOSPC);
    ck_assert_int_eq(first, -ENOSPC);
    log_goes_on_with_7(&w);
    world_close(&w);
}
END_TEST

START_TEST(close_on_a_full_disk_gives_up)
{
    struct world w;
    int must;

    world_open(&w, _i);
    pwrvfs_set_space(w.disk, 1);
    put(&w, 1, 100000, true, &must);
    world_close(&w);
    ck_assert_int_eq(must, -ENOSPC);
}
END_TEST

START_TEST(a_failed_sync_is_final)
{
    struct world w;
    int before, failed, later, must;

    world_open(&w, _i);
    put(&w, 1, 100, false, &before);
    ck_assert_int_eq(store_flush(w.store), 0);
    pwrvfs_fail_sync(w.disk);
    put(&w, 2, 100, false, &failed);
    ck_assert_int_eq(store_flush(w.store), -EIO);
    ck_assert_int_eq(failed, -EIO);
    put(&w, 3, 100, false, &later);
    put(&w, 3, 100, true, &must);
    ck_assert_int_eq(store_flush(w.store), -EIO);
    ck_assert_int_eq(later, -EIO);
    ck_assert_int_eq(must, -EIO);
    ck_assert(store_is_readonly(w.store));
    ck_assert(!w.writable);
    world_close(&w);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("store/full");
    TCase *tc = tcase_create("threads, simulated");
    SRunner *sr = srunner_create(s);
    int failed;

    tcase_add_loop_test(tc, a_full_disk_refuses_new_work_and_keeps_the_old, 0, 2);
    tcase_add_loop_test(tc, a_record_behind_a_refused_one_is_refused, 0, 2);
    tcase_add_loop_test(
        tc, the_first_record_may_be_refused_by_a_disk_that_is_full_already, 0, 2);
    tcase_add_loop_test(tc, close_on_a_full_disk_gives_up, 0, 2);
    tcase_add_loop_test(tc, a_failed_sync_is_final, 0, 2);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

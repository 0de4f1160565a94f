/* A store of the simulated world on its host's disk: what was acknowledged survives a
 * kill at any write, and a loss of power.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "env/file.h"
#include "env/sim_faults.h"
#include "store/store.h"

#define PATH "/tmp/store.sqlite"
#define META_MAX 400

struct life {
    struct env *env;
    struct loop *loop;
    struct store *store;
    uint64_t choices;
    int next, acked, refused; /* of numbered facts, all lives together */
    bool was_refused[META_MAX], was_acked[META_MAX];
    bool full;
};

struct ack {
    struct life *life;
    int n;
};

static void begin(struct life *l, uint64_t seed)
{
    *l = (struct life){.choices = seed};
    ck_assert_int_eq(env_new_sim(seed, &l->env), 0);
    sim_disk_track(l->env);
    ck_assert_int_eq(loop_new(l->env, &l->loop), 0);
}

static int open_store(struct life *l, flux_error_t *err)
{
    struct store_options opts = {.path = PATH, .durability = STORE_POWER, .uuid = "test"};

    return store_open(l->loop, &opts, &l->store, err);
}

static void reopen(struct life *l)
{
    flux_error_t err = {{0}};

    ck_assert_msg(open_store(l, &err) == 0, "%s", err.text);
}

static void acknowledged(int error, void *arg)
{
    struct ack *a = arg;
    struct life *l = a->life;

    ck_assert(!l->was_acked[a->n]);
    if (error == 0) {
        l->was_acked[a->n] = true;
        l->acked++;
    } else if (error == -ENOSPC) {
        l->was_refused[a->n] = true;
        l->refused++;
    }
    free(a);
}

static void put(struct life *l)
{
    struct store_txn *t = store_txn_new(l->store);
    struct ack *a = malloc(sizeof(*a));
    char key[16], value[3000];

    *a = (struct ack){l, l->next};
    snprintf(key, sizeof(key), "k%d", l->next);
    snprintf(value, sizeof(value), "%*d", 10 + l->next * 37 % 2900, l->next);
    l->next++;
    ck_assert_int_eq(store_txn_meta(t, key, value), 0);
    ck_assert_int_eq(store_commit(l->store, t, acknowledged, a), 0);
}

static void run(struct life *l, double seconds)
{
    env_sim_run(l->env, env_monotonic(l->env) + seconds);
}

static int check_facts(struct store_reader *r, void *arg)
{
    struct life *l = arg;

    for (int i = 0; i < l->next; i++) {
        char key[16], *value = NULL;
        int rc;

        snprintf(key, sizeof(key), "k%d", i);
        rc = store_reader_meta(r, key, &value);
        if (l->was_acked[i])
            ck_assert_msg(rc == 0 && atoi(value) == i, "%d was acknowledged", i);
        if (l->was_refused[i])
            ck_assert_msg(rc == -ENOENT, "%d was refused", i);
        free(value);
    }
    return 0;
}

static void check(struct life *l)
{
    ck_assert_int_eq(store_read_now(l->store, check_facts, l), 0);
}

/* Kill what runs here, by taking its disk away. */
static void crash(struct life *l, bool power)
{
    if (power)
        sim_host_power_off(l->env);
    else
        sim_disk_cut(l->env, 0);
    store_close(l->store);
    l->store = NULL;
    if (power)
        sim_host_power_on(l->env);
    else
        sim_disk_restart(l->env, false);
}

static void end(struct life *l)
{
    store_close(l->store);
    loop_unref(l->loop);
    env_unref(l->env);
}

START_TEST(what_is_acknowledged_survives_a_crash)
{
    struct life l;

    begin(&l, (uint64_t)_i);
    for (int life = 0; life < 6; life++) {
        reopen(&l);
        check(&l);
        for (int i = 0; i < 40; i++) {
            put(&l);
            run(&l, (double)sim_choose(&l.choices, 0, 1000) * 1e-6);
        }
        crash(&l, sim_choose(&l.choices, 0, 1));
    }
    reopen(&l);
    check(&l);
    ck_assert_int_gt(l.acked, 50);
    end(&l);
}
END_TEST

START_TEST(a_program_may_die_in_the_midst_of_any_write)
{
    struct life l;
    flux_error_t err;
    int died = 0;

    begin(&l, (uint64_t)_i + 1000);
    for (int life = 0; life < 12; life++) {
        sim_disk_cut(l.env, (long)sim_choose(&l.choices, 0, 40));
        if (open_store(&l, &err) == 0) {
            for (int i = 0; i < 25 && !sim_disk_is_cut(l.env); i++) {
                put(&l);
                run(&l, 0.001);
            }
            store_close(l.store);
        }
        died += sim_disk_is_cut(l.env);
        sim_disk_restart(l.env, sim_choose(&l.choices, 0, 1));
        reopen(&l);
        check(&l);
        store_close(l.store);
        l.store = NULL;
    }
    ck_assert_int_gt(died, 6);
    end(&l);
}
END_TEST

START_TEST(a_full_disk_refuses_and_recovers)
{
    struct life l;

    begin(&l, (uint64_t)_i + 2000);
    reopen(&l);
    for (int i = 0; i < 20; i++)
        put(&l);
    run(&l, 1);
    ck_assert_int_eq(l.acked, 20);
    sim_disk_limit(l.env, sim_disk_used(l.env) + 1000);
    for (int i = 0; i < 20; i++)
        put(&l);
    run(&l, 1);
    ck_assert_int_gt(l.refused, 0);
    ck_assert(store_is_readonly(l.store));
    sim_disk_limit(l.env, 0);
    run(&l, 3);
    ck_assert(!store_is_readonly(l.store));
    put(&l);
    run(&l, 1);
    ck_assert(l.was_acked[l.next - 1]);
    crash(&l, true);
    reopen(&l);
    check(&l);
    end(&l);
}
END_TEST

START_TEST(an_io_error_is_final_until_it_is_opened_again)
{
    struct life l;

    begin(&l, (uint64_t)_i + 3000);
    reopen(&l);
    put(&l);
    run(&l, 1);
    sim_disk_fail(l.env, (long)sim_choose(&l.choices, 0, 3), -EIO);
    put(&l);
    run(&l, 1);
    put(&l);
    run(&l, 1);
    if (!store_has_failed(l.store)) /* a commit makes three changes, or more */
        ck_assert_int_ge(l.acked, 2);
    crash(&l, true);
    reopen(&l);
    check(&l);
    end(&l);
}
END_TEST

/* The system may hold what it could not write for clean: that the next process reads it
 * back is no proof that it is on the disk. */
START_TEST(what_follows_a_failed_sync_does_not_hang_on_it)
{
    struct life l;

    begin(&l, (uint64_t)_i + 4000);
    reopen(&l);
    put(&l);
    run(&l, 1);
    sim_disk_errors(l.env, 0, 0, 1);
    put(&l);
    run(&l, 1);
    ck_assert(store_has_failed(l.store));
    sim_disk_errors(l.env, 0, 0, 0);
    crash(&l, false);
    reopen(&l);
    for (int i = 0; i < 3; i++) {
        put(&l);
        run(&l, 1);
        ck_assert(l.was_acked[l.next - 1]);
    }
    crash(&l, true);
    reopen(&l);
    check(&l);
    end(&l);
}
END_TEST

START_TEST(two_stores_do_not_share_a_folder)
{
    struct life l;
    struct store *other = NULL;
    struct store_options opts = {.path = PATH, .durability = STORE_POWER};
    flux_error_t err;

    begin(&l, 1);
    reopen(&l);
    ck_assert_int_eq(store_open(l.loop, &opts, &other, &err), -EWOULDBLOCK);
    end(&l);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("store/sim");
    TCase *tc = tcase_create("sim");
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, what_is_acknowledged_survives_a_crash, 0, 15);
    tcase_add_loop_test(tc, a_program_may_die_in_the_midst_of_any_write, 0, 15);
    tcase_add_loop_test(tc, a_full_disk_refuses_and_recovers, 0, 5);
    tcase_add_loop_test(tc, an_io_error_is_final_until_it_is_opened_again, 0, 10);
    tcase_add_loop_test(tc, what_follows_a_failed_sync_does_not_hang_on_it, 0, 20);
    tcase_add_test(tc, two_stores_do_not_share_a_folder);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}

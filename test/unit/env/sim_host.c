/* Simulated hosts: what is each one's own, and what happens to one of them alone. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>

#include "env/file.h"
#include "env/sim_faults.h"
#include "world.h"

static struct env *a, *b;

static void make_world(uint64_t seed)
{
    ck_assert_int_eq(env_new_sim(seed, &a), 0);
    ck_assert_int_eq(sim_host_new(a, "b", &b), 0);
}

static void setup(void)
{
    make_world(1);
}

static void teardown(void)
{
    env_unref(a);
    env_unref(b);
}

static void put(struct env *env, const char *path, const char *text)
{
    ck_assert_int_eq(file_replace(env, path, text, strlen(text), 0600), 0);
}

/* The contents; NULL: it is not there. */
static char *get(struct env *env, const char *path)
{
    static char copy[100];
    char *text;
    if (file_read(env, path, sizeof(copy) - 1, &text, NULL) < 0)
        return NULL;
    strcpy(copy, text);
    free(text);
    return copy;
}

static struct file *open_file(const char *path, int flags)
{
    struct file *f = NULL;
    ck_assert_int_eq(file_open(a, path, flags, 0600, &f), 0);
    return f;
}

static void count(struct watcher *w, int revents, void *arg)
{
    ++*(int *)arg;
}

START_TEST(hosts_share_time_and_hash_but_neither_files_nor_random_numbers)
{
    char x[37], y[37];
    put(a, "/tmp/x", "a");
    ck_assert_ptr_null(get(b, "/tmp/x"));
    ck_assert_str_eq(sim_host_name(b), "b");
    env_uuid(a, x);
    env_uuid(b, y);
    ck_assert_str_ne(x, y);
    env_sim_trace(b, "x", 1, 2);
    ck_assert(env_sim_hash(a) == env_sim_hash(b));
    struct loop *l;
    struct watcher *w;
    int n = 0;
    loop_new(b, &l);
    watcher_new_timer(l, 5, 0, count, &n, &w);
    watcher_start(w);
    env_sim_run(a, 10);
    ck_assert_int_eq(n, 1);
    ck_assert(env_monotonic(a) == env_monotonic(b));
    watcher_free(w);
    loop_unref(l);
}
END_TEST

START_TEST(a_clock_step_moves_one_wall_clock_and_its_periodics)
{
    struct loop *l;
    struct watcher *w, *timer;
    int n = 0, t = 0;
    double start = env_time(b);
    loop_new(b, &l);
    watcher_new_periodic(l, start + 100, 0, NULL, count, &n, &w);
    watcher_new_timer(l, 100, 0, count, &t, &timer);
    watcher_start(w);
    watcher_start(timer);
    sim_clock_step(b, 90);
    ck_assert(fabs(env_time(b) - start - 90) < 1e-3);
    ck_assert(fabs(env_time(a) - start) < 1e-3);
    ck_assert(env_monotonic(b) < 1e-3);
    env_sim_run(a, 9);
    ck_assert_int_eq(n, 0);
    sim_clock_step(b, -50);
    env_sim_run(a, 59);
    ck_assert_int_eq(n, 0);
    env_sim_run(a, 61);
    ck_assert_int_eq(n, 1);
    ck_assert_int_eq(t, 0);
    env_sim_run(a, 101);
    ck_assert_int_eq(t, 1);
    watcher_free(w);
    watcher_free(timer);
    loop_unref(l);
}
END_TEST

START_TEST(a_stopped_host_has_neither_turns_nor_work)
{
    struct loop *la, *lb;
    struct watcher *wa, *wb;
    int na = 0, nb = 0;
    loop_new(a, &la);
    loop_new(b, &lb);
    watcher_new_timer(la, 1, 0, count, &na, &wa);
    watcher_new_timer(lb, 1, 0, count, &nb, &wb);
    watcher_start(wa);
    watcher_start(wb);
    char *work = calloc(1, 1);
    loop_work(lb, free, NULL, work);
    sim_host_stop(b, 20);
    env_sim_run(a, 19);
    ck_assert_int_eq(na, 1);
    ck_assert_int_eq(nb, 0);
    env_sim_run(a, 21);
    ck_assert_int_eq(nb, 1);
    watcher_timer_set(wb, 1, 0);
    watcher_start(wb);
    sim_host_stop(b, 100);
    sim_host_stop(b, 0);
    env_sim_run(a, 23);
    ck_assert_int_eq(nb, 2);
    watcher_free(wa);
    watcher_free(wb);
    loop_unref(la);
    loop_unref(lb);
}
END_TEST

/* ---- disks ---- */

START_TEST(without_power_what_was_not_synced_may_be_gone)
{
    int kept = 0, torn = 0;
    for (uint64_t seed = 0; seed < 50; seed++) {
        char data[2048], found[2048];
        teardown();
        make_world(seed);
        sim_disk_track(a);
        put(a, "/tmp/x", "synced");
        struct file *f = open_file("/tmp/x", O_RDWR);
        memset(data, 'n', sizeof(data));
        ck_assert_int_eq(file_pwrite(f, data, sizeof(data), 512), sizeof(data));
        sim_host_power_off(a);
        ck_assert_int_eq(file_pwrite(f, "x", 1, 0), -EIO);
        file_close(f);
        sim_host_power_on(a);
        f = open_file("/tmp/x", O_RDWR);
        ck_assert_int_eq(file_pread(f, found, 6, 0), 6);
        ck_assert_int_eq(memcmp(found, "synced", 6), 0);
        memset(found, 0, sizeof(found));
        ck_assert_int_ge(file_pread(f, found, sizeof(found), 512), 0);
        int n = 0;
        for (int i = 0; i < 4; i++) { /* a sector is old or new, not both */
            n += found[i * 512] == 'n';
            for (int k = 1; k < 512; k++)
                ck_assert_int_eq(found[i * 512 + k], found[i * 512]);
        }
        kept += n == 4;
        torn += n > 0 && n < 4;
        file_close(f);
    }
    ck_assert_int_gt(torn, 10);
    ck_assert_int_lt(kept, 25);
}
END_TEST

START_TEST(a_sync_makes_data_durable_and_that_of_a_folder_names)
{
    int lost_name = 0;
    for (uint64_t seed = 0; seed < 30; seed++) {
        teardown();
        make_world(seed);
        sim_disk_track(a);
        struct file *f = open_file("/tmp/x", O_RDWR | O_CREAT);
        ck_assert_int_eq(file_pwrite(f, "data", 4, 0), 4);
        ck_assert_int_eq(file_sync(f), 0);
        ck_assert_int_eq(dir_sync(a, "/tmp"), 0);
        file_close(f);
        f = open_file("/tmp/y", O_RDWR | O_CREAT);
        file_pwrite(f, "more", 4, 0);
        file_sync(f);
        file_close(f);
        sim_host_power_off(a);
        sim_host_power_on(a);
        ck_assert_str_eq(get(a, "/tmp/x"), "data");
        lost_name += !get(a, "/tmp/y");
    }
    ck_assert_int_gt(lost_name, 5);
    ck_assert_int_lt(lost_name, 25);
}
END_TEST

START_TEST(names_survive_in_the_order_in_which_they_were_made)
{
    int seen[5] = {0};
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct stat st;
        teardown();
        make_world(seed);
        sim_disk_track(a);
        dir_make(a, "/tmp/d", 0700);
        dir_sync(a, "/tmp");
        dir_make(a, "/tmp/d/1", 0700);
        dir_make(a, "/tmp/d/2", 0700);
        file_symlink(a, "x", "/tmp/d/l");
        file_unlink(a, "/tmp/d/l");
        dir_make(a, "/tmp/d/3", 0700);
        sim_host_power_off(a);
        sim_host_power_on(a);
        bool one = file_stat(a, "/tmp/d/1", &st) == 0;
        bool two = file_stat(a, "/tmp/d/2", &st) == 0;
        bool link = file_stat(a, "/tmp/d/l", &st) == 0;
        bool three = file_stat(a, "/tmp/d/3", &st) == 0;
        ck_assert(file_stat(a, "/tmp/d", &st) == 0);
        ck_assert(one || !two);
        ck_assert(two || (!link && !three));
        ck_assert(!(link && three));
        seen[one + two + 2 * three]++;
    }
    for (int i = 0; i < 5; i++)
        ck_assert(i == 3 || seen[i] > 0);
}
END_TEST

/* A replacement that does not get as far as the sync of its folder. */
START_TEST(a_rename_is_there_or_not)
{
    int changed = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        teardown();
        make_world(seed);
        sim_disk_track(a);
        put(a, "/tmp/x", "old");
        sim_disk_cut(a, 4); /* create, write, sync, rename */
        ck_assert_int_eq(file_replace(a, "/tmp/x", "new", 3, 0600), -EIO);
        sim_disk_restart(a, true);
        ck_assert(strcmp(get(a, "/tmp/x"), "old") == 0 ||
                  strcmp(get(a, "/tmp/x"), "new") == 0);
        changed += strcmp(get(a, "/tmp/x"), "new") == 0;
    }
    ck_assert_int_gt(changed, 5);
    ck_assert_int_lt(changed, 35);
}
END_TEST

START_TEST(a_killed_program_loses_nothing_it_has_written)
{
    sim_disk_track(a);
    put(a, "/tmp/x", "synced");
    struct file *f = open_file("/tmp/x", O_RDWR);
    ck_assert_int_eq(file_lock(f), 0);
    ck_assert_int_eq(file_pwrite(f, "SYN", 3, 0), 3);
    sim_disk_cut(a, 1);
    ck_assert_int_eq(file_pwrite(f, "S", 1, 0), 1);
    ck_assert_int_eq(file_pwrite(f, "?", 1, 1), -EIO);
    ck_assert(sim_disk_is_cut(a));
    file_close(f);
    sim_disk_restart(a, false);
    ck_assert_str_eq(get(a, "/tmp/x"), "SYNced");
    f = open_file("/tmp/x", O_RDWR);
    ck_assert_int_eq(file_lock(f), 0);
    file_close(f);
}
END_TEST

START_TEST(a_full_disk_takes_what_fits_and_works_again_with_room)
{
    char data[1000];
    memset(data, 'x', sizeof(data));
    put(b, "/tmp/x", "b's disk is not full");
    sim_disk_limit(a, 1500);
    struct file *f = open_file("/tmp/x", O_RDWR | O_CREAT);
    ck_assert_int_eq(file_pwrite(f, data, 1000, 0), 1000);
    ck_assert_int_eq(dir_space(a, "/tmp"), 500);
    ck_assert_int_eq(file_pwrite(f, data, 1000, 1000), 500);
    ck_assert_int_eq(file_pwrite(f, data, 1000, 1500), -ENOSPC);
    ck_assert_int_eq(file_pwrite(f, data, 1000, 0), 1000);
    ck_assert(sim_fault_count(a, SIM_ENOSPC) == 1);
    ck_assert_int_eq(sim_disk_used(a), 1500);
    sim_disk_limit(a, 0);
    ck_assert_int_eq(file_pwrite(f, data, 1000, 1500), 1000);
    file_close(f);
    file_unlink(a, "/tmp/x");
    ck_assert_int_eq(sim_disk_used(a), 0);
}
END_TEST

START_TEST(errors_come_when_they_are_chosen_or_drawn)
{
    struct file *f = open_file("/tmp/x", O_RDWR | O_CREAT);
    char x;
    int failed = 0;
    sim_disk_fail(a, 1, -ENOSPC);
    ck_assert_int_eq(file_pwrite(f, "1", 1, 0), 1);
    ck_assert_int_eq(file_pread(f, &x, 1, 0), 1); /* changes nothing: does not count */
    ck_assert_int_eq(file_sync(f), -ENOSPC);
    ck_assert_int_eq(file_sync(f), 0);
    sim_disk_errors(a, 0, 10, 0);
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(file_pread(f, &x, 1, 0), 1);
        failed += file_pwrite(f, "1", 1, 0) == -EIO;
    }
    ck_assert_int_gt(failed, 50);
    ck_assert_int_lt(failed, 200);
    sim_disk_errors(a, 1, 0, 0);
    ck_assert_int_eq(file_pread(f, &x, 1, 0), -EIO);
    file_close(f);
}
END_TEST

START_TEST(a_failed_sync_may_lose_data_for_good)
{
    int lost = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        teardown();
        make_world(seed);
        sim_disk_track(a);
        put(a, "/tmp/x", "old");
        struct file *f = open_file("/tmp/x", O_RDWR);
        file_pwrite(f, "new", 3, 0);
        sim_disk_fail(a, 0, -EIO);
        ck_assert_int_eq(file_sync(f), -EIO);
        ck_assert_int_eq(file_sync(f), 0); /* as if nothing had been */
        ck_assert_str_eq(get(a, "/tmp/x"), "new");
        sim_host_power_off(a);
        file_close(f);
        sim_host_power_on(a);
        lost += strcmp(get(a, "/tmp/x"), "old") == 0;
    }
    ck_assert_int_gt(lost, 5);
    ck_assert_int_lt(lost, 35);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("env/sim_host");
    TCase *tc = tcase_create("sim_host");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, hosts_share_time_and_hash_but_neither_files_nor_random_numbers);
    tcase_add_test(tc, a_clock_step_moves_one_wall_clock_and_its_periodics);
    tcase_add_test(tc, a_stopped_host_has_neither_turns_nor_work);
    tcase_add_test(tc, without_power_what_was_not_synced_may_be_gone);
    tcase_add_test(tc, a_sync_makes_data_durable_and_that_of_a_folder_names);
    tcase_add_test(tc, names_survive_in_the_order_in_which_they_were_made);
    tcase_add_test(tc, a_rename_is_there_or_not);
    tcase_add_test(tc, a_killed_program_loses_nothing_it_has_written);
    tcase_add_test(tc, a_full_disk_takes_what_fits_and_works_again_with_room);
    tcase_add_test(tc, errors_come_when_they_are_chosen_or_drawn);
    tcase_add_test(tc, a_failed_sync_may_lose_data_for_good);
    suite_add_tcase(s, tc);
    return run_suite(s);
}

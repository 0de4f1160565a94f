/* Stat watchers, in both worlds: they look through env's files. */
#include <stdio.h>
#include <string.h>

#include "env/file.h"
#include "world.h"

struct seen {
    struct loop *l;
    int n;
    struct stat now, prev;
};

static void on_change(struct watcher *w, int revents, void *arg)
{
    struct seen *s = arg;
    s->n++;
    watcher_stat_get(w, &s->now, &s->prev);
    loop_stop(s->l);
}

START_TEST(stat_watcher_sees_a_file_come_change_and_go)
{
    struct seen s = {.l = world_loop(_i)};
    struct env *env = loop_env(s.l);
    struct watcher *w;
    char dir[] = "/tmp/env-stat-XXXXXX", path[64];
    ck_assert_int_eq(dir_make_temp(env, dir), 0);
    snprintf(path, sizeof(path), "%s/file", dir);
    ck_assert_int_eq(watcher_new_stat(s.l, path, 0.05, on_change, &s, &w), 0);
    watcher_start(w);
    ck_assert_int_eq(file_replace(env, path, "abc", 3, 0600), 0);
    loop_run(s.l, 0);
    ck_assert_int_eq(s.now.st_size, 3);
    ck_assert_int_eq(s.prev.st_nlink, 0);
    ck_assert_int_eq(file_replace(env, path, "abcdef", 6, 0600), 0);
    loop_run(s.l, 0);
    ck_assert_int_eq(s.now.st_size, 6);
    ck_assert_int_eq(s.prev.st_size, 3);
    ck_assert_int_eq(file_unlink(env, path), 0);
    loop_run(s.l, 0);
    ck_assert_int_eq(s.now.st_nlink, 0);
    ck_assert_int_eq(s.n, 3);
    watcher_free(w);
    dir_remove(env, dir);
    loop_unref(s.l);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("env/stat");
    TCase *tc = tcase_create("stat");
    tcase_add_loop_test(tc, stat_watcher_sees_a_file_come_change_and_go, 0, WORLDS);
    suite_add_tcase(s, tc);
    return run_suite(s);
}

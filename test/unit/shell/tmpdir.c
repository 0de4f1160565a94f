#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "shell/tmpdir.h"
#include "suite.h"

static struct place place;
static struct loop *loop;
static struct tmpdirs *dirs;
static char base[100];

static void setup(void)
{
    place_make(&place);
    snprintf(base, sizeof(base), "%s/tmp", place.dir);
    ck_assert_int_eq(loop_new(place.env, &loop), 0);
    ck_assert_int_eq(tmpdirs_new(loop, base, &dirs), 0);
}

static void finish(void)
{
    tmpdirs_free(dirs);
    loop_unref(loop);
    place_drop(&place);
}

static bool exists(const char *path)
{
    struct stat st;
    return file_stat(place.env, path, &st) == 0;
}

static void put_file(const struct tmpdir *d)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/file", tmpdir_path(d));
    ck_assert_int_eq(file_replace(place.env, path, "x", 1, 0600), 0);
}

START_TEST(jobs_have_folders_of_their_own)
{
    setup();
    struct tmpdir *a = tmpdir_take(dirs), *b = tmpdir_take(dirs);
    ck_assert_str_ne(tmpdir_path(a), tmpdir_path(b));
    ck_assert_int_eq(tmpdir_make(a), 0);
    ck_assert(exists(tmpdir_path(a)) && !exists(tmpdir_path(b)));
    tmpdir_give_back(a);
    tmpdir_give_back(b);
    finish();
}
END_TEST

START_TEST(an_empty_one_serves_the_next_job)
{
    setup();
    struct tmpdir *d = tmpdir_take(dirs);
    AUTOFREE char *path = strdup(tmpdir_path(d));
    ck_assert_int_eq(tmpdir_make(d), 0);
    tmpdir_give_back(d);
    d = tmpdir_take(dirs);
    ck_assert_str_eq(tmpdir_path(d), path);
    ck_assert_int_eq(tmpdir_make(d), 0);
    tmpdir_give_back(d);
    finish();
}
END_TEST

START_TEST(one_that_is_not_empty_goes)
{
    setup();
    struct tmpdir *d = tmpdir_take(dirs);
    AUTOFREE char *path = strdup(tmpdir_path(d));
    ck_assert_int_eq(tmpdir_make(d), 0);
    put_file(d);
    tmpdir_give_back(d);
    while (exists(path))
        loop_run(loop, LOOP_NOWAIT);
    d = tmpdir_take(dirs);
    ck_assert_str_ne(tmpdir_path(d), path);
    tmpdir_give_back(d);
    finish();
}
END_TEST

START_TEST(what_an_earlier_shell_left_goes)
{
    setup();
    struct tmpdir *d = tmpdir_take(dirs);
    AUTOFREE char *path = strdup(tmpdir_path(d));
    ck_assert_int_eq(tmpdir_make(d), 0);
    put_file(d);
    struct tmpdirs *next;
    ck_assert_int_eq(tmpdirs_new(loop, base, &next), 0);
    struct tmpdir *e = tmpdir_take(next);
    ck_assert(!exists(path));
    ck_assert_int_eq(tmpdir_make(e), 0);
    tmpdir_give_back(e);
    tmpdirs_free(next);
    tmpdir_give_back(d);
    finish();
}
END_TEST

SUITE_MAIN("tmpdir", jobs_have_folders_of_their_own, an_empty_one_serves_the_next_job,
           one_that_is_not_empty_goes, what_an_earlier_shell_left_goes)

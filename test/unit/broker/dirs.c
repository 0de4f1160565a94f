/* rundir and statedir: made, checked, locked, remembered, removed. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/dirs.h"
#include "fake.h"

static struct env *env;
static char top[64];

static const char *statedir; /* NULL: none */

static void setup(void)
{
    statedir = NULL;
    ck_assert_int_eq(env_new_real(&env), 0);
    strcpy(top, "/tmp/flux-test-XXXXXX");
    ck_assert_int_eq(dir_make_temp(env, top), 0);
}

static void teardown(void)
{
    ck_assert_int_eq(dir_remove(env, top), 0);
    env_unref(env);
}

static int open_as(unsigned rank, struct env *e, const struct dirs_options *o,
                   struct dirs *d, flux_error_t *err)
{
    int rc = dirs_open(e, o, d, err);

    if (rc == 0 && (rc = dirs_settle(d, rank, statedir, err)) < 0)
        dirs_close(d, false);
    return rc;
}

static int open_both(struct env *e, const struct dirs_options *o, struct dirs *d,
                     flux_error_t *err)
{
    return open_as(0, e, o, d, err);
}

static const char *in_top(const char *name)
{
    static char path[4][256];
    static int i;

    i = (i + 1) % 4;
    snprintf(path[i], sizeof(path[i]), "%s/%s", top, name);
    return path[i];
}

static mode_t mode_of(const char *path)
{
    struct stat st;

    return lstat(path, &st) < 0 ? 0 : st.st_mode & 07777;
}

START_TEST(a_new_rundir_is_private_and_goes_at_the_end)
{
    struct dirs_options o = {.tmpdir = top};
    char path[256];
    struct dirs d;

    setup();
    ck_assert_int_eq(open_both(env, &o, &d, NULL), 0);
    ck_assert_int_eq(strncmp(d.rundir, top, strlen(top)), 0);
    ck_assert_int_eq(mode_of(d.rundir), 0700);
    ck_assert_ptr_null(d.statedir);
    snprintf(path, sizeof(path), "%s/local-0", d.rundir);
    ck_assert_str_eq(d.socket, path);
    snprintf(path, sizeof(path), "%s", d.rundir);
    dirs_close(&d, false);
    ck_assert_int_ne(access(path, F_OK), 0);
    teardown();
}
END_TEST

START_TEST(a_given_rundir_that_was_there_stays)
{
    struct dirs_options o = {.rundir = NULL};
    struct dirs d;

    setup();
    o.rundir = in_top("run");
    ck_assert_int_eq(mkdir(o.rundir, 0700), 0);
    ck_assert_int_eq(open_both(env, &o, &d, NULL), 0);
    dirs_close(&d, false);
    ck_assert_int_eq(access(o.rundir, F_OK), 0);
    teardown();
}
END_TEST

START_TEST(bad_rundirs_are_named)
{
    struct dirs_options o = {.rundir = NULL};
    flux_error_t err;
    struct dirs d;

    setup();
    o.rundir = in_top("no/such");
    ck_assert_int_eq(open_both(env, &o, &d, &err), -ENOENT);
    ck_assert_ptr_nonnull(strstr(err.text, o.rundir));
    o.rundir = in_top("open");
    ck_assert_int_eq(mkdir(o.rundir, 0700), 0);
    ck_assert_int_eq(chmod(o.rundir, 0777), 0);
    ck_assert_int_eq(open_both(env, &o, &d, &err), -EPERM);
    ck_assert_ptr_nonnull(strstr(err.text, "chmod 700"));
    ck_assert_int_eq(symlink(in_top("open"), in_top("link")), 0);
    o.rundir = in_top("link");
    ck_assert_int_eq(open_both(env, &o, &d, &err), -ENOTDIR);
    ck_assert_ptr_nonnull(strstr(err.text, o.rundir));
    o.rundir = in_top("file");
    ck_assert_int_eq(file_replace(env, o.rundir, "x", 1, 0600), 0);
    ck_assert_int_eq(open_both(env, &o, &d, &err), -ENOTDIR);
    teardown();
}
END_TEST

START_TEST(somebody_elses_rundir_is_refused)
{
    struct dirs_options o = {.rundir = "/proc/1"};
    flux_error_t err;
    struct dirs d;

    setup();
    if (geteuid() == 0) { /* give one away */
        o.rundir = in_top("theirs");
        ck_assert_int_eq(mkdir(o.rundir, 0700), 0);
        ck_assert_int_eq(chown(o.rundir, 4242, 4242), 0);
    }
    ck_assert_int_eq(open_both(env, &o, &d, &err), -EPERM);
    ck_assert_ptr_nonnull(strstr(err.text, "belongs to user"));
    teardown();
}
END_TEST

START_TEST(a_statedir_is_made_private_and_remembers_the_rundir)
{
    struct dirs_options o = {.tmpdir = top};
    char rundir[256];
    struct dirs d;

    setup();
    statedir = in_top("state");
    ck_assert_int_eq(open_both(env, &o, &d, NULL), 0);
    ck_assert_int_eq(mode_of(d.statedir), 0700);
    snprintf(rundir, sizeof(rundir), "%s", d.rundir);
    dirs_close(&d, false);
    ck_assert_int_ne(access(rundir, F_OK), 0);
    ck_assert_int_eq(open_both(env, &o, &d, NULL), 0);
    ck_assert_str_eq(d.rundir, rundir);
    ck_assert_int_eq(mode_of(d.rundir), 0700);
    dirs_close(&d, false);
    teardown();
}
END_TEST

START_TEST(a_rundir_left_by_a_killed_broker_is_used_again)
{
    struct dirs_options o = {.tmpdir = top};
    char rundir[256];
    struct dirs d;

    setup();
    statedir = in_top("state");
    ck_assert_int_eq(open_both(env, &o, &d, NULL), 0);
    snprintf(rundir, sizeof(rundir), "%s", d.rundir);
    dirs_close(&d, false);
    ck_assert_int_eq(mkdir(rundir, 0700), 0);
    ck_assert_int_eq(open_both(env, &o, &d, NULL), 0);
    ck_assert_str_eq(d.rundir, rundir);
    dirs_close(&d, false);
    ck_assert_int_ne(access(rundir, F_OK), 0);
    /* Somebody squats on the name: it is left alone. */
    ck_assert_int_eq(file_replace(env, rundir, "x", 1, 0600), 0);
    ck_assert_int_eq(open_both(env, &o, &d, NULL), 0);
    ck_assert_str_ne(d.rundir, rundir);
    dirs_close(&d, false);
    ck_assert_int_eq(access(rundir, F_OK), 0);
    teardown();
}
END_TEST

START_TEST(brokers_that_share_a_statedir_have_a_folder_each)
{
    struct dirs_options o = {.tmpdir = top};
    char rundir[256], own[300];
    struct dirs leader, other;

    setup();
    statedir = in_top("state");
    ck_assert_int_eq(open_both(env, &o, &leader, NULL), 0);
    ck_assert_int_eq(open_as(3, env, &o, &other, NULL), 0);
    snprintf(own, sizeof(own), "%s/rank-3", leader.statedir);
    ck_assert_str_eq(other.statedir, own);
    ck_assert_int_eq(mode_of(own), 0700);
    ck_assert_str_ne(other.rundir, leader.rundir);
    ck_assert_ptr_nonnull(strstr(other.socket, "local-3"));
    snprintf(rundir, sizeof(rundir), "%s", other.rundir);
    dirs_close(&other, false);
    ck_assert_int_eq(open_as(3, env, &o, &other, NULL), 0);
    ck_assert_str_eq(other.rundir, rundir);
    dirs_close(&other, false);
    ck_assert_int_ne(mode_of(leader.rundir), 0);
    dirs_close(&leader, false);
    teardown();
}
END_TEST

START_TEST(a_second_broker_on_a_statedir_is_told_who_has_it)
{
    struct dirs_options o = {.tmpdir = top};
    flux_error_t err;
    struct dirs d, second;
    char pid[16];

    setup();
    statedir = in_top("state");
    ck_assert_int_eq(open_both(env, &o, &d, NULL), 0);
    ck_assert_int_eq(open_both(env, &o, &second, &err), -EWOULDBLOCK);
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    ck_assert_ptr_nonnull(strstr(err.text, pid));
    ck_assert_ptr_nonnull(strstr(err.text, statedir));
    ck_assert_int_eq(access(d.rundir, F_OK), 0); /* the first is not disturbed */
    dirs_close(&d, false);
    ck_assert_int_eq(open_both(env, &o, &d, &err), 0);
    dirs_close(&d, false);
    teardown();
}
END_TEST

SUITE_MAIN("dirs", a_new_rundir_is_private_and_goes_at_the_end,
           a_given_rundir_that_was_there_stays, bad_rundirs_are_named,
           somebody_elses_rundir_is_refused,
           a_statedir_is_made_private_and_remembers_the_rundir,
           a_rundir_left_by_a_killed_broker_is_used_again,
           brokers_that_share_a_statedir_have_a_folder_each,
           a_second_broker_on_a_statedir_is_told_who_has_it)

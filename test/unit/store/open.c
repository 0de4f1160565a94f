/* Who may open a store: locks, foreign and newer files, and what stays after closing. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "suite.h"

static struct fixture f;

static int try_open(flux_error_t *err)
{
    struct store_options opts = {.path = f.path, .durability = STORE_POWER};
    struct store *s;
    int rc = store_open(f.loop, &opts, &s, err);

    if (rc == 0)
        store_close(s);
    return rc;
}

START_TEST(everything_is_there_after_reopening)
{
    struct store_job job = fixture_job(7, 8);
    struct store_txn *t;

    fixture_open(&f, FIXTURE_FILE);
    fixture_put_job(&f, &job);
    t = store_txn_new(f.store);
    store_txn_jobdata_shared(t, 7, "env", "{\"A\":\"1\"}", 9);
    store_txn_jobdata(t, 7, "eventlog", 0, "event\n", 6);
    ck_assert_int_eq(fixture_commit(&f, t), 0);
    fixture_reopen(&f);
    ck_assert_str_eq(fixture_data(&f, 7, "env"), "{\"A\":\"1\"}");
    ck_assert_str_eq(fixture_data(&f, 7, "eventlog"), "event\n");
    job.id = 8;
    ck_assert_int_eq(fixture_put_job(&f, &job), 0);
    fixture_close(&f);
}
END_TEST

START_TEST(close_commits_what_is_queued)
{
    struct store_txn *t;

    fixture_open(&f, FIXTURE_FILE);
    for (int i = 0; i < 500; i++) {
        t = store_txn_new(f.store);
        store_txn_jobdata(t, 1, "eventlog", i, "x", 1);
        store_commit(f.store, t, NULL, NULL);
    }
    fixture_reopen(&f);
    ck_assert_uint_eq(strlen(fixture_data(&f, 1, "eventlog")), 500);
    fixture_close(&f);
}
END_TEST

START_TEST(a_second_instance_is_kept_out_and_told_who)
{
    flux_error_t err = {.text = ""};
    char pid[24];

    fixture_open(&f, FIXTURE_FILE);
    ck_assert_int_eq(try_open(&err), -EWOULDBLOCK);
    ck_assert_ptr_nonnull(strstr(err.text, f.dir));
    snprintf(pid, sizeof(pid), "pid %d;", (int)getpid());
    ck_assert_ptr_nonnull(strstr(err.text, pid));
    fixture_reopen(&f);
    fixture_close(&f);
}
END_TEST

START_TEST(a_killed_instance_leaves_no_lock)
{
    int status, ready[2];
    char byte;
    pid_t pid;

    fixture_open(&f, FIXTURE_FILE);
    store_close(f.store);
    ck_assert_int_eq(pipe(ready), 0);
    if ((pid = fork()) == 0) {
        struct store_options opts = {.path = f.path, .durability = STORE_POWER};
        struct store_job job = fixture_job(99, 8);
        struct env *env;

        env_new_real(&env);
        loop_new(env, &f.loop);
        if (store_open(f.loop, &opts, &f.store, NULL) == 0 &&
            fixture_put_job(&f, &job) == 0)
            byte = write(ready[1], "x", 1);
        pause();
        _exit(0);
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    ck_assert_int_eq(try_open(NULL), -EWOULDBLOCK);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    ck_assert_int_eq(try_open(NULL), 0);
    f.store = NULL;
    fixture_reopen(&f);
    ck_assert_int_eq(
        fixture_put_job(
            &f, &(struct store_job){.id = 99, .state = 64, .rec = "{}", .rec_len = 2}),
        0);
    fixture_close(&f);
    close(ready[0]);
    close(ready[1]);
}
END_TEST

static void sql(const char *text)
{
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(f.path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

START_TEST(foreign_and_newer_files_are_refused)
{
    flux_error_t err = {.text = ""};
    FILE *file;

    fixture_open(&f, FIXTURE_FILE);
    store_close(f.store);
    sql("PRAGMA user_version=1000");
    ck_assert_int_eq(try_open(&err), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "newer"));
    ck_assert_ptr_nonnull(strstr(err.text, f.path));
    sql("PRAGMA application_id=1");
    ck_assert_int_eq(try_open(&err), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "another program"));
    file = fopen(f.path, "w");
    fprintf(file, "%5000s", "not a database");
    fclose(file);
    ck_assert_int_eq(try_open(&err), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, f.path));
    unlink(f.path);
    f.store = NULL;
    fixture_reopen(&f);
    fixture_close(&f);
}
END_TEST

START_TEST(a_missing_folder_is_named)
{
    struct store_options opts = {.path = "/nonexistent/dir/store.sqlite"};
    flux_error_t err = {.text = ""};
    struct store *s;

    fixture_open(&f, FIXTURE_MEMORY);
    ck_assert_int_eq(store_open(f.loop, &opts, &s, &err), -ENOENT);
    ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/dir"));
    fixture_close(&f);
}
END_TEST

static int check_empty_record(const struct store_job *job, void *arg)
{
    ck_assert_ptr_nonnull(job->rec);
    ck_assert_str_eq(job->rec, "");
    ck_assert_uint_eq(job->rec_len, 0);
    ++*(int *)arg;
    return 0;
}

static int read_row_7(struct store_reader *r, void *arg)
{
    return store_reader_job(r, 7, check_empty_record, arg);
}

START_TEST(a_damaged_row_reads_as_an_empty_record)
{
    struct store_job job = fixture_job(7, 8);
    int seen = 0;

    fixture_open(&f, FIXTURE_FILE);
    ck_assert_int_eq(fixture_put_job(&f, &job), 0);
    store_close(f.store);
    f.store = NULL;
    sql("UPDATE job SET rec=NULL WHERE id=7");
    fixture_reopen(&f);
    ck_assert_int_eq(store_read_now(f.store, read_row_7, &seen), 0);
    ck_assert_int_eq(seen, 1);
    fixture_close(&f);
}
END_TEST

static const char *log_path(void)
{
    static char path[80];

    snprintf(path, sizeof(path), "%s-wal", f.path);
    return path;
}

static off_t log_size(void)
{
    struct stat st;

    return stat(log_path(), &st) < 0 ? -1 : st.st_size;
}

/* The checkpointer tells nobody, so the file is watched. */
static void await_empty_log(void)
{
    struct pollfd p = {.fd = inotify_init1(IN_CLOEXEC), .events = POLLIN};
    char events[4096];

    ck_assert_int_ge(inotify_add_watch(p.fd, log_path(), IN_MODIFY), 0);
    while (log_size() > 0 && poll(&p, 1, 20000) > 0)
        ck_assert_int_gt(read(p.fd, events, sizeof(events)), 0);
    close(p.fd);
}

/* A busy time makes the log large; when the store is at rest it is given back. */
START_TEST(a_large_log_is_cut_off_at_rest)
{
    static const char data[1 << 16];
    struct store_txn *t;
    off_t busy = 0, size;

    fixture_open(&f, FIXTURE_FILE);
    for (int i = 0; i < 256; i++) {
        t = store_txn_new(f.store);
        store_txn_jobdata(t, 1, "R", i, data, sizeof(data));
        store_commit(f.store, t, NULL, NULL);
        if (i % 32 == 31) {
            ck_assert_int_eq(store_flush(f.store), 0);
            size = log_size();
            busy = size > busy ? size : busy;
        }
    }
    ck_assert_int_gt(busy, 1 << 20);
    await_empty_log();
    ck_assert_int_eq(log_size(), 0);
    t = store_txn_new(f.store);
    store_txn_jobdata(t, 2, "R", 0, "x", 1);
    ck_assert_int_eq(fixture_commit(&f, t), 0);
    ck_assert_str_eq(fixture_data(&f, 2, "R"), "x");
    fixture_close(&f);
}
END_TEST

START_TEST(durability_has_names)
{
    enum store_durability d;

    for (int i = STORE_NONE; i <= STORE_POWER; i++) {
        ck_assert_int_eq(store_durability_parse(store_durability_name(i), &d), 0);
        ck_assert_int_eq(d, i);
    }
    ck_assert_int_eq(store_durability_parse("strong", &d), -EINVAL);
    fixture_open(&f, FIXTURE_FILE);
    ck_assert_int_eq(store_durability(f.store), STORE_PROCESS);
    fixture_close(&f);
    fixture_open(&f, FIXTURE_MEMORY);
    ck_assert_int_eq(store_durability(f.store), STORE_NONE);
    fixture_close(&f);
}
END_TEST

SUITE_MAIN("store/open", everything_is_there_after_reopening,
           close_commits_what_is_queued, a_second_instance_is_kept_out_and_told_who,
           a_killed_instance_leaves_no_lock, foreign_and_newer_files_are_refused,
           a_missing_folder_is_named, a_damaged_row_reads_as_an_empty_record,
           a_large_log_is_cut_off_at_rest, durability_has_names)

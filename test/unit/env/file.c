/* Files and folders: the same tests in both worlds. */
#include "env/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "world.h"

static struct env *env;
static char dir[64];
static char path[128];

static void begin(int which)
{
    env = world_new(which);
    strcpy(dir, "/tmp/env-file-XXXXXX");
    ck_assert_int_eq(dir_make_temp(env, dir), 0);
}

static void end(void)
{
    struct stat st;
    ck_assert_int_eq(dir_remove(env, dir), 0);
    ck_assert_int_eq(file_stat(env, dir, &st), -ENOENT);
    env_unref(env);
}

/* dir/name, in a buffer of its own of four. */
static const char *in(const char *name)
{
    static char buf[4][128];
    static int i;
    i = (i + 1) % 4;
    snprintf(buf[i], sizeof(buf[i]), "%s/%s", dir, name);
    return buf[i];
}

static struct file *must_open(const char *name, int flags)
{
    struct file *f = NULL;
    ck_assert_int_eq(file_open(env, in(name), flags, 0600, &f), 0);
    return f;
}

static void check_contents(const char *name, const char *want)
{
    char *text = NULL;
    size_t len = 0;
    ck_assert_int_eq(file_read(env, in(name), 1000, &text, &len), 0);
    ck_assert_str_eq(text, want);
    ck_assert_int_eq(len, strlen(want));
    free(text);
}

START_TEST(what_is_written_is_read)
{
    char buf[16] = "";
    begin(_i);
    struct file *f = must_open("a", O_RDWR | O_CREAT | O_EXCL);
    ck_assert_int_eq(file_size(f), 0);
    ck_assert_int_eq(file_pwrite(f, "world", 5, 6), 5);
    ck_assert_int_eq(file_pwrite(f, "hello ", 6, 0), 6);
    ck_assert_int_eq(file_size(f), 11);
    ck_assert_int_eq(file_pread(f, buf, 5, 6), 5);
    ck_assert_str_eq(buf, "world");
    ck_assert_int_eq(file_pread(f, buf, sizeof(buf), 9), 2); /* up to the end */
    ck_assert_int_eq(file_pread(f, buf, sizeof(buf), 11), 0);
    ck_assert_int_eq(file_sync(f), 0);
    ck_assert_int_eq(file_pwrite(f, "x", 1, 13), 1); /* a hole reads as zeros */
    ck_assert_int_eq(file_pread(f, buf, 3, 11), 3);
    ck_assert_mem_eq(buf, "\0\0x", 3);
    file_close(f);
    file_close(NULL);
    end();
}
END_TEST

START_TEST(append_goes_to_the_end)
{
    begin(_i);
    struct file *f = must_open("log", O_WRONLY | O_CREAT | O_APPEND);
    struct file *g = must_open("log", O_WRONLY | O_APPEND);
    ck_assert_int_eq(file_append(f, "one\n", 4), 0);
    ck_assert_int_eq(file_append(g, "two\n", 4), 0);
    ck_assert_int_eq(file_append(f, "three\n", 6), 0);
    check_contents("log", "one\ntwo\nthree\n");
    file_close(f);
    file_close(g);
    end();
}
END_TEST

START_TEST(modes_of_opening_are_kept)
{
    char c;
    struct file *f = NULL;
    begin(_i);
    ck_assert_int_eq(file_open(env, in("a"), O_RDONLY, 0, &f), -ENOENT);
    f = must_open("a", O_WRONLY | O_CREAT);
    ck_assert_int_eq(file_append(f, "abc", 3), 0);
    ck_assert_int_eq(file_pread(f, &c, 1, 0), -EBADF);
    file_close(f);
    ck_assert_int_eq(file_open(env, in("a"), O_WRONLY | O_CREAT | O_EXCL, 0600, &f),
                     -EEXIST);
    f = must_open("a", O_RDONLY);
    ck_assert_int_eq(file_append(f, "x", 1), -EBADF);
    file_close(f);
    f = must_open("a", O_WRONLY | O_TRUNC);
    ck_assert_int_eq(file_size(f), 0);
    file_close(f);
    ck_assert_int_eq(file_open(env, dir, O_WRONLY, 0, &f), -EISDIR);
    ck_assert_int_eq(file_open(env, in("a/b"), O_RDONLY, 0, &f), -ENOTDIR);
    ck_assert_int_eq(file_open(env, in("a"), O_RDONLY | O_DIRECTORY, 0, &f), -ENOTDIR);
    ck_assert_int_eq(file_open(env, "", O_RDONLY, 0, &f), -ENOENT);
    end();
}
END_TEST

START_TEST(only_real_files_have_descriptors)
{
    begin(_i);
    struct file *f = must_open("a", O_RDWR | O_CREAT);
    if (_i == REAL)
        ck_assert(fcntl(file_fd(f), F_GETFD) & FD_CLOEXEC);
    else
        ck_assert_int_eq(file_fd(f), -ENOTSUP);
    file_close(f);
    end();
}
END_TEST

START_TEST(one_holds_a_lock)
{
    begin(_i);
    struct file *f = must_open("lock", O_RDWR | O_CREAT), *g = must_open("lock", O_RDWR);
    ck_assert_int_eq(file_lock(f), 0);
    ck_assert_int_eq(file_lock(f), 0); /* again is fine */
    ck_assert_int_eq(file_lock(g), -EWOULDBLOCK);
    file_close(f);
    ck_assert_int_eq(file_lock(g), 0);
    file_close(g);
    end();
}
END_TEST

START_TEST(a_removed_file_lives_while_open)
{
    char c = 0;
    begin(_i);
    struct file *f = must_open("a", O_RDWR | O_CREAT);
    ck_assert_int_eq(file_append(f, "x", 1), 0);
    ck_assert_int_eq(file_unlink(env, in("a")), 0);
    ck_assert_int_eq(file_unlink(env, in("a")), -ENOENT);
    ck_assert_int_eq(file_pread(f, &c, 1, 0), 1);
    ck_assert_int_eq(c, 'x');
    file_close(f);
    end();
}
END_TEST

START_TEST(whole_files_are_read_up_to_a_limit)
{
    char *text = NULL;
    size_t len;
    begin(_i);
    ck_assert_int_eq(file_replace(env, in("a"), "12345", 5, 0600), 0);
    ck_assert_int_eq(file_read(env, in("a"), 5, &text, &len), 0);
    ck_assert_int_eq(len, 5);
    ck_assert_str_eq(text, "12345");
    free(text);
    text = NULL;
    ck_assert_int_eq(file_read(env, in("a"), 4, &text, &len), -EFBIG);
    ck_assert_int_eq(file_read(env, in("b"), 4, &text, &len), -ENOENT);
    ck_assert_ptr_null(text);
    ck_assert_int_eq(file_replace(env, in("empty"), "", 0, 0600), 0);
    check_contents("empty", "");
    end();
}
END_TEST

START_TEST(big_files_are_read)
{
    size_t n = 300000, len;
    char *big = malloc(n), *text = NULL;
    begin(_i);
    for (size_t i = 0; i < n; i++)
        big[i] = (char)(i * 7 % 251);
    ck_assert_int_eq(file_replace(env, in("a"), big, n, 0600), 0);
    ck_assert_int_eq(file_read(env, in("a"), n, &text, &len), 0);
    ck_assert_int_eq(len, n);
    ck_assert_int_eq(memcmp(text, big, n), 0);
    free(text);
    free(big);
    end();
}
END_TEST

static int count_name(const char *name, void *arg)
{
    ++*(int *)arg;
    return 0;
}

START_TEST(replace_leaves_old_or_new_and_nothing_else)
{
    struct stat before, after;
    int n = 0;
    begin(_i);
    ck_assert_int_eq(file_replace(env, in("a"), "old", 3, 0640), 0);
    ck_assert_int_eq(file_stat(env, in("a"), &before), 0);
    ck_assert_int_eq(file_replace(env, in("a"), "newer", 5, 0640), 0);
    check_contents("a", "newer");
    ck_assert_int_eq(file_stat(env, in("a"), &after), 0);
    ck_assert(before.st_ino != after.st_ino); /* renamed over */
    ck_assert_int_eq(after.st_mode & 0777, 0640);
    ck_assert_int_eq(dir_each(env, dir, count_name, &n), 0);
    ck_assert_int_eq(n, 1);
    ck_assert_int_eq(file_replace(env, in("no/a"), "x", 1, 0600), -ENOENT);
    ck_assert_int_eq(dir_make(env, in("d"), 0700), 0);
    ck_assert_int_eq(file_replace(env, in("d"), "x", 1, 0600), -EISDIR);
    n = 0;
    dir_each(env, dir, count_name, &n);
    ck_assert_int_eq(n, 2);
    end();
}
END_TEST

START_TEST(links_are_followed_but_not_by_stat_and_unlink)
{
    char buf[64];
    struct stat st;
    struct file *f;
    begin(_i);
    ck_assert_int_eq(file_replace(env, in("a"), "abc", 3, 0600), 0);
    ck_assert_int_eq(file_symlink(env, "a", in("link")), 0);
    ck_assert_int_eq(file_symlink(env, "a", in("link")), -EEXIST);
    check_contents("link", "abc");
    ck_assert_int_eq(file_stat(env, in("link"), &st), 0);
    ck_assert(S_ISLNK(st.st_mode));
    ck_assert_int_eq(file_readlink(env, in("link"), buf, sizeof(buf)), 1);
    ck_assert_str_eq(buf, "a");
    ck_assert_int_eq(file_readlink(env, in("link"), buf, 1), -ENAMETOOLONG);
    ck_assert_int_eq(file_readlink(env, in("a"), buf, sizeof(buf)), -EINVAL);
    ck_assert_int_eq(file_open(env, in("link"), O_RDONLY | O_NOFOLLOW, 0, &f), -ELOOP);
    ck_assert_int_eq(file_unlink(env, in("link")), 0);
    check_contents("a", "abc");
    ck_assert_int_eq(file_symlink(env, "loop", in("loop")), 0);
    ck_assert_int_eq(file_open(env, in("loop"), O_RDONLY, 0, &f), -ELOOP);
    /* A dangling link is created through. */
    ck_assert_int_eq(file_symlink(env, "b", in("to-b")), 0);
    f = must_open("to-b", O_WRONLY | O_CREAT);
    ck_assert_int_eq(file_append(f, "b", 1), 0);
    file_close(f);
    check_contents("b", "b");
    end();
}
END_TEST

START_TEST(links_to_folders_lead_on)
{
    begin(_i);
    ck_assert_int_eq(dir_make(env, in("d"), 0700), 0);
    ck_assert_int_eq(file_symlink(env, dir, in("up")), 0);
    ck_assert_int_eq(file_replace(env, in("up/d/../up/d/x"), "x", 1, 0600), 0);
    check_contents("d/x", "x");
    check_contents("./d//x", "x");
    end();
}
END_TEST

struct names {
    char text[64];
    int stop_at, n;
};

static int add_name(const char *name, void *arg)
{
    struct names *names = arg;
    strcat(names->text, name);
    return ++names->n == names->stop_at ? 17 : 0;
}

START_TEST(folders_are_made_and_listed)
{
    struct names names = {.stop_at = -1};
    struct stat st;
    begin(_i);
    ck_assert_int_eq(dir_make(env, in("d"), 0700), 0);
    ck_assert_int_eq(dir_make(env, in("d"), 0700), -EEXIST);
    ck_assert_int_eq(dir_make(env, in("no/d"), 0700), -ENOENT);
    ck_assert_int_eq(file_stat(env, in("d"), &st), 0);
    ck_assert(S_ISDIR(st.st_mode));
    ck_assert_int_eq(st.st_mode & 0777, 0700);
    ck_assert_int_eq(dir_each(env, in("d"), add_name, &names), 0);
    ck_assert_str_eq(names.text, "");
    ck_assert_int_eq(dir_make(env, in("d/x"), 0700), 0);
    ck_assert_int_eq(file_replace(env, in("d/y"), "y", 1, 0600), 0);
    ck_assert_int_eq(dir_each(env, in("d"), add_name, &names), 0);
    ck_assert_int_eq(names.n, 2);
    ck_assert(strcmp(names.text, "xy") == 0 || strcmp(names.text, "yx") == 0);
    names = (struct names){.stop_at = 1};
    ck_assert_int_eq(dir_each(env, in("d"), add_name, &names), 17);
    ck_assert_int_eq(names.n, 1);
    ck_assert_int_eq(dir_each(env, in("no"), add_name, &names), -ENOENT);
    ck_assert_int_eq(file_unlink(env, in("d")), -EISDIR);
    end();
}
END_TEST

static int remove_name(const char *name, void *arg)
{
    ++*(int *)arg;
    return file_unlink(env, in(name));
}

START_TEST(entries_may_be_removed_while_listing)
{
    int n = 0;
    char name[8];
    begin(_i);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        file_close(must_open(name, O_WRONLY | O_CREAT));
    }
    ck_assert_int_eq(dir_each(env, dir, remove_name, &n), 0);
    ck_assert_int_eq(n, 100);
    n = 0;
    dir_each(env, dir, count_name, &n);
    ck_assert_int_eq(n, 0);
    end();
}
END_TEST

START_TEST(temporary_folders_differ)
{
    char a[128], b[128], bad[] = "/tmp/XXXXX";
    begin(_i);
    snprintf(a, sizeof(a), "%s", in("t-XXXXXX"));
    snprintf(b, sizeof(b), "%s", in("t-XXXXXX"));
    ck_assert_int_eq(dir_make_temp(env, a), 0);
    ck_assert_int_eq(dir_make_temp(env, b), 0);
    ck_assert_str_ne(a, b);
    ck_assert_ptr_null(strstr(a, "XXXXXX"));
    ck_assert_int_eq(dir_make_temp(env, bad), -EINVAL);
    end();
}
END_TEST

START_TEST(trees_are_removed_without_following_links)
{
    begin(_i);
    ck_assert_int_eq(dir_make(env, in("keep"), 0700), 0);
    ck_assert_int_eq(file_replace(env, in("keep/x"), "x", 1, 0600), 0);
    ck_assert_int_eq(dir_make(env, in("d"), 0700), 0);
    ck_assert_int_eq(dir_make(env, in("d/e"), 0700), 0);
    ck_assert_int_eq(dir_make(env, in("d/e/f"), 0700), 0);
    ck_assert_int_eq(file_replace(env, in("d/e/y"), "y", 1, 0600), 0);
    snprintf(path, sizeof(path), "%s", in("keep"));
    ck_assert_int_eq(file_symlink(env, path, in("d/e/link")), 0);
    ck_assert_int_eq(dir_remove(env, in("d")), 0);
    ck_assert_int_eq(dir_remove(env, in("d")), -ENOENT);
    ck_assert_int_eq(dir_remove(env, in("keep/x")), -ENOTDIR);
    ck_assert_int_eq(file_symlink(env, "keep", in("link")), 0);
    ck_assert_int_eq(dir_remove(env, in("link")), -ENOTDIR);
    check_contents("keep/x", "x");
    end();
}
END_TEST

START_TEST(space_is_told)
{
    begin(_i);
    ck_assert(dir_space(env, dir) > 0);
    ck_assert(dir_space(env, in("no")) == -ENOENT);
    end();
}
END_TEST

/* ---- one world only ---- */

START_TEST(files_without_a_size_are_read)
{
    char *text;
    size_t len;
    struct env *real = world_new(REAL);
    ck_assert_int_eq(file_read(real, "/proc/self/status", 65536, &text, &len), 0);
    ck_assert_int_gt(len, 100);
    free(text);
    env_unref(real);
}
END_TEST

START_TEST(half_an_append_is_taken_back)
{
    struct env *real = world_new(REAL);
    struct rlimit was, lim;
    char name[] = "/tmp/env-append-XXXXXX", file[64];
    char big[8192];
    struct file *f;
    memset(big, 'x', sizeof(big));
    ck_assert_int_eq(dir_make_temp(real, name), 0);
    snprintf(file, sizeof(file), "%s/a", name);
    ck_assert_int_eq(file_open(real, file, O_WRONLY | O_CREAT | O_APPEND, 0600, &f), 0);
    ck_assert_int_eq(file_append(f, big, 100), 0);
    getrlimit(RLIMIT_FSIZE, &was);
    lim = was;
    lim.rlim_cur = 4096; /* the next append is cut short there */
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &lim);
    int rc = file_append(f, big, sizeof(big));
    setrlimit(RLIMIT_FSIZE, &was);
    ck_assert_int_eq(rc, -EFBIG);
    ck_assert_int_eq(file_size(f), 100);
    file_close(f);
    dir_remove(real, name);
    env_unref(real);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("env/file");
    TCase *tc = tcase_create("both worlds");
    tcase_add_loop_test(tc, what_is_written_is_read, 0, WORLDS);
    tcase_add_loop_test(tc, append_goes_to_the_end, 0, WORLDS);
    tcase_add_loop_test(tc, modes_of_opening_are_kept, 0, WORLDS);
    tcase_add_loop_test(tc, only_real_files_have_descriptors, 0, WORLDS);
    tcase_add_loop_test(tc, one_holds_a_lock, 0, WORLDS);
    tcase_add_loop_test(tc, a_removed_file_lives_while_open, 0, WORLDS);
    tcase_add_loop_test(tc, whole_files_are_read_up_to_a_limit, 0, WORLDS);
    tcase_add_loop_test(tc, big_files_are_read, 0, WORLDS);
    tcase_add_loop_test(tc, replace_leaves_old_or_new_and_nothing_else, 0, WORLDS);
    tcase_add_loop_test(tc, links_are_followed_but_not_by_stat_and_unlink, 0, WORLDS);
    tcase_add_loop_test(tc, links_to_folders_lead_on, 0, WORLDS);
    tcase_add_loop_test(tc, folders_are_made_and_listed, 0, WORLDS);
    tcase_add_loop_test(tc, entries_may_be_removed_while_listing, 0, WORLDS);
    tcase_add_loop_test(tc, temporary_folders_differ, 0, WORLDS);
    tcase_add_loop_test(tc, trees_are_removed_without_following_links, 0, WORLDS);
    tcase_add_loop_test(tc, space_is_told, 0, WORLDS);
    suite_add_tcase(s, tc);
    tc = tcase_create("real");
    tcase_add_test(tc, files_without_a_size_are_read);
    tcase_add_test(tc, half_an_append_is_taken_back);
    suite_add_tcase(s, tc);
    return run_suite(s);
}

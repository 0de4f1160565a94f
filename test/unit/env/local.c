/* Local sockets. */
#include "env/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "env/file.h"
#include "world.h"

static struct env *env;
static char dir[] = "/tmp/env-local-XXXXXX";
static char path[512];

static void setup(void)
{
    env = world_new(REAL);
    strcpy(dir + strlen(dir) - 6, "XXXXXX");
    ck_assert_int_eq(dir_make_temp(env, dir), 0);
    snprintf(path, sizeof(path), "%s/sock", dir);
}

static void teardown(void)
{
    dir_remove(env, dir);
    env_unref(env);
}

static void check_talk(void)
{
    char buf[16] = "";
    struct iovec iov[] = {{"hel", 3}, {"lo", 2}};
    struct local_peer peer;
    int server = local_listen(env, path, 8);
    ck_assert_int_ge(server, 0);
    ck_assert_int_eq(local_accept(env, server), -EAGAIN);
    int client = local_connect(env, path);
    ck_assert_int_ge(client, 0);
    ck_assert_int_eq(local_wait(server, LOOP_IN, 10), LOOP_IN);
    int fd = local_accept(env, server);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(local_peer(fd, &peer), 0);
    ck_assert_int_eq(peer.pid, getpid());
    ck_assert_int_eq(peer.uid, geteuid());
    ck_assert_int_eq(peer.gid, getegid());
    ck_assert_int_eq(local_read(fd, buf, sizeof(buf)), -EAGAIN);
    ck_assert_int_eq(local_writev(client, iov, 2), 5);
    ck_assert_int_eq(local_wait(fd, LOOP_IN, 10), LOOP_IN);
    ck_assert_int_eq(local_read(fd, buf, sizeof(buf)), 5);
    ck_assert_str_eq(buf, "hello");
    ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    ck_assert(fcntl(client, F_GETFL) & O_NONBLOCK);
    local_close(client);
    ck_assert(local_wait(fd, LOOP_IN, 10) & LOOP_IN);
    ck_assert_int_eq(local_read(fd, buf, sizeof(buf)), 0);
    ck_assert_int_eq(local_writev(fd, iov, 2), -EPIPE); /* and no SIGPIPE */
    local_close(fd);
    local_close(server);
    local_close(-1);
}

START_TEST(two_ends_talk)
{
    struct stat st;
    check_talk();
    ck_assert_int_eq(file_stat(env, path, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0777);
}
END_TEST

START_TEST(long_paths_work)
{
    for (int i = 0; i < 3; i++) {
        size_t n = strlen(path) - 4;
        snprintf(path + n, sizeof(path) - n, "%060d/", i);
        ck_assert_int_eq(dir_make(env, path, 0700), 0);
        strcat(path, "sock");
    }
    ck_assert_int_gt(strlen(path), 107);
    check_talk();
    snprintf(path + strlen(path), 120, "%0110d", 0); /* a last part that cannot fit */
    ck_assert_int_eq(local_listen(env, path, 8), -ENAMETOOLONG);
    ck_assert_int_eq(local_connect(env, path), -ENAMETOOLONG);
}
END_TEST

START_TEST(a_dead_socket_is_replaced_and_a_live_one_is_not)
{
    int a = local_listen(env, path, 8);
    ck_assert_int_ge(a, 0);
    ck_assert_int_eq(local_listen(env, path, 8), -EADDRINUSE);
    local_close(a); /* leaves the file */
    ck_assert_int_eq(local_connect(env, path), -ECONNREFUSED);
    a = local_listen(env, path, 8);
    ck_assert_int_ge(a, 0);
    local_close(a);
}
END_TEST

START_TEST(a_file_in_the_way_is_not_removed)
{
    struct stat st;
    ck_assert_int_eq(file_replace(env, path, "x", 1, 0600), 0);
    ck_assert_int_eq(local_listen(env, path, 8), -EADDRINUSE);
    ck_assert_int_eq(file_stat(env, path, &st), 0);
    ck_assert(S_ISREG(st.st_mode));
}
END_TEST

START_TEST(nobody_there)
{
    ck_assert_int_eq(local_connect(env, path), -ENOENT);
    ck_assert_int_eq(local_connect(env, ""), -EINVAL);
    snprintf(path, sizeof(path), "%s/no/sock", dir);
    ck_assert_int_eq(local_listen(env, path, 8), -ENOENT);
}
END_TEST

START_TEST(wait_ends_at_its_time)
{
    int fd[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    double t = env_monotonic(env);
    ck_assert_int_eq(local_wait(fd[0], LOOP_IN, 0.02), 0);
    ck_assert(env_monotonic(env) - t >= 0.02);
    ck_assert_int_eq(local_wait(fd[0], LOOP_IN, 0), 0);
    ck_assert_int_eq(local_wait(fd[0], LOOP_IN | LOOP_OUT, -1), LOOP_OUT);
    local_close(fd[0]);
    local_close(fd[1]);
}
END_TEST

START_TEST(the_simulated_world_has_no_sockets)
{
    struct env *sim = world_new(SIM);
    ck_assert_int_eq(local_listen(sim, path, 8), -ENOTSUP);
    ck_assert_int_eq(local_connect(sim, path), -ENOTSUP);
    ck_assert_int_eq(local_accept(sim, 0), -ENOTSUP);
    env_unref(sim);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("env/local");
    TCase *tc = tcase_create("local");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, two_ends_talk);
    tcase_add_test(tc, long_paths_work);
    tcase_add_test(tc, a_dead_socket_is_replaced_and_a_live_one_is_not);
    tcase_add_test(tc, a_file_in_the_way_is_not_removed);
    tcase_add_test(tc, nobody_there);
    tcase_add_test(tc, wait_ends_at_its_time);
    tcase_add_test(tc, the_simulated_world_has_no_sockets);
    suite_add_tcase(s, tc);
    return run_suite(s);
}

/* Orphans: processes that lost their parent and became ours, among our own
 * children. They are seen to end by waitid() that reaps nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "env/proc.h"
#include "world.h"

static struct env *env;

static void setup(void)
{
    env = world_new(REAL);
    ck_assert_int_eq(proc_set_subreaper(env), 0);
}

static void teardown(void)
{
    env_unref(env);
}

/* A shell that leaves `n` exiting processes behind, whose numbers it prints. */
static void leave_orphans(int n, pid_t *ret)
{
    char command[128], text[256] = "", *at = text;
    char *argv[] = {"sh", "-c", command, NULL};
    int p[2], status, pidfd;
    pid_t pid;
    ssize_t r;
    size_t len = 0;
    snprintf(command, sizeof(command),
             "i=0; while [ $i -lt %d ]; do true & echo $!; i=$((i+1)); done", n);
    ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
    int map[] = {-1, p[1], 2};
    struct proc_spec spec = {.path = "/bin/sh", .argv = argv, .fdmap = map, .nfds = 3};
    ck_assert_int_eq(proc_spawn(env, &spec, &pid, &pidfd, NULL), 0);
    close(p[1]);
    while ((r = read(p[0], text + len, sizeof(text) - 1 - len)) > 0)
        len += (size_t)r;
    close(p[0]);
    struct pollfd pf = {.fd = pidfd, .events = POLLIN};
    ck_assert_int_eq(poll(&pf, 1, 30000), 1);
    ck_assert_int_eq(proc_reap(env, pidfd, pid, &status, NULL), 0);
    close(pidfd);
    for (int i = 0; i < n; i++)
        ret[i] = (pid_t)strtol(at, &at, 10);
}

static bool is_child(pid_t pid)
{
    pid_t pids[1024];
    int n = proc_children(env, pids, 1024);
    ck_assert_int_ge(n, 0);
    for (int i = 0; i < n; i++) {
        if (pids[i] == pid)
            return true;
    }
    return false;
}

/* Wait until a child of ours has exited, without reaping it. A process that the
 * shell itself reaped is none of ours. */
static bool exited_child(pid_t pid)
{
    siginfo_t si;
    return is_child(pid) && waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT) == 0;
}

START_TEST(orphans_are_reaped_and_our_children_are_not)
{
    char *argv[] = {"true", NULL};
    struct proc_spec spec = {.path = "true", .argv = argv, .flags = PROC_SEARCH};
    pid_t own, orphan[5];
    int pidfd, n = 0, status = -1;
    siginfo_t si;
    ck_assert_int_eq(proc_spawn(env, &spec, &own, &pidfd, NULL), 0);
    ck_assert_int_eq(waitid(P_PID, (id_t)own, &si, WEXITED | WNOWAIT), 0);
    leave_orphans(5, orphan);
    for (int i = 0; i < 5; i++)
        n += exited_child(orphan[i]);
    ck_assert_int_eq(proc_reap_orphans(env), n);
    ck_assert_int_eq(proc_reap_orphans(env), 0);
    for (int i = 0; i < 5; i++)
        ck_assert(!is_child(orphan[i]));
    ck_assert(is_child(own));
    ck_assert_int_eq(proc_reap(env, pidfd, own, &status, NULL), 0);
    ck_assert_int_eq(status, 0);
    close(pidfd);
}
END_TEST

START_TEST(running_orphans_are_left_alone)
{
    pid_t pid = fork(); /* a child that this env did not spawn */
    if (pid == 0) {
        pause();
        _exit(0);
    }
    ck_assert(is_child(pid));
    ck_assert_int_eq(proc_reap_orphans(env), 0);
    kill(pid, SIGKILL);
    siginfo_t si;
    ck_assert_int_eq(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
    ck_assert_int_eq(proc_reap_orphans(env), 1);
    ck_assert(!is_child(pid));
}
END_TEST

/* Make the next process of this system get a given number; needs privilege. */
static bool set_next_pid(pid_t pid)
{
    FILE *f = fopen("/proc/sys/kernel/ns_last_pid", "w");
    if (!f)
        return false;
    fprintf(f, "%d", (int)pid - 1);
    return fclose(f) == 0;
}

static pid_t fork_exiting(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    siginfo_t si;
    ck_assert_int_eq(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
    return pid;
}

START_TEST(a_number_used_again_is_not_taken_for_our_child)
{
    char *argv[] = {"true", NULL};
    struct proc_spec spec = {.path = "true", .argv = argv, .flags = PROC_SEARCH};
    for (int i = 0; i < 100; i++) { /* others may take the number first */
        struct pollfd p = {.events = POLLIN};
        pid_t pid, again;
        ck_assert_int_eq(proc_spawn(env, &spec, &pid, &p.fd, NULL), 0);
        ck_assert_int_eq(poll(&p, 1, 30000), 1);
        ck_assert_int_eq(proc_reap(env, p.fd, pid, NULL, NULL), 0);
        close(p.fd);
        if (!set_next_pid(pid))
            return;
        again = fork_exiting();
        ck_assert_int_eq(proc_reap_orphans(env), 1);
        if (again == pid)
            return;
    }
}
END_TEST

/* One thread spawns and reaps short-lived children while another reaps orphans: no
 * exit status may be lost, however soon the child exits. */
static atomic_int over;

static void *reap_all_the_time(void *arg)
{
    atomic_int *reaped = arg;
    while (!atomic_load(&over))
        atomic_fetch_add(reaped, proc_reap_orphans(env));
    return NULL;
}

START_TEST(children_just_born_are_known)
{
    char *argv[] = {"true", NULL};
    struct proc_spec spec = {.path = "true", .argv = argv, .flags = PROC_SEARCH};
    atomic_int reaped = 0;
    pthread_t t;
    atomic_store(&over, 0);
    ck_assert_int_eq(pthread_create(&t, NULL, reap_all_the_time, &reaped), 0);
    for (int i = 0; i < 500; i++) {
        struct pollfd p = {.events = POLLIN};
        pid_t pid;
        int status = -1;
        spec.cwd = i % 2 ? "/nonexistent" : NULL; /* exits at once */
        int rc = proc_spawn(env, &spec, &pid, &p.fd, NULL);
        ck_assert_int_eq(rc, i % 2 ? -ENOENT : 0);
        if (rc < 0)
            continue;
        ck_assert_int_eq(poll(&p, 1, 30000), 1);
        ck_assert_int_eq(proc_reap(env, p.fd, pid, &status, NULL), 0);
        close(p.fd);
    }
    atomic_store(&over, 1);
    pthread_join(t, NULL);
    ck_assert_int_eq(reaped, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("env/orphan");
    TCase *tc = tcase_create("orphan");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, orphans_are_reaped_and_our_children_are_not);
    tcase_add_test(tc, running_orphans_are_left_alone);
    tcase_add_test(tc, a_number_used_again_is_not_taken_for_our_child);
    tcase_add_test(tc, children_just_born_are_known);
    suite_add_tcase(s, tc);
    return run_suite(s);
}

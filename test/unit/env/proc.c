/* Child processes. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "env/file.h"
#include "env/proc.h"
#include "world.h"

static struct env *env;

static void setup(void)
{
    env = world_new(REAL);
}

static void teardown(void)
{
    env_unref(env);
}

static int finish(pid_t pid, int pidfd, struct rusage *usage)
{
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    int status = -1;
    ck_assert_int_eq(poll(&p, 1, 30000), 1);
    ck_assert_int_eq(proc_reap(env, pidfd, pid, &status, usage), 0);
    close(pidfd);
    return status;
}

static int run(const struct proc_spec *spec)
{
    pid_t pid;
    int pidfd;
    ck_assert_int_eq(proc_spawn(env, spec, &pid, &pidfd, NULL), 0);
    return finish(pid, pidfd, NULL);
}

/* Run a shell command with its standard output to a pipe; what it wrote. */
static const char *output_of(struct proc_spec *spec, const char *command, int *ret_status)
{
    static char buf[8192];
    char *argv[] = {"sh", "-c", (char *)command, NULL};
    int p[2], map[3] = {0, 0, 2}, pidfd;
    size_t n = 0;
    ssize_t r;
    pid_t pid;
    ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
    map[1] = p[1];
    spec->path = "/bin/sh";
    spec->argv = argv;
    if (!spec->fdmap) {
        spec->fdmap = map;
        spec->nfds = 3;
    }
    ck_assert_int_eq(proc_spawn(env, spec, &pid, &pidfd, NULL), 0);
    close(p[1]);
    while ((r = read(p[0], buf + n, sizeof(buf) - 1 - n)) > 0)
        n += (size_t)r;
    buf[n] = '\0';
    close(p[0]);
    int status = finish(pid, pidfd, NULL);
    if (ret_status)
        *ret_status = status;
    return buf;
}

START_TEST(exit_status_is_reported)
{
    char *argv[] = {"sh", "-c", "exit 7", NULL};
    struct proc_spec spec = {.path = "/bin/sh", .argv = argv};
    int status = run(&spec);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 7);
}
END_TEST

START_TEST(death_by_signal_is_reported)
{
    char *argv[] = {"sleep", "100", NULL};
    struct proc_spec spec = {.path = "sleep", .argv = argv, .flags = PROC_SEARCH};
    pid_t pid;
    int pidfd;
    ck_assert_int_eq(proc_spawn(env, &spec, &pid, &pidfd, NULL), 0);
    ck_assert_int_eq(proc_reap(env, pidfd, pid, NULL, NULL), -EAGAIN);
    ck_assert_int_eq(proc_kill(pidfd, SIGTERM), 0);
    int status = finish(pid, pidfd, NULL);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGTERM);
}
END_TEST

START_TEST(usage_is_reported)
{
    char *argv[] = {"sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done",
                    NULL};
    struct proc_spec spec = {.path = "/bin/sh", .argv = argv};
    struct rusage usage;
    pid_t pid;
    int pidfd;
    memset(&usage, 0, sizeof(usage));
    ck_assert_int_eq(proc_spawn(env, &spec, &pid, &pidfd, NULL), 0);
    ck_assert_int_eq(finish(pid, pidfd, &usage), 0);
    ck_assert(usage.ru_utime.tv_sec > 0 || usage.ru_utime.tv_usec > 0);
    ck_assert_int_gt(usage.ru_maxrss, 100);
}
END_TEST

START_TEST(pidfd_wakes_a_loop)
{
    char *argv[] = {"true", NULL};
    struct proc_spec spec = {.path = "true", .argv = argv, .flags = PROC_SEARCH};
    struct pollfd p = {.events = POLLIN};
    pid_t pid;
    ck_assert_int_eq(proc_spawn(env, &spec, &pid, &p.fd, NULL), 0);
    ck_assert(fcntl(p.fd, F_GETFD) & FD_CLOEXEC);
    finish(pid, p.fd, NULL);
}
END_TEST

START_TEST(a_child_reaped_by_others_is_echild)
{
    char *argv[] = {"true", NULL};
    struct proc_spec spec = {.path = "true", .argv = argv, .flags = PROC_SEARCH};
    pid_t pid;
    int pidfd;
    ck_assert_int_eq(proc_spawn(env, &spec, &pid, &pidfd, NULL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert_int_eq(proc_reap(env, pidfd, pid, NULL, NULL), -ECHILD);
    close(pidfd);
}
END_TEST

/* ---- failures ---- */

static void check_failure(const struct proc_spec *spec, int error, const char *where)
{
    const char *what = NULL;
    pid_t pid = -7;
    int pidfd = -7;
    ck_assert_int_eq(proc_spawn(env, spec, &pid, &pidfd, &what), error);
    ck_assert_str_eq(what, where);
    ck_assert_int_eq(pid, -7);
    ck_assert_int_eq(pidfd, -7);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* no zombie */
    ck_assert_int_eq(errno, ECHILD);
}

START_TEST(failures_say_what_failed)
{
    char *argv[] = {"x", NULL};
    struct proc_spec spec = {.path = "/nonexistent/x", .argv = argv};
    check_failure(&spec, -ENOENT, "exec");
    spec.flags = PROC_SEARCH;
    check_failure(&spec, -ENOENT, "exec");
    spec.path = "no-such-program-anywhere";
    check_failure(&spec, -ENOENT, "exec");
    spec.path = "/tmp"; /* a folder */
    check_failure(&spec, -EACCES, "exec");
    spec.path = "/bin/true";
    spec.cwd = "/nonexistent";
    check_failure(&spec, -ENOENT, "chdir");
    spec.cwd = "/bin/true";
    check_failure(&spec, -ENOTDIR, "chdir");
    spec.cwd = NULL;
    struct proc_rlimit bad = {.resource = 9999};
    spec.rlimits = &bad;
    spec.nrlimits = 1;
    check_failure(&spec, -EINVAL, "rlimit");
    spec.nrlimits = 0;
    int map[] = {0, 987654};
    spec.fdmap = map;
    spec.nfds = 2;
    check_failure(&spec, -EBADF, "fds");
}
END_TEST

START_TEST(the_simulated_world_has_no_processes)
{
    struct env *sim = world_new(SIM);
    char *argv[] = {"true", NULL};
    struct proc_spec spec = {.path = "/bin/true", .argv = argv};
    pid_t pid;
    int pidfd;
    ck_assert_int_eq(proc_spawn(sim, &spec, &pid, &pidfd, NULL), -ENOTSUP);
    ck_assert_int_eq(proc_reap_orphans(sim), -ENOTSUP);
    ck_assert_int_eq(proc_children(sim, &pid, 1), -ENOTSUP);
    env_unref(sim);
}
END_TEST

/* ---- what the child gets ---- */

START_TEST(search_uses_the_childs_path_and_skips_what_is_not_there)
{
    char dir[] = "/tmp/env-proc-XXXXXX", script[64], path[256];
    char *argv[] = {"the-program", "arg", NULL};
    char *envp[] = {path, NULL};
    struct proc_spec spec = {.path = "the-program", .argv = argv, .envp = envp};
    const char *text = "[ \"$1\" = arg ] && exit 42\n"; /* no #! line */
    ck_assert_int_eq(dir_make_temp(env, dir), 0);
    snprintf(script, sizeof(script), "%s/the-program", dir);
    snprintf(path, sizeof(path), "PATH=/nonexistent:/etc/passwd:%s:/usr/bin:/bin", dir);
    ck_assert_int_eq(file_replace(env, script, text, strlen(text), 0600), 0);
    spec.flags = PROC_SEARCH;
    check_failure(&spec, -EACCES, "exec"); /* found, but not executable */
    ck_assert_int_eq(chmod(script, 0755), 0);
    ck_assert_int_eq(WEXITSTATUS(run(&spec)), 42);
    /* A relative folder of PATH is looked up from the child's cwd. */
    snprintf(path, sizeof(path), "PATH=.");
    spec.cwd = dir;
    ck_assert_int_eq(WEXITSTATUS(run(&spec)), 42);
    spec.flags = 0;
    spec.path = "./the-program";
    check_failure(&spec, -ENOEXEC, "exec"); /* no search, no shell */
    dir_remove(env, dir);
}
END_TEST

START_TEST(environment_is_what_was_given)
{
    char *envp[] = {"A=1", "B=two words", NULL};
    struct proc_spec spec = {.envp = envp};
    ck_assert_str_eq(output_of(&spec, "echo $A $B $HOME", NULL), "1 two words\n");
}
END_TEST

START_TEST(folder_is_what_was_given)
{
    struct proc_spec spec = {.cwd = "/proc"};
    ck_assert_str_eq(output_of(&spec, "pwd", NULL), "/proc\n");
}
END_TEST

static void ignore(int signum)
{
}

START_TEST(signals_are_default_and_unblocked)
{
    struct proc_spec spec = {0};
    sigset_t all, old;
    struct sigaction sa = {.sa_handler = SIG_IGN}, was_pipe, was_usr;
    sigaction(SIGPIPE, &sa, &was_pipe);
    sa.sa_handler = ignore;
    sigaction(SIGUSR1, &sa, &was_usr);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    const char *text = output_of(&spec, "exec grep ^Sig /proc/self/status", NULL);
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, &old, &now);
    ck_assert_ptr_nonnull(strstr(text, "SigBlk:\t0000000000000000"));
    ck_assert_ptr_nonnull(strstr(text, "SigIgn:\t0000000000000000"));
    ck_assert(sigismember(&now, SIGINT)); /* ours are as they were */
    sigaction(SIGPIPE, &was_pipe, &sa);
    ck_assert_ptr_eq(sa.sa_handler, SIG_IGN);
    sigaction(SIGUSR1, &was_usr, &sa);
    ck_assert_ptr_eq(sa.sa_handler, ignore);
}
END_TEST

START_TEST(sessions_and_groups)
{
    struct proc_spec spec = {.flags = PROC_SETSID};
    int pid, pgrp, session;
    const char *stat = "cut -d' ' -f1,5,6 /proc/$$/stat";
    ck_assert_int_eq(
        sscanf(output_of(&spec, stat, NULL), "%d %d %d", &pid, &pgrp, &session), 3);
    ck_assert_int_eq(pid, pgrp);
    ck_assert_int_eq(pid, session);
    spec = (struct proc_spec){.flags = PROC_SETPGRP};
    sscanf(output_of(&spec, stat, NULL), "%d %d %d", &pid, &pgrp, &session);
    ck_assert_int_eq(pid, pgrp);
    ck_assert_int_eq(session, getsid(0));
    spec = (struct proc_spec){0};
    sscanf(output_of(&spec, stat, NULL), "%d %d %d", &pid, &pgrp, &session);
    ck_assert_int_eq(pgrp, getpgrp());
}
END_TEST

START_TEST(limits_are_set_and_cut_to_what_is_allowed)
{
    struct proc_rlimit limits[] = {
        {RLIMIT_NOFILE, 64, 128}, {RLIMIT_CORE, 1000 * 512, 10}, /* soft over hard: cut */
    };
    struct proc_spec spec = {.rlimits = limits, .nrlimits = 2};
    ck_assert_str_eq(output_of(&spec, "ulimit -Sn; ulimit -Hn", NULL), "64\n128\n");
    spec = (struct proc_spec){.rlimits = limits, .nrlimits = 2};
    ck_assert_int_eq(strncmp(output_of(&spec, "grep core /proc/self/limits", NULL),
                             "Max core file size        10                   10", 48),
                     0);
}
END_TEST

/* A folder of open descriptors, each a pipe's write end; child i gets map[i] and
 * writes there. */
enum { PIPES = 6 };

START_TEST(descriptors_are_mapped_whatever_the_overlaps)
{
    int r[PIPES], w[PIPES];
    /* Our ends at numbers 10..15, then every permutation kind: shifts, swaps, copies,
     * identity, by giving the child's 10..15 ours in another order. */
    static const int orders[][PIPES] = {
        {0, 1, 2, 3, 4, 5}, {1, 2, 3, 4, 5, 0}, {5, 4, 3, 2, 1, 0},
        {1, 0, 3, 2, 5, 4}, {0, 0, 0, 1, 1, 1}, {5, 0, 1, 2, 3, 4},
    };
    for (int i = 0; i < PIPES; i++) {
        int p[2];
        ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
        r[i] = fcntl(p[0], F_DUPFD_CLOEXEC, 100);
        w[i] = fcntl(p[1], F_DUPFD_CLOEXEC, 10);
        ck_assert_int_ge(w[i], 10);
        close(p[0]);
        close(p[1]);
    }
    for (size_t k = 0; k < sizeof(orders) / sizeof(orders[0]); k++) {
        int map[16 + PIPES];
        char command[512] = "", *argv[] = {"bash", "-c", command, NULL};
        struct proc_spec spec = {.path = "bash", .argv = argv, .flags = PROC_SEARCH};
        for (int i = 0; i < 16 + PIPES; i++)
            map[i] = i <= 2 ? i : -1;
        for (int i = 0; i < PIPES; i++) {
            map[w[0] + i] = w[orders[k][i]];
            snprintf(command + strlen(command), sizeof(command) - strlen(command),
                     "echo %d >&%d; ", i, w[0] + i);
        }
        spec.fdmap = map;
        spec.nfds = (unsigned)(w[0] + PIPES);
        ck_assert_int_eq(run(&spec), 0);
        for (int i = 0; i < PIPES; i++) {
            char want[64] = "", got[64] = "";
            for (int j = 0; j < PIPES; j++) {
                if (orders[k][j] == i)
                    snprintf(want + strlen(want), sizeof(want) - strlen(want), "%d\n", j);
            }
            if (want[0])
                ck_assert_int_gt(read(r[i], got, sizeof(got) - 1), 0);
            ck_assert_str_eq(got, want);
        }
    }
    for (int i = 0; i < PIPES; i++) {
        close(r[i]);
        close(w[i]);
    }
}
END_TEST

START_TEST(standard_descriptors_may_be_swapped)
{
    int p[2], q[2];
    ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(q, O_CLOEXEC), 0);
    int was1 = fcntl(1, F_DUPFD_CLOEXEC, 50), was2 = fcntl(2, F_DUPFD_CLOEXEC, 50);
    int map[] = {-1, 2, 1}; /* the child's stdout is our stderr and the other way */
    char *argv[] = {"sh", "-c", "echo out; echo err >&2; cat", NULL}, got[16] = "";
    struct proc_spec spec = {.path = "/bin/sh", .argv = argv, .fdmap = map, .nfds = 3};
    fflush(NULL);
    dup2(p[1], 1);
    dup2(q[1], 2);
    pid_t pid;
    int pidfd;
    int rc = proc_spawn(env, &spec, &pid, &pidfd, NULL);
    dup2(was1, 1);
    dup2(was2, 2);
    close(was1);
    close(was2);
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(finish(pid, pidfd, NULL), 0);
    ck_assert_int_eq(read(p[0], got, sizeof(got) - 1), 4);
    ck_assert_str_eq(got, "err\n");
    ck_assert_int_eq(read(q[0], got, sizeof(got) - 1), 4);
    ck_assert_str_eq(got, "out\n");
    for (int i = 0; i < 2; i++) {
        close(p[i]);
        close(q[i]);
    }
}
END_TEST

START_TEST(all_other_descriptors_are_closed)
{
    struct proc_spec spec = {0};
    int plain = dup(0); /* not close-on-exec */
    int high = fcntl(0, F_DUPFD, 500);
    int p[2];
    ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
    int map[] = {-1, p[1], -1, -1};
    spec.fdmap = map;
    spec.nfds = 4;
    char *argv[] = {"sh", "-c", "ls /proc/$$/fd; readlink /proc/$$/fd/0 /proc/$$/fd/2",
                    NULL};
    char got[256] = "";
    spec.path = "/bin/sh";
    spec.argv = argv;
    ck_assert_int_eq(run(&spec), 0);
    ck_assert_int_gt(read(p[0], got, sizeof(got) - 1), 0);
    ck_assert_str_eq(got, "0\n1\n2\n/dev/null\n/dev/null\n");
    close(plain);
    close(high);
    close(p[0]);
    close(p[1]);
}
END_TEST

/* ---- several threads ---- */

enum { THREADS = 4, EACH = 50 };

static void *spawn_many(void *arg)
{
    atomic_int *bad = arg;
    for (int i = 0; i < EACH; i++) {
        char code[16], *argv[] = {"sh", "-c", code, NULL};
        struct proc_spec spec = {.path = "/bin/sh", .argv = argv};
        struct pollfd p = {.events = POLLIN};
        pid_t pid;
        int status = -1;
        snprintf(code, sizeof(code), "exit %d", i);
        if (i % 5 == 4)
            spec.cwd = "/nonexistent";
        int rc = proc_spawn(env, &spec, &pid, &p.fd, NULL);
        if (spec.cwd) {
            atomic_fetch_add(bad, rc != -ENOENT);
            continue;
        }
        poll(&p, 1, 30000);
        rc = proc_reap(env, p.fd, pid, &status, NULL);
        atomic_fetch_add(bad, rc != 0 || WEXITSTATUS(status) != i);
        close(p.fd);
    }
    return NULL;
}

START_TEST(threads_spawn_at_once)
{
    pthread_t t[THREADS];
    atomic_int bad = 0;
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&t[i], NULL, spawn_many, &bad), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    ck_assert_int_eq(bad, 0);
}
END_TEST

/* ---- what is known of processes ---- */

START_TEST(start_time_and_environment_of_a_process)
{
    char *argv[] = {"sleep", "100", NULL};
    char *envp[] = {"FLUX_X=", "FLUX_JOB_ID=12", NULL};
    struct proc_spec spec = {.path = "/bin/sleep", .argv = argv, .envp = envp};
    char buf[16];
    uint64_t ours, its;
    pid_t pid;
    int pidfd, other;
    ck_assert_int_eq(proc_spawn(env, &spec, &pid, &pidfd, NULL), 0);
    ck_assert_int_eq(proc_start_time(getpid(), &ours), 0);
    ck_assert_int_eq(proc_start_time(pid, &its), 0);
    ck_assert(its >= ours);
    int rc;
    while ((rc = proc_getenv(pid, "FLUX_JOB_ID", buf, sizeof(buf))) == -EAGAIN)
        ; /* still in exec */
    ck_assert_int_eq(rc, 0);
    ck_assert_str_eq(buf, "12");
    ck_assert_int_eq(proc_getenv(pid, "FLUX_X", buf, sizeof(buf)), 0);
    ck_assert_str_eq(buf, "");
    ck_assert_int_eq(proc_getenv(pid, "FLUX", buf, sizeof(buf)), -ENOENT);
    ck_assert_int_eq(proc_getenv(pid, "FLUX_JOB_ID", buf, 2), -EOVERFLOW);
    ck_assert_int_eq(proc_open(pid, &other), 0);
    ck_assert_int_eq(proc_kill(other, SIGKILL), 0);
    finish(pid, pidfd, NULL);
    ck_assert_int_eq(proc_kill(other, SIGKILL), -ESRCH);
    close(other);
    ck_assert_int_eq(proc_start_time(pid, &its), -ESRCH);
    ck_assert_int_eq(proc_getenv(pid, "A", buf, sizeof(buf)), -ESRCH);
    ck_assert_int_eq(proc_open(pid, &other), -ESRCH);
}
END_TEST

START_TEST(nofile_limit_is_raised_to_the_hard_one)
{
    struct rlimit lim, was;
    rlim_t soft;
    getrlimit(RLIMIT_NOFILE, &was);
    lim = was;
    lim.rlim_cur = 256;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &lim), 0);
    ck_assert_int_eq(proc_raise_nofile(env, &soft), (int)was.rlim_max);
    ck_assert_int_eq(soft, 256);
    setrlimit(RLIMIT_NOFILE, &was);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("env/proc");
    TCase *tc = tcase_create("proc");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, exit_status_is_reported);
    tcase_add_test(tc, death_by_signal_is_reported);
    tcase_add_test(tc, usage_is_reported);
    tcase_add_test(tc, pidfd_wakes_a_loop);
    tcase_add_test(tc, a_child_reaped_by_others_is_echild);
    tcase_add_test(tc, failures_say_what_failed);
    tcase_add_test(tc, the_simulated_world_has_no_processes);
    tcase_add_test(tc, search_uses_the_childs_path_and_skips_what_is_not_there);
    tcase_add_test(tc, environment_is_what_was_given);
    tcase_add_test(tc, folder_is_what_was_given);
    tcase_add_test(tc, signals_are_default_and_unblocked);
    tcase_add_test(tc, sessions_and_groups);
    tcase_add_test(tc, limits_are_set_and_cut_to_what_is_allowed);
    tcase_add_test(tc, descriptors_are_mapped_whatever_the_overlaps);
    tcase_add_test(tc, standard_descriptors_may_be_swapped);
    tcase_add_test(tc, all_other_descriptors_are_closed);
    tcase_add_test(tc, threads_spawn_at_once);
    tcase_add_test(tc, start_time_and_environment_of_a_process);
    tcase_add_test(tc, nofile_limit_is_raised_to_the_hard_one);
    suite_add_tcase(s, tc);
    return run_suite(s);
}

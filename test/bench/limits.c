/* What the machine can do, in the meaning that the ratios have. */

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

extern char **environ;

#define SIZE 64
#define WINDOW 64

static pid_t spawn(char *const argv[])
{
    posix_spawn_file_actions_t fa;
    pid_t pid;

    posix_spawn_file_actions_init(&fa);
    posix_spawn_file_actions_addopen(&fa, 1, "/dev/null", O_WRONLY, 0);
    if (posix_spawnp(&pid, argv[0], &fa, NULL, argv, environ))
        bench_die("%s: cannot be started", argv[0]);
    posix_spawn_file_actions_destroy(&fa);
    return pid;
}

double limit_spawn_rate(char *const argv[], int inflight, int n)
{
    int started = 0, done = 0, status;
    double t0 = bench_now();

    while (done < n) {
        while (started < n && started - done < inflight) {
            spawn(argv);
            started++;
        }
        if (waitpid(-1, &status, 0) > 0)
            done++;
    }
    return n / (bench_now() - t0);
}

double limit_spawn_wall(char *const argv[], int n)
{
    double v[n];
    int status;

    for (int i = 0; i < n; i++) {
        double t0 = bench_now();

        waitpid(spawn(argv), &status, 0);
        v[i] = bench_now() - t0;
    }
    return bench_median(v, n);
}

static void read_all(int fd, char *buf, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = read(fd, buf + at, len - at);

        if (n <= 0)
            _exit(0);
        at += n;
    }
}

/* The far end: wait with epoll as an event loop does, answer each message. */
static void echo_server(int fd)
{
    struct epoll_event ev = {.events = EPOLLIN}, got;
    int ep = epoll_create1(0);
    static char buf[65536];

    fcntl(fd, F_SETFL, O_NONBLOCK);
    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
    for (;;) {
        ssize_t n;

        epoll_wait(ep, &got, 1, -1);
        n = read(fd, buf, sizeof(buf));
        if (n == 0)
            _exit(0);
        for (ssize_t at = 0; at < n; at += SIZE) {
            if (write(fd, buf + at, SIZE) != SIZE)
                _exit(1);
        }
    }
}

static int start_server(pid_t *pid)
{
    int s[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) < 0)
        bench_die("socketpair");
    *pid = fork();
    if (*pid == 0) {
        close(s[0]);
        echo_server(s[1]);
    }
    close(s[1]);
    return s[0];
}

static void stop_server(int fd, pid_t pid)
{
    int status;

    close(fd);
    waitpid(pid, &status, 0);
}

double limit_socket_rtt(void)
{
    enum { N = 20000 };
    static double v[N];
    struct epoll_event ev = {.events = EPOLLIN}, got;
    int ep = epoll_create1(0);
    char buf[SIZE] = {0};
    pid_t pid;
    int fd = start_server(&pid);

    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
    for (int i = 0; i < N; i++) {
        double t0 = bench_now();

        if (write(fd, buf, SIZE) != SIZE)
            bench_die("write");
        epoll_wait(ep, &got, 1, -1);
        read_all(fd, buf, SIZE);
        v[i] = bench_now() - t0;
    }
    close(ep);
    stop_server(fd, pid);
    return bench_median(v, N);
}

double limit_socket_rate(void)
{
    int n = 1000000, sent = 0, got = 0, rest = 0;
    static char buf[65536];
    pid_t pid;
    int fd = start_server(&pid);
    double t0 = bench_now();

    while (got < n) {
        ssize_t r;

        for (; sent < n && sent - got < WINDOW; sent++) {
            if (write(fd, buf, SIZE) != SIZE)
                bench_die("write");
        }
        r = read(fd, buf, sizeof(buf));
        if (r <= 0)
            bench_die("read");
        rest += (int)r;
        got += rest / SIZE;
        rest %= SIZE;
    }
    t0 = bench_now() - t0;
    stop_server(fd, pid);
    return n / t0;
}

double limit_fdatasync(const char *dir)
{
    enum { N = 200 };
    double v[N];
    static char page[4096];
    char path[4096];
    int fd;

    snprintf(path, sizeof(path), "%s/fdatasync.tmp", dir);
    fd = open(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        bench_die("%s: %m", path);
    for (int i = 0; i < N; i++) {
        double t0 = bench_now();

        if (write(fd, page, sizeof(page)) != sizeof(page) || fdatasync(fd) < 0)
            bench_die("%s: %m", path);
        v[i] = bench_now() - t0;
    }
    close(fd);
    unlink(path);
    return bench_median(v, N);
}

double limit_flat_writes(unsigned n)
{
    enum { LOOPS = 200, LEN = 128 };
    char data[LEN] = {0}, sink[65536];
    int pairs[n][2];
    double t = 0., t0;

    for (unsigned i = 0; i < n; i++) {
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]) < 0)
            bench_die("socketpair: %m");
    }
    for (int k = 0; k < LOOPS; k++) {
        t0 = bench_now();
        for (unsigned i = 0; i < n; i++) {
            if (write(pairs[i][0], data, LEN) != LEN)
                bench_die("write: %m");
        }
        t += bench_now() - t0;
        for (unsigned i = 0; i < n; i++)
            (void)!read(pairs[i][1], sink, sizeof(sink));
    }
    for (unsigned i = 0; i < n; i++) {
        close(pairs[i][0]);
        close(pairs[i][1]);
    }
    return t / LOOPS;
}

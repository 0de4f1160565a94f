/* The real network (real_net.h). */
#include "real_net.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "overlay/transport.h"

struct env *real_env;
static char dir[] = "/tmp/overlay-XXXXXX";
static char path[64], nobody[64];
static int fds_before;

static const char *real_address(int i)
{
    return i == TCP ? "tcp://127.0.0.1:0" : path;
}

static const char *real_nobody(int i)
{
    return i == TCP ? "tcp://127.0.0.1:1" : nobody;
}

static void real_turn(struct loop *l)
{
    loop_run(l, LOOP_ONCE);
}

#ifdef __SANITIZE_THREAD__
/* nng counts references with atomics that are not instrumented: the thread that drops
 * the last one of a dialer seems to race with those before it. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race_top:pthread_mutex_destroy\n";
}
#endif

static const struct net real_net = {
    .n = REAL_NETS, .address = real_address, .nobody = real_nobody, .turn = real_turn};

void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static int count_fds(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static void open_world(void)
{
    net = &real_net;
    real_env = world_new(REAL);
    ck_assert_int_eq(env_set_transport(real_env, &nng_transport), 0);
    ck_assert_int_eq(loop_new(real_env, &net_loop), 0);
}

static void close_world(void)
{
    ck_assert_int_eq(loop_run(net_loop, 0), 0); /* nothing is left open */
    loop_unref(net_loop);
    env_unref(real_env);
}

/* nng keeps a few descriptors of its own from the first call on. */
static void start_nng(void)
{
    struct end e = {0};
    open_world();
    dial_to(&e, real_nobody(TCP));
    UNTIL(e.closed);
    link_close(e.link);
    close_world();
    for (int i = 0; i < 100; i++)
        nap();
}

void real_net_setup(void)
{
    if (fds_before == 0) {
        start_nng();
        fds_before = count_fds();
    }
    open_world();
}

void real_net_teardown(void)
{
    close_world();
    /* nng closes descriptors behind one's back, soon. */
    for (int i = 0; count_fds() != fds_before; i++) {
        ck_assert_int_lt(i, 10000);
        nap();
    }
}

int real_net_main(Suite *s)
{
    if (!mkdtemp(dir))
        return EXIT_FAILURE;
    snprintf(path, sizeof(path), "ipc://%s/sock", dir);
    snprintf(nobody, sizeof(nobody), "ipc://%s/nobody", dir);
    int rc = run_suite(s);
    rmdir(dir);
    return rc;
}

static int raw_connect_tcp(const char *port)
{
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)atoi(port))};
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    return fd;
}

int raw_connect(const char *address)
{
    if (strncmp(address, "tcp://", 6) == 0)
        return raw_connect_tcp(strrchr(address, ':') + 1);
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    snprintf(un.sun_path, sizeof(un.sun_path), "%s", address + 6);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    return fd;
}

void raw_write(int fd, const void *data, size_t len)
{
    ck_assert_int_eq(send(fd, data, len, MSG_NOSIGNAL), (ssize_t)len);
}

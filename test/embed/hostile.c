/* Raw socket clients that mean no good, against an instance in this process. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <flux/core.h>
#include <flux/embed.h>

#define GUEST 65534
#ifdef __SANITIZE_ADDRESS__ /* freed memory is kept for a while */
#define FLOOD_KIB (512 << 10)
#else
#define FLOOD_KIB (32 << 10)
#endif
#define FRAME_MAGIC 0xffee0012u

static struct flux_instance *in;
static char rundir[64], sockpath[108];

static void begin(const char *const *attrs, const char *config)
{
    static const char *const none[] = {NULL};
    struct flux_instance_options o = FLUX_INSTANCE_OPTIONS_INIT;
    flux_error_t err;

    strcpy(rundir, "/tmp/flux-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(rundir));
    ck_assert_int_eq(chmod(rundir, 0755), 0); /* guests may come as far as the socket */
    o.modules = none;
    o.attrs = attrs;
    o.config = config;
    o.rundir = rundir;
    ck_assert_ptr_nonnull(in = flux_instance_create(&o, &err));
    ck_assert_msg(flux_instance_start(in, &err) == 0, "%s", err.text);
    snprintf(sockpath, sizeof(sockpath), "%s", flux_instance_uri(in) + 8);
}

static void end(void)
{
    flux_instance_destroy(in);
    ck_assert_int_eq(rmdir(rundir), 0); /* the socket is gone */
}

/* ---- a client ---- */

static int wait_for(int fd, int events, int ms)
{
    struct pollfd p = {fd, (short)events, 0};

    return poll(&p, 1, ms);
}

/* Connected; *ret_auth is the broker's first byte. -1: no connection. */
static int dial(int *ret_auth)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    unsigned char byte = 255;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strcpy(sa.sun_path, sockpath);
    if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
        return -1;
    if (ret_auth) {
        if (read(fd, &byte, 1) != 1)
            return -1;
        *ret_auth = byte;
    }
    return fd;
}

static int client(void)
{
    int auth, fd = dial(&auth);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(auth, 0);
    return fd;
}

static void put(int fd, const void *data, size_t len)
{
    ck_assert_int_eq(send(fd, data, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* The broker hung up: no byte, then the end. */
static bool hung_up(int fd, int ms)
{
    char c;

    return wait_for(fd, POLLIN, ms) == 1 && recv(fd, &c, 1, 0) <= 0;
}

static size_t frame(const flux_msg_t *msg, char *buf, size_t size)
{
    uint32_t magic = FRAME_MAGIC, len = (uint32_t)flux_msg_encode_size(msg);
    uint32_t be = htonl(len);

    if (8 + len > size)
        abort();
    memcpy(buf, &magic, 4);
    memcpy(buf + 4, &be, 4);
    if (flux_msg_encode(msg, buf + 8, len) < 0)
        abort();
    return 8 + len;
}

static flux_msg_t *ping_request(uint32_t tag)
{
    flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_REQUEST);

    flux_msg_set_topic(msg, "broker.ping");
    flux_msg_set_string(msg, "{\"seq\":1}");
    flux_msg_set_matchtag(msg, tag);
    return msg;
}

static bool read_all(int fd, char *buf, size_t len)
{
    while (len > 0) {
        ssize_t n = recv(fd, buf, len, 0);

        if (n <= 0)
            return false;
        buf += n;
        len -= (size_t)n;
    }
    return true;
}

/* The next message, or NULL when the broker hung up. */
static flux_msg_t *get(int fd)
{
    char buf[65536];
    uint32_t len;

    if (!read_all(fd, buf, 8))
        return NULL;
    memcpy(&len, buf + 4, 4);
    len = ntohl(len);
    if (len > sizeof(buf) || !read_all(fd, buf, len))
        return NULL;
    return flux_msg_decode(buf, len);
}

/* An honest client, to see that nobody else is disturbed. */
static void honest(void)
{
    flux_t *h = flux_open(flux_instance_uri(in), 0);
    flux_future_t *f;

    ck_assert_ptr_nonnull(h);
    f = flux_rpc_pack(h, "broker.ping", 0, 0, "{s:i}", "seq", 1);
    ck_assert_int_eq(flux_future_wait_for(f, 10), 0);
    ck_assert_int_eq(flux_rpc_get(f, NULL), 0);
    flux_future_destroy(f);
    flux_close(h);
}

static int64_t stat_on(flux_t *h, const char *key)
{
    flux_future_t *f = flux_rpc(h, "broker.stats-get", NULL, FLUX_NODEID_ANY, 0);
    int64_t value;

    ck_assert_int_eq(flux_rpc_get_unpack(f, "{s:{s:I}}", "local", key, &value), 0);
    flux_future_destroy(f);
    return value;
}

static int64_t stat_of(const char *key)
{
    flux_t *h = flux_instance_open(in, 0, NULL);
    int64_t value = stat_on(h, key);

    flux_close(h);
    return value;
}

static long rss_kib(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    long size, rss;

    ck_assert_int_eq(fscanf(f, "%ld %ld", &size, &rss), 2);
    fclose(f);
    return rss * (sysconf(_SC_PAGESIZE) / 1024);
}

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* ---- the tests ---- */

START_TEST(garbage_is_hung_up_on)
{
    static const char *const garbage[] = {"GET / HTTP/1.1\r\n\r\n", "\0\0\0\0\0\0\0\0",
                                          "\xff\xee\x00\x12\x00\x00\x00\x10",
                                          "\x12\x00\xee\xff\x00\x00\x00\x00"};
    static const size_t len[] = {18, 8, 8, 8};

    begin(NULL, NULL);
    for (int i = 0; i < 4; i++) {
        int fd = client();

        put(fd, garbage[i], len[i]);
        ck_assert(hung_up(fd, 5000));
        close(fd);
        honest();
    }
    ck_assert_int_eq(stat_of("bad-frames"), 4);
    end();
}
END_TEST

START_TEST(four_gibibytes_are_refused_before_memory_is_taken)
{
    long before;

    begin(NULL, NULL);
    honest();
    before = rss_kib();
    for (int i = 0; i < 50; i++) {
        int fd = client();

        put(fd, "\x12\x00\xee\xff\xff\xff\xff\xff", 8);
        ck_assert(hung_up(fd, 5000));
        close(fd);
    }
    ck_assert_int_lt(rss_kib() - before, 1024);
    honest();
    end();
}
END_TEST

START_TEST(memory_grows_with_what_came_not_with_what_was_claimed)
{
    int fd[32];
    long before;

    begin(NULL, NULL);
    honest();
    before = rss_kib();
    for (int i = 0; i < 32; i++) {
        fd[i] = client();
        put(fd[i], "\x12\x00\xee\xff\x03\xff\xff\xff", 8); /* 64 MiB, allowed */
        put(fd[i], "\x01x", 2);
    }
    honest();
    ck_assert_int_lt(rss_kib() - before, 4096);
    for (int i = 0; i < 32; i++)
        close(fd[i]);
    end();
}
END_TEST

START_TEST(half_a_frame_is_hung_up_on_in_the_end)
{
    static const char *const attrs[] = {"local.frame-timeout=0.3s", NULL};
    char data[256];
    flux_msg_t *msg = ping_request(1);
    size_t len = frame(msg, data, sizeof(data));
    int quiet, slow, idle;
    size_t i;
    double t0;

    begin(attrs, NULL);
    idle = client();
    quiet = client();
    put(quiet, data, len / 2);
    slow = client();
    put(slow, data, 1);
    t0 = now();
    for (i = 1; i < len - 1 && wait_for(slow, POLLIN, 20) == 0; i++) {
        if (send(slow, data + i, 1, MSG_NOSIGNAL) <
            0) /* a byte at a time does not help */
            break;
    }
    ck_assert_uint_lt(i, len - 1);
    ck_assert(hung_up(slow, 5000));
    ck_assert(hung_up(quiet, 5000));
    ck_assert_double_lt(now() - t0, 5);
    ck_assert_int_eq(stat_of("too-slow"), 2);
    /* One that says nothing at all may stay. */
    put(idle, data, len);
    flux_msg_destroy(msg);
    ck_assert_ptr_nonnull(msg = get(idle));
    flux_msg_destroy(msg);
    close(idle);
    close(quiet);
    close(slow);
    end();
}
END_TEST

START_TEST(a_frame_may_come_in_any_pieces)
{
    char data[512];
    flux_msg_t *msg = ping_request(1);
    size_t len = frame(msg, data, sizeof(data));
    int fd;

    begin(NULL, NULL);
    fd = client();
    memcpy(data + len, data, len); /* two in one */
    for (size_t i = 0; i < 2 * len; i++)
        put(fd, data + i, 1);
    flux_msg_destroy(msg);
    for (int i = 0; i < 2; i++) {
        ck_assert_ptr_nonnull(msg = get(fd));
        flux_msg_destroy(msg);
    }
    put(fd, data, len / 2); /* and goes away in the middle */
    close(fd);
    honest();
    end();
}
END_TEST

START_TEST(many_requests_whose_answers_are_not_read)
{
    enum { COUNT = 200000 };
    char one[256];
    flux_msg_t *msg;
    size_t len, sent = 0, total, at = 0;
    int fd, got = 0;
    double t0;
    long before;

    begin(NULL, NULL);
    honest();
    before = rss_kib();
    fd = client();
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    msg = ping_request(1);
    len = frame(msg, one, sizeof(one));
    flux_msg_destroy(msg);
    total = len * COUNT;
    /* Until the broker does not take any more. */
    while (sent < total && wait_for(fd, POLLOUT, 500) == 1) {
        ssize_t n = send(fd, one + at, len - at, MSG_NOSIGNAL);

        if (n < 0)
            break;
        sent += (size_t)n;
        at = (at + (size_t)n) % len;
    }
    ck_assert_uint_lt(sent, total); /* back-pressure */
    ck_assert_int_lt(rss_kib() - before, FLOOD_KIB);
    t0 = now();
    honest();
    ck_assert_double_lt(now() - t0, 1); /* the others do not notice */
    ck_assert_int_eq(fcntl(fd, F_SETFL, 0), 0);
    while (got < (int)(sent / len)) { /* none was lost */
        ck_assert_ptr_nonnull(msg = get(fd));
        flux_msg_destroy(msg);
        got++;
    }
    close(fd);
    end();
}
END_TEST

/* ---- credentials ---- */

START_TEST(the_owner_may_speak_for_another)
{
    struct flux_msg_cred cred = {4242, FLUX_ROLE_USER};
    flux_msg_t *msg = ping_request(5);
    uint32_t userid, rolemask;
    char data[256];
    int fd;

    begin(NULL, NULL);
    fd = client();
    flux_msg_set_cred(msg, cred);
    put(fd, data, frame(msg, data, sizeof(data)));
    flux_msg_destroy(msg);
    ck_assert_ptr_nonnull(msg = get(fd));
    ck_assert_int_eq(
        flux_msg_unpack(msg, "{s:i s:i}", "userid", &userid, "rolemask", &rolemask), 0);
    ck_assert_uint_eq(userid, 4242);
    ck_assert_uint_eq(rolemask, FLUX_ROLE_USER | FLUX_ROLE_LOCAL);
    flux_msg_destroy(msg);
    close(fd);
    end();
}
END_TEST

/* Run fn as a guest; true if it returned true. */
static bool as_guest(bool (*fn)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        if (setuid(GUEST) < 0)
            _exit(2);
        _exit(fn() ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool is_refused(void)
{
    int auth;

    return dial(&auth) >= 0 && auth == EPERM;
}

static bool forges_in_vain(void)
{
    struct flux_msg_cred cred = {0, FLUX_ROLE_OWNER};
    flux_msg_t *msg = ping_request(5);
    uint32_t userid = 0, rolemask = 0;
    int auth, fd = dial(&auth);
    char data[256];
    size_t len;

    flux_msg_set_cred(msg, cred);
    len = frame(msg, data, sizeof(data));
    if (fd < 0 || auth != 0 || send(fd, data, len, 0) != (ssize_t)len ||
        !(msg = get(fd)) ||
        flux_msg_unpack(msg, "{s:i s:i}", "userid", &userid, "rolemask", &rolemask) < 0)
        return false;
    return userid == GUEST && rolemask == (FLUX_ROLE_USER | FLUX_ROLE_LOCAL);
}

static bool is_denied_what_is_the_owners(void)
{
    static const char *const topics[] = {
        "attr.set",    "log.dmesg",     "log.clear",   "rexec.exec",
        "module.load", "module.remove", "config.load", "shutdown.start",
        "log.append",  "rexec.kill",    "rexec.list",  "broker.getenv"};
    int auth, errnum, fd = dial(&auth);
    char data[512];

    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
        struct flux_msg_cred cred = {0, FLUX_ROLE_OWNER};
        flux_msg_t *msg = ping_request(1);
        size_t len;

        flux_msg_set_topic(msg, topics[i]);
        flux_msg_set_cred(msg, cred);
        len = frame(msg, data, sizeof(data));
        if (send(fd, data, len, 0) != (ssize_t)len || !(msg = get(fd)) ||
            flux_msg_get_errnum(msg, &errnum) < 0 || errnum != EPERM)
            return false;
    }
    return true;
}

static bool is_cut_at_four_mebibytes(void)
{
    int auth, fd = dial(&auth);

    return fd >= 0 && send(fd, "\x12\x00\xee\xff\x00\x40\x00\x10", 8, 0) == 8 &&
           hung_up(fd, 5000);
}

static bool gets_256_connections(void)
{
    int auth = -1, n = 0;

    while (n < 300 && dial(&auth) >= 0 && auth == 0)
        n++;
    return n == 256 && auth == EUSERS;
}

START_TEST(guests_are_kept_in_their_place)
{
    if (geteuid() != 0)
        return; /* cannot become one */
    begin(NULL, NULL);
    ck_assert(as_guest(is_refused));
    end();
    begin(NULL, "{\"access\":{\"allow-guest-user\":true}}");
    ck_assert(as_guest(forges_in_vain));
    ck_assert(as_guest(is_denied_what_is_the_owners));
    ck_assert(as_guest(is_cut_at_four_mebibytes));
    ck_assert(as_guest(gets_256_connections));
    honest();
    end();
}
END_TEST

static double seconds(const struct timeval *tv)
{
    return (double)tv->tv_sec + (double)tv->tv_usec * 1e-6;
}

START_TEST(without_descriptors_new_clients_wait)
{
    struct rlimit lim;
    int fds[256], n = 0, fd, auth = 255;
    struct rusage before, after;
    unsigned char byte;
    flux_t *h;
    double cpu;

    begin(NULL, NULL);
    honest();
    /* Nobody but us is to open or close a descriptor from here on. */
    ck_assert_ptr_nonnull(h = flux_instance_open(in, 0, NULL));
    while (stat_on(h, "connections") > 0)
        ;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &lim), 0);
    lim.rlim_cur = 128;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &lim), 0);
    while (n < 256 && (fds[n] = dup(0)) >= 0)
        n++;
    close(fds[--n]); /* one, for our socket */
    fd = dial(NULL);
    ck_assert_int_ge(fd, 0);
    getrusage(RUSAGE_SELF, &before);
    ck_assert_int_eq(wait_for(fd, POLLIN, 400), 0);
    getrusage(RUSAGE_SELF, &after);
    cpu = seconds(&after.ru_utime) + seconds(&after.ru_stime) -
          seconds(&before.ru_utime) - seconds(&before.ru_stime);
    ck_assert_double_lt(cpu, 0.2); /* no busy loop */
    while (n > 0)
        close(fds[--n]);
    ck_assert_int_eq(wait_for(fd, POLLIN, 5000), 1);
    ck_assert_int_eq(read(fd, &byte, 1), 1);
    auth = byte;
    ck_assert_int_eq(auth, 0);
    close(fd);
    flux_close(h);
    end();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hostile");
    TCase *tc = tcase_create("hostile");
    SRunner *sr = srunner_create(s);
    int failed;

    unsetenv("FLUX_URI");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, garbage_is_hung_up_on);
    tcase_add_test(tc, four_gibibytes_are_refused_before_memory_is_taken);
    tcase_add_test(tc, memory_grows_with_what_came_not_with_what_was_claimed);
    tcase_add_test(tc, half_a_frame_is_hung_up_on_in_the_end);
    tcase_add_test(tc, a_frame_may_come_in_any_pieces);
    tcase_add_test(tc, many_requests_whose_answers_are_not_read);
    tcase_add_test(tc, the_owner_may_speak_for_another);
    tcase_add_test(tc, guests_are_kept_in_their_place);
    tcase_add_test(tc, without_descriptors_new_clients_wait);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

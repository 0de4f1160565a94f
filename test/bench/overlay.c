/* What a link between two brokers costs: `bench-overlay [SECONDS]`. Two processes, on tcp
 * over the loopback; messages of 64 KB, as many as get through. Lines are NAME VALUE UNIT
 * LIMIT RATIO. Limits: a raw socket between two processes, writes of 64 KB; the cipher
 * alone, on one CPU; the curve's four multiplications.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "overlay/handshake.h"
#include "overlay/overlay.h"
#include "overlay/transport.h"

#define SIZE 65536
#define AHEAD (8u << 20) /* bytes that the sender keeps waiting */
#define KEY ((const unsigned char *)"0123456789abcdef0123456789abcdef")
#define INSTANCE "11111111-2222-4333-8444-555555555555"

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void die(const char *what, int rc)
{
    fprintf(stderr, "bench-overlay: %s: %s\n", what, strerror(rc < 0 ? -rc : rc));
    exit(1);
}

/* ---- limits ---- */

static void raw_sender(int port)
{
    static char data[SIZE];
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = (in_port_t)port};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&in, sizeof(in)) < 0)
        _exit(1);
    while (send(fd, data, SIZE, MSG_NOSIGNAL) > 0)
        ;
    _exit(0);
}

/* MB/s of a raw socket. */
static double limit_tcp(double seconds)
{
    static char data[SIZE];
    struct sockaddr_in in = {.sin_family = AF_INET};
    socklen_t len = sizeof(in);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    double bytes = 0;
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&in, len) < 0 || listen(listener, 1) < 0)
        die("listen", EIO);
    getsockname(listener, (struct sockaddr *)&in, &len);
    pid_t pid = fork();
    if (pid == 0)
        raw_sender(in.sin_port);
    int fd = accept(listener, NULL, NULL);
    double start = now(), end = start + seconds;
    ssize_t n;
    while (now() < end && (n = recv(fd, data, SIZE, 0)) > 0)
        bytes += (double)n;
    bytes /= now() - start;
    close(fd);
    close(listener);
    waitpid(pid, NULL, 0);
    return bytes / 1e6;
}

/* MB/s of the cipher. */
static double limit_cipher(double seconds)
{
    static unsigned char in[SIZE], out[SIZE + 64];
    unsigned char header[crypto_secretstream_xchacha20poly1305_HEADERBYTES];
    crypto_secretstream_xchacha20poly1305_state state;
    double bytes = 0, start = now(), end = start + seconds;
    crypto_secretstream_xchacha20poly1305_init_push(&state, header, KEY);
    for (; now() < end; bytes += SIZE)
        crypto_secretstream_xchacha20poly1305_push(&state, out, NULL, in, SIZE, NULL, 0,
                                                   0);
    return bytes / (now() - start) / 1e6;
}

/* Seconds for both key pairs and both secrets. */
static double limit_curve(int n)
{
    unsigned char secret[32] = {1}, point[32];
    double start = now();
    for (int i = 0; i < n; i++) {
        crypto_scalarmult_base(point, secret);
        crypto_scalarmult_base(point, secret);
        if (crypto_scalarmult(point, secret, point) != 0 ||
            crypto_scalarmult(point, secret, point) != 0)
            die("curve", EIO);
    }
    return (now() - start) / n;
}

/* ---- the handshake ---- */

static void shake_hands(bool encrypt)
{
    unsigned char random[HANDSHAKE_RANDOM];
    struct handshake *child, *parent;
    struct seal *up, *down;
    struct hello hello;
    struct buf note = {0};
    randombytes_buf(random, sizeof(random));
    if (handshake_new(KEY, encrypt, random, &child) < 0 ||
        handshake_new(KEY, encrypt, random, &parent) < 0 ||
        handshake_hello(child, "1.0", &note) < 0 ||
        handshake_read_hello(parent, note.data, note.len, &hello) < 0)
        die("hello", EPROTO);
    note.len = 0;
    if (handshake_challenge(parent, &note, &down) < 0 ||
        handshake_read_challenge(child, note.data, note.len, &up) < 0)
        die("challenge", EPROTO);
    buf_free(&note);
    handshake_free(child);
    handshake_free(parent);
    seal_free(up);
    seal_free(down);
}

static double handshake_time(bool encrypt, int n)
{
    double start = now();
    for (int i = 0; i < n; i++)
        shake_hands(encrypt);
    return (now() - start) / n;
}

/* ---- the link ---- */

struct end {
    struct loop *loop;
    struct overlay *ov;
    struct watcher *turn;
    struct peer *peer;
    flux_msg_t *msg;
    double start, end;
    uint64_t bytes;
};

static void on_up(struct peer *p, void *arg)
{
    ((struct end *)arg)->peer = p;
}

static void on_down(struct peer *p, int errnum, const char *why, void *arg)
{
    ((struct end *)arg)->peer = NULL;
    loop_stop(((struct end *)arg)->loop);
}

static void on_message(struct peer *p, flux_msg_t *msg, void *arg)
{
    struct end *e = arg;
    flux_msg_decref(msg);
    if (e->start == 0)
        e->start = now(); /* the first is not counted */
    else
        e->bytes += SIZE;
    if (now() >= e->end)
        loop_stop(e->loop);
}

static const struct overlay_cb callbacks = {
    .peer_up = on_up, .peer_down = on_down, .message = on_message};

static void make_end(struct end *e, const struct topo *topo, uint32_t rank, bool encrypt)
{
    struct env *env;
    struct overlay_conf conf = {.topo = topo,
                                .rank = rank,
                                .uuid = rank ? "11111111-2222-4333-8444-666666666666"
                                             : "11111111-2222-4333-8444-777777777777",
                                .instance = rank ? NULL : INSTANCE,
                                .epoch = rank ? 0 : 1,
                                .version = "1.0",
                                .key = KEY,
                                .encrypt = encrypt,
                                .cb = &callbacks,
                                .arg = e};
    memset(e, 0, sizeof(*e));
    if (env_new_real(&env) < 0 || env_set_transport(env, &nng_transport) < 0 ||
        loop_new(env, &e->loop) < 0)
        die("loop", ENOMEM);
    env_unref(env);
    conf.loop = e->loop;
    if (overlay_new(&conf, &e->ov) < 0)
        die("overlay", EINVAL);
}

static void send_more(struct watcher *w, int revents, void *arg)
{
    struct end *e = arg;
    while (e->peer && peer_queued(e->peer) < AHEAD && peer_send(e->peer, e->msg) == 0)
        ;
}

static void sender(const struct topo *topo, int from, bool encrypt)
{
    struct end e;
    char address[128] = "";
    static char data[SIZE];
    flux_error_t err;
    if (read(from, address, sizeof(address) - 1) <= 0)
        _exit(1);
    make_end(&e, topo, 1, encrypt);
    e.msg = flux_msg_create(FLUX_MSGTYPE_EVENT);
    flux_msg_set_topic(e.msg, "bench");
    flux_msg_set_payload(e.msg, data, SIZE);
    if (overlay_dial(e.ov, address, &err) < 0 ||
        watcher_new_check(e.loop, send_more, &e, &e.turn) < 0)
        _exit(1);
    watcher_start(e.turn);
    loop_run(e.loop, 0);
    _exit(0);
}

/* MB/s through a link. */
static double link_rate(bool encrypt, double seconds)
{
    struct topo *topo;
    struct end e;
    flux_error_t err;
    int pipefd[2];
    if (topo_new("kary:1", 2, &topo, NULL) < 0 || pipe(pipefd) < 0)
        die("pipe", ENOMEM);
    /* nng must not be called in a process that was forked from one where it was. */
    pid_t receiver = fork();
    if (receiver == 0) {
        pid_t pid = fork();
        if (pid == 0)
            sender(topo, pipefd[0], encrypt);
        make_end(&e, topo, 0, encrypt);
        e.end = now() + seconds;
        if (overlay_listen(e.ov, "tcp://127.0.0.1:0", &err) < 0)
            die(err.text, EIO);
        const char *address = overlay_address(e.ov);
        if (write(pipefd[1], address, strlen(address)) < 0)
            die("pipe", EIO);
        loop_run(e.loop, 0);
        double rate = (double)e.bytes / (now() - e.start) / 1e6;
        overlay_free(e.ov);
        waitpid(pid, NULL, 0);
        if (write(pipefd[1], &rate, sizeof(rate)) != sizeof(rate))
            _exit(1);
        _exit(0);
    }
    double rate = 0;
    waitpid(receiver, NULL, 0);
    if (read(pipefd[0], &rate, sizeof(rate)) != sizeof(rate))
        die("no result", EIO);
    close(pipefd[0]);
    close(pipefd[1]);
    topo_free(topo);
    return rate;
}

static void line(const char *name, double value, const char *unit, double limit)
{
    printf("%-28s %12.2f %-6s %12.2f %8.3f\n", name, value, unit, limit, value / limit);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 2;
    mallopt(M_ARENA_MAX, 2); /* as flux-broker has it */
    mallopt(M_TRIM_THRESHOLD, 256 << 10);
    if (sodium_init() < 0)
        die("libsodium", EIO);
    double curve = limit_curve(500), tcp = limit_tcp(seconds);
    double cipher = limit_cipher(seconds);
    line("overlay-handshake-plain", handshake_time(false, 2000) * 1e6, "us", curve * 1e6);
    line("overlay-handshake-encrypted", handshake_time(true, 500) * 1e6, "us",
         curve * 1e6);
    line("overlay-link-plain", link_rate(false, seconds), "MB/s", tcp);
    line("overlay-link-encrypted", link_rate(true, seconds), "MB/s", cipher);
    return 0;
}

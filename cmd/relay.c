/* flux relay - carries bytes between a broker's socket and stdin and stdout: the far end
 * of an ssh:// connection.
 */

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmds.h"

/* One direction. */
struct way {
    int from, to;
    char data[65536];
    size_t off, len;
};

/* A socket's path may be longer than an address holds: go through its folder. */
static int connect_to(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    char dir[PATH_MAX], base[PATH_MAX];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), dirfd, n, rc = -1;

    snprintf(dir, sizeof(dir), "%s", path);
    snprintf(base, sizeof(base), "%s", path);
    if ((dirfd = open(dirname(dir), O_PATH | O_DIRECTORY | O_CLOEXEC)) >= 0) {
        n = snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/%s", dirfd,
                     basename(base));
        errno = ENAMETOOLONG;
        if (fd >= 0 && n < (int)sizeof(addr.sun_path))
            rc = connect(fd, (struct sockaddr *)&addr, sizeof(addr));
    }
    int saved_errno = errno;
    if (dirfd >= 0)
        close(dirfd);
    if (rc < 0 && fd >= 0)
        close(fd);
    errno = saved_errno;
    return rc < 0 ? -1 : fd;
}

/* Read when there is room, write when there is something. False at the end. */
static bool step(struct way *w, const struct pollfd *in, const struct pollfd *out)
{
    ssize_t n;

    if (w->len == w->off && in->revents) {
        n = read(w->from, w->data, sizeof(w->data));
        if (n <= 0)
            return n < 0 && (errno == EAGAIN || errno == EINTR);
        w->off = 0;
        w->len = (size_t)n;
    }
    if (w->len > w->off && (out->revents || in->revents)) {
        n = write(w->to, w->data + w->off, w->len - w->off);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        w->off += (size_t)n;
    }
    return true;
}

static void watch(const struct way *w, struct pollfd *in, struct pollfd *out)
{
    bool full = w->len > w->off;

    *in = (struct pollfd){full ? -1 : w->from, POLLIN, 0};
    *out = (struct pollfd){full ? w->to : -1, POLLOUT, 0};
}

static void relay(int fd)
{
    static struct way ways[2];
    struct pollfd p[4];

    ways[0] = (struct way){.from = STDIN_FILENO, .to = fd};
    ways[1] = (struct way){.from = fd, .to = STDOUT_FILENO};
    for (;;) {
        for (int i = 0; i < 2; i++)
            watch(&ways[i], &p[2 * i], &p[2 * i + 1]);
        if (poll(p, 4, -1) < 0 && errno != EINTR)
            return;
        for (int i = 0; i < 2; i++)
            if (!step(&ways[i], &p[2 * i], &p[2 * i + 1]))
                return;
    }
}

/* In the broker's place: the byte that refuses a client. */
static int refuse(struct cli *c, const char *path)
{
    unsigned char byte = (unsigned char)errno;
    int rc = cli_fail(c, "%s: %s", path, strerror(errno));

    if (write(STDOUT_FILENO, &byte, 1) < 0)
        return rc;
    return rc;
}

static int run_relay(struct cli *c)
{
    const char *path = cli_arg(c, 0);
    int fd;

    if (cli_argc(c) != 1)
        return cli_usage(c, "the path of a broker's socket is needed");
    if (!strncmp(path, "local://", 8))
        path += 8;
    if ((fd = connect_to(path)) < 0)
        return refuse(c, path);
    signal(SIGPIPE, SIG_IGN);
    relay(fd);
    close(fd);
    return 0;
}

const struct cli_command cmd_relay = {
    .name = "relay",
    .args = "PATH",
    .help = "Carry a client's bytes to a broker's socket, for ssh:// connections",
    .run = run_relay,
};

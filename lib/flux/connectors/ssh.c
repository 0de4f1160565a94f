/* The ssh connector: a broker on another host, ssh://[user@]host[:port]/PATH, by
 *
 *   FLUX_SSH [-p port] [user@]host FLUX_SSH_RCMD relay /PATH
 *
 * whose stdin and stdout are the connection. FLUX_SSH is `ssh` if it is not set,
 * FLUX_SSH_RCMD the path of this installation's flux.
 */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <flux/conf.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "env/local.h"
#include "env/proc.h"
#include "flux/connectors/framed.h"

#define MAX_ARGS 64
#define END_WAIT 5.0 /* seconds for ssh to end once its stdin has */

struct ssh {
    struct env *env;
    char *command;     /* FLUX_SSH, cut into argv's first words */
    char *port, *dest; /* port may be NULL */
    char *remote;      /* command line for the other side's shell */
    char *argv[MAX_ARGS + 6];
    pid_t pid;
    int pidfd; /* -1: it does not run */
};

static void ssh_free(void *arg)
{
    struct ssh *s = arg;

    env_unref(s->env);
    free(s->command);
    free(s->port);
    free(s->dest);
    free(s->remote);
    free(s);
}

/* ---- the process ---- */

static void ssh_ended(void *arg)
{
    struct ssh *s = arg;
    int status;

    if (s->pidfd < 0)
        return;
    if (local_wait(s->pidfd, LOOP_IN, END_WAIT) <= 0) {
        proc_kill(s->pidfd, SIGKILL);
        (void)local_wait(s->pidfd, LOOP_IN, -1);
    }
    (void)proc_reap(s->env, s->pidfd, s->pid, &status, NULL);
    close(s->pidfd);
    s->pidfd = -1;
}

static int ssh_connect(void *arg)
{
    struct ssh *s = arg;
    int fds[2], rc = local_pair(s->env, fds);

    if (rc < 0)
        return rc;
    int map[] = {fds[1], fds[1], STDERR_FILENO};
    struct proc_spec spec = {
        .path = s->argv[0],
        .argv = s->argv,
        .fdmap = map,
        .nfds = 3,
        .flags = PROC_SEARCH,
    };
    rc = proc_spawn(s->env, &spec, &s->pid, &s->pidfd, NULL);
    local_close(fds[1]);
    if (rc < 0) {
        local_close(fds[0]);
        ssh_ended(s);
        return rc;
    }
    return fds[0];
}

static const struct framed_kind ssh_kind = {
    .connect = ssh_connect,
    .hung_up = ssh_ended,
    .free = ssh_free,
    .admit_timeout = -1, /* people type passwords */
};

/* ---- the address ---- */

static bool is_plain(char c)
{
    return isalnum((unsigned char)c) || strchr("/._-+,:@%=", c);
}

/* As one word of a shell's. */
static void add_quoted(struct buf *out, const char *s)
{
    bool plain = *s != '\0';

    for (const char *p = s; *p; p++)
        plain = plain && is_plain(*p);
    if (plain) {
        buf_adds(out, s);
        return;
    }
    buf_addc(out, '\'');
    for (; *s; s++) {
        if (*s == '\'')
            buf_adds(out, "'\\''");
        else
            buf_addc(out, *s);
    }
    buf_addc(out, '\'');
}

static char *remote_command(const char *path)
{
    const char *rcmd = getenv("FLUX_SSH_RCMD");
    struct buf out = {0};

    if (rcmd && *rcmd) {
        buf_adds(&out, rcmd);
    } else {
        buf_adds(&out, flux_conf_builtin_get("bindir", FLUX_CONF_AUTO));
        buf_adds(&out, "/flux");
    }
    buf_adds(&out, " relay ");
    add_quoted(&out, path);
    return buf_take(&out, NULL);
}

/* "[user@]host[:port]/path" into its parts. */
static int parse(struct ssh *s, const char *uri, flux_error_t *error)
{
    const char *path = strchr(uri, '/');
    size_t len = path ? (size_t)(path - uri) : 0;
    const char *end = uri + len, *colon = end, *host = memchr(uri, '@', len);

    if (len == 0 || *uri == '-' || (host && host[1] == '-') || host + 1 == end)
        return error_set(error, EINVAL,
                         "ssh://%s: not of the form ssh://[user@]host[:port]/path", uri);
    while (colon > uri && isdigit((unsigned char)colon[-1]))
        colon--;
    if (colon > uri + 1 && colon < end && colon[-1] == ':') {
        s->port = strndup(colon, (size_t)(end - colon));
        end = colon - 1;
    }
    s->dest = strndup(uri, (size_t)(end - uri));
    s->remote = remote_command(path);
    return s->dest && s->remote ? 0 : -ENOMEM;
}

static int make_argv(struct ssh *s)
{
    const char *command = getenv("FLUX_SSH");
    char *save = NULL;
    size_t n = 0;

    if (!(s->command = strdup(command && *command ? command : "ssh")))
        return -ENOMEM;
    for (char *w = strtok_r(s->command, " ", &save); w && n < MAX_ARGS;
         w = strtok_r(NULL, " ", &save))
        s->argv[n++] = w;
    if (s->port) {
        s->argv[n++] = "-p";
        s->argv[n++] = s->port;
    }
    s->argv[n++] = s->dest;
    s->argv[n] = s->remote;
    return n > 1 ? 0 : -EINVAL;
}

static struct ssh *ssh_new(const char *uri, flux_error_t *error)
{
    struct ssh *s = calloc(1, sizeof(*s));
    int rc;

    if (!s) {
        errno = ENOMEM;
        return NULL;
    }
    s->pidfd = -1;
    if ((rc = env_new_real(&s->env)) < 0 || (rc = parse(s, uri, error)) < 0 ||
        (rc = make_argv(s)) < 0) {
        ssh_free(s);
        errno = -rc;
        return NULL;
    }
    return s;
}

static flux_t *ssh_open(const char *uri, int flags, flux_error_t *error)
{
    struct ssh *s = ssh_new(uri, error);
    flux_t *h = NULL;
    int rc;

    if (!s)
        return NULL;
    if ((rc = framed_open(&ssh_kind, s, flags, &h)) == 0)
        return h;
    error_set(error, -rc, "cannot connect to ssh://%s: %s", uri,
              rc == -ECONNRESET ? "ssh ended before a broker answered" : strerror(-rc));
    errno = -rc;
    return NULL;
}

const struct connector ssh_connector = {"ssh", ssh_open};

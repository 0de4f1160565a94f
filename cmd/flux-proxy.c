/* flux-proxy - a command with an instance that is elsewhere: a local socket in front of
 * one connection to it (lib/broker/proxy.h), and a program that uses it.
 *
 * Exit code: the program's.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <flux/connector.h>
#include <flux/core.h>

#include "broker/proxy.h"
#include "cli/cli.h"
#include "cli/uri.h"
#include "env/file.h"
#include "env/proc.h"

extern char **environ;

#define RECONNECT_AFTER 1. /* seconds */

static const struct cli_option proxy_options[] = {
    {"force", 'f', CLI_NONE, NULL, "Go on although the versions differ"},
    {"nohup", 'n', CLI_NONE, NULL,
     "Do not hang up on the program when the connection fails"},
    {"reconnect", 0, CLI_NONE, NULL, "Connect again when the connection fails"},
    {0},
};

struct state {
    struct cli *c;
    struct env *env;
    flux_reactor_t *r;
    flux_t *h;
    struct proxy *proxy;
    flux_watcher_t *again, *child;
    char dir[PATH_MAX];
    pid_t pid;
    int pidfd, code;
};

/* -- the connection -- */

static void again_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct state *s = arg;

    if (proxy_reconnect(s->proxy) < 0) {
        flux_timer_watcher_reset(w, RECONNECT_AFTER, 0.);
        flux_watcher_start(w);
    } else {
        cli_fail(s->c, "connected again");
    }
}

static void lost_cb(int errnum, void *arg)
{
    struct state *s = arg;

    cli_fail(s->c, "the connection to the instance is lost: %s", strerror(errnum));
    if (cli_count(s->c, "reconnect")) {
        flux_timer_watcher_reset(s->again, 0.1, 0.);
        flux_watcher_start(s->again);
    } else if (!cli_count(s->c, "nohup")) {
        proc_kill(s->pidfd, SIGHUP);
        proc_kill(s->pidfd, SIGCONT);
    }
}

static bool same_version(const struct state *s)
{
    const char *theirs = flux_attr_get(s->h, "version"),
               *ours = flux_core_version_string();

    if (theirs && !strcmp(theirs, ours))
        return true;
    cli_fail(s->c, "%sthe instance is of version %s, this is %s%s",
             cli_count(s->c, "force") ? "warning: " : "", theirs ? theirs : "?", ours,
             cli_count(s->c, "force") ? "" : " (--force goes on regardless)");
    return cli_count(s->c, "force") > 0;
}

/* -- the program -- */

static void child_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct state *s = arg;
    int status = 0;

    if (proc_reap(s->env, s->pidfd, s->pid, &status, NULL) == -EAGAIN)
        return;
    s->code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    flux_watcher_stop(w);
    flux_reactor_stop(r);
}

static int start_program(struct state *s)
{
    static char *shell[] = {NULL, NULL};
    char **argv = cli_argv(s->c) + 1;
    struct proc_spec spec = {.envp = environ, .flags = PROC_SEARCH};
    const int fds[] = {0, 1, 2};
    const char *where = "exec";
    int rc;

    if (!*argv) {
        shell[0] = getenv("SHELL") ? getenv("SHELL") : "/bin/sh";
        argv = shell;
    }
    spec.path = argv[0];
    spec.argv = argv;
    spec.fdmap = fds;
    spec.nfds = 3;
    if ((rc = proc_spawn(s->env, &spec, &s->pid, &s->pidfd, &where)) < 0) {
        cli_fail(s->c, "%s: %s", argv[0], strerror(-rc));
        s->code = rc == -ENOENT ? 127 : 126;
        return -1;
    }
    s->child = flux_fd_watcher_create(s->r, s->pidfd, FLUX_POLLIN, child_cb, s);
    flux_watcher_start(s->child);
    return 0;
}

/* What is typed at the terminal is for the program. */
static void leave_signals_to_program(void)
{
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
}

/* -- the whole -- */

/* The host that a URI names, for prompts and scripts. */
static void tell_environment(const struct state *s, const char *uri, const char *socket)
{
    char text[PATH_MAX + 16], host[256] = "";
    const char *p = strncmp(uri, "ssh://", 6) ? NULL : uri + 6;

    if (p) {
        size_t len = strcspn(p, "/:");
        const char *at = memchr(p, '@', len);

        snprintf(host, sizeof(host), "%.*s", (int)(len - (at ? at + 1 - p : 0)),
                 at ? at + 1 : p);
    }
    snprintf(text, sizeof(text), "local://%s", socket);
    setenv("FLUX_URI", text, 1);
    if (*host)
        setenv("FLUX_PROXY_REMOTE", host, 1);
    else
        unsetenv("FLUX_PROXY_REMOTE");
}

static int serve(struct state *s, const char *uri)
{
    const char *tmp = getenv("TMPDIR");
    char socket[PATH_MAX + 16];
    flux_error_t err = {{0}};
    int rc;

    snprintf(s->dir, sizeof(s->dir), "%s/flux-proxy-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if ((rc = dir_make_temp(s->env, s->dir)) < 0)
        return cli_fail(s->c, "%s: %s", s->dir, strerror(-rc));
    snprintf(socket, sizeof(socket), "%s/local-0", s->dir);
    leave_signals_to_program();
    s->again = flux_timer_watcher_create(s->r, RECONNECT_AFTER, 0., again_cb, s);
    if (!s->again || proxy_new(s->r, s->h, socket, lost_cb, s, &s->proxy, &err) < 0)
        rc = cli_fail(s->c, "%s", err.text);
    tell_environment(s, uri, socket);
    if (rc == 0 && start_program(s) == 0 && flux_reactor_run(s->r, 0) < 0)
        s->code = cli_fail(s->c, "%s", strerror(errno));
    flux_watcher_destroy(s->again);
    flux_watcher_destroy(s->child);
    proxy_free(s->proxy);
    (void)dir_remove(s->env, s->dir);
    return rc ? rc : s->code;
}

static int run_proxy(struct cli *c)
{
    struct state s = {.c = c, .pidfd = -1};
    flux_error_t err = {{0}};
    char *uri;
    int rc = 1;

    if (cli_argc(c) == 0)
        return cli_usage(c, "the instance is needed: a job id, or as for flux-uri");
    if (!(uri = uri_resolve(cli_arg(c, 0), URI_NEAR, false, &err)))
        return cli_fail(c, "%s", err.text);
    if (env_new_real(&s.env) < 0 || !(s.r = flux_reactor_create_env(s.env)))
        cli_fail(c, "%s", strerror(errno));
    else if (!(s.h = flux_open_ex(uri, 0, &err)))
        cli_fail(c, "%s", err.text);
    else if (same_version(&s) && flux_set_reactor(s.h, s.r) == 0)
        rc = serve(&s, uri);
    free(uri);
    flux_close(s.h);
    flux_reactor_destroy(s.r);
    env_unref(s.env);
    return rc;
}

static const struct cli_command proxy_command = {
    .name = "proxy",
    .args = "TARGET [PROGRAM [ARGS]]",
    .help = "Run a program (default: a shell) with an instance that is elsewhere",
    .options = (const struct cli_option *const[]){proxy_options, NULL},
    .run = run_proxy,
};

int main(int argc, char **argv)
{
    return cli_main(&proxy_command, "flux-proxy", argc, argv);
}

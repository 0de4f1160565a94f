/* flux-launcher - what `flux start --test-size=N` becomes: options, signals; the rest is
 * lib/broker/launcher.c. Not for users: its options are those of flux start, checked there.
 *
 *     flux-launcher --size=N [OPTIONS] BROKER [BROKER-OPTIONS] [-- PROGRAM [ARG...]]
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fsd.h"
#include "broker/launcher.h"

#define EXIT_TIMEOUT 20.0 /* seconds */

struct main {
    struct env *env;
    struct loop *loop;
    struct launcher *launcher;
    struct watcher *signals[3];
};

static const struct option options[] = {
    {"size", required_argument, NULL, 's'},
    {"rundir", required_argument, NULL, 'r'},
    {"test-rundir", required_argument, NULL, 'R'},
    {"test-rundir-cleanup", no_argument, NULL, 'C'},
    {"statedir", required_argument, NULL, 'd'},
    {"test-hosts", required_argument, NULL, 'h'},
    {"test-exit-timeout", required_argument, NULL, 't'},
    {"test-exit-mode", required_argument, NULL, 'e'},
    {"test-start-mode", required_argument, NULL, 'm'},
    {"test-pmi-clique", required_argument, NULL, 'q'},
    {"wrap", required_argument, NULL, 'w'},
    {"noexec", no_argument, NULL, 'X'},
    {0},
};

struct wanted {
    struct launcher_conf conf;
    bool noexec;
    char *wrap[64];
};

static void die(const char *text)
{
    fprintf(stderr, "flux-start: %s\n", text);
    exit(1);
}

static void split(char *text, char **v, int max)
{
    char *save = NULL;
    int n = 0;

    for (char *s = strtok_r(text, ",", &save); s && n + 1 < max;
         s = strtok_r(NULL, ",", &save))
        v[n++] = s;
    v[n] = NULL;
}

static void take_option(int c, char *arg, struct wanted *w)
{
    struct launcher_conf *conf = &w->conf;

    if (c == 's')
        conf->size = (uint32_t)atoi(arg);
    else if (c == 'r' || c == 'R') {
        conf->rundir = arg;
        conf->rundir_must_exist = c == 'R';
    } else if (c == 'C')
        conf->rundir_cleanup = true;
    else if (c == 'd')
        conf->statedir = arg;
    else if (c == 'h')
        conf->hosts = arg;
    else if (c == 't') {
        if (fsd_parse(arg, &conf->exit_timeout) < 0)
            die("--test-exit-timeout: no duration");
        if (conf->exit_timeout > 1e9)
            conf->exit_timeout = -1;
    } else if (c == 'e')
        conf->exit_leader = !strcmp(arg, "leader");
    else if (c == 'm')
        conf->start_leader = !strcmp(arg, "leader");
    else if (c == 'q')
        conf->clique = arg;
    else if (c == 'w') {
        split(arg, w->wrap, 64);
        conf->wrap = w->wrap;
    } else if (c == 'X')
        w->noexec = true;
    else
        exit(1);
}

/* BROKER [BROKER-OPTIONS] [-- PROGRAM [ARG...]] */
static void take_rest(char **argv, struct launcher_conf *conf)
{
    if (!*argv || conf->size < 1)
        die("flux-launcher: expected --size=N BROKER");
    conf->broker = *argv++;
    conf->options = argv;
    for (; *argv; argv++) {
        if (!strcmp(*argv, "--")) {
            *argv = NULL;
            conf->program = argv[1] ? argv + 1 : NULL;
            break;
        }
    }
}

static void say(const char *text, void *arg)
{
    fprintf(stderr, "flux-start: %s\n", text);
}

static void print_command(char *const *argv, void *arg)
{
    for (int i = 0; argv[i]; i++)
        printf("%s%s", argv[i], argv[i + 1] ? " " : "\n");
}

/* What is typed at a terminal comes to the leader as well, without us. */
static bool leader_has_it(int signum)
{
    return signum == SIGINT && tcgetpgrp(STDIN_FILENO) == getpgrp();
}

static void signal_cb(struct watcher *w, int revents, void *arg)
{
    struct main *m = arg;

    if (!leader_has_it(watcher_signal_get(w)))
        launcher_signal(m->launcher, watcher_signal_get(w));
}

static int watch_signals(struct main *m)
{
    static const int signums[] = {SIGINT, SIGTERM, SIGHUP};
    int rc = 0;

    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < 3 && rc == 0; i++)
        rc = watcher_new_signal(m->loop, signums[i], signal_cb, m, &m->signals[i]);
    for (int i = 0; i < 3 && rc == 0; i++) {
        watcher_start(m->signals[i]);
        watcher_unref(m->signals[i]);
    }
    return rc;
}

static int run(struct main *m, struct wanted *w)
{
    flux_error_t err = {{0}};
    int rc;

    if ((rc = env_new_real(&m->env)) < 0 || (rc = loop_new(m->env, &m->loop)) < 0 ||
        (rc = watch_signals(m)) < 0)
        die(strerror(-rc));
    w->conf.loop = m->loop;
    if (launcher_new(&w->conf, &m->launcher, &err) < 0)
        die(err.text);
    if (w->noexec) {
        launcher_each_command(m->launcher, print_command, NULL);
        return 0;
    }
    if (launcher_start(m->launcher, &err) < 0) {
        say(err.text, NULL);
        return 1;
    }
    while (!launcher_is_over(m->launcher)) {
        if (loop_run(m->loop, 0) < 0)
            return 1;
    }
    return launcher_exit_code(m->launcher);
}

int main(int argc, char **argv)
{
    struct wanted w = {
        .conf = {.exit_timeout = EXIT_TIMEOUT, .environment = environ, .say = say}};
    struct main m = {0};
    int c, code;

    while ((c = getopt_long(argc, argv, "+", options, NULL)) >= 0)
        take_option(c, optarg, &w);
    take_rest(argv + optind, &w.conf);
    code = run(&m, &w);
    launcher_free(m.launcher);
    for (int i = 0; i < 3; i++)
        watcher_free(m.signals[i]);
    loop_unref(m.loop);
    env_unref(m.env);
    return code;
}

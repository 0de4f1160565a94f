/* flux-broker - one broker as a process of its own: options, signals, descriptors; the rest
 * is lib/broker.
 *
 *     flux-broker [-v] [-S NAME=VALUE]... [-c PATH] [--conf KEY=VALUE]... [PROGRAM [ARG...]]
 *
 * Exit code: the initial program's; 1 when the broker does not come up.
 */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <flux/connector.h>

#include "broker/broker.h"

#define MAX_OPTIONS 256

struct main {
    struct env *env;
    flux_reactor_t *reactor;
    struct broker *broker;
    struct watcher *signals[4];
    int stops; /* signals that asked us to end */
};

static const char usage[] =
    "Usage: flux-broker [OPTIONS] [PROGRAM [ARG...]]\n"
    "Run one broker, and PROGRAM in it; the broker ends when PROGRAM does.\n"
    "  -S, --setattr=NAME=VALUE  set a broker attribute\n"
    "  -c, --config-path=PATH    read configuration from a file or folder\n"
    "      --conf=KEY=VALUE      set one configuration key\n"
    "  -v, --verbose             log more on stderr; twice: everything\n"
    "  -h, --help                this text\n";

static const struct option options[] = {
    {"setattr", required_argument, NULL, 'S'},
    {"config-path", required_argument, NULL, 'c'},
    {"conf", required_argument, NULL, 'C'},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

struct lists {
    const char *attrs[MAX_OPTIONS + 1], *keys[MAX_OPTIONS + 1];
    int nattrs, nkeys;
};

static void add(const char **list, int *n, const char *s)
{
    if (*n == MAX_OPTIONS) {
        fprintf(stderr, "flux-broker: more than %d options of a kind\n", MAX_OPTIONS);
        exit(1);
    }
    list[(*n)++] = s;
}

static void parse(int argc, char **argv, struct lists *l, struct flux_instance_options *o)
{
    int c, verbose = 0;

    while ((c = getopt_long(argc, argv, "+S:c:vh", options, NULL)) >= 0) {
        if (c == 'S')
            add(l->attrs, &l->nattrs, optarg);
        else if (c == 'C')
            add(l->keys, &l->nkeys, optarg);
        else if (c == 'c')
            o->config = optarg;
        else if (c == 'v')
            verbose++;
        else {
            fputs(usage, c == 'h' ? stdout : stderr);
            exit(c == 'h' ? 0 : 1);
        }
    }
    if (verbose)
        add(l->attrs, &l->nattrs,
            verbose > 1 ? "log-stderr-level=7" : "log-stderr-level=6");
    o->attrs = l->attrs;
    o->config_keys = l->keys;
    o->program = optind < argc ? (const char *const *)argv + optind : NULL;
}

/* A line of the log, without what a terminal would obey. */
static void log_cb(int level, const char *appname, const char *text, void *arg)
{
    const struct main *m = arg;
    static const char *const names[] = {"emerg",   "alert",  "crit", "err",
                                        "warning", "notice", "info", "debug"};
    char line[1200];
    int n = snprintf(line, sizeof(line), "%s.%s[%s]: %s", appname, names[level & 7],
                     m->broker ? log_speaker(m->broker->log) : "0", text);

    for (int i = 0; i < n && line[i]; i++) {
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            line[i] = '?';
    }
    fprintf(stderr, "%s\n", line);
}

static void stop_cb(struct watcher *w, int revents, void *arg)
{
    struct main *m = arg;

    if (m->stops++ > 1) { /* the third: whatever hangs, hangs */
        fprintf(stderr, "flux-broker: killed by signal %d\n", watcher_signal_get(w));
        _exit(128 + watcher_signal_get(w));
    }
    broker_stop(m->broker);
}

static void child_cb(struct watcher *w, int revents, void *arg)
{
    proc_reap_orphans(((struct main *)arg)->env);
}

static int watch_signals(struct main *m)
{
    static const int stops[] = {SIGINT, SIGTERM, SIGHUP};
    struct loop *loop = flux_reactor_loop(m->reactor);
    int rc = 0;

    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < 3 && rc == 0; i++)
        rc = watcher_new_signal(loop, stops[i], stop_cb, m, &m->signals[i]);
    if (rc == 0)
        rc = watcher_new_signal(loop, SIGCHLD, child_cb, m, &m->signals[3]);
    for (int i = 0; i < 4 && rc == 0; i++)
        watcher_start(m->signals[i]);
    return rc;
}

static void up_cb(int errnum, const flux_error_t *err, void *arg)
{
    if (errnum)
        fprintf(stderr, "flux-broker: %s\n", err->text);
}

static int run(struct main *m, const struct flux_instance_options *opts)
{
    flux_error_t err = {{0}};
    rlim_t nofile = 0;
    int rc;

    if ((rc = env_new_real(&m->env)) < 0 ||
        !(m->reactor = flux_reactor_create_env(m->env)) ||
        (rc = broker_new(m->env, m->reactor, opts, &m->broker, &err)) < 0) {
        fprintf(stderr, "flux-broker: %s\n",
                err.text[0] ? err.text : strerror(rc < 0 ? -rc : errno));
        return 1;
    }
    if (proc_raise_nofile(m->env, &nofile) >= 0)
        m->broker->nofile = nofile;
    proc_set_subreaper(m->env);
    if ((rc = watch_signals(m)) < 0) {
        fprintf(stderr, "flux-broker: signals: %s\n", strerror(-rc));
        return 1;
    }
    broker_start(m->broker, up_cb, m);
    while (!broker_is_down(m->broker))
        flux_reactor_run(m->reactor, 0);
    return broker_exit_code(m->broker);
}

int main(int argc, char **argv)
{
    struct flux_instance_options opts = FLUX_INSTANCE_OPTIONS_INIT;
    struct lists lists = {0};
    struct main m = {0};
    int code;

    mallopt(M_ARENA_MAX, 2);
    /* Pages that a large message had serve the next one; what is free for a while is
     * given back by the broker (tidy.c). */
    mallopt(M_TRIM_THRESHOLD, 32 << 20);
    mallopt(M_MMAP_THRESHOLD, 8 << 20);
    opts.log = log_cb;
    opts.log_arg = &m;
    parse(argc, argv, &lists, &opts);
    code = run(&m, &opts);
    for (int i = 0; i < 4; i++)
        watcher_free(m.signals[i]);
    broker_free(m.broker);
    flux_reactor_destroy(m.reactor);
    env_unref(m.env);
    return code;
}

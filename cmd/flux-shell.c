/* flux-shell: the resident job shell of one user, started by job-exec through the
 * broker when the first job needs it. All it does is in lib/shell; here is what only a
 * program may do: signals, limits, exit codes.
 *
 *   flux-shell --uri=URI --dir=DIR --rank=RANK
 *
 * DIR is the statedir or rundir of the broker of that rank; the journal goes to DIR/shell,
 * output of jobs to DIR/output, their temporary files to DIR/tmp. Brokers may share a
 * folder, so with other ranks than 0 these are DIR/shell-RANK, ... Exit codes: 0 nothing more to do, 75 another shell holds the journal.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <flux/core.h>
#include <flux/connector.h>

#include "base/cleanup.h"
#include "env/file.h"
#include "env/proc.h"
#include "shell/shell.h"

static const struct option options[] = {
    {"uri", required_argument, NULL, 'u'},
    {"dir", required_argument, NULL, 'd'},
    {"rank", required_argument, NULL, 'r'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

struct args {
    const char *uri, *dir;
    unsigned rank;
};

static void usage(FILE *f)
{
    fprintf(f, "Usage: flux-shell --uri=URI --dir=DIR [--rank=RANK]\n"
               "The resident job shell; job-exec starts it.\n");
}

static int parse_rank(const char *s, unsigned *ret)
{
    char *end;
    errno = 0;
    unsigned long n = strtoul(s, &end, 10);
    if (errno || *end || end == s || n >= UINT32_MAX)
        return -1;
    *ret = (unsigned)n;
    return 0;
}

static int parse_args(int argc, char **argv, struct args *args)
{
    int c;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'u')
            args->uri = optarg;
        else if (c == 'd')
            args->dir = optarg;
        else if (c == 'r') {
            if (parse_rank(optarg, &args->rank) < 0)
                return -1;
        } else if (c == 'h') {
            usage(stdout);
            exit(0);
        } else
            return -1;
    }
    return args->uri && args->dir && optind == argc ? 0 : -1;
}

static flux_t *connect_broker(void *arg, flux_error_t *err)
{
    return flux_open_ex(arg, 0, err);
}

static void on_signal(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    shell_stop(arg);
}

/* SIGTERM ends it and all jobs; what else may come from a terminal is none of its
 * business. */
static flux_watcher_t *watch_signals(flux_reactor_t *r, struct shell *sh)
{
    flux_watcher_t *w = flux_signal_watcher_create(r, SIGTERM, on_signal, sh);
    if (!w)
        return NULL;
    flux_watcher_unref(w);
    flux_watcher_start(w);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    return w;
}

/* The private libpmi of this installation, if it has one. */
static const char *find_pmi(struct env *env)
{
    const char *path = flux_conf_builtin_get("pmi_library_path", FLUX_CONF_AUTO);
    struct stat st;
    return path && file_stat(env, path, &st) == 0 ? path : NULL;
}

static int folder(const struct args *args, const char *name, char **ret)
{
    return args->rank == 0 ? asprintf(ret, "%s/%s", args->dir, name)
                           : asprintf(ret, "%s/%s-%u", args->dir, name, args->rank);
}

static int run(struct env *env, flux_reactor_t *r, const struct args *args)
{
    AUTOFREE char *dir = NULL;
    AUTOFREE char *output = NULL;
    AUTOFREE char *tmp = NULL;
    struct shell *sh;
    flux_error_t err;
    rlim_t nofile = 0;
    if (folder(args, "shell", &dir) < 0 || folder(args, "output", &output) < 0 ||
        folder(args, "tmp", &tmp) < 0)
        return EX_OSERR;
    (void)proc_set_subreaper(env);
    (void)proc_raise_nofile(env, &nofile);
    struct shell_opts opts = {
        .env = env,
        .reactor = r,
        .connect = connect_broker,
        .connect_arg = (void *)args->uri,
        .userid = getuid(),
        .rank = args->rank,
        .uri = args->uri,
        .dir = dir,
        .output_dir = output,
        .tmp_dir = tmp,
        .pmi_library = find_pmi(env),
        .nofile = nofile,
        .orphan_timeout = 10,
    };
    int rc = shell_new(&opts, &sh, &err);
    if (rc < 0) {
        fprintf(stderr, "flux-shell: %s\n", err.text);
        return rc == -EBUSY ? EX_TEMPFAIL : EX_OSERR;
    }
    flux_watcher_t *signals = watch_signals(r, sh);
    if (signals) {
        shell_start(sh);
        shell_run(sh);
    } else
        fprintf(stderr, "flux-shell: signals: %s\n", strerror(errno));
    rc = signals ? 0 : EX_OSERR;
    flux_watcher_destroy(signals);
    shell_free(sh);
    return rc;
}

int main(int argc, char **argv)
{
    struct args args = {0};
    struct env *env;
    flux_reactor_t *r;
    if (parse_args(argc, argv, &args) < 0) {
        usage(stderr);
        return EX_USAGE;
    }
    if (env_new_real(&env) < 0 || !(r = flux_reactor_create_env(env))) {
        fprintf(stderr, "flux-shell: cannot make an event loop: %s\n", strerror(errno));
        return EX_OSERR;
    }
    int rc = run(env, r, &args);
    flux_reactor_destroy(r);
    env_unref(env);
    return rc;
}

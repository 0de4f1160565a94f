/* flux exec - run a command on brokers, with its output here. */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <flux/core.h>
#include <flux/idset.h>

#include "cli/iodata.h"
#include "cmds.h"

extern char **environ;

static const struct cli_option exec_options[] = {
    {"rank", 'r', CLI_REQUIRED, "IDSET", "Run on these broker ranks (default: all)"},
    {"exclude", 'x', CLI_REQUIRED, "IDSET", "But not on these"},
    {"dir", 'd', CLI_REQUIRED, "DIR", "Working directory"},
    {"label-io", 'l', CLI_NONE, NULL, "Put the rank before each line"},
    {"noinput", 'n', CLI_NONE, NULL, "Do not send stdin"},
    {"bg", 0, CLI_NONE, NULL, "Leave the processes running; print their pids"},
    {"label", 0, CLI_REQUIRED, "NAME", "Give the processes a name"},
    {"waitable", 0, CLI_NONE, NULL, "With --bg: the exit status can be asked for"},
    {"verbose", 'v', CLI_NONE, NULL, "Say what happens"},
    {"quiet", 'q', CLI_NONE, NULL, "Do not report exit codes"},
    {0},
};

struct exec {
    struct cli *c;
    flux_t *h;
    struct proc *procs;
    size_t n, left;
    flux_watcher_t *in, *sigint;
    int code;
};

struct proc {
    struct exec *x;
    unsigned rank;
    char name[16];
    flux_future_t *f;
    int pid;
    bool bol;
};

static void worst(struct exec *x, int code)
{
    if (code > x->code)
        x->code = code;
}

static void proc_gone(struct proc *p)
{
    flux_future_destroy(p->f);
    p->f = NULL;
    if (--p->x->left == 0)
        flux_reactor_stop(flux_get_reactor(p->x->h));
}

static void print_output(struct proc *p, const cJSON *io)
{
    const char *stream = cJSON_GetStringValue(cJSON_GetObjectItem(io, "stream"));
    FILE *f = stream && !strcmp(stream, "stderr") ? stderr : stdout;
    struct buf b = {0};

    iodata_decode(io, &b, NULL);
    if (!cli_count(p->x->c, "label-io") && b.len > 0)
        fwrite(b.data, 1, b.len, f);
    for (size_t i = 0; cli_count(p->x->c, "label-io") && i < b.len; i++) {
        if (p->bol)
            fprintf(f, "%u: ", p->rank);
        fputc(b.data[i], f);
        p->bol = b.data[i] == '\n';
    }
    fflush(f);
    buf_free(&b);
}

static void report_end(struct proc *p, int status)
{
    struct cli *c = p->x->c;

    if (WIFSIGNALED(status)) {
        worst(p->x, 128 + WTERMSIG(status));
        if (!cli_count(c, "quiet"))
            cli_fail(c, "[%u]: %s", p->rank, strsignal(WTERMSIG(status)));
    } else if (WEXITSTATUS(status)) {
        worst(p->x, WEXITSTATUS(status));
        if (!cli_count(c, "quiet"))
            cli_fail(c, "[%u]: Exit %d", p->rank, WEXITSTATUS(status));
    }
}

static void got_answer(flux_future_t *f, void *arg)
{
    struct proc *p = arg;
    const cJSON *io = NULL;
    const char *type;
    int status = 0, pid = 0;

    if (flux_rpc_get_unpack(f, "{s:s s?o s?i s?i}", "type", &type, "io", &io, "status",
                            &status, "pid", &pid) < 0) {
        if (errno != ENODATA) {
            int err = errno;

            worst(p->x, err == ENOENT ? 127 : err == EPERM || err == EACCES ? 126 : 1);
            cli_fail(p->x->c, "Error: rank %u: %s: %s", p->rank, cli_arg(p->x->c, 0),
                     flux_future_error_string(f));
        }
        proc_gone(p);
        return;
    }
    if (!strcmp(type, "started"))
        p->pid = pid;
    else if (!strcmp(type, "output"))
        print_output(p, io);
    else if (!strcmp(type, "finished"))
        report_end(p, status);
    flux_future_reset(f);
}

static cJSON *command(struct cli *c)
{
    const char *dir = cli_str(c, "dir", NULL), *label = cli_str(c, "label", NULL);
    char *cwd = dir ? strdup(dir) : getcwd(NULL, 0);
    cJSON *o = cJSON_CreateObject(), *line = cJSON_AddArrayToObject(o, "cmdline");
    cJSON *env = cJSON_AddObjectToObject(o, "env");

    for (int i = 0; i < cli_argc(c); i++)
        cJSON_AddItemToArray(line, cJSON_CreateString(cli_arg(c, i)));
    for (char **e = environ; *e; e++) {
        char *name = strndup(*e, strcspn(*e, "="));

        if (strcmp(name, "FLUX_URI"))
            cJSON_AddStringToObject(env, name, *e + strcspn(*e, "=") + 1);
        free(name);
    }
    if (cwd)
        cJSON_AddStringToObject(o, "cwd", cwd);
    if (label)
        cJSON_AddStringToObject(o, "label", label);
    cJSON_AddObjectToObject(o, "opts");
    cJSON_AddArrayToObject(o, "channels");
    free(cwd);
    return o;
}

static int start(struct exec *x, const char *payload)
{
    for (size_t i = 0; i < x->n; i++) {
        struct proc *p = &x->procs[i];

        p->f = flux_rpc(x->h, "rexec.exec", payload, p->rank, FLUX_RPC_STREAMING);
        if (!p->f || flux_future_then(p->f, -1., got_answer, p) < 0)
            return cli_fail(x->c, "rank %u: %s", p->rank, strerror(errno));
    }
    return 0;
}

static void send_input(struct exec *x, const char *data, size_t len, bool eof)
{
    for (size_t i = 0; i < x->n; i++) {
        struct proc *p = &x->procs[i];
        cJSON *io;
        flux_future_t *f;

        if (!p->f)
            continue;
        io = iodata_encode("stdin", p->name, data, len, eof);
        f = flux_rpc_pack(x->h, "rexec.write", p->rank, FLUX_RPC_NORESPONSE, "{s:i s:o}",
                          "matchtag", (int)flux_rpc_get_matchtag(p->f), "io", io);
        flux_future_destroy(f);
    }
}

static void on_stdin(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct exec *x = arg;
    char buf[4096];
    ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0)
        flux_watcher_stop(w);
    send_input(x, buf, n > 0 ? n : 0, n <= 0);
}

static void on_sigint(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct exec *x = arg;

    for (size_t i = 0; i < x->n; i++) {
        if (x->procs[i].f && x->procs[i].pid > 0)
            flux_future_destroy(flux_rpc_pack(x->h, "rexec.kill", x->procs[i].rank,
                                              FLUX_RPC_NORESPONSE, "{s:i s:i}", "pid",
                                              x->procs[i].pid, "signum", SIGINT));
    }
}

static int run_attached(struct exec *x, const char *payload)
{
    flux_reactor_t *r = flux_get_reactor(x->h);

    x->left = x->n;
    if (start(x, payload))
        return 1;
    x->sigint = flux_signal_watcher_create(r, SIGINT, on_sigint, x);
    flux_watcher_start(x->sigint);
    if (cli_count(x->c, "noinput"))
        send_input(x, NULL, 0, true);
    else if ((x->in = flux_fd_watcher_create(r, STDIN_FILENO, FLUX_POLLIN, on_stdin, x)))
        flux_watcher_start(x->in);
    if (flux_reactor_run(r, 0) < 0)
        worst(x, cli_fail(x->c, "reactor: %s", strerror(errno)));
    flux_watcher_destroy(x->in);
    flux_watcher_destroy(x->sigint);
    return x->code;
}

static int run_background(struct exec *x, const char *payload)
{
    for (size_t i = 0; i < x->n; i++) {
        struct proc *p = &x->procs[i];
        flux_future_t *f = flux_rpc(x->h, "rexec.exec", payload, p->rank, 0);
        int pid;

        if (!f || flux_rpc_get_unpack(f, "{s:i}", "pid", &pid) < 0)
            worst(x, cli_fail(x->c, "rank %u: %s", p->rank, flux_future_error_string(f)));
        else if (!cli_count(x->c, "quiet"))
            printf("%u: %d\n", p->rank, pid);
        flux_future_destroy(f);
    }
    return x->code;
}

/* --rank less --exclude. NULL after a message. */
static struct idset *target_ranks(struct exec *x, uint32_t size)
{
    const char *ranks = cli_str(x->c, "rank", "all"),
               *not = cli_str(x->c, "exclude", NULL);
    struct idset *ids, *excluded;

    if (!strcmp(ranks, "all")) {
        ids = idset_create(size, 0);
        idset_range_set(ids, 0, size - 1);
    } else if (!(ids = idset_decode(ranks))) {
        cli_usage(x->c, "--rank: '%s' is not a set of ranks", ranks);
        return NULL;
    }
    if (not ) {
        excluded = idset_decode(not );
        if (!excluded || idset_subtract(ids, excluded) < 0) {
            cli_usage(x->c, "--exclude: '%s' is not a set of ranks", not );
            idset_destroy(ids);
            ids = NULL;
        }
        idset_destroy(excluded);
    }
    if (ids && idset_count(ids) == 0) {
        cli_usage(x->c, "no ranks are left to run on");
        idset_destroy(ids);
        ids = NULL;
    }
    return ids;
}

static int exec_on(struct exec *x, const struct idset *ids)
{
    bool bg = cli_count(x->c, "bg") > 0;
    cJSON *o = cJSON_CreateObject();
    char *payload;
    int rc;

    x->n = idset_count(ids);
    x->procs = calloc(x->n, sizeof(*x->procs));
    for (unsigned i = 0, r = idset_first(ids); x->procs && i < x->n;
         r = idset_next(ids, r)) {
        snprintf(x->procs[i].name, sizeof(x->procs[i].name), "%u", r);
        x->procs[i].bol = true;
        x->procs[i].x = x;
        x->procs[i++].rank = r;
    }
    cJSON_AddItemToObject(o, "cmd", command(x->c));
    /* stdout and stderr forwarded; waitable */
    cJSON_AddNumberToObject(o, "flags",
                            (bg ? 0 : 3) | (cli_count(x->c, "waitable") ? 16 : 0));
    payload = cJSON_PrintUnformatted(o);
    cJSON_Delete(o);
    rc = bg ? run_background(x, payload) : run_attached(x, payload);
    for (size_t i = 0; i < x->n; i++)
        flux_future_destroy(x->procs[i].f);
    free(x->procs);
    cJSON_free(payload);
    return rc;
}

static int run_exec(struct cli *c)
{
    struct exec x = {.c = c};
    struct idset *ids;
    uint32_t size;
    int rc = 1;

    if (cli_argc(c) == 0)
        return cli_usage(c, "a command is needed");
    if (cli_count(c, "waitable") && !cli_count(c, "bg"))
        return cli_usage(c, "--waitable needs --bg");
    if (!(x.h = cli_open(c)))
        return 1;
    if (flux_get_size(x.h, &size) < 0)
        rc = cli_fail(c, "size: %s", strerror(errno));
    else if ((ids = target_ranks(&x, size))) {
        rc = exec_on(&x, ids);
        idset_destroy(ids);
    }
    flux_close(x.h);
    return rc;
}

const struct cli_command cmd_exec = {
    .name = "exec",
    .args = "COMMAND [ARGS]",
    .help = "Run a command on brokers",
    .options = (const struct cli_option *const[]){exec_options, NULL},
    .run = run_exec,
};

/* flux exec - run a command on brokers, with its output here.
 *
 * With several of them, or with labels, lines are put out whole. stdin goes to all; it is
 * read no faster than the slowest of them takes it.
 */

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

#define LINE_MAX_LEN 65536 /* longer ones are put out in pieces */
#define GIVE_UP_AFTER 2.   /* seconds in which a second ^C ends it */
#define EXIT_NOHOST 68     /* as of <sysexits.h> */

enum { /* flags of the request */
       EXEC_STDOUT = 1,
       EXEC_STDERR = 2,
       EXEC_CREDIT = 8,
       EXEC_WAITABLE = 16,
};

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
    bool by_line;
    flux_watcher_t *in, *sigint;
    double interrupted; /* when ^C was typed last */
    int code;
};

struct proc {
    struct exec *x;
    unsigned rank;
    char name[16];
    flux_future_t *f;
    int pid;
    long credit;        /* bytes of stdin it takes now */
    struct buf line[2]; /* of stdout, stderr: the beginning of a line */
};

static void worst(struct exec *x, int code)
{
    if (code > x->code)
        x->code = code;
}

/* -- output -- */

static void put(struct proc *p, FILE *f, const char *data, size_t len)
{
    if (cli_count(p->x->c, "label-io"))
        fprintf(f, "%u: ", p->rank);
    fwrite(data, 1, len, f);
}

/* Put out the whole lines, or at the end all there is. */
static void put_lines(struct proc *p, FILE *f, struct buf *b, bool all)
{
    size_t start = 0;

    while (start < b->len) {
        const char *nl = memchr(b->data + start, '\n', b->len - start);
        size_t len = nl ? (size_t)(nl - b->data) + 1 - start : b->len - start;

        if (!nl && !all && len < LINE_MAX_LEN)
            break;
        put(p, f, b->data + start, len);
        if (!nl && cli_count(p->x->c, "label-io"))
            fputc('\n', f);
        start += len;
    }
    buf_consume(b, start);
}

static void print_output(struct proc *p, const cJSON *io)
{
    const char *stream = cJSON_GetStringValue(cJSON_GetObjectItem(io, "stream"));
    bool err = stream && !strcmp(stream, "stderr"), eof = false;
    FILE *f = err ? stderr : stdout;
    struct buf b = {0};

    iodata_decode(io, &b, &eof);
    if (!p->x->by_line) {
        if (b.len > 0)
            fwrite(b.data, 1, b.len, f);
    } else {
        if (b.len > 0)
            buf_add(&p->line[err], b.data, b.len);
        put_lines(p, f, &p->line[err], eof);
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
    } else if (cli_count(c, "verbose")) {
        cli_fail(c, "[%u]: Exit 0", p->rank);
    }
}

/* -- what brokers tell of their process -- */

static void proc_gone(struct proc *p)
{
    put_lines(p, stdout, &p->line[0], true);
    put_lines(p, stderr, &p->line[1], true);
    fflush(stdout);
    flux_future_destroy(p->f);
    p->f = NULL;
    if (--p->x->left == 0)
        flux_reactor_stop(flux_get_reactor(p->x->h));
}

static void report_failure(struct proc *p)
{
    int err = errno;

    worst(p->x, err == ENOENT                   ? 127
                : err == EPERM || err == EACCES ? 126
                : err == EHOSTUNREACH           ? EXIT_NOHOST
                                                : 1);
    cli_fail(p->x->c, "Error: rank %u: %s: %s", p->rank, cli_arg(p->x->c, 0),
             err == EHOSTUNREACH ? "the broker cannot be reached" : cli_why(p->f));
}

static void add_credit(struct proc *p, const cJSON *channels)
{
    const cJSON *n = cJSON_GetObjectItem(channels, "stdin");

    if (cJSON_IsNumber(n))
        p->credit += n->valueint;
    if (p->x->in)
        flux_watcher_start(p->x->in);
}

static void got_answer(flux_future_t *f, void *arg)
{
    struct proc *p = arg;
    const cJSON *io = NULL, *channels = NULL;
    const char *type;
    int status = 0, pid = 0;

    if (flux_rpc_get_unpack(f, "{s:s s?o s?i s?i s?o}", "type", &type, "io", &io,
                            "status", &status, "pid", &pid, "channels", &channels) < 0) {
        if (errno != ENODATA)
            report_failure(p);
        proc_gone(p);
        return;
    }
    if (!strcmp(type, "started")) {
        p->pid = pid;
        if (cli_count(p->x->c, "verbose"))
            cli_fail(p->x->c, "[%u]: started as process %d", p->rank, pid);
    } else if (!strcmp(type, "output")) {
        print_output(p, io);
    } else if (!strcmp(type, "finished")) {
        report_end(p, status);
    } else if (!strcmp(type, "add-credit")) {
        add_credit(p, channels);
    }
    flux_future_reset(f);
}

/* -- starting -- */

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

/* -- input and signals -- */

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
        p->credit -= (long)len;
    }
}

/* What all that still run take. */
static size_t least_credit(const struct exec *x, size_t most)
{
    for (size_t i = 0; i < x->n; i++) {
        const struct proc *p = &x->procs[i];

        if (p->f && p->credit < (long)most)
            most = p->credit > 0 ? (size_t)p->credit : 0;
    }
    return most;
}

static void on_stdin(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct exec *x = arg;
    char buf[16384];
    size_t room = least_credit(x, sizeof(buf));
    ssize_t n;

    if (room == 0) {
        flux_watcher_stop(w);
        return;
    }
    n = read(STDIN_FILENO, buf, room);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        flux_watcher_destroy(w);
        x->in = NULL;
    }
    send_input(x, buf, n > 0 ? (size_t)n : 0, n <= 0);
}

static void on_sigint(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct exec *x = arg;
    double now = flux_reactor_now(r);

    if (x->interrupted > 0 && now - x->interrupted < GIVE_UP_AFTER) {
        worst(x, 128 + SIGINT);
        flux_reactor_stop(r);
        return;
    }
    x->interrupted = now;
    for (size_t i = 0; i < x->n; i++) {
        if (x->procs[i].f && x->procs[i].pid > 0)
            flux_future_destroy(flux_rpc_pack(x->h, "rexec.kill", x->procs[i].rank,
                                              FLUX_RPC_NORESPONSE, "{s:i s:i}", "pid",
                                              x->procs[i].pid, "signum", SIGINT));
    }
    cli_fail(x->c, "interrupted: waiting for the processes to end (^C again gives up)");
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
            worst(x, cli_fail(x->c, "rank %u: %s", p->rank, cli_why(f)));
        else if (!cli_count(x->c, "quiet"))
            printf("%u: %d\n", p->rank, pid);
        flux_future_destroy(f);
    }
    return x->code;
}

static int exec_on(struct exec *x, const struct idset *ids)
{
    bool bg = cli_count(x->c, "bg") > 0;
    cJSON *o = cJSON_CreateObject();
    char *payload;
    int rc;

    x->n = idset_count(ids);
    x->by_line = x->n > 1 || cli_count(x->c, "label-io");
    x->procs = calloc(x->n, sizeof(*x->procs));
    for (unsigned i = 0, r = idset_first(ids); x->procs && i < x->n;
         r = idset_next(ids, r)) {
        snprintf(x->procs[i].name, sizeof(x->procs[i].name), "%u", r);
        x->procs[i].x = x;
        x->procs[i++].rank = r;
    }
    cJSON_AddItemToObject(o, "cmd", command(x->c));
    cJSON_AddNumberToObject(o, "flags",
                            (bg ? 0 : EXEC_STDOUT | EXEC_STDERR | EXEC_CREDIT) |
                                (cli_count(x->c, "waitable") ? EXEC_WAITABLE : 0));
    payload = cJSON_PrintUnformatted(o);
    cJSON_Delete(o);
    rc = bg ? run_background(x, payload) : run_attached(x, payload);
    for (size_t i = 0; i < x->n; i++) {
        flux_future_destroy(x->procs[i].f);
        buf_free(&x->procs[i].line[0]);
        buf_free(&x->procs[i].line[1]);
    }
    free(x->procs);
    cJSON_free(payload);
    return rc;
}

static int exec_all(struct cli *c, flux_t *h)
{
    struct exec x = {.c = c, .h = h};
    struct idset *ids = cli_ranks(c, h, "rank", "all", "exclude");
    int rc = ids ? exec_on(&x, ids) : CLI_EXIT_USAGE;

    idset_destroy(ids);
    return rc;
}

static int run_exec(struct cli *c)
{
    if (cli_argc(c) == 0)
        return cli_usage(c, "a command is needed");
    if (cli_count(c, "waitable") && !cli_count(c, "bg"))
        return cli_usage(c, "--waitable needs --bg");
    return cli_with_handle(c, exec_all);
}

const struct cli_command cmd_exec = {
    .name = "exec",
    .args = "COMMAND [ARGS]",
    .help = "Run a command on brokers",
    .options = (const struct cli_option *const[]){exec_options, NULL},
    .run = run_exec,
};

/* One rexec process: what comes out of it goes to the client as it comes. A client that
 * does not keep up slows the process down (its pipes fill), never the broker.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/strv.h"
#include "base/utf8.h"
#include "broker/broker.h"
#include "broker/process.h"
#include "env/local.h"

#define READ_SIZE 32768
#define BACKLOG_MAX (4u << 20)
#define LOOK_AGAIN 0.02  /* seconds */
#define CREDIT (4 << 20) /* bytes of stdin a client may send ahead */

static void maybe_done(struct process *p);

static void set_reading(struct process *p, bool on)
{
    struct stream *s[] = {&p->out, &p->err};

    for (int i = 0; i < 2; i++) {
        if (s[i]->fd < 0)
            continue;
        if (on)
            watcher_start(s[i]->w);
        else
            watcher_stop(s[i]->w);
    }
}

static void stream_close(struct stream *s)
{
    watcher_free(TAKE(s->w));
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

static void send_output(struct stream *s, const char *data, size_t len)
{
    struct process *p = s->process;
    struct core *c = p->broker->core;
    const char *rank = attrs_get(p->broker->attrs, "rank");
    AUTOFREE char *b64 = NULL;

    if (len == 0)
        core_respond(c, p->msg, "{s:s s:i s:{s:s s:s s:b}}", "type", "output", "pid",
                     (int)p->pid, "io", "stream", s->name, "rank", rank, "eof", 1);
    else if (utf8_valid(data, len) && !memchr(data, '\0', len))
        core_respond(c, p->msg, "{s:s s:i s:{s:s s:s s:s#}}", "type", "output", "pid",
                     (int)p->pid, "io", "stream", s->name, "rank", rank, "data", data,
                     len);
    else if ((b64 = malloc(base64_encoded_len(len) + 1))) {
        base64_encode(b64, data, len);
        core_respond(c, p->msg, "{s:s s:i s:{s:s s:s s:s s:s}}", "type", "output", "pid",
                     (int)p->pid, "io", "stream", s->name, "rank", rank, "encoding",
                     "base64", "data", b64);
    }
}

static void output_cb(struct watcher *w, int revents, void *arg)
{
    struct stream *s = arg;
    struct process *p = s->process;
    char data[READ_SIZE];
    ssize_t n = read(s->fd, data, sizeof(data));

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        send_output(s, NULL, 0);
        stream_close(s);
        maybe_done(p);
        return;
    }
    send_output(s, data, n);
    if (core_backlog(p->broker->core, p->msg) > BACKLOG_MAX) {
        set_reading(p, false);
        watcher_timer_set(p->again, LOOK_AGAIN, 0);
        watcher_start(p->again);
    }
}

static void again_cb(struct watcher *w, int revents, void *arg)
{
    struct process *p = arg;

    if (core_backlog(p->broker->core, p->msg) > BACKLOG_MAX / 2) {
        watcher_timer_set(p->again, LOOK_AGAIN, 0);
        watcher_start(p->again);
    } else
        set_reading(p, true);
}

static void give_credit(struct process *p, size_t n)
{
    if (p->msg && (p->flags & REXEC_CREDIT) && n > 0)
        core_respond(p->broker->core, p->msg, "{s:s s:{s:i}}", "type", "add-credit",
                     "channels", "stdin", (int)n);
}

static void write_input(struct process *p)
{
    size_t total = 0;

    while (p->in.fd >= 0 && p->input.len > 0) {
        struct iovec iov = {p->input.data, p->input.len};
        ssize_t n = local_writev(p->in.fd, &iov, 1);

        if (n == -EAGAIN)
            break;
        if (n < 0) { /* it closed its stdin: what is left has no reader */
            buf_free(&p->input);
            stream_close(&p->in);
            return;
        }
        buf_consume(&p->input, n);
        total += n;
    }
    give_credit(p, total);
    if (p->in.fd < 0)
        return;
    if (p->input.len > 0)
        watcher_start(p->in.w);
    else {
        watcher_stop(p->in.w);
        if (p->input_eof)
            stream_close(&p->in);
    }
}

static void input_cb(struct watcher *w, int revents, void *arg)
{
    write_input(((struct stream *)arg)->process);
}

int process_write(struct process *p, const cJSON *io)
{
    const char *data = NULL, *encoding = NULL, *name;
    int eof = 0, rc = 0;

    if (json_unpack(io, NULL, "{s:s s?s s?s s?b}", "stream", &name, "data", &data,
                    "encoding", &encoding, "eof", &eof) < 0 ||
        strcmp(name, "stdin") != 0)
        return -EPROTO;
    if (p->in.fd < 0)
        return 0;
    if (data && encoding && !strcmp(encoding, "base64"))
        rc = base64_decode_buf(&p->input, data, strlen(data));
    else if (data)
        rc = buf_adds(&p->input, data);
    p->input_eof |= eof;
    write_input(p);
    return rc;
}

int process_kill(struct process *p, int signum)
{
    if (p->exited)
        return -ESRCH;
    /* It leads its group, and is not reaped yet: the number is its own. */
    if (killpg(p->pid, signum) == 0)
        return 0;
    return proc_kill(p->pidfd, signum);
}

bool process_answer_waiters(struct process *p)
{
    const flux_msg_t *req;
    bool any = false;

    while ((req = flux_msglist_pop(p->waiters))) {
        core_respond(p->broker->core, req, "{s:i}", "status", p->status);
        flux_msg_decref(req);
        any = true;
    }
    return any;
}

static void maybe_done(struct process *p)
{
    if (!p->exited || p->out.fd >= 0 || p->err.fd >= 0)
        return;
    if (p->msg)
        core_error(p->broker->core, p->msg, ENODATA, NULL);
    p->done(p, p->done_arg);
}

static void exit_cb(struct watcher *w, int revents, void *arg)
{
    struct process *p = arg;

    p->status = 0xff00; /* when somebody else in this process reaped it */
    if (proc_reap(p->broker->env, p->pidfd, p->pid, &p->status, NULL) == -EAGAIN)
        return;
    p->exited = true;
    watcher_stop(p->exit);
    stream_close(&p->in);
    if (p->msg)
        core_respond(p->broker->core, p->msg, "{s:s s:i}", "type", "finished", "status",
                     p->status);
    maybe_done(p);
}

static int stream_watch(struct stream *s, int events, watcher_f cb)
{
    if (s->fd < 0)
        return 0;
    return watcher_new_fd(s->process->broker->loop, s->fd, events, cb, s, &s->w);
}

static int make_watchers(struct process *p)
{
    struct loop *loop = p->broker->loop;
    int rc;

    if ((rc = stream_watch(&p->out, LOOP_IN, output_cb)) < 0 ||
        (rc = stream_watch(&p->err, LOOP_IN, output_cb)) < 0 ||
        (rc = stream_watch(&p->in, LOOP_OUT, input_cb)) < 0 ||
        (rc = watcher_new_fd(loop, p->pidfd, LOOP_IN, exit_cb, p, &p->exit)) < 0)
        return rc;
    return watcher_new_timer(loop, LOOK_AGAIN, 0, again_cb, p, &p->again);
}

void process_watch(struct process *p, void (*done)(struct process *p, void *arg),
                   void *arg)
{
    p->done = done;
    p->done_arg = arg;
    give_credit(p, p->in.fd >= 0 ? CREDIT : 0);
    set_reading(p, true);
    watcher_start(p->exit);
}

void process_free(struct process *p)
{
    if (!p)
        return;
    list_del(&p->link);
    stream_close(&p->out);
    stream_close(&p->err);
    stream_close(&p->in);
    watcher_free(p->exit);
    watcher_free(p->again);
    if (p->pidfd >= 0)
        close(p->pidfd);
    buf_free(&p->input);
    flux_msglist_destroy(p->waiters);
    flux_msg_decref(p->msg);
    free(p->label);
    free(p->cmd);
    free(p);
}

/* ---- starting ---- */

/* What the child gets; closed in the parent afterwards. */
struct child_fds {
    int v[3];
};

static void child_fds_close(struct child_fds *c)
{
    for (int i = 0; i < 3; i++) {
        if (c->v[i] >= 0)
            close(c->v[i]);
    }
}

/* A pipe whose reading end is ours. */
static int make_pipe(struct stream *s, int *ret_child)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    s->fd = fds[0];
    *ret_child = fds[1];
    return fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

/* stdin is a socket, so that writing to a dead process is no SIGPIPE for our host. */
static int make_input(struct stream *s, int *ret_child)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
        return -errno;
    s->fd = fds[0];
    *ret_child = fds[1];
    (void)shutdown(fds[0], SHUT_RD);
    return fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static int foreground_fds(struct process *p, struct child_fds *c)
{
    int rc = make_input(&p->in, &c->v[0]);

    if (rc == 0)
        rc = make_pipe(&p->out, &c->v[1]);
    if (rc == 0)
        rc = make_pipe(&p->err, &c->v[2]);
    return rc;
}

static int background_fds(struct process *p, const cJSON *cmd, struct child_fds *c)
{
    const char *given = json_str(json_get_path(cmd, "opts.output"));
    AUTOFREE char *path =
        given ? strdup(given) : dirs_path(&p->broker->dirs, "rexec.log");
    struct file *f;
    int rc;

    if (!path)
        return -ENOMEM;
    rc = file_open(p->broker->env, path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600,
                   &f);
    if (rc < 0)
        return rc;
    c->v[1] = fcntl(file_fd(f), F_DUPFD_CLOEXEC, 3);
    c->v[2] = fcntl(file_fd(f), F_DUPFD_CLOEXEC, 3);
    rc = c->v[1] < 0 || c->v[2] < 0 ? -errno : 0;
    file_close(f);
    return rc;
}

static char **string_array(const cJSON *a)
{
    char **v = calloc((size_t)cJSON_GetArraySize(a) + 1, sizeof(char *));
    size_t n = 0;
    const cJSON *s;

    cJSON_ArrayForEach(s, a)
    {
        if (!v || !json_str(s) || !(v[n++] = strdup(json_str(s)))) {
            strv_free(v);
            return NULL;
        }
    }
    return v;
}

/* "NAME=value" of each, with our FLUX_URI. */
static char **environment(const struct broker *b, const cJSON *env)
{
    size_t n = 0;
    char **v;
    const cJSON *s;

    if (!env || !env->child)
        return child_environment(b);
    if (!(v = calloc((size_t)cJSON_GetArraySize(env) + 2, sizeof(char *))))
        return NULL;
    cJSON_ArrayForEach(s, env)
    {
        if (!json_str(s) || !strcmp(s->string, "FLUX_URI"))
            continue;
        if (asprintf(&v[n++], "%s=%s", s->string, json_str(s)) < 0)
            goto error;
    }
    if (asprintf(&v[n], "FLUX_URI=%s", attrs_get(b->attrs, "local-uri")) >= 0)
        return v;
error:
    v[n ? n - 1 : 0] = NULL;
    strv_free(v);
    return NULL;
}

static int spawn(struct process *p, const cJSON *cmd, const struct child_fds *c,
                 flux_error_t *err)
{
    const cJSON *cmdline = json_get(cmd, "cmdline");
    const char *cwd = json_str(json_get(cmd, "cwd"));
    char **argv = cJSON_IsArray(cmdline) ? string_array(cmdline) : NULL;
    char **env = environment(p->broker, json_get(cmd, "env"));
    struct proc_spec spec = {
        .path = argv ? argv[0] : NULL,
        .argv = argv,
        .envp = env,
        .cwd = cwd,
        .fdmap = c->v,
        .nfds = 3,
        .flags = PROC_SEARCH | (p->background ? PROC_SETSID : PROC_SETPGRP),
    };
    struct proc_rlimit nofile = {RLIMIT_NOFILE, p->broker->nofile, p->broker->nofile};
    const char *where = "exec";
    int rc = -EPROTO;

    if (p->broker->nofile) {
        spec.rlimits = &nofile;
        spec.nrlimits = 1;
    }
    if (argv && argv[0] && env) {
        rc = proc_spawn(p->broker->env, &spec, &p->pid, &p->pidfd, &where);
        if (rc < 0)
            error_set(err, -rc, "%s %s: %s", where,
                      strcmp(where, "chdir") ? argv[0] : cwd, strerror(-rc));
        p->cmd = strdup(argv[0]);
    }
    strv_free(argv);
    strv_free(env);
    return rc;
}

int process_new(struct broker *b, const flux_msg_t *msg, const cJSON *cmd, int flags,
                bool background, struct process **ret, flux_error_t *err)
{
    struct process *p = calloc(1, sizeof(*p));
    const char *label = json_str(json_get(cmd, "label"));
    struct child_fds c = {{-1, -1, -1}};
    int rc = -ENOMEM;

    if (!p)
        return -ENOMEM;
    list_init(&p->link);
    p->broker = b;
    p->flags = flags;
    p->background = background;
    p->pidfd = -1;
    p->in = (struct stream){.process = p, .name = "stdin", .fd = -1};
    p->out = (struct stream){.process = p, .name = "stdout", .fd = -1};
    p->err = (struct stream){.process = p, .name = "stderr", .fd = -1};
    p->waiters = flux_msglist_create();
    p->label = label ? strdup(label) : NULL;
    if (p->waiters)
        rc = background ? background_fds(p, cmd, &c) : foreground_fds(p, &c);
    if (rc == 0)
        rc = spawn(p, cmd, &c, err);
    child_fds_close(&c);
    if (rc == 0 && (rc = make_watchers(p)) < 0)
        process_kill(p, SIGKILL);
    if (rc < 0) {
        process_free(p);
        return rc;
    }
    if (!background) {
        p->msg = flux_msg_incref(msg);
        flux_msg_get_matchtag(msg, &p->matchtag);
    }
    *ret = p;
    return 0;
}

/* One task of a job: see task.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/status.h"
#include "env/local.h"
#include "env/pipe.h"
#include "shell/pmi.h"
#include "shell/task.h"

#define FALLBACK_DIR "/tmp"

void task_init(struct task *t, struct job *job, unsigned index, unsigned rank)
{
    *t = (struct task){.job = job,
                       .index = index,
                       .rank = rank,
                       .pidfd = -1,
                       .pipe = {-1, -1},
                       .pmi_fd = -1};
}

__attribute__((format(printf, 2, 3))) static void say(struct task *t, const char *fmt,
                                                      ...)
{
    struct buf out = {0};
    va_list ap;
    if (t->message)
        buf_adds(&out, t->message);
    buf_addf(&out, "flux-shell: task %u: ", t->rank);
    va_start(ap, fmt);
    buf_vaddf(&out, fmt, ap);
    va_end(ap);
    buf_addc(&out, '\n');
    free(t->message);
    t->message = buf_take(&out, NULL);
}

struct fds {
    int child[4];       /* what the task gets: the last one is PMI_FD */
    int close_after[3]; /* the pipes' write ends, the socket's other end */
    struct file *input;
};

static void fds_close(struct fds *f)
{
    for (int i = 0; i < 3; i++)
        if (f->close_after[i] >= 0)
            pipe_close(f->close_after[i]);
    file_close(f->input);
}

static int open_input(struct task *t, const struct task_context *ctx, struct fds *f)
{
    AUTOFREE char *path = NULL;
    struct stat st;
    if (!ctx->plan->input)
        return 0;
    int rc = plan_path(ctx->plan, ctx->plan->input, t->index, &path);
    if (rc < 0)
        return rc;
    /* Opening a named pipe would wait for its writer, and hold up all jobs. */
    if (file_stat(ctx->env, path, &st) == 0 && S_ISFIFO(st.st_mode))
        rc = -ENXIO;
    else
        rc = file_open(ctx->env, path, O_RDONLY, 0, &f->input);
    if (rc < 0) {
        say(t, "cannot open input file '%s': %s", path, strerror(-rc));
        t->status = status_of_exit(1);
        return rc;
    }
    f->child[0] = file_fd(f->input);
    return 0;
}

static int open_output(struct task *t, const struct task_context *ctx, int which,
                       struct fds *f)
{
    int pipe[2];
    f->child[1 + which] = output_fd(ctx->output, t->index, which);
    if (f->child[1 + which] >= 0)
        return 0;
    int rc = pipe_open(ctx->env, pipe);
    if (rc < 0)
        return rc;
    t->pipe[which] = pipe[0];
    f->child[1 + which] = f->close_after[which] = pipe[1];
    return 0;
}

static int open_pmi(struct task *t, const struct task_context *ctx, struct fds *f)
{
    int pair[2];
    if (!ctx->plan->pmi)
        return 0;
    int rc = local_pair(ctx->env, pair);
    if (rc < 0)
        return rc;
    t->pmi_fd = pair[0];
    f->child[PMI_CHILD_FD] = f->close_after[2] = pair[1];
    return 0;
}

static int spawn(struct task *t, const struct task_context *ctx, const struct fds *f,
                 const char *cwd, const char **where)
{
    AUTOFREE char **argv = NULL;
    AUTOFREE char **envp = NULL;
    struct proc_rlimit limits[PLAN_MAX_RLIMITS + 1];
    unsigned nlimits = ctx->plan->nrlimits;
    memcpy(limits + 1, ctx->plan->rlimits, nlimits * sizeof(limits[0]));
    limits[0] = (struct proc_rlimit){RLIMIT_NOFILE, ctx->nofile, RLIM_INFINITY};
    int rc = plan_argv(ctx->plan, t->index, &argv);
    if (rc == 0)
        rc = taskenv_make(ctx->plan, ctx->env_opts, t->index, &envp);
    if (rc < 0)
        return rc;
    struct proc_spec spec = {
        .path = argv[0],
        .argv = argv,
        .envp = envp,
        .cwd = cwd,
        .fdmap = f->child,
        .nfds = f->child[PMI_CHILD_FD] >= 0 ? 4 : 3,
        .rlimits = ctx->nofile ? limits : limits + 1,
        .nrlimits = ctx->nofile ? nlimits + 1 : nlimits,
        .flags = PROC_SEARCH | (ctx->plan->own_group ? PROC_SETPGRP : 0),
    };
    return proc_spawn(ctx->env, &spec, &t->pid, &t->pidfd, where);
}

static int spawn_somewhere(struct task *t, const struct task_context *ctx,
                           const struct fds *f)
{
    const char *cwd = ctx->plan->info.cwd, *where = NULL;
    int rc = spawn(t, ctx, f, cwd, &where);
    if (rc < 0 && where && !strcmp(where, "chdir")) {
        say(t, "cannot change directory to '%s': %s; going to %s instead", cwd,
            strerror(-rc), FALLBACK_DIR);
        where = NULL;
        rc = spawn(t, ctx, f, FALLBACK_DIR, &where);
    }
    if (rc < 0) {
        const char *program = json_str(ctx->plan->info.command->child);
        say(t, "start failed: %s: %s%s%s", program ? program : "?", strerror(-rc),
            where && strcmp(where, "exec") != 0 ? " in " : "",
            where && strcmp(where, "exec") != 0 ? where : "");
        t->status = status_of_exec_error(-rc);
    }
    return rc;
}

void task_spawn(struct task *t, const struct task_context *ctx)
{
    struct fds f = {.child = {-1, -1, -1, -1}, .close_after = {-1, -1, -1}};
    t->status = status_of_exit(126);
    int rc = open_input(t, ctx, &f);
    for (int which = 0; which < 2 && rc == 0; which++) {
        rc = open_output(t, ctx, which, &f);
        if (rc < 0)
            say(t, "start failed: cannot make a pipe: %s", strerror(-rc));
    }
    if (rc == 0 && (rc = open_pmi(t, ctx, &f)) < 0)
        say(t, "start failed: cannot make a socket: %s", strerror(-rc));
    if (rc == 0)
        rc = spawn_somewhere(t, ctx, &f);
    fds_close(&f);
    if (rc < 0) {
        t->error = rc;
        t->pid = 0;
        for (int which = 0; which < 2; which++) {
            if (t->pipe[which] >= 0)
                pipe_close(t->pipe[which]);
            t->pipe[which] = -1;
        }
        local_close(t->pmi_fd);
        t->pmi_fd = -1;
    }
}

void task_clear(struct task *t)
{
    watcher_free(t->exit);
    for (int which = 0; which < 2; which++) {
        capture_free(t->capture[which]);
        if (t->pipe[which] >= 0)
            pipe_close(t->pipe[which]);
    }
    watcher_free(t->pmi_watcher);
    local_close(t->pmi_fd);
    if (t->pidfd >= 0)
        pipe_close(t->pidfd);
    free(t->message);
}

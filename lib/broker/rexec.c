/* The rexec service: requests, and the list of processes. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <flux/disconnect.h>

#include "base/cleanup.h"
#include "broker/broker.h"
#include "broker/process.h"
#include "env/local.h"

#define REAP_WAIT 1.0 /* seconds, at the end, for a killed process */

struct rexec {
    struct broker *broker;
    struct list processes;
};

int rexec_new(struct broker *b, struct rexec **ret)
{
    struct rexec *r = calloc(1, sizeof(*r));

    if (!r)
        return -ENOMEM;
    r->broker = b;
    list_init(&r->processes);
    *ret = r;
    return 0;
}

/* Wait for a process that was told to end, with the means to make it. */
static void see_off(struct process *p)
{
    int status;

    if (local_wait(p->pidfd, LOOP_IN, REAP_WAIT) <= 0) {
        process_kill(p, SIGKILL);
        (void)local_wait(p->pidfd, LOOP_IN, REAP_WAIT);
    }
    (void)proc_reap(p->broker->env, p->pidfd, p->pid, &status, NULL);
}

void rexec_free(struct rexec *r, enum rexec_end how)
{
    bool keep = how != REXEC_END;

    if (!r)
        return;
    list_each(p, &r->processes, struct process, link)
    {
        if (!p->background && how != REXEC_DROP)
            process_kill(p, SIGKILL);
        else if (!keep)
            process_kill(p, SIGTERM);
    }
    list_each(p, &r->processes, struct process, link)
    {
        if (!p->exited && how != REXEC_DROP && (!p->background || !keep))
            see_off(p);
        process_free(p);
    }
    free(r);
}

/* A finished process stays known only while somebody is to ask how it ended. */
static void process_done(struct process *p, void *arg)
{
    bool asked = process_answer_waiters(p);

    if (p->background && (p->flags & REXEC_WAITABLE) && !asked)
        return;
    process_free(p);
}

static struct process *find(struct rexec *r, int pid, const char *label)
{
    list_each(p, &r->processes, struct process, link)
    {
        if (pid > 0 ? p->pid == pid : label && p->label && !strcmp(p->label, label))
            return p;
    }
    return NULL;
}

static void exec_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct rexec *r = arg;
    struct core *c = r->broker->core;
    bool background = !flux_msg_is_streaming(msg);
    flux_error_t err = {{0}};
    const char *label = NULL;
    struct process *p;
    cJSON *cmd;
    int flags, rc;

    if (flux_msg_unpack(msg, "{s:o s:i}", "cmd", &cmd, "flags", &flags) < 0) {
        core_error(c, msg, errno, NULL);
        return;
    }
    label = json_str(json_get(cmd, "label"));
    if (label && find(r, 0, label)) {
        core_errorf(c, msg, EEXIST, "a process labelled '%s' exists", label);
        return;
    }
    if ((rc = process_new(r->broker, msg, cmd, flags, background, &p, &err)) < 0) {
        core_error(c, msg, rc, err.text);
        return;
    }
    list_append(&r->processes, &p->link);
    core_respond(c, msg, "{s:s s:i}", "type", "started", "pid", (int)p->pid);
    process_watch(p, process_done, r);
}

static void write_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct rexec *r = arg;
    struct core *c = r->broker->core;
    cJSON *io;
    int tag, rc = -ENOENT;

    if (flux_msg_unpack(msg, "{s:i s:o}", "matchtag", &tag, "io", &io) < 0) {
        core_error(c, msg, errno, NULL);
        return;
    }
    list_each(p, &r->processes, struct process, link)
    {
        if (p->msg && p->matchtag == (uint32_t)tag &&
            flux_msg_route_match_first(p->msg, msg)) {
            rc = process_write(p, io);
            break;
        }
    }
    if (rc < 0)
        core_error(c, msg, rc, NULL);
    else
        core_respond(c, msg, NULL);
}

static void kill_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct rexec *r = arg;
    struct core *c = r->broker->core;
    const char *label = NULL;
    struct process *p;
    int pid = 0, signum, rc;

    if (flux_msg_unpack(msg, "{s?i s?s s:i}", "pid", &pid, "label", &label, "signum",
                        &signum) < 0)
        core_error(c, msg, errno, NULL);
    else if (!(p = find(r, pid, label)))
        core_error(c, msg, ESRCH, "no such process of the rexec service");
    else if ((rc = process_kill(p, signum)) < 0)
        core_error(c, msg, rc, NULL);
    else
        core_respond(c, msg, NULL);
}

static void list_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct rexec *r = arg;
    cJSON *procs = cJSON_CreateArray();

    list_each(p, &r->processes, struct process, link)
    {
        cJSON *o =
            json_pack("{s:i s:s s:s s:s s:b}", "pid", (int)p->pid, "cmd",
                      p->cmd ? p->cmd : "", "state", p->exited ? "Z" : "R", "label",
                      p->label ? p->label : "", "background", p->background);

        if (procs && o)
            cJSON_AddItemToArray(procs, o);
    }
    core_respond(r->broker->core, msg, "{s:i s:o}", "rank", (int)r->broker->rank, "procs",
                 procs);
}

static void wait_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct rexec *r = arg;
    struct core *c = r->broker->core;
    const char *label = NULL;
    struct process *p;
    int pid = 0;

    if (flux_msg_unpack(msg, "{s?i s?s}", "pid", &pid, "label", &label) < 0)
        core_error(c, msg, errno, NULL);
    else if (!(p = find(r, pid, label)))
        core_error(c, msg, ENOENT, "no such process of the rexec service");
    else if (!(p->flags & REXEC_WAITABLE) || !p->background)
        core_error(c, msg, EINVAL, "the process was not started as waitable");
    else if (flux_msglist_append(p->waiters, msg) < 0)
        core_error(c, msg, errno, NULL);
    else if (p->exited)
        process_done(p, r);
}

static void disconnect_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct rexec *r = arg;

    list_each(p, &r->processes, struct process, link)
    {
        flux_msglist_disconnect(p->waiters, msg);
        if (p->msg && flux_disconnect_match(msg, p->msg))
            process_kill(p, SIGKILL);
    }
}

static const struct core_method methods[] = {
    {"rexec.exec", 0, exec_cb}, {"rexec.write", 0, write_cb},
    {"rexec.kill", 0, kill_cb}, {"rexec.list", 0, list_cb},
    {"rexec.wait", 0, wait_cb}, {"rexec.disconnect", 0, disconnect_cb},
};

int rexec_serve(struct rexec *r)
{
    return core_add(r->broker->core, methods, ARRAY_SIZE(methods), r);
}

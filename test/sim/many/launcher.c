/* What a simulated broker has in place of processes: the service rexec, which starts the
 * shell of its node. The shell outlives the broker; it dies with its host, or is killed.
 */
#include <errno.h>

#include <flux/connector.h>
#include <flux/msg_handler.h>
#include <flux/msglist.h>
#include <flux/response.h>
#include <flux/service.h>

#include "many.h"

#define EXIT_BUSY 75 /* another shell lives */

struct launcher {
    struct node *n;
    flux_t *h;
    flux_msg_handler_t **handlers;
    flux_future_t *service;
    struct flux_msglist *waiting; /* for the end of the shell */
    int busy_pid;                 /* of a process that found another shell alive */
};

/* ---- the shell ---- */

static void shell_start_here(struct node *n)
{
    n->shell_r = flux_reactor_create_env(n->env);
    n->shell_lives++;
    say(n->s, n, "shell starts, life %d", n->shell_lives);
    n->shell = shell_begin(n, n->shell_r);
}

void shell_end(struct node *n)
{
    if (!n->shell)
        return;
    shell_free(n->shell);
    flux_reactor_destroy(n->shell_r);
    n->shell = NULL;
    n->shell_r = NULL;
}

static void tell_end(struct launcher *l, int status)
{
    const flux_msg_t *msg;

    while ((msg = flux_msglist_pop(l->waiting))) {
        flux_respond_pack(l->h, msg, "{s:i}", "status", status);
        flux_msg_decref(msg);
    }
}

static void reap(struct node *n, int status)
{
    shell_end(n);
    if (n->launcher)
        tell_end(n->launcher, status);
}

void shell_kill(struct node *n)
{
    if (!n->shell)
        return;
    say(n->s, n, "KILL the shell");
    reap(n, 9);
}

void shell_tend(struct node *n)
{
    if (!n->shell || !shell_is_done(n->shell))
        return;
    say(n->s, n, "shell has ended");
    reap(n, 0);
}

/* ---- the service ---- */

static int shell_pid(const struct node *n)
{
    return 1000 + n->shell_lives;
}

static void exec_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct launcher *l = arg;
    struct node *n = l->n;

    if (n->shell)
        l->busy_pid = 100000 + n->shell_lives;
    else
        shell_start_here(n);
    flux_respond_pack(h, msg, "{s:s s:i}", "type", "started", "pid",
                      l->busy_pid ? l->busy_pid : shell_pid(n));
}

static void wait_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct launcher *l = arg;
    int pid;

    if (flux_request_unpack(msg, NULL, "{s:i}", "pid", &pid) < 0)
        flux_respond_error(h, msg, EPROTO, NULL);
    else if (pid == l->busy_pid) {
        l->busy_pid = 0;
        flux_respond_pack(h, msg, "{s:i}", "status", EXIT_BUSY << 8);
    } else if (!l->n->shell || pid != shell_pid(l->n))
        flux_respond_error(h, msg, ENOENT, "no such process of the rexec service");
    else
        flux_msglist_append(l->waiting, msg);
}

static void disconnect_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                          void *arg)
{
    flux_msglist_disconnect(((struct launcher *)arg)->waiting, msg);
}

static const struct flux_msg_handler_spec handlers[] = {
    {FLUX_MSGTYPE_REQUEST, "rexec.exec", exec_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "rexec.wait", wait_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "rexec.disconnect", disconnect_cb, 0},
    FLUX_MSGHANDLER_TABLE_END,
};

void launcher_open(struct node *n)
{
    struct launcher *l = calloc(1, sizeof(*l));

    l->n = n;
    l->waiting = flux_msglist_create();
    if (broker_open(n->b, &l->h) < 0 || flux_set_reactor(l->h, n->client_r) < 0 ||
        flux_msg_handler_addvec(l->h, handlers, l, &l->handlers) < 0 ||
        !(l->service = flux_service_register(l->h, "rexec")))
        abort();
    n->launcher = l;
}

void launcher_close(struct node *n)
{
    struct launcher *l = n->launcher;

    if (!l)
        return;
    n->launcher = NULL;
    flux_future_destroy(l->service);
    flux_msg_handler_delvec(l->handlers);
    flux_msglist_destroy(l->waiting);
    flux_close(l->h);
    free(l);
}

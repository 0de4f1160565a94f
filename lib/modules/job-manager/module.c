/* job-manager: the owner of all active jobs. It takes them from job-ingest, moves them
 * through the states of RFC 21, asks the scheduler for resources and the execution
 * service to run them, and writes every step to the store before anyone sees it.
 *
 * The parts: submit, control_*, query_*, purge, queue, drain, wait, annotate: requests
 * of clients; alloc*: the scheduler; exec*: the execution service; journal*: those who
 * watch; jobtap* and plugins/: policy; event, state, advance, batch: the life of a job;
 * record, specs, nonce, restart: what is in the store.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "modules/job-manager/alloc.h"
#include "modules/job-manager/annotate.h"
#include "modules/job-manager/batch.h"
#include "modules/job-manager/control.h"
#include "modules/job-manager/drain.h"
#include "modules/job-manager/exec.h"
#include "modules/job-manager/journal.h"
#include "modules/job-manager/jobtap.h"
#include "modules/job-manager/manager.h"
#include "modules/job-manager/module.h"
#include "modules/job-manager/nonce.h"
#include "modules/job-manager/purge.h"
#include "modules/job-manager/query.h"
#include "modules/job-manager/queue.h"
#include "modules/job-manager/restart.h"
#include "modules/job-manager/submit.h"
#include "modules/job-manager/wait.h"

static void disconnect_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                          void *arg)
{
    struct job_manager *jm = arg;

    alloc_disconnect(jm->alloc, msg);
    exec_disconnect(jm->exec, msg);
    journal_disconnect(jm->journal, msg);
    drain_disconnect(jm->drain, msg);
    wait_disconnect(jm->wait, msg);
}

static void config_reload_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                             void *arg)
{
    struct job_manager *jm = arg;
    const flux_conf_t *conf;
    flux_error_t err;

    if (flux_conf_reload_decode(msg, &conf) < 0) {
        manager_respond_error(jm, msg, EPROTO, "malformed config-reload request");
        return;
    }
    if (jobtap_configure(jm->jobtap, conf, &err) < 0 ||
        purger_configure(jm->purger, conf, &err) < 0) {
        manager_respond_error(jm, msg, EINVAL, "%s", err.text);
        flux_conf_decref(conf);
        return;
    }
    if (flux_set_conf_new(h, conf) < 0)
        flux_conf_decref(conf);
    flux_respond(h, msg, NULL);
}

static const struct flux_msg_handler_spec requests[] = {
    {FLUX_MSGTYPE_REQUEST, "job-manager.submit", submit_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "job-manager.sched-results", alloc_results_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "job-manager.exec-results", exec_results_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "job-manager.sched-hello", alloc_hello_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "job-manager.sched-ready", alloc_ready_cb, 0},
    {FLUX_MSGTYPE_RESPONSE, "sched.alloc", alloc_response_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "job-manager.exec-hello", exec_hello_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "job-manager.raise", raise_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "job-manager.raiseall", raiseall_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "job-manager.kill", kill_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "job-manager.killall", killall_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "job-manager.urgency", urgency_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "job-manager.update", update_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "job-manager.memo", memo_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "job-manager.wait", wait_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "job-manager.list", list_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "job-manager.getattr", getattr_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "job-manager.getinfo", getinfo_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "job-manager.history.get", history_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "job-manager.drain", drain_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "job-manager.idle", idle_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "job-manager.purge", purge_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "job-manager.purge-id", purge_id_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "job-manager.queue-list", queue_list_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "job-manager.queue-status", queue_status_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "job-manager.queue-enable", queue_enable_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "job-manager.queue-start", queue_start_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "job-manager.alloc-query", alloc_query_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "job-manager.resource-status", alloc_resource_status_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "job-manager.events-journal", journal_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "job-manager.events-journal-cancel", journal_cancel_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "job-manager.jobtap", jobtap_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "job-manager.jobtap-query", jobtap_query_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "job-manager.stats-get", stats_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "job-manager.config-reload", config_reload_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "job-manager.disconnect", disconnect_cb, FLUX_ROLE_USER},
    FLUX_MSGHANDLER_TABLE_END,
};

static void destroy(struct job_manager *jm)
{
    void *value;

    flux_msg_handler_delvec(jm->handlers);
    control_give_up(jm);
    batches_free(jm->batches);
    for (size_t it = 0; jm->jobs && umap_next(jm->jobs, &it, NULL, &value);)
        job_free(value, jm->strings);
    umap_free(jm->jobs);
    jobtap_free(jm->jobtap);
    alloc_destroy(jm->alloc);
    exec_destroy(jm->exec);
    journal_free(jm->journal);
    drain_free(jm->drain);
    wait_free(jm->wait);
    queue_free(jm->queue);
    restart_free(jm->restart);
    nonces_free(jm->nonces);
    purger_free(jm->purger);
    specs_free(jm->specs);
    intern_free(jm->strings);
    free(jm->store_name);
    if (jm->alive) {
        jm->alive->jm = NULL;
        if (--jm->alive->refs == 0)
            free(jm->alive);
    }
    free(jm);
}

static char *store_name(flux_t *h)
{
    const char *statedir = flux_attr_get(h, "statedir");
    char *name;

    if (!statedir || !*statedir)
        return strdup("the instance's store");
    return asprintf(&name, "%s/store.sqlite", statedir) < 0 ? NULL : name;
}

static int make_parts(struct job_manager *jm)
{
    int rc;

    if (!(jm->strings = intern_new()) || !(jm->jobs = umap_new(NULL)) ||
        !(jm->alive = calloc(1, sizeof(*jm->alive))) ||
        !(jm->store_name = store_name(jm->h)))
        return -ENOMEM;
    *jm->alive = (struct alive){.refs = 1, .jm = jm};
    if ((rc = restart_new(jm, &jm->restart)) < 0 ||
        (rc = specs_new(jm, &jm->specs)) < 0 ||
        (rc = nonces_new(jm, restart_store_was_empty(jm->restart), &jm->nonces)) < 0 ||
        (rc = wait_new(jm, &jm->wait)) < 0 || (rc = queue_new(jm, &jm->queue)) < 0 ||
        (rc = drain_new(jm, &jm->drain)) < 0 || (rc = alloc_new(jm, &jm->alloc)) < 0 ||
        (rc = exec_new(jm, &jm->exec)) < 0 || (rc = journal_new(jm, &jm->journal)) < 0 ||
        (rc = jobtap_new(jm, &jm->jobtap)) < 0 || (rc = purger_new(jm, &jm->purger)) < 0)
        return rc;
    return batches_new(jm, &jm->batches);
}

static int configure(struct job_manager *jm)
{
    const flux_conf_t *conf = flux_get_conf(jm->h);
    flux_error_t err;

    if (!conf)
        return 0;
    if (jobtap_configure(jm->jobtap, conf, &err) < 0 ||
        purger_configure(jm->purger, conf, &err) < 0) {
        flux_log(jm->h, LOG_ERR, "configuration: %s", err.text);
        return -EINVAL;
    }
    return 0;
}

static int init(flux_t *h, int argc, char **argv, void **ret_ctx)
{
    struct job_manager *jm = calloc(1, sizeof(*jm));
    int rc;

    if (!jm)
        return -1;
    jm->h = h;
    list_init(&jm->advance);
    list_init(&jm->relays);
    if (!(jm->store = flux_aux_get(h, "flux::store")) || !(jm->r = flux_get_reactor(h))) {
        flux_log(h, LOG_ERR, "job-manager needs the instance's store");
        free(jm);
        errno = EINVAL;
        return -1;
    }
    if ((rc = make_parts(jm)) == 0 && (rc = configure(jm)) == 0 &&
        (rc = restart_load(jm->restart)) == 0 &&
        flux_msg_handler_addvec(h, requests, jm, &jm->handlers) < 0)
        rc = -errno;
    if (rc < 0) {
        if (rc == -EIO && jm->store_name)
            flux_log(h, LOG_ERR,
                     "%s cannot be read: it is damaged: put a copy back, or choose "
                     "another statedir",
                     jm->store_name);
        else
            flux_log(h, LOG_ERR, "job-manager: %s", strerror(-rc));
        destroy(jm);
        errno = -rc;
        return -1;
    }
    *ret_ctx = jm;
    return 0;
}

static void fini(flux_t *h, void *ctx)
{
    struct job_manager *jm = ctx;

    batches_flush(jm->batches);
    destroy(jm);
}

void job_manager_abandon(flux_t *h, void *ctx)
{
    destroy(ctx);
}

const struct flux_module job_manager_module = {
    .abi = FLUX_MODULE_ABI,
    .size = sizeof(struct flux_module),
    .name = "job-manager",
    .init = init,
    .fini = fini,
    .flags = FLUX_MODULE_INLINE,
};

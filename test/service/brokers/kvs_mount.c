/* Watches of keys below a mount, whose services the test plays: it decides when they answer
 * and when they tell of a change.
 */
#include "watcher.h"

#include <stdio.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/cleanup.h"

#define JOB "job.0000.0000.0000.0001"
#define NS "job-1"

static struct cluster c;

/* job-info and job-manager. */
static struct {
    flux_t *h;
    flux_msg_handler_t **handlers;
    const char *log; /* what a lookup finds */
    bool hold;       /* the next lookup is answered later */
    unsigned lookups;
    const flux_msg_t *held, *follower, *journal;
} svc;

static void keep(const flux_msg_t **at, const flux_msg_t *msg)
{
    flux_msg_decref(*at);
    *at = flux_msg_incref(msg);
}

static void answer_lookup(const flux_msg_t *msg, const char *log)
{
    struct buf data = {0};

    base64_encode_buf(&data, log, strlen(log));
    ck_assert_int_eq(buf_addc(&data, '\0'), 0);
    ck_assert_int_eq(flux_respond_pack(svc.h, msg, "{s:{s:s s:s s:i}}", "val", "data",
                                       data.data, "type", "val", "ver", 1),
                     0);
    buf_free(&data);
}

static void lookup_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    svc.lookups++;
    if (svc.hold)
        keep(&svc.held, msg);
    else
        answer_lookup(msg, svc.log);
    svc.hold = false;
}

static void follow_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    keep(&svc.follower, msg);
}

static void journal_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                       void *arg)
{
    keep(&svc.journal, msg);
}

static void getinfo_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                       void *arg)
{
    ck_assert_int_eq(flux_respond(h, msg, "{\"max_jobid\":1}"), 0);
}

static void job_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    ck_assert_int_eq(flux_respond_pack(h, msg, "{s:I s:b}", "userid",
                                       (int64_t)FLUX_USERID_UNKNOWN, "active", 1),
                     0);
}

/* ---- the world ---- */

static void finish(flux_future_t *f)
{
    ck_assert_ptr_nonnull(f);
    cluster_wait(&c, f);
    ck_assert_msg(flux_future_get(f, NULL) == 0, "%s", flux_future_error_string(f));
    flux_future_destroy(f);
}

static void begin(int64_t world)
{
    static const char *const modules[] = {"kvs", NULL};
    static const struct flux_msg_handler_spec table[] = {
        {FLUX_MSGTYPE_REQUEST, "job-info.kvs-lookup", lookup_cb, 0},
        {FLUX_MSGTYPE_REQUEST, "job-info.eventlog-watch", follow_cb, 0},
        {FLUX_MSGTYPE_REQUEST, "job-info.kvs-job", job_cb, 0},
        {FLUX_MSGTYPE_REQUEST, "job-manager.events-journal", journal_cb, 0},
        {FLUX_MSGTYPE_REQUEST, "job-manager.getinfo", getinfo_cb, 0},
        FLUX_MSGHANDLER_TABLE_END,
    };

    memset(&svc, 0, sizeof(svc));
    cluster_init(&c, 1, NULL, world);
    c.modules = modules;
    cluster_add_all(&c);
    cluster_until_up(&c);
    ck_assert_int_eq(broker_open(c.m[0].b, &svc.h), 0);
    ck_assert_int_eq(flux_set_reactor(svc.h, c.r), 0);
    ck_assert_int_eq(flux_msg_handler_addvec(svc.h, table, NULL, &svc.handlers), 0);
    finish(flux_service_register(svc.h, "job-info"));
    finish(flux_service_register(svc.h, "job-manager"));
}

static void end(void)
{
    flux_msg_decref(svc.held);
    flux_msg_decref(svc.follower);
    flux_msg_decref(svc.journal);
    flux_msg_handler_delvec(svc.handlers);
    flux_close(svc.h);
    cluster_stop(&c);
    cluster_fini(&c);
}

static bool is_asked(struct cluster *cl, void *arg)
{
    return svc.lookups >= *(unsigned *)arg;
}

static void until_lookups(unsigned n)
{
    cluster_until(&c, is_asked, &n);
}

static bool is_there(struct cluster *cl, void *arg)
{
    return *(const flux_msg_t **)arg != NULL;
}

/* The service has the request. */
static void until_kept(const flux_msg_t **at)
{
    cluster_until(&c, is_there, at);
}

/* There is something new, or (errnum ENODATA) nothing more will come. */
static void tell(int errnum)
{
    const flux_msg_t *msg;

    until_kept(&svc.follower);
    if (errnum == 0) {
        ck_assert_int_eq(flux_respond(svc.h, svc.follower, "{\"event\":\"\"}"), 0);
        return;
    }
    msg = TAKE(svc.follower);
    ck_assert_int_eq(flux_respond_error(svc.h, msg, errnum, NULL), 0);
    flux_msg_decref(msg);
}

/* ---- the watcher ---- */

static void watch(struct watcher *w, const char *key)
{
    watcher_begin(w, &c,
                  flux_kvs_lookup(cluster_handle(&c, 0), NULL,
                                  FLUX_KVS_WATCH | FLUX_KVS_WATCH_APPEND, key));
}

/* ---- tests ---- */

/* What the service has does not change when the job gets a namespace for the rest. */
START_TEST(output_goes_on_when_the_namespace_is_made)
{
    struct watcher w;

    begin(WORLD);
    svc.log = "a";
    watch(&w, JOB ".guest.output");
    watcher_expect(&w, "a|");
    finish(flux_kvs_namespace_create(cluster_handle(&c, 0), NS, FLUX_USERID_UNKNOWN, 0));
    until_lookups(2);
    svc.log = "ab";
    tell(0);
    watcher_expect(&w, "a|b|");
    flux_kvs_lookup_cancel(w.f);
    watcher_expect_end(&w, "a|b|", ENODATA);
    end();
}
END_TEST

/* Nothing of an empty namespace is put into the tree: no commit tells of its end. */
START_TEST(output_ends_behind_an_empty_namespace)
{
    struct watcher w;

    begin(WORLD);
    svc.log = "a";
    finish(flux_kvs_namespace_create(cluster_handle(&c, 0), NS, FLUX_USERID_UNKNOWN, 0));
    until_kept(&svc.journal);
    watch(&w, JOB ".guest.output");
    watcher_expect(&w, "a|");
    tell(ENODATA); /* no more output */
    svc.log = "ab";
    tell(ENODATA); /* the job has ended */
    watcher_expect(&w, "a|b|");
    /* Behind an answer, which is behind the end of the last look. */
    finish(flux_rpc(svc.h, "kvs.stats-get", NULL, FLUX_NODEID_ANY, 0));
    ck_assert_int_eq(w.errnum, 0);
    ck_assert_int_eq(flux_respond_pack(svc.h, svc.journal, "{s:I s:[{s:s}]}", "id",
                                       (int64_t)1, "events", "name", "clean"),
                     0);
    watcher_expect_end(&w, "a|b|", ENODATA);
    end();
}
END_TEST

/* A commit makes the watch look again, where nothing has changed for it; when the service
 * tells of a change meanwhile, that look must not be left out. */
START_TEST(a_change_during_a_look_is_told)
{
    flux_kvs_txn_t *txn = flux_kvs_txn_create();
    struct watcher w;

    begin(WORLD);
    svc.log = "a";
    watch(&w, JOB ".eventlog");
    watcher_expect(&w, "a|");
    svc.hold = true;
    tell(0);
    until_kept(&svc.held);
    ck_assert_int_eq(flux_kvs_txn_put(txn, 0, "other", "1"), 0);
    finish(flux_kvs_commit(cluster_handle(&c, 0), NULL, 0, txn));
    svc.log = "ab";
    tell(ENODATA);
    answer_lookup(svc.held, "a");
    watcher_expect_end(&w, "a|b|", ENODATA);
    flux_kvs_txn_destroy(txn);
    end();
}
END_TEST

CLUSTER_MAIN("brokers/kvs_mount", output_goes_on_when_the_namespace_is_made,
             output_ends_behind_an_empty_namespace, a_change_during_a_look_is_told)

/* A disk that takes nothing. Full: jobs that end stay in the job manager's memory, and are
 * listed from there; what may not come again does not. Failed: nobody tries again.
 */
#include "cluster.h"

#include <flux/job.h>
#include <flux/kvs.h>

#include "base/json.h"
#include "env/sim_faults.h"
#include "suite.h"

static struct cluster c;

static void begin_world(int64_t seed)
{
    static const char *const modules[] = {
        "kvs",      "heartbeat", "resource", "job-manager", "job-ingest",
        "job-exec", "sched",     "job-list", "job-info",    NULL};

    cluster_init(&c, 1, NULL, seed);
    sim_disk_track(c.env);
    c.modules = modules;
    c.durable = true;
    c.config = "{\"fake-resources\":{\"nnodes\":1,\"cores-per-node\":4}}";
    cluster_add_all(&c);
    cluster_until_up(&c);
}

static void begin(void)
{
    begin_world(1);
}

static flux_future_t *send_job(const char *nonce)
{
    static const char spec[] =
        "{\"version\":1,\"resources\":[{\"type\":\"slot\",\"count\":1,\"label\":\"task\","
        "\"with\":[{\"type\":\"core\",\"count\":1}]}],\"tasks\":[{\"command\":[\"true\"],"
        "\"slot\":\"task\",\"count\":{\"per_slot\":1}}],\"attributes\":{\"system\":{"
        "\"duration\":0,\"exec\":{\"test\":{\"run_duration\":\"2s\"}}}}}";
    flux_future_t *f = flux_job_submit_once(cluster_handle(&c, 0), spec, 16, 0, nonce);

    ck_assert_ptr_nonnull(f);
    return f;
}

/* 0: refused; errno. */
static flux_jobid_t sent_job(flux_future_t *f)
{
    flux_jobid_t id = 0;

    cluster_wait(&c, f);
    if (flux_job_submit_get_id(f, &id) < 0)
        id = 0;
    flux_future_destroy(f);
    return id;
}

static flux_jobid_t submit(const char *nonce)
{
    return sent_job(send_job(nonce));
}

/* How many ended jobs a list has, and when the last of them ended. */
static int list_ended(double since, int max, double *when)
{
    flux_future_t *f =
        flux_job_list_inactive(cluster_handle(&c, 0), max, since, "[\"t_inactive\"]");
    const cJSON *jobs, *job;
    int n = 0;

    ck_assert_ptr_nonnull(f);
    for (;; flux_future_reset(f)) {
        cluster_wait(&c, f);
        if (flux_rpc_get_unpack(f, "{s:o}", "jobs", &jobs) < 0)
            break;
        cJSON_ArrayForEach(job, jobs)
        {
            n++;
            *when = json_get(job, "t_inactive")->valuedouble;
        }
    }
    ck_assert_int_eq(errno, ENODATA);
    flux_future_destroy(f);
    return n;
}

static bool have_ended(struct cluster *cl, void *arg)
{
    double when;

    return list_ended(0., 0, &when) == *(int *)arg;
}

static void until_ended(int n)
{
    cluster_until(&c, have_ended, &n);
}

START_TEST(since_holds_for_jobs_in_memory)
{
    double first, last;

    begin();
    ck_assert_uint_ne(submit(NULL), 0);
    cluster_run(&c, 1.);
    ck_assert_uint_ne(submit(NULL), 0);
    cluster_run(&c, 0.5);
    sim_disk_limit(c.env, 1);
    until_ended(1);
    ck_assert_int_eq(list_ended(0., 0, &first), 1);
    until_ended(2);
    ck_assert_int_eq(list_ended(first, 0, &last), 1);
    ck_assert_double_gt(last, first);
    ck_assert_int_eq(list_ended(first, 1, &last), 1);
    ck_assert_int_eq(list_ended(last, 0, &last), 0);
    sim_disk_limit(c.env, 0);
    cluster_run(&c, 20.); /* now they are read from the store */
    ck_assert_int_eq(list_ended(0., 0, &last), 2);
    ck_assert_int_eq(list_ended(first, 0, &last), 1);
    ck_assert_int_eq(list_ended(last, 0, &last), 0);
    cluster_stop(&c);
    cluster_fini(&c);
}
END_TEST

/* A client that asks again for what it may have got no answer to: what is there has its id,
 * whatever becomes of those that come with it, and what is refused is not there. */
START_TEST(a_job_that_is_there_is_never_refused)
{
    flux_future_t *f[3];
    flux_jobid_t id;

    begin();
    id = submit("once");
    ck_assert_uint_ne(id, 0);
    sim_disk_limit(c.env, 1);
    f[0] = send_job("twice");
    f[1] = send_job("once");
    f[2] = send_job("twice");
    ck_assert_uint_eq(sent_job(f[0]), 0);
    ck_assert_int_eq(errno, ENOSPC);
    ck_assert_uint_eq(sent_job(f[1]), id);
    ck_assert_uint_eq(sent_job(f[2]), 0);
    ck_assert_int_eq(errno, ENOSPC);
    ck_assert_uint_eq(submit("once"), id); /* now it is known that there is no room */
    ck_assert_uint_eq(submit("twice"), 0);
    ck_assert_int_eq(errno, ENOSPC);
    sim_disk_limit(c.env, 0);
    cluster_run(&c, 20.);
    ck_assert_uint_eq(submit("once"), id);
    ck_assert_uint_gt(submit("twice"), id);
    cluster_stop(&c);
    cluster_fini(&c);
}
END_TEST

/* Lines of the log that have that text. */
static int count_logged(const char *text)
{
    flux_future_t *f = flux_rpc(cluster_handle(&c, 0), "log.dmesg",
                                "{\"follow\":false,\"nobacklog\":false}", FLUX_NODEID_ANY,
                                FLUX_RPC_STREAMING);
    const char *line;
    int n = 0;

    ck_assert_ptr_nonnull(f);
    for (;; flux_future_reset(f)) {
        cluster_wait(&c, f);
        if (flux_rpc_get(f, &line) < 0)
            break;
        n += strstr(line, text) != NULL;
    }
    ck_assert_int_eq(errno, ENODATA);
    flux_future_destroy(f);
    return n;
}

static int put(const char *key)
{
    flux_kvs_txn_t *txn = flux_kvs_txn_create();
    flux_future_t *f;
    int rc;

    ck_assert_int_eq(flux_kvs_txn_put(txn, 0, key, "1"), 0);
    f = flux_kvs_commit(cluster_handle(&c, 0), NULL, 0, txn);
    ck_assert_ptr_nonnull(f);
    cluster_wait(&c, f);
    rc = flux_future_get(f, NULL);
    flux_future_destroy(f);
    flux_kvs_txn_destroy(txn);
    return rc;
}

START_TEST(a_checkpoint_is_not_tried_again_on_a_failed_disk)
{
    begin();
    ck_assert_int_eq(put("a"), 0);
    sim_disk_errors(c.env, 0, 0, 1);
    ck_assert_int_eq(put("b"), -1);
    ck_assert_int_eq(errno, EIO);
    for (int i = 0; i < 6; i++)
        cluster_run(&c, 50.);
    ck_assert_int_eq(count_logged("checkpoint: "), 1);
    cluster_stop(&c);
    cluster_fini(&c);
}
END_TEST

/* The number of an event. */
static int publish(void)
{
    flux_future_t *f = flux_event_publish(cluster_handle(&c, 0), "test", 0, NULL);
    int seq = 0;

    ck_assert_ptr_nonnull(f);
    cluster_wait(&c, f);
    ck_assert_int_eq(flux_event_publish_get_seq(f, &seq), 0);
    flux_future_destroy(f);
    return seq;
}

static void lose_power(void)
{
    sim_host_power_off(c.env);
    cluster_crash(&c, 0);
    sim_host_power_on(c.env);
    cluster_add(&c, 0);
    cluster_until_up(&c);
}

static void number_events(int64_t seed)
{
    int first, second;

    begin_world(seed);
    first = publish();
    sim_disk_limit(c.env, 1);
    lose_power();
    second = publish();
    ck_assert_int_gt(second, first);
    lose_power();
    ck_assert_int_gt(publish(), second);
    sim_disk_limit(c.env, 0);
    cluster_stop(&c);
    cluster_fini(&c);
}

/* What remembers it must be on the disk from the first life on: later ones may find no room.
 * What is lost with the power depends on the seed. */
START_TEST(no_event_number_comes_again)
{
    for (int seed = 1; seed < 9; seed++)
        number_events(seed);
}
END_TEST

SUITE_MAIN("full_disk", since_holds_for_jobs_in_memory,
           a_job_that_is_there_is_never_refused, no_event_number_comes_again,
           a_checkpoint_is_not_tried_again_on_a_failed_disk)

/* Jobs per second: real processes, mock execution, and submission alone. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/core.h>
#include <flux/job.h>

#include "bench.h"

struct bulk {
    flux_t *h;
    const char *jobspec;
    int urgency, total, sent, answered;
};

/* extra: more text for attributes.system, beginning with a comma. */
static char *make_jobspec(const char *command, const char *extra)
{
    char *s;

    if (asprintf(&s,
                 "{\"version\":1,\"resources\":[{\"type\":\"slot\",\"count\":1,\"label\":\"task\","
                 "\"with\":[{\"type\":\"core\",\"count\":1}]}],\"tasks\":[{\"command\":%s,"
                 "\"slot\":\"task\",\"count\":{\"per_slot\":1}}],\"attributes\":{\"system\":{"
                 "\"duration\":0,\"cwd\":\"/\",\"environment\":{\"PATH\":"
                 "\"/usr/local/bin:/usr/bin:/bin\",\"HOME\":\"/\"}%s}}}",
                 command, extra) < 0)
        bench_die("out of memory");
    return s;
}

static void send_more(struct bulk *b);

static void got_id(flux_future_t *f, void *arg)
{
    struct bulk *b = arg;

    if (flux_job_submit_get_id(f, NULL) < 0)
        bench_die("submit: %s", flux_future_error_string(f));
    flux_future_destroy(f);
    if (++b->answered == b->total)
        flux_reactor_stop(flux_get_reactor(b->h));
    else
        send_more(b);
}

static void send_more(struct bulk *b)
{
    while (b->sent < b->total && b->sent - b->answered < 1024) {
        flux_future_t *f = flux_job_submit(b->h, b->jobspec, b->urgency, 0);

        if (!f || flux_future_then(f, -1., got_id, b) < 0)
            bench_die("submit: %m");
        b->sent++;
    }
}

static void submit_all(flux_t *h, const char *jobspec, int n, int urgency)
{
    struct bulk b = {.h = h, .jobspec = jobspec, .total = n, .urgency = urgency};

    send_more(&b);
    if (flux_reactor_run(flux_get_reactor(h), 0) < 0)
        bench_die("reactor: %m");
}

static void call(flux_t *h, const char *topic)
{
    flux_future_t *f = flux_rpc(h, topic, NULL, FLUX_NODEID_ANY, 0);

    if (!f || flux_future_get(f, NULL) < 0)
        bench_die("%s: %s", topic, flux_future_error_string(f));
    flux_future_destroy(f);
}

/* Submit n jobs, wait until all are done: jobs per second. */
static double job_rate(const char *command, const char *extra, int n)
{
    flux_t *h = bench_open(NULL);
    char *jobspec = make_jobspec(command, extra);
    double t0;

    t0 = bench_now();
    submit_all(h, jobspec, n, 16);
    call(h, "job-manager.drain");
    t0 = bench_now() - t0;
    free(jobspec);
    flux_close(h);
    return n / t0;
}

static void jobs_real(void)
{
    double limit = limit_spawn_rate((char *[]){"true", NULL}, 64, 2000);

    bench_line("jobs-real", job_rate("[\"true\"]", "", 2000), "jobs/s", limit);
}

static void jobs_real_2(void)
{
    double limit = limit_spawn_rate((char *[]){"true", NULL}, 2, 2000);

    bench_line("jobs-real-2-slots", job_rate("[\"true\"]", "", 2000), "jobs/s", limit);
}

static void jobs_real_sh(void)
{
    double limit = limit_spawn_rate((char *[]){"sh", "-c", ":", NULL}, 64, 2000);

    bench_line("jobs-real-sh", job_rate("[\"sh\",\"-c\",\":\"]", "", 2000), "jobs/s", limit);
}

static void jobs_real_sleep(void)
{
    double limit = limit_spawn_rate((char *[]){"sleep", "0.05", NULL}, 64, 2000);

    bench_line("jobs-real-sleep", job_rate("[\"sleep\",\"0.05\"]", "", 2000), "jobs/s", limit);
}

static void jobs_mock(void)
{
    double rate = job_rate("[\"true\"]", ",\"exec\":{\"test\":{\"run_duration\":\"0.001s\"}}",
                           20000);

    bench_line("jobs-mock", rate, "jobs/s", 10000.);
}

static void submit_ack(void)
{
    flux_t *h = bench_open(NULL);
    char *jobspec = make_jobspec("[\"true\"]", "");
    enum { BULK = 40000, SINGLE = 500 };
    double v[SINGLE], t0, sync = limit_fdatasync(getenv("D"));

    t0 = bench_now();
    submit_all(h, jobspec, BULK, 0);
    bench_line("submit-ack-bulk", BULK / (bench_now() - t0), "jobs/s", 20000.);
    for (int i = 0; i < SINGLE; i++) {
        flux_future_t *f;

        t0 = bench_now();
        f = flux_job_submit(h, jobspec, 0, 0);
        if (!f || flux_job_submit_get_id(f, NULL) < 0)
            bench_die("submit: %s", flux_future_error_string(f));
        v[i] = bench_now() - t0;
        flux_future_destroy(f);
    }
    /* The limit is 2 x fdatasync + 0.5 ms. */
    bench_line("submit-ack-one", bench_median(v, SINGLE) * 1e3, "ms", 2e3 * sync + 0.5);
    free(jobspec);
    flux_close(h);
}

const struct bench bench_jobs[] = {
    {"jobs-real", jobs_real, "--statedir=$D --test-cores=64"},
    {"jobs-real-2-slots", jobs_real_2, "--statedir=$D --test-cores=2"},
    {"jobs-real-sh", jobs_real_sh, "--statedir=$D --test-cores=64"},
    {"jobs-real-sleep", jobs_real_sleep, "--statedir=$D --test-cores=64"},
    /* Enough slots that the work is measured, not the wait for the disk. */
    {"jobs-mock", jobs_mock, "--statedir=$D --test-cores=1024"},
    {"submit-ack", submit_ack, "--statedir=$D --test-cores=1"},
    {0},
};

/* Memory of all processes of an instance together (PSS): after start, for each pending
 * job, for each finished job. */

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <flux/core.h>
#include <flux/job.h>

#include "bench.h"

#define JOBS 100000

static const char jobspec_format[] =
    "{\"version\":1,\"resources\":[{\"type\":\"slot\",\"count\":1,\"label\":\"task\","
    "\"with\":[{\"type\":\"core\",\"count\":1}]}],\"tasks\":[{\"command\":[\"true\"],"
    "\"slot\":\"task\",\"count\":{\"per_slot\":1}}],"
    "\"attributes\":{\"system\":{\"duration\":0,\"cwd\":\"/\","
    "\"environment\":{\"PATH\":\"/usr/bin:/bin\"},\"exec\":{\"test\":{\"run_duration\":"
    "\"0.001s\"}}}}}";

static int parent_of(int pid)
{
    char path[64];
    int ppid = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    if (!(f = fopen(path, "re")))
        return 0;
    if (fscanf(f, "%*d (%*[^)]) %*c %d", &ppid) != 1)
        ppid = 0;
    fclose(f);
    return ppid;
}

/* The broker and its descendants, less ourselves: KiB. */
static double instance_pss(int broker)
{
    DIR *d = opendir("/proc");
    struct dirent *e;
    double kib = 0.;

    while (d && (e = readdir(d))) {
        int pid = atoi(e->d_name), up = pid;
        double pss;

        while (up > 1 && up != broker && up != getpid())
            up = parent_of(up);
        if (pid > 0 && up == broker && pid != getpid() && (pss = bench_pss(pid)) > 0.)
            kib += pss;
    }
    if (d)
        closedir(d);
    return kib;
}

/* When it no longer changes, or after 5 s. */
static double settled_pss(int broker)
{
    double last = -1., now = instance_pss(broker);

    for (int i = 0; i < 5 && now != last; i++) {
        poll(NULL, 0, 1500);
        last = now;
        now = instance_pss(broker);
    }
    return now;
}

struct bulk {
    flux_t *h;
    int urgency, sent, answered;
};

static void send_more(struct bulk *b);

static void got_id(flux_future_t *f, void *arg)
{
    struct bulk *b = arg;

    if (flux_job_submit_get_id(f, NULL) < 0)
        bench_die("submit: %s", flux_future_error_string(f));
    flux_future_destroy(f);
    if (++b->answered == JOBS)
        flux_reactor_stop(flux_get_reactor(b->h));
    else
        send_more(b);
}

static void send_more(struct bulk *b)
{
    while (b->sent < JOBS && b->sent - b->answered < 1024) {
        flux_future_t *f = flux_job_submit(b->h, jobspec_format, b->urgency, 0);

        if (!f || flux_future_then(f, -1., got_id, b) < 0)
            bench_die("submit: %m");
        b->sent++;
    }
}

static void submit_all(flux_t *h, int urgency)
{
    struct bulk b = {.h = h, .urgency = urgency};

    send_more(&b);
    if (flux_reactor_run(flux_get_reactor(h), 0) < 0)
        bench_die("reactor: %m");
}

static flux_t *open_instance(int *broker)
{
    flux_t *h = bench_open(NULL);
    const char *pid = flux_attr_get(h, "broker.pid");

    if (!pid)
        bench_die("broker.pid: %m");
    *broker = atoi(pid);
    return h;
}

static void memory_start(void)
{
    int broker;
    flux_t *h = open_instance(&broker);

    bench_line("memory-start", instance_pss(broker) / 1024., "MiB", 16.);
    flux_close(h);
}

static void memory_pending(void)
{
    int broker;
    flux_t *h = open_instance(&broker);
    double before = instance_pss(broker);

    submit_all(h, 0);
    bench_line("memory-pending", (instance_pss(broker) - before) * 1024. / JOBS,
               "bytes/job", 1024.);
    flux_close(h);
}

static void memory_finished(void)
{
    int broker;
    flux_t *h = open_instance(&broker);
    double before = instance_pss(broker);
    flux_future_t *f;

    submit_all(h, 16);
    f = flux_rpc(h, "job-manager.drain", NULL, FLUX_NODEID_ANY, 0);
    if (!f || flux_future_get(f, NULL) < 0)
        bench_die("drain: %s", flux_future_error_string(f));
    flux_future_destroy(f);
    bench_line("memory-finished", (settled_pss(broker) - before) * 1024. / JOBS,
               "bytes/job", 100.);
    flux_close(h);
}

const struct bench bench_memory[] = {
    {"memory-start", memory_start, "--statedir=$D"},
    {"memory-pending", memory_pending, "--statedir=$D"},
    {"memory-finished", memory_finished, "--statedir=$D --test-cores=64"},
    {0},
};

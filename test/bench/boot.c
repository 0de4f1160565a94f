/* A test instance from nothing to its orderly end, and what one more broker costs. */

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <flux/core.h>

#include "bench.h"

/* NAME, beside this program. */
static char *beside(const char *name)
{
    static char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 32);

    path[n > 0 ? n : 0] = '\0';
    strcpy(strrchr(path, '/') + 1, name);
    return path;
}

/* Wall time a broker, over a posix_spawn of a program that is linked as a broker. */
static void boot(const char *name, int size, int runs)
{
    double limit = limit_spawn_wall((char *[]){beside("bench-idle-broker"), NULL}, 50);
    char option[32];
    char *argv[] = {"flux", "start", option, "true", NULL};

    snprintf(option, sizeof(option), "--test-size=%d", size);
    bench_line(name, limit_spawn_wall(argv, runs) / size * 1e3, "ms/broker", limit * 1e3);
}

static void boot_64(void)
{
    boot("boot-64", 64, 5);
}

static void boot_256(void)
{
    boot("boot-256", 256, 3);
}

static void boot_1024(void)
{
    boot("boot-1024", 1024, 1);
}

static int broker_pid(flux_t *h, int rank)
{
    flux_future_t *f =
        flux_rpc_pack(h, "attr.get", rank, 0, "{s:s}", "name", "broker.pid");
    const char *pid;
    int rc;

    if (flux_rpc_get_unpack(f, "{s:s}", "value", &pid) < 0)
        bench_die("rank %d: %s", rank, flux_future_error_string(f));
    rc = atoi(pid);
    flux_future_destroy(f);
    return rc;
}

/* Of the brokers but the first, a second after all are up. */
static void memory_broker(void)
{
    flux_t *h = bench_open(NULL);
    const char *size = flux_attr_get(h, "size");
    int n = size ? atoi(size) : 0;
    double kib = 0.;

    if (n < 2)
        bench_die("%d brokers", n);
    poll(NULL, 0, 1000);
    for (int rank = 1; rank < n; rank++) {
        double pss = bench_pss(broker_pid(h, rank));

        if (pss < 0.)
            bench_die("rank %d: no smaps_rollup", rank);
        kib += pss;
    }
    bench_line("memory-broker", kib / (n - 1) / 1024., "MiB", 3.);
    flux_close(h);
}

const struct bench bench_boot[] = {
    {"boot-64", boot_64, NULL},
    {"boot-256", boot_256, NULL},
    {"boot-1024", boot_1024, NULL},
    {"memory-broker", memory_broker, "--test-size=64"},
    {0},
};

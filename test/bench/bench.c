/* bench - run benchmarks by name; without names, all.
 *
 * A benchmark that needs an instance is run as the initial program of a `flux start` with the
 * options that its table names ({statedir} is a fresh folder).
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

static const struct bench *const tables[] = {
    bench_rpc,  bench_cli,     bench_jobs,    bench_memory,   bench_tree,
    bench_boot, bench_kvs_get, bench_kvs_put, bench_kvs_size, bench_kvs_watch};

double bench_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec + ts.tv_nsec * 1e-9;
}

void bench_line(const char *name, double value, const char *unit, double limit)
{
    printf("%s %.6g %s %.6g %.4g\n", name, value, unit, limit,
           limit > 0. ? value / limit : 0.);
    fflush(stdout);
}

void bench_die(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fprintf(stderr, "bench: ");
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    exit(1);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

double bench_median(double *v, int n)
{
    qsort(v, n, sizeof(*v), compare);
    return v[n / 2];
}

flux_t *bench_open(const char *uri)
{
    flux_t *h = flux_open(uri, 0);

    if (!h)
        bench_die("flux_open: %m");
    return h;
}

flux_t *bench_open_rank(flux_t *h, uint32_t rank)
{
    flux_future_t *f =
        flux_rpc_pack(h, "attr.get", rank, 0, "{s:s}", "name", "local-uri");
    const char *uri;
    flux_t *there;

    if (!f || flux_rpc_get_unpack(f, "{s:s}", "value", &uri) < 0)
        bench_die("rank %u: %m", rank);
    there = bench_open(uri);
    flux_future_destroy(f);
    return there;
}

double bench_pss(int pid)
{
    char path[64], line[256];
    double kib = -1.;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
    if (!(f = fopen(path, "re")))
        return -1.;
    while (fgets(line, sizeof(line), f) && sscanf(line, "Pss: %lf", &kib) != 1)
        ;
    fclose(f);
    return kib;
}

static const struct bench *find(const char *name)
{
    for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
        for (const struct bench *b = tables[t]; b->name; b++) {
            if (!strcmp(b->name, name))
                return b;
        }
    }
    return NULL;
}

/* flux start OPTIONS bench --inside NAME */
static int run_in_instance(const struct bench *b, const char *self)
{
    char state[] = "./bench-state-XXXXXX", command[8192];
    int rc;

    if (!mkdtemp(state))
        bench_die("%s: %m", state);
    snprintf(command, sizeof(command),
             "D=$(realpath %s); export D; exec flux start %s %s --inside %s", state,
             b->start, self, b->name);
    rc = system(command);
    snprintf(command, sizeof(command), "rm -rf '%s'", state);
    if (system(command) != 0)
        fprintf(stderr, "bench: %s was not removed\n", state);
    return rc != 0;
}

static int run(const struct bench *b, const char *self)
{
    if (b->start)
        return run_in_instance(b, self);
    b->run();
    return 0;
}

int main(int argc, char **argv)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    int rc = 0;

    self[n > 0 ? n : 0] = '\0';
    if (argc == 3 && !strcmp(argv[1], "--inside")) {
        find(argv[2])->run();
        return 0;
    }
    for (int i = 1; i < argc; i++) {
        const struct bench *b = find(argv[i]);

        if (!b)
            bench_die("no benchmark '%s'", argv[i]);
        rc |= run(b, self);
    }
    for (size_t t = 0; argc == 1 && t < sizeof(tables) / sizeof(tables[0]); t++) {
        for (const struct bench *b = tables[t]; b->name; b++)
            rc |= run(b, self);
    }
    return rc;
}

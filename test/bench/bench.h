/* The benchmarks: what they share. One line each: name value unit limit ratio; the limit is
 * measured in the same run, because absolute times mean nothing on a shared machine. */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

#include <flux/core.h>

/* Monotonic seconds. */
double bench_now(void);
void bench_line(const char *name, double value, const char *unit, double limit);
/* Print to stderr and exit 1. */
void bench_die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Limits of this machine, now. */
/* posix_spawn of argv, `inflight` at a time, n in all: processes per second. */
double limit_spawn_rate(char *const argv[], int inflight, int n);
/* Median wall time of posix_spawn + wait of argv, n times, seconds. */
double limit_spawn_wall(char *const argv[], int n);
/* Median of a 64-byte round trip over AF_UNIX, seconds. */
double limit_socket_rtt(void);
/* Requests per second of a raw request-response loop, 64 in flight. */
double limit_socket_rate(void);
/* Mean of a loop that writes 128 bytes to each of n sockets, seconds a loop. */
double limit_flat_writes(unsigned n);
/* Median of an append of 4 KiB and fdatasync in dir, seconds. */
double limit_fdatasync(const char *dir);

double bench_median(double *v, int n);

/* Connect, or die. uri NULL: FLUX_URI. */
flux_t *bench_open(const char *uri);
/* The broker of a rank, on this host. */
flux_t *bench_open_rank(flux_t *h, uint32_t rank);
/* Memory of a process, its share of what it has with others (PSS): KiB; -1: it is gone. */
double bench_pss(int pid);

/* Benchmarks inside an instance (FLUX_URI is set), and outside of one. */
struct bench {
    const char *name;
    void (*run)(void);
    const char *start; /* options of the flux start around it; NULL: none needed */
};
extern const struct bench bench_jobs[];
extern const struct bench bench_rpc[];
extern const struct bench bench_cli[];
extern const struct bench bench_memory[];
extern const struct bench bench_boot[];
extern const struct bench bench_tree[];
extern const struct bench bench_kvs_get[];
extern const struct bench bench_kvs_put[];
extern const struct bench bench_kvs_size[];
extern const struct bench bench_kvs_watch[];

#endif

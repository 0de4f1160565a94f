/* `store_faults [--sample=N] [--only=KIND:N] [SEED]`: the same work on KVS and jobs again and
 * again, each time with another fault of the disk, see cutfaults.h: full at the n-th
 * write (kind 1), full from there on for a while (2), the n-th sync failed (3), for each n
 * there is. How the process then ends goes round: in good order, killed, without power.
 *
 * With --sample N of each kind, spread evenly. Prints what work there was without a fault,
 * then for each kind the faults, what was acknowledged, refused, shown, lost, corrupt.
 * Fails when something is lost or corrupt, or a fault that was planned did not come.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cutfaults.h"

#define SEED 21 /* has some of every kind of work */

static const char *const kinds[] = {"none", "full-once", "full-while", "sync"};

/* What is under way, for the message of a crash. */
static char under_way[64];

static void crashed(int signum)
{
    ssize_t n = write(STDERR_FILENO, under_way, strlen(under_way));

    (void)n;
    signal(signum, SIG_DFL);
    raise(signum);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static struct cutjobs new_sums(uint64_t seed)
{
    return (struct cutjobs){
        .seed = seed, .simulated = true, .durability = STORE_POWER, .with_kvs = true};
}

static struct cutfault run(struct cutjobs *p, int kind, long at)
{
    struct cutfault f = {
        .kind = (enum cutfault_kind)kind, .at = at, .end = (enum cutrun_end)(at % 3)};

    snprintf(under_way, sizeof(under_way), "crashed in --only=%d:%ld %ju\n", kind, at,
             (uintmax_t)p->seed);
    cutfaults_run(p, &f);
    p->cuts += f.came;
    return f;
}

static int report(const struct cutjobs *p, const char *what, long planned, double seconds)
{
    printf("%s: faults %ld of %ld acknowledged %ld refused %ld visible %ld lost %ld "
           "corrupt %ld seconds %.1f\n",
           what, p->cuts, planned, p->acked, p->refused, p->visible, p->lost, p->corrupt,
           seconds);
    if (*p->why)
        printf("%s\n", p->why);
    fflush(stdout);
    return p->lost > 0 || p->corrupt > 0 || p->cuts < planned;
}

/* Without a fault: how much there is of everything; each kind of work must be in it. */
static bool measure(uint64_t seed, struct cutfault *ret)
{
    struct cutjobs p = new_sums(seed);

    *ret = run(&p, CUTFAULT_NONE, 0);
    printf("work: submitted %ld cancelled %ld purged %ld commits %ld namespaces made %ld "
           "removed %ld snapshots %ld gc %ld checkpoints %ld; writes %ld syncs %ld\n",
           p.submitted, p.cancelled, p.purged, p.commits, p.made, p.removed, p.snapshots,
           p.collections, p.checkpoints, ret->writes, ret->syncs);
    return !report(&p, kinds[CUTFAULT_NONE], 0, 0) && p.refused == 0 && p.cancelled > 0 &&
           p.purged > 0 && p.made > 0 && p.removed > 0 && p.snapshots > 0 &&
           p.collections > 0 && p.checkpoints > 0;
}

static int run_kind(uint64_t seed, int kind, long until, long sample)
{
    struct cutjobs p = new_sums(seed);
    double start = now();
    long planned = 0, n = sample && sample < until ? sample : until;

    for (long i = 0; i < n; i++, planned++) {
        long at = 1 + i * until / n, bad = p.lost + p.corrupt;

        run(&p, kind, at);
        if (p.lost + p.corrupt > bad)
            printf("failed: --only=%d:%ld %ju\n", kind, at, (uintmax_t)seed);
    }
    return report(&p, kinds[kind], planned, now() - start);
}

static int run_all(uint64_t seed, long sample)
{
    struct cutfault clean;
    int bad = 0;

    if (!measure(seed, &clean)) {
        printf("the work is not what it should be\n");
        return 1;
    }
    bad |= run_kind(seed, CUTFAULT_FULL_ONCE, clean.writes, sample);
    bad |= run_kind(seed, CUTFAULT_FULL_WHILE, clean.writes, sample);
    return bad | run_kind(seed, CUTFAULT_SYNC, clean.syncs, sample);
}

int main(int argc, char **argv)
{
    long sample = 0, at = 0;
    uint64_t seed = SEED;
    int kind = 0;

    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "--sample=%ld", &sample) != 1 &&
            sscanf(argv[i], "--only=%d:%ld", &kind, &at) != 2 &&
            (seed = strtoull(argv[i], NULL, 10)) == 0) {
            fprintf(stderr, "usage: store_faults [--sample=N] [--only=KIND:N] [SEED]\n");
            return 2;
        }
    signal(SIGSEGV, crashed);
    signal(SIGABRT, crashed);
    if (at > 0) {
        struct cutjobs p = new_sums(seed);

        run(&p, kind, at);
        return report(&p, kinds[kind], 1, 0);
    }
    return run_all(seed, sample);
}

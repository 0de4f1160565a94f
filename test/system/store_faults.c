/* `store_faults [--sample=N|--threads=N|--only=KIND:N] [SEED]`: the same work on KVS and
 * jobs again and again, each time with another fault of the disk, see cutfaults.h: full
 * at the n-th write (kind 1), full from there on for a while (2), the n-th sync failed
 * (3), for each n there is. How the process then ends goes round: in good order, killed,
 * without power. Then the same in the next instance on that disk (kinds 5 to 7), from its
 * start on.
 *
 * With --sample N of each kind, spread evenly; with --threads N faults of all kinds above
 * the store's real threads, whose runs are never twice the same.
 *
 * Prints what work there was without a fault, then for each kind the faults, what was
 * acknowledged, refused, shown, lost, corrupt. Fails when something is lost or corrupt, or
 * a fault that was planned did not come.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cutfaults.h"

#define SEED 21 /* has some of every kind of work */

#define WRITES 1500 /* of a life with real threads, about */
#define SYNCS 50
#define SECOND 4 /* added to the kind: in the second life */

static const char *const kinds[] = {
    "none",      "full-once",      "full-while",      "sync",
    "next none", "next full-once", "next full-while", "next sync"};

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
    struct cutfault f = {.kind = (enum cutfault_kind)(kind % SECOND),
                         .at = at,
                         .second = kind >= SECOND,
                         .end = (enum cutrun_end)(at % 3)};

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
           "removed %ld snapshots %ld gc %ld drops %ld checkpoints %ld; writes %ld syncs "
           "%ld\n",
           p.submitted, p.cancelled, p.purged, p.commits, p.made, p.removed, p.snapshots,
           p.collections, p.drops, p.checkpoints, ret->writes, ret->syncs);
    return !report(&p, kinds[CUTFAULT_NONE], 0, 0) && p.refused == 0 && p.cancelled > 0 &&
           p.purged > 0 && p.made > 0 && p.removed > 0 && p.snapshots > 0 &&
           p.collections > 0 && p.drops > 0 && p.checkpoints > 0;
}

static int run_kind(uint64_t seed, int kind, const long until[3], long sample)
{
    struct cutjobs p = new_sums(seed);
    double start = now();
    long planned = 0, most = until[0];

    for (int end = 1; end < 3; end++)
        most = most < until[end] ? until[end] : most;
    sample = sample && sample < most ? sample : most;
    for (long i = 0; i < sample; i++) {
        long at = 1 + i * most / sample, bad = p.lost + p.corrupt;

        if (at > until[at % 3])
            continue;
        run(&p, kind, at);
        planned++;
        if (p.lost + p.corrupt > bad)
            printf("failed: --only=%d:%ld %ju\n", kind, at, (uintmax_t)seed);
    }
    return report(&p, kinds[kind], planned, now() - start);
}

/* The three kinds of one life, of which there are three, by how the first ended. */
static int run_life(uint64_t seed, int none, const struct cutfault clean[3], long sample)
{
    long writes[3], syncs[3];
    int bad;

    for (int i = 0; i < 3; i++) {
        writes[i] = clean[i].writes;
        syncs[i] = clean[i].syncs;
    }
    bad = run_kind(seed, none + CUTFAULT_FULL_ONCE, writes, sample);
    bad |= run_kind(seed, none + CUTFAULT_FULL_WHILE, writes, sample);
    return bad | run_kind(seed, none + CUTFAULT_SYNC, syncs, sample);
}

static int run_all(uint64_t seed, long sample)
{
    struct cutfault clean[3];
    struct cutjobs p = new_sums(seed);
    int bad;

    if (!measure(seed, &clean[0])) {
        printf("the work is not what it should be\n");
        return 1;
    }
    clean[1] = clean[2] = clean[0];
    bad = run_life(seed, 0, clean, sample);
    for (int end = 0; end < 3; end++)
        clean[end] = run(&p, SECOND, end);
    printf("next instance: writes %ld after an end in order, %ld killed, %ld without "
           "power\n",
           clean[0].writes, clean[1].writes, clean[2].writes);
    bad |= report(&p, kinds[SECOND], 0, 0);
    return bad | run_life(seed, SECOND, clean, sample);
}

/* With the store's real threads and real time; most of the faults that are planned come. */
static int run_threads(uint64_t seed, long n)
{
    struct cutjobs p = new_sums(seed);
    double start = now();
    int kind;

    p.simulated = false;
    for (long i = 0; i < n; i++) {
        kind = CUTFAULT_FULL_ONCE + (int)(i % 3);
        run(&p, kind + (i % 2 ? SECOND : 0),
            1 + i * (kind == CUTFAULT_SYNC ? SYNCS : WRITES) / n);
    }
    return report(&p, "threads", p.cuts, now() - start) || p.cuts < n / 2;
}

int main(int argc, char **argv)
{
    long sample = 0, at = 0, threads = 0;
    uint64_t seed = SEED;
    int kind = 0;

    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "--sample=%ld", &sample) != 1 &&
            sscanf(argv[i], "--threads=%ld", &threads) != 1 &&
            sscanf(argv[i], "--only=%d:%ld", &kind, &at) != 2 &&
            (seed = strtoull(argv[i], NULL, 10)) == 0) {
            fprintf(stderr, "usage: store_faults [--sample=N|--threads=N|--only=KIND:N] "
                            "[SEED]\n");
            return 2;
        }
    signal(SIGSEGV, crashed);
    signal(SIGABRT, crashed);
    if (at > 0 && kind > 0 && kind < 2 * SECOND) {
        struct cutjobs p = new_sums(seed);

        run(&p, kind, at);
        return report(&p, kinds[kind], 1, 0);
    }
    return threads > 0 ? run_threads(seed, threads) : run_all(seed, sample);
}

/* `sim_many [SEEDS [FIRST]]`: simulate that many seeds. SEED=n in the environment: that one,
 * with all that happens.
 *
 * Prints figures; fails when something was lost, ran twice, hangs, leaks or is wrong
 * otherwise. With --until-caught it is a planted bug that is looked for: prints the seed
 * that found it, fails when none does. With --twice each seed is run twice, and the same
 * must happen.
 */
#include <dirent.h>
#include <malloc.h>
#include <time.h>

#include "many.h"

/* Bytes that a seed may leave behind: malloc and the libraries keep some for later, and
 * have what they want to keep after a few seeds. */
#define LEAK_MAX 65536
#define LEAK_MEAN 200 /* of all seeds after those */
#define WARM_UP 8

static double wall(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = 0;

    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

struct total {
    struct stats stats;
    int seeds, failed;
    size_t base; /* bytes in use after the first seeds */
    bool hunt;   /* for a planted bug: leaks do not count */
    bool twice;
};

static void add(struct total *t, const struct stats *st)
{
    uint64_t *to = (uint64_t *)&t->stats;
    const uint64_t *from = (const uint64_t *)st;
    size_t n = offsetof(struct stats, virtual_time) / sizeof(*to);

    for (size_t i = 0; i < n; i++)
        to[i] += from[i];
    t->stats.virtual_time += st->virtual_time;
}

static bool happens_again(uint64_t seed, const struct stats *st, char *why, size_t size)
{
    struct stats again;

    if (!sim_run_seed(seed, NULL, &again, why, size))
        return false;
    snprintf(why, size, "another run of it went another way");
    return again.hash == st->hash && again.virtual_time == st->virtual_time;
}

/* The same seed leaves nothing behind: neither memory nor descriptors. */
static bool one(struct total *t, uint64_t seed, FILE *trace)
{
    struct stats st;
    char why[512];
    size_t before = mallinfo2().uordblks;
    int fds = descriptors();
    bool ok = sim_run_seed(seed, trace, &st, why, sizeof(why));
    size_t after = mallinfo2().uordblks;

    if (ok && t->twice)
        ok = happens_again(seed, &st, why, sizeof(why));
    add(t, &st);
    if (ok && !t->hunt && t->seeds > WARM_UP && after > before + LEAK_MAX) {
        snprintf(why, sizeof(why), "%zu bytes were not freed", after - before);
        ok = false;
    } else if (ok && !t->hunt && t->seeds > 0 && descriptors() != fds) {
        snprintf(why, sizeof(why), "descriptors: %d before, %d after", fds,
                 descriptors());
        ok = false;
    }
    if (t->seeds == WARM_UP)
        t->base = after;
    t->seeds++;
    t->failed += !ok;
    if (ok && trace)
        printf("seed %" PRIu64 ": good\n", seed);
    if (!ok)
        printf("seed %" PRIu64 ": %s\n", seed, why);
    fflush(stdout);
    return ok;
}

static void print_faults(const struct stats *st)
{
    printf("faults:");
    for (int f = 0; f < F_KINDS; f++)
        printf(" %s %" PRIu64 "%s", fault_names[f], st->faults[f],
               f < F_KINDS - 1 ? "," : "\n");
    printf("below: half-open links %" PRIu64 ", connections reset %" PRIu64
           ", ENOSPC %" PRIu64 ", EIO %" PRIu64 ", unsynced sectors lost %" PRIu64 "\n",
           st->below[SIM_HALF_OPEN], st->below[SIM_RESET], st->below[SIM_ENOSPC],
           st->below[SIM_EIO], st->below[SIM_LOST]);
}

/* Small leaks add up. */
static bool leaks(const struct total *t)
{
    size_t now = mallinfo2().uordblks, n = (size_t)t->seeds;

    if (n <= 2 * WARM_UP || now < t->base + LEAK_MAX + n * LEAK_MEAN)
        return false;
    printf("%zu bytes more in use than after the first seeds\n", now - t->base);
    return true;
}

static void print(const struct total *t, double seconds)
{
    const struct stats *st = &t->stats;

    printf("%d seeds in %.1f s, %.1f a second, %.0f s of virtual time\n", t->seeds,
           seconds, t->seeds / seconds, st->virtual_time);
    print_faults(st);
    printf("load: %" PRIu64 " jobs (%" PRIu64 " submissions made again, %" PRIu64
           " cancels, %" PRIu64 " tasks, %" PRIu64 " lost with their shell), %" PRIu64
           " events, %" PRIu64 " deliveries, %" PRIu64 " requests, %" PRIu64
           " of them failed, %" PRIu64 " acknowledged\n",
           st->jobs, st->retries, st->cancels, st->starts, st->harmed, st->events,
           st->deliveries, st->ops, st->failed_ops, st->acks);
    printf("%d of %d seeds wrong\n", t->failed, t->seeds);
}

int many_main(int argc, char **argv)
{
    bool hunt = argc > 1 && !strcmp(argv[1], "--until-caught");
    const char *env = getenv("SEED");
    bool twice = argc > 1 && !strcmp(argv[1], "--twice");
    int seeds = 40, arg = 1 + (hunt || twice);
    uint64_t first = 1;
    struct total t = {0};
    double start = wall();

    t.hunt = hunt;
    t.twice = twice;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (env) {
        bool ok = one(&t, strtoull(env, NULL, 0), stdout);
        return ok ? 0 : 1;
    }
    if (argc > arg)
        seeds = atoi(argv[arg]);
    if (argc > arg + 1)
        first = strtoull(argv[arg + 1], NULL, 0);
    for (int i = 0; i < seeds; i++) {
        bool ok = one(&t, first + (uint64_t)i, NULL);

        if (hunt && !ok) {
            printf("caught at seed %" PRIu64 ", the %d. tried\n", first + (uint64_t)i,
                   i + 1);
            return 0;
        }
    }
    if (hunt) {
        printf("NOT caught in %d seeds\n", seeds);
        return 1;
    }
    print(&t, wall() - start);
    return t.failed > 0 || leaks(&t) ? 1 : 0;
}

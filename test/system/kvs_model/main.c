/* kvs_model [--trace] [--only=ROUNDS] SEED OPERATIONS DIR: see kvs_model.h. Exit code 1: the
 * instance and the model differ, and in which round. */
#include <errno.h>
#include <stdarg.h>

#include <flux/idset.h>

#include "kvs_model.h"

static uint64_t mix(uint64_t x)
{
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdull;
    x ^= x >> 33;
    x *= 0xc4ceb9fe1a85ec53ull;
    return x ^ x >> 33;
}

uint64_t draw(struct run *r, uint64_t n)
{
    r->random = r->random * 6364136223846793005ull + 1442695040888963407ull;
    return mix(r->random) % n;
}

bool chance(struct run *r, unsigned percent)
{
    return draw(r, 100) < percent;
}

void say(struct run *r, const char *fmt, ...)
{
    va_list ap;

    if (!r->trace)
        return;
    fprintf(r->trace, "%u: ", r->round);
    va_start(ap, fmt);
    vfprintf(r->trace, fmt, ap);
    va_end(ap);
    fputc('\n', r->trace);
}

void wrong(struct run *r, const char *fmt, ...)
{
    va_list ap;

    printf("kvs-model: seed %ju, round %u, after %ju operations: ", (uintmax_t)r->seed,
           r->round, (uintmax_t)r->ops);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
    fflush(stdout);
    broker_kill();
    exit(1);
}

int answer_of(struct run *r, flux_future_t *f)
{
    if (!f)
        wrong(r, "sending a request: %s", strerror(errno));
    if (flux_future_wait_for(f, 120.) < 0)
        wrong(r, "no answer: %s", strerror(errno));
    return flux_future_get(f, NULL) < 0 ? errno : 0;
}

static void drop_cache(struct run *r)
{
    flux_future_t *f = flux_rpc(r->h, "kvs.dropcache", NULL, FLUX_NODEID_ANY, 0);
    int rc = answer_of(r, f);

    if (rc)
        wrong(r, "dropcache: %s", strerror(rc));
    flux_future_destroy(f);
    say(r, "cache dropped");
    r->n.dropped++;
}

/* All was acknowledged, so all is there again. */
static void boot(struct run *r, bool orderly)
{
    say(r, "the broker %s", orderly ? "ends" : "is killed");
    watch_fini(r);
    flux_close(r->h);
    if (orderly)
        broker_stop();
    else
        broker_kill();
    r->h = broker_up(r->statedir);
    r->boots++;
    holds_forget_objects(r);
    look_at_all(r);
}

static void one_round(struct run *r)
{
    r->random = mix(r->seed * 1000003 + r->round);
    if (draw(r, 150) == 0)
        drop_cache(r);
    txn_burst(r);
    watch_after_burst(r);
    look_burst(r);
    hold_act(r);
    if (draw(r, 100) == 0) {
        look_at_all(r);
        holds_forget_objects(r); /* that named more of them than are kept */
    }
    for (int i = 0; i < 3; i++)
        watch_act(r);
}

static void all_rounds(struct run *r, const struct idset *only)
{
    for (r->round = 1; r->ops < r->want; r->round++) {
        if (only && r->round > idset_last(only))
            break;
        if (!only || idset_test(only, r->round))
            one_round(r);
        if (r->boots == 0 && r->round >= r->want / 50)
            boot(r, false);
        if (r->boots == 1 && r->round >= r->want / 36)
            boot(r, true);
    }
    look_at_all(r);
}

static void report(const struct run *r)
{
    const struct counts *n = &r->n;

    printf(
        "kvs-model: seed %ju: %ju operations in %u rounds: %ju transactions (%ju "
        "refused) "
        "of %ju changes and conditions, %ju lookups (%ju errors), %ju namespaces made "
        "and "
        "removed, %ju snapshots (%ju lookups in forgotten ones), %ju watches with %ju "
        "notices, %ju checkpoints, %ju times a cold cache, %u restarts: no difference\n",
        (uintmax_t)r->seed, (uintmax_t)r->ops, r->round, (uintmax_t)n->txns,
        (uintmax_t)n->failed_txns, (uintmax_t)n->ops, (uintmax_t)n->lookups,
        (uintmax_t)n->failed_lookups, (uintmax_t)n->namespaces, (uintmax_t)n->snapshots,
        (uintmax_t)n->stale, (uintmax_t)n->watches, (uintmax_t)n->notices,
        (uintmax_t)n->checkpoints, (uintmax_t)n->dropped, r->boots);
}

int main(int argc, char **argv)
{
    static struct run r;
    struct idset *only = NULL;
    int i = 1;

    for (; i < argc && argv[i][0] == '-'; i++)
        if (strcmp(argv[i], "--trace") == 0)
            r.trace = stdout;
        else if (strncmp(argv[i], "--only=", 7) == 0)
            only = idset_decode(argv[i] + 7);
    if (argc - i != 3) {
        fprintf(stderr,
                "usage: kvs_model [--trace] [--only=ROUNDS] SEED OPERATIONS DIR\n");
        return 2;
    }
    r.seed = strtoull(argv[i], NULL, 10);
    r.want = strtoull(argv[i + 1], NULL, 10);
    r.statedir = argv[i + 2];
    spaces_init(&r);
    r.h = broker_up(r.statedir);
    all_rounds(&r, only);
    watch_fini(&r);
    report(&r);
    flux_close(r.h);
    broker_stop();
    holds_fini(&r);
    spaces_fini(&r);
    idset_destroy(only);
    return 0;
}

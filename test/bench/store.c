/* How many transactions a second the store commits durably, and what the disk itself
 * can do: `bench_store [SECONDS [WINDOW [FOLDER]]]`.
 *
 * A transaction is one piece of 1 KiB. `window` of them are kept waiting for their
 * acknowledgement. The limit is a file that grows by 256 pieces and fdatasync().
 * Lines are NAME VALUE UNIT LIMIT RATIO.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "env/file.h"
#include "store/store.h"

#define PIECE 1024
#define BATCH 256

struct bench {
    struct env *env;
    struct loop *loop;
    struct store *store;
    double end;
    uint64_t sent, acked;
    unsigned window;
    struct sample {
        double sent;
    } * samples; /* by number modulo window */
    float *latency;
    size_t nlatency, latency_size;
};

static void send_more(struct bench *b);

static void acked(int error, void *arg)
{
    struct bench *b = arg;
    double now = env_monotonic(b->env);

    if (error < 0) {
        fprintf(stderr, "commit: %s\n", strerror(-error));
        exit(1);
    }
    if (b->nlatency < b->latency_size)
        b->latency[b->nlatency++] = now - b->samples[b->acked % b->window].sent;
    b->acked++;
    if (now < b->end)
        send_more(b);
    else if (b->acked == b->sent)
        loop_stop(b->loop);
}

static void send_more(struct bench *b)
{
    static char piece[PIECE];

    while (b->sent - b->acked < b->window) {
        struct store_txn *t = store_txn_new(b->store);

        memset(piece, (int)b->sent, sizeof(piece));
        b->samples[b->sent % b->window].sent = env_monotonic(b->env);
        store_txn_jobdata(t, b->sent + 1, "jobspec", 0, piece, sizeof(piece));
        store_commit(b->store, t, acked, b);
        b->sent++;
    }
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return x < y ? -1 : x > y;
}

static double run_store(struct bench *b, const char *path, enum store_durability d,
                        double seconds)
{
    struct store_options opts = {.path = path, .durability = d};
    flux_error_t err;
    double start;

    if (store_open(b->loop, &opts, &b->store, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    b->sent = b->acked = b->nlatency = 0;
    start = env_monotonic(b->env);
    b->end = start + seconds;
    send_more(b);
    loop_run(b->loop, 0);
    seconds = env_monotonic(b->env) - start;
    store_close(b->store);
    qsort(b->latency, b->nlatency, sizeof(float), by_value);
    return b->acked / seconds;
}

static double run_disk(struct bench *b, const char *path, double seconds)
{
    static char batch[BATCH * PIECE];
    struct file *f;
    uint64_t n = 0;
    double start = env_monotonic(b->env);

    memset(batch, 'x', sizeof(batch));
    if (file_open(b->env, path, O_WRONLY | O_CREAT | O_APPEND, 0600, &f) < 0)
        exit(1);
    while (env_monotonic(b->env) - start < seconds) {
        if (file_append(f, batch, sizeof(batch)) < 0 || file_sync(f) < 0)
            exit(1);
        n += BATCH;
    }
    seconds = env_monotonic(b->env) - start;
    file_close(f);
    file_unlink(b->env, path);
    return n / seconds;
}

static void report(const struct bench *b, const char *name, double rate, double limit)
{
    size_t n = b->nlatency;

    printf("%s %.0f txn/s %.0f %.2f\n", name, rate, limit, rate / limit);
    if (n > 0)
        fprintf(stderr, "%s latency ms: p50 %.2f p99 %.2f max %.2f\n", name,
                b->latency[n / 2] * 1e3, b->latency[n * 99 / 100] * 1e3,
                b->latency[n - 1] * 1e3);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 3;
    unsigned window = argc > 2 ? atoi(argv[2]) : 2048;
    struct bench b = {.window = window, .latency_size = 20000000};
    char dir[512], path[600];
    double limit;

    snprintf(dir, sizeof(dir), "%s/bench-store-XXXXXX", argc > 3 ? argv[3] : "/var/tmp");
    b.samples = calloc(window, sizeof(*b.samples));
    b.latency = malloc(b.latency_size * sizeof(*b.latency));
    if (env_new_real(&b.env) < 0 || loop_new(b.env, &b.loop) < 0 ||
        dir_make_temp(b.env, dir) < 0)
        return 1;
    snprintf(path, sizeof(path), "%s/raw", dir);
    limit = run_disk(&b, path, seconds);
    snprintf(path, sizeof(path), "%s/power.sqlite", dir);
    report(&b, "store-power", run_store(&b, path, STORE_POWER, seconds), limit);
    snprintf(path, sizeof(path), "%s/process.sqlite", dir);
    report(&b, "store-process", run_store(&b, path, STORE_PROCESS, seconds), limit);
    report(&b, "store-memory", run_store(&b, NULL, STORE_NONE, seconds), limit);
    dir_remove(b.env, dir);
    loop_unref(b.loop);
    env_unref(b.env);
    free(b.samples);
    free(b.latency);
    return 0;
}

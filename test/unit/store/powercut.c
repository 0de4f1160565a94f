/* The power-cut test. Transaction n of a run changes one job, in a way that its content
 * tells its number; after each cut the surviving versions of all jobs must be whole,
 * must not end before the last acknowledged one, and must make up a prefix of the
 * transactions in the order in which they were queued.
 */
#include "powercut.h"

#include <assert.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pwrvfs.h"
#include "store/kvs.h"

#define JOBS_MAX 20000
#define VERSIONS_MAX 6
#define ENVIRONMENTS 7
#define TEXT_MAX 1600

struct job {
    long txns[VERSIONS_MAX]; /* the number of the transaction that made version i + 1 */
    int tried, acked;        /* versions; the last one possible is the deletion */
};

struct run {
    struct powercut *p;
    struct pwrvfs *disk;
    struct env *env;
    struct loop *loop;
    struct store *store;
    struct job *jobs; /* by id, from 1 */
    uint64_t njobs;
    long next_txn;
    uint64_t next_log;
    unsigned waiting, window;
    bool over;
    bool broken; /* this disk is corrupt */
    char *why;
    size_t why_size;
    char seen[2][TEXT_MAX]; /* a job's pieces while they are checked */
};

static void corrupt(struct run *r, const char *what, uint64_t id)
{
    if (!r->broken)
        r->p->corrupt++;
    r->broken = true;
    if (!*r->why)
        snprintf(r->why, r->why_size, "seed %ju: %s (job %ju)", (uintmax_t)r->p->seed,
                 what, (uintmax_t)id);
}

/* ---- what a job consists of, by its id and version ---- */

static size_t make_jobspec(uint64_t id, char *buf)
{
    size_t len = 40 + id * 131 % (TEXT_MAX - 41);

    for (size_t i = 0; i < len; i++)
        buf[i] = 'a' + (id * 7 + i * i) % 26;
    buf[len] = '\0';
    return len;
}

static size_t make_env(uint64_t id, char *buf)
{
    size_t len = 600 + id % ENVIRONMENTS * 100;

    memset(buf, 'A' + id % ENVIRONMENTS, len);
    buf[len] = '\0';
    return len;
}

static size_t make_event(uint64_t id, int version, char *buf, size_t size)
{
    return snprintf(buf, size, "{\"event\":%d,\"of\":%ju}\n", version, (uintmax_t)id);
}

static void put_event(struct store_txn *t, uint64_t id, int version)
{
    char text[80];

    store_txn_jobdata(t, id, "eventlog", version - 1, text,
                      make_event(id, version, text, sizeof(text)));
}

static void put_job(struct store_txn *t, uint64_t id, int version)
{
    bool last = version == VERSIONS_MAX - 1;
    char rec[80], nonce[32];
    struct store_job job = {
        .id = id,
        .state = last ? 64 : 1 << version,
        .userid = id % 3,
        .t_submit = id,
        .t_inactive = last ? id : 0,
        .nonce = nonce,
        .rec = rec,
    };

    snprintf(nonce, sizeof(nonce), "%ju", (uintmax_t)id);
    job.rec_len = snprintf(rec, sizeof(rec), "{\"version\":%d}", version);
    store_txn_job(t, &job);
    put_event(t, id, version);
}

static void put_new_job(struct store_txn *t, uint64_t id)
{
    char text[TEXT_MAX];

    store_txn_jobdata(t, id, "jobspec", 0, text, make_jobspec(id, text));
    store_txn_jobdata_shared(t, id, "env", text, make_env(id, text));
    put_job(t, id, 1);
}

/* ---- the load ---- */

struct ack {
    struct run *r;
    uint64_t id;
    int version;
};

static void send_more(struct run *r);

static void acked(int error, void *arg)
{
    struct ack *a = arg;
    struct run *r = a->r;

    if (error == 0) {
        r->p->acked++;
        if (r->jobs[a->id].acked < a->version)
            r->jobs[a->id].acked = a->version;
    } else
        r->over = true;
    r->waiting--;
    free(a);
    send_more(r);
}

static uint64_t pick_job(struct run *r)
{
    uint64_t id = r->njobs > 0 ? 1 + pwrvfs_random(r->disk, r->njobs) : 0;

    /* Half new ones, half the next version of an old one; a finished job may go. */
    if (id == 0 || pwrvfs_random(r->disk, 2) || r->jobs[id].tried >= VERSIONS_MAX)
        id = ++r->njobs;
    return id;
}

static void send_one(struct run *r)
{
    uint64_t id = pick_job(r);
    struct job *job = &r->jobs[id];
    struct store_txn *t = store_txn_new(r->store);
    struct ack *a = malloc(sizeof(*a));
    char last[24];

    snprintf(last, sizeof(last), "%ld", r->next_txn);
    store_txn_meta(t, "last", last);
    store_txn_log(t, r->next_log++, last, strlen(last));
    job->txns[job->tried++] = r->next_txn++;
    *a = (struct ack){r, id, job->tried};
    if (job->tried == 1)
        put_new_job(t, id);
    else if (job->tried < VERSIONS_MAX)
        put_job(t, id, job->tried);
    else
        store_txn_job_delete(t, id);
    r->waiting++;
    store_commit(r->store, t, acked, a);
}

static void send_more(struct run *r)
{
    while (!r->over && r->waiting < r->window && r->njobs < JOBS_MAX - 1)
        send_one(r);
    if (r->waiting == 0)
        loop_stop(r->loop);
}

/* ---- what is found afterwards ---- */

struct piece {
    struct run *r;
    uint64_t id;
    int count;
    char *text;
    size_t len;
};

static int join(uint64_t seq, const void *data, size_t len, void *arg)
{
    struct piece *p = arg;

    if (seq != (uint64_t)p->count || p->len + len >= TEXT_MAX) {
        corrupt(p->r, "pieces are missing", p->id);
        return 0;
    }
    memcpy(p->text + p->len, data, len);
    p->len += len;
    p->text[p->len] = '\0';
    p->count++;
    return 0;
}

static void check_piece(struct run *r, struct store_reader *reader, uint64_t id,
                        const char *key, const char *want, int count)
{
    struct piece p = {r, id, 0, r->seen[0], 0};
    int rc = store_reader_jobdata(reader, id, key, join, &p);

    *p.text = p.count ? *p.text : '\0';
    if ((rc < 0 && rc != -ENOENT) || p.count != count)
        corrupt(r, key, id);
    else if (count && strcmp(p.text, want) != 0)
        corrupt(r, key, id);
}

static void check_pieces(struct run *r, struct store_reader *reader, uint64_t id,
                         int version)
{
    bool there = version > 0;
    char *want = r->seen[1];
    size_t len = 0;

    make_jobspec(id, want);
    check_piece(r, reader, id, "jobspec", want, there);
    make_env(id, want);
    check_piece(r, reader, id, "env", want, there);
    for (int v = 1; v <= version; v++)
        len += make_event(id, v, want + len, TEXT_MAX - len);
    check_piece(r, reader, id, "eventlog", want, version);
}

static int read_version(const struct store_job *job, void *arg)
{
    return sscanf(job->rec, "{\"version\":%d}", (int *)arg) == 1 ? 0 : -EPROTO;
}

/* Version that the surviving transactions, those up to `last`, leave. */
static int version_at(const struct job *job, long last)
{
    int version = 0;

    while (version < job->tried && job->txns[version] <= last)
        version++;
    return version;
}

static void check_job(struct run *r, struct store_reader *reader, uint64_t id, long last)
{
    struct job *job = &r->jobs[id];
    int want = version_at(job, last), found = 0;
    int rc = store_reader_job(reader, id, read_version, &found);

    if (rc < 0 && rc != -ENOENT)
        corrupt(r, "cannot be read", id);
    if (found != (want == VERSIONS_MAX ? 0 : want))
        corrupt(r, "is not as its transactions left it", id);
    check_pieces(r, reader, id, found);
    if (want < job->acked)
        r->p->lost += job->acked - want;
    /* What did not survive was never tried, as far as the next life knows. */
    job->tried = job->acked = want;
}

struct log {
    uint64_t seq;
    long last;
    bool gap;
};

static int read_record(uint64_t seq, const void *data, size_t len, void *arg)
{
    struct log *log = arg;
    char text[24] = "";

    memcpy(text, data, len < sizeof(text) ? len : 0);
    log->gap |= seq != log->seq + 1 || atol(text) <= log->last;
    log->seq = seq;
    log->last = atol(text);
    return 0;
}

/* The log is the transactions in order, none left out, up to `last`. */
static void check_log(struct run *r, struct store_reader *reader, long last)
{
    struct log log = {.last = -1};

    if (store_reader_log(reader, 0, read_record, &log) < 0 || log.gap || log.last != last)
        corrupt(r, "the log is not that of the transactions", 0);
    r->next_log = log.seq + 1;
}

static int check_jobs(struct store_reader *reader, void *arg)
{
    struct run *r = arg;
    char *text = NULL;
    int rc = store_reader_meta(reader, "last", &text);
    long last = rc == 0 ? atol(text) : -1;

    free(text);
    if ((rc < 0 && rc != -ENOENT) || last >= r->next_txn)
        corrupt(r, "the last transaction is not known", 0);
    check_log(r, reader, last);
    for (uint64_t id = 1; id <= r->njobs; id++)
        check_job(r, reader, id, last);
    return 0;
}

static long count(sqlite3 *db, const char *text)
{
    sqlite3_stmt *st;
    long n = -1;

    if (sqlite3_prepare_v2(db, text, -1, &st, NULL) == SQLITE_OK &&
        sqlite3_step(st) == SQLITE_ROW)
        n = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return n;
}

const char *powercut_check_file(const char *vfs)
{
    const char *why = NULL;
    sqlite3 *db;

    if (sqlite3_open_v2("pwr.db", &db, SQLITE_OPEN_READONLY, vfs) != SQLITE_OK ||
        count(db, "SELECT count(*) FROM pragma_integrity_check"
                  " WHERE integrity_check<>'ok'") != 0)
        why = "integrity_check fails";
    else if (count(db, "SELECT count(*) FROM shared_use u LEFT JOIN"
                       "(SELECT ref,count(*) c FROM jobdata WHERE ref IS NOT NULL"
                       " GROUP BY ref) d ON d.ref=u.ref WHERE u.n<>ifnull(d.c,0)") != 0 ||
             count(db, "SELECT count(*) FROM shared s WHERE NOT EXISTS"
                       "(SELECT 1 FROM shared_use u WHERE u.ref=s.ref)") != 0)
        why = "shared bytes are miscounted";
    sqlite3_close(db);
    return why;
}

static void check_integrity(struct run *r, const char *vfs)
{
    const char *why = powercut_check_file(vfs);

    if (why)
        corrupt(r, why, 0);
}

/* ---- lives ---- */

static int open_store(struct run *r, const char *vfs)
{
    struct store_options opts = {
        .path = "pwr.db",
        .vfs = vfs,
        .durability = r->p->durability,
        .checkpoint_interval = 0.001,
    };
    flux_error_t err;
    int rc = store_open(r->loop, &opts, &r->store, &err);

    if (rc < 0 && !pwrvfs_is_cut(r->disk))
        corrupt(r, err.text, 0);
    return rc;
}

/* Open on what the last cut left, check it, load it, cut. False: it cannot go on. */
static bool live(struct run *r, const char *vfs)
{
    if (open_store(r, vfs) < 0)
        return false;
    if (store_read_now(r->store, check_jobs, r) < 0)
        corrupt(r, "cannot be read", 0);
    check_integrity(r, vfs);
    if (r->broken) {
        store_close(r->store);
        return false;
    }
    r->over = false;
    r->window = 1 + pwrvfs_random(r->disk, 60);
    pwrvfs_cut_after(r->disk, pwrvfs_random(r->disk, 400));
    send_more(r);
    loop_run(r->loop, 0);
    store_close(r->store);
    r->p->cuts++;
    return true;
}

static void new_world(struct run *r)
{
    int rc = r->p->simulated ? env_new_sim(r->p->seed, &r->env) : env_new_real(&r->env);

    assert(rc == 0);
    rc = loop_new(r->env, &r->loop);
    assert(rc == 0);
}

void powercut_run(struct powercut *p, char *why, size_t why_size)
{
    struct run r = {.p = p, .why = why, .why_size = why_size};
    char vfs[32];

    snprintf(vfs, sizeof(vfs), "pwr%ju", (uintmax_t)p->seed);
    r.disk = pwrvfs_new(vfs, p->seed);
    r.jobs = calloc(JOBS_MAX, sizeof(*r.jobs));
    assert(r.disk && r.jobs);
    new_world(&r);
    for (int i = 0; i <= p->lives && !r.broken; i++) {
        if (i == p->lives) {
            /* The last cut is looked at, too. */
            if (open_store(&r, vfs) == 0) {
                store_read_now(r.store, check_jobs, &r);
                check_integrity(&r, vfs);
                store_close(r.store);
            }
        } else if (!live(&r, vfs))
            break;
        pwrvfs_power_on(r.disk);
    }
    loop_unref(r.loop);
    env_unref(r.env);
    pwrvfs_free(r.disk);
    free(r.jobs);
}

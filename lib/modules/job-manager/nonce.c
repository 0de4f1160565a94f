/* Submissions that may come twice, see nonce.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "modules/job-manager/nonce.h"
#include "proto/submit.h"

#define FILTER_BITS (1u << 21)
#define KEY_SIZE (NONCE_MAX + 16) /* "userid:nonce" */

struct nonces {
    struct job_manager *jm;
    struct map *pending; /* key -> id, jobs that are not on disk */
    struct map *known;   /* key -> id, found in the store for the present messages */
    bool store_empty;    /* when this broker started: the filter knows all */
    uint8_t *filter;     /* nonces since then; NULL: none yet */
    uint64_t seed;
    /* One look-up at a time; what is stored during it must not be forgotten before it
     * is over, as it may have looked too early. */
    bool busy;
    struct map *stored; /* key -> NULL: drop from pending when the look-up is over */
    struct flux_msglist *waiting;
    nonces_again_f again;
};

struct query {
    uint32_t userid;
    char nonce[NONCE_MAX + 1];
    uint64_t id; /* 0: not in the store */
};

struct lookup {
    struct flux_msglist *msgs;
    struct query *queries;
    size_t n;
};

static void make_key(char *key, uint32_t userid, const char *nonce, size_t len)
{
    snprintf(key, KEY_SIZE, "%u:%.*s", userid, (int)len, nonce);
}

int nonces_new(struct job_manager *jm, bool store_empty, struct nonces **ret)
{
    struct nonces *n = calloc(1, sizeof(*n));

    if (!n)
        return -ENOMEM;
    n->jm = jm;
    n->store_empty = store_empty;
    n->seed = hash_seed();
    if (!(n->pending = map_new(free)) || !(n->stored = map_new(NULL)) ||
        !(n->waiting = flux_msglist_create())) {
        nonces_free(n);
        return -ENOMEM;
    }
    *ret = n;
    return 0;
}

void nonces_free(struct nonces *n)
{
    if (!n)
        return;
    map_free(n->pending);
    map_free(n->stored);
    map_free(n->known);
    flux_msglist_destroy(n->waiting);
    free(n->filter);
    free(n);
}

flux_jobid_t nonces_find(struct nonces *n, uint32_t userid, struct slice nonce)
{
    char key[KEY_SIZE];
    flux_jobid_t *id;

    make_key(key, userid, nonce.p, nonce.len);
    if (!(id = map_get(n->pending, key)) && n->known)
        id = map_get(n->known, key);
    return id ? *id : 0;
}

static void filter_bits(struct nonces *n, const char *key, uint32_t bits[2])
{
    uint64_t h = hash_bytes(key, strlen(key), n->seed);

    bits[0] = (uint32_t)h % FILTER_BITS;
    bits[1] = (uint32_t)(h >> 32) % FILTER_BITS;
}

static bool filter_has(struct nonces *n, const char *key)
{
    uint32_t b[2];

    if (!n->filter)
        return false;
    filter_bits(n, key, b);
    return (n->filter[b[0] / 8] >> (b[0] % 8) & 1) &&
           (n->filter[b[1] / 8] >> (b[1] % 8) & 1);
}

static int filter_add(struct nonces *n, const char *key)
{
    uint32_t b[2];

    if (!n->filter && !(n->filter = calloc(1, FILTER_BITS / 8)))
        return -ENOMEM;
    filter_bits(n, key, b);
    for (int i = 0; i < 2; i++)
        n->filter[b[i] / 8] |= (uint8_t)(1u << (b[i] % 8));
    return 0;
}

bool nonces_in_doubt(struct nonces *n, uint32_t userid, struct slice nonce)
{
    char key[KEY_SIZE];

    make_key(key, userid, nonce.p, nonce.len);
    if (map_get(n->pending, key) || (n->known && map_get(n->known, key)))
        return false;
    return !n->store_empty || filter_has(n, key);
}

static void job_key(const struct job *job, char *key)
{
    make_key(key, job->userid, job->nonce, strlen(job->nonce));
}

int nonces_add(struct nonces *n, const struct job *job)
{
    char key[KEY_SIZE];
    flux_jobid_t *id;
    int rc;

    if (!job->nonce)
        return 0;
    job_key(job, key);
    if ((rc = filter_add(n, key)) < 0)
        return rc;
    if (!(id = malloc(sizeof(*id))))
        return -ENOMEM;
    *id = job->id;
    if ((rc = map_set(n->pending, key, id)) < 0)
        free(id);
    return rc;
}

void nonces_stored(struct nonces *n, const struct job *job)
{
    char key[KEY_SIZE];

    if (!job->nonce)
        return;
    job_key(job, key);
    if (!n->busy || map_set(n->stored, key, n) < 0)
        map_del(n->pending, key);
}

void nonces_forget(struct nonces *n, const struct job *job)
{
    char key[KEY_SIZE];

    if (!job->nonce)
        return;
    job_key(job, key);
    map_del(n->pending, key);
}

static void lookup_free(void *arg)
{
    struct lookup *l = arg;

    flux_msglist_destroy(l->msgs);
    free(l->queries);
    free(l);
}

static int lookup_read(struct store_reader *r, void *arg)
{
    struct lookup *l = arg;

    for (size_t i = 0; i < l->n; i++)
        if (store_reader_job_by_nonce(r, l->queries[i].userid, l->queries[i].nonce,
                                      &l->queries[i].id) < 0)
            l->queries[i].id = 0;
    return 0;
}

static int note_known(struct nonces *n, const struct lookup *l)
{
    char key[KEY_SIZE];
    flux_jobid_t *id;

    map_free(n->known);
    if (!(n->known = map_new(free)))
        return -ENOMEM;
    for (size_t i = 0; i < l->n; i++) {
        const struct query *q = &l->queries[i];

        make_key(key, q->userid, q->nonce, strlen(q->nonce));
        if (!(id = malloc(sizeof(*id))))
            return -ENOMEM;
        *id = q->id;
        if (map_set(n->known, key, id) < 0)
            free(id);
    }
    return 0;
}

static void next_lookup(struct nonces *n);

static void lookup_done(struct job_manager *jm, int rc, void *arg)
{
    struct nonces *n = jm->nonces;
    struct lookup *l = arg;
    const flux_msg_t *msg;
    const char *key;

    if (rc == 0)
        rc = note_known(n, l);
    while ((msg = flux_msglist_pop(l->msgs))) {
        if (rc < 0)
            manager_respond_error(jm, msg, -rc, "the store cannot be read: %s",
                                  strerror(-rc));
        else
            n->again(jm, msg);
        flux_msg_decref(msg);
    }
    lookup_free(l);
    map_free(TAKE(n->known));
    n->busy = false;
    for (size_t it = 0; map_next(n->stored, &it, &key, NULL);)
        map_del(n->pending, key);
    map_free(n->stored);
    n->stored = map_new(NULL);
    next_lookup(n);
}

/* Append the nonces of a submission. */
static int add_queries(struct lookup *l, const flux_msg_t *msg)
{
    struct slice envs, jobs, one;
    struct submit_job sj;
    struct query *bigger;
    const char *payload;
    size_t pos = 0;

    if (flux_request_decode(msg, NULL, &payload) < 0 || !payload ||
        submit_read(payload, strlen(payload), &envs, &jobs) < 0)
        return -EPROTO;
    while (slice_element(jobs, &pos, &one) > 0) {
        if (submit_read_job(one, &sj) < 0 || !sj.nonce.p || sj.nonce.len > NONCE_MAX)
            continue;
        if (!(bigger = realloc(l->queries, (l->n + 1) * sizeof(*bigger))))
            return -ENOMEM;
        l->queries = bigger;
        l->queries[l->n] = (struct query){.userid = sj.userid};
        memcpy(l->queries[l->n++].nonce, sj.nonce.p, sj.nonce.len);
    }
    return 0;
}

static void next_lookup(struct nonces *n)
{
    struct lookup *l;
    const flux_msg_t *msg;

    if (n->busy || flux_msglist_count(n->waiting) == 0 || !(l = calloc(1, sizeof(*l))))
        return;
    l->msgs = n->waiting;
    if (!(n->waiting = flux_msglist_create())) {
        n->waiting = l->msgs;
        free(l);
        return;
    }
    for (msg = flux_msglist_first(l->msgs); msg; msg = flux_msglist_next(l->msgs))
        add_queries(l, msg);
    n->busy = true;
    if (manager_read(n->jm, lookup_read, lookup_done, lookup_free, l) < 0)
        lookup_done(n->jm, -ENOMEM, l);
}

int nonces_resolve(struct nonces *n, const flux_msg_t *msg, nonces_again_f again)
{
    n->again = again;
    if (flux_msglist_append(n->waiting, msg) < 0)
        return -ENOMEM;
    next_lookup(n);
    return 0;
}

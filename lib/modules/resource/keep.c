/* The resource service's records; see keep.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <flux/flog.h>
#include <flux/response.h>

#include "base/cleanup.h"
#include "modules/resource/keep.h"

#define KEY_DRAIN "resource.drain"
#define KEY_R "resource.R"
#define MAX_R (64u << 20) /* bytes */

struct keep {
    unsigned refs; /* the owner's, and one for each commit under way */
    flux_t *h;     /* NULL: the owner has gone */
    struct store *store;
    char *R; /* as last written */
};

/* A commit under way. */
struct pending {
    struct keep *k;
    const flux_msg_t *msg;
    const char *key;
};

int keep_new(flux_t *h, struct store *store, struct keep **ret)
{
    struct keep *k = calloc(1, sizeof(*k));

    if (!k)
        return -ENOMEM;
    k->refs = 1;
    k->h = h;
    k->store = store;
    *ret = k;
    return 0;
}

static void unref(struct keep *k)
{
    if (--k->refs > 0)
        return;
    free(k->R);
    free(k);
}

void keep_free(struct keep *k)
{
    if (!k)
        return;
    k->h = NULL;
    unref(k);
}

/* -- reading -- */

struct meta {
    char *drain, *R;
};

static int read_one(struct store_reader *r, const char *key, char **ret)
{
    int rc = store_reader_meta(r, key, ret);

    return rc == -ENOENT ? 0 : rc;
}

static int read_meta(struct store_reader *r, void *arg)
{
    struct meta *m = arg;
    int rc = read_one(r, KEY_DRAIN, &m->drain);

    return rc < 0 ? rc : read_one(r, KEY_R, &m->R);
}

int keep_load(struct keep *k, struct rset **ret_R, cJSON **ret_drain)
{
    const struct json_limits limits = {MAX_R, 32, 10000000};
    struct meta m = {0};
    int rc;

    *ret_R = NULL;
    *ret_drain = NULL;
    if (!k->store)
        return 0;
    if ((rc = store_read_now(k->store, read_meta, &m)) < 0)
        return rc;
    /* What cannot be read is as good as not there; it is found or said again. */
    if (m.drain && json_parse(m.drain, strlen(m.drain), &limits, ret_drain, NULL) < 0)
        flux_log(k->h, LOG_ERR, "the record of drained nodes cannot be read");
    if (m.R && rset_parse(m.R, strlen(m.R), ret_R, NULL) < 0)
        flux_log(k->h, LOG_ERR, "the record of resources cannot be read");
    free(m.drain);
    k->R = m.R;
    return 0;
}

/* -- writing -- */

static void commit_done(int rc, void *arg)
{
    struct pending *p = arg;
    flux_t *h = p->k->h;

    if (rc < 0 && h)
        flux_log(h, LOG_ERR, "%s cannot be recorded: %s", p->key, strerror(-rc));
    if (p->msg && h) {
        if (rc < 0)
            flux_respond_error(h, p->msg, -rc,
                               "done, but it cannot be recorded: a restart forgets it");
        else
            flux_respond(h, p->msg, NULL);
    }
    flux_msg_decref(p->msg);
    unref(p->k);
    free(p);
}

static int commit(struct keep *k, const char *key, const char *value, struct pending *p)
{
    struct store_txn *t = store_txn_new(k->store);
    int rc = t ? store_txn_meta(t, key, value) : -ENOMEM;

    if (rc < 0) {
        store_txn_free(t);
        return rc;
    }
    store_txn_must(t); /* it has happened */
    return store_commit(k->store, t, commit_done, p);
}

static void write(struct keep *k, const char *key, const char *value,
                  const flux_msg_t *msg)
{
    struct pending *p = calloc(1, sizeof(*p));
    int rc;

    if (!p) {
        if (msg)
            flux_respond_error(k->h, msg, ENOMEM, NULL);
        return;
    }
    *p = (struct pending){k, msg ? flux_msg_incref(msg) : NULL, key};
    k->refs++;
    if (!k->store || !value)
        commit_done(value ? 0 : -ENOMEM, p);
    else if ((rc = commit(k, key, value, p)) < 0)
        commit_done(rc, p);
}

void keep_R(struct keep *k, const struct rset *rs)
{
    struct buf out = {0};

    if (!k->store)
        return;
    int rc = rset_print(rs, &out);
    char *text = buf_take(&out, NULL);
    if (rc < 0 || !text || (k->R && strcmp(text, k->R) == 0)) {
        free(text);
        return;
    }
    write(k, KEY_R, text, NULL);
    free(k->R);
    k->R = text;
}

void keep_drain(struct keep *k, const cJSON *drain, const flux_msg_t *msg)
{
    AUTOFREE char *text = json_print(drain);

    write(k, KEY_DRAIN, text, msg);
}

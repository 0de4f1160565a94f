/* The identity of an instance, in its store. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "broker/broker.h"
#include "broker/identity.h"
#include "env/file.h"

/* What the store remembers of the instance. */
struct memory {
    char *uuid, *epoch, *seq;
};

/* What is not there is not there yet. */
static int recall_one(struct store_reader *r, const char *key, char **ret)
{
    int rc = store_reader_meta(r, key, ret);

    return rc == -ENOENT ? 0 : rc;
}

static int recall(struct store_reader *r, void *arg)
{
    struct memory *m = arg;
    int rc;

    if ((rc = recall_one(r, "uuid", &m->uuid)) < 0 ||
        (rc = recall_one(r, "epoch", &m->epoch)) < 0)
        return rc;
    return recall_one(r, "event-seq", &m->seq);
}

static int remember(struct broker *b, const char *key, const char *value)
{
    struct store_txn *t = store_txn_new(b->store);
    int rc;

    if (!t)
        return -ENOMEM;
    store_txn_must(t);
    if ((rc = store_txn_meta(t, key, value)) < 0) {
        store_txn_free(t);
        return rc;
    }
    return store_commit(b->store, t, NULL, NULL);
}

/* ---- the count of lives ----
 *
 * Which life this is, and from where on its events are numbered, must be on the disk
 * before anybody sees either, also when the disk is full: a file of fixed length is
 * written over in its place. The store has both, too, for a folder without the file.
 */
#define LIFE_FORMAT "%-20" PRIu64 " %-10" PRIu32 "\n"

static void read_life(struct broker *b, struct file *f)
{
    char text[64] = "";
    ssize_t n = file_pread(f, text, sizeof(text) - 1, 0);
    uint64_t epoch;
    uint32_t seq;

    if (n <= 0 || sscanf(text, "%" SCNu64 " %" SCNu32, &epoch, &seq) != 2)
        return;
    if (epoch > b->epoch)
        b->epoch = epoch;
    if (seq > b->event_seq)
        b->event_seq = seq;
}

static int write_life(struct broker *b, struct file *f)
{
    char text[64];
    int len = snprintf(text, sizeof(text), LIFE_FORMAT, b->epoch,
                       b->event_seq + 2 * ROUTER_SEQ_STEP);
    ssize_t n = file_pwrite(f, text, (size_t)len, 0);

    return n < 0 ? (int)n : n < len ? -EIO : file_sync(f);
}

/* A new folder on a full disk has no such file: then the store alone remembers. */
static int begin_life(struct broker *b)
{
    AUTOFREE char *path = dirs_path(&b->dirs, "epoch");
    struct file *f = NULL;
    int rc = path ? file_open(b->env, path, O_RDWR | O_CREAT, 0600, &f) : -ENOMEM;

    if (rc == 0)
        read_life(b, f);
    b->epoch++;
    if (rc == 0 && (rc = write_life(b, f)) == 0)
        rc = dir_sync(b->env, b->dirs.statedir); /* or a new file's name may be lost */
    file_close(f);
    return rc == -ENOSPC ? 0 : rc;
}

/* The same instance as before, for the n-th time. */
static int open_instance(struct broker *b)
{
    struct memory m = {0};
    char epoch[24];
    int rc = store_read_now(b->store, recall, &m);

    snprintf(b->instance, sizeof(b->instance), "%s", m.uuid ? m.uuid : b->uuid);
    b->epoch = m.epoch ? strtoull(m.epoch, NULL, 10) : 0;
    b->event_seq = m.seq ? (uint32_t)strtoul(m.seq, NULL, 10) : 0;
    if (rc == 0 && b->dirs.statedir)
        rc = begin_life(b);
    else
        b->epoch++;
    snprintf(epoch, sizeof(epoch), "%" PRIu64, b->epoch);
    if (rc == 0 && !m.uuid)
        rc = remember(b, "uuid", b->instance);
    if (rc == 0)
        rc = remember(b, "epoch", epoch);
    free(m.uuid);
    free(m.epoch);
    free(m.seq);
    return rc;
}

int identity_open(struct broker *b, flux_error_t *err)
{
    const char *name = attrs_get(b->attrs, "broker.durability");
    AUTOFREE char *path = b->dirs.statedir ? dirs_path(&b->dirs, "store.sqlite") : NULL;
    struct store_options opts = {
        .path = path,
        .durability = path ? STORE_POWER : STORE_NONE,
        .uuid = b->uuid,
    };
    int rc;

    if (name && path && store_durability_parse(name, &opts.durability) < 0)
        return error_set(
            err, EINVAL,
            "attribute broker.durability: '%s' is none of power, process, none", name);
    rc = store_open(b->loop, &opts, &b->store, err);
    if (rc < 0 && rc != -EWOULDBLOCK && path && attrs_recovery(b->attrs)) {
        log_printf(b->log, LOG_ERR, "recovery: %s: nothing is read of it or written",
                   err->text);
        opts.path = NULL;
        opts.durability = STORE_NONE;
        rc = store_open(b->loop, &opts, &b->store, err);
    }
    if (rc < 0)
        return rc;
    if ((rc = open_instance(b)) == -EIO)
        error_set(err, EIO,
                  "%s cannot be read: it is damaged: put a copy back, or choose another "
                  "statedir",
                  path ? path : "the store");
    return rc;
}

/* Numbers of events go on after a restart, somewhat higher. */
void identity_keep_seq(struct broker *b, uint32_t seq)
{
    char text[16];

    if (!b->store || store_durability(b->store) == STORE_NONE)
        return;
    snprintf(text, sizeof(text), "%u", (unsigned)(seq + 2 * ROUTER_SEQ_STEP));
    (void)remember(b, "event-seq", text);
}

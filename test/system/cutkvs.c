/* See cutkvs.h. Everything that was sent on one handle to one namespace happens in that
 * order; so of the numbers of a key all up to some number have happened, but for those
 * that were refused, and that number is not below the last one acknowledged. */
#include "cutkvs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <flux/module.h>

#include "base/list.h"

extern const struct flux_module kvs_module;

#define KEYS 24
#define NUMBERS 4000 /* of a key, at most */
#define SPACES 200
#define WAITING_MAX 60
#define SNAPSHOTS 4
#define ANSWER_TURNS 100000

enum fate { UNSENT, SENT, DONE, NEVER };

struct key {
    int number; /* the last that was sent */
    unsigned char fate[NUMBERS + 1];
    int why[NUMBERS +
            1]; /* of NEVER: the errno; < 0: after so many cuts it was not there */
};

/* A namespace: it is made, and removed, once. */
struct space {
    enum fate made, removed;
};

struct snapshot {
    char *treeobj; /* NULL: none */
    int numbers[KEYS];
};

enum what { COMMIT, MAKE, REMOVE, GETROOT, COLLECT, DROP };

struct ask {
    struct list link;
    struct cutkvs *k;
    flux_future_t *f;
    enum what what;
    int key, number; /* number: of a key, or of a namespace */
    bool sync;       /* an error may be the checkpoint's */
};

struct cutkvs {
    struct cutrun *r;
    flux_t *module, *h; /* of the service, of the client */
    void *ctx;
    struct list asks;
    unsigned waiting;
    struct key keys[KEYS];
    struct space spaces[SPACES];
    int nspaces;
    struct snapshot snapshots[SNAPSHOTS];
    char log[300];
    bool quiet; /* for a snapshot: nothing else is under way */
};

struct cutkvs *cutkvs_new(struct cutrun *r)
{
    struct cutkvs *k = r->p->with_kvs ? calloc(1, sizeof(*k)) : NULL;

    if (!k)
        return NULL;
    k->r = r;
    list_init(&k->asks);
    return k;
}

void cutkvs_free(struct cutkvs *k)
{
    if (!k)
        return;
    for (int i = 0; i < SNAPSHOTS; i++)
        free(k->snapshots[i].treeobj);
    free(k);
}

/* ---- what is put ---- */

static void one_name(int key, char *name)
{
    sprintf(name, "cut.k%d.one", key);
}

/* The value of a number: some are blobs of their own, some are ropes. */
static char *value_of(int key, int number, size_t *len)
{
    size_t pad = number % 17 == 3 ? 9000 : number % 29 == 5 ? 70000 : (size_t)number % 50;
    char *text = malloc(pad + 40);

    *len = (size_t)sprintf(text, "%d %d ", key, number);
    for (; pad > 0; pad--, ++*len)
        text[*len] = (char)('a' + (*len * 7 + (size_t)number) % 26);
    return text;
}

static flux_kvs_txn_t *txn_of(int key, int number)
{
    flux_kvs_txn_t *t = flux_kvs_txn_create();
    char name[64], line[32];
    size_t len;
    char *value = value_of(key, number, &len);

    one_name(key, name);
    sprintf(line, "%d\n", number);
    if (!t || flux_kvs_txn_put_raw(t, 0, name, value, len) < 0)
        abort();
    sprintf(name, "cut.k%d.two", key);
    if (flux_kvs_txn_put_raw(t, 0, name, value, len) < 0)
        abort();
    sprintf(name, "cut.k%d.log", key);
    if (flux_kvs_txn_put(t, FLUX_KVS_APPEND, name, line) < 0)
        abort();
    sprintf(name, "cut.all.k%d-%d", key, number % 100); /* a directory of some size */
    if (flux_kvs_txn_put(t, 0, name, line) < 0)
        abort();
    free(value);
    return t;
}

/* ---- the load ---- */

static void ask_free(struct ask *a)
{
    list_del(&a->link);
    a->k->waiting--;
    a->k->quiet = a->k->quiet && a->what != GETROOT;
    flux_future_destroy(a->f);
    free(a);
}

static void keep_snapshot(struct cutkvs *k, flux_future_t *f)
{
    struct snapshot *s = &k->snapshots[cutrun_random(k->r, SNAPSHOTS)];
    const char *treeobj;

    if (flux_kvs_getroot_get_treeobj(f, &treeobj) < 0)
        return;
    free(s->treeobj);
    s->treeobj = strdup(treeobj);
    for (int i = 0; i < KEYS; i++) { /* nothing was under way */
        s->numbers[i] = k->keys[i].number;
        while (s->numbers[i] > 0 && k->keys[i].fate[s->numbers[i]] == NEVER)
            s->numbers[i]--;
        if (k->keys[i].fate[s->numbers[i]] == SENT) /* nobody knows */
            s->numbers[i] = -1;
    }
}

static void count(const struct ask *a, int errnum)
{
    struct cutjobs *p = a->k->r->p;
    long *const sums[] = {&p->commits,   &p->made,        &p->removed,
                          &p->snapshots, &p->collections, &p->drops};

    p->acked += errnum == 0;
    p->refused += errnum != 0 && errnum != EBUSY;
    p->checkpoints += errnum == 0 && a->sync;
    *sums[a->what] += errnum == 0;
}

static void answered(flux_future_t *f, void *arg)
{
    struct ask *a = arg;
    struct cutkvs *k = a->k;
    struct cutrun *r = k->r;
    int errnum = flux_future_get(f, NULL) < 0 ? errno : 0;
    enum fate fate = errnum ? NEVER : DONE;

    /* Without power nothing is known: what was written may have reached the disk. */
    if (errnum && pwrvfs_is_cut(r->disk)) {
        ask_free(a);
        return;
    }
    if (errnum && !cutrun_excuses(r, errnum, flux_future_error_string(a->f)) &&
        !(a->what == COLLECT && errnum == EBUSY))
        cutrun_corrupt(r, 0, "kvs request %d of key %d, number %d: %s (%s)", a->what,
                       a->key, a->number, strerror(errnum), flux_future_error_string(f));
    count(a, errnum);
    if (errnum && cutrun_in_doubt(r, errnum)) {
        ask_free(a);
        return;
    }
    if (a->what == COMMIT && (errnum == 0 || !a->sync)) {
        k->keys[a->key].fate[a->number] = (unsigned char)fate;
        k->keys[a->key].why[a->number] = errnum;
    } else if (a->what == MAKE)
        k->spaces[a->number].made = fate;
    else if (a->what == REMOVE && fate == DONE)
        k->spaces[a->number].removed = DONE;
    else if (a->what == REMOVE) /* it was refused: it may be tried again */
        k->spaces[a->number].removed = UNSENT;
    else if (a->what == GETROOT && fate == DONE)
        keep_snapshot(k, f);
    ask_free(a);
}

static struct ask *ask(struct cutkvs *k, enum what what, int key, int number,
                       flux_future_t *f)
{
    struct ask *a = calloc(1, sizeof(*a));

    if (!a || !f)
        abort();
    *a = (struct ask){.k = k, .f = f, .what = what, .key = key, .number = number};
    list_init(&a->link);
    list_append(&k->asks, &a->link);
    k->waiting++;
    if (flux_future_then(f, -1., answered, a) < 0)
        abort();
    return a;
}

void cutkvs_commit(struct cutkvs *k)
{
    struct cutrun *r = k->r;
    int key = (int)cutrun_random(r, KEYS), flags = 0;
    int number = k->keys[key].number + 1;
    flux_kvs_txn_t *t;

    if (number > NUMBERS)
        return;
    if (cutrun_random(r, 4) == 0)
        flags |= FLUX_KVS_NO_MERGE;
    if (cutrun_random(r, 40) == 0)
        flags |= FLUX_KVS_SYNC;
    t = txn_of(key, number);
    k->keys[key].number = number;
    k->keys[key].fate[number] = SENT;
    ask(k, COMMIT, key, number, flux_kvs_commit(k->h, NULL, flags, t))->sync =
        flags & FLUX_KVS_SYNC;
    flux_kvs_txn_destroy(t);
}

static void space_name(int number, char *name)
{
    sprintf(name, "space-%d", number);
}

static void make_space(struct cutkvs *k)
{
    char name[32];

    if (k->nspaces == SPACES)
        return;
    space_name(k->nspaces, name);
    k->spaces[k->nspaces].made = SENT;
    ask(k, MAKE, 0, k->nspaces,
        flux_kvs_namespace_create(k->h, name, FLUX_USERID_UNKNOWN, 0));
    k->nspaces++;
}

static void remove_space(struct cutkvs *k)
{
    char name[32];
    int n = k->nspaces ? (int)cutrun_random(k->r, (uint64_t)k->nspaces) : 0;

    if (n >= k->nspaces || k->spaces[n].made != DONE || k->spaces[n].removed != UNSENT)
        return;
    space_name(n, name);
    k->spaces[n].removed = SENT;
    ask(k, REMOVE, 0, n, flux_kvs_namespace_remove(k->h, name));
}

static void other(struct cutkvs *k, enum what what, const char *topic)
{
    ask(k, what, 0, 0, flux_rpc(k->h, topic, "{}", FLUX_NODEID_ANY, 0));
}

void cutkvs_load(struct cutkvs *k)
{
    struct cutrun *r;

    if (!k)
        return;
    r = k->r;
    if (k->quiet && k->waiting == 0)
        ask(k, GETROOT, 0, 0, flux_kvs_getroot(k->h, NULL, 0));
    if (k->quiet || k->waiting >= WAITING_MAX)
        return;
    switch (cutrun_random(r, 40)) {
    case 0:
        make_space(k);
        break;
    case 1:
        remove_space(k);
        break;
    case 2:
        k->quiet = cutrun_random(r, 4) == 0;
        break;
    case 3:
        if (cutrun_random(r, 3) == 0)
            other(k, COLLECT, "kvs.gc");
        else
            other(k, DROP, "kvs.dropcache");
        break;
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
    case 9:
    case 10:
    case 11:
        cutkvs_commit(k);
        break;
    case 12:
        for (uint64_t n = 1 + cutrun_random(r, 20); n > 0; n--)
            cutkvs_commit(k);
        break;
    default:
        break;
    }
}

/* ---- looking at what a cut left ---- */

static void arrived(flux_future_t *f, void *arg)
{
}

/* Turn the loop until there is an answer: 0, its errno, or -1 when the power went. */
static int wait_for(struct cutkvs *k, flux_future_t *f)
{
    if (!f || flux_future_then(f, -1., arrived, NULL) < 0)
        abort();
    for (int i = 0; !flux_future_is_ready(f); i++) {
        if (i > ANSWER_TURNS)
            cutrun_corrupt(k->r, 0, "a lookup is not answered");
        if (pwrvfs_is_cut(k->r->disk) || i > ANSWER_TURNS)
            return -1;
        flux_reactor_run(k->r->w->r, FLUX_REACTOR_ONCE);
    }
    if (flux_future_get(f, NULL) == 0)
        return 0;
    return pwrvfs_is_cut(k->r->disk) ? -1 : errno;
}

/* A value, yours; NULL: there is none (*errnum 0 or ENOENT), or the power went (-1). */
static char *look(struct cutkvs *k, const char *at, const char *name, size_t *len,
                  int *errnum)
{
    flux_future_t *f =
        at ? flux_kvs_lookupat(k->h, 0, name, at) : flux_kvs_lookup(k->h, NULL, 0, name);
    const void *data = NULL;
    char *copy = NULL;

    *len = 0;
    *errnum = wait_for(k, f);
    if (*errnum == 0 && flux_kvs_lookup_get_raw(f, &data, len) == 0) {
        copy = malloc(*len + 1);
        memcpy(copy, data ? data : "", *len);
        copy[*len] = '\0';
    }
    flux_future_destroy(f);
    if (*errnum > 0 && *errnum != ENOENT)
        cutrun_corrupt(k->r, 0, "lookup of %s %s: %s", name, at ? "in a snapshot" : "",
                       strerror(*errnum));
    return copy;
}

/* The number that a key has (0: none), its value compared; -1: the power went. */
static int number_of(struct cutkvs *k, const char *at, int key, const char *which)
{
    int has = -1, of, errnum;
    size_t len, want;
    char name[64];
    char *value, *expected;

    sprintf(name, "cut.k%d.%s", key, which);
    value = look(k, at, name, &len, &errnum);
    if (errnum)
        return errnum == ENOENT ? 0 : -1;
    if (sscanf(value, "%d %d ", &of, &has) != 2 || of != key || has < 1 || has > NUMBERS)
        cutrun_corrupt(k->r, 0, "%s is no value: %.40s", name, value);
    else {
        expected = value_of(key, has, &want);
        if (want != len || memcmp(value, expected, len))
            cutrun_corrupt(k->r, 0, "%s: the value of %d is damaged", name, has);
        free(expected);
    }
    free(value);
    return has;
}

static void set_never(struct cutkvs *k, int key, int n)
{
    k->keys[key].fate[n] = NEVER;
    k->keys[key].why[n] = -(int)k->r->p->cuts;
}

/* Each number up to the last one has its line, but for those that were refused; of some the
 * log is first to tell. */
static bool check_log(struct cutkvs *k, int key, int last)
{
    struct cutrun *r = k->r;
    char name[64], *text, *p, *end;
    int errnum, n = 0;
    size_t len;

    sprintf(name, "cut.k%d.log", key);
    text = look(k, NULL, name, &len, &errnum);
    if (errnum && errnum != ENOENT)
        return false;
    for (p = text ? text : ""; *p; p = end + 1) {
        long line = strtol(p, &end, 10);

        for (n++; n < line && n <= last; n++)
            if (k->keys[key].fate[n] == DONE)
                cutrun_lost(r, 0, "%s: %d is not there", name, n);
            else
                set_never(k, key, n);
        if (*end != '\n' || line != n || k->keys[key].fate[n] == NEVER) {
            cutrun_corrupt(r, 0, "%s: line %ld where %d is due, of fate %d (%d), of %d",
                           name, line, n, n <= NUMBERS ? k->keys[key].fate[n] : -1,
                           n <= NUMBERS ? k->keys[key].why[n] : 0, last);
            break;
        }
        k->keys[key].fate[n] = DONE;
    }
    if (n != last && !r->broken)
        cutrun_corrupt(r, 0, "%s ends with %d, the value is %d", name, n, last);
    free(text);
    return true;
}

/* What a key has, which is whole, and not less than what was acknowledged; -1: the power
 * went. */
static int check_numbers(struct cutkvs *k, int key)
{
    struct key *x = &k->keys[key];
    int one = number_of(k, NULL, key, "one"), two = number_of(k, NULL, key, "two");

    if (one < 0 || two < 0)
        return -1;
    if (one != two)
        cutrun_corrupt(k->r, 0, "key %d: half of a transaction: %d and %d", key, one,
                       two);
    for (int n = one + 1; n <= x->number; n++)
        if (x->fate[n] == DONE)
            cutrun_lost(k->r, 0, "key %d: number %d was acknowledged, %d is there", key,
                        n, one);
    return one;
}

static bool check_key(struct cutkvs *k, int key)
{
    struct key *x = &k->keys[key];
    int one = check_numbers(k, key);

    if (one < 0)
        return false;
    if (one > x->number || (one > 0 && x->fate[one] == NEVER))
        cutrun_corrupt(k->r, 0, "key %d has %d, which was refused (%d)", key, one,
                       one <= x->number ? x->why[one] : 0);
    if (k->r->broken || !check_log(k, key, one))
        return false;
    for (int n = one + 1; n <= x->number; n++)
        set_never(k, key, n);
    return true;
}

static bool check_space(struct cutkvs *k, int n)
{
    struct space *s = &k->spaces[n];
    flux_future_t *f;
    char name[32];
    int errnum;

    space_name(n, name);
    f = flux_kvs_lookup(k->h, name, FLUX_KVS_READDIR, ".");
    errnum = wait_for(k, f);
    flux_future_destroy(f);
    if (errnum < 0)
        return false;
    if (errnum && errnum != ENOTSUP)
        cutrun_corrupt(k->r, 0, "%s: %s", name, strerror(errnum));
    if (errnum && s->made == DONE && s->removed == UNSENT)
        cutrun_lost(k->r, 0, "%s is lost", name);
    if (!errnum && (s->made == NEVER || s->removed == DONE))
        cutrun_corrupt(k->r, 0, "%s is there again", name);
    if (s->made == SENT)
        s->made = errnum ? NEVER : DONE;
    else if (s->removed == SENT)
        s->removed = errnum ? DONE : UNSENT;
    return true;
}

static bool check_snapshot(struct cutkvs *k, const struct snapshot *s)
{
    for (int i = 0; i < KEYS && s->treeobj && !k->r->broken; i += 3) {
        int n = s->numbers[i] < 0 ? 0 : number_of(k, s->treeobj, i, "one");

        if (n < 0)
            return false;
        if (s->numbers[i] >= 0 && n != s->numbers[i])
            cutrun_corrupt(k->r, 0, "key %d of a snapshot is %d, was %d", i, n,
                           s->numbers[i]);
    }
    return true;
}

static void check(struct cutkvs *k)
{
    bool power = true;

    for (int i = 0; power && i < KEYS; i++)
        power = check_key(k, i);
    for (int i = 0; power && i < k->nspaces; i++)
        power = check_space(k, i);
    for (int i = 0; power && i < SNAPSHOTS; i++)
        power = check_snapshot(k, &k->snapshots[i]);
}

void cutkvs_read(struct cutkvs *k)
{
    for (int i = 0; i < KEYS && !k->r->broken; i++)
        check_numbers(k, i);
}

unsigned cutkvs_waiting(const struct cutkvs *k)
{
    return k->waiting;
}

/* ---- life ---- */

static void log_cb(const char *text, int len, void *arg)
{
    struct cutkvs *k = arg;

    snprintf(k->log, sizeof(k->log), "%.*s", len, text);
}

int cutkvs_start(struct cutkvs *k)
{
    struct world *w;
    char owner[16];
    int errnum = 0;

    if (!k)
        return 0;
    w = k->r->w;
    k->module = router_open(w->rt, "kvs", getuid(), FLUX_ROLE_OWNER);
    flux_aux_set(k->module, "flux::store", w->store, NULL);
    flux_attr_set_cacheonly(k->module, "rank", "0");
    flux_attr_set_cacheonly(k->module, "size", "1");
    sprintf(owner, "%u", (unsigned)getuid());
    flux_attr_set_cacheonly(k->module, "security.owner", owner);
    flux_set_conf_new(k->module, flux_conf_create());
    flux_log_set_redirect(k->module, log_cb, k);
    if (kvs_module.init(k->module, 0, NULL, &k->ctx) < 0) {
        errnum = errno;
        if (!cutrun_excuses(k->r, errnum, k->log))
            cutrun_corrupt(k->r, 0, "the kvs does not start: %s", strerror(errnum));
        k->ctx = NULL;
    }
    k->h = router_open(w->rt, NULL, getuid(), FLUX_ROLE_OWNER | FLUX_ROLE_LOCAL);
    if (k->ctx)
        check(k);
    return errnum;
}

void cutkvs_stop(struct cutkvs *k)
{
    struct ask *a;

    if (!k)
        return;
    while ((a = list_first(&k->asks, struct ask, link)))
        ask_free(a);
    k->quiet = false;
    if (k->h)
        router_close(k->r->w->rt, k->h, false);
    if (k->ctx)
        kvs_module.fini(k->module, k->ctx);
    if (k->module)
        router_close(k->r->w->rt, k->module, false);
    k->h = k->module = NULL;
    k->ctx = NULL;
}

/* Bursts of transactions: they are sent without waiting, done in the model as they are
 * sent, and their answers compared. What goes into one version only the answers tell, so
 * the model has numbers of its own for the versions of a burst until then. */
#include <errno.h>

#include "kvs_model.h"

#define PENDING (1ull << 60)
#define OPS 6

enum kind { PUT, APPEND, UNLINK, MKDIR, LINK, OBJECT, DIR, HAS_VERSION, HAS_VALUE };

struct op {
    enum kind kind;
    char key[KEY_SIZE];
    char *value;
    size_t len;
    const char *ns;
    char target[KEY_SIZE];
    struct hold *hold;
    uint64_t version;
    bool linked; /* the way to the key, before the transaction */
};

struct txn {
    flux_future_t *f;
    struct space *sp;
    uint64_t life;
    int flags, rc;
    unsigned nops, nchanges;
    bool may_be_late; /* its namespace was removed before it was answered */
    bool create, remove;
};

struct burst {
    struct txn txns[BURST];
    unsigned n;
    bool needed[SPACES]; /* it has to stay: a snapshot of it is put, it is just made */
};

/* ---- one operation in the model ---- */

/* What treeobj_new_dir() with some entries makes. */
static int put_small_dir(struct model *m, const char *key)
{
    char below[80];
    int rc = model_mkdir(m, key);

    sprintf(below, "%s%sx", key, *key ? "." : "");
    if (rc == 0)
        rc = model_put(m, below, "one", 3);
    sprintf(below, "%s%sy", key, *key ? "." : "");
    return rc < 0 ? rc : model_link(m, below, "", "a.b");
}

static int put_object(struct model *m, const struct op *op)
{
    const struct hold *hd = op->hold;
    char ns[256];
    const char *target;

    if (hd->type == MODEL_DIR)
        return model_put_dir(m, op->key, &hd->m);
    if (hd->type == MODEL_VAL)
        return model_put(m, op->key, hd->value, hd->len);
    target = strstr(hd->value, "::") + 2;
    snprintf(ns, sizeof(ns), "%.*s", (int)(target - 2 - hd->value), hd->value);
    return model_link(m, op->key, ns, target);
}

static int change(struct model *m, const struct op *op)
{
    switch (op->kind) {
    case PUT:
        return model_put(m, op->key, op->value, op->len);
    case APPEND:
        return model_append(m, op->key, op->value, op->len);
    case UNLINK:
        return model_unlink(m, op->key);
    case MKDIR:
        return model_mkdir(m, op->key);
    case LINK:
        return model_link(m, op->key, op->ns ? op->ns : "", op->target);
    case OBJECT:
        return put_object(m, op);
    case DIR:
        return put_small_dir(m, op->key);
    default:
        return 0;
    }
}

/* The version of a key as it is now; 0: it is not there; -errno. */
static int64_t version_of(const struct space *sp, const char *key, uint64_t now,
                          const struct model_entry **e)
{
    char path[PATH_SIZE], ns[256];
    int rc, links = 0;

    *e = NULL;
    if (!*key)
        return (int64_t)now;
    rc = model_resolve(&sp->m, key, false, &links, path, ns);
    if (links > 0)
        return -EINVAL;
    if (rc < 0)
        return 0;
    *e = model_get(&sp->m, path);
    return (int64_t)(*e)->version;
}

/* `now`: of the namespace, as the burst has it. */
static int expect(const struct space *sp, const struct op *op, uint64_t now)
{
    const struct model_entry *e;
    int64_t version = version_of(sp, op->key, now, &e);

    if (version < 0)
        return (int)version;
    if (op->kind == HAS_VERSION)
        return (uint64_t)version == op->version ? 0 : -ESTALE;
    if (!e || e->type != MODEL_VAL || e->len != op->len ||
        memcmp(e->value, op->value, e->len))
        return -ESTALE;
    return 0;
}

/* ---- one transaction in the model ---- */

static int change_all(struct model *m, const struct op *ops, unsigned n)
{
    int rc = 0;

    for (unsigned i = 0; rc == 0 && i < n; i++)
        rc = change(m, &ops[i]);
    return rc;
}

static int apply(struct space *sp, const struct op *ops, unsigned n, uint64_t now,
                 uint64_t version)
{
    struct model copy = {0};
    int rc;

    for (unsigned i = 0; i < n; i++)
        if (ops[i].kind >= HAS_VERSION && (rc = expect(sp, &ops[i], now)) < 0)
            return rc;
    model_copy(&copy, &sp->m);
    copy.version = version;
    if ((rc = change_all(&copy, ops, n)) < 0) {
        model_clear(&copy);
        return rc;
    }
    model_clear(&sp->m);
    sp->m = copy;
    return 0;
}

/* ---- made at random ---- */

static const char *any_ns(struct run *r)
{
    uint64_t i = draw(r, SPACES + 8);

    return i < SPACES ? r->spaces[i].name : i == SPACES ? "nowhere" : NULL;
}

static void any_target(struct run *r, struct op *op)
{
    if (chance(r, 3))
        strcpy(op->target, ".");
    else
        any_key(r, op->target);
}

/* A value or version that the key has, or had, or never had. */
static void any_expectation(struct run *r, struct space *sp, struct op *op)
{
    const struct model_entry *e;
    int64_t version = version_of(sp, op->key, sp->version, &e);

    op->version = version < 0 || version >= (int64_t)PENDING ? 0 : (uint64_t)version;
    if (chance(r, 20)) /* one that it is not: what is merged depends on the disk */
        op->version += op->version > 0 && chance(r, 50) ? (uint64_t)-1 : 1000000;
    if (e && e->type == MODEL_VAL && chance(r, 80)) {
        op->len = e->len;
        op->value = malloc(e->len + 1);
        memcpy(op->value, e->value, e->len);
    } else
        op->value = any_value(r, &op->len);
}

static enum kind any_kind(struct run *r)
{
    static const enum kind kinds[] = {
        PUT,   PUT,    PUT,    PUT, PUT,    APPEND,      LINK,      UNLINK,
        MKDIR, OBJECT, OBJECT, DIR, APPEND, HAS_VERSION, HAS_VALUE, UNLINK};
    return kinds[draw(r, sizeof(kinds) / sizeof(*kinds))];
}

/* Root objects of the primary namespace have things in them that are not ours. */
static bool fits(const struct space *sp, const struct op *op)
{
    if (op->kind == OBJECT)
        return op->hold && sp->m.n + op->hold->m.n < 1500 &&
               (*op->key || (op->hold->type == MODEL_DIR && !sp->primary));
    if (op->kind == MKDIR || op->kind == DIR)
        return *op->key || !sp->primary;
    return true;
}

static void any_op(struct run *r, struct space *sp, struct op *op)
{
    *op = (struct op){.kind = any_kind(r)};
    if (op->kind == HAS_VERSION || op->kind == HAS_VALUE || op->kind == UNLINK)
        likely_key(r, &sp->m, op->key);
    else
        any_key(r, op->key);
    if (draw(r, 150) == 0)
        op->key[0] = '\0';
    switch (op->kind) {
    case PUT:
    case APPEND:
        op->value = any_value(r, &op->len);
        break;
    case LINK:
        op->ns = any_ns(r);
        any_target(r, op);
        break;
    case OBJECT:
        op->hold = any_hold(r);
        break;
    case HAS_VERSION:
    case HAS_VALUE:
        any_expectation(r, sp, op);
        break;
    default:
        break;
    }
    if (!fits(sp, op))
        *op = (struct op){.kind = PUT, .key = "a.filler", .value = calloc(1, 1)};
}

static int add(flux_kvs_txn_t *t, const struct op *op, const char *key)
{
    switch (op->kind) {
    case PUT:
        return flux_kvs_txn_put_raw(t, 0, key, op->value, op->len);
    case APPEND:
        return flux_kvs_txn_put_raw(t, FLUX_KVS_APPEND, key, op->value, op->len);
    case UNLINK:
        return flux_kvs_txn_unlink(t, 0, key);
    case MKDIR:
        return flux_kvs_txn_mkdir(t, 0, key);
    case LINK:
        return flux_kvs_txn_symlink(t, 0, key, op->ns, op->target);
    case OBJECT:
        return flux_kvs_txn_put_treeobj(t, 0, key, op->hold->treeobj);
    case DIR:
        return flux_kvs_txn_put_treeobj(
            t, 0, key,
            "{\"ver\":1,\"type\":\"dir\",\"data\":{\"x\":{\"ver\":1,\"type\":\"val\","
            "\"data\":\"b25l\"},\"y\":{\"ver\":1,\"type\":\"symlink\",\"data\":{"
            "\"target\":\"a.b\"}}}}");
    case HAS_VERSION:
        return flux_kvs_txn_expect_version(t, key, (int)op->version);
    case HAS_VALUE:
        return flux_kvs_txn_expect_value(t, key, op->value, op->len);
    }
    return -1;
}

static void tell(struct run *r, const struct txn *t, const struct op *op)
{
    static const char *const names[] = {"put",   "append",         "unlink",
                                        "mkdir", "link",           "object",
                                        "dir",   "expect version", "expect value"};

    say(r, "   %s: %s '%s' len %zu version %ju %s%s %s %.200s", t->sp->name,
        names[op->kind], op->key, op->len, (uintmax_t)op->version, op->ns ? op->ns : "",
        op->ns ? "::" : "", op->target, op->hold ? op->hold->treeobj : "");
}

/* ---- a burst ---- */

/* The namespace's version as the burst has it: that of the last answer, or none that
 * anybody knows when something before in the burst has changed it. */
static uint64_t version_now(const struct burst *b, const struct space *sp)
{
    uint64_t now = sp->version;

    for (unsigned i = 0; i < b->n; i++)
        if (b->txns[i].sp == sp && b->txns[i].life == sp->life && b->txns[i].rc == 0 &&
            b->txns[i].nchanges)
            now = PENDING + i;
    return now;
}

static int any_flags(struct run *r)
{
    int flags = chance(r, 30) ? FLUX_KVS_NO_MERGE : 0;

    if (draw(r, 300) == 0)
        flags |= FLUX_KVS_SYNC;
    return flags;
}

static bool goes_through_links(const struct space *sp, const char *key)
{
    char path[PATH_SIZE], ns[256];
    int links = 0;

    if (sp->exists && *key)
        model_resolve(&sp->m, key, false, &links, path, ns);
    return links > 0;
}

static void note_txn(struct run *r, const struct txn *t, const struct op *ops)
{
    struct touch touches[OPS];

    for (unsigned i = 0; i < t->nops; i++)
        touches[i] = (struct touch){
            ops[i].kind < HAS_VERSION ? ops[i].key : NULL,
            ops[i].kind == APPEND,
            ops[i].linked || goes_through_links(t->sp, ops[i].key),
        };
    watch_note(r, t->sp, t->flags & FLUX_KVS_NO_MERGE, touches, t->nops);
}

static void commit(struct run *r, struct burst *b, struct txn *t, struct op *ops)
{
    flux_kvs_txn_t *txn = flux_kvs_txn_create();
    uint64_t now = version_now(b, t->sp);
    char key[PATH_SIZE];

    for (unsigned i = 0; i < t->nops; i++) {
        any_op(r, t->sp, &ops[i]);
        t->nchanges += ops[i].kind < HAS_VERSION;
        if (ops[i].kind == OBJECT && ops[i].hold->sp)
            b->needed[ops[i].hold->sp - r->spaces] = true;
        ops[i].linked = goes_through_links(t->sp, ops[i].key);
        spell_key(r, ops[i].key, key);
        tell(r, t, &ops[i]);
        if (add(txn, &ops[i], key) < 0)
            wrong(r, "making a transaction, key %s: %s", key, strerror(errno));
    }
    if (!t->sp->exists)
        t->rc = -ENOTSUP;
    else
        t->rc = apply(t->sp, ops, t->nops, now, PENDING + b->n);
    if (!(t->f = flux_kvs_commit(r->h, t->sp->name, t->flags, txn)))
        wrong(r, "sending a commit: %s", strerror(errno));
    if (t->rc == 0 && t->nchanges)
        note_txn(r, t, ops);
    say(r, "commit %u in %s, flags %d: %s expected", b->n, t->sp->name, t->flags,
        strerror(-t->rc));
    flux_kvs_txn_destroy(txn);
    for (unsigned i = 0; i < t->nops; i++)
        free(ops[i].value);
}

static void create(struct run *r, struct burst *b, struct txn *t)
{
    struct space *sp = t->sp;

    say(r, "create %s", sp->name);
    t->create = true;
    b->needed[sp - r->spaces] = true;
    t->rc = sp->exists ? -EEXIST : 0;
    t->f = flux_kvs_namespace_create(r->h, sp->name, FLUX_USERID_UNKNOWN, 0);
    if (sp->exists)
        return;
    sp->exists = true;
    sp->life++;
    sp->version = sp->promised = 0;
    free(sp->treeobj);
    sp->treeobj = NULL;
    model_clear(&sp->m);
}

static void remove_space(struct run *r, struct burst *b, struct txn *t)
{
    struct space *sp = t->sp;

    say(r, "remove %s", sp->name);
    t->remove = true;
    t->rc = sp->primary || !sp->exists ? -ENOTSUP : 0;
    t->f = flux_kvs_namespace_remove(r->h, sp->name);
    if (t->rc < 0)
        return;
    sp->exists = false;
    watch_note_removed(r, sp);
    for (unsigned i = 0; i < b->n; i++)
        if (b->txns[i].sp == sp && b->txns[i].life == t->life)
            b->txns[i].may_be_late = true;
}

/* Most namespaces are there most of the time. */
static void any_txn(struct run *r, struct burst *b)
{
    struct txn *t = &b->txns[b->n];
    struct op ops[OPS];

    *t = (struct txn){.sp = &r->spaces[draw(r, SPACES)]};
    t->life = t->sp->life;
    if (!t->sp->exists && chance(r, 80))
        create(r, b, t);
    else if (draw(r, 300) == 0 && !b->needed[t->sp - r->spaces])
        remove_space(r, b, t);
    else if (draw(r, 200) == 0)
        create(r, b, t);
    else {
        t->flags = any_flags(r);
        t->nops = chance(r, 60) ? 1 : (unsigned)draw(r, OPS + 1);
        commit(r, b, t, ops);
        r->n.checkpoints += (t->flags & FLUX_KVS_SYNC) != 0;
    }
    t->life = t->sp->life;
    b->n++;
}

/* ---- answers ---- */

/* Each version follows the one before; one without changes may be told of the version
 * that those behind it make. */
static void check_version(struct run *r, const struct txn *t, uint64_t seq)
{
    const struct space *sp = t->sp;
    bool alone = t->nchanges && t->flags & FLUX_KVS_NO_MERGE;

    if (sp->primary ? seq < sp->version
                    : seq < sp->version + alone || seq > sp->version + 1 ||
                          (t->nchanges && seq < sp->promised))
        wrong(r, "a commit in %s of %u changes, flags %d, made version %ju of %ju",
              sp->name, t->nchanges, t->flags, (uintmax_t)seq, (uintmax_t)sp->version);
}

static uint64_t take_answer(struct run *r, struct txn *t)
{
    const char *treeobj;
    int seq;

    if (flux_kvs_commit_get_sequence(t->f, &seq) < 0 ||
        flux_kvs_commit_get_treeobj(t->f, &treeobj) < 0)
        wrong(r, "a commit's answer: %s", strerror(errno));
    if (t->life != t->sp->life) /* of a namespace that was removed behind it */
        return (uint64_t)seq;
    check_version(r, t, (uint64_t)seq);
    if (!t->nchanges) {
        t->sp->promised = (uint64_t)seq;
        return (uint64_t)seq;
    }
    t->sp->version = (uint64_t)seq;
    free(t->sp->treeobj);
    t->sp->treeobj = strdup(treeobj);
    return (uint64_t)seq;
}

static void settle_versions(struct model *m, const uint64_t *versions)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->entries[i].version >= PENDING)
            m->entries[i].version = versions[m->entries[i].version - PENDING];
    m->version = 0;
}

static void receive(struct run *r, struct burst *b)
{
    uint64_t versions[BURST] = {0};

    for (unsigned i = 0; i < b->n; i++) {
        struct txn *t = &b->txns[i];
        int rc = answer_of(r, t->f);

        if (rc == ENOTSUP && t->may_be_late)
            ;
        else if (rc != -t->rc)
            wrong(r, "%s %u in %s, flags %d, of %u operations: %s, not %s (%s)",
                  t->create   ? "create"
                  : t->remove ? "remove"
                              : "commit",
                  i, t->sp->name, t->flags, t->nops, strerror(rc), strerror(-t->rc),
                  flux_future_error_string(t->f));
        else if (rc == 0 && !t->create && !t->remove)
            versions[i] = take_answer(r, t);
        r->n.failed_txns += rc != 0;
        r->n.txns += !t->create && !t->remove;
        r->n.namespaces += t->create || t->remove;
        r->n.ops += t->nops;
        flux_future_destroy(t->f);
    }
    for (int i = 0; i < SPACES; i++) {
        struct space *sp = &r->spaces[i];

        settle_versions(&sp->m, versions);
        if (sp->exists && !sp->primary && sp->promised > sp->version)
            wrong(r, "a commit in %s was told of version %ju, which is none", sp->name,
                  (uintmax_t)sp->promised);
    }
}

void txn_burst(struct run *r)
{
    static struct burst b;
    unsigned n = 1 + (unsigned)draw(r, chance(r, 50) ? 3 : BURST);

    b = (struct burst){.n = 0};
    while (b.n < n)
        any_txn(r, &b);
    receive(r, &b);
    r->ops += n;
}

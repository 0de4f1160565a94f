/* Lookups, compared with the model. Nothing changes while they are under way. */
#include <errno.h>

#include "base/json.h"
#include "kvs_model.h"
#include "proto/treeobj.h"

struct look {
    flux_future_t *f;
    struct space *sp;
    struct hold *at; /* a snapshot; NULL: the namespace */
    char key[PATH_SIZE];
    bool want_dir, min;
    int flags;
    struct where w;              /* where it leads to */
    int rc;                      /* and that is an error */
    const struct model_entry *e; /* NULL: the root */
};

bool is_mount(const char *name)
{
    return strcmp(name, "job") == 0 || strcmp(name, "resource") == 0;
}

/* ---- what is expected ---- */

static int expect_entry(const struct look *l)
{
    if (l->want_dir || (l->flags & FLUX_KVS_READDIR))
        return -ENOTDIR;
    if ((l->flags & FLUX_KVS_READLINK) && l->e->type != MODEL_LINK)
        return -EINVAL;
    return 0;
}

static int expect_dir(const struct look *l)
{
    if (l->flags & FLUX_KVS_READLINK)
        return -EINVAL;
    return l->flags & (FLUX_KVS_TREEOBJ | FLUX_KVS_READDIR) ? 0 : -EISDIR;
}

static void expect(struct run *r, struct look *l)
{
    bool follow = !(l->flags & (FLUX_KVS_READLINK | FLUX_KVS_TREEOBJ));

    l->w.m = l->at ? &l->at->m : &l->sp->m;
    l->w.sp = l->at ? NULL : l->sp;
    l->w.primary = l->at ? l->at->primary && l->at->is_root : l->sp->primary;
    l->rc = l->at || l->sp->exists ? resolve(r, l->key, follow, &l->w) : -ENOTSUP;
    l->e = l->rc == 0 && *l->w.path ? model_get(l->w.m, l->w.path) : NULL;
    if (l->rc == 0)
        l->rc = l->e && l->e->type != MODEL_DIR ? expect_entry(l) : expect_dir(l);
}

/* ---- comparing ---- */

static void differs(struct run *r, const struct look *l, const char *what)
{
    char where[400];

    snprintf(where, sizeof(where), "%s%.300s", l->at ? "snapshot " : "",
             l->at ? l->at->treeobj : l->sp->name);
    wrong(r, "lookup of '%.200s' in %s, flags %d (leads to '%.200s'): %s", l->key, where,
          l->flags, l->w.path, what);
}

static void compare_bytes(struct run *r, const struct look *l, const void *data,
                          size_t len, const struct model_entry *e)
{
    char what[400];

    if (len == e->len && (len == 0 || memcmp(data, e->value, len) == 0))
        return;
    snprintf(what, sizeof(what), "%.100s has %zu bytes, not %zu, or others", e->path, len,
             e->len);
    differs(r, l, what);
}

static void compare_object(struct run *r, const struct look *l, const cJSON *o,
                           const struct model_entry *e)
{
    static const char *const types[] = {"val", "dirref", "symlink"};
    const char *ns, *target;
    char text[66000], *data;
    size_t len;

    if (treeobj_type(o) == TREEOBJ_VAL && e->type == MODEL_VAL) {
        if (treeobj_val_decode(o, &data, &len) < 0)
            differs(r, l, "no base64");
        compare_bytes(r, l, data, len, e);
        free(data);
    } else if (treeobj_type(o) == TREEOBJ_SYMLINK && e->type == MODEL_LINK) {
        if (treeobj_symlink_get(o, &ns, &target) < 0)
            differs(r, l, "no link");
        snprintf(text, sizeof(text), "%s::%s", ns ? ns : "", target);
        compare_bytes(r, l, text, strlen(text), e);
    } else if (!(treeobj_type(o) == TREEOBJ_VALREF && e->type == MODEL_VAL) &&
               !(treeobj_type(o) == TREEOBJ_DIRREF && e->type == MODEL_DIR)) {
        snprintf(text, sizeof(text), "%s is a %s, not a %s", e->path,
                 treeobj_type_name(treeobj_type(o)), types[e->type]);
        differs(r, l, text);
    }
}

struct listing {
    struct run *r;
    const struct look *l;
    const cJSON *data;
    int n;
};

static void compare_name(const struct model_entry *e, void *arg)
{
    struct listing *li = arg;
    const char *dot = strrchr(e->path, '.');
    const cJSON *o = json_get(li->data, dot ? dot + 1 : e->path);
    char what[200];

    if (!o) {
        snprintf(what, sizeof(what), "%.100s is not listed", e->path);
        differs(li->r, li->l, what);
    }
    compare_object(li->r, li->l, o, e);
    li->n++;
}

/* Directories with equal contents have one hash: a snapshot by hash may be one of the primary
 * namespace's roots as well. */
static bool may_have_mounts(const struct look *l)
{
    return !*l->w.path && (l->w.primary || (l->at && strstr(l->at->treeobj, "sha256-")));
}

static int count_ours(const struct look *l, const cJSON *data)
{
    const cJSON *o;
    int n = 0;

    cJSON_ArrayForEach(o, data) n += !may_have_mounts(l) || !is_mount(o->string);
    return n;
}

static void compare_listing(struct run *r, const struct look *l, const cJSON *o)
{
    struct listing li = {.r = r, .l = l, .data = json_get(o, "data")};
    char what[100];
    int n;

    if (treeobj_type(o) != TREEOBJ_DIR)
        differs(r, l, "no directory");
    model_each(l->w.m, l->w.path, compare_name, &li);
    if ((n = count_ours(l, li.data)) == li.n)
        return;
    snprintf(what, sizeof(what), "%d entries are listed, not %d", n, li.n);
    differs(r, l, what);
}

/* An answer that was to be an object. */
static void compare_answer(struct run *r, const struct look *l)
{
    struct model_entry root = {.path = ".", .type = MODEL_DIR};
    const char *text;
    cJSON *o;

    if (flux_kvs_lookup_get_treeobj(l->f, &text) < 0 ||
        treeobj_parse(text, strlen(text), &o, NULL) < 0)
        differs(r, l, "no object");
    if ((l->flags & FLUX_KVS_READDIR) && !(l->flags & FLUX_KVS_TREEOBJ))
        compare_listing(r, l, o);
    else
        compare_object(r, l, o, l->e ? l->e : &root);
    json_free(o);
}

static void compare_value(struct run *r, const struct look *l)
{
    const void *data;
    size_t len;

    if (flux_kvs_lookup_get_raw(l->f, &data, &len) < 0)
        differs(r, l, "no value");
    compare_bytes(r, l, data, len, l->e);
}

static void compare_versions(struct run *r, const struct look *l)
{
    int version, key_version;
    uint64_t want;
    char what[100];

    if (flux_kvs_lookup_get_version(l->f, &version, &key_version) < 0)
        differs(r, l, "no versions");
    if (l->w.primary)
        return;
    want = l->e ? l->e->version : l->w.sp->version;
    if ((uint64_t)version == l->w.sp->version && (uint64_t)key_version == want)
        return;
    snprintf(what, sizeof(what), "version %d, of the key %d; not %ju, %ju", version,
             key_version, (uintmax_t)l->w.sp->version, (uintmax_t)want);
    differs(r, l, what);
}

/* ---- one lookup ---- */

static void receive(struct run *r, struct look *l)
{
    int rc = answer_of(r, l->f);
    char what[200];

    r->n.lookups++;
    r->n.failed_lookups += rc != 0;
    if (rc == ESTALE && l->at && !hold_is_good(r, l->at)) {
        r->n.stale++;
        return;
    }
    if (rc != -l->rc) {
        snprintf(what, sizeof(what), "%s, not %s (%s)", strerror(rc), strerror(-l->rc),
                 flux_future_error_string(l->f));
        differs(r, l, what);
    }
    if (rc)
        return;
    if (l->flags & (FLUX_KVS_TREEOBJ | FLUX_KVS_READDIR | FLUX_KVS_READLINK))
        compare_answer(r, l);
    else
        compare_value(r, l);
    if (l->min)
        compare_versions(r, l);
}

/* What was named may be put somewhere later. (Not of a snapshot: it may have to make room.)
 */
static void keep(struct run *r, const struct look *l)
{
    const char *text;
    struct hold *hd;

    if (!(l->flags & FLUX_KVS_TREEOBJ) || l->rc || l->at || (!l->e && l->w.primary) ||
        flux_kvs_lookup_get_treeobj(l->f, &text) < 0 || chance(r, 50))
        return;
    hd = hold_new(r);
    hd->treeobj = strdup(text);
    hd->type = l->e ? l->e->type : MODEL_DIR;
    if (hd->type == MODEL_DIR) {
        model_sub(l->w.m, l->w.path, &hd->m);
        say(r, "hold '%s' of %zu entries below '%s': %s", l->key, hd->m.n, l->w.path,
            text);
        return;
    }
    hd->len = l->e->len;
    hd->value = malloc(hd->len + 1);
    memcpy(hd->value, l->e->value, hd->len + 1);
}

static int any_flags(struct run *r)
{
    static const int flags[] = {
        0,
        0,
        0,
        0,
        FLUX_KVS_READDIR,
        FLUX_KVS_READDIR,
        FLUX_KVS_READLINK,
        FLUX_KVS_TREEOBJ,
        FLUX_KVS_TREEOBJ,
        FLUX_KVS_TREEOBJ | FLUX_KVS_READDIR,
        FLUX_KVS_LINEARIZABLE,
    };
    return flags[draw(r, sizeof(flags) / sizeof(*flags))];
}

static void send(struct run *r, struct look *l, int min)
{
    char text[PATH_SIZE + 8];

    spell_key(r, l->key, text);
    if (l->want_dir && *l->key)
        strcat(text, ".");
    if (l->at)
        l->f = flux_kvs_lookupat(r->h, l->flags & ~FLUX_KVS_LINEARIZABLE, text,
                                 l->at->treeobj);
    else if (l->min)
        l->f = flux_kvs_lookup_min(r->h, l->sp->name, l->flags, text, min);
    else
        l->f = flux_kvs_lookup(r->h, l->sp->name, l->flags, text);
    if (!l->f)
        wrong(r, "sending a lookup of %s, flags %d: %s", text, l->flags, strerror(errno));
    say(r, "lookup of '%s' in %s, flags %d", text, l->at ? l->at->treeobj : l->sp->name,
        l->flags);
}

static void look_new(struct run *r, struct look *l)
{
    l->sp = any_space(r);
    l->at = chance(r, 15) ? any_snapshot(r) : NULL;
    l->want_dir = chance(r, 5);
    l->min = chance(r, 20);
    l->flags = any_flags(r);
    if (l->at)
        l->min = false;
    likely_key(r, l->at ? &l->at->m : &l->sp->m, l->key);
    if (draw(r, 30) == 0)
        l->key[0] = '\0';
    send(r, l, (int)draw(r, l->sp->version + 1));
    expect(r, l);
}

void look_burst(struct run *r)
{
    static struct look looks[BURST];
    unsigned n = 1 + (unsigned)draw(r, BURST);

    for (unsigned i = 0; i < n; i++)
        look_new(r, &looks[i]);
    for (unsigned i = 0; i < n; i++)
        receive(r, &looks[i]);
    for (unsigned i = 0; i < n; i++) {
        keep(r, &looks[i]);
        flux_future_destroy(looks[i].f);
    }
    r->ops += n;
}

/* ---- all of it ---- */

static void look_at(struct run *r, struct space *sp, struct hold *at, const char *key,
                    int flags)
{
    static struct look l;

    l = (struct look){.sp = sp, .at = at, .flags = flags};
    if (strlen(key) > 10000)
        return;
    strcpy(l.key, key);
    send(r, &l, 0);
    expect(r, &l);
    receive(r, &l);
    flux_future_destroy(l.f);
    r->ops++;
}

static void look_at_model(struct run *r, struct space *sp, struct hold *at)
{
    const struct model *m = at ? &at->m : &sp->m;

    look_at(r, sp, at, "", FLUX_KVS_READDIR);
    for (size_t i = 0; i < m->n; i++) {
        const struct model_entry *e = &m->entries[i];

        if (e->type == MODEL_DIR)
            look_at(r, sp, at, e->path, FLUX_KVS_READDIR);
        else if (e->type == MODEL_VAL && e->len > 32)
            look_at(r, sp, at, e->path, 0);
    }
}

void look_at_all(struct run *r)
{
    uint64_t ops = r->ops;

    for (int i = 0; i < SPACES; i++)
        if (r->spaces[i].exists)
            look_at_model(r, &r->spaces[i], NULL);
        else
            look_at(r, &r->spaces[i], NULL, "a", 0);
    for (int i = 0; i < HOLDS; i++)
        if (r->holds[i].treeobj && r->holds[i].type == MODEL_DIR && r->holds[i].is_root &&
            r->holds[i].by_hash)
            look_at_model(r, NULL, &r->holds[i]);
    r->ops = ops; /* they are a check, and count as none */
}

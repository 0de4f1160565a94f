/* Watches of whatever happens to a key (FULL), maybe a directory (READDIR), or of what is
 * written to it (UNIQ), or appended (APPEND). What a key is after each transaction is
 * written down, and answers are looked for among that, in order: what was merged may be
 * left out, but not the state before and after a transaction that had a version of its own.
 * In the end there is what the key is now; of the last two, what it was when a transaction
 * last named it, or since then.
 *
 * Pieces make up a value, as what they were appended to; that something else was done to
 * it ends the watch with EINVAL. Of a directory the names are compared; answers may repeat
 * them, when what is below it changed.
 *
 * Where a key leads to another namespace, whose commits have no order with ours, only the
 * end is looked at. */
#include <errno.h>

#include "kvs_model.h"

#define WATCHES 24
#define STATES 400

/* What a lookup gives: a value, or an errno. */
struct state {
    int rc;
    char *value;
    size_t len;
    bool alone; /* there was a version with it */
    bool named; /* a transaction that led to it named the key */
    bool wide;  /* it came while all mattered: until the key exists */
    bool told;  /* maybe: an answer that repeated the one before was like it */
};

enum how { FULL, READDIR, UNIQ, APPEND };
static const char *const names_of_how[] = {"full", "readdir", "uniq", "append"};

struct watch {
    flux_future_t *f; /* NULL: free */
    struct space *sp;
    char key[PATH_SIZE];
    enum how how;
    bool waits;    /* for the key to exist */
    bool sentinel; /* an empty answer comes behind the first */
    bool broken;   /* it was, or may have been, changed other than appended to */
    bool linked;   /* the way goes through links */
    bool loose, ended, over; /* over: nothing new can come */
    struct state told;
    bool has_told;
    struct state due[STATES];
    unsigned n;
    struct run *r;
};

static struct watch watches[WATCHES];

static void state_free(struct state *st)
{
    free(st->value);
    *st = (struct state){0};
}

static bool same(const struct state *a, const struct state *b)
{
    return a->rc == b->rc && a->len == b->len &&
           (a->len == 0 || memcmp(a->value, b->value, a->len) == 0);
}

static struct state copy(int rc, const char *value, size_t len)
{
    struct state st = {.rc = rc, .len = rc ? 0 : len};

    if (st.len) {
        st.value = malloc(len);
        memcpy(st.value, value, len);
    }
    return st;
}

static void watch_free(struct watch *w)
{
    if (w->f && !w->ended)
        flux_kvs_lookup_cancel(w->f);
    flux_future_destroy(w->f);
    state_free(&w->told);
    for (unsigned i = 0; i < w->n; i++)
        state_free(&w->due[i]);
    memset(w, 0, sizeof(*w));
}

/* ---- names of a directory: each with a newline ---- */

struct names {
    char **list;
    unsigned n;
};

static void add_name(struct names *ns, const char *name)
{
    ns->list = realloc(ns->list, (ns->n + 1) * sizeof(*ns->list));
    ns->list[ns->n++] = strdup(name);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static struct state state_of_names(struct names *ns)
{
    struct state st = {0};
    FILE *f = open_memstream(&st.value, &st.len);

    if (ns->n)
        qsort(ns->list, ns->n, sizeof(*ns->list), compare_names);
    for (unsigned i = 0; i < ns->n; i++) {
        fprintf(f, "%s\n", ns->list[i]);
        free(ns->list[i]);
    }
    fclose(f);
    free(ns->list);
    return st;
}

static void add_entry(const struct model_entry *e, void *arg)
{
    const char *dot = strrchr(e->path, '.');

    add_name(arg, dot ? dot + 1 : e->path);
}

static struct state listing(const struct where *where)
{
    struct names ns = {0};

    model_each(where->m, where->path, add_entry, &ns);
    return state_of_names(&ns);
}

static struct state told_listing(struct run *r, struct watch *w)
{
    const flux_kvsdir_t *dir;
    flux_kvsitr_t *it;
    struct names ns = {0};
    const char *name;

    if (flux_kvs_lookup_get_dir(w->f, &dir) < 0 || !(it = flux_kvsitr_create(dir)))
        wrong(r, "a watch of '%.100s' tells no directory", w->key);
    while ((name = flux_kvsitr_next(it)))
        if (!is_mount(name))
            add_name(&ns, name);
    flux_kvsitr_destroy(it);
    return state_of_names(&ns);
}

/* ---- states ---- */

/* What the key is now, as the model has it. */
static struct state now(struct run *r, struct watch *w)
{
    static struct where where;
    const struct model_entry *e;
    int rc;

    if (!w->sp->exists)
        return copy(-ENOTSUP, NULL, 0);
    where.m = &w->sp->m;
    where.sp = w->sp;
    rc = resolve(r, w->key, true, &where);
    w->loose = w->loose || rc == -ENOTSUP || where.crossings > 0;
    w->linked = w->linked || (rc == 0 && strcmp(where.path, w->key) != 0);
    e = rc == 0 && *where.path ? model_get(where.m, where.path) : NULL;
    if (rc == 0 && w->how == READDIR)
        return e && e->type != MODEL_DIR ? copy(-ENOTDIR, NULL, 0) : listing(&where);
    if (rc == 0)
        rc = !e || e->type == MODEL_DIR ? -EISDIR : 0;
    return rc ? copy(rc, NULL, 0) : copy(0, e->value, e->len);
}

static bool is_waiting(const struct watch *w, const struct state *st)
{
    return w->waits && !w->has_told && st->rc == -ENOENT;
}

/* ---- what is due ---- */

static void drop_first(struct watch *w, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        state_free(&w->due[i]);
    memmove(w->due, w->due + n, (w->n - n) * sizeof(*w->due));
    w->n -= n;
}

static const struct state *last(const struct watch *w)
{
    return w->n ? &w->due[w->n - 1] : &w->told;
}

/* Does only what names the key matter? */
static bool is_narrow(const struct watch *w)
{
    return w->how == UNIQ || w->how == APPEND;
}

static void push(struct run *r, struct watch *w, struct state st, bool alone, bool named)
{
    struct state *before = w->n ? &w->due[w->n - 1] : NULL;

    if (alone && before)
        before->alone = true; /* it was the end of a version */
    if ((w->n || w->has_told) && same(last(w), &st)) {
        if (before)
            before->named |= named;
        state_free(&st);
        return;
    }
    if (w->n == STATES)
        wrong(r, "a watch of '%.100s' is far behind", w->key);
    st.alone = alone;
    st.named = named || !is_narrow(w);
    st.wide = w->waits && !w->has_told;
    w->due[w->n++] = st;
}

static bool is_named(const struct watch *w, const struct state *st)
{
    return st->named || (st->wide && !w->has_told);
}

/* Is one of them the other, or above it? */
static bool related(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    size_t less = n < m ? n : m;

    return strncmp(a, b, less) == 0 &&
           (n == m || less == 0 || (n < m ? b : a)[less] == '.');
}

/* Is the watch's key one of those? */
static bool look_at_touches(struct watch *w, const struct touch *touches, unsigned n)
{
    bool named = false;

    for (unsigned i = 0; i < n; i++) {
        if (!touches[i].key)
            continue;
        named |= strcmp(touches[i].key, w->key) == 0;
        w->broken |= !touches[i].appends &&
                     (w->linked || touches[i].linked || related(touches[i].key, w->key));
        w->broken |= touches[i].appends && w->linked;
    }
    return named;
}

void watch_note(struct run *r, const struct space *sp, bool alone,
                const struct touch *touches, unsigned n)
{
    for (int i = 0; i < WATCHES; i++) {
        struct watch *w = &watches[i];
        struct state st;
        bool named;

        if (!w->f || w->over)
            continue;
        st = now(r, w);
        named = w->sp == sp && look_at_touches(w, touches, n);
        push(r, w, st, alone && w->sp == sp, named);
    }
}

void watch_note_removed(struct run *r, const struct space *sp)
{
    for (int i = 0; i < WATCHES; i++) {
        struct watch *w = &watches[i];

        if (!w->f || w->over)
            continue;
        push(r, w, now(r, w), w->sp == sp, w->sp == sp);
        w->over = w->sp == sp;
    }
}

/* ---- what is told ---- */

/* Of the states that are due, it is the first one like it. */
static void match(struct run *r, struct watch *w, const struct state *st)
{
    bool end = w->over && st->rc == -ENOTSUP; /* what was under way ends with it */

    for (unsigned i = 0; i < w->n; i++) {
        if (same(&w->due[i], st)) {
            drop_first(w, i + 1);
            return;
        }
        if (w->due[i].alone && !w->due[i].told && is_named(w, &w->due[i]) && !end &&
            !is_waiting(w, &w->due[i]) &&
            !(w->due[i].rc == 0 && w->has_told && same(&w->due[i], &w->told)))
            wrong(r,
                  "a watch of '%.100s' in %s left out a state (%zu bytes, %s) before "
                  "that of %zu bytes, %s",
                  w->key, w->sp->name, w->due[i].len, strerror(-w->due[i].rc), st->len,
                  strerror(-st->rc));
    }
    wrong(r, "a watch of '%.100s' in %s told what it never was: %zu bytes, %s", w->key,
          w->sp->name, st->len, strerror(-st->rc));
}

/* An answer, as what the key is: a piece behind those before it. */
static struct state answer_state(struct run *r, struct watch *w)
{
    const void *data;
    struct state st;
    size_t len;

    if (flux_future_get(w->f, NULL) < 0)
        return copy(-errno, NULL, 0);
    if (w->how == READDIR)
        return told_listing(r, w);
    if (flux_kvs_lookup_get_raw(w->f, &data, &len) < 0)
        wrong(r, "a watch of '%.100s' tells no value", w->key);
    if (w->how != APPEND || !w->has_told)
        return copy(0, data, len);
    st = (struct state){.len = w->told.len + len, .value = malloc(w->told.len + len + 1)};
    if (w->told.len)
        memcpy(st.value, w->told.value, w->told.len);
    if (len)
        memcpy(st.value + w->told.len, data, len);
    return st;
}

/* Was it to come, and is it no state of the key? */
static bool is_aside(struct run *r, struct watch *w, const struct state *st)
{
    bool again = w->has_told && st->rc == 0 && same(&w->told, st);

    if (again && w->sentinel) {
        w->sentinel = false;
        return true;
    }
    if (w->sentinel && w->has_told && st->rc == 0)
        wrong(r, "a watch of '%.100s' in %s told no end of what there was", w->key,
              w->sp->name);
    if (again && w->how != READDIR)
        wrong(r, "a watch of '%.100s' in %s told the same twice", w->key, w->sp->name);
    if (w->how == APPEND && st->rc == -EINVAL && !w->broken && !w->loose)
        wrong(r,
              "a watch of '%.100s' in %s, only appended to, was told of another change",
              w->key, w->sp->name);
    for (unsigned i = 0; again && i < w->n; i++)
        w->due[i].told |= same(&w->due[i], st);
    return again || (w->how == APPEND && st->rc == -EINVAL);
}

static void told(flux_future_t *f, void *arg)
{
    struct watch *w = arg;
    struct run *r = w->r;
    struct state st = answer_state(r, w);
    int rc = st.rc;

    r->n.notices++;
    say(r, "watch (%s) of '%.100s' in %s: %zu bytes, %s", names_of_how[w->how], w->key,
        w->sp->name, st.len, strerror(-rc));
    if (!is_aside(r, w, &st) && !w->loose)
        match(r, w, &st);
    state_free(&w->told);
    w->told = st;
    w->has_told = true;
    w->ended = rc != 0;
    flux_future_reset(f);
}

/* Has it told what the key was when it was last named, or since then? */
static bool has_told_last(const struct watch *w)
{
    unsigned i = w->n;

    while (i > 0 && !is_named(w, &w->due[i - 1]))
        i--;
    if (i == 0)
        return true;
    for (i--; i < w->n; i++)
        if (w->has_told && same(&w->due[i], &w->told))
            return true;
    return false;
}

/* Has it told what the key is now, or that it is not? */
static bool is_done(struct run *r, struct watch *w)
{
    struct state st;
    bool done;

    if (w->ended)
        return true;
    if (is_narrow(w) && !w->over && (w->loose || has_told_last(w)))
        return true;
    st = w->over ? copy(-ENOTSUP, NULL, 0) : now(r, w);
    done = is_waiting(w, &st) ||
           (!is_narrow(w) && st.rc == 0 && w->has_told && same(&st, &w->told));
    state_free(&st);
    return done;
}

static void timed_out(flux_reactor_t *reactor, flux_watcher_t *tw, int revents, void *arg)
{
    struct watch *w = arg;
    struct state st = now(w->r, w);

    wrong(w->r,
          "a watch (%s) of '%.100s' in %s does not tell what the key is now (%zu bytes, "
          "%s), but %s (%zu bytes, %s; %u states due, waits %d, links %d, elsewhere %d)",
          names_of_how[w->how], w->key, w->sp->name, st.len, strerror(-st.rc),
          w->has_told ? "something else" : "nothing", w->told.len, strerror(-w->told.rc),
          w->n, w->waits, w->linked, w->loose);
}

static void wait_for(struct run *r, struct watch *w)
{
    flux_reactor_t *reactor = flux_get_reactor(r->h);
    flux_watcher_t *limit;

    if (is_done(r, w))
        return;
    limit = flux_timer_watcher_create(reactor, 60., 0., timed_out, w);
    flux_watcher_start(limit);
    while (!is_done(r, w))
        flux_reactor_run(reactor, FLUX_REACTOR_ONCE);
    flux_watcher_destroy(limit);
}

void watch_after_burst(struct run *r)
{
    for (int i = 0; i < WATCHES; i++) {
        struct watch *w = &watches[i];

        if (!w->f)
            continue;
        wait_for(r, w);
        if (w->ended)
            watch_free(w);
        else if (w->loose)
            drop_first(w, w->n);
    }
}

/* ---- beginning and end ---- */

static void begin(struct run *r, struct watch *w)
{
    static const int how[] = {
        FLUX_KVS_WATCH_FULL,
        FLUX_KVS_WATCH_FULL | FLUX_KVS_READDIR,
        FLUX_KVS_WATCH_UNIQ,
        FLUX_KVS_WATCH_APPEND,
    };
    int flags = FLUX_KVS_WATCH;

    w->r = r;
    w->how = (enum how)draw(r, 4);
    flags |= how[w->how];
    w->sentinel = w->how == APPEND && chance(r, 50);
    if (w->sentinel)
        flags |= FLUX_KVS_WATCH_INITIAL_SENTINEL;
    w->sp = any_space(r);
    w->waits = chance(r, 50);
    if (chance(r, 60))
        sprintf(w->key, "w.%c", 'a' + (int)draw(r, 3));
    else if (w->how == READDIR && chance(r, 50))
        strcpy(w->key, "w");
    else
        likely_key(r, &w->sp->m, w->key);
    if (w->waits)
        flags |= FLUX_KVS_WAITCREATE;
    say(r, "watch '%s' in %s, flags 0x%x", w->key, w->sp->name, flags);
    w->f = flux_kvs_lookup(r->h, w->sp->name, flags, w->key);
    if (!w->f || flux_future_then(w->f, -1., told, w) < 0)
        wrong(r, "a watch: %s", strerror(errno));
    push(r, w, now(r, w), false, true);
    r->n.watches++;
    r->ops++;
}

void watch_act(struct run *r)
{
    struct watch *w = &watches[draw(r, WATCHES)];
    bool stop = draw(r, 10) == 0;

    if (w->f && stop)
        watch_free(w);
    else if (!w->f) {
        begin(r, w);
        watch_after_burst(r);
    }
}

void watch_fini(struct run *r)
{
    for (int i = 0; i < WATCHES; i++)
        watch_free(&watches[i]);
}

/* Watches of whatever happens to a key (FULL). What a key is after each transaction is
 * written down, and answers are looked for among that, in order: what was merged may be
 * left out, but not the state before and after a transaction that had a version of its own.
 * In the end there is what the key is now.
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
    bool must; /* be told */
};

struct watch {
    flux_future_t *f; /* NULL: free */
    struct space *sp;
    char key[PATH_SIZE];
    bool waits;              /* for the key to exist */
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
    e = rc == 0 && *where.path ? model_get(where.m, where.path) : NULL;
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

static void push(struct run *r, struct watch *w, struct state st, bool alone)
{
    if (alone && w->n)
        w->due[w->n - 1].must = true; /* it was the end of a version */
    if ((w->n || w->has_told) && same(last(w), &st)) {
        state_free(&st);
        return;
    }
    if (w->n == STATES)
        wrong(r, "a watch of '%.100s' is far behind", w->key);
    st.must = alone;
    w->due[w->n++] = st;
}

void watch_note(struct run *r, const struct space *sp, bool alone)
{
    for (int i = 0; i < WATCHES; i++) {
        struct watch *w = &watches[i];

        if (w->f && !w->over)
            push(r, w, now(r, w), alone && w->sp == sp);
    }
}

void watch_note_removed(struct run *r, const struct space *sp)
{
    for (int i = 0; i < WATCHES; i++) {
        struct watch *w = &watches[i];

        if (!w->f || w->over)
            continue;
        push(r, w, now(r, w), true);
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
        if (w->due[i].must && !end && !is_waiting(w, &w->due[i]) &&
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

static void told(flux_future_t *f, void *arg)
{
    struct watch *w = arg;
    struct run *r = w->r;
    const void *data;
    struct state st;
    size_t len = 0;
    int rc = flux_future_get(f, NULL) < 0 ? -errno : 0;

    if (rc == 0 && flux_kvs_lookup_get_raw(f, &data, &len) < 0)
        wrong(r, "a watch of '%.100s' tells no value", w->key);
    r->n.notices++;
    say(r, "watch of '%.100s' in %s: %zu bytes, %s", w->key, w->sp->name, len,
        strerror(-rc));
    st = copy(rc, data, len);
    if (w->has_told && rc == 0 && same(&w->told, &st))
        wrong(r, "a watch of '%.100s' in %s told the same twice", w->key, w->sp->name);
    if (!w->loose)
        match(r, w, &st);
    state_free(&w->told);
    w->told = st;
    w->has_told = true;
    w->ended = rc != 0;
    flux_future_reset(f);
}

/* Has it told what the key is now, or that it is not? */
static bool is_done(struct run *r, struct watch *w)
{
    struct state st;
    bool done;

    if (w->ended)
        return true;
    st = w->over ? copy(-ENOTSUP, NULL, 0) : now(r, w);
    done = is_waiting(w, &st) || (st.rc == 0 && w->has_told && same(&st, &w->told));
    state_free(&st);
    return done;
}

static void timed_out(flux_reactor_t *reactor, flux_watcher_t *tw, int revents, void *arg)
{
    struct watch *w = arg;

    wrong(w->r, "a watch of '%.100s' in %s does not tell what the key is now", w->key,
          w->sp->name);
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
    int flags = FLUX_KVS_WATCH | FLUX_KVS_WATCH_FULL;

    w->r = r;
    w->sp = any_space(r);
    w->waits = chance(r, 50);
    if (chance(r, 60))
        sprintf(w->key, "w.%c", 'a' + (int)draw(r, 3));
    else
        likely_key(r, &w->sp->m, w->key);
    if (w->waits)
        flags |= FLUX_KVS_WAITCREATE;
    say(r, "watch '%s' in %s%s", w->key, w->sp->name, w->waits ? ", waits" : "");
    w->f = flux_kvs_lookup(r->h, w->sp->name, flags, w->key);
    if (!w->f || flux_future_then(w->f, -1., told, w) < 0)
        wrong(r, "a watch: %s", strerror(errno));
    push(r, w, now(r, w), false);
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

/* Histories, see history.h. First each write gets the version that it has made, as its
 * answer or a read tells; then each thing that was told is compared with them. */
#include "history.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void history_free(struct history *h)
{
    for (size_t i = 0; i < h->nwatches; i++)
        free(h->watches[i].values);
    free(h->watches);
    free(h->acts);
    *h = (struct history){0};
}

static void *more(void *p, size_t *size, size_t one)
{
    *size = *size ? *size * 2 : 64;
    p = realloc(p, *size * one);
    assert(p);
    return p;
}

size_t history_add(struct history *h, const struct act *a)
{
    if (h->n == h->size)
        h->acts = more(h->acts, &h->size, sizeof(*h->acts));
    h->acts[h->n] = *a;
    return h->n++;
}

size_t history_watch(struct history *h, int key, uint64_t from)
{
    if (h->nwatches == h->watches_size)
        h->watches = more(h->watches, &h->watches_size, sizeof(*h->watches));
    h->watches[h->nwatches] = (struct watched){.key = key, .from = from};
    return h->nwatches++;
}

void history_watched(struct history *h, size_t watch, uint64_t value)
{
    struct watched *w = &h->watches[watch];

    if (w->n == w->size)
        w->values = more(w->values, &w->size, sizeof(*w->values));
    w->values[w->n++] = value;
}

/* ---- checking ---- */

/* A version of a key. */
struct change {
    int64_t version;
    uint64_t value;
};

struct check {
    const struct history *h;
    char *why;
    size_t size;
    bool failed;
    uint64_t nvalues;
    int64_t *version; /* by write: 0: not known */
    const struct act **write;
    struct change *changes[HISTORY_KEYS]; /* by version */
    size_t nchanges[HISTORY_KEYS], room[HISTORY_KEYS];
};

static void wrong(struct check *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void wrong(struct check *c, const char *fmt, ...)
{
    va_list ap;

    if (c->failed)
        return;
    c->failed = true;
    va_start(ap, fmt);
    vsnprintf(c->why, c->size, fmt, ap);
    va_end(ap);
}

/* ---- which write made which version ---- */

static void learn_version(struct check *c, uint64_t value, int64_t version)
{
    if (c->version[value] && c->version[value] != version)
        wrong(c, "write %ju of key %d is of version %jd and of %jd", (uintmax_t)value,
              c->write[value]->key, (intmax_t)c->version[value], (intmax_t)version);
    c->version[value] = version;
}

static void learn_write(struct check *c, const struct act *a)
{
    c->write[a->value] = a;
    if (a->fate == FATE_DONE)
        learn_version(c, a->value, a->version);
}

static void learn_read(struct check *c, const struct act *a)
{
    const struct act *w;

    if (a->value == 0)
        return;
    w = a->value <= c->nvalues ? c->write[a->value] : NULL;
    if (!w || w->key != a->key)
        wrong(c, "key %d was found with %ju, which nobody wrote there", a->key,
              (uintmax_t)a->value);
    else if (w->fate == FATE_NEVER)
        wrong(c, "key %d was found with %ju, which was refused", a->key,
              (uintmax_t)a->value);
    else if (w->from > a->to)
        wrong(c, "key %d was found with %ju before that was written", a->key,
              (uintmax_t)a->value);
    else if (a->key_version > a->version)
        wrong(c, "key %d of version %jd was found in version %jd", a->key,
              (intmax_t)a->key_version, (intmax_t)a->version);
    else
        learn_version(c, a->value, a->key_version);
}

static int by_version(const void *a, const void *b)
{
    const struct change *x = a, *y = b;

    return x->version < y->version ? -1 : x->version > y->version;
}

static void learn_all(struct check *c)
{
    for (size_t i = 0; i < c->h->n; i++)
        if (c->h->acts[i].deed == DEED_WRITE)
            learn_write(c, &c->h->acts[i]);
    for (size_t i = 0; i < c->h->n; i++)
        if (c->h->acts[i].deed == DEED_READ && c->h->acts[i].fate == FATE_DONE)
            learn_read(c, &c->h->acts[i]);
    for (uint64_t v = 1; v <= c->nvalues && !c->failed; v++) {
        int key = c->write[v] ? c->write[v]->key : 0;

        if (!c->version[v])
            continue;
        if (c->nchanges[key] == c->room[key])
            c->changes[key] = more(c->changes[key], &c->room[key], sizeof(struct change));
        c->changes[key][c->nchanges[key]++] = (struct change){c->version[v], v};
    }
    for (int k = 0; k < HISTORY_KEYS; k++)
        if (c->nchanges[k])
            qsort(c->changes[k], c->nchanges[k], sizeof(struct change), by_version);
}

/* How many changes of a key there are up to a version. */
static size_t changes_until(const struct check *c, int key, int64_t version)
{
    size_t lo = 0, hi = c->nchanges[key];

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;

        if (c->changes[key][mid].version <= version)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* The version of the last change up to that version; 0: there is none. */
static int64_t last_change(const struct check *c, int key, int64_t version)
{
    size_t n = changes_until(c, key, version);

    return n ? c->changes[key][n - 1].version : 0;
}

/* ---- reads, conditions ---- */

static void check_read(struct check *c, const struct act *a)
{
    int64_t last = last_change(c, a->key, a->version);

    if (last != (a->value ? a->key_version : 0))
        wrong(c, "key %d in version %jd was found with its version %jd, not %jd", a->key,
              (intmax_t)a->version, (intmax_t)(a->value ? a->key_version : 0),
              (intmax_t)last);
}

/* It was to happen only if the key had version `min`: nothing can have come between. */
static void check_condition(struct check *c, const struct act *a)
{
    int64_t before = last_change(c, a->key, a->version - 1);

    if (before != a->min)
        wrong(c, "write %ju of key %d in version %jd happened upon version %jd, not %jd",
              (uintmax_t)a->value, a->key, (intmax_t)a->version, (intmax_t)before,
              (intmax_t)a->min);
}

/* ---- the order in time ---- */

struct moment {
    uint64_t t;
    const struct act *a;
    bool end;
};

/* What ends at a moment comes before what begins then. */
static int by_time(const void *a, const void *b)
{
    const struct moment *x = a, *y = b;

    if (x->t != y->t)
        return x->t < y->t ? -1 : 1;
    return (int)y->end - (int)x->end;
}

static void check_begin(struct check *c, const struct act *a, int64_t leader,
                        int64_t session)
{
    if (a->fate != FATE_DONE)
        return;
    if (a->deed == DEED_WRITE && a->version <= leader)
        wrong(c, "write %ju made version %jd when version %jd had been seen",
              (uintmax_t)a->value, (intmax_t)a->version, (intmax_t)leader);
    else if (a->deed == DEED_READ && a->leader && a->version < leader)
        wrong(c, "a read at the leader got version %jd when version %jd had been seen",
              (intmax_t)a->version, (intmax_t)leader);
    else if (a->version < session)
        wrong(c, "session %d was given version %jd after version %jd", a->session,
              (intmax_t)a->version, (intmax_t)session);
    else if (a->deed == DEED_READ && a->version < a->min)
        wrong(c, "a read that asked for version %jd got %jd", (intmax_t)a->min,
              (intmax_t)a->version);
}

static void check_order(struct check *c)
{
    struct moment *m = calloc(2 * c->h->n + 1, sizeof(*m));
    size_t n = 0, sessions = 0;
    int64_t *session, leader = 0;

    for (size_t i = 0; i < c->h->n; i++) {
        const struct act *a = &c->h->acts[i];

        m[n++] = (struct moment){a->from, a, false};
        if (a->fate == FATE_DONE)
            m[n++] = (struct moment){a->to, a, true};
        if ((size_t)a->session >= sessions)
            sessions = (size_t)a->session + 1;
    }
    session = calloc(sessions + 1, sizeof(*session));
    qsort(m, n, sizeof(*m), by_time);
    for (size_t i = 0; i < n && !c->failed; i++) {
        const struct act *a = m[i].a;

        if (!m[i].end) {
            check_begin(c, a, leader, session[a->session]);
            continue;
        }
        leader = a->version > leader ? a->version : leader;
        if (a->version > session[a->session])
            session[a->session] = a->version;
    }
    free(session);
    free(m);
}

/* ---- watches ---- */

/* The highest version that anybody was told before t. */
static int64_t told_before(const struct check *c, uint64_t t)
{
    int64_t version = 0;

    for (size_t i = 0; i < c->h->n; i++) {
        const struct act *a = &c->h->acts[i];

        if (a->fate == FATE_DONE && a->to < t && a->version > version)
            version = a->version;
    }
    return version;
}

/* Versions of a key that are higher than a and lower than b. */
static size_t versions_between(const struct check *c, int key, int64_t a, int64_t b)
{
    size_t i = changes_until(c, key, a), n = 0;

    for (; i < c->nchanges[key] && c->changes[key][i].version < b; i++) {
        n += c->changes[key][i].version != a;
        a = c->changes[key][i].version;
    }
    return n;
}

/* Between two answers, of versions a < b, none is left out; one whose write was never
 * answered, and which no read has seen, may stand for a version that others were in, too. */
static void check_step(struct check *c, const struct watched *w, int64_t a, int64_t b,
                       size_t unknown)
{
    if (b == a)
        wrong(c, "a watch of key %d told version %jd twice", w->key, (intmax_t)b);
    else if (b < a)
        wrong(c, "a watch of key %d told version %jd after version %jd", w->key,
              (intmax_t)b, (intmax_t)a);
    else if (versions_between(c, w->key, a, b) > unknown)
        wrong(c, "a watch of key %d told version %jd and then %jd, and not %jd", w->key,
              (intmax_t)a, (intmax_t)b, (intmax_t)last_change(c, w->key, b - 1));
}

static bool is_repeated(const struct watched *w, size_t at)
{
    return at > 0 && w->values[at] == w->values[at - 1];
}

static void check_watch(struct check *c, const struct watched *w)
{
    int64_t last = 0, first = last_change(c, w->key, told_before(c, w->from));
    size_t unknown = 0;

    for (size_t i = 0; i < w->n && !c->failed; i++) {
        uint64_t value = w->values[i];
        int64_t version;

        if (value == 0 || value > c->nvalues || !c->write[value] ||
            c->write[value]->key != w->key) {
            wrong(c, "a watch of key %d told %ju", w->key, (uintmax_t)value);
            return;
        }
        if (is_repeated(w, i))
            wrong(c, "a watch of key %d told %ju twice", w->key, (uintmax_t)value);
        if (!(version = c->version[value])) {
            unknown++;
            continue;
        }
        if (last)
            check_step(c, w, last, version, unknown);
        else if (version < first)
            wrong(c, "a watch of key %d began with version %jd, not %jd", w->key,
                  (intmax_t)version, (intmax_t)first);
        last = version;
        unknown = 0;
    }
    if (w->whole && versions_between(c, w->key, last, INT64_MAX) > unknown)
        wrong(c, "a watch of key %d ended with version %jd, not %jd", w->key,
              (intmax_t)last, (intmax_t)last_change(c, w->key, INT64_MAX));
}

/* ---- all ---- */

static void check_all(struct check *c)
{
    const struct history *h = c->h;

    learn_all(c);
    if (!c->failed)
        check_order(c);
    for (size_t i = 0; i < h->n && !c->failed; i++) {
        const struct act *a = &h->acts[i];

        if (a->deed == DEED_READ && a->fate == FATE_DONE)
            check_read(c, a);
        else if (a->deed == DEED_WRITE && a->fate == FATE_DONE && a->min >= 0)
            check_condition(c, a);
    }
    for (size_t i = 0; i < h->nwatches && !c->failed; i++)
        check_watch(c, &h->watches[i]);
}

bool history_check(const struct history *h, char *why, size_t size)
{
    struct check c = {.h = h, .why = why, .size = size};

    for (size_t i = 0; i < h->n; i++)
        if (h->acts[i].deed == DEED_WRITE && h->acts[i].value > c.nvalues)
            c.nvalues = h->acts[i].value;
    c.version = calloc(c.nvalues + 1, sizeof(*c.version));
    c.write = calloc(c.nvalues + 1, sizeof(*c.write));
    assert(c.version && c.write);
    check_all(&c);
    free(c.version);
    free(c.write);
    for (int k = 0; k < HISTORY_KEYS; k++)
        free(c.changes[k]);
    return !c.failed;
}

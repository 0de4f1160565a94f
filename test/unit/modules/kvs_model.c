#include "kvs_model.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINKS 10

static void free_entry(struct model_entry *e)
{
    free(e->path);
    free(e->value);
}

void model_clear(struct model *m)
{
    for (size_t i = 0; i < m->n; i++)
        free_entry(&m->entries[i]);
    free(m->entries);
    *m = (struct model){0};
}

/* All entries go, the version stays. */
static void empty(struct model *m)
{
    uint64_t version = m->version;

    model_clear(m);
    m->version = version;
}

static void *dup(const void *data, size_t len)
{
    char *p = malloc(len + 1);

    assert(p);
    memcpy(p, data, len);
    p[len] = '\0';
    return p;
}

void model_copy(struct model *to, const struct model *from)
{
    model_clear(to);
    to->entries = calloc(from->n + 1, sizeof(*to->entries));
    to->n = to->size = from->n;
    to->version = from->version;
    for (size_t i = 0; i < from->n; i++) {
        to->entries[i] = from->entries[i];
        to->entries[i].path = dup(from->entries[i].path, strlen(from->entries[i].path));
        to->entries[i].value = dup(from->entries[i].value, from->entries[i].len);
    }
}

/* Paths compare name by name: a dot is lower than any other character. */
static int compare(const char *a, const char *b)
{
    for (;; a++, b++) {
        int x = *a == '.' ? 1 : *a ? (unsigned char)*a + 1 : 0;
        int y = *b == '.' ? 1 : *b ? (unsigned char)*b + 1 : 0;

        if (x != y)
            return x - y;
        if (!x)
            return 0;
    }
}

/* The first entry not below path. */
static size_t find(const struct model *m, const char *path)
{
    size_t lo = 0, hi = m->n;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;

        if (compare(m->entries[mid].path, path) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

const struct model_entry *model_get(const struct model *m, const char *path)
{
    size_t i = find(m, path);

    return i < m->n && !strcmp(m->entries[i].path, path) ? &m->entries[i] : NULL;
}

static bool below(const char *path, const char *dir)
{
    size_t len = strlen(dir);

    return !strncmp(path, dir, len) && path[len] == '.';
}

/* The entry, and all below it. */
static void drop(struct model *m, const char *path)
{
    size_t i = find(m, path), k = i;

    if (k < m->n && !strcmp(m->entries[k].path, path))
        free_entry(&m->entries[k++]);
    while (k < m->n && below(m->entries[k].path, path))
        free_entry(&m->entries[k++]);
    if (k > i)
        memmove(m->entries + i, m->entries + k, (m->n - k) * sizeof(*m->entries));
    m->n -= k - i;
}

static void insert(struct model *m, const char *path, enum model_type type,
                   const void *data, size_t len)
{
    size_t i = find(m, path);

    if (m->n == m->size) {
        m->size = m->size * 2 + 16;
        m->entries = realloc(m->entries, m->size * sizeof(*m->entries));
        assert(m->entries);
    }
    memmove(m->entries + i + 1, m->entries + i, (m->n - i) * sizeof(*m->entries));
    m->entries[i] = (struct model_entry){dup(path, strlen(path)), type, dup(data, len),
                                         len, m->version};
    m->n++;
}

static void set(struct model *m, const char *path, enum model_type type, const void *data,
                size_t len)
{
    drop(m, path);
    insert(m, path, type, data, len);
}

int model_resolve(const struct model *m, const char *key, bool follow, int *links,
                  char *path, char *ns)
{
    char want[65536], prefix[65536];

    strcpy(want, key);
    *ns = '\0';
    for (;;) {
        const struct model_entry *e = NULL;
        char *dot = want;
        bool linked = false;

        while (*dot) {
            size_t len = strcspn(dot, ".");
            bool last = !dot[len];

            snprintf(prefix, sizeof(prefix), "%.*s", (int)(dot - want + len), want);
            if (!(e = model_get(m, prefix))) {
                strcpy(path, want);
                return -ENOENT;
            }
            if (e->type == MODEL_LINK && (!last || follow)) {
                const char *target = strstr(e->value, "::") + 2;
                int nslen = (int)(target - 2 - e->value);
                char rest[65536];

                strcpy(rest, dot + len);
                if ((*links)++ == LINKS)
                    return -ELOOP;
                snprintf(ns, 256, "%.*s", nslen, e->value);
                target += !strcmp(target, ".");
                snprintf(want, sizeof(want), "%s%s", target, rest + (!*target && *rest));
                if (*ns) {
                    strcpy(path, want);
                    return 1;
                }
                linked = true;
                break;
            }
            if (e->type != MODEL_DIR && !last) {
                strcpy(path, want);
                return -ENOTDIR;
            }
            dot += len + !last;
        }
        if (!linked) {
            strcpy(path, want);
            return 0;
        }
    }
}

/* Directories above path, which change with it; what is in the way goes. */
static void make_parents(struct model *m, const char *path)
{
    char prefix[65536];

    for (const char *dot = strchr(path, '.'); dot; dot = strchr(dot + 1, '.')) {
        size_t i;

        snprintf(prefix, sizeof(prefix), "%.*s", (int)(dot - path), path);
        i = find(m, prefix);
        if (i == m->n || strcmp(m->entries[i].path, prefix) ||
            m->entries[i].type != MODEL_DIR)
            set(m, prefix, MODEL_DIR, "", 0);
        else
            m->entries[i].version = m->version;
    }
}

/* The path that an operation is about: links above its last name are followed. */
static int target_of(const struct model *m, const char *key, char *path)
{
    char ns[256];
    int rc, links = 0;

    if (!*key)
        return -EINVAL;
    rc = model_resolve(m, key, false, &links, path, ns);
    return rc == 1 ? -EINVAL : rc == -ELOOP ? rc : 0;
}

int model_put(struct model *m, const char *key, const void *data, size_t len)
{
    char path[65536];
    int rc = target_of(m, key, path);

    if (rc < 0)
        return rc;
    make_parents(m, path);
    set(m, path, MODEL_VAL, data, len);
    return 0;
}

int model_append(struct model *m, const char *key, const void *data, size_t len)
{
    char path[65536], *joined;
    const struct model_entry *e;
    int rc = target_of(m, key, path);

    if (rc < 0)
        return rc;
    e = model_get(m, path);
    if (!e)
        return model_put(m, key, data, len);
    if (e->type == MODEL_DIR)
        return -EISDIR;
    if (e->type == MODEL_LINK)
        return -EOPNOTSUPP;
    make_parents(m, path);
    joined = malloc(e->len + len + 1);
    memcpy(joined, e->value, e->len);
    memcpy(joined + e->len, data, len);
    set(m, path, MODEL_VAL, joined, e->len + len);
    free(joined);
    return 0;
}

int model_unlink(struct model *m, const char *key)
{
    char path[65536], ns[256];
    int rc, links = 0;

    if (!*key)
        return -EINVAL;
    rc = model_resolve(m, key, false, &links, path, ns);
    if (rc == 1)
        return -EINVAL;
    if (rc == -ELOOP)
        return rc;
    if (rc == 0) {
        make_parents(m, path);
        drop(m, path);
    }
    return 0;
}

int model_mkdir(struct model *m, const char *key)
{
    char path[65536];
    int rc;

    if (!*key) {
        empty(m);
        return 0;
    }
    if ((rc = target_of(m, key, path)) < 0)
        return rc;
    make_parents(m, path);
    set(m, path, MODEL_DIR, "", 0);
    return 0;
}

int model_link(struct model *m, const char *key, const char *ns, const char *target)
{
    char path[65536], value[66000];
    int rc = target_of(m, key, path);

    if (rc < 0)
        return rc;
    snprintf(value, sizeof(value), "%s::%s", ns, target);
    make_parents(m, path);
    set(m, path, MODEL_LINK, value, strlen(value));
    return 0;
}

void model_sub(const struct model *m, const char *dir, struct model *ret)
{
    size_t len = *dir ? strlen(dir) + 1 : 0;

    model_clear(ret);
    for (size_t i = *dir ? find(m, dir) + 1 : 0; i < m->n; i++) {
        const struct model_entry *e = &m->entries[i];

        if (*dir && !below(e->path, dir))
            break;
        ret->version = e->version;
        insert(ret, e->path + len, e->type, e->value, e->len);
    }
}

int model_put_dir(struct model *m, const char *key, const struct model *sub)
{
    char path[65536], full[66000];
    uint64_t version = m->version;
    int rc = 0;

    if (!*key)
        empty(m);
    else if ((rc = target_of(m, key, path)) < 0)
        return rc;
    else {
        make_parents(m, path);
        set(m, path, MODEL_DIR, "", 0);
    }
    for (size_t i = 0; i < sub->n; i++) {
        const struct model_entry *e = &sub->entries[i];

        snprintf(full, sizeof(full), "%s%s%s", *key ? path : "", *key ? "." : "",
                 e->path);
        m->version = e->version;
        insert(m, full, e->type, e->value, e->len);
    }
    m->version = version;
    return 0;
}

void model_each(const struct model *m, const char *dir,
                void (*fn)(const struct model_entry *e, void *arg), void *arg)
{
    size_t len = *dir ? strlen(dir) + 1 : 0;

    for (size_t i = *dir ? find(m, dir) + 1 : 0; i < m->n; i++) {
        if (*dir && !below(m->entries[i].path, dir))
            break;
        if (!strchr(m->entries[i].path + len, '.'))
            fn(&m->entries[i], arg);
    }
}

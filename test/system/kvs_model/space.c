/* Namespaces as the model has them, keys and values. */
#include <errno.h>

#include "kvs_model.h"

void spaces_init(struct run *r)
{
    for (int i = 0; i < SPACES; i++) {
        struct space *sp = &r->spaces[i];

        sp->primary = i == SPACES - 1;
        sp->exists = sp->primary;
        snprintf(sp->name, sizeof(sp->name), sp->primary ? "primary" : "space%d", i);
    }
}

void spaces_fini(struct run *r)
{
    for (int i = 0; i < SPACES; i++) {
        model_clear(&r->spaces[i].m);
        free(r->spaces[i].treeobj);
    }
}

struct space *any_space(struct run *r)
{
    struct space *sp;

    do
        sp = &r->spaces[draw(r, SPACES)];
    while (!sp->exists);
    return sp;
}

struct space *find_space(struct run *r, const char *name)
{
    for (int i = 0; i < SPACES; i++)
        if (r->spaces[i].exists && strcmp(r->spaces[i].name, name) == 0)
            return &r->spaces[i];
    return NULL;
}

void any_key(struct run *r, char *key)
{
    size_t n = 0;
    int depth = 1 + (int)draw(r, 4);

    if (chance(r, 12)) { /* keys that change often */
        sprintf(key, "w.%c", 'a' + (int)draw(r, 3));
        return;
    }
    if (chance(r, 25)) { /* directories of some size */
        sprintf(key, "%c.n%03d", 'a' + (int)draw(r, 2), (int)draw(r, 400));
        return;
    }
    for (int i = 0; i < depth; i++)
        n += (size_t)sprintf(key + n, "%s%c", i ? "." : "", 'a' + (int)draw(r, 5));
}

void likely_key(struct run *r, const struct model *m, char *key)
{
    const char *path = m->n ? m->entries[draw(r, m->n)].path : NULL;

    if (!path || strlen(path) >= KEY_SIZE - 8 || chance(r, 30))
        any_key(r, key);
    else
        strcpy(key, path);
}

void spell_key(struct run *r, const char *key, char *text)
{
    if (!*key) {
        strcpy(text, ".");
        return;
    }
    strcpy(text, key);
    if (draw(r, 20))
        return;
    sprintf(text, ".%s", key);
    if (strchr(text + 1, '.')) {
        char *dot = strchr(text + 1, '.');

        memmove(dot + 1, dot, strlen(dot) + 1);
    }
}

char *any_value(struct run *r, size_t *len)
{
    uint64_t kind = draw(r, 100);
    char *p;

    if (kind < 80)
        *len = draw(r, 24);
    else if (kind < 98)
        *len = draw(r, 3000);
    else
        *len = draw(r, 50000);
    p = malloc(*len + 1);
    for (size_t i = 0; i < *len; i++)
        p[i] = (char)draw(r, 256);
    p[*len] = '\0';
    return p;
}

int resolve(struct run *r, const char *key, bool follow, struct where *w)
{
    char want[PATH_SIZE], ns[256];
    struct space *sp;
    int rc, links = 0;

    strcpy(want, key);
    w->crossings = 0;
    while ((rc = model_resolve(w->m, want, follow, &links, w->path, ns)) == 1) {
        if (!(sp = find_space(r, ns)))
            return -ENOTSUP;
        w->m = &sp->m;
        w->crossings++;
        w->sp = sp;
        w->primary = sp->primary;
        strcpy(want, w->path);
    }
    return rc;
}

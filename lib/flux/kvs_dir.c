/* Directories as they were read: the text of the object, and where each entry is in it.
 * Not a tree of JSON: directories may be large.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/slice.h"
#include "flux/kvs_private.h"
#include "proto/treeobj.h"

struct item {
    char *name; /* unescaped */
    struct slice entry;
};

struct flux_kvsdir {
    flux_t *h;
    char *rootref, *key, *text;
    struct item *items; /* by name */
    size_t n;
    unsigned refs;
};

struct flux_kvsitr {
    const flux_kvsdir_t *dir;
    size_t i;
};

static flux_kvsdir_t *fail(int errnum)
{
    errno = errnum;
    return NULL;
}

void flux_kvsdir_destroy(flux_kvsdir_t *dir)
{
    int saved = errno;

    if (!dir || --dir->refs > 0)
        return;
    for (size_t i = 0; i < dir->n; i++)
        free(dir->items[i].name);
    free(dir->items);
    free(dir->rootref);
    free(dir->key);
    free(dir->text);
    free(dir);
    errno = saved;
}

void flux_kvsdir_incref(flux_kvsdir_t *dir)
{
    if (dir)
        dir->refs++;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct item *)a)->name, ((const struct item *)b)->name);
}

/* "name", whose text may have escapes. */
static char *unescape(struct slice key)
{
    struct slice quoted = {key.p - 1, key.len + 2};

    return slice_strdup(quoted);
}

static int add_item(flux_kvsdir_t *dir, size_t *size, struct slice key,
                    struct slice entry)
{
    if (dir->n == *size) {
        size_t more = *size ? *size * 2 : 16;
        struct item *items = realloc(dir->items, more * sizeof(*items));

        if (!items)
            return -ENOMEM;
        dir->items = items;
        *size = more;
    }
    if (!(dir->items[dir->n].name = unescape(key)))
        return -EINVAL;
    dir->items[dir->n++].entry = entry;
    return 0;
}

static int index_items(flux_kvsdir_t *dir)
{
    struct slice all, type, data, key, entry;
    size_t pos = 0, size = 0;
    int rc, more;

    if (slice_value(dir->text, strlen(dir->text), &all) < 0 ||
        slice_get(all, "type", &type) < 0 || !slice_is(type, "\"dir\"") ||
        slice_get(all, "data", &data) < 0)
        return -EINVAL;
    while ((more = slice_member(data, &pos, &key, &entry)) > 0)
        if ((rc = add_item(dir, &size, key, entry)) < 0)
            return rc;
    if (more < 0)
        return -EINVAL;
    if (dir->n)
        qsort(dir->items, dir->n, sizeof(*dir->items), by_name);
    return 0;
}

flux_kvsdir_t *kvsdir_take(flux_t *h, const char *rootref, const char *key, char *text)
{
    flux_kvsdir_t *dir = text ? calloc(1, sizeof(*dir)) : NULL;
    int rc = -ENOMEM;

    if (!dir) {
        free(text);
        return fail(ENOMEM);
    }
    dir->refs = 1;
    dir->h = h;
    dir->text = text;
    if (!(dir->key = strdup(key)) || (rootref && !(dir->rootref = strdup(rootref))) ||
        (rc = index_items(dir)) < 0) {
        flux_kvsdir_destroy(dir);
        return fail(-rc);
    }
    return dir;
}

flux_kvsdir_t *flux_kvsdir_create(flux_t *handle, const char *rootref, const char *key,
                                  const char *json_str)
{
    cJSON *o;

    if (!key || !json_str || treeobj_parse(json_str, strlen(json_str), &o, NULL) < 0)
        return fail(EINVAL);
    json_free(o);
    return kvsdir_take(handle, rootref, key, strdup(json_str));
}

flux_kvsdir_t *flux_kvsdir_copy(const flux_kvsdir_t *dir)
{
    if (!dir)
        return fail(EINVAL);
    return kvsdir_take(dir->h, dir->rootref, dir->key, strdup(dir->text));
}

int flux_kvsdir_get_size(const flux_kvsdir_t *dir)
{
    if (!dir) {
        errno = EINVAL;
        return -1;
    }
    return (int)dir->n;
}

static const struct item *find(const flux_kvsdir_t *dir, const char *name)
{
    struct item want = {.name = (char *)name};

    if (!dir || !name || dir->n == 0)
        return NULL;
    return bsearch(&want, dir->items, dir->n, sizeof(want), by_name);
}

/* Is it one of two types? */
static bool is_type(const flux_kvsdir_t *dir, const char *name, const char *one,
                    const char *two)
{
    const struct item *item = find(dir, name);
    struct slice type;

    return item && slice_get(item->entry, "type", &type) == 0 &&
           (slice_is(type, one) || slice_is(type, two));
}

bool flux_kvsdir_exists(const flux_kvsdir_t *dir, const char *name)
{
    return find(dir, name) != NULL;
}

bool flux_kvsdir_isdir(const flux_kvsdir_t *dir, const char *name)
{
    return is_type(dir, name, "\"dir\"", "\"dirref\"");
}

bool flux_kvsdir_issymlink(const flux_kvsdir_t *dir, const char *name)
{
    return is_type(dir, name, "\"symlink\"", "\"symlink\"");
}

bool flux_kvsdir_equal(const flux_kvsdir_t *dir1, const flux_kvsdir_t *dir2)
{
    if (!dir1 || !dir2 || dir1->n != dir2->n)
        return false;
    for (size_t i = 0; i < dir1->n; i++)
        if (strcmp(dir1->items[i].name, dir2->items[i].name) != 0)
            return false;
    return true;
}

const char *flux_kvsdir_key(const flux_kvsdir_t *dir)
{
    return dir ? dir->key : NULL;
}

void *flux_kvsdir_handle(const flux_kvsdir_t *dir)
{
    return dir ? dir->h : NULL;
}

const char *flux_kvsdir_rootref(const flux_kvsdir_t *dir)
{
    return dir ? dir->rootref : NULL;
}

char *flux_kvsdir_key_at(const flux_kvsdir_t *dir, const char *key)
{
    char *full;

    if (!dir || !key) {
        errno = EINVAL;
        return NULL;
    }
    if (strcmp(dir->key, ".") == 0)
        return strdup(key);
    if (asprintf(&full, "%s.%s", dir->key, key) < 0) {
        errno = ENOMEM;
        return NULL;
    }
    return full;
}

flux_kvsitr_t *flux_kvsitr_create(const flux_kvsdir_t *dir)
{
    flux_kvsitr_t *itr;

    if (!dir) {
        errno = EINVAL;
        return NULL;
    }
    if ((itr = calloc(1, sizeof(*itr))))
        itr->dir = dir;
    return itr;
}

void flux_kvsitr_destroy(flux_kvsitr_t *itr)
{
    int saved = errno;

    free(itr);
    errno = saved;
}

const char *flux_kvsitr_next(flux_kvsitr_t *itr)
{
    return itr && itr->i < itr->dir->n ? itr->dir->items[itr->i++].name : NULL;
}

void flux_kvsitr_rewind(flux_kvsitr_t *itr)
{
    if (itr)
        itr->i = 0;
}

/* Members of objects, by key and by dotted path. */
#include <errno.h>
#include <string.h>

#include "base/json_impl.h"

static cJSON *member(const cJSON *o, const char *key, size_t len)
{
    if (!cJSON_IsObject(o))
        return NULL;
    for (cJSON *c = o->child; c; c = c->next) {
        if (strncmp(c->string, key, len) == 0 && c->string[len] == '\0')
            return c;
    }
    return NULL;
}

cJSON *json_get(const cJSON *o, const char *key)
{
    return member(o, key, strlen(key));
}

/* Walk all but the last part of path; *last is that part. NULL: not there. */
static cJSON *walk_parent(cJSON *o, const char *path, const char **last)
{
    size_t n;

    for (;; path += n + 1) {
        n = strcspn(path, ".");
        if (n == 0 || !cJSON_IsObject(o))
            return NULL;
        if (!path[n]) {
            *last = path;
            return o;
        }
        o = member(o, path, n);
    }
}

cJSON *json_get_path(const cJSON *o, const char *path)
{
    const char *last;
    const cJSON *parent = walk_parent((cJSON *)o, path, &last);

    return parent ? json_get(parent, last) : NULL;
}

int json_del_path(cJSON *o, const char *path)
{
    const char *last;
    cJSON *parent = walk_parent(o, path, &last);
    cJSON *item = parent ? json_get(parent, last) : NULL;

    if (!item)
        return -ENOENT;
    cJSON_Delete(cJSON_DetachItemViaPointer(parent, item));
    return 0;
}

static bool path_ok(const char *path)
{
    for (;;) {
        size_t n = strcspn(path, ".");

        if (n == 0)
            return false;
        if (!path[n])
            return true;
        path += n + 1;
    }
}

/* Give item the key and put it in o, in place of `old` unless that is NULL. */
static int put(cJSON *o, cJSON *old, const char *key, size_t len, cJSON *item)
{
    char *copy = json_strndup(key, len);

    if (!copy)
        return -ENOMEM;
    if (item->string && !(item->type & cJSON_StringIsConst))
        cJSON_free(item->string);
    item->string = copy;
    item->type &= ~cJSON_StringIsConst;
    if (old)
        cJSON_ReplaceItemViaPointer(o, old, item);
    else
        json_link(o, item);
    return 0;
}

/* Make the objects that path[0..] lacks under o; returns the parent of the last part. */
static int make_parents(cJSON **o, const char **path)
{
    size_t n;

    for (; n = strcspn(*path, "."), (*path)[n]; *path += n + 1) {
        cJSON *next = member(*o, *path, n);
        int rc;

        if (!next) {
            if (!(next = cJSON_CreateObject()))
                return -ENOMEM;
            if ((rc = put(*o, NULL, *path, n, next)) < 0) {
                cJSON_Delete(next);
                return rc;
            }
        }
        if (!cJSON_IsObject(next))
            return -EINVAL;
        *o = next;
    }
    return 0;
}

int json_set_path(cJSON *o, const char *path, cJSON *value)
{
    int rc = 0;

    if (!value)
        return -ENOMEM;
    if (!cJSON_IsObject(o) || !path_ok(path))
        rc = -EINVAL;
    if (rc == 0)
        rc = make_parents(&o, &path);
    if (rc == 0)
        rc = put(o, json_get(o, path), path, strlen(path), value);
    if (rc < 0)
        cJSON_Delete(value);
    return rc;
}

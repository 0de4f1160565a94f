/* Trees: making, copying, comparing. */
#include <errno.h>
#include <string.h>

#include "base/json_impl.h"
#include "base/map.h"
#include "base/utf8.h"

void json_free(cJSON *o)
{
    cJSON_Delete(o);
}

cJSON *json_copy(const cJSON *o)
{
    return cJSON_Duplicate(o, 1);
}

char *json_strndup(const char *s, size_t n)
{
    char *copy = cJSON_malloc(n + 1);

    if (copy) {
        memcpy(copy, s, n);
        copy[n] = '\0';
    }
    return copy;
}

void json_link(cJSON *container, cJSON *item)
{
    cJSON_AddItemToArray(container, item);
}

const char *json_type_name(const cJSON *o)
{
    if (!o)
        return "nothing";
    if (json_is_number(o))
        return json_is_integer(o) ? "integer" : "real";
    switch (o->type & 0xff) {
    case cJSON_NULL:
        return "null";
    case cJSON_False:
    case cJSON_True:
        return "boolean";
    case cJSON_String:
        return "string";
    case cJSON_Array:
        return "array";
    case cJSON_Object:
        return "object";
    default:
        return "raw text";
    }
}

const char *json_str(const cJSON *o)
{
    return cJSON_IsString(o) ? o->valuestring : NULL;
}

cJSON *json_new_strn(const char *s, size_t n)
{
    cJSON *o;

    if (memchr(s, '\0', n) || !utf8_valid(s, n)) {
        errno = EINVAL;
        return NULL;
    }
    if (!(o = cJSON_CreateNull()))
        return NULL;
    if (!(o->valuestring = json_strndup(s, n))) {
        cJSON_Delete(o);
        return NULL;
    }
    o->type = cJSON_String;
    return o;
}

cJSON *json_new_str(const char *s)
{
    return json_new_strn(s, strlen(s));
}

static size_t count(const cJSON *o)
{
    size_t n = 0;

    for (const cJSON *c = o->child; c; c = c->next)
        n++;
    return n;
}

static bool number_equal(const cJSON *a, const cJSON *b)
{
    int64_t i, j;

    if (json_is_integer(a) != json_is_integer(b))
        return false;
    if (json_is_integer(a) && json_int64(a, &i) == 0 && json_int64(b, &j) == 0)
        return i == j;
    if (cJSON_IsRaw(a) && cJSON_IsRaw(b) && strcmp(a->valuestring, b->valuestring) == 0)
        return true;
    return !json_is_integer(a) && a->valuedouble == b->valuedouble;
}

static bool array_equal(const cJSON *a, const cJSON *b)
{
    const cJSON *x = a->child, *y = b->child;

    for (; x && y; x = x->next, y = y->next) {
        if (!json_equal(x, y))
            return false;
    }
    return !x && !y;
}

/* Keys in another order, many of them. -1: no memory. */
static int object_equal_map(const cJSON *x, const cJSON *y)
{
    struct map *m = map_new(NULL);
    int rc = m ? 1 : -1;

    for (; y && rc == 1; y = y->next) {
        if (map_set(m, y->string, (void *)y) < 0)
            rc = -1;
    }
    for (; x && rc == 1; x = x->next) {
        const cJSON *other = map_get(m, x->string);

        if (!other || !json_equal(x, other))
            rc = 0;
    }
    map_free(m);
    return rc;
}

/* With keys in the same order this is one walk; the rest goes by look-up. */
static bool object_equal(const cJSON *a, const cJSON *b)
{
    const cJSON *x = a->child, *y = b->child;
    int rc;

    if (count(a) != count(b))
        return false;
    for (; x && y && strcmp(x->string, y->string) == 0; x = x->next, y = y->next) {
        if (!json_equal(x, y))
            return false;
    }
    if (!x)
        return true;
    if ((rc = object_equal_map(x, y)) >= 0)
        return rc;
    for (; x; x = x->next) {
        if (!(y = json_get(b, x->string)) || !json_equal(x, y))
            return false;
    }
    return true;
}

bool json_equal(const cJSON *a, const cJSON *b)
{
    if (!a || !b)
        return a == b;
    if (json_is_number(a) && json_is_number(b))
        return number_equal(a, b);
    if ((a->type & 0xff) != (b->type & 0xff))
        return false;
    switch (a->type & 0xff) {
    case cJSON_String:
    case cJSON_Raw:
        return strcmp(a->valuestring, b->valuestring) == 0;
    case cJSON_Array:
        return array_equal(a, b);
    case cJSON_Object:
        return object_equal(a, b);
    default:
        return true;
    }
}

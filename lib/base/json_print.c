/* Trees to text. cJSON's printer formats every number twice and reads it back; this
 * one writes integers directly and kept text as it is.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/json_impl.h"

static int print_number(const cJSON *o, struct buf *out)
{
    double d = o->valuedouble;

    if (fabs(d) <= (double)JSON_EXACT_MAX && d == trunc(d))
        return json_buf_int(out, (int64_t)d);
    return json_buf_real(out, d);
}

static int print_value(const cJSON *o, struct buf *out);

static int print_members(const cJSON *o, struct buf *out, bool object)
{
    int rc;

    buf_addc(out, object ? '{' : '[');
    for (const cJSON *c = o->child; c; c = c->next) {
        if (c != o->child)
            buf_addc(out, ',');
        if (object) {
            const char *key = c->string ? c->string : "";

            if ((rc = json_buf_str(out, key, strlen(key))) < 0)
                return rc;
            buf_addc(out, ':');
        }
        if ((rc = print_value(c, out)) < 0)
            return rc;
    }
    return buf_addc(out, object ? '}' : ']');
}

static int print_value(const cJSON *o, struct buf *out)
{
    switch (o->type & 0xff) {
    case cJSON_NULL:
        return buf_add(out, "null", 4);
    case cJSON_False:
        return buf_add(out, "false", 5);
    case cJSON_True:
        return buf_add(out, "true", 4);
    case cJSON_Number:
        return print_number(o, out);
    case cJSON_Raw:
        return o->valuestring ? buf_adds(out, o->valuestring) : -EINVAL;
    case cJSON_String:
        return o->valuestring ? json_buf_str(out, o->valuestring, strlen(o->valuestring))
                              : -EINVAL;
    case cJSON_Array:
        return print_members(o, out, false);
    case cJSON_Object:
        return print_members(o, out, true);
    default:
        return -EINVAL;
    }
}

int json_print_buf(const cJSON *o, struct buf *out)
{
    size_t start = out->len;
    int rc = o ? print_value(o, out) : -EINVAL;

    if (rc == 0 && out->failed)
        rc = -ENOMEM;
    if (rc < 0 && out->data) {
        out->len = start;
        out->data[start] = '\0';
    }
    return rc;
}

char *json_print(const cJSON *o)
{
    struct buf b = {0};
    int rc = json_print_buf(o, &b);

    if (rc < 0) {
        buf_free(&b);
        errno = -rc;
        return NULL;
    }
    return buf_take(&b, NULL);
}

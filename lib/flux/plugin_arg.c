/* flux_plugin_arg_t: what goes in and out of a plug-in's callback, two JSON objects.
 * A host may have the input made on demand (flux_plugin_arg_set_fill), so that a
 * callback which asks for nothing costs nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/plugin.h>

#include "base/json.h"

struct flux_plugin_arg {
    cJSON *side[2]; /* FLUX_PLUGIN_ARG_IN, _OUT; NULL while empty */
    flux_plugin_arg_fill_f fill;
    void *fill_ctx;
    flux_free_f free_ctx;
    bool filling, filled;
    flux_error_t error;
};

static int fail(flux_plugin_arg_t *args, int errnum, const char *text)
{
    if (args)
        snprintf(args->error.text, sizeof(args->error.text), "%s", text);
    errno = errnum;
    return -1;
}

flux_plugin_arg_t *flux_plugin_arg_create(void)
{
    return calloc(1, sizeof(flux_plugin_arg_t));
}

void flux_plugin_arg_destroy(flux_plugin_arg_t *args)
{
    int saved_errno = errno;

    if (!args)
        return;
    if (args->free_ctx)
        args->free_ctx(args->fill_ctx);
    json_free(args->side[0]);
    json_free(args->side[1]);
    free(args);
    errno = saved_errno;
}

const char *flux_plugin_arg_strerror(flux_plugin_arg_t *args)
{
    return args ? args->error.text : strerror(errno);
}

int flux_plugin_arg_set_fill(flux_plugin_arg_t *args, flux_plugin_arg_fill_f fill,
                             void *ctx, flux_free_f free_ctx)
{
    if (!args)
        return fail(args, EINVAL, "invalid argument");
    if (args->free_ctx)
        args->free_ctx(args->fill_ctx);
    args->fill = fill;
    args->fill_ctx = ctx;
    args->free_ctx = free_ctx;
    args->filled = false;
    return 0;
}

/* One more step of filling; false when there is no more. */
static bool fill_more(flux_plugin_arg_t *args)
{
    int rc;

    if (!args->fill || args->filling)
        return false;
    args->filling = true;
    rc = args->fill(args, args->fill_ctx);
    args->filling = false;
    args->filled = true;
    if (rc <= 0)
        args->fill = NULL;
    return rc > 0;
}

/* Move the members of o (consumed) into the object of one side. */
static int merge(flux_plugin_arg_t *args, int flags, cJSON *o)
{
    cJSON **side = &args->side[flags & FLUX_PLUGIN_ARG_OUT];
    cJSON *item;

    if (!cJSON_IsObject(o)) {
        json_free(o);
        return fail(args, EINVAL, "arguments are not an object");
    }
    if (!*side || (flags & FLUX_PLUGIN_ARG_REPLACE)) {
        json_free(*side);
        *side = o;
        return 0;
    }
    while ((item = o->child)) {
        cJSON_DetachItemViaPointer(o, item);
        cJSON_DeleteItemFromObjectCaseSensitive(*side, item->string);
        if (!cJSON_AddItemToObject(*side, item->string, item)) {
            cJSON_Delete(item);
            break;
        }
    }
    json_free(o);
    return item ? fail(args, ENOMEM, "out of memory") : 0;
}

int flux_plugin_arg_set(flux_plugin_arg_t *args, int flags, const char *json_str)
{
    flux_error_t err;
    cJSON *o;
    int rc;

    if (!args)
        return fail(args, EINVAL, "invalid argument");
    if (!json_str) {
        if (!(o = cJSON_CreateObject()))
            return fail(args, ENOMEM, "out of memory");
        return merge(args, flags | FLUX_PLUGIN_ARG_REPLACE, o);
    }
    if ((rc = json_parse(json_str, strlen(json_str), NULL, &o, &err)) < 0)
        return fail(args, rc == -ENOMEM ? ENOMEM : EINVAL, err.text);
    return merge(args, flags, o);
}

int flux_plugin_arg_get(flux_plugin_arg_t *args, int flags, char **json_str)
{
    cJSON *o;

    if (!args || !json_str)
        return fail(args, EINVAL, "invalid argument");
    if (!(flags & FLUX_PLUGIN_ARG_OUT))
        while (fill_more(args))
            ;
    o = args->side[flags & FLUX_PLUGIN_ARG_OUT];
    if (!(*json_str = o ? json_print(o) : strdup("{}")))
        return fail(args, ENOMEM, "out of memory");
    return 0;
}

int flux_plugin_arg_vpack(flux_plugin_arg_t *args, int flags, const char *fmt, va_list ap)
{
    cJSON *o;

    if (!args || !fmt)
        return fail(args, EINVAL, "invalid argument");
    if (!(o = json_vpack(fmt, ap)))
        return fail(args, errno, "arguments cannot be packed");
    return merge(args, flags, o);
}

int flux_plugin_arg_pack(flux_plugin_arg_t *args, int flags, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = flux_plugin_arg_vpack(args, flags, fmt, ap);
    va_end(ap);
    return rc;
}

static int try_unpack(flux_plugin_arg_t *args, int flags, const char *fmt, va_list ap)
{
    cJSON *o = args->side[flags & FLUX_PLUGIN_ARG_OUT];
    va_list copy;
    int rc;

    if (!o) {
        snprintf(args->error.text, sizeof(args->error.text), "no arguments");
        return -ENOENT;
    }
    va_copy(copy, ap);
    rc = json_vunpack(o, &args->error, fmt, copy);
    va_end(copy);
    return rc;
}

int flux_plugin_arg_vunpack(flux_plugin_arg_t *args, int flags, const char *fmt,
                            va_list ap)
{
    bool in = !(flags & FLUX_PLUGIN_ARG_OUT);

    if (!args || !fmt)
        return fail(args, EINVAL, "invalid argument");
    if (in && args->fill && !args->filled)
        fill_more(args);
    /* A missing optional value would go unnoticed. */
    if (in && strchr(fmt, '?'))
        while (fill_more(args))
            ;
    while (try_unpack(args, flags, fmt, ap) < 0) {
        if (!in || !fill_more(args)) {
            errno = args->side[!in] ? EINVAL : ENOENT;
            return -1;
        }
    }
    return 0;
}

int flux_plugin_arg_unpack(flux_plugin_arg_t *args, int flags, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = flux_plugin_arg_vunpack(args, flags, fmt, ap);
    va_end(ap);
    return rc;
}

/* flux_plugin_t: a named set of handlers, and the shared object they may come from.
 * Used by the hosts (job manager, shell) and by their plug-ins; the arguments of a
 * call are in plugin_arg.c.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/plugin.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "proto/aux.h"

struct handler {
    char *topic;
    bool glob; /* has special characters */
    flux_plugin_f cb;
    void *data;
};

struct flux_plugin {
    char *name;
    char *path;
    char uuid[37];
    int flags;
    void *dso;
    struct handler *handlers;
    size_t count;
    struct aux *aux;
    char *conf_text;
    cJSON *conf;
    flux_error_t error;
};

static int fail(flux_plugin_t *p, int errnum, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(flux_plugin_t *p, int errnum, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(p->error.text, sizeof(p->error.text), fmt, ap);
    va_end(ap);
    errno = errnum;
    return -1;
}

static int usage(flux_plugin_t *p)
{
    if (p)
        return fail(p, EINVAL, "invalid argument");
    errno = EINVAL;
    return -1;
}

flux_plugin_t *flux_plugin_create(void)
{
    flux_plugin_t *p = calloc(1, sizeof(*p));

    if (p)
        p->flags = FLUX_PLUGIN_RTLD_LAZY | FLUX_PLUGIN_RTLD_DEEPBIND;
    return p;
}

void flux_plugin_destroy(flux_plugin_t *p)
{
    int saved_errno = errno;

    if (!p)
        return;
    aux_free(&p->aux);
    for (size_t i = 0; i < p->count; i++)
        free(p->handlers[i].topic);
    free(p->handlers);
    json_free(p->conf);
    free(p->conf_text);
    /* Last: names, destructors and handlers may live in the object. */
    if (p->dso)
        dlclose(p->dso);
    free(p->name);
    free(p->path);
    free(p);
    errno = saved_errno;
}

int flux_plugin_get_flags(flux_plugin_t *p)
{
    return p ? p->flags : 0;
}

int flux_plugin_set_flags(flux_plugin_t *p, int flags)
{
    const int all = FLUX_PLUGIN_RTLD_LAZY | FLUX_PLUGIN_RTLD_NOW |
                    FLUX_PLUGIN_RTLD_GLOBAL | FLUX_PLUGIN_RTLD_DEEPBIND;

    if (!p || (flags & ~all))
        return usage(p);
    p->flags = flags;
    return 0;
}

const char *flux_plugin_strerror(flux_plugin_t *p)
{
    return p ? p->error.text : "";
}

int flux_plugin_set_name(flux_plugin_t *p, const char *name)
{
    char *copy;

    if (!p || !name)
        return usage(p);
    if (!(copy = strdup(name)))
        return fail(p, ENOMEM, "out of memory");
    free(p->name);
    p->name = copy;
    return 0;
}

const char *flux_plugin_get_name(flux_plugin_t *p)
{
    return p ? p->name : NULL;
}

const char *flux_plugin_get_uuid(flux_plugin_t *p)
{
    unsigned long a, b;

    if (!p)
        return NULL;
    /* Unique among the plug-ins of this process is all that is asked of it. */
    if (!p->uuid[0]) {
        a = (unsigned long)(uintptr_t)p;
        b = (unsigned long)(uintptr_t)p->handlers;
        snprintf(p->uuid, sizeof(p->uuid), "%08lx-%04lx-4%03lx-8%03lx-%012lx",
                 (a >> 32) & 0xffffffff, b & 0xffff, (b >> 16) & 0xfff, (b >> 28) & 0xfff,
                 a & 0xffffffffffff);
    }
    return p->uuid;
}

const char *flux_plugin_get_path(flux_plugin_t *p)
{
    return p ? p->path : NULL;
}

static struct handler *find_exact(flux_plugin_t *p, const char *topic)
{
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->handlers[i].topic, topic) == 0)
            return &p->handlers[i];
    return NULL;
}

static struct handler *find_match(flux_plugin_t *p, const char *topic)
{
    for (size_t i = 0; i < p->count; i++) {
        struct handler *h = &p->handlers[i];

        if (h->glob ? fnmatch(h->topic, topic, 0) == 0 : strcmp(h->topic, topic) == 0)
            return h;
    }
    return NULL;
}

int flux_plugin_remove_handler(flux_plugin_t *p, const char *topic)
{
    struct handler *h;

    if (!p || !topic)
        return usage(p);
    if ((h = find_exact(p, topic))) {
        free(h->topic);
        memmove(h, h + 1, (size_t)(p->handlers + p->count - (h + 1)) * sizeof(*h));
        p->count--;
    }
    return 0;
}

int flux_plugin_add_handler(flux_plugin_t *p, const char *topic, flux_plugin_f cb,
                            void *arg)
{
    struct handler *h;
    char *copy;

    if (!p || !topic)
        return usage(p);
    if (!cb)
        return flux_plugin_remove_handler(p, topic);
    if ((h = find_exact(p, topic))) {
        h->cb = cb;
        h->data = arg;
        return 0;
    }
    if (!(h = realloc(p->handlers, (p->count + 1) * sizeof(*h))))
        return fail(p, ENOMEM, "out of memory");
    p->handlers = h;
    if (!(copy = strdup(topic)))
        return fail(p, ENOMEM, "out of memory");
    p->handlers[p->count++] = (struct handler){
        .topic = copy, .glob = strpbrk(topic, "*?[\\") != NULL, .cb = cb, .data = arg};
    return 0;
}

flux_plugin_f flux_plugin_get_handler(flux_plugin_t *p, const char *topic)
{
    struct handler *h;

    if (!p || !topic) {
        usage(p);
        return NULL;
    }
    errno = 0;
    return (h = find_exact(p, topic)) ? h->cb : NULL;
}

flux_plugin_f flux_plugin_match_handler(flux_plugin_t *p, const char *topic)
{
    struct handler *h;

    if (!p || !topic) {
        usage(p);
        return NULL;
    }
    errno = 0;
    return (h = find_match(p, topic)) ? h->cb : NULL;
}

int flux_plugin_register(flux_plugin_t *p, const char *name,
                         const struct flux_plugin_handler t[])
{
    if (!p || !t)
        return usage(p);
    if (name && flux_plugin_set_name(p, name) < 0)
        return -1;
    for (; t->topic; t++)
        if (flux_plugin_add_handler(p, t->topic, t->cb, t->data) < 0)
            return -1;
    return 0;
}

int flux_plugin_aux_set(flux_plugin_t *p, const char *key, void *val, flux_free_f free_fn)
{
    int rc;

    if (!p)
        return usage(p);
    if ((rc = aux_set(&p->aux, key, val, free_fn)) < 0)
        return fail(p, -rc, "%s", strerror(-rc));
    return 0;
}

void *flux_plugin_aux_get(flux_plugin_t *p, const char *key)
{
    void *val;

    if (!p || !key) {
        usage(p);
        return NULL;
    }
    if (!(val = aux_get(p->aux, key)))
        errno = ENOENT;
    return val;
}

void flux_plugin_aux_delete(flux_plugin_t *p, const void *val)
{
    if (p && val)
        aux_forget(&p->aux, val);
}

int flux_plugin_set_conf(flux_plugin_t *p, const char *json_str)
{
    flux_error_t err;
    cJSON *conf;
    char *copy;
    int rc;

    if (!p || !json_str)
        return usage(p);
    if ((rc = json_parse(json_str, strlen(json_str), NULL, &conf, &err)) < 0)
        return fail(p, rc == -ENOMEM ? ENOMEM : EINVAL, "parse error: %s", err.text);
    if (!cJSON_IsObject(conf)) {
        json_free(conf);
        return fail(p, EINVAL, "configuration is not an object");
    }
    if (!(copy = strdup(json_str))) {
        json_free(conf);
        return fail(p, ENOMEM, "out of memory");
    }
    json_free(p->conf);
    free(p->conf_text);
    p->conf = conf;
    p->conf_text = copy;
    return 0;
}

const char *flux_plugin_get_conf(flux_plugin_t *p)
{
    if (!p) {
        errno = EINVAL;
        return NULL;
    }
    if (!p->conf_text)
        fail(p, ENOENT, "no configuration is set");
    return p->conf_text;
}

int flux_plugin_conf_unpack(flux_plugin_t *p, const char *fmt, ...)
{
    flux_error_t err;
    va_list ap;
    int rc;

    if (!p || !fmt)
        return usage(p);
    if (!p->conf)
        return fail(p, EINVAL, "no configuration is set");
    va_start(ap, fmt);
    rc = json_vunpack(p->conf, &err, fmt, ap);
    va_end(ap);
    if (rc < 0)
        return fail(p, EINVAL, "unpack error: %s", err.text);
    return 0;
}

int flux_plugin_call(flux_plugin_t *p, const char *name, flux_plugin_arg_t *args)
{
    struct handler *h;
    flux_plugin_f cb;
    void *data;

    if (!p || !name)
        return usage(p);
    if (!(h = find_match(p, name)))
        return 0;
    /* The callback may change the table. */
    cb = h->cb;
    data = h->data;
    return cb(p, name, args, data) < 0 ? -1 : 1;
}

static int rtld_flags(int flags)
{
    int rtld = 0;

    if (flags & FLUX_PLUGIN_RTLD_NOW)
        rtld |= RTLD_NOW;
    else
        rtld |= RTLD_LAZY;
    if (flags & FLUX_PLUGIN_RTLD_GLOBAL)
        rtld |= RTLD_GLOBAL;
        /* Sanitizers cannot live with it. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    if (flags & FLUX_PLUGIN_RTLD_DEEPBIND)
        rtld |= RTLD_DEEPBIND;
#endif
    return rtld;
}

int flux_plugin_load_dso(flux_plugin_t *p, const char *path)
{
    flux_plugin_init_f init;
    const char *base;

    if (!p || !path)
        return usage(p);
    if (p->dso)
        return fail(p, EINVAL, "%s: plugin is loaded already", path);
    dlerror();
    if (!(p->dso = dlopen(path, rtld_flags(p->flags))))
        return fail(p, ENOENT, "dlopen: %s", dlerror());
    base = strrchr(path, '/');
    free(p->path);
    if (!(p->path = strdup(path)) ||
        (!p->name && flux_plugin_set_name(p, base ? base + 1 : path) < 0))
        return fail(p, ENOMEM, "out of memory");
    if (!(init = (flux_plugin_init_f)dlsym(p->dso, "flux_plugin_init")))
        return fail(p, EINVAL, "%s: no flux_plugin_init() in it", path);
    if (init(p) < 0)
        return fail(p, EINVAL, "%s: flux_plugin_init failed", path);
    return 0;
}

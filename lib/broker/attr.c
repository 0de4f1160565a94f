/* Broker attributes. Clients ask attr.get {"name"} -> {"value","flags"}, attr.list {} ->
 * {"names"}, and the owner sets and removes what is not read-only.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fsd.h"
#include "base/json.h"
#include "base/map.h"
#include "broker/attr.h"

struct attr {
    int flags;
    char value[];
};

struct attrs {
    struct map *map;
    struct core *core;
    void (*changed)(const char *name, const char *value, void *arg);
    void *changed_arg;
};

/* Facts that no user sets, not even at start. */
static const char *const facts[] = {
    "rank",
    "size",
    "version",
    "security.owner",
    "local-uri",
    "parent-uri",
    "instance-level",
    "broker.pid",
    "broker.uuid",
    "broker.starttime",
    "broker.mapping",
    "tbon.level",
    "tbon.maxlevel",
    "tbon.descendants",
    "jobid",
    "jobid-path",
    "instance-uuid",
    "tbon.parent-endpoint",
};

int attrs_new(struct attrs **ret)
{
    struct attrs *a = calloc(1, sizeof(*a));

    if (!a || !(a->map = map_new(free))) {
        free(a);
        return -ENOMEM;
    }
    *ret = a;
    return 0;
}

void attrs_free(struct attrs *a)
{
    if (!a)
        return;
    map_free(a->map);
    free(a);
}

const char *attrs_get(const struct attrs *a, const char *name)
{
    const struct attr *at = map_get(a->map, name);

    return at ? at->value : NULL;
}

bool attrs_recovery(const struct attrs *a)
{
    const char *s = attrs_get(a, "broker.recovery-mode");

    return s && *s && strcmp(s, "0") != 0;
}

int attrs_set(struct attrs *a, const char *name, const char *value, int flags)
{
    struct attr *at = malloc(sizeof(*at) + strlen(value) + 1);
    int rc;

    if (!at)
        return -ENOMEM;
    at->flags = flags;
    strcpy(at->value, value);
    if ((rc = map_set(a->map, name, at)) < 0)
        free(at);
    return rc;
}

int attrs_setf(struct attrs *a, const char *name, int flags, const char *fmt, ...)
{
    AUTOFREE char *s = NULL;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vasprintf(&s, fmt, ap);
    va_end(ap);
    if (n < 0) {
        s = NULL;
        return -ENOMEM;
    }
    return attrs_set(a, name, s, flags);
}

int attrs_set_user(struct attrs *a, const char *name_value, flux_error_t *err)
{
    const char *eq = strchr(name_value, '=');
    AUTOFREE char *name = NULL;

    if (!eq || eq == name_value)
        return error_set(err, EINVAL, "attribute '%s': expected NAME=VALUE", name_value);
    if (!(name = strndup(name_value, eq - name_value)))
        return -ENOMEM;
    for (size_t i = 0; i < ARRAY_SIZE(facts); i++) {
        if (!strcmp(name, facts[i]))
            return error_set(err, EPERM, "attribute '%s' is set by the broker alone",
                             name);
    }
    return attrs_set(a, name, eq + 1, ATTR_BOOT);
}

int attrs_default(struct attrs *a, const char *name, const char *value, int flags)
{
    struct attr *at = map_get(a->map, name);

    if (!at)
        return attrs_set(a, name, value, flags);
    at->flags = flags;
    return 0;
}

long attrs_int(const struct attrs *a, const char *name, long def)
{
    const char *s = attrs_get(a, name);
    char *end;
    long n;

    if (!s || !*s)
        return def;
    n = strtol(s, &end, 10);
    return *end ? def : n;
}

double attrs_duration(const struct attrs *a, const char *name, double def)
{
    const char *s = attrs_get(a, name);
    double d;

    return s && fsd_parse(s, &d) == 0 ? d : def;
}

int attrs_check_duration(const struct attrs *a, const char *name, flux_error_t *err)
{
    const char *s = attrs_get(a, name);
    double d;

    if (!s || fsd_parse(s, &d) == 0)
        return 0;
    return error_set(err, EINVAL, "attribute %s: '%s' is no duration (such as 10s)", name,
                     s);
}

bool attrs_true(const struct attrs *a, const char *name)
{
    const char *s = attrs_get(a, name);

    return s && strcmp(s, "0") != 0 && strcmp(s, "false") != 0 && strcmp(s, "no") != 0;
}

void attrs_each_fixed(const struct attrs *a,
                      void (*fn)(const char *name, const char *value, void *arg),
                      void *arg)
{
    const char *name;
    void *value;

    for (size_t it = 0; map_next(a->map, &it, &name, &value);) {
        const struct attr *at = value;

        if (!(at->flags & ATTR_RUNTIME))
            fn(name, at->value, arg);
    }
}

void attrs_on_change(struct attrs *a,
                     void (*fn)(const char *name, const char *value, void *arg),
                     void *arg)
{
    a->changed = fn;
    a->changed_arg = arg;
}

static void get_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct attrs *a = arg;
    const struct attr *at;
    const char *name;

    if (flux_msg_unpack(msg, "{s:s}", "name", &name) < 0)
        core_error(a->core, msg, errno, NULL);
    else if (!(at = map_get(a->map, name)))
        core_error(a->core, msg, ENOENT, NULL);
    else
        core_respond(a->core, msg, "{s:s s:i}", "value", at->value, "flags",
                     at->flags & ATTR_RUNTIME ? 0 : 1);
}

static void list_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct attrs *a = arg;
    cJSON *names = cJSON_CreateArray();
    const char *name;
    void *value;

    for (size_t it = 0; names && map_next(a->map, &it, &name, &value);)
        cJSON_AddItemToArray(names, json_new_str(name));
    core_respond(a->core, msg, "{s:o}", "names", names);
}

/* 0 when a client may change or remove it. */
static int refuse_change(struct attrs *a, const flux_msg_t *msg, const char *name,
                         const char *what)
{
    const struct attr *at = map_get(a->map, name);

    if (!at || (at->flags & ATTR_RUNTIME))
        return 0;
    if (at->flags & ATTR_READONLY)
        core_errorf(a->core, msg, EPERM, "attribute %s is read-only", name);
    else
        core_errorf(a->core, msg, EINVAL, "attribute may not be %s", what);
    return -1;
}

static void set_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct attrs *a = arg;
    const struct attr *at;
    const char *name, *value;
    int rc, force = 0;

    if (flux_msg_unpack(msg, "{s:s s:s s?b}", "name", &name, "value", &value, "force",
                        &force) < 0) {
        core_error(a->core, msg, errno, NULL);
        return;
    }
    if (!force && refuse_change(a, msg, name, "updated") < 0)
        return;
    at = map_get(a->map, name);
    rc = *name ? attrs_set(a, name, value, at ? at->flags : ATTR_RUNTIME) : -EINVAL;
    if (rc < 0) {
        core_error(a->core, msg, rc, NULL);
        return;
    }
    if (a->changed)
        a->changed(name, value, a->changed_arg);
    core_respond(a->core, msg, NULL);
}

static void rm_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct attrs *a = arg;
    const char *name;

    if (flux_msg_unpack(msg, "{s:s}", "name", &name) < 0) {
        core_error(a->core, msg, errno, NULL);
        return;
    }
    if (!map_get(a->map, name)) {
        core_error(a->core, msg, ENOENT, NULL);
        return;
    }
    if (refuse_change(a, msg, name, "removed") < 0)
        return;
    if (a->changed)
        a->changed(name, NULL, a->changed_arg);
    core_respond(a->core, msg, NULL);
    map_del(a->map, name);
}

static const struct core_method methods[] = {
    {"attr.get", FLUX_ROLE_USER, get_cb},
    {"attr.list", FLUX_ROLE_USER, list_cb},
    {"attr.set", 0, set_cb},
    {"attr.rm", 0, rm_cb},
};

int attrs_serve(struct attrs *a, struct core *c)
{
    a->core = c;
    return core_add(c, methods, ARRAY_SIZE(methods), a);
}

/* The registry of services. Requests carry topics `service.method`; service names may
 * themselves hold dots (`sched.easy`), so the longest match counts. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "broker/service.h"

struct service {
    struct endpoint *ep;
    char name[];
};

struct services {
    struct map *by_name;
};

int services_new(struct services **ret)
{
    struct services *s = calloc(1, sizeof(*s));

    if (!s || !(s->by_name = map_new(free))) {
        free(s);
        return -ENOMEM;
    }
    *ret = s;
    return 0;
}

void services_free(struct services *s)
{
    if (!s)
        return;
    map_free(s->by_name);
    free(s);
}

static bool name_ok(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len > SERVICE_NAME_MAX || name[0] == '.' || name[len - 1] == '.')
        return false;
    for (size_t i = 0; i < len; i++) {
        if (name[i] <= ' ' || name[i] > '~')
            return false;
    }
    return true;
}

int services_add(struct services *s, const char *name, struct endpoint *ep)
{
    struct service *svc;
    int rc;

    if (!name_ok(name))
        return -EINVAL;
    if (!(svc = malloc(sizeof(*svc) + strlen(name) + 1)))
        return -ENOMEM;
    svc->ep = ep;
    strcpy(svc->name, name);
    if ((rc = map_add(s->by_name, name, svc)) < 0)
        free(svc);
    return rc;
}

int services_remove(struct services *s, const char *name, const struct endpoint *ep)
{
    struct service *svc = map_get(s->by_name, name);

    if (!svc || svc->ep != ep)
        return -ENOENT;
    map_del(s->by_name, name);
    return 0;
}

void services_remove_all(struct services *s, const struct endpoint *ep)
{
    const char *name;
    void *value;

    for (size_t it = 0; map_next(s->by_name, &it, &name, &value);) {
        if (((struct service *)value)->ep == ep)
            map_del(s->by_name, name);
    }
}

struct endpoint *services_match(struct services *s, const char *topic, size_t len,
                                const char **ret_name)
{
    char name[SERVICE_NAME_MAX + 1];
    struct service *svc = NULL;
    const char *dot = memrchr(topic, '.', len);

    if (dot)
        len = dot - topic;
    while (len > SERVICE_NAME_MAX && (dot = memrchr(topic, '.', len)))
        len = dot - topic;
    if (len > SERVICE_NAME_MAX)
        return NULL;
    memcpy(name, topic, len);
    for (;;) {
        name[len] = '\0';
        if ((svc = map_get(s->by_name, name)))
            break;
        if (!(dot = memrchr(name, '.', len)))
            return NULL;
        len = dot - name;
    }
    if (ret_name)
        *ret_name = svc->name;
    return svc->ep;
}

struct endpoint *services_get(struct services *s, const char *name)
{
    struct service *svc = map_get(s->by_name, name);

    return svc ? svc->ep : NULL;
}

void services_each(struct services *s, const struct endpoint *ep,
                   void (*fn)(const char *name, void *arg), void *arg)
{
    const char *name;
    void *value;

    for (size_t it = 0; map_next(s->by_name, &it, &name, &value);) {
        if (((struct service *)value)->ep == ep)
            fn(name, arg);
    }
}

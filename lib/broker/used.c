/* Services that an endpoint used, by name and place. On the path of every request: the
 * one used last is tried first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "broker/service.h"
#include "broker/used.h"

static bool same(const struct used *u, const char *name, size_t len, bool remote,
                 uint32_t nodeid, bool upstream)
{
    return u->remote == remote && u->nodeid == nodeid && u->upstream == upstream &&
           !strncmp(u->name, name, len) && u->name[len] == '\0';
}

void used_note(struct used_set *s, const char *name, size_t len, bool remote,
               uint32_t nodeid, bool upstream)
{
    char key[SERVICE_NAME_MAX + 32];
    struct used *u;

    if (s->last && same(s->last, name, len, remote, nodeid, upstream))
        return;
    if (len > SERVICE_NAME_MAX || (!s->map && !(s->map = map_new(free))))
        return;
    /* Names hold no blanks. */
    if (remote)
        snprintf(key, sizeof(key), "%u%c %.*s", (unsigned)nodeid, upstream ? '^' : '.',
                 (int)len, name);
    else
        snprintf(key, sizeof(key), "%.*s", (int)len, name);
    if (!(u = map_get(s->map, key))) {
        if (!(u = malloc(sizeof(*u) + len + 1)))
            return;
        *u = (struct used){.remote = remote, .upstream = upstream, .nodeid = nodeid};
        memcpy(u->name, name, len);
        u->name[len] = '\0';
        if (map_add(s->map, key, u) < 0) {
            free(u);
            return;
        }
    }
    s->last = u;
}

void used_each(const struct used_set *s, void (*fn)(const struct used *u, void *arg),
               void *arg)
{
    const char *key;
    void *u;

    for (size_t it = 0; s->map && map_next(s->map, &it, &key, &u);)
        fn(u, arg);
}

void used_clear(struct used_set *s)
{
    map_free(TAKE(s->map));
    s->last = NULL;
}

/* Event subscriptions: a short array, walked for each event. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/subs.h"

struct sub {
    char *prefix;
    size_t len;
    unsigned count;
};

static struct sub *find(const struct subs *s, const char *prefix)
{
    for (size_t i = 0; i < s->n; i++) {
        if (!strcmp(s->v[i].prefix, prefix))
            return &s->v[i];
    }
    return NULL;
}

int subs_add(struct subs *s, const char *prefix)
{
    struct sub *sub = find(s, prefix);
    struct sub *v;

    if (sub) {
        sub->count++;
        return 0;
    }
    if (!(v = realloc(s->v, (s->n + 1) * sizeof(*v))))
        return -ENOMEM;
    s->v = v;
    sub = &v[s->n];
    if (!(sub->prefix = strdup(prefix)))
        return -ENOMEM;
    sub->len = strlen(prefix);
    sub->count = 1;
    s->n++;
    return 0;
}

int subs_remove(struct subs *s, const char *prefix)
{
    struct sub *sub = find(s, prefix);

    if (!sub)
        return -ENOENT;
    if (--sub->count == 0) {
        free(sub->prefix);
        *sub = s->v[--s->n];
    }
    return 0;
}

bool subs_match(const struct subs *s, const char *topic)
{
    for (size_t i = 0; i < s->n; i++) {
        if (!strncmp(topic, s->v[i].prefix, s->v[i].len))
            return true;
    }
    return false;
}

void subs_clear(struct subs *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->v[i].prefix);
    free(s->v);
    *s = (struct subs){0};
}

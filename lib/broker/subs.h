/* Event subscriptions of one endpoint: topic prefixes, counted. */
#ifndef FLUX_BROKER_SUBS_H
#define FLUX_BROKER_SUBS_H

#include <stdbool.h>
#include <stddef.h>

struct sub;
struct subs { /* {0} is an empty one */
    struct sub *v;
    size_t n;
};

int subs_add(struct subs *s, const char *prefix);    /* -ENOMEM */
int subs_remove(struct subs *s, const char *prefix); /* -ENOENT */
bool subs_match(const struct subs *s, const char *topic);
void subs_clear(struct subs *s);

#endif

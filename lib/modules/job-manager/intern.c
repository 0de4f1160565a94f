/* Strings kept once, see intern.h: an open hash table of counted strings. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "modules/job-manager/intern.h"

struct string {
    struct string *next;
    uint32_t hash, refs;
    size_t len;
    char text[];
};

struct intern {
    struct string **buckets;
    size_t nbuckets, count; /* a power of two */
    uint64_t seed;
};

struct intern *intern_new(void)
{
    struct intern *in = calloc(1, sizeof(*in));

    if (!in)
        return NULL;
    in->nbuckets = 64;
    in->seed = hash_seed();
    if (!(in->buckets = calloc(in->nbuckets, sizeof(*in->buckets)))) {
        free(in);
        return NULL;
    }
    return in;
}

void intern_free(struct intern *in)
{
    if (!in)
        return;
    for (size_t i = 0; i < in->nbuckets; i++)
        for (struct string *s = in->buckets[i], *next; s; s = next) {
            next = s->next;
            free(s);
        }
    free(in->buckets);
    free(in);
}

/* Without memory the chains just get longer. */
static void grow(struct intern *in)
{
    size_t n = in->nbuckets * 2;
    struct string **buckets = calloc(n, sizeof(*buckets));

    if (!buckets)
        return;
    for (size_t i = 0; i < in->nbuckets; i++)
        for (struct string *s = in->buckets[i], *next; s; s = next) {
            next = s->next;
            s->next = buckets[s->hash & (n - 1)];
            buckets[s->hash & (n - 1)] = s;
        }
    free(in->buckets);
    in->buckets = buckets;
    in->nbuckets = n;
}

const char *intern_add(struct intern *in, const char *text, size_t len)
{
    uint32_t hash = (uint32_t)hash_bytes(text, len, in->seed);
    struct string *s;

    for (s = in->buckets[hash & (in->nbuckets - 1)]; s; s = s->next)
        if (s->hash == hash && s->len == len && memcmp(s->text, text, len) == 0) {
            s->refs++;
            return s->text;
        }
    if (in->count >= in->nbuckets)
        grow(in);
    if (!(s = malloc(sizeof(*s) + len + 1)))
        return NULL;
    *s = (struct string){.next = in->buckets[hash & (in->nbuckets - 1)],
                         .hash = hash,
                         .refs = 1,
                         .len = len};
    memcpy(s->text, text, len);
    s->text[len] = '\0';
    in->buckets[hash & (in->nbuckets - 1)] = s;
    in->count++;
    return s->text;
}

void intern_drop(struct intern *in, const char *text)
{
    struct string *s, **p;

    if (!text)
        return;
    s = CONTAINER_OF(text, struct string, text);
    if (--s->refs > 0)
        return;
    for (p = &in->buckets[s->hash & (in->nbuckets - 1)]; *p != s; p = &(*p)->next)
        ;
    *p = s->next;
    in->count--;
    free(s);
}

size_t intern_count(const struct intern *in)
{
    return in->count;
}

/* Named values with destructors, in a singly linked list: objects carry a handful. */
#include "proto/aux.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct aux {
    struct aux *next;
    void *val;
    flux_free_f free_fn;
    bool named;
    char name[];
};

static void item_free(struct aux *item)
{
    if (item->free_fn)
        item->free_fn(item->val);
    free(item);
}

static struct aux **item_find(struct aux **head, const char *name)
{
    struct aux **p = head;

    while (*p && !((*p)->named && strcmp((*p)->name, name) == 0))
        p = &(*p)->next;
    return p;
}

static struct aux *item_new(const char *name, void *val, flux_free_f free_fn)
{
    size_t size = name ? strlen(name) + 1 : 0;
    struct aux *item = malloc(sizeof(*item) + size);

    if (!item)
        return NULL;
    *item = (struct aux){.val = val, .free_fn = free_fn, .named = name != NULL};
    memcpy(item->name, name ? name : "", size);
    return item;
}

int aux_set(struct aux **head, const char *name, void *val, flux_free_f free_fn)
{
    struct aux *item = NULL, *old = NULL;
    struct aux **p;

    if ((!val && (free_fn || !name)) || (!name && !free_fn))
        return -EINVAL;
    if (val && !(item = item_new(name, val, free_fn)))
        return -ENOMEM;
    if (name && *(p = item_find(head, name))) {
        old = *p;
        *p = old->next;
    }
    if (item) {
        item->next = *head;
        *head = item;
    }
    if (old)
        item_free(old);
    return 0;
}

void *aux_get(const struct aux *head, const char *name)
{
    for (; head && name; head = head->next)
        if (head->named && strcmp(head->name, name) == 0)
            return head->val;
    return NULL;
}

void aux_forget(struct aux **head, const void *val)
{
    struct aux **p = head;

    while (*p) {
        struct aux *item = *p;

        if (item->val == val) {
            *p = item->next;
            free(item);
        } else
            p = &item->next;
    }
}

void aux_free(struct aux **head)
{
    while (*head) {
        struct aux *item = *head;

        *head = item->next;
        item_free(item);
    }
}

/* Intrusive doubly linked list: a `struct list` is head or link. */
#ifndef FLUX_BASE_LIST_H
#define FLUX_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct list {
    struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}
static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}
static inline void list_add_between(struct list *n, struct list *prev, struct list *next)
{
    n->next = next;
    n->prev = prev;
    prev->next = n;
    next->prev = n;
}
static inline void list_append(struct list *head, struct list *n)
{
    list_add_between(n, head->prev, head);
}
static inline void list_prepend(struct list *head, struct list *n)
{
    list_add_between(n, head, head->next);
}
/* Unlink n and leave it an empty list of its own; harmless when it is one already. */
static inline void list_del(struct list *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    list_init(n);
}
/* Move all of `from` to the end of `to`. */
static inline void list_splice(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}
#define list_entry(ptr, type, member) CONTAINER_OF(ptr, type, member)
#define list_first(head, type, member)                                                   \
    (list_empty(head) ? NULL : list_entry((head)->next, type, member))
/* The current element may be removed and freed in the body. */
#define list_each(it, head, type, member)                                                \
    for (type *it = list_entry((head)->next, type, member),                              \
              *it##_next = list_entry(it->member.next, type, member);                    \
         &it->member != (head);                                                          \
         it = it##_next, it##_next = list_entry(it->member.next, type, member))

#endif

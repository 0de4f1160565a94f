/* Lists of messages with a cursor: see flux/msglist.h. */
#include <flux/msglist.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <flux/reactor.h>

#include "base/list.h"

struct entry {
    struct list link;
    const flux_msg_t *msg;
};

struct flux_msglist {
    struct list entries;
    int count;
    struct entry *cursor; /* NULL: none */
    struct list *resume;  /* the entry at the cursor was deleted: where it stood after */
    int fd;               /* -1 until asked for */
};

struct flux_msglist *flux_msglist_create(void)
{
    struct flux_msglist *l = calloc(1, sizeof(*l));

    if (!l)
        return NULL;
    list_init(&l->entries);
    l->fd = -1;
    return l;
}

static void raise_event(struct flux_msglist *l)
{
    if (l->fd >= 0)
        eventfd_write(l->fd, 1);
}

static void entry_remove(struct flux_msglist *l, struct entry *e)
{
    if (l->resume == &e->link)
        l->resume = e->link.prev;
    if (l->cursor == e) {
        l->cursor = NULL;
        l->resume = e->link.prev;
    }
    list_del(&e->link);
    free(e);
    l->count--;
}

void flux_msglist_destroy(struct flux_msglist *l)
{
    int saved_errno = errno;

    if (!l)
        return;
    list_each(e, &l->entries, struct entry, link)
    {
        flux_msg_decref(e->msg);
        free(e);
    }
    if (l->fd >= 0)
        close(l->fd);
    free(l);
    errno = saved_errno;
}

static struct entry *entry_new(struct flux_msglist *l, const flux_msg_t *msg)
{
    struct entry *e;

    if (!l || !msg) {
        errno = EINVAL;
        return NULL;
    }
    if (!(e = malloc(sizeof(*e))))
        return NULL;
    e->msg = flux_msg_incref(msg);
    l->count++;
    return e;
}

int flux_msglist_push(struct flux_msglist *l, const flux_msg_t *msg)
{
    struct entry *e = entry_new(l, msg);

    if (!e)
        return -1;
    list_prepend(&l->entries, &e->link);
    raise_event(l);
    return 0;
}

int flux_msglist_append(struct flux_msglist *l, const flux_msg_t *msg)
{
    struct entry *e = entry_new(l, msg);

    if (!e)
        return -1;
    list_append(&l->entries, &e->link);
    raise_event(l);
    return 0;
}

const flux_msg_t *flux_msglist_pop(struct flux_msglist *l)
{
    struct entry *e = l ? list_first(&l->entries, struct entry, link) : NULL;
    const flux_msg_t *msg;

    if (!e)
        return NULL;
    msg = e->msg;
    entry_remove(l, e);
    return msg;
}

/* Set the cursor to the entry at `link`, or to none at the list's end. */
static const flux_msg_t *move(struct flux_msglist *l, struct list *link)
{
    l->resume = NULL;
    if (link == &l->entries) {
        l->cursor = NULL;
        return NULL;
    }
    l->cursor = list_entry(link, struct entry, link);
    return l->cursor->msg;
}

const flux_msg_t *flux_msglist_first(struct flux_msglist *l)
{
    return l ? move(l, l->entries.next) : NULL;
}

const flux_msg_t *flux_msglist_last(struct flux_msglist *l)
{
    return l ? move(l, l->entries.prev) : NULL;
}

const flux_msg_t *flux_msglist_next(struct flux_msglist *l)
{
    if (!l)
        return NULL;
    if (l->cursor)
        return move(l, l->cursor->link.next);
    return l->resume ? move(l, l->resume->next) : NULL;
}

void flux_msglist_delete(struct flux_msglist *l)
{
    if (!l || !l->cursor)
        return;
    flux_msg_decref(l->cursor->msg);
    entry_remove(l, l->cursor);
}

int flux_msglist_count(struct flux_msglist *l)
{
    return l ? l->count : 0;
}

int flux_msglist_pollevents(struct flux_msglist *l)
{
    eventfd_t n;

    if (!l) {
        errno = EINVAL;
        return -1;
    }
    if (l->fd >= 0)
        eventfd_read(l->fd, &n);
    return FLUX_POLLOUT | (l->count > 0 ? FLUX_POLLIN : 0);
}

int flux_msglist_pollfd(struct flux_msglist *l)
{
    if (!l) {
        errno = EINVAL;
        return -1;
    }
    if (l->fd < 0)
        l->fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    return l->fd;
}

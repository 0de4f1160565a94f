/* Ordered lists of host names, with repeats, and their short form (RFC 29):
 * "foo[0-3,7]-eth0,bar". At most 65536 hosts come from one text (ERANGE beyond).
 *
 * A list has one cursor, moved by first, next, last, nth, find and find_hostname. A
 * name that a function returns is the list's, valid until the next call on that
 * list. Functions return 0 or more or a pointer, or -1 / NULL with errno. A list
 * belongs to one thread at a time.
 */
#ifndef FLUX_HOSTLIST_H
#define FLUX_HOSTLIST_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hostlist;
struct hostlist_hostname;

struct hostlist *hostlist_create(void);
/* Accepts NULL; keeps errno. */
void hostlist_destroy(struct hostlist *hl);
struct hostlist *hostlist_copy(const struct hostlist *hl);

/* Read text; "" is the empty list. EINVAL, ERANGE, ENOMEM. */
struct hostlist *hostlist_decode(const char *s);
/* Short form, yours to free(). The order and repeats are kept. */
char *hostlist_encode(struct hostlist *hl);

/* Add the hosts of a text, or of another list, at the end; how many there were. Nothing
 * changes on failure. */
int hostlist_append(struct hostlist *hl, const char *hosts);
int hostlist_append_list(struct hostlist *hl1, struct hostlist *hl2);
/* Remove the first match of each host of the text; how many were removed. */
int hostlist_delete(struct hostlist *hl, const char *hosts);

int hostlist_count(struct hostlist *hl);
#define hostlist_is_empty(hl) (hostlist_count(hl) == 0)
/* The host at position n, which becomes the current one. ENOENT. */
const char *hostlist_nth(struct hostlist *hl, int n);
/* The position of the first match, which becomes the current one. ENOENT. */
int hostlist_find(struct hostlist *hl, const char *hostname);

/* A host name taken apart once, for many searches. */
struct hostlist_hostname *hostlist_hostname_create(const char *hostname);
void hostlist_hostname_destroy(struct hostlist_hostname *hn);
int hostlist_find_hostname(struct hostlist *hl, struct hostlist_hostname *hn);

/* Sort: by prefix, then by number; uniq also drops repeats. The cursor goes to the
 * start. */
void hostlist_sort(struct hostlist *hl);
void hostlist_uniq(struct hostlist *hl);

/* Walk: NULL when the list is empty or the end is reached. A new list's cursor is at the
 * first host. */
const char *hostlist_first(struct hostlist *hl);
const char *hostlist_last(struct hostlist *hl);
const char *hostlist_next(struct hostlist *hl);
const char *hostlist_current(struct hostlist *hl);
/* Remove the current host; the one after it becomes current. 1, or 0 when there is no
 * current host. */
int hostlist_remove_current(struct hostlist *hl);

#ifdef __cplusplus
}
#endif
#endif

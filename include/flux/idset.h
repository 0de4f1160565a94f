/* Sets of small non-negative integers: ranks, core numbers, slots (RFC 22).
 *
 * Written form: "0-3,7", with IDSET_FLAG_BRACKETS "[0-3,7]". Text from outside is
 * bounded: an id of 2^20 or more is refused with ERANGE before any memory is taken.
 *
 * Functions return 0 or a pointer, or -1 / NULL with errno. A set belongs to one
 * thread at a time; const functions may run in parallel.
 */
#ifndef FLUX_IDSET_H
#define FLUX_IDSET_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct idset;

enum idset_flags {
    IDSET_FLAG_AUTOGROW = 1, /* grow when an id beyond the size is set */
    IDSET_FLAG_BRACKETS = 2, /* encode: brackets around more than one id */
    IDSET_FLAG_RANGE = 4,    /* encode: "2-4" for "2,3,4" */
    IDSET_FLAG_INITFULL =
        8, /* all ids are members at first, and those that growth adds */
    IDSET_FLAG_COUNT_LAZY = 16, /* no effect: the running count is cheap */
    IDSET_FLAG_ALLOC_RR = 32, /* idset_alloc() goes round instead of taking the lowest */
};

/* Same layout as flux_error_t. */
typedef struct {
    char text[160];
} idset_error_t;

/* "No such id", where a function returns an id. */
#define IDSET_INVALID_ID (UINT_MAX - 1)

/* An empty set (or full, INITFULL) that holds ids 0 to size - 1; size 0: a default.
 * flags: AUTOGROW, INITFULL, COUNT_LAZY, ALLOC_RR. EINVAL, ENOMEM. */
struct idset *idset_create(size_t size, int flags);
/* Accepts NULL; keeps errno. */
void idset_destroy(struct idset *idset);
/* Ids 0 to this - 1 fit now. */
size_t idset_universe_size(const struct idset *idset);
struct idset *idset_copy(const struct idset *idset);

/* Text, yours to free(). flags: BRACKETS, RANGE. The empty set is "", or "[]" with
 * BRACKETS; one id never has brackets. */
char *idset_encode(const struct idset *idset, int flags);

/* Read text. Brackets are optional; ids ascend and do not repeat. EINVAL malformed,
 * ERANGE an id of 2^20 or more (or, for a set of fixed size, beyond it). */
struct idset *idset_decode(const char *s);
struct idset *idset_ndecode(const char *s, size_t len);
/* Read len bytes of s (< 0: all) into a set made with size and flags; size 0: a default;
 * size < 0: exactly what is needed (an empty set: EINVAL, or size 1 with AUTOGROW).
 * error may be NULL. */
struct idset *idset_decode_ex(const char *s, ssize_t len, ssize_t size, int flags,
                              idset_error_t *error);
/* True if s is a well-formed empty set. */
bool idset_decode_empty(const char *s, ssize_t len);
/* Count and largest id of the text, without making a set; either may be NULL; maxid is
 * IDSET_INVALID_ID for an empty set. */
int idset_decode_info(const char *s, ssize_t len, size_t *count, unsigned int *maxid,
                      idset_error_t *error);
/* Add the ids in the text to the set, or take them out. Nothing changes on failure. */
int idset_decode_add(struct idset *idset, const char *s, ssize_t len,
                     idset_error_t *error);
int idset_decode_subtract(struct idset *idset, const char *s, ssize_t len,
                          idset_error_t *error);

/* Add an id, or lo to hi (in either order). EINVAL, also beyond the size without
 * AUTOGROW; ENOMEM. */
int idset_set(struct idset *idset, unsigned int id);
int idset_range_set(struct idset *idset, unsigned int lo, unsigned int hi);
/* Remove ids; those that are not members do not matter. */
int idset_clear(struct idset *idset, unsigned int id);
int idset_range_clear(struct idset *idset, unsigned int lo, unsigned int hi);
bool idset_test(const struct idset *idset, unsigned int id);

/* Walk: the smallest, the next above id, the largest, the next below id; or
 * IDSET_INVALID_ID. */
unsigned int idset_first(const struct idset *idset);
unsigned int idset_next(const struct idset *idset, unsigned int id);
unsigned int idset_last(const struct idset *idset);
unsigned int idset_prev(const struct idset *idset, unsigned int id);

/* A NULL set counts 0 and is empty. */
size_t idset_count(const struct idset *idset);
bool idset_empty(const struct idset *idset);
/* The same members; sizes and flags do not matter. */
bool idset_equal(const struct idset *a, const struct idset *b);
bool idset_has_intersection(const struct idset *a, const struct idset *b);

/* New sets, yours to destroy. A result of union grows as needed. */
struct idset *idset_union(const struct idset *a, const struct idset *b);
struct idset *idset_difference(const struct idset *a, const struct idset *b);
struct idset *idset_intersect(const struct idset *a, const struct idset *b);
/* a += b, a -= b. A NULL b changes nothing. */
int idset_add(struct idset *a, const struct idset *b);
int idset_subtract(struct idset *a, const struct idset *b);
#define idset_clear_all(x) idset_subtract((x), (x))

/* An allocator of integers over a set made with INITFULL: members are free. alloc takes
 * one out (ENOSPC when there is none and the set cannot grow); free puts it back;
 * free_check fails with EEXIST if it is there already. */
int idset_alloc(struct idset *idset, unsigned int *val);
void idset_free(struct idset *idset, unsigned int val);
int idset_free_check(struct idset *idset, unsigned int val);

#ifdef __cplusplus
}
#endif
#endif

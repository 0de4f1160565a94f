/* Strings kept once: names, folders and queues that thousands of jobs share.
 * An interned string is counted; equal strings have equal addresses.
 */
#ifndef FLUX_JOB_MANAGER_INTERN_H
#define FLUX_JOB_MANAGER_INTERN_H

#include <stddef.h>

struct intern;

struct intern *intern_new(void); /* NULL on ENOMEM */
void intern_free(struct intern *in);
/* The string and one more reference on it; NULL on ENOMEM. */
const char *intern_add(struct intern *in, const char *s, size_t len);
void intern_drop(struct intern *in, const char *s); /* accepts NULL */
size_t intern_count(const struct intern *in);

#endif

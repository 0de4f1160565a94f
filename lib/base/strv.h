/* Arrays of strings that end with NULL: arguments, and environments of "NAME=value".
 */
#ifndef FLUX_BASE_STRV_H
#define FLUX_BASE_STRV_H

void strv_free(char **v); /* accepts NULL */
/* Yours to free with strv_free(). NULL gives NULL; else NULL: no memory. */
char **strv_copy(const char *const *v);

/* The value of a variable of env (NULL accepted), borrowed; NULL: it is not set. */
const char *strv_getenv(char *const *env, const char *name);
/* The same; NULL also when it is empty. */
const char *strv_getenv_set(char *const *env, const char *name);

#endif

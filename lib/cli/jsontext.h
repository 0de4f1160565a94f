/* Parts of a JSON payload as they stand, for output that only passes them on. */
#ifndef FLUX_CLI_JSONTEXT_H
#define FLUX_CLI_JSONTEXT_H

#include <stdbool.h>
#include <stddef.h>

/* The text between the brackets of the array that `payload` has under `key`: borrowed, may
 * be empty. False: there is no such array. */
bool jsontext_items(const char *payload, const char *key, const char **ret, size_t *ret_len);

#endif

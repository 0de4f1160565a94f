/* The shell's connection to its broker, and through it to job-exec: made, introduced
 * (service, hello), and made again with back-off when it breaks. The hello alone is said
 * again when only the way from the broker to job-exec was broken.
 */
#ifndef FLUX_SHELL_LINK_H
#define FLUX_SHELL_LINK_H

#include <flux/types.h>

struct shell;
struct link;

int link_new(struct shell *sh, flux_t *(*connect)(void *arg, flux_error_t *err),
             void *arg, struct link **ret);
void link_start(struct link *l);
void link_free(struct link *l); /* accepts NULL */
/* The handle once a hello went out on it, else NULL (a hello to come will tell all). */
flux_t *link_handle(struct link *l);
/* The handle while it is connected to the broker, whether job-exec can be reached or not. */
flux_t *link_connection(struct link *l);

#endif

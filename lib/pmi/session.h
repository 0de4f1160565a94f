/* What libpmi.so and libpmi2.so share: the one PMI session of the process. Their API is
 * global, hence so is this; nothing else links it.
 */
#ifndef FLUX_PMI_SESSION_H
#define FLUX_PMI_SESSION_H

#include "pmi/client.h"

/* Begin it from the environment, unless it has begun. -errno. */
int session_begin(void);
/* NULL: it has not begun, or has ended. */
struct pmi_client *session_client(void);
int session_end(void);
/* Does not return. */
void session_abort(int exitcode, const char *text) __attribute__((noreturn));

/* The nodes of all ranks, size integers, yours to free(); the node of each is its own when
 * the server does not say. NULL: no memory. */
int *session_nodes(void);

/* PMI_SUCCESS (0), or the PMI-1 or PMI-2 code for -errno; they are the same. */
int session_code(int rc);
/* Copy a string into a buffer of so many bytes; a code. */
int session_copy(char *to, int size, const char *from);

/* The names that a server publishes; codes. */
int session_publish(const char *service, const char *port);
int session_lookup(const char *service, char *port, int size);
int session_unpublish(const char *service);

#endif

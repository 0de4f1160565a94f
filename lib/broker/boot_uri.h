/* Addresses as users write them: "tcp://HOST:PORT", "ipc://PATH", with tokens to fill in.
 *
 * Functions return 0 or more, or -errno with the reason in err.
 */
#ifndef FLUX_BROKER_BOOT_URI_H
#define FLUX_BROKER_BOOT_URI_H

#include <stdbool.h>

#include <flux/types.h>

#include "env/env.h"

#define BOOT_IPC_MAX 107 /* bytes of a socket's path */

enum boot_uri_kind { BOOT_TCP, BOOT_IPC, BOOT_SIM };

struct boot_uri {
    enum boot_uri_kind kind;
    char host[256];   /* tcp: without brackets; "*": any */
    int port;         /* tcp; 0: any ("0" or "*") */
    const char *path; /* ipc, sim; in the text that was parsed */
};

int boot_uri_parse(const char *text, struct boot_uri *ret, flux_error_t *err);
/* Do both stand for the same socket? */
bool boot_uri_equal(const struct boot_uri *a, const struct boot_uri *b);
/* "tcp://HOST:PORT", brackets around a v6 address; yours to free. NULL: no memory. */
char *boot_uri_tcp(const char *host, int port);

struct boot_token {
    char letter;       /* 0: the last one */
    const char *value; /* NULL: an error, for the reason in `missing` */
    const char *missing;
};

/* Replace %LETTER by its value, %% by %. *ret is yours. */
int boot_expand(const char *text, const struct boot_token *tokens, char **ret,
                flux_error_t *err);

/* What to listen at, of a bind address whose host may be "*", an address, an interface or a
 * name: the same with a number for a host. *ret is yours. */
int boot_bind_address(struct env *env, const char *text, bool v6, char **ret,
                      flux_error_t *err);

#endif

/* Signed requests (RFC 39), as commands see them. */
#ifndef FLUX_CLI_SIGNED_H
#define FLUX_CLI_SIGNED_H

/* The text that was signed: the middle one of J's three parts. Free it. NULL: J has none. */
char *cli_signed_payload(const char *J);

#endif

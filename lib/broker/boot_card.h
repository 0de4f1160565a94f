/* What brokers tell each other through PMI, in keys of its store:
 *
 *     flux.key    of the links, made by rank 0
 *     flux.N      rank N's card: "HOSTNAME,ADDRESS", no address when it has no children
 *
 * Pure. Functions return 0 or more, or -errno.
 */
#ifndef FLUX_BROKER_BOOT_CARD_H
#define FLUX_BROKER_BOOT_CARD_H

#include <stdint.h>

#include "base/buf.h"

#define BOOT_KEY_NAME "flux.key"
/* Key spaces of our launcher begin with this: there a broker may start again. */
#define BOOT_LAUNCHER "flux-start-"

void boot_card_name(uint32_t rank, char name[32]);
/* address: NULL, none. Odd characters are written as %XX, for some launchers split values. */
int boot_card_encode(const char *hostname, const char *address, struct buf *out);
/* Both are yours, *ret_address may be NULL. -EPROTO: it is no card. */
int boot_card_decode(const char *card, char **ret_hostname, char **ret_address);

#endif

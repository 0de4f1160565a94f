/* This host's network addresses, as numbers in text. The simulated world has one host,
 * "127.0.0.1". May wait for a name server: worker threads, where it matters.
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_ENV_NET_H
#define FLUX_ENV_NET_H

#include <stdbool.h>

#include "env/env.h"

#define NET_ADDRESS_SIZE 64 /* of an address in text */

/* First address of an interface that is up. -ENODEV: there is no such one, or it has no
 * address of that family. */
int net_interface_address(struct env *env, const char *ifname, bool v6,
                          char buf[NET_ADDRESS_SIZE]);
/* Of the interface that the default route goes through. -ENETUNREACH: there is none. */
int net_default_address(struct env *env, bool v6, char buf[NET_ADDRESS_SIZE]);
/* What the name of a host stands for. -EHOSTUNREACH: nothing. */
int net_name_address(struct env *env, const char *hostname, bool v6,
                     char buf[NET_ADDRESS_SIZE]);
/* First one of an interface that is up and not the loopback. -ENETUNREACH. */
int net_any_address(struct env *env, bool v6, char buf[NET_ADDRESS_SIZE]);
/* First one inside a network such as "10.1.0.0/16". -ENETUNREACH; -EINVAL: it is none. */
int net_network_address(struct env *env, const char *network, char buf[NET_ADDRESS_SIZE]);
/* Does an interface of this host have that address? */
bool net_is_local(struct env *env, const char *address);

#endif

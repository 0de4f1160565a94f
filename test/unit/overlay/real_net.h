/* The real network for the cases of ../env/link_cases.h: _i 0 is tcp, 1 is ipc. Each
 * test ends with as many open descriptors as it began with.
 */
#ifndef TEST_OVERLAY_REAL_NET_H
#define TEST_OVERLAY_REAL_NET_H

#include "link_cases.h"

enum { TCP, IPC, REAL_NETS };

extern struct env *real_env;

void real_net_setup(void);
void real_net_teardown(void);
int real_net_main(Suite *s); /* run, report */

/* A stranger's socket, connected to the listener at address (tcp or ipc). */
int raw_connect(const char *address);
void raw_write(int fd, const void *data, size_t len);
void nap(void); /* a millisecond, for what nng's threads do */

#endif

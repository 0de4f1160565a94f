/* A broker for tests: a thread that serves one client at a time on a local socket.
 *
 *   test.echo      the payload back          test.fail    EPERM, "not today"
 *   test.stream    {"n":N}: N responses {"i":0..N-1}, then ENODATA
 *   test.silent    no answer                 test.late    two answers
 *   test.hangup    the connection is closed  test.event   an event first, then an answer
 *   attr.get       {"value": NAME, "flags": 1}
 *   event.subscribe, service.add, ...: an empty answer
 * The topics of all requests are kept.
 */
#ifndef TEST_UNIT_FLUX_SERVER_H
#define TEST_UNIT_FLUX_SERVER_H

#include <stdbool.h>
#include <stddef.h>

struct server;

/* admit: the first byte to send to clients. */
struct server *server_start(int admit);
void server_stop(struct server *s);
const char *server_uri(const struct server *s);
/* Has a request with this topic and, unless NULL, this text payload come? How often. */
int server_count(struct server *s, const char *topic, const char *payload);

#endif

/* A history of what clients of one namespace asked for and were told, and whether it can
 * have been:
 *
 *   - commits and the reads of the leader are linearizable: as every answer tells its
 *     version, their order is known, and has to agree with the order in time;
 *   - a read of version V has for each key the last write up to V, and both halves of a
 *     write to two keys;
 *   - in a session (one connection to one broker) no version is older than what it was told
 *     before, by a read or a commit;
 *   - a watch tells each change of its key once, in order, and leaves none out.
 *
 * Every write has a value of its own, and none is ever removed.
 */
#ifndef TEST_SIM_KVS_HISTORY_H
#define TEST_SIM_KVS_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTORY_KEYS 64

enum deed {
    DEED_WRITE,
    DEED_READ,
};

/* Of a write without an answer nobody knows whether, and when, it happens. */
enum fate { FATE_UNKNOWN, FATE_DONE, FATE_NEVER };

struct act {
    enum deed deed;
    enum fate fate;
    bool leader; /* a read that nothing may be older than */
    int session, key;
    uint64_t
        value; /* number of the write, from 1 on; of a read: what it found, 0: nothing */
    uint64_t from, to; /* when it was asked and answered */
    int64_t version;   /* of the namespace, as told */
    int64_t key_version;
    int64_t min; /* a read: asked for at least that; a write: only if the key has that */
};

/* Answers of a watch, from its beginning to its end. */
struct watched {
    int key;
    uint64_t from; /* when it was asked for */
    bool whole;    /* it was open to the end: nothing can be missing */
    uint64_t *values;
    size_t n, size;
};

struct history {
    struct act *acts;
    size_t n, size;
    struct watched *watches;
    size_t nwatches, watches_size;
};

void history_free(struct history *h);
/* The number of a new act, of a new watch; of an answer of it. */
size_t history_add(struct history *h, const struct act *a);
size_t history_watch(struct history *h, int key, uint64_t from);
void history_watched(struct history *h, size_t watch, uint64_t value);
/* The first thing that cannot have been; false. */
bool history_check(const struct history *h, char *why, size_t size);

#endif

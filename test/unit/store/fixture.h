/* A store to test: in a folder of its own or in memory, in the real world or the
 * simulated one. */
#ifndef TEST_UNIT_STORE_FIXTURE_H
#define TEST_UNIT_STORE_FIXTURE_H

#include "env/file.h"
#include "store/store.h"

struct fixture {
    struct env *env;
    struct loop *loop;
    struct store *store;
    char dir[32];  /* "" for a memory store */
    char path[64]; /* of the database */
};

/* What a test is run with: the index of a loop test. */
enum {
    FIXTURE_MEMORY,
    FIXTURE_FILE,
    FIXTURE_MEMORY_SIM,
    FIXTURE_FILE_SIM,
    FIXTURE_COUNT,
};

void fixture_open(struct fixture *f, int kind);
/* Close and open again. */
void fixture_reopen(struct fixture *f);
void fixture_close(struct fixture *f);

/* Commit and wait; the error that the callback got. Consumes t. */
int fixture_commit(struct fixture *f, struct store_txn *t);
/* A job row with a rec of its own. */
struct store_job fixture_job(uint64_t id, int state);
int fixture_put_job(struct fixture *f, const struct store_job *job);
/* All pieces of a job's key, joined; "" when there is none. Static buffer. */
const char *fixture_data(struct fixture *f, uint64_t id, const char *key);

#endif

/* job-exec, between a job manager, brokers of several ranks and shells that the test plays.
 */
#ifndef TEST_SERVICE_JOB_EXEC_FIXTURE_H
#define TEST_SERVICE_JOB_EXEC_FIXTURE_H

#include <check.h>
#include <flux/core.h>

#include "base/json.h"

#define OWNER 1234
#define RANKS 4

/* What a broker and the shell of its rank were asked. */
struct rank {
    unsigned execs; /* rexec.exec requests so far */
    int errnum;     /* how they are answered; EHOSTUNREACH: how everything is */
    char exec_payload[1024];
    const flux_msg_t *waiter; /* rexec.wait, held */
    unsigned requests;        /* to the shell */
    unsigned kills;
    char ends[64]; /* the last output-end; not counted above */
    int kill_errnum;
    char topic[64], *payload; /* the last one */
};

struct fixture {
    flux_reactor_t *r;
    struct flux_port *port;
    flux_t *h;
    void *ctx;
    cJSON *results; /* array of all results */
    struct rank ranks[RANKS];
    const flux_msg_t *output_request;
    struct buf relayed;
    int relayed_errnum;
    bool hello_answered;
    int kill_answer; /* errnum of the last answer to job-exec.kill; -1: none yet */
};
extern struct fixture fx;

/* With a lost-timeout, in seconds; 0: the default. */
void fixture_init(double lost_timeout);
void fixture_fini(void);

/* Run the loop until the expression holds. */
#define until(expr)                                                                      \
    do {                                                                                 \
        while (!(expr))                                                                  \
            flux_reactor_run(fx.r, 0);                                                   \
    } while (0)

void respond(const flux_msg_t *req, int errnum, const char *payload);
void send_from(const char *who, const char *topic, bool streaming, const char *payload);
/* A request that wants an answer. */
void call_from(const char *who, const char *topic, const char *payload);
/* system: members of attributes.system; more: of the entry. */
void start(int id, const char *system, const char *more);
/* The same on these ranks (an idset). */
void start_on(int id, const char *ranks, const char *more);
void mock(int id, const char *test);
/* The shell of a rank: its hello, and its results. jobs, results: members of an array. */
void hello_of(unsigned rank, const char *who, const char *jobs);
void hello(const char *who, const char *jobs);
void say(unsigned rank, const char *who, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

const cJSON *find(int id, const char *type);
int count(int id, const char *type);
/* Wait for the final release: the wait status of the finish. */
int finish_of(int id);

#endif

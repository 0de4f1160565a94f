/* The rules of RFC 21 as a reader of event logs sees them: is this the log of a
 * possible job? Written from the RFC, not from the job manager's table. For any test
 * that has an event log at hand.
 */
#ifndef TEST_RFC21_H
#define TEST_RFC21_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rfc21 {
    int state; /* after the last event */
    unsigned nevents;
    bool started, finished, freed, doomed; /* doomed: exception of severity 0 */
    int status;                            /* of finish; -1: none */
    int64_t priority;                      /* -1: none */
    char exception[64];                    /* type of the first severity-0 exception */
    char why[256];                         /* what is wrong */
};

/* 0, or -1 with ret->why. The log may end in any state. */
int rfc21_check(const char *log, size_t len, struct rfc21 *ret);

#endif

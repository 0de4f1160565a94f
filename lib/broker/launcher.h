/* Starts the brokers of a test instance, all on this host, and is their launcher: it serves
 * PMI to each over a descriptor, waits for all, and cleans up after them.
 *
 *     RUNDIR/RANK      rundir of each broker (of one alone: RUNDIR itself)
 *     RUNDIR/start     socket for those who want to see brokers die, a line each way:
 *                        status            -> {"procs":[{"rank":0,"pid":123},..]}
 *                        kill RANK SIGNUM  -> ok; its end is then not that of the others
 *                        run RANK          -> ok; starts it, or starts it again
 *                      or  error TEXT
 *
 * Everything happens on the loop's thread, which is stopped when all is over. Real only.
 * Functions return 0 or more, or -errno with the reason in err.
 */
#ifndef FLUX_BROKER_LAUNCHER_H
#define FLUX_BROKER_LAUNCHER_H

#include <stdbool.h>
#include <stdint.h>

#include <flux/types.h>

#include "env/loop.h"

struct launcher;

struct launcher_conf {
    struct loop *loop;
    uint32_t size;
    /* Strings and NULL-terminated arrays are borrowed until launcher_free(). */
    const char *broker;   /* path of the program */
    char *const *wrap;    /* what to run it under; NULL: nothing */
    char *const *options; /* for all brokers; NULL: none */
    char *const *program; /* rank 0's initial program; NULL: none */
    char *const *environment;
    /* Made, and removed at the end, when it is not there; NULL: a new one. */
    const char *rundir;
    bool rundir_must_exist, rundir_cleanup; /* cleanup: remove it although it was there */
    const char *statedir;                   /* of all; remembers the rundir; NULL */
    const char *hosts; /* pretended hostnames, a list of `size`; NULL: the real one */
    /* Which brokers seem to be on one node: "single" (NULL: that), "none" (not told),
     * "per-broker", or a task map (RFC 34). */
    const char *clique;
    double exit_timeout; /* seconds; after an exit the others are ended; < 0: never */
    bool exit_leader;    /* only rank 0's exit counts, and its code is ours; else any's */
    bool start_leader;   /* start rank 0 only; the others by the socket */
    void (*say)(const char *text, void *arg); /* a line for the user */
    void *arg;
};

int launcher_new(const struct launcher_conf *conf, struct launcher **ret,
                 flux_error_t *err);
/* Begin. */
int launcher_start(struct launcher *l, flux_error_t *err);
/* The user wants it to end: the leader is told; the third time, all are killed. */
void launcher_signal(struct launcher *l, int signum);
bool launcher_is_over(const struct launcher *l);
/* Rank 0's exit code, or the highest of all; 128 + signal; 1: it did not come up. */
int launcher_exit_code(const struct launcher *l);
/* Command lines, one a broker, as launcher_start() would run them. */
void launcher_each_command(struct launcher *l, void (*fn)(char *const *argv, void *arg),
                           void *arg);
void launcher_free(
    struct launcher *l); /* only when over or never started; accepts NULL */

#endif

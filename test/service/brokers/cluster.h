/* Many brokers in one process, on one loop: an instance, in the real world (sockets under
 * a temporary folder) or a simulated one. Nothing sleeps: what a test waits for is a
 * condition, looked at after each turn of the loop. */
#ifndef TEST_CLUSTER_H
#define TEST_CLUSTER_H

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/core.h>

#include "broker/broker.h"

#define CLUSTER_MAX 64

struct member {
    struct cluster *cluster;
    struct broker *b; /* NULL: it has gone */
    flux_t *h;        /* of a program that embeds it; NULL until it is asked for */
    int ups, errnum, exit_code;
    flux_error_t error;
};

struct cluster {
    struct env *env;
    flux_reactor_t *r;
    int size;
    bool sim;
    char dir[64];
    const char *topo;
    const char *const *attrs;       /* for all; may be NULL */
    const char *const *modules;     /* NULL: none */
    const char *config;             /* of rank 0; may be NULL */
    const char *hostlist;           /* NULL: they do not say where they are */
    const char *const *environment; /* NULL: nearly nothing */
    const char *const *program;     /* may be NULL */
    bool durable;                   /* rank 0 has a statedir */
    struct member m[CLUSTER_MAX];
};

/* A world, and nobody in it yet. seed < 0: the real one. */
void cluster_init(struct cluster *c, int size, const char *topo, int64_t seed);
/* Take down what is left, without ceremony. */
void cluster_fini(struct cluster *c);
/* Make and start one broker, or all; does not wait. */
void cluster_add(struct cluster *c, int rank);
void cluster_add_all(struct cluster *c);
/* As after kill -9. */
void cluster_crash(struct cluster *c, int rank);
/* Run the loop until cond(c, arg); the test fails after a minute. */
void cluster_until(struct cluster *c, bool (*cond)(struct cluster *c, void *arg),
                   void *arg);
/* For so many seconds. */
void cluster_run(struct cluster *c, double seconds);
/* All that are there run. */
void cluster_until_up(struct cluster *c);
/* All that are there see all that are there. */
void cluster_until_online(struct cluster *c, const char *ranks);
/* Nobody is there any more. */
void cluster_until_gone(struct cluster *c);
/* Stop rank 0; all leave; exit codes are in m[]. */
void cluster_stop(struct cluster *c);
flux_t *cluster_handle(struct cluster *c, int rank);
/* Until it has its answer, the only one. */
void cluster_wait(struct cluster *c, flux_future_t *f);
/* Wait for an answer: 0 and the payload (good until the next call), or errno. */
int cluster_rpc(struct cluster *c, int rank, const char *topic, const char *payload,
                uint32_t nodeid, const char **ret);

#define CLUSTER_MAIN(name, ...)                                                          \
    int main(void)                                                                       \
    {                                                                                    \
        const TTest *tests[] = {__VA_ARGS__};                                            \
        Suite *s = suite_create(name);                                                   \
        TCase *tc = tcase_create(name);                                                  \
        SRunner *sr;                                                                     \
        int failed;                                                                      \
                                                                                         \
        tcase_set_timeout(tc, 120);                                                      \
        for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)                    \
            tcase_add_loop_test(tc, tests[i], 0, 2);                                     \
        suite_add_tcase(s, tc);                                                          \
        sr = srunner_create(s);                                                          \
        srunner_run_all(sr, CK_ENV);                                                     \
        failed = srunner_ntests_failed(sr);                                              \
        srunner_free(sr);                                                                \
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;                                     \
    }

/* Each test runs twice: in the real world, and in a simulated one. */
#define WORLD (_i == 0 ? -1 : 7)

#endif

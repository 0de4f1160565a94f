/* flux pmi - ask a launcher's PMI as a broker does, without starting one: to see whether it
 * works, and how fast it is. Run it under the launcher, in all tasks. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <flux/idset.h>

#include "cmds.h"
#include "pmi/client.h"

static const struct cli_option common_options[] = {
    {"verbose", 'v', CLI_NONE, NULL, "Print what is said to the launcher and back"},
    {"method", 0, CLI_REQUIRED, "METHOD", "simple, libpmi, libpmi:PATH, or single"},
    {0},
};

static const struct cli_option count_options[] = {
    {"count", 0, CLI_REQUIRED, "N", "How often (default: 1)"},
    {0},
};

static const struct cli_option get_options[] = {
    {"ranks", 0, CLI_REQUIRED, "RANKS", "Who prints: ranks, or all (default: 0)"},
    {0},
};

#define TABLES(t)                                                                        \
    (const struct cli_option *const[])                                                   \
    {                                                                                    \
        common_options, t, NULL                                                          \
    }

/* ---- the launcher ---- */

static void trace(bool sent, const char *line, void *arg)
{
    fprintf(stderr, "%s: %c %s\n", cli_prog(arg), sent ? '>' : '<', line);
}

static int number(const char *name)
{
    const char *s = getenv(name);

    return s && *s ? atoi(s) : -1;
}

static int open_simple(pmi_trace_f tracer, struct cli *c, struct pmi_client **ret,
                       flux_error_t *err)
{
    int fd = number("PMI_FD"), rank = number("PMI_RANK"), size = number("PMI_SIZE");

    if (fd < 0 || fcntl(fd, F_GETFD) < 0 || rank < 0 || size <= rank) {
        snprintf(err->text, sizeof(err->text), "no launcher: there is no PMI_FD here");
        return -ENOENT;
    }
    return pmi_client_wire(fd, rank, size, tracer, c, ret, err);
}

static int open_libpmi(const char *path, pmi_trace_f tracer, struct cli *c,
                       struct pmi_client **ret, flux_error_t *err)
{
    const char *const usual[] = {"libpmi.so.0", "libpmi.so", NULL};
    const char *const named[] = {path, NULL};

    return pmi_client_dso(path ? named : usual, tracer, c, ret, err);
}

/* What a broker would take (flux-pmi(7)). */
static const char *default_method(void)
{
    int fd = number("PMI_FD");

    if (fd >= 0 && fcntl(fd, F_GETFD) >= 0)
        return "simple";
    if (getenv("PMI_LIBRARY") ||
        (getenv("SLURM_STEP_ID") && number("SLURM_STEP_NUM_TASKS") > 1))
        return "libpmi";
    return "single";
}

/* NULL after a message. */
static struct pmi_client *open_pmi(struct cli *c)
{
    const char *method = cli_str(c, "method", default_method());
    pmi_trace_f tracer =
        cli_count(c, "verbose") || getenv("FLUX_PMI_DEBUG") ? trace : NULL;
    struct pmi_client *pmi = NULL;
    flux_error_t err = {{0}};
    int rc;

    if (!strcmp(method, "simple"))
        rc = open_simple(tracer, c, &pmi, &err);
    else if (!strcmp(method, "libpmi"))
        rc = open_libpmi(getenv("PMI_LIBRARY"), tracer, c, &pmi, &err);
    else if (!strncmp(method, "libpmi:", 7))
        rc = open_libpmi(method + 7, tracer, c, &pmi, &err);
    else if (!strcmp(method, "single"))
        rc = pmi_client_single(&pmi);
    else {
        cli_usage(c, "--method: '%s' is none of simple, libpmi, libpmi:PATH, single",
                  method);
        return NULL;
    }
    if (rc < 0)
        cli_fail(c, "%s", err.text[0] ? err.text : strerror(-rc));
    return pmi;
}

static int close_pmi(struct cli *c, struct pmi_client *pmi, int rc, flux_error_t *err)
{
    if (rc == 0)
        rc = pmi_client_finalize(pmi, err);
    pmi_client_free(pmi);
    return rc < 0 ? cli_fail(c, "%s", err->text) : rc;
}

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* ---- commands ---- */

static int barriers(struct pmi_client *pmi, long count, flux_error_t *err)
{
    int rc = 0;

    while (count-- > 0 && rc == 0)
        rc = pmi_client_barrier(pmi, err);
    return rc;
}

static int put_own(struct pmi_client *pmi, long round, flux_error_t *err)
{
    char key[32], value[32];

    snprintf(key, sizeof(key), "key.%ld.%d", round, pmi_client_facts(pmi)->rank);
    snprintf(value, sizeof(value), "%d", pmi_client_facts(pmi)->rank);
    return pmi_client_put(pmi, key, value, err);
}

static int get_all(struct pmi_client *pmi, long round, flux_error_t *err)
{
    int rc = 0;

    for (int rank = 0; rank < pmi_client_facts(pmi)->size && rc == 0; rank++) {
        char key[32], *value;

        snprintf(key, sizeof(key), "key.%ld.%d", round, rank);
        if ((rc = pmi_client_get(pmi, key, &value, err)) < 0)
            break;
        if (atoi(value) != rank) {
            snprintf(err->text, sizeof(err->text), "%s is '%s', not %d", key, value,
                     rank);
            rc = -EPROTO;
        }
        free(value);
    }
    return rc;
}

static int exchanges(struct pmi_client *pmi, long count, flux_error_t *err)
{
    int rc = 0;

    for (long i = 0; i < count && rc == 0; i++) {
        if ((rc = put_own(pmi, i, err)) == 0 &&
            (rc = pmi_client_barrier(pmi, err)) == 0 && (rc = get_all(pmi, i, err)) == 0)
            rc = pmi_client_barrier(pmi, err);
    }
    return rc;
}

/* All begin together; rank 0 tells how long it took. */
static int timed(struct cli *c, const char *what,
                 int (*fn)(struct pmi_client *pmi, long count, flux_error_t *err))
{
    struct pmi_client *pmi;
    flux_error_t err = {{0}};
    long count = 1;
    double t0;
    int rc;

    if (!cli_int(c, "count", 1, 1000000, &count))
        return CLI_EXIT_USAGE;
    if (!(pmi = open_pmi(c)))
        return 1;
    rc = pmi_client_barrier(pmi, &err);
    t0 = now();
    if (rc == 0)
        rc = fn(pmi, count, &err);
    t0 = now() - t0;
    if (rc == 0 && pmi_client_facts(pmi)->rank == 0)
        printf("%s: completed pmi %s on %d tasks in %.3fs.\n",
               pmi_client_facts(pmi)->kvsname, what, pmi_client_facts(pmi)->size, t0);
    return close_pmi(c, pmi, rc, &err);
}

static int run_barrier(struct cli *c)
{
    return timed(c, "barrier", barriers);
}

static int run_exchange(struct cli *c)
{
    return timed(c, "exchange", exchanges);
}

/* Is this rank one of those who print? -1 after a message. */
static int prints(struct cli *c, int rank)
{
    const char *text = cli_str(c, "ranks", "0");
    struct idset *ids;
    int rc;

    if (!strcmp(text, "all"))
        return 1;
    if (!(ids = idset_decode(text))) {
        cli_usage(c, "--ranks: '%s' is no set of ranks, nor all", text);
        return -1;
    }
    rc = idset_test(ids, rank);
    idset_destroy(ids);
    return rc;
}

static int run_get(struct cli *c)
{
    struct pmi_client *pmi;
    flux_error_t err = {{0}};
    char *value;
    int rc = 0, mine;

    if (cli_argc(c) == 0)
        return cli_usage(c, "a KEY is needed");
    if (!(pmi = open_pmi(c)))
        return 1;
    mine = prints(c, pmi_client_facts(pmi)->rank);
    for (int i = 0; i < cli_argc(c) && rc == 0 && mine > 0; i++) {
        if ((rc = pmi_client_get(pmi, cli_arg(c, i), &value, &err)) == 0) {
            cli_print_safe(stdout, value);
            putchar('\n');
            free(value);
        }
    }
    rc = close_pmi(c, pmi, rc, &err);
    return mine < 0 ? CLI_EXIT_USAGE : rc;
}

static const struct cli_command pmi_barrier = {"barrier", "", "Time a barrier",
                                               TABLES(count_options), run_barrier},
                                pmi_exchange = {"exchange", "",
                                                "Time an exchange of a key of each",
                                                TABLES(count_options), run_exchange},
                                pmi_get = {"get", "KEY...",
                                           "Print keys that the launcher set",
                                           TABLES(get_options), run_get};

const struct cli_command cmd_pmi = {
    .name = "pmi",
    .help = "Try a launcher's PMI",
    .sub =
        (const struct cli_command *const[]){&pmi_barrier, &pmi_exchange, &pmi_get, NULL},
};

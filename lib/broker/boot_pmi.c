/* Booting by PMI: over the descriptor of a launcher, or by a library of one. Each broker
 * puts one key, its card, and gets two: the key of the links, and its parent's card. Rank 0
 * also gets everybody's, for the hostnames. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <flux/hostlist.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/strv.h"
#include "broker/boot_card.h"
#include "broker/boot_key.h"
#include "broker/boot_private.h"
#include "pmi/client.h"
#include "pmi/mapping.h"

/* ---- is it there ---- */

/* A number of the environment; -1: none. */
static long number(const struct boot *b, const char *name)
{
    const char *s = strv_getenv_set(b->environment, name);
    char *end;
    long v;

    if (!s)
        return -1;
    v = strtol(s, &end, 10);
    return *end || v < 0 || v > INT32_MAX ? -1 : v;
}

int boot_simple_offered(const struct boot *b, flux_error_t *err)
{
    long fd = number(b, "PMI_FD"), rank = number(b, "PMI_RANK"),
         size = number(b, "PMI_SIZE");

    /* A task's child may have the variable and not the descriptor: then it is alone. */
    if (fd < 0 || fcntl((int)fd, F_GETFD) < 0)
        return 0;
    if (rank < 0 || size < 1 || rank >= size)
        return error_set(err, EINVAL,
                         "PMI_FD=%ld, but PMI_RANK=%s and PMI_SIZE=%s make no sense", fd,
                         strv_getenv_set(b->environment, "PMI_RANK"),
                         strv_getenv_set(b->environment, "PMI_SIZE"));
    return 1;
}

/* One of several tasks of a Slurm step: its PMI is for them. In a batch script there is no
 * step. */
static bool is_slurm_step(const struct boot *b)
{
    return strv_getenv_set(b->environment, "SLURM_STEP_ID") &&
           strv_getenv_set(b->environment, "SLURM_PROCID") &&
           number(b, "SLURM_STEP_NUM_TASKS") > 1 &&
           !strv_getenv_set(b->environment, "FLUX_PMI_SINGLETON");
}

int boot_libpmi_offered(const struct boot *b)
{
    return b->pmi_library || is_slurm_step(b);
}

/* ---- first step ---- */

/* FLUX_PMI_DEBUG asks for lines on standard error. */
static void trace(bool sent, const char *line, void *arg)
{
    const struct boot *b = arg;
    const char *rank = strv_getenv_set(b->environment, "PMI_RANK");

    if (!rank)
        rank = strv_getenv_set(b->environment, "SLURM_PROCID");
    dprintf(2, "flux-broker: PMI rank %s: %c %s\n", rank ? rank : "?", sent ? '>' : '<',
            line);
}

static pmi_trace_f tracer(const struct boot *b)
{
    return strv_getenv_set(b->environment, "FLUX_PMI_DEBUG") ? trace : NULL;
}

/* Are all on one node? */
static bool all_together(const struct boot *b)
{
    AUTOFREE char *text = NULL;
    AUTOFREE int *nodes = calloc(b->info.size, sizeof(*nodes));

    if (!nodes || pmi_client_get(b->pmi, "PMI_process_mapping", &text, NULL) < 0 ||
        pmi_mapping_decode(text, (int)b->info.size, nodes) < 0)
        return false;
    for (uint32_t i = 1; i < b->info.size; i++) {
        if (nodes[i] != nodes[0])
            return false;
    }
    return true;
}

/* The client is open: what does it say? */
static int learn(struct boot *b, flux_error_t *err)
{
    const struct pmi_facts *f = pmi_client_facts(b->pmi);
    int rc;

    b->info.rank = (uint32_t)f->rank;
    b->info.size = (uint32_t)f->size;
    if ((rc = boot_make_topo(b, err)) < 0)
        return rc;
    if (strncmp(f->kvsname, BOOT_LAUNCHER, strlen(BOOT_LAUNCHER)) != 0 &&
        !(b->info.jobid = strdup(f->kvsname)))
        return error_set(err, ENOMEM, "out of memory");
    if (!boot_has_children(b))
        return 0;
    return boot_choose_bind(b, all_together(b), &b->info.bind, err);
}

static int simple_start(struct boot *b, flux_error_t *err)
{
    int rc = boot_simple_offered(b, err);

    if (rc == 0)
        return error_set(err, ENOENT, "no launcher: there is no PMI_FD, or it is closed");
    if (rc < 0)
        return rc;
    b->pmi_fd = (int)number(b, "PMI_FD");
    (void)fcntl(b->pmi_fd, F_SETFD, FD_CLOEXEC);
    rc = pmi_client_wire(b->pmi_fd, (int)number(b, "PMI_RANK"),
                         (int)number(b, "PMI_SIZE"), tracer(b), b, &b->pmi, err);
    return rc < 0 ? rc : learn(b, err);
}

static int libpmi_start(struct boot *b, flux_error_t *err)
{
    const char *const usual[] = {"libpmi.so.0", "libpmi.so", NULL};
    const char *const named[] = {b->pmi_library, NULL};
    flux_error_t why;
    int rc = pmi_client_dso(b->pmi_library ? named : usual, tracer(b), b, &b->pmi, &why);

    if (rc == -ELIBACC && !b->pmi_library)
        return error_set(err, ELIBACC,
                         "one of %s tasks of a Slurm step without PMI: use srun "
                         "--mpi=pmi2, or install libpmi.so.0; or FLUX_PMI_SINGLETON=1 "
                         "for an instance in each",
                         strv_getenv_set(b->environment, "SLURM_STEP_NUM_TASKS"));
    if (rc < 0)
        return error_set(err, -rc, "%s", why.text);
    return learn(b, err);
}

/* ---- second step ---- */

/* Rank 0 makes the key. Started again, it finds the one it made before. */
static int make_key(struct boot *b, flux_error_t *err)
{
    const struct pmi_facts *f = pmi_client_facts(b->pmi);
    char text[2 * OVERLAY_KEY_SIZE + 1];
    AUTOFREE char *old = NULL;

    if (!strncmp(f->kvsname, BOOT_LAUNCHER, strlen(BOOT_LAUNCHER)) &&
        pmi_client_get(b->pmi, BOOT_KEY_NAME, &old, NULL) == 0)
        return 0;
    env_random(b->env, b->info.key, sizeof(b->info.key));
    boot_key_print(b->info.key, text);
    return pmi_client_put(b->pmi, BOOT_KEY_NAME, text, err);
}

static int put_card(struct boot *b, flux_error_t *err)
{
    AUTOFREE char *address = NULL;
    struct buf card = {0};
    char name[32];
    int rc;

    if (b->address && (rc = boot_public_address(b, b->address, &address, err)) < 0)
        return rc;
    boot_card_name(b->info.rank, name);
    if (boot_card_encode(b->hostname, address, &card) < 0)
        rc = error_set(err, ENOMEM, "out of memory");
    else
        rc = pmi_client_put(b->pmi, name, card.data, err);
    buf_free(&card);
    return rc;
}

static int get_card(struct boot *b, uint32_t rank, char **ret_host, char **ret_address,
                    flux_error_t *err)
{
    AUTOFREE char *card = NULL;
    char name[32];
    int rc;

    boot_card_name(rank, name);
    if ((rc = pmi_client_get(b->pmi, name, &card, err)) < 0)
        return rc;
    if ((rc = boot_card_decode(card, ret_host, ret_address)) < 0)
        return error_set(err, -rc, "PMI: %s of rank %u is '%s', no broker's card", name,
                         (unsigned)rank, card);
    return 0;
}

static int get_key(struct boot *b, flux_error_t *err)
{
    AUTOFREE char *text = NULL;
    int rc = pmi_client_get(b->pmi, BOOT_KEY_NAME, &text, err);

    if (rc < 0)
        return rc;
    rc = boot_key_parse(text, b->info.key);
    explicit_bzero(text, strlen(text));
    return rc < 0 ? error_set(err, EPROTO, "PMI: %s is no key", BOOT_KEY_NAME) : 0;
}

static int get_parent(struct boot *b, flux_error_t *err)
{
    uint32_t parent = topo_parent(b->info.topo, b->info.rank);
    AUTOFREE char *host = NULL;
    int rc = get_card(b, parent, &host, &b->info.parent, err);

    if (rc == 0 && !b->info.parent)
        return error_set(err, EPROTO,
                         "rank %u, which is to be our parent, has no address",
                         (unsigned)parent);
    return rc;
}

static int append_host(struct boot *b, struct hostlist *hl, uint32_t rank,
                       flux_error_t *err)
{
    AUTOFREE char *host = NULL;
    AUTOFREE char *address = NULL;
    int rc = get_card(b, rank, &host, &address, err);

    if (rc < 0)
        return rc;
    if (hostlist_append(hl, host) != 1)
        return error_set(err, EPROTO, "rank %u: '%s' is no hostname", (unsigned)rank,
                         host);
    return 0;
}

static int gather_hosts(struct boot *b, flux_error_t *err)
{
    struct hostlist *hl = hostlist_create();
    int rc = hl ? 0 : error_set(err, ENOMEM, "out of memory");

    for (uint32_t rank = 0; rank < b->info.size && rc == 0; rank++)
        rc = append_host(b, hl, rank, err);
    if (rc == 0 && !(b->info.hostlist = hostlist_encode(hl)))
        rc = error_set(err, ENOMEM, "out of memory");
    hostlist_destroy(hl);
    return rc;
}

static int pmi_exchange(struct boot *b, flux_error_t *err)
{
    int rc = 0;

    if (b->info.rank == 0)
        rc = make_key(b, err);
    if (rc == 0 && (rc = put_card(b, err)) == 0 &&
        (rc = pmi_client_barrier(b->pmi, err)) == 0 && (rc = get_key(b, err)) == 0)
        rc = b->info.rank == 0 ? gather_hosts(b, err) : get_parent(b, err);
    /* Nothing more is said, so that the death of a broker is not that of all. */
    if (rc == 0)
        (void)pmi_client_finalize(b->pmi, NULL);
    return rc;
}

static void simple_cancel(struct boot *b)
{
    if (b->pmi_fd >= 0)
        shutdown(b->pmi_fd, SHUT_RDWR);
}

static void pmi_free(struct boot *b)
{
    pmi_client_free(TAKE(b->pmi));
}

const struct boot_method boot_simple = {
    .name = "simple",
    .waits = true,
    .start = simple_start,
    .exchange = pmi_exchange,
    .cancel = simple_cancel,
    .free = pmi_free,
};

const struct boot_method boot_libpmi = {
    .name = "libpmi",
    .waits = true,
    .start = libpmi_start,
    .exchange = pmi_exchange,
    .free = pmi_free,
};

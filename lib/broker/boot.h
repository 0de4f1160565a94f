/* How a broker learns its place in the instance: its rank, the size, the shape of the tree,
 * where its parent listens, the key of the links. Methods:
 *
 *   single   alone
 *   config   [bootstrap] of the configuration, or the 2018 keys of boot.config_file
 *   simple   PMI-1 over PMI_FD: srun --mpi=pmi2, mpiexec, flux start --test-size, flux itself
 *   libpmi   PMI-1 of a libpmi.so: srun --mpi=none
 *
 * Two steps, because an address can be told only once it is listened at:
 *   boot_start():    rank, size, tree, and for config all the rest
 *   boot_exchange(): tell our address, learn the parent's and the key (PMI)
 *
 * PMI calls wait for others, so they run on a worker thread; `done` runs on the loop's.
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_BROKER_BOOT_H
#define FLUX_BROKER_BOOT_H

#include <flux/conf.h>

#include "broker/attr.h"
#include "env/loop.h"
#include "overlay/overlay.h"

#define BOOT_TOPO "kary:32" /* tbon.topo, unless said otherwise */

struct boot;

struct boot_info {
    const char *method; /* static */
    uint32_t rank, size;
    struct topo *topo;
    char *bind;     /* address to listen at when there are children: "tcp://h:0", ... */
    char *parent;   /* address of the parent; NULL at rank 0, and before the exchange */
    char *hostlist; /* of all ranks, in order; known at rank 0, elsewhere maybe NULL */
    char *jobid;    /* what the launcher calls us (PMI_KVS_Get_my_name); NULL: nothing */
    unsigned char key[OVERLAY_KEY_SIZE];
    bool encrypt;
};

/* Free what it holds, and wipe the key. */
void boot_info_clear(struct boot_info *info);
/* Copy s to *ret, which is yours; NULL leaves *ret alone. -ENOMEM. */
int boot_copy(const char *s, char **ret);

struct boot_conf {
    struct loop *loop;
    struct attrs *attrs;      /* boot.method, tbon.*, boot.config_file */
    const flux_conf_t *conf;  /* [bootstrap], [tbon] */
    char *const *environment; /* PMI_*, SLURM_*, FLUX_PMI_* */
    const char *hostname, *rundir;
};

typedef void (*boot_done_f)(int rc, const flux_error_t *err, void *arg);

int boot_new(const struct boot_conf *conf, struct boot **ret, flux_error_t *err);
void boot_start(struct boot *b, boot_done_f done, void *arg);
/* address: what our children are to dial; NULL when we have none. */
void boot_exchange(struct boot *b, const char *address, boot_done_f done, void *arg);
/* A step that waits for other brokers is to end soon, if it can: done is told -ECANCELED.
 * Harmless when none runs. */
void boot_cancel(struct boot *b);
/* What is known so far; borrowed. */
const struct boot_info *boot_info(const struct boot *b);
/* Not while a step runs. Accepts NULL. */
void boot_free(struct boot *b);

#endif

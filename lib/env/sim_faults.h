/* Hosts of a simulated world, and what can happen to them: for simulations, which decide
 * by their seed what happens when. Each host is an env of its own, with its files, its
 * wall clock and its place in the network; time, the order of events and the hash are the
 * world's. Every call wants a simulated env.
 *
 * Functions return 0 or more, or -errno; those without a result cannot fail.
 */
#ifndef FLUX_ENV_SIM_FAULTS_H
#define FLUX_ENV_SIM_FAULTS_H

#include "env/env.h"

/* ---- hosts ---- */

/* One more host in the world of `env`. It lives as long as there are references to it. */
int sim_host_new(struct env *env, const char *name, struct env **ret);
const char *sim_host_name(const struct env *env);

/* Its processes stand still for so many seconds from now (SIGSTOP); 0: they go on. What
 * arrives meanwhile waits for them. */
void sim_host_stop(struct env *env, double seconds);

/* Without power: nothing more is written to its disk or leaves it, and nobody is told.
 * Free all that runs on it (its links too), then switch it on again: what was not synced
 * is there or not, sector by sector, as the seed has it. Peers find out when they send
 * something, or never. */
void sim_host_power_off(struct env *env);
void sim_host_power_on(struct env *env);

/* Its wall clock jumps, forward or back. */
void sim_clock_step(struct env *env, double seconds);

/* ---- the network ----
 *
 * As TCP's: nothing is lost on a connection that stays open, and nothing overtakes.
 * One of the two hosts may be NULL: all others. */

/* Each message takes at least `min`, at most `max` seconds from now on; 0, 0: as usual. */
void sim_net_delay(struct env *from, struct env *to, double min, double max);
/* One way, nothing moves for so many seconds. */
void sim_net_stall(struct env *from, struct env *to, double seconds);
/* Nothing moves, either way, until it is healed. A connection that is closed meanwhile
 * may stay half open: its other end hears of it only when it sends. */
void sim_net_cut(struct env *a, struct env *b);
void sim_net_heal(struct env *a, struct env *b);
/* Connections between them end with -ECONNRESET at both ends, what was under way is
 * lost. Returns how many. */
int sim_net_reset(struct env *a, struct env *b);
/* Connections at this host that have not been closed, its listeners not counted. */
int sim_net_links(struct env *env);

/* ---- the disk ---- */

/* Remember what has not been synced, so that it can be lost. From now on. */
void sim_disk_track(struct env *env);
/* Room for all files together, in bytes; 0: no limit. Writes beyond it get -ENOSPC. */
void sim_disk_limit(struct env *env, int64_t bytes);
int64_t sim_disk_used(struct env *env);
/* One in `every` of all reads, writes, syncs fails with -EIO, as drawn; 0: none. */
void sim_disk_errors(struct env *env, unsigned reads, unsigned writes, unsigned syncs);
/* The n-th operation from now (0: the next; < 0: none) that changes the disk fails so. */
void sim_disk_fail(struct env *env, long n, int error);
/* The program dies in the n-th operation from now that changes the disk (0: the next; < 0:
 * never): that may be half done, all after it fail with -EIO, its loops have no more turns,
 * and what it still sends goes nowhere. */
void sim_disk_cut(struct env *env, long n);
bool sim_disk_is_cut(const struct env *env);
/* Once all files and links are closed: another program may run. `lose`: the power was
 * gone, too. */
void sim_disk_restart(struct env *env, bool lose);

/* ---- what has happened ---- */

enum sim_fault {
    SIM_STOP,
    SIM_POWER,
    SIM_CLOCK,
    SIM_DELAY,
    SIM_STALL,
    SIM_CUT,
    SIM_RESET,     /* connections */
    SIM_HALF_OPEN, /* connections whose end was not told */
    SIM_ENOSPC,    /* operations */
    SIM_EIO,       /* operations */
    SIM_LOST,      /* unsynced sectors */
    SIM_FAULTS,
};
const char *sim_fault_name(enum sim_fault fault);
uint64_t sim_fault_count(const struct env *env, enum sim_fault fault);

/* A number from lo to hi, both included, for a simulation's own choices: of a stream of
 * its own, which no event depends on. */
int64_t sim_choose(uint64_t *state, int64_t lo, int64_t hi);

#endif

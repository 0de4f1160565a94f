/* The world: clock, random, threads. Everything a broker does outside its own
 * memory goes through an env, real or simulated (see loop.h, proc.h, file.h,
 * local.h for the other doors).
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_ENV_ENV_H
#define FLUX_ENV_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct env;
struct env_thread;

/* The real world. One env may be shared by all threads of a process. */
int env_new_real(struct env **ret);

/* A simulated world: one thread, virtual time, every choice drawn from `seed`. */
int env_new_sim(uint64_t seed, struct env **ret);
struct env *env_ref(struct env *env);
void env_unref(struct env *env); /* accepts NULL */
bool env_is_sim(const struct env *env);

/* Wall clock, seconds since the epoch; and a clock that only goes forward. */
double env_time(struct env *env);
double env_monotonic(struct env *env);

/* Fill buf: cryptographic in the real world, seeded in the simulated one. */
void env_random(struct env *env, void *buf, size_t len);
/* Write a version-4 UUID, 36 characters and a final NUL. */
void env_uuid(struct env *env, char buf[37]);

/* A thread of its own (signals blocked). -ENOTSUP in the simulated world. */
int env_thread_start(struct env *env, const char *name, void (*fn)(void *arg), void *arg,
                     struct env_thread **ret);
/* Wait for the thread to return, and free it. */
void env_thread_join(struct env_thread *t);

/* Simulated world only. Run every loop of this world until virtual time reaches
 * `until` (as env_monotonic) or nothing is left that could happen. Returns 1 when
 * more would happen later, 0 when not. */
int env_sim_run(struct env *env, double until);
/* Simulated world only. A running hash of every event the simulation made
 * (what, when); equal seeds and programs give equal hashes. */
uint64_t env_sim_hash(const struct env *env);
/* Mix an event of the program's own into the hash. */
void env_sim_trace(struct env *env, const char *what, uint64_t a, uint64_t b);

#endif

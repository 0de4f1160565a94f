/* Futures: a result that is not there yet. Wait for it (flux_future_get), or say what
 * to do when it comes (flux_future_then), not both at once. A future with several
 * results (a streaming RPC) shows one at a time: flux_future_reset() makes place for
 * the next.
 */
#ifndef FLUX_FUTURE_H
#define FLUX_FUTURE_H

#include <flux/types.h>
#include <flux/reactor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct flux_future flux_future_t;

typedef void (*flux_continuation_f)(flux_future_t *f, void *arg);

/* Call cb on the reactor's thread for each result. timeout: seconds, < 0 none; when it
 * ends the future is fulfilled with ETIMEDOUT. -1, errno: EINVAL no reactor to be had. */
int flux_future_then(flux_future_t *f, double timeout, flux_continuation_f cb, void *arg);
/* Wait for a result. 0, or -1: ETIMEDOUT (the future stays as it was), EDEADLOCK nothing
 * can fulfill it. */
int flux_future_wait_for(flux_future_t *f, double timeout);
/* The result, waiting for it if need be. `result` (may be NULL) gets the borrowed
 * value. -1 with the errno it was fulfilled with. */
int flux_future_get(flux_future_t *f, const void **result);
/* Forget the result and get ready for the next one. */
void flux_future_reset(flux_future_t *f);
void flux_future_incref(flux_future_t *f);
/* Drop a reference; the last one frees. Accept NULL, keep errno. */
void flux_future_decref(flux_future_t *f);
void flux_future_destroy(flux_future_t *f);
bool flux_future_is_ready(flux_future_t *f);
bool flux_future_has_error(flux_future_t *f);
/* Text of the error: what it was fulfilled with, else the errno's; NULL without one. */
const char *flux_future_error_string(flux_future_t *f);

/* Things kept with the future by name (see flux_aux_set). */
void *flux_future_aux_get(flux_future_t *f, const char *name);
int flux_future_aux_set(flux_future_t *f, const char *name, void *aux,
                        flux_free_f destroy);

/* For those who make futures. cb (may be NULL) is called when somebody first waits for
 * the future or calls then: it starts the watchers that will fulfill it, on
 * flux_future_get_reactor(), which is a temporary one while someone waits. */
typedef void (*flux_future_init_f)(flux_future_t *f, void *arg);
flux_future_t *flux_future_create(flux_future_init_f cb, void *arg);

/* Give a result (freed with free_fn, may be NULL), or an error and its text (may be
 * NULL). Results given while one is there wait in line. */
void flux_future_fulfill(flux_future_t *f, void *result, flux_free_f free_fn);
void flux_future_fulfill_error(flux_future_t *f, int errnum, const char *errstr);
/* Give f the result of p, and a reference on p that keeps it alive. -1, errno. */
int flux_future_fulfill_with(flux_future_t *f, flux_future_t *p);
/* The future cannot go on: an error that a reset does not remove. */
void flux_future_fatal_error(flux_future_t *f, int errnum, const char *errstr);

void flux_future_set_flux(flux_future_t *f, flux_t *h);
/* The handle; inside an init function while someone waits, a clone for that wait.
 * NULL, errno: EINVAL none was set. */
flux_t *flux_future_get_flux(flux_future_t *f);
void flux_future_set_reactor(flux_future_t *f, flux_reactor_t *r);
flux_reactor_t *flux_future_get_reactor(flux_future_t *f);

/* Composition: fulfilled when all children are, or any one is. The children belong to
 * the composite future. */
flux_future_t *flux_future_wait_all_create(void);
flux_future_t *flux_future_wait_any_create(void);
/* Add a child (taken over on success); name NULL: a made-up one. -1, errno: EEXIST. */
int flux_future_push(flux_future_t *cf, const char *name, flux_future_t *f);
/* The children's names in the order of flux_future_push(); NULL at the end. */
const char *flux_future_first_child(flux_future_t *cf);
const char *flux_future_next_child(flux_future_t *cf);
flux_future_t *flux_future_get_child(flux_future_t *cf, const char *name); /* borrowed */

/* Chaining: a future that is fulfilled by cb once `prev`, which it takes over, has
 * succeeded (and_then) or failed (or_then); in the other case it takes prev's result.
 * cb ends with one of the three calls below. */
flux_future_t *flux_future_and_then(flux_future_t *prev, flux_continuation_f cb,
                                    void *arg);
flux_future_t *flux_future_or_then(flux_future_t *prev, flux_continuation_f cb,
                                   void *arg);
/* In cb: f (taken over) is to fulfill the next future; fail the next future; fulfill it
 * with a value. -1, errno. */
int flux_future_continue(flux_future_t *prev, flux_future_t *f);
void flux_future_continue_error(flux_future_t *prev, int errnum, const char *errstr);
int flux_future_fulfill_next(flux_future_t *f, void *result, flux_free_f free_fn);

#ifdef __cplusplus
}
#endif
#endif

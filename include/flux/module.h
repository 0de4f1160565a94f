/* Broker modules: services that live next to the broker.
 *
 * A module exports one const struct flux_module (`const struct flux_module
 * flux_module = {...}` in a shared object; built-in ones are in a table). The
 * host decides where it runs: on the broker's reactor (inline) or on a thread of
 * its own. init registers handlers and returns; it never runs a loop.
 * The classic entry `int mod_main (flux_t *h, int argc, char **argv)` with
 * `const char *mod_name`, which runs its own reactor, is supported too.
 */
#ifndef FLUX_MODULE_H
#define FLUX_MODULE_H

#include <flux/types.h>
#include <flux/message.h>
#include <flux/msg_handler.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FLUX_MODULE_ABI 1

enum {
    FLUX_MODULE_INLINE = 0, /* on the broker's reactor: must never be slow */
    FLUX_MODULE_THREAD = 1, /* on a thread of its own */
    /* Built-in ones: loaded on every rank, with "flux::store" at rank 0 only; the others
     * are loaded at rank 0. */
    FLUX_MODULE_ALL_RANKS = 2,
};

struct flux_module {
    uint32_t abi;     /* FLUX_MODULE_ABI */
    uint32_t size;    /* sizeof (struct flux_module) */
    const char *name; /* module name = its service name on the wire */
    /* Start. argv holds the arguments of the load request, after `defaults`.
     * *ret_ctx is passed to fini. 0, or -1 with errno; log the reason on h. */
    int (*init)(flux_t *h, int argc, char **argv, void **ret_ctx);
    /* Stop: free ctx. The handle is closed by the host afterwards. */
    void (*fini)(flux_t *h, void *ctx);
    /* Optional: called before fini on orderly stop; call done(h) when requests in
     * hand are finished (e.g. the store is flushed). */
    void (*stop)(flux_t *h, void *ctx, void (*done)(flux_t *h));
    const char *const *services; /* more service names, NULL-terminated, or NULL */
    const char *const *defaults; /* arguments, NULL-terminated, or NULL */
    int flags;                   /* FLUX_MODULE_x */
};

typedef int (*flux_mod_main_f)(flux_t *h, int argc, char **argv);

/* mod_main modules: tell the broker that start-up is over. 0, or -1, errno. */
int flux_module_set_running(flux_t *h);

/* What the host hung on a built-in module's handle with flux_aux_set():
 *   "flux::store"  struct store *      the instance's store (lib/store); rank 0
 *   "flux::env"    struct env *        the world (lib/env)
 *   "flux::name"   const char *        the module's name
 *   "flux::uuid"   const char *        the module's routing id
 *   "flux::conf"   flux_conf_t *       configuration at load (see flux_get_conf)
 */

#ifdef __cplusplus
}
#endif
#endif

/* The module host: loads modules (built-in, or from a shared object), gives each a handle
 * and a place to run (the broker's loop, or a thread), stops them in reverse order; the
 * services module.load, remove, list, status, debug.
 */
#ifndef FLUX_BROKER_MODHOST_H
#define FLUX_BROKER_MODHOST_H

#include <flux/module.h>

#include "broker/core.h"

struct broker;
struct modhost;
struct module;

/* errnum 0: it runs. err: the reason otherwise. */
typedef void (*modhost_done_f)(int errnum, const flux_error_t *err, void *arg);

int modhost_new(struct broker *b, struct modhost **ret);
void modhost_free(struct modhost *mh); /* no module may be left; accepts NULL */
int modhost_serve(struct modhost *mh);

/* Load a module: `path` is the name of a built-in one, the path of a shared object, or a
 * name to be found in FLUX_MODULE_PATH; name NULL: its own. done may run at once. */
void modhost_load(struct modhost *mh, const char *path, const char *name, int argc,
                  const char *const *argv, modhost_done_f done, void *arg);
/* "path arg arg...", as in the options. */
void modhost_load_line(struct modhost *mh, const char *line, modhost_done_f done,
                       void *arg);
/* Stop one; done runs when it is gone. */
void modhost_remove(struct modhost *mh, const char *name, modhost_done_f done, void *arg);
/* Stop all, the last loaded first, one after the other. */
void modhost_stop(struct modhost *mh, void (*done)(void *arg), void *arg);
/* End all at once; their threads are waited for. */
void modhost_crash(struct modhost *mh);
bool modhost_has(const struct modhost *mh, const char *name);
void modhost_each(const struct modhost *mh, void (*fn)(const char *name, void *arg),
                  void *arg);

#endif

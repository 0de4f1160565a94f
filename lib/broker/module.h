/* One module: its code, its handle, where it runs, and its life. Used by modhost*.c.
 *
 *     MODULE_INIT -> MODULE_RUNNING -> MODULE_FINALIZING -> gone
 *
 * What happens to it is told to the host by module_event_f, on the broker's thread.
 */
#ifndef FLUX_BROKER_MODULE_H
#define FLUX_BROKER_MODULE_H

#include <stdatomic.h>

#include <flux/module.h>

#include "base/list.h"
#include "broker/dso.h"
#include "broker/modhost.h"
#include "broker/port.h"

enum module_status {
    MODULE_INIT = 0, /* numbers as on the wire */
    MODULE_RUNNING = 1,
    MODULE_FINALIZING = 2,
    MODULE_EXITED = 3,
};

/* MODULE_RUNNING, or MODULE_EXITED: its handle is closed and its thread gone; free it.
 * m->errnum and m->error say why, when it failed. */
typedef void (*module_event_f)(struct module *m, enum module_status what, void *arg);

struct module {
    struct list link;
    struct broker *broker;
    char *name, *path;
    int argc;
    char **argv;
    struct dso *dso;                /* NULL: built in */
    const struct flux_module *desc; /* NULL: mod_main */
    flux_mod_main_f mod_main;

    enum module_status status;
    struct port *port;
    flux_t *h;
    void *ctx;
    bool on_thread, stopping;
    atomic_uint posts; /* calls on their way to the broker's loop, ... */
    bool crashed;      /* ... the last of which frees it */
    struct env_thread *thread;
    struct flux_msg_handler **methods; /* generic ones */
    int debug_flags;
    int errnum;
    flux_error_t error;
    module_event_f event;
    void *event_arg;

    /* Who waits. */
    modhost_done_f loaded;
    void *loaded_arg;
    struct list removers;
};

/* code: exactly one of desc (built in) and dso. argv is copied, behind the module's
 * defaults. */
int module_new(struct broker *b, const char *name, const char *path,
               const struct flux_module *desc, struct dso *dso, int argc,
               const char *const *argv, struct module **ret);
void module_free(struct module *m); /* not while it runs; accepts NULL */
/* Register services and start. Failure to get that far is returned, with m->error;
 * otherwise event_fn hears how it went. */
int module_start(struct module *m, module_event_f event_fn, void *arg);
/* Ask it to stop; MODULE_EXITED follows. */
void module_stop(struct module *m);
/* End it now, and free it. */
void module_crash(struct module *m);
/* It said that it runs. */
void module_set_running(struct module *m);

/* The host, for modservice.c. */
struct list *modhost_list(struct modhost *mh);
struct broker *modhost_broker(struct modhost *mh);
struct module *modhost_find(const struct modhost *mh, const char *name);

/* modmethods.c: the methods that every module has. On the module's thread. */
int modmethods_add(struct module *m);
/* The module finished its stop function, or has none. Module's thread. */
void module_stopped(flux_t *h);

#endif

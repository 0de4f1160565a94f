/* A host for plug-ins: named sets of callbacks, from a shared object or from the
 * program itself, called by topic with an argument object. The job manager's
 * plug-ins (flux/jobtap.h) and the shell's are of this kind.
 *
 * A shared object exports `int flux_plugin_init (flux_plugin_t *p)`, which registers
 * its callbacks. A plugin and its arguments belong to one thread.
 * Functions return 0 or a pointer, or -1 / NULL with errno.
 */
#ifndef FLUX_PLUGIN_H
#define FLUX_PLUGIN_H

#include <stdarg.h>

#include <flux/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct flux_plugin flux_plugin_t;
typedef struct flux_plugin_arg flux_plugin_arg_t;

/* A callback. 0, or -1: the host's operation fails (the reason as "errstr" in the
 * output arguments, where the host reads one). */
typedef int (*flux_plugin_f)(flux_plugin_t *p, const char *topic, flux_plugin_arg_t *args,
                             void *data);
typedef int (*flux_plugin_init_f)(flux_plugin_t *p);

/* Table for flux_plugin_register(); a zero entry ends it. */
struct flux_plugin_handler {
    const char *topic; /* glob */
    flux_plugin_f cb;
    void *data;
};

/* Flags of flux_plugin_set_flags(): how flux_plugin_load_dso() opens the object. */
enum {
    FLUX_PLUGIN_RTLD_LAZY = 1,
    FLUX_PLUGIN_RTLD_NOW = 2,
    FLUX_PLUGIN_RTLD_GLOBAL = 4,
    FLUX_PLUGIN_RTLD_DEEPBIND = 8,
};

flux_plugin_t *flux_plugin_create(void);
/* Frees aux data, then closes the object. Accepts NULL, keeps errno. */
void flux_plugin_destroy(flux_plugin_t *p);

int flux_plugin_get_flags(flux_plugin_t *p);
int flux_plugin_set_flags(flux_plugin_t *p, int flags);

/* Why the last call on p failed; "" if it did not. Borrowed. */
const char *flux_plugin_strerror(flux_plugin_t *p);

/* The name replaces the one before. The uuid is made at first use; the path is NULL
 * unless loaded from an object. Borrowed. */
int flux_plugin_set_name(flux_plugin_t *p, const char *name);
const char *flux_plugin_get_name(flux_plugin_t *p);
const char *flux_plugin_get_uuid(flux_plugin_t *p);
const char *flux_plugin_get_path(flux_plugin_t *p);

/* Call cb for topics that match the glob `topic`; cb NULL removes the entry of exactly
 * that glob. Of several matches the one added first is called. */
int flux_plugin_add_handler(flux_plugin_t *p, const char *topic, flux_plugin_f cb,
                            void *arg);
int flux_plugin_remove_handler(flux_plugin_t *p, const char *topic);
/* The callback of exactly this glob; the one that would be called for this topic. NULL:
 * none (errno is 0), or errno. */
flux_plugin_f flux_plugin_get_handler(flux_plugin_t *p, const char *topic);
flux_plugin_f flux_plugin_match_handler(flux_plugin_t *p, const char *topic);
/* Set the name (unless NULL) and add a table of handlers. */
int flux_plugin_register(flux_plugin_t *p, const char *name,
                         const struct flux_plugin_handler t[]);

/* Things kept with the plug-in by name (key NULL: until destruction). A key set again
 * frees the old value; val NULL removes it. */
int flux_plugin_aux_set(flux_plugin_t *p, const char *key, void *val,
                        flux_free_f free_fn);
void *flux_plugin_aux_get(flux_plugin_t *p, const char *key);
/* Remove what has this value, without calling its free_fn. */
void flux_plugin_aux_delete(flux_plugin_t *p, const void *val);

/* Configuration given at load: the text of a JSON object. get: NULL with errno ENOENT
 * when there is none; unpack fails with EINVAL then. */
int flux_plugin_set_conf(flux_plugin_t *p, const char *json_str);
const char *flux_plugin_get_conf(flux_plugin_t *p);
int flux_plugin_conf_unpack(flux_plugin_t *p, const char *fmt, ...);

/* Arguments: two JSON objects, one for what the host tells (IN) and one for what the
 * plug-ins answer (OUT). */
enum {
    FLUX_PLUGIN_ARG_IN = 0,
    FLUX_PLUGIN_ARG_OUT = 1,
    FLUX_PLUGIN_ARG_REPLACE = 2, /* set, pack: replace the object instead of merging */
};
flux_plugin_arg_t *flux_plugin_arg_create(void);
void flux_plugin_arg_destroy(flux_plugin_arg_t *args); /* accepts NULL, keeps errno */
const char *flux_plugin_arg_strerror(flux_plugin_arg_t *args);
/* As text. set with NULL empties the object; what get returns is yours to free(). */
int flux_plugin_arg_set(flux_plugin_arg_t *args, int flags, const char *json_str);
int flux_plugin_arg_get(flux_plugin_arg_t *args, int flags, char **json_str);
/* In the format language of flux_rpc_pack(). Strings and objects that unpack gives are
 * borrowed until the arguments change. */
int flux_plugin_arg_pack(flux_plugin_arg_t *args, int flags, const char *fmt, ...);
int flux_plugin_arg_vpack(flux_plugin_arg_t *args, int flags, const char *fmt,
                          va_list ap);
int flux_plugin_arg_unpack(flux_plugin_arg_t *args, int flags, const char *fmt, ...);
int flux_plugin_arg_vunpack(flux_plugin_arg_t *args, int flags, const char *fmt,
                            va_list ap);

/* For hosts: IN values made only when somebody asks. fill is called before the first
 * look at IN, and again while a look-up misses (or has optional keys): it adds values
 * with flux_plugin_arg_pack() and returns 1, or 0 when there is nothing more to add.
 * free_ctx(ctx) (may be NULL) is called when the arguments are destroyed. */
typedef int (*flux_plugin_arg_fill_f)(flux_plugin_arg_t *args, void *ctx);
int flux_plugin_arg_set_fill(flux_plugin_arg_t *args, flux_plugin_arg_fill_f fill,
                             void *ctx, flux_free_f free_ctx);

/* Call the handler for a topic. 1: called; 0: there is none; -1: it failed. */
int flux_plugin_call(flux_plugin_t *p, const char *name, flux_plugin_arg_t *args);

/* Open a shared object and run its flux_plugin_init(). -1: the reason is in
 * flux_plugin_strerror(). */
int flux_plugin_load_dso(flux_plugin_t *p, const char *path);

#ifdef __cplusplus
}
#endif
#endif

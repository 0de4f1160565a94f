/* Configuration: a tree of values, read from TOML files, held as a JSON object. An
 * object is not changed once made and may be shared; it is counted.
 */
#ifndef FLUX_CONF_H
#define FLUX_CONF_H

#include <stdarg.h>

#include <flux/types.h>
#include <flux/message.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct flux_conf flux_conf_t;

/* An empty one. NULL, errno. */
flux_conf_t *flux_conf_create(void);
flux_conf_t *flux_conf_copy(const flux_conf_t *conf);
/* Read a file (*.toml, or *.json) or all *.toml of a folder, in the order of their names;
 * tables of the same name are merged, later values win. NULL, errno, and in `error` the
 * file, the line and what is wrong. */
flux_conf_t *flux_conf_parse(const char *path, flux_error_t *error);
/* From a format as of flux_rpc_pack(), an object. NULL, errno. */
flux_conf_t *flux_conf_pack(const char *fmt, ...);
flux_conf_t *flux_conf_vpack(const char *fmt, va_list ap);
const flux_conf_t *flux_conf_incref(const flux_conf_t *conf);
void flux_conf_decref(const flux_conf_t *conf); /* accepts NULL */

/* Read values; strings are borrowed. -1, errno, the reason in `error` (may be NULL). */
int flux_conf_unpack(const flux_conf_t *conf, flux_error_t *error, const char *fmt, ...);
int flux_conf_vunpack(const flux_conf_t *conf, flux_error_t *error, const char *fmt,
                      va_list ap);

/* The handle's configuration, borrowed; asked of the broker when none was set. NULL,
 * errno. */
const flux_conf_t *flux_get_conf(flux_t *h);
/* Set it, taking over / sharing the caller's reference. -1, errno. */
int flux_set_conf_new(flux_t *h, const flux_conf_t *conf);
int flux_set_conf(flux_t *h, const flux_conf_t *conf);
/* The configuration in a config-reload request: a reference of yours. -1, errno:
 * EPROTO. */
int flux_conf_reload_decode(const flux_msg_t *msg, const flux_conf_t **conf);

enum flux_conf_flags {
    FLUX_CONF_INSTALLED, /* the installed tree */
    FLUX_CONF_INTREE,    /* the build tree */
    FLUX_CONF_AUTO,      /* where this library is: the one or the other */
};
/* A value fixed when the library was built, or found from where it lies ("version",
 * "libdir", "bindir", ...): see flux broker's conf-builtin. Borrowed, good for the life
 * of the process. NULL, errno: EINVAL unknown. */
const char *flux_conf_builtin_get(const char *name, enum flux_conf_flags flags);

#ifdef __cplusplus
}
#endif
#endif

/* The interface of libflux-toml.so, a private shared object that libflux opens when it
 * first reads TOML, so that libflux itself does not bring the C++ runtime.
 */
#ifndef FLUX_FLUX_TOML_TOML_H
#define FLUX_FLUX_TOML_TOML_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Parse TOML text to JSON text, in malloc()ed memory. NULL on failure, with the reason in
 * err ("line 3: ..."). Dates and times become {"iso-8601-ts": "..."}. */
typedef char *(*flux_toml_to_json_f)(const char *text, size_t len, char *err,
                                     size_t errsize);
char *flux_toml_to_json(const char *text, size_t len, char *err, size_t errsize);
#define FLUX_TOML_SYMBOL "flux_toml_to_json"

#ifdef __cplusplus
}
#endif
#endif

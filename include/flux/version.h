/* The version of these headers, and of the library in use. */
#ifndef FLUX_VERSION_H
#define FLUX_VERSION_H

#ifdef __cplusplus
extern "C" {
#endif

#define FLUX_CORE_VERSION_STRING "0.1.0"
#define FLUX_CORE_VERSION_MAJOR 0
#define FLUX_CORE_VERSION_MINOR 1
#define FLUX_CORE_VERSION_PATCH 0
#define FLUX_CORE_VERSION_HEX 0x000100

/* The library's version as text: static. */
const char *flux_core_version_string(void);
/* The same as numbers (each pointer may be NULL), and as 0xMMmmpp. */
int flux_core_version(int *major, int *minor, int *patch);

#ifdef __cplusplus
}
#endif
#endif

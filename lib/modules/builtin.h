/* The modules that are built into the broker. */
#ifndef FLUX_MODULES_BUILTIN_H
#define FLUX_MODULES_BUILTIN_H

#include <flux/module.h>

/* In the order in which they are loaded by default; NULL-terminated. */
extern const struct flux_module *const builtin_modules[];

#endif

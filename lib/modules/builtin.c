/* The table of built-in modules. */
#include "modules/builtin.h"

#define MODULE(name) extern const struct flux_module name##_module;
#include "builtin-list.h"
#undef MODULE

const struct flux_module *const builtin_modules[] = {
#define MODULE(name) &name##_module,
#include "builtin-list.h"
#undef MODULE
    NULL,
};

/* What a configuration is made of. Functions return 0 or more, or -errno. */
#ifndef FLUX_FLUX_CONF_PRIVATE_H
#define FLUX_FLUX_CONF_PRIVATE_H

#include <flux/conf.h>

#include <stdatomic.h>

#include "base/json.h"

struct flux_conf {
    atomic_int refs;
    cJSON *tree; /* an object */
};

/* From a tree, which is taken over. NULL on ENOMEM. */
flux_conf_t *conf_new(cJSON *tree);

/* Read one file (TOML, or JSON by its name) to a tree. */
struct env;
int conf_read_file(struct env *env, const char *path, cJSON **ret, flux_error_t *error);
/* Put what is in `from` (taken over) into `to`: tables are merged, others replaced. */
int conf_merge(cJSON *to, cJSON *from);

#endif

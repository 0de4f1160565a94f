/* A module in a shared object: `const struct flux_module flux_module`, or the classic
 * mod_main() with an optional `const char *mod_name`. */
#ifndef FLUX_BROKER_DSO_H
#define FLUX_BROKER_DSO_H

#include <flux/module.h>

struct dso {
    void *handle;
    const struct flux_module *desc; /* or NULL, then */
    flux_mod_main_f mod_main;
    char *name; /* its own, or from the file's name */
};

/* -ENOENT, -EINVAL: not a module; err says what is wrong with the file. */
int dso_open(const char *path, struct dso **ret, flux_error_t *err);
void dso_close(struct dso *d); /* accepts NULL */
/* Find `name`.so in a colon-separated list of folders; yours to free. NULL: nowhere. */
char *dso_find(const char *search, const char *name);

#endif

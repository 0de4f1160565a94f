/* Modules in shared objects. */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "broker/dso.h"

static char *name_of_file(const char *path)
{
    const char *base = strrchr(path, '/');
    const char *dot;

    base = base ? base + 1 : path;
    dot = strstr(base, ".so");
    return strndup(base, dot && dot != base ? (size_t)(dot - base) : strlen(base));
}

static int check_desc(const char *path, const struct flux_module *desc, flux_error_t *err)
{
    if (desc->abi != FLUX_MODULE_ABI)
        return error_set(err, EINVAL, "%s: module interface %u, this broker has %u", path,
                         (unsigned)desc->abi, FLUX_MODULE_ABI);
    if (desc->size < sizeof(*desc) || !desc->name || !desc->init)
        return error_set(err, EINVAL, "%s: flux_module lacks its size, name or init",
                         path);
    return 0;
}

static int find_symbols(const char *path, struct dso *d, flux_error_t *err)
{
    const char *const *mod_name;

    d->desc = dlsym(d->handle, "flux_module");
    if (d->desc) {
        int rc = check_desc(path, d->desc, err);

        if (rc < 0)
            return rc;
        d->name = strdup(d->desc->name);
    } else if ((*(void **)&d->mod_main = dlsym(d->handle, "mod_main"))) {
        mod_name = dlsym(d->handle, "mod_name");
        d->name = mod_name && *mod_name ? strdup(*mod_name) : name_of_file(path);
    } else
        return error_set(err, EINVAL,
                         "%s: not a module: it exports neither flux_module nor mod_main",
                         path);
    return d->name ? 0 : -ENOMEM;
}

int dso_open(const char *path, struct dso **ret, flux_error_t *err)
{
    struct dso *d;
    int rc;

    if (access(path, R_OK) < 0) {
        rc = errno;
        return error_set(err, rc, "module %s: %s", path, strerror(rc));
    }
    if (!(d = calloc(1, sizeof(*d))))
        return -ENOMEM;
    if (!(d->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL))) {
        rc = error_set(err, EINVAL, "module %s", dlerror());
        free(d);
        return rc;
    }
    if ((rc = find_symbols(path, d, err)) < 0) {
        dso_close(d);
        return rc;
    }
    *ret = d;
    return 0;
}

void dso_close(struct dso *d)
{
    if (!d)
        return;
    if (d->handle)
        dlclose(d->handle);
    free(d->name);
    free(d);
}

char *dso_find(const char *search, const char *name)
{
    while (search && *search) {
        size_t len = strcspn(search, ":");
        char *path;

        if (len > 0 && asprintf(&path, "%.*s/%s.so", (int)len, search, name) >= 0) {
            if (access(path, R_OK) == 0)
                return path;
            free(path);
        }
        search += len + (search[len] == ':');
    }
    return NULL;
}

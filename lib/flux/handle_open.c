/* Opening a handle by URI: SCHEME://PATH, an ancestor of the enclosing instance, or
 * nothing (the enclosing instance, else the system's).
 */
#include "flux/handle_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/attr.h>
#include <flux/conf.h>

#include "base/error.h"

static const struct connector *const connectors[] = {&local_connector, &loop_connector,
                                                     &ssh_connector};

#define FLAGS_OPEN                                                                       \
    (FLUX_O_TRACE | FLUX_O_NONBLOCK | FLUX_O_MATCHDEBUG | FLUX_O_TEST_NOSUB |            \
     FLUX_O_RPCTRACK | FLUX_O_NOREQUEUE)

static const struct connector *find_connector(const char *scheme, size_t len)
{
    for (size_t i = 0; i < ARRAY_SIZE(connectors); i++) {
        const char *name = connectors[i]->scheme;

        if (strlen(name) == len && memcmp(name, scheme, len) == 0)
            return connectors[i];
    }
    return NULL;
}

static flux_t *open_native(const char *uri, int flags, flux_error_t *error)
{
    const char *sep = strstr(uri, "://");
    const struct connector *c;

    if (!sep || !(c = find_connector(uri, (size_t)(sep - uri)))) {
        errno = -error_set(error, EINVAL,
                           sep ? "%s: unknown scheme (known: local, loop, ssh)"
                               : "%s: not a URI like local://PATH",
                           uri);
        return NULL;
    }
    return c->open(sep + 3, flags, error);
}

static flux_t *open_default(int flags, flux_error_t *error)
{
    const char *uri = getenv("FLUX_URI");

    if (!uri && !(uri = flux_conf_builtin_get("system_uri", FLUX_CONF_AUTO)))
        return NULL;
    return open_native(uri, flags, error);
}

/* How many levels up: "..", "../..", ...; -1 for all ("/"), -2: no such path. */
static int ancestor_levels(const char *path)
{
    int levels = 0;

    if (strcmp(path, "/") == 0)
        return -1;
    if (strcmp(path, ".") == 0)
        return 0;
    while (strncmp(path, "..", 2) == 0) {
        levels++;
        path += 2;
        if (!*path)
            return levels;
        if (*path++ != '/')
            return -2;
        if (!*path)
            return levels;
    }
    return -2;
}

/* As with folders, the outermost instance is its own parent. */
static flux_t *open_ancestor(int levels, int flags, flux_error_t *error)
{
    flux_t *h = open_default(flags, error);

    while (h && levels != 0) {
        const char *uri = flux_attr_get(h, "parent-uri");
        flux_t *parent;

        if (!uri || !*uri)
            return h;
        parent = open_native(uri, flags, error);
        flux_close(h);
        h = parent;
        if (levels > 0)
            levels--;
    }
    return h;
}

/* FLUX_HANDLE_x: for trying things out from a shell. */
static int set_from_environment(flux_t *h, const char *name, const char *option)
{
    const char *s = getenv(name);
    uint32_t n;

    if (!s)
        return 0;
    n = (uint32_t)strtoul(s, NULL, 0);
    return flux_opt_set(h, option, &n, sizeof(n));
}

static int configure(flux_t *h)
{
    if (getenv("FLUX_HANDLE_TRACE"))
        flux_flags_set(h, FLUX_O_TRACE);
    if (set_from_environment(h, "FLUX_HANDLE_USERID", FLUX_OPT_TESTING_USERID) < 0)
        return -1;
    return set_from_environment(h, "FLUX_HANDLE_ROLEMASK", FLUX_OPT_TESTING_ROLEMASK);
}

static flux_t *open_uri(const char *uri, int flags, flux_error_t *error)
{
    int levels;

    if (!uri)
        return open_default(flags, error);
    if ((levels = ancestor_levels(uri)) != -2)
        return open_ancestor(levels, flags, error);
    return open_native(uri, flags, error);
}

flux_t *flux_open_ex(const char *uri, int flags, flux_error_t *error)
{
    flux_error_t ignored;
    flux_t *h;

    if (!error)
        error = &ignored;
    error->text[0] = '\0';
    if (flags & ~FLAGS_OPEN) {
        errno = -error_set(error, EINVAL, "invalid flags 0x%x", (unsigned)flags);
        return NULL;
    }
    if ((h = open_uri(uri, flags, error)) && configure(h) < 0) {
        flux_close(h);
        h = NULL;
    }
    if (!h && !error->text[0]) {
        int saved_errno = errno;

        error_set(error, errno, "%s", strerror(errno));
        errno = saved_errno;
    }
    return h;
}

flux_t *flux_open(const char *uri, int flags)
{
    return flux_open_ex(uri, flags, NULL);
}
